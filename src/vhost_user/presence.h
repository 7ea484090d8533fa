/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The host pages that were made present for the run of the device that is under way, so that the
 * host is not asked for them again: a few, the newest.
 *
 * Nothing is known between two runs, nor after the host was asked for anything: the pages that a
 * queue or a buffer lies in may be in the balloon, and be dropped by the very message that is
 * read from them.
 */
#ifndef VBALLOON_VHOST_USER_PRESENCE_H
#define VBALLOON_VHOST_USER_PRESENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "vhost_user/slot.h"

#define VBALLOON_PRESENCE_MAX 8

/* Zero-initialised: between runs. */
struct vballoon_presence {
	bool running;
	unsigned int count;
	unsigned int oldest; /* when all are taken */
	struct vballoon_present {
		const struct vballoon_slot *slot;
		uint64_t page; /* of the host, from the beginning of the file */
	} pages[VBALLOON_PRESENCE_MAX];
};

/* A run begins, or ends. */
void vballoon_presence_begin(struct vballoon_presence *presence);
void vballoon_presence_end(struct vballoon_presence *presence);

/* The host has taken memory, or is about to. */
void vballoon_presence_forget(struct vballoon_presence *presence);

/* As vballoon_slot_populate(), unless that is done already. */
int vballoon_presence_populate(struct vballoon_presence *presence, const struct vballoon_slot *slot,
			       uint64_t offset, uint64_t len);

#endif /* VBALLOON_VHOST_USER_PRESENCE_H */
