/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The dirty log: a bitmap that the front end shares while it migrates, with a
 * bit for every 4 KiB of guest memory that the device has written to.
 */
#ifndef VBALLOON_VHOST_USER_DIRTY_LOG_H
#define VBALLOON_VHOST_USER_DIRTY_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vhost_user/protocol.h"
#include <vballoon/types.h>

/* Zero-initialised but for event, which is -1: there is no log. */
struct vballoon_dirty_log {
	bool wanted; /* VHOST_F_LOG_ALL is acked */
	bool marked; /* since the front end was last told */
	int event; /* owned; raised when something was marked; -1: none */
	void *map; /* NULL: no log */
	size_t map_bytes;
	uint8_t *bits;
	uint64_t bytes; /* of bits */
};

/* Map a log in place of the one before. @fd stays the caller's. Returns 0;
 * -EINVAL when the file is smaller than it is said to be; what mmap() gave. */
int vballoon_dirty_log_map(struct vballoon_dirty_log *log, const struct vhost_user_log *where,
			   int fd);

/* Mark what was written, if there is a log. What lies beyond it is not guest
 * memory of the front end's, and is ignored. */
void vballoon_dirty_log_mark(struct vballoon_dirty_log *log, struct vballoon_gpa gpa, size_t len);

/* Tell the front end, if it wants to know and something was marked. */
void vballoon_dirty_log_notify(struct vballoon_dirty_log *log);

void vballoon_dirty_log_close(struct vballoon_dirty_log *log);

#endif /* VBALLOON_VHOST_USER_DIRTY_LOG_H */
