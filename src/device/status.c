/* SPDX-License-Identifier: BSD-3-Clause */
/* What an operator may want to know. */
#include <errno.h>

#include "base/le.h"
#include "device/core.h"

static void count_region(const struct vballoon_device *device, const struct vballoon_region *region,
			 struct vballoon_status *status)
{
	const struct vballoon_page_map_header *header =
		vballoon_page_map_open(region->page_map).header;
	enum vballoon_reclaimable cause = region->reclaimable;
	uint64_t loose = header->held_pages - header->dropped_pages;

	status->held_pages += header->held_pages;
	status->dropped_pages += header->dropped_pages;
	if (vballoon_drop_allowed(device, region)) {
		*(vballoon_drop_is_held_back(device, &cause) ? &status->kept_pages[cause]
							     : &status->waiting_pages) += loose;
		return;
	}
	/* Without reclaim operations nothing is dropped anywhere: the embedder's choice. */
	if (cause == VBALLOON_RECLAIMABLE)
		cause = VBALLOON_KEEP_ASKED;
	/* What was dropped before it was to be kept still is. */
	status->kept_pages[cause] += loose;
}

/* What a silent guest has used is on the record until it is given again. */
static uint64_t balloon_pages(const struct vballoon_device *device, uint64_t held)
{
	const struct vballoon_traditional *trad = &device->traditional;
	uint64_t claimed = vballoon_le32(trad->actual);

	if (!device->protocol->is_silent || !device->protocol->is_silent(device) ||
	    !trad->actual_told)
		return held;
	return claimed < held ? claimed : held;
}

void vballoon_device_status(const struct vballoon_device *device,
			    struct vballoon_status *status_out)
{
	struct vballoon_status *status = status_out;

	*status = device->counters;
	status->page_shift = device->config.page_shift;
	status->memory_pages = vballoon_device_memory_pages(device);
	status->target_pages = device->journal->record.target;
	status->asked_pages = device->pace.asked;
	for (unsigned int i = 0; i < device->memory.count; i++)
		count_region(device, &device->memory.regions[i], status);
	status->balloon_pages = balloon_pages(device, status->held_pages);
	status->record = device->proof;
	status->epoch = device->journal->record.epoch;
	status->unit_shift = device->journal->record.unit_shift;
	status->features = device->features;
	status->drop_lingers = vballoon_drop_due_ms(device) != VBALLOON_NEVER;
	status->stats_period_ms = device->stats_period_ms;
	status->stats_periodic = vballoon_device_has(device, device->protocol->period_feature);
	status->claimed_pages = vballoon_le32(device->traditional.actual);
	for (unsigned int i = 0; i < device->protocol->queue_count; i++)
		status->queue_running[i] = device->rings[i].running;
	status->violation = device->violation;
	status->violation_queue = device->violation_queue;
	status->reset_waits = vballoon_requests_reset_waits(device);
}

typedef bool held_visitor(void *context, struct vballoon_gpa gpa, uint64_t pages, bool dropped);

/* Visit the held runs of one region from a page on. False: the visitor has had enough. */
static bool visit_region(const struct vballoon_region *region, uint32_t page_shift, uint64_t from,
			 held_visitor *visit, void *context)
{
	struct vballoon_page_map map = vballoon_page_map_open(region->page_map);
	uint64_t pages = map.header->pages;
	uint64_t first, end;

	for (first = vballoon_bits_next(vballoon_page_map_held(&map), from, pages); first < pages;
	     first = vballoon_bits_next(vballoon_page_map_held(&map), end, pages)) {
		bool dropped = vballoon_bitmap_all(map.dropped, first, 1);
		struct vballoon_bits like =
			dropped ? vballoon_page_map_dropped(&map) : vballoon_page_map_loose(&map);

		end = vballoon_bits_next_missing(like, first, pages);
		if (!visit(context, vballoon_gpa(region->gpa.value + (first << page_shift)),
			   end - first, dropped))
			return false;
	}
	return true;
}

static void visit_from(const struct vballoon_device *device, uint64_t gpa, held_visitor *visit,
		       void *context)
{
	const struct vballoon_memory *memory = &device->memory;
	uint32_t shift = device->config.page_shift;

	for (unsigned int i = 0; i < memory->count; i++) {
		const struct vballoon_region *region = &memory->regions[i];
		uint64_t from = gpa > region->gpa.value ? (gpa - region->gpa.value) >> shift : 0;

		if (from < region->size.value >> shift &&
		    !visit_region(region, shift, from, visit, context))
			return;
	}
}

void vballoon_device_each_held(const struct vballoon_device *device,
			       bool (*visit)(void *context, struct vballoon_gpa gpa, uint64_t pages,
					     bool dropped),
			       void *context)
{
	visit_from(device, 0, visit, context);
}

/* Held pages only: of a reported one the device cannot know whether it is in use again.
 * Keeps DEV-STATE-7, DEV-STATE-8. */
int vballoon_device_each_skippable(const struct vballoon_device *device, struct vballoon_gpa from,
				   bool (*visit)(void *context, struct vballoon_gpa gpa,
						 uint64_t pages, bool dropped),
				   void *context)
{
	for (unsigned int i = 0; i < device->protocol->queue_count; i++) {
		if (device->rings[i].running)
			return -EBUSY;
	}
	if (!device->protocol->is_firm(device))
		return -EOPNOTSUPP;
	if (!device->stopped_proven)
		return -EAGAIN;
	visit_from(device, from.value, visit, context);
	return 0;
}
