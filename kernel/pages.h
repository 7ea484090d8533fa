/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * Which pages are out of the guest's hands.
 *
 * Memory is taken in *blocks*: naturally aligned, non-compound allocations of a
 * unit or more. A unit of a block is *held* once the device has said that it is
 * in the balloon. Nothing here is done page by page while whole blocks move.
 *
 * The caller's lock serialises all but vballoon_pages_alloc(), which needs none
 * and may run beside the others; there is one such caller at a time.
 */
#ifndef VBALLOON_PAGES_H
#define VBALLOON_PAGES_H

#include <linux/atomic.h>
#include <linux/mm_types.h>
#include <linux/types.h>
#include <linux/xarray.h>

#include "compat.h"

/* Consecutive units. Units are numbered by address: address >> unit_shift. */
struct vballoon_run {
	u64 unit;
	u32 units;
};

struct vballoon_pages {
	struct xarray sections;
	atomic_long_t blocks[MAX_PAGE_ORDER + 1]; /* how many there are, by order */
	unsigned int unit_order; /* a unit is 2^unit_order pages of the kernel */
	bool give_way; /* blocks may be asked for, to take memory offline */
	u64 kept; /* blocks from this unit on are kept, to be added again */
	u64 freed; /* units given back to the guest's allocator, ever */
};

void vballoon_pages_init(struct vballoon_pages *pages, unsigned int unit_order);

/* Take a block of at most *@order, the largest that is to be had easily: *@order
 * says which. False when memory is short.
 */
bool vballoon_pages_alloc(struct vballoon_pages *pages, unsigned int *order,
			  struct vballoon_run *block);

/* @run is in the balloon. */
void vballoon_pages_hold(struct vballoon_pages *pages, const struct vballoon_run *run);

/* All of @runs leave the balloon, or none: true only if every unit of them is
 * held, and named once. They are not free yet.
 */
bool vballoon_pages_take(struct vballoon_pages *pages, const struct vballoon_run *runs,
			 unsigned int count);

/* The first units in [@unit, @end) that are held, and adjoin; at most @most of them. */
bool vballoon_pages_next_held(struct vballoon_pages *pages, u64 unit, u64 end, u32 most,
			      struct vballoon_run *run);

/* @run, which is not held, is the guest's again. */
void vballoon_pages_release(struct vballoon_pages *pages, const struct vballoon_run *run);

/* Everything is the guest's again. */
void vballoon_pages_release_all(struct vballoon_pages *pages);

/* The device's record is empty: nothing is held any more, all is kept. */
void vballoon_pages_keep_all(struct vballoon_pages *pages);

/* The next block that is kept, which then no longer is. False: none is left. */
bool vballoon_pages_next_kept(struct vballoon_pages *pages, struct vballoon_run *block);

#endif /* VBALLOON_PAGES_H */
