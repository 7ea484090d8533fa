/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * Pages of the balloon that the kernel may move: it takes another page in the place of
 * one that is in its way, to make room for a large block or to take memory offline.
 *
 * The kernel keeps them in lists. Those it is about to move are in none: they can leave
 * the balloon, but cannot be freed before the kernel has put them back.
 *
 * The caller's lock serialises all but vballoon_movable_prepare(), which needs none.
 */
#ifndef VBALLOON_MOVABLE_H
#define VBALLOON_MOVABLE_H

#include <linux/list.h>
#include <linux/mm_types.h>
#include <linux/types.h>
#include <linux/xarray.h>

/* Pages are looked after in groups of so many, naturally aligned. */
#define VBALLOON_GROUP_ORDER 9

struct vballoon_movable {
	struct xarray groups;
	/* Have @to in the balloon in place of @from, of which @movable is told by
	 * vballoon_movable_swap(); or a negative errno. Called by whoever moves pages.
	 */
	int (*move)(struct vballoon_movable *movable, struct page *to, struct page *from);
	unsigned long leaving; /* how many have to wait for the kernel */
};

void vballoon_movable_init(struct vballoon_movable *movable);

/* Pages around @pfn can be listed from now on. False: memory is short. */
bool vballoon_movable_prepare(struct vballoon_movable *movable, unsigned long pfn, gfp_t gfp);

/* The kernel may move @page, a single one. */
void vballoon_movable_list(struct vballoon_movable *movable, struct page *page);

bool vballoon_movable_is_listed(struct vballoon_movable *movable, unsigned long pfn);

/* @pfn, which is listed, is to be freed. */
void vballoon_movable_leave(struct vballoon_movable *movable, unsigned long pfn);

bool vballoon_movable_is_leaving(struct vballoon_movable *movable, unsigned long pfn);

/* Those of pages [@pfn, @pfn + @pages) that are leaving are listed no more, and in @left; but
 * for those that the kernel is about to move. Others that are leaving may come along.
 */
void vballoon_movable_collect(struct vballoon_movable *movable, unsigned long pfn,
			      unsigned long pages, struct list_head *left);

/* The same for all pages. */
void vballoon_movable_collect_all(struct vballoon_movable *movable, struct list_head *left);

/* @to is listed in place of @from, as soon as the kernel gets to it. */
void vballoon_movable_swap(struct vballoon_movable *movable, unsigned long to, unsigned long from);

/* Nothing is listed any more. */
void vballoon_movable_free(struct vballoon_movable *movable);

#endif /* VBALLOON_MOVABLE_H */
