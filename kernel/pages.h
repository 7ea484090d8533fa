/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * Which pages are out of the guest's hands.
 *
 * Memory is taken in *blocks*: naturally aligned, non-compound allocations of a
 * unit or more. A unit of a block is *held* once the device has said that it is
 * in the balloon. Nothing here is done page by page while whole blocks move; but where
 * the kernel may move what is in its way, small blocks become single pages once held.
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
#include "movable.h"

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
	bool can_move; /* what is held of small blocks the kernel may move */
	struct vballoon_movable movable;
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

/* @runs, which are not held, are the guest's again. Pages that the kernel is about to move
 * are not free before vballoon_pages_sweep() finds that it no longer is.
 */
void vballoon_pages_release(struct vballoon_pages *pages, const struct vballoon_run *runs,
			    unsigned int count);

/* Free what could not be freed when it was released. True: there still is some of it. */
bool vballoon_pages_sweep(struct vballoon_pages *pages);

/* Everything is the guest's again. False: but for some that cannot be freed yet; try again. */
bool vballoon_pages_release_all(struct vballoon_pages *pages);

/* Can unit @from, which the kernel is moving, be swapped for @to, which is not the balloon's?
 * None can while any is kept.
 */
bool vballoon_pages_can_swap(struct vballoon_pages *pages, u64 to, u64 from);

/* It has been: @to is held, and @from is not even the balloon's. */
void vballoon_pages_swap(struct vballoon_pages *pages, u64 to, u64 from);

/* The device's record is empty: nothing is held any more, all is kept. */
void vballoon_pages_keep_all(struct vballoon_pages *pages);

/* The next block that is kept, which then no longer is. False: none is left. */
bool vballoon_pages_next_kept(struct vballoon_pages *pages, struct vballoon_run *block);

/* All that is kept is the guest's again. */
void vballoon_pages_release_kept(struct vballoon_pages *pages);

#endif /* VBALLOON_PAGES_H */
