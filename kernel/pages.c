// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * The pages in the balloon: two bits for a unit, in sections that come with the
 * first block allocated in them and stay until everything is released. Those that
 * the kernel may move are listed as well (movable.c); a unit then is a page.
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
	/* The first unit of each block, whose order is its page_private() unless listed.
	 * Changed atomically, because blocks are allocated outside the lock.
	 */
	DECLARE_BITMAP(head, SECTION_UNITS);
};

/* For the smallest block alone caches are reclaimed; nobody is killed for it. */
#define HARD_GFP (GFP_HIGHUSER | __GFP_NORETRY | __GFP_NOWARN | __GFP_NOMEMALLOC)
/* Other memory is taken where it lies free, without waking or waiting for anybody. */
#define EASY_GFP (HARD_GFP & ~__GFP_RECLAIM)
/* Blocks that are released at a time. */
#define KEPT_RUNS 32
/* What is remembered of pages. */
#define OWN_GFP (GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN)
/* The same when the kernel moves a page, to have memory perhaps. */
#define MOVE_GFP (GFP_NOWAIT | __GFP_NOWARN | __GFP_NOMEMALLOC)

void vballoon_pages_init(struct vballoon_pages *pages, unsigned int unit_order)
{
	xa_init(&pages->sections);
	vballoon_movable_init(&pages->movable);
	pages->unit_order = unit_order;
	pages->kept = U64_MAX;
}

static struct vballoon_section *section_find(struct vballoon_pages *pages, u64 unit)
{
	u64 index = unit / SECTION_UNITS;

	/* A unit that the device made up may lie beyond any index. */
	return index > ULONG_MAX ? NULL : xa_load(&pages->sections, index);
}

/* Whoever moves pages may do the same at the same time. */
static struct vballoon_section *section_get(struct vballoon_pages *pages, u64 unit, gfp_t gfp)
{
	struct vballoon_section *section = section_find(pages, unit);
	struct vballoon_section *other;

	if (section)
		return section;
	section = kzalloc(sizeof(*section), gfp);
	if (!section)
		return NULL;
	other = xa_cmpxchg(&pages->sections, unit / SECTION_UNITS, NULL, section, gfp);
	if (!other)
		return section;
	kfree(section);
	return xa_is_err(other) ? NULL : other;
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

static bool is_listed(struct vballoon_pages *pages, u64 unit)
{
	return pages->can_move && vballoon_movable_is_listed(&pages->movable, unit);
}

static unsigned int block_order(struct vballoon_pages *pages, u64 head)
{
	return is_listed(pages, head) ? 0 : page_private(unit_page(pages, head));
}

static u32 block_units(struct vballoon_pages *pages, u64 head)
{
	return 1U << (block_order(pages, head) - pages->unit_order);
}

/* Will the kernel be allowed to move what it consists of? */
static bool is_movable(const struct vballoon_pages *pages, unsigned int order)
{
	return pages->can_move && order < VBALLOON_GROUP_ORDER;
}

/* Memory that does not move must not be taken from where all else does. */
static struct page *block_alloc(const struct vballoon_pages *pages, gfp_t gfp, unsigned int order)
{
	return alloc_pages(is_movable(pages, order) ? gfp | __GFP_MOVABLE : gfp, order);
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
		page = block_alloc(pages, EASY_GFP, *order);
		if (page)
			goto found;
		--*order;
	}
	/* With less than that the guest would live on what it reclaims from itself. */
	if (si_mem_available() <= 0)
		return false;
	page = block_alloc(pages, HARD_GFP, *order);
	if (!page)
		return false;
found:
	block->unit = page_to_pfn(page) >> pages->unit_order;
	block->units = 1U << (*order - pages->unit_order);
	section = section_get(pages, block->unit, OWN_GFP);
	if (!section || (is_movable(pages, *order) &&
			 !vballoon_movable_prepare(&pages->movable, page_to_pfn(page), OWN_GFP))) {
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

/* Make single pages of a small block. */
static void block_dissolve(struct vballoon_pages *pages, struct vballoon_section *section, u64 head)
{
	struct page *page = unit_page(pages, head);
	unsigned int order = page_private(page);
	u32 i;

	set_page_private(page, 0);
	vballoon_unmark_offline(page);
	if (order)
		split_page(page, order);
	for (i = 0; i < 1U << order; i++) {
		set_page_private(page + i, 0);
		set_bit((head + i) % SECTION_UNITS, section->head);
	}
	atomic_long_dec(&pages->blocks[order]);
	atomic_long_add(1L << order, &pages->blocks[0]);
}

/* The kernel may move the single pages of @run. */
static void run_list(struct vballoon_pages *pages, const struct vballoon_run *run)
{
	u64 end = run->unit + run->units;
	u64 unit = run->unit;

	while (unit < end) {
		struct vballoon_section *section = section_find(pages, unit);
		u64 head = block_head(section, unit);

		if (!is_listed(pages, head) && is_movable(pages, block_order(pages, head))) {
			block_dissolve(pages, section, head);
			head = unit;
			vballoon_movable_list(&pages->movable, unit_page(pages, unit));
		}
		unit = head + block_units(pages, head);
	}
}

void vballoon_pages_hold(struct vballoon_pages *pages, const struct vballoon_run *run)
{
	run_mark(pages, run, true);
	if (pages->can_move)
		run_list(pages, run);
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
	vballoon_unmark_offline(page);
	adjust_managed_page_count(page, 1L << order);
	__free_pages(page, order);
	return next;
}

static void run_release(struct vballoon_pages *pages, const struct vballoon_run *run)
{
	u64 end = run->unit + run->units;
	u64 unit = run->unit;

	while (unit < end) {
		struct vballoon_section *section = section_find(pages, unit);
		u64 head = block_head(section, unit);

		if (is_listed(pages, unit))
			vballoon_movable_leave(&pages->movable, unit++);
		else if (head < unit || head + block_units(pages, head) > end)
			block_halve(pages, section, head);
		else
			unit = block_free(pages, section, head);
	}
}

/* Pages that are listed no more: blocks again, of one page each. */
static void left_free(struct vballoon_pages *pages, struct list_head *left)
{
	struct page *page;

	while ((page = list_first_entry_or_null(left, struct page, lru))) {
		u64 unit = page_to_pfn(page);

		list_del(&page->lru);
		block_free(pages, section_find(pages, unit), unit);
	}
}

void vballoon_pages_release(struct vballoon_pages *pages, const struct vballoon_run *runs,
			    unsigned int count)
{
	LIST_HEAD(left);
	unsigned int i;

	for (i = 0; i < count; i++)
		run_release(pages, &runs[i]);
	for (i = 0; pages->can_move && i < count; i++)
		vballoon_movable_collect(&pages->movable, runs[i].unit, runs[i].units, &left);
	left_free(pages, &left);
}

bool vballoon_pages_sweep(struct vballoon_pages *pages)
{
	LIST_HEAD(left);

	vballoon_movable_collect_all(&pages->movable, &left);
	left_free(pages, &left);
	return pages->movable.leaving;
}

bool vballoon_pages_release_all(struct vballoon_pages *pages)
{
	struct vballoon_section *section;
	unsigned long index;
	unsigned int bit;

	pages->kept = U64_MAX;
	xa_for_each(&pages->sections, index, section) {
		for_each_set_bit(bit, section->head, SECTION_UNITS) {
			u64 head = (u64)index * SECTION_UNITS + bit;

			if (is_listed(pages, head))
				vballoon_movable_leave(&pages->movable, head);
			else
				block_free(pages, section, head);
		}
		bitmap_zero(section->held, SECTION_UNITS);
		cond_resched();
	}
	if (vballoon_pages_sweep(pages))
		return false;
	vballoon_movable_free(&pages->movable);
	xa_for_each(&pages->sections, index, section)
		kfree(section);
	xa_destroy(&pages->sections);
	return true;
}

bool vballoon_pages_can_swap(struct vballoon_pages *pages, u64 to, u64 from)
{
	struct vballoon_run run = { .unit = from, .units = 1 };

	/* What is kept is told by where it lies: @to could pass for that. */
	return pages->kept == U64_MAX && is_listed(pages, from) && run_is_held(pages, &run) &&
	       section_get(pages, to, MOVE_GFP) &&
	       vballoon_movable_prepare(&pages->movable, to, MOVE_GFP);
}

void vballoon_pages_swap(struct vballoon_pages *pages, u64 to, u64 from)
{
	struct vballoon_section *into = section_find(pages, to);
	struct vballoon_section *out_of = section_find(pages, from);

	set_bit(to % SECTION_UNITS, into->head);
	set_bit(to % SECTION_UNITS, into->held);
	clear_bit(from % SECTION_UNITS, out_of->head);
	clear_bit(from % SECTION_UNITS, out_of->held);
	vballoon_movable_swap(&pages->movable, to, from);
}

void vballoon_pages_keep_all(struct vballoon_pages *pages)
{
	struct vballoon_section *section;
	unsigned long index;

	xa_for_each(&pages->sections, index, section)
		bitmap_zero(section->held, SECTION_UNITS);
	pages->kept = 0;
}

static bool is_leaving(struct vballoon_pages *pages, unsigned long section, unsigned int bit)
{
	return pages->movable.leaving &&
	       vballoon_movable_is_leaving(&pages->movable, section * SECTION_UNITS + bit);
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
		while (bit < SECTION_UNITS && is_leaving(pages, index, bit))
			bit = find_next_bit(section->head, SECTION_UNITS, bit + 1);
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

void vballoon_pages_release_kept(struct vballoon_pages *pages)
{
	struct vballoon_run blocks[KEPT_RUNS];
	unsigned int count;

	do {
		count = 0;
		while (count < KEPT_RUNS && vballoon_pages_next_kept(pages, &blocks[count]))
			count++;
		vballoon_pages_release(pages, blocks, count);
	} while (count);
}
