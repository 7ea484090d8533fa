/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A memory slot: one region of guest memory as the front end sent it, mapped,
 * with the page map that the device keeps of it.
 */
#ifndef VBALLOON_VHOST_USER_SLOT_H
#define VBALLOON_VHOST_USER_SLOT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "vhost_user/protocol.h"
#include <vballoon/backing.h>
#include <vballoon/memory.h>

struct vballoon_slot {
	struct vhost_user_region wire;
	int fd; /* owned */
	bool may_fault; /* an access may meet SIGBUS: see vballoon_slot_populate() */
	dev_t file_device; /* with the inode: the identity of the file */
	ino_t file_inode;
	void *map; /* NULL: the file does not let itself be mapped */
	size_t map_bytes;
	int page_map_fd; /* owned; -1: no balloon page fits into the slot */
	struct vballoon_backing backing;
	/* What the device sees of it: whole balloon pages. */
	struct vballoon_region region;
	enum vballoon_reclaimable probed; /* region.reclaimable as the file alone has it */
	bool in_device;
	uint64_t id; /* under which it is kept; 0: it is not */
};

/*
 * Map a region. @fd is the slot's from now on, also on failure. The slot stays
 * where it is until it is freed: the device points into it. A file that cannot
 * be mapped for writing makes a slot that is no guest memory, not a failure:
 * read-only memory is no business of the device.
 *
 * Returns 0; -EPROTO, and the reason in *fault_out, when the file is not what
 * the region says; -ENOMEM and what mmap(), memfd_create() or fallocate() gave.
 */
int vballoon_slot_new(const struct vhost_user_region *wire, int fd, uint32_t page_shift,
		      struct vballoon_slot **slot_out, const char **fault_out);

/* A region that another process had mapped, with the page map that it left; @page_map_fd is the
 * slot's too; -1: there is none. */
int vballoon_slot_recover(const struct vhost_user_region *wire, int fd, int page_map_fd,
			  uint32_t page_shift, struct vballoon_slot **slot_out);

/* Not while the device knows it. @slot may be NULL. */
void vballoon_slot_free(struct vballoon_slot *slot);

/* Whether the region with this descriptor is the one that is mapped already,
 * wherever the front end may see it now. */
bool vballoon_slot_is(const struct vballoon_slot *slot, const struct vhost_user_region *wire,
		      int fd);

/*
 * Have host memory for @len bytes at @offset of the slot's region before they are
 * accessed. An access to a hole in a file that has run out of memory, or behind the
 * end of one that was cut off, would end the process with SIGBUS; this says so. The
 * guest chooses where its queues and buffers lie, so it may point at such a place
 * any time. Returns 0, or what madvise() gave; 0 also where the kernel cannot tell
 * (before Linux 5.14).
 */
int vballoon_slot_populate(const struct vballoon_slot *slot, uint64_t offset, uint64_t len);

#endif /* VBALLOON_VHOST_USER_SLOT_H */
