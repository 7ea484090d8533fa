/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A saved state on its way through a descriptor that the front end has sent: written until
 * all of it is there, or read until its end. Nobody is waited for.
 */
#ifndef VBALLOON_VHOST_USER_TRANSFER_H
#define VBALLOON_VHOST_USER_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The longest state: one page a byte of a guest of 4 TiB, at 4 KiB. */
#define VBALLOON_TRANSFER_BYTES_MAX (UINT64_C(1) << 30)

enum vballoon_transfer_way {
	VBALLOON_TRANSFER_NONE,
	VBALLOON_TRANSFER_SAVE, /* to the front end */
	VBALLOON_TRANSFER_LOAD, /* from it */
};

/* Begins as zeros but for fd, which is -1. */
struct vballoon_transfer {
	enum vballoon_transfer_way way;
	int fd; /* owned; -1: it is over */
	uint8_t *bytes; /* owned */
	size_t len, room;
	size_t done; /* written */
	int error; /* why it has ended early: a negative errno, or 0 */
};

/* Begin in place of the one before. @fd is the transfer's from now on, and so is @bytes,
 * from malloc(), of a save. */
void vballoon_transfer_save(struct vballoon_transfer *transfer, int fd, void *bytes, size_t len);
void vballoon_transfer_load(struct vballoon_transfer *transfer, int fd);

/* Go on, a bounded step. Returns whether more could be done at once. */
bool vballoon_transfer_run(struct vballoon_transfer *transfer);

/* Whether all of it has gone, or has come with its end. */
bool vballoon_transfer_is_whole(const struct vballoon_transfer *transfer);

void vballoon_transfer_close(struct vballoon_transfer *transfer);

#endif /* VBALLOON_VHOST_USER_TRANSFER_H */
