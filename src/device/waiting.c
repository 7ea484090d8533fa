/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Why held pages have not been dropped, where they may be.
 *
 * This looks through the page maps, so it is for a person who asks, not for
 * every turn: what is whole and hinted is still to be dropped; what is whole and
 * was looked through, the host has failed at; the rest is parts of host pages.
 */
#include "device/core.h"

/* The pages of one host page in a region. */
static uint64_t host_pages(const struct vballoon_device *device,
			   const struct vballoon_region *region)
{
	return region->host_page_shift > device->config.page_shift
		       ? UINT64_C(1) << (region->host_page_shift - device->config.page_shift)
		       : 1;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Whether page @from is still to be looked through; @end_inout becomes the end of
 * what that answer is good for. */
static bool is_pending(const struct vballoon_device *device, unsigned int index, uint64_t from,
		       uint64_t *end_inout)
{
	const struct vballoon_summary *summary = &device->summaries[index];
	const struct vballoon_drop *drop = &device->drop;
	enum vballoon_hint hint = drop->lingers ? VBALLOON_HINT_LINGERING : VBALLOON_HINT_PENDING;
	uint64_t chunk = from >> summary->chunk_shift;

	*end_inout = smaller(*end_inout, (chunk + 1) << summary->chunk_shift);
	if (vballoon_bitmap_all(summary->hints[hint], chunk, 1))
		return true;
	if (drop->region != index || from >= drop->end)
		return false;
	if (from >= drop->next)
		return true;
	*end_inout = smaller(*end_inout, drop->next);
	return false;
}

/* A run of loose pages: whole host pages and what is left at its ends. */
static void count_run(const struct vballoon_device *device, unsigned int index, uint64_t first,
		      uint64_t end, struct vballoon_waiting *waiting)
{
	uint64_t host = host_pages(device, &device->memory.regions[index]);
	uint64_t whole = (first + host - 1) / host * host;
	uint64_t whole_end = end / host * host;
	uint64_t stop;

	if (whole >= whole_end) {
		waiting->partial_pages += end - first;
		return;
	}
	waiting->partial_pages += whole - first + end - whole_end;
	for (; whole < whole_end; whole = stop) {
		stop = whole_end;
		if (is_pending(device, index, whole, &stop))
			waiting->soon_pages += stop - whole;
		else
			waiting->failed_pages += stop - whole;
	}
}

void vballoon_device_waiting(const struct vballoon_device *device,
			     struct vballoon_waiting *waiting_out)
{
	struct vballoon_page_map map;
	enum vballoon_reclaimable cause;
	uint64_t first, end, pages;

	*waiting_out = (struct vballoon_waiting){ 0 };
	if (vballoon_drop_is_held_back(device, &cause))
		return;
	for (unsigned int i = 0; i < device->memory.count; i++) {
		if (!vballoon_drop_allowed(device, &device->memory.regions[i]))
			continue;
		map = vballoon_page_map_open(device->memory.regions[i].page_map);
		pages = map.header->pages;
		for (end = 0;; count_run(device, i, first, end, waiting_out)) {
			first = vballoon_bits_next(vballoon_page_map_loose(&map), end, pages);
			if (first == pages)
				break;
			end = vballoon_bits_next_missing(vballoon_page_map_loose(&map), first,
							 pages);
		}
	}
}
