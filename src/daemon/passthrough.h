/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whether a device is passed through to the guest.
 *
 * A device that reaches the guest's memory by itself (VFIO, iommufd, vhost-vdpa,
 * RDMA) has the host pin that memory. What is dropped then is not freed; worse, the
 * guest gets another page in its place, and the device goes on writing to the old
 * one. So nothing is dropped while the front end has such a device open, nor
 * while it cannot be told.
 *
 * It is told by the front end's open descriptors, as procfs shows them to the same
 * user; to another user, by how much of the front end's memory the host counts as
 * locked or pinned: if none is, there is no such device.
 */
#ifndef VBALLOON_DAEMON_PASSTHROUGH_H
#define VBALLOON_DAEMON_PASSTHROUGH_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/process.h"

/* What the operator says about it (--passthrough). */
enum vballoon_passthrough_mode {
	VBALLOON_PASSTHROUGH_DETECT,
	VBALLOON_PASSTHROUGH_SAY_ABSENT,
	VBALLOON_PASSTHROUGH_SAY_PRESENT,
};

enum vballoon_passthrough_state {
	VBALLOON_PASSTHROUGH_UNKNOWN, /* taken for present */
	VBALLOON_PASSTHROUGH_ABSENT,
	VBALLOON_PASSTHROUGH_PRESENT,
};

/* What is known. */
struct vballoon_passthrough {
	enum vballoon_passthrough_state state;
	bool by_pins; /* told by memory that is pinned already, not by a descriptor that comes first */
	int64_t pinned_kib; /* that the host counted meanwhile; a negative errno: it does not tell */
	uint64_t descriptors; /* that were there; 0: the host does not count them so */
	char text[320]; /* what was found, or why nothing can be and what to do; "": absent */
};

/* Returns NULL, or what is wrong with @text. */
const char *vballoon_passthrough_parse(const char *text, enum vballoon_passthrough_mode *mode_out);

/* @return its name in the control protocol. */
const char *vballoon_passthrough_name(enum vballoon_passthrough_state state);

/* What is known before the front end has spoken. */
void vballoon_passthrough_begin(enum vballoon_passthrough_mode mode,
				struct vballoon_passthrough *known_out);

/* Look at all descriptors of the front end's process, or, where this user may not, at what
 * the host tells of its memory. A process that is none, pid 0, cannot be seen from here. */
void vballoon_passthrough_look(const struct vballoon_process *process,
			       struct vballoon_passthrough *found_out);

#endif /* VBALLOON_DAEMON_PASSTHROUGH_H */
