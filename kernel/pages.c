// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * The pages in the balloon: two bits for a unit, in sections that come with the
 * first block allocated in them and stay until everything is released.
 */
#include <linux/bitmap.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "compat.h"
#include "pages.h"

/* Sections hold blocks whole: more than the units of the largest one. */
#define SECTION_UNITS 16384U

struct vballoon_section {
	/* Under the caller's lock. */
	DECLARE_BITMAP(held, SECTION_UNITS);
	/* The first unit of each block, whose order is its page_private().
	 * Changed atomically, because blocks are allocated outside the lock.
	 */
	DECLARE_BITMAP(head, SECTION_UNITS);
};

/* For the smallest block alone caches are reclaimed; nobody is killed for it. */
#define HARD_GFP (GFP_HIGHUSER | __GFP_NORETRY | __GFP_NOWARN | __GFP_NOMEMALLOC)
/* Other memory is taken where it lies free, without waking or waiting for anybody. */
#define EASY_GFP (HARD_GFP & ~__GFP_RECLAIM)

void vballoon_pages_init(struct vballoon_pages *pages, unsigned int unit_order)
{
	xa_init(&pages->sections);
	pages->unit_order = unit_order;
	pages->kept = U64_MAX;
}

static struct vballoon_section *section_find(struct vballoon_pages *pages, u64 unit)
{
	u64 index = unit / SECTION_UNITS;

	/* A unit that the device made up may lie beyond any index. */
	return index > ULONG_MAX ? NULL : xa_load(&pages->sections, index);
}

static struct vballoon_section *section_get(struct vballoon_pages *pages, u64 unit)
{
	struct vballoon_section *section = section_find(pages, unit);
	gfp_t gfp = GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN;

	if (section)
		return section;
	section = kzalloc(sizeof(*section), gfp);
	if (!section)
		return NULL;
	if (xa_err(xa_store(&pages->sections, unit / SECTION_UNITS, section, gfp))) {
		kfree(section);
		return NULL;
	}
	return section;
}

static struct page *unit_page(const struct vballoon_pages *pages, u64 unit)
{
	return pfn_to_page(unit << pages->unit_order);
}

/* How much of [unit, end) lies in one section. */
static u32 section_part(u64 unit, u64 end)
{
	return min_t(u64, end - unit, SECTION_UNITS - unit % SECTION_UNITS);
}

static u32 block_units(const struct vballoon_pages *pages, u64 head)
{
	return 1U << (page_private(unit_page(pages, head)) - pages->unit_order);
}

/* Tell the kernel that the block will be let go of when its memory goes offline. */
static void block_mark(const struct vballoon_pages *pages, struct page *head)
{
	if (pages->give_way)
		__SetPageOffline(head);
}

/* Keeps DRV-ADD-2, DRV-EXCHANGE-6. */
bool vballoon_pages_alloc(struct vballoon_pages *pages, unsigned int *order,
			  struct vballoon_run *block)
{
	struct vballoon_section *section;
	struct page *page;

	while (*order > pages->unit_order) {
		page = alloc_pages(EASY_GFP, *order);
		if (page)
			goto found;
		--*order;
	}
	page = alloc_pages(HARD_GFP, *order);
	if (!page)
		return false;
found:
	block->unit = page_to_pfn(page) >> pages->unit_order;
	block->units = 1U << (*order - pages->unit_order);
	section = section_get(pages, block->unit);
	if (!section) {
		__free_pages(page, *order);
		return false;
	}
	set_page_private(page, *order);
	block_mark(pages, page);
	atomic_long_inc(&pages->blocks[*order]);
	adjust_managed_page_count(page, -(1L << *order));
	set_bit(block->unit % SECTION_UNITS, section->head);
	return true;
}

static void run_mark(struct vballoon_pages *pages, const struct vballoon_run *run, bool held)
{
	u64 end = run->unit + run->units;
	u64 unit = run->unit;

	while (unit < end) {
		struct vballoon_section *section = section_find(pages, unit);
		u32 units = section_part(unit, end);

		if (held)
			bitmap_set(section->held, unit % SECTION_UNITS, units);
		else
			bitmap_clear(section->held, unit % SECTION_UNITS, units);
		unit += units;
	}
}

static bool run_is_held(struct vballoon_pages *pages, const struct vballoon_run *run)
{
	u64 end = run->unit + run->units;
	u64 unit = run->unit;

	while (unit < end) {
		struct vballoon_section *section = section_find(pages, unit);
		u32 first = unit % SECTION_UNITS;
		u32 last = first + section_part(unit, end);

		if (!section || find_next_zero_bit(section->held, last, first) < last)
			return false;
		unit += last - first;
	}
	return true;
}

void vballoon_pages_hold(struct vballoon_pages *pages, const struct vballoon_run *run)
{
	run_mark(pages, run, true);
}

/* Keeps DRV-BAD-1, DRV-BAD-2. */
bool vballoon_pages_take(struct vballoon_pages *pages, const struct vballoon_run *runs,
			 unsigned int count)
{
	unsigned int i;

	/* A unit named twice is no longer held the second time. */
	for (i = 0; i < count && run_is_held(pages, &runs[i]); i++)
		run_mark(pages, &runs[i], false);
	if (i == count)
		return true;
	while (i--)
		run_mark(pages, &runs[i], true);
	return false;
}

bool vballoon_pages_next_held(struct vballoon_pages *pages, u64 unit, u64 end, u32 most,
			      struct vballoon_run *run)
{
	while (unit < end) {
		struct vballoon_section *section = section_find(pages, unit);
		u32 first = unit % SECTION_UNITS;
		u32 last = first + section_part(unit, end);
		u32 bit = section ? find_next_bit(section->held, last, first) : last;

		if (bit < last) {
			u32 stop = min_t(u64, last, (u64)bit + most);

			run->unit = unit + bit - first;
			run->units = find_next_zero_bit(section->held, stop, bit) - bit;
			return true;
		}
		unit += last - first;
	}
	return false;
}

/* The first unit of the block that @unit is in. Blocks are aligned to their
 * size and do not overlap, so the nearest head at a coarser alignment is it.
 */
static u64 block_head(struct vballoon_section *section, u64 unit)
{
	u64 head = unit;
	unsigned int order;

	for (order = 1; !test_bit(head % SECTION_UNITS, section->head); order++)
		head = unit & ~((1ULL << order) - 1);
	return head;
}

/* Make two of a block. split_page() would make pages of it, which the allocator
 * then parks in per-CPU lists instead of joining them again.
 */
static void block_halve(struct vballoon_pages *pages, struct vballoon_section *section, u64 head)
{
	u64 other = head + block_units(pages, head) / 2;
	struct page *page = unit_page(pages, head);
	struct page *half = unit_page(pages, other);
	unsigned int order = page_private(page) - 1;

	init_page_count(half);
	set_page_private(page, order);
	set_page_private(half, order);
	block_mark(pages, half);
	set_bit(other % SECTION_UNITS, section->head);
	atomic_long_dec(&pages->blocks[order + 1]);
	atomic_long_add(2, &pages->blocks[order]);
}

/* Free a block, or the first half of it. Returns the unit that follows.
 * Keeps DRV-RESET-5, DRV-WITHDRAW-4.
 */
static u64 block_free(struct vballoon_pages *pages, struct vballoon_section *section, u64 head)
{
	struct page *page = unit_page(pages, head);
	unsigned int order;
	u64 next;

	/* This is the one large order that is parked, too, and not counted as free. */
	if (IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE) && page_private(page) == pageblock_order &&
	    pageblock_order > pages->unit_order)
		block_halve(pages, section, head);
	next = head + block_units(pages, head);
	order = page_private(page);
	clear_bit(head % SECTION_UNITS, section->head);
	pages->freed += next - head;
	atomic_long_dec(&pages->blocks[order]);
	set_page_private(page, 0);
	if (PageOffline(page))
		__ClearPageOffline(page);
	adjust_managed_page_count(page, 1L << order);
	__free_pages(page, order);
	return next;
}

void vballoon_pages_release(struct vballoon_pages *pages, const struct vballoon_run *run)
{
	u64 end = run->unit + run->units;
	u64 unit = run->unit;

	while (unit < end) {
		struct vballoon_section *section = section_find(pages, unit);
		u64 head = block_head(section, unit);

		if (head < unit || head + block_units(pages, head) > end)
			block_halve(pages, section, head);
		else
			unit = block_free(pages, section, head);
	}
}

void vballoon_pages_release_all(struct vballoon_pages *pages)
{
	struct vballoon_section *section;
	unsigned long index;
	unsigned int bit;

	xa_for_each(&pages->sections, index, section) {
		for_each_set_bit(bit, section->head, SECTION_UNITS)
			block_free(pages, section, (u64)index * SECTION_UNITS + bit);
		xa_erase(&pages->sections, index);
		kfree(section);
		cond_resched();
	}
	pages->kept = U64_MAX;
}

void vballoon_pages_keep_all(struct vballoon_pages *pages)
{
	struct vballoon_section *section;
	unsigned long index;

	xa_for_each(&pages->sections, index, section)
		bitmap_zero(section->held, SECTION_UNITS);
	pages->kept = 0;
}

bool vballoon_pages_next_kept(struct vballoon_pages *pages, struct vballoon_run *block)
{
	struct vballoon_section *section;
	unsigned long index;
	unsigned int bit;

	if (pages->kept == U64_MAX)
		return false;
	bit = pages->kept % SECTION_UNITS;
	xa_for_each_start(&pages->sections, index, section, pages->kept / SECTION_UNITS) {
		if (index != pages->kept / SECTION_UNITS)
			bit = 0;
		bit = find_next_bit(section->head, SECTION_UNITS, bit);
		if (bit == SECTION_UNITS)
			continue;
		block->unit = (u64)index * SECTION_UNITS + bit;
		block->units = block_units(pages, block->unit);
		pages->kept = block->unit + block->units;
		return true;
	}
	pages->kept = U64_MAX;
	return false;
}
