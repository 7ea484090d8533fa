/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What outlives this process of a connection: everything that its front end has said, and the
 * descriptors that came with it. It is brought up to date after every message, before the
 * message is answered, and either all of it or nothing. Whoever goes on has the message again
 * that was not answered, and either its effect, with the answer, or not.
 *
 * The journal of the device and the page maps lie in memory files that are kept with it.
 */
#ifndef VBALLOON_VHOST_USER_KEPT_H
#define VBALLOON_VHOST_USER_KEPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vhost_user/channel.h"
#include "vhost_user/protocol.h"
#include "vhost_user/vrings.h"
#include <vballoon/memory.h>

struct vballoon_vhost_user;

/* struct vballoon_kept_vring.bits */
#define VBALLOON_KEPT_ADDR_GIVEN 0x1U
#define VBALLOON_KEPT_BASE_GIVEN 0x2U
#define VBALLOON_KEPT_KICK_GIVEN 0x4U
#define VBALLOON_KEPT_ENABLED 0x8U
#define VBALLOON_KEPT_RUNNING 0x10U

struct vballoon_kept_vring {
	struct vhost_user_vring_addr addr;
	uint32_t size, next;
	uint32_t bits;
	uint32_t reserved;
};

struct vballoon_kept_slot {
	struct vhost_user_region wire;
	uint64_t id; /* in the names of its descriptors */
};

/* struct vballoon_kept_state.bits */
#define VBALLOON_KEPT_USABLE 0x1U /* the driver's features */
#define VBALLOON_KEPT_LOGS 0x2U
#define VBALLOON_KEPT_PROVEN 0x4U /* the memory is shared */
#define VBALLOON_KEPT_NOT_SHARED 0x8U
#define VBALLOON_KEPT_OWNED 0x10U
#define VBALLOON_KEPT_HEARD 0x20U /* a driver */

struct vballoon_kept_state {
	uint64_t messages; /* that are in it */
	uint64_t features_acked, protocol_features;
	uint64_t slot_ids; /* given so far */
	struct vhost_user_log log;
	uint32_t bits;
	uint32_t device_status;
	uint32_t slots;
	uint32_t answer_bytes;
	int32_t peer; /* the process that has sent the last of them */
	uint32_t reserved;
	struct vballoon_kept_vring vrings[VBALLOON_VRINGS_MAX];
	struct vballoon_kept_slot slot[VBALLOON_MEMORY_REGIONS_MAX];
	uint8_t answer[VBALLOON_ANSWER_MAX]; /* to the last message, with its header */
};

/* Of all that is in the memory file: another program may be of another. */
#define VBALLOON_KEPT_VERSION 1U

/* How the memory file begins; the device's journal is behind it. */
struct vballoon_kept_file {
	uint64_t magic;
	uint32_t version;
	uint32_t turn; /* which of the two counts */
	struct vballoon_kept_state states[2];
};

/* Of one connection. All zero but the descriptors, which are -1: nothing is kept. */
struct vballoon_kept {
	struct vballoon_kept_file *file; /* NULL: nothing is kept */
	size_t bytes;
	/* As they were when they were last handed to the keeper. */
	int kick[VBALLOON_VRINGS_MAX], call[VBALLOON_VRINGS_MAX], err[VBALLOON_VRINGS_MAX];
	int log_event, requests;
};

void vballoon_kept_init(struct vballoon_kept *kept);

/* Begin to keep, if there is a keeper: 0 or a negative errno. */
int vballoon_kept_begin(struct vballoon_vhost_user *back_end);

/* Find what another process has kept: 0; -ENOENT when there is nothing, or its front end has said
 * nothing; -EINVAL when it is not to be understood; what mmap() gave. */
int vballoon_kept_find(struct vballoon_vhost_user *back_end);

/* Take it over, once there is the device. Returns as vballoon_vhost_user_recover(). */
int vballoon_kept_take(struct vballoon_vhost_user *back_end);

/* The device's journal; NULL: none is kept. */
void *vballoon_kept_journal(const struct vballoon_kept *kept);

/* Keep what a message has changed, with the answer in the channel. */
void vballoon_kept_update(struct vballoon_vhost_user *back_end);

/* Keep what a kick has told of whether the guest's memory is shared. */
void vballoon_kept_note_shared(struct vballoon_vhost_user *back_end);

/* Keep one descriptor under a name. */
void vballoon_kept_keep(struct vballoon_vhost_user *back_end, const char *name, int fd);

/* The connection is over, and so is what was kept of it. */
void vballoon_kept_end(struct vballoon_vhost_user *back_end);

/* The process ends, or another goes on: the memory is unmapped. */
void vballoon_kept_close(struct vballoon_kept *kept);

#endif /* VBALLOON_VHOST_USER_KEPT_H */
