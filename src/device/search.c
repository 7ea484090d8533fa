/* SPDX-License-Identifier: BSD-3-Clause */
#include "device/search.h"
#include "device/core.h"

void vballoon_search_skip_region(struct vballoon_search *search)
{
	search->region++;
	search->page = 0;
}

static bool is_large(enum vballoon_hint hint)
{
	return hint == VBALLOON_HINT_LOOSE_LARGE || hint == VBALLOON_HINT_HELD_LARGE;
}

static bool is_broken(enum vballoon_hint hint)
{
	return hint == VBALLOON_HINT_LOOSE_BROKEN || hint == VBALLOON_HINT_HELD_BROKEN ||
	       hint == VBALLOON_HINT_HELD_LONG;
}

static struct vballoon_bits bits_of(enum vballoon_hint hint, const struct vballoon_page_map *map)
{
	bool loose = hint == VBALLOON_HINT_LOOSE_BROKEN || hint == VBALLOON_HINT_LOOSE_LARGE ||
		     hint == VBALLOON_HINT_LOOSE;

	return loose ? vballoon_page_map_loose(map) : vballoon_page_map_held(map);
}

static uint64_t block_pages(const struct vballoon_page_map *map)
{
	uint32_t shift = map->header->page_shift;

	if (shift < VBALLOON_SEARCH_BLOCK_SHIFT &&
	    map->header->host_page_shift < VBALLOON_SEARCH_BLOCK_SHIFT)
		return UINT64_C(1) << (VBALLOON_SEARCH_BLOCK_SHIFT - shift);
	return vballoon_page_map_host_pages(map);
}

/* A run of whole blocks, at most @most pages, that begins in [@from, @end). */
static bool find_large(struct vballoon_bits bits, const struct vballoon_page_map *map,
		       uint64_t from, uint64_t end, uint64_t most, struct vballoon_run *run_out)
{
	uint64_t mask = block_pages(map) - 1;
	uint64_t at = (from + mask) & ~mask;
	uint64_t pages = map->header->pages;

	while (at < end && (from = vballoon_bits_next(bits, at, end)) < end) {
		at = from & ~mask;
		if (most < pages - at)
			pages = at + most;
		run_out->first = at;
		run_out->count = (vballoon_bits_next_missing(bits, at, pages) - at) & ~mask;
		if (run_out->count)
			return true;
		pages = map->header->pages;
		at += mask + 1;
	}
	return false;
}

/* A run of at least @least pages within one block, which is not wholly held. */
static bool find_broken(struct vballoon_bits bits, const struct vballoon_page_map *map,
			uint64_t from, uint64_t end, uint64_t least, struct vballoon_run *run_out)
{
	uint64_t mask = block_pages(map) - 1;

	while (from < end && (from = vballoon_bits_next(bits, from, end)) < end) {
		uint64_t block = from & ~mask;
		uint64_t block_end = block + mask + 1;

		if (block_end > map->header->pages)
			block_end = map->header->pages;
		if (vballoon_bitmap_all(map->held, block, block_end - block)) {
			from = block_end;
			continue;
		}
		run_out->first = from;
		run_out->count = vballoon_bits_next_missing(bits, from, block_end) - from;
		if (run_out->count >= least)
			return true;
		from += run_out->count;
	}
	return false;
}

/* Find a run that begins in [@from, @end), but may end anywhere in the region;
 * no more of it than @most pages is looked at. */
static bool find_run(const struct vballoon_search *search, const struct vballoon_page_map *map,
		     uint64_t from, uint64_t end, uint64_t most, struct vballoon_run *run_out)
{
	struct vballoon_bits bits = bits_of(search->hint, map);
	uint64_t pages = map->header->pages;

	if (is_large(search->hint))
		return find_large(bits, map, from, end, most, run_out);
	if (is_broken(search->hint))
		return find_broken(
			bits, map, from, end,
			search->hint == VBALLOON_HINT_HELD_LONG ? VBALLOON_SEARCH_LONG_PAGES : 1,
			run_out);
	run_out->first = vballoon_bits_next(bits, from, end);
	if (run_out->first == end)
		return false;
	if (most < pages - run_out->first)
		pages = run_out->first + most;
	run_out->count = vballoon_bits_next_missing(bits, run_out->first, pages) - run_out->first;
	return true;
}

/* Cut a run to whole units; one that goes on in the next region counts if all
 * of it is held. Units are aligned by address, which regions need not be. */
static bool cut_to_units(struct vballoon_device *device, const struct vballoon_region *region,
			 struct vballoon_run run, uint64_t most, uint64_t *gpa_out,
			 uint64_t *pages_out)
{
	uint32_t shift = device->config.page_shift;
	uint32_t unit_shift = device->journal->record.unit_shift;
	uint64_t unit_pages = UINT64_C(1) << (unit_shift - shift);
	uint64_t gpa = region->gpa.value + (run.first << shift);
	uint64_t end = gpa + (run.count << shift);
	uint64_t begin = vballoon_align_up(gpa, unit_shift);
	uint64_t whole = vballoon_align_down(end, unit_shift);

	if (end == region->gpa.value + region->size.value && whole < end && whole >= begin &&
	    vballoon_held_all(device, whole, unit_pages))
		whole += unit_pages << shift;
	if (begin >= whole)
		return false;
	*gpa_out = begin;
	*pages_out = (whole - begin) >> shift;
	if (*pages_out > most)
		*pages_out = vballoon_align_down(most, unit_shift - shift);
	return true;
}

static void charge(struct vballoon_device *device, uint64_t pages)
{
	vballoon_work_charge_words(&device->work, 1 + pages / VBALLOON_SEARCH_STEP_PAGES);
}

/* Look through one chunk from search->page on, as far as this run may. */
static bool search_chunk(struct vballoon_device *device, struct vballoon_search *search,
			 const struct vballoon_run *chunk, uint64_t most, uint64_t *gpa_out,
			 uint64_t *pages_out)
{
	const struct vballoon_region *region = &device->memory.regions[search->region];
	struct vballoon_summary *summary = &device->summaries[search->region];
	struct vballoon_page_map map = vballoon_page_map_open(region->page_map);
	uint64_t unit_pages = UINT64_C(1)
			      << (device->journal->record.unit_shift - device->config.page_shift);
	uint64_t most_pages = device->work.steps_left * VBALLOON_SEARCH_STEP_PAGES;
	uint64_t chunk_end = chunk->first + chunk->count;
	struct vballoon_run run;
	uint64_t from, end;

	if (search->page <= chunk->first) {
		search->page = search->since = chunk->first;
		search->changes = summary->changes;
	}
	from = search->page;
	end = most_pages < chunk_end - from ? from + most_pages : chunk_end;
	while (search->page < end &&
	       find_run(search, &map, search->page, end,
			is_large(search->hint) ? most : most + unit_pages, &run)) {
		search->page = run.first + run.count;
		/* What is no whole unit here is held all the same, as the end of one that began
		 * in the region before: who forgets the record must find it. */
		if (search->hint == VBALLOON_HINT_HELD)
			search->since = search->page;
		if (cut_to_units(device, region, run, most, gpa_out, pages_out)) {
			uint64_t used = *gpa_out + (*pages_out << device->config.page_shift) -
					region->gpa.value;

			search->page = search->since = used >> device->config.page_shift;
			charge(device, run.first - from);
			return true;
		}
	}
	charge(device, end - from);
	if (end == chunk_end && search->since == chunk->first &&
	    search->changes == summary->changes)
		vballoon_summary_clear(summary, search->hint, chunk->first);
	if (search->page < end)
		search->page = end;
	return false;
}

/* Who wants less than a block does not look for whole ones. */
static bool may_look(const struct vballoon_device *device, const struct vballoon_search *search,
		     uint64_t most)
{
	struct vballoon_page_map map =
		vballoon_page_map_open(device->memory.regions[search->region].page_map);

	return !is_large(search->hint) || most >= block_pages(&map);
}

/* Keeps DEV-WITHDRAW-1, DEV-WITHDRAW-4. */
bool vballoon_search_next(struct vballoon_device *device, struct vballoon_search *search,
			  uint64_t most, uint64_t *gpa_out, uint64_t *pages_out)
{
	struct vballoon_run chunk;

	while (search->region < device->memory.count) {
		while (device->work.steps_left && may_look(device, search, most) &&
		       vballoon_summary_next(&device->summaries[search->region], search->hint,
					     search->page, &chunk)) {
			if (search_chunk(device, search, &chunk, most, gpa_out, pages_out))
				return true;
		}
		if (!device->work.steps_left)
			return false;
		charge(device, 0);
		vballoon_search_skip_region(search);
	}
	return false;
}
