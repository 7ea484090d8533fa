// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Pages that the kernel may move. A group has a list of its own, because newer kernels
 * let nobody take a page of his choice out of a list: all of it has to be taken, and what
 * is to stay put back.
 */
#include <linux/bitmap.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "compat.h"
#include "movable.h"

#define GROUP_PAGES (1UL << VBALLOON_GROUP_ORDER)

struct vballoon_group {
	struct balloon_dev_info list;
	struct vballoon_movable *movable;
	/* By page of this group, whichever group's list it is in. */
	DECLARE_BITMAP(listed, GROUP_PAGES);
	DECLARE_BITMAP(leaving, GROUP_PAGES);
};

static struct vballoon_group *group_find(struct vballoon_movable *movable, unsigned long pfn)
{
	return xa_load(&movable->groups, pfn >> VBALLOON_GROUP_ORDER);
}

static unsigned int bit_of(unsigned long pfn)
{
	return pfn & (GROUP_PAGES - 1);
}

/* Called by whoever moves pages; @from is in nobody else's hands until it returns. */
static int group_move(struct balloon_dev_info *list, struct page *to, struct page *from,
		      enum migrate_mode mode)
{
	struct vballoon_movable *movable = container_of(list, struct vballoon_group, list)->movable;
	int err = movable->move(movable, to, from);

	if (err)
		return err;
	if (page_zone(to) != page_zone(from)) {
		adjust_managed_page_count(to, -1);
		adjust_managed_page_count(from, 1);
	}
	vballoon_list_moved(list, to, from);
	return 0;
}

void vballoon_movable_init(struct vballoon_movable *movable)
{
	xa_init(&movable->groups);
}

bool vballoon_movable_prepare(struct vballoon_movable *movable, unsigned long pfn, gfp_t gfp)
{
	struct vballoon_group *group;
	void *other;

	if (group_find(movable, pfn))
		return true;
	group = kzalloc(sizeof(*group), gfp);
	if (!group)
		return false;
	balloon_devinfo_init(&group->list);
	vballoon_list_set_move(&group->list, group_move);
	group->movable = movable;
	other = xa_cmpxchg(&movable->groups, pfn >> VBALLOON_GROUP_ORDER, NULL, group, gfp);
	if (other)
		kfree(group);
	return !xa_is_err(other);
}

void vballoon_movable_list(struct vballoon_movable *movable, struct page *page)
{
	struct vballoon_group *group = group_find(movable, page_to_pfn(page));

	__set_bit(bit_of(page_to_pfn(page)), group->listed);
	vballoon_list_put(&group->list, page);
}

static bool is_set(const unsigned long *bits, unsigned long pfn)
{
	return test_bit(bit_of(pfn), bits);
}

bool vballoon_movable_is_listed(struct vballoon_movable *movable, unsigned long pfn)
{
	struct vballoon_group *group = group_find(movable, pfn);

	return group && is_set(group->listed, pfn);
}

bool vballoon_movable_is_leaving(struct vballoon_movable *movable, unsigned long pfn)
{
	struct vballoon_group *group = group_find(movable, pfn);

	return group && is_set(group->leaving, pfn);
}

void vballoon_movable_leave(struct vballoon_movable *movable, unsigned long pfn)
{
	movable->leaving += !__test_and_set_bit(bit_of(pfn), group_find(movable, pfn)->leaving);
}

/* Take @page out of the list that it is in, if it is in one. */
static void page_collect(struct vballoon_movable *movable, struct page *page,
			 struct list_head *left)
{
	/* A page that moved is in the list of the one whose place it took. */
	struct balloon_dev_info *list = (struct balloon_dev_info *)page_private(page);
	LIST_HEAD(taken);
	LIST_HEAD(kept);

	if (!list)
		return;
	vballoon_list_take(list, page, &taken);
	while ((page = list_first_entry_or_null(&taken, struct page, lru))) {
		unsigned long pfn = page_to_pfn(page);
		struct vballoon_group *group = group_find(movable, pfn);

		if (!__test_and_clear_bit(bit_of(pfn), group->leaving)) {
			list_move(&page->lru, &kept);
			continue;
		}
		__clear_bit(bit_of(pfn), group->listed);
		movable->leaving--;
		list_move(&page->lru, left);
	}
	if (!list_empty(&kept))
		vballoon_list_put_all(list, &kept);
}

static void group_collect(struct vballoon_movable *movable, struct vballoon_group *group,
			  unsigned long pfn, unsigned long pages, struct list_head *left)
{
	unsigned int end = bit_of(pfn) + pages;
	unsigned int bit = bit_of(pfn);

	for_each_set_bit_from(bit, group->leaving, end)
		page_collect(movable, pfn_to_page(pfn - bit_of(pfn) + bit), left);
}

void vballoon_movable_collect(struct vballoon_movable *movable, unsigned long pfn,
			      unsigned long pages, struct list_head *left)
{
	unsigned long end = pfn + pages;

	while (movable->leaving && pfn < end) {
		unsigned long part = min(end - pfn, GROUP_PAGES - bit_of(pfn));
		struct vballoon_group *group = group_find(movable, pfn);

		if (group)
			group_collect(movable, group, pfn, part, left);
		pfn += part;
	}
}

void vballoon_movable_collect_all(struct vballoon_movable *movable, struct list_head *left)
{
	struct vballoon_group *group;
	unsigned long index;

	if (!movable->leaving)
		return;
	xa_for_each(&movable->groups, index, group)
		group_collect(movable, group, index << VBALLOON_GROUP_ORDER, GROUP_PAGES, left);
}

void vballoon_movable_swap(struct vballoon_movable *movable, unsigned long to, unsigned long from)
{
	__clear_bit(bit_of(from), group_find(movable, from)->listed);
	__set_bit(bit_of(to), group_find(movable, to)->listed);
}

void vballoon_movable_free(struct vballoon_movable *movable)
{
	struct vballoon_group *group;
	unsigned long index;

	xa_for_each(&movable->groups, index, group)
		kfree(group);
	xa_destroy(&movable->groups);
}
