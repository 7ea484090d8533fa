/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The slots of one guest's memory, and what the device knows of them.
 *
 * The table may change while rings run. A slot that stays the same (address,
 * size, file, place in the file) keeps its mapping, its page map and thereby
 * the record of the balloon's pages in it; all others lose theirs.
 */
#ifndef VBALLOON_VHOST_USER_MEMORY_TABLE_H
#define VBALLOON_VHOST_USER_MEMORY_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vhost_user/presence.h"
#include "vhost_user/slot.h"
#include <vballoon/device.h>

struct vballoon_memory_table {
	struct vballoon_slot *slots[VBALLOON_MEMORY_REGIONS_MAX];
	unsigned int count;
	uint32_t page_shift;
	bool not_shared; /* see vballoon_memory_table_set_shared() */
	struct vballoon_device *device;
	struct vballoon_presence presence;
};

/*
 * Make the table hold these regions and no others. Every fds[i] that is taken
 * is set to -1. Returns the errors of vballoon_slot_new(); after one the table
 * is fit only to be cleared.
 */
int vballoon_memory_table_set(struct vballoon_memory_table *table,
			      const struct vhost_user_region *regions, int *fds, unsigned int count,
			      const char **fault_out);

/* Add a region; @fd is the table's from now on, also on failure. Returns 0;
 * -EEXIST when it overlaps one that is there; -ENOSPC when the table is full;
 * the errors of vballoon_slot_new(). */
int vballoon_memory_table_add(struct vballoon_memory_table *table,
			      const struct vhost_user_region *region, int fd,
			      const char **fault_out);

/* Add one that another process had, with the page map that it left, as vballoon_slot_recover():
 * the errors of that and of vballoon_device_recover_region(). */
int vballoon_memory_table_recover(struct vballoon_memory_table *table,
				  const struct vhost_user_region *region, int fd, int page_map_fd,
				  uint64_t id);

/* Remove a region, told by its addresses and its size: 0 or -ENOENT. */
int vballoon_memory_table_remove(struct vballoon_memory_table *table,
				 const struct vhost_user_region *region);

void vballoon_memory_table_clear(struct vballoon_memory_table *table);

/* The guest address of one of the front end's: 0 or -EFAULT. */
int vballoon_memory_table_translate(const struct vballoon_memory_table *table, uint64_t user_addr,
				    struct vballoon_gpa *gpa_out);

/* Have host memory for @len bytes of guest memory: as vballoon_presence_populate(). */
int vballoon_memory_table_populate(struct vballoon_memory_table *table, struct vballoon_gpa gpa,
				   uint64_t len);

/* Whether @len bytes at one of the front end's addresses are guest memory that
 * is mapped, and all of them zero. */
bool vballoon_memory_table_is_zero(const struct vballoon_memory_table *table, uint64_t user_addr,
				   uint64_t len);

/* Whether the guest's writes reach the files. While they do not, nothing may be
 * dropped; what was dropped before stays so, and is restored before it is handed back. */
void vballoon_memory_table_set_shared(struct vballoon_memory_table *table, bool shared);

/* Guest memory in all slots, in bytes. */
uint64_t vballoon_memory_table_bytes(const struct vballoon_memory_table *table);

/* What the host holds of the files behind the slots now, in bytes. */
uint64_t vballoon_memory_table_backing_bytes(const struct vballoon_memory_table *table);

/* Why the largest slot that is never given back is not; VBALLOON_RECLAIMABLE
 * when there is none. */
enum vballoon_reclaimable vballoon_memory_table_kept(const struct vballoon_memory_table *table);

#endif /* VBALLOON_VHOST_USER_MEMORY_TABLE_H */
