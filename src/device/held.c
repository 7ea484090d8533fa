/* SPDX-License-Identifier: BSD-3-Clause */
/* The record of pages, over all regions of guest memory. */
#include "base/checked.h"
#include "device/core.h"

bool vballoon_held_piece(struct vballoon_device *device, uint64_t *gpa, uint64_t *pages,
			 struct vballoon_piece *piece_out)
{
	uint32_t shift = device->config.page_shift;
	const struct vballoon_region *region;
	uint64_t rest;

	if (!*pages)
		return false;
	region = vballoon_memory_find(&device->memory, vballoon_gpa(*gpa), vballoon_bytes(1));
	if (!region)
		return false;
	piece_out->index = (unsigned int)(region - device->memory.regions);
	piece_out->map = vballoon_page_map_open(region->page_map);
	piece_out->first = (*gpa - region->gpa.value) >> shift;
	rest = (region->size.value >> shift) - piece_out->first;
	piece_out->count = *pages < rest ? *pages : rest;
	*gpa += piece_out->count << shift;
	*pages -= piece_out->count;
	return true;
}

/* The other device may be about to hand back what this one is about to have: its message is undone
 * as long as all of its pages are its own. What undoes nothing looks at the record anew by itself. */
static void interrupt_other(struct vballoon_device *device)
{
	struct vballoon_device *other = device->other;

	if (other && other->work.unfinished && other->protocol->undo)
		other->protocol->leave(other);
}

/* Keeps DEV-ADD-6, DEV-ADD-9, DEV-STATE-9. */
uint64_t vballoon_held_add(struct vballoon_device *device, uint64_t gpa, uint64_t pages)
{
	uint32_t shift = device->config.page_shift;
	struct vballoon_piece piece;
	uint64_t sum = 0, fresh;

	interrupt_other(device);
	while (vballoon_held_piece(device, &gpa, &pages, &piece)) {
		fresh = vballoon_page_map_hold(&piece.map, piece.first, piece.count);
		if (device->other)
			vballoon_held_forget(device->other, gpa - (piece.count << shift),
					     piece.count);
		if (fresh)
			vballoon_summary_added(&device->summaries[piece.index], piece.first,
					       piece.count);
		sum += fresh;
	}
	return sum;
}

/* Keeps DEV-WITHDRAW-5, DEV-STATE-9. */
void vballoon_held_remove(struct vballoon_device *device, uint64_t gpa, uint64_t pages)
{
	struct vballoon_piece piece;

	while (vballoon_held_piece(device, &gpa, &pages, &piece)) {
		vballoon_page_map_release(&piece.map, piece.first, piece.count);
		vballoon_summary_removed(&device->summaries[piece.index], piece.first, piece.count);
	}
}

void vballoon_held_forget(struct vballoon_device *device, uint64_t gpa, uint64_t pages)
{
	struct vballoon_piece piece;

	while (vballoon_held_piece(device, &gpa, &pages, &piece)) {
		vballoon_page_map_clear(&piece.map, piece.first, piece.count);
		vballoon_summary_removed(&device->summaries[piece.index], piece.first, piece.count);
	}
}

bool vballoon_held_all(struct vballoon_device *device, uint64_t gpa, uint64_t pages)
{
	struct vballoon_piece piece;

	while (vballoon_held_piece(device, &gpa, &pages, &piece)) {
		if (!vballoon_bitmap_all(piece.map.held, piece.first, piece.count))
			return false;
	}
	return !pages;
}

bool vballoon_held_any(struct vballoon_device *device, uint64_t gpa, uint64_t bytes)
{
	uint32_t shift = device->config.page_shift;
	uint64_t first = vballoon_align_down(gpa, shift);
	uint64_t pages = ((gpa - first + bytes - 1) >> shift) + 1;
	struct vballoon_piece piece;

	while (vballoon_held_piece(device, &first, &pages, &piece)) {
		uint64_t end = piece.first + piece.count;

		if (vballoon_bits_next(vballoon_page_map_held(&piece.map), piece.first, end) < end)
			return true;
	}
	return false;
}

uint64_t vballoon_held_count(const struct vballoon_device *device)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < device->memory.count; i++)
		sum += vballoon_page_map_open(device->memory.regions[i].page_map)
			       .header->held_pages;
	return sum;
}

/* Empty one region's map, looking only where something may be held. */
static void clear_region(struct vballoon_device *device, unsigned int index)
{
	struct vballoon_page_map map =
		vballoon_page_map_open(device->memory.regions[index].page_map);
	struct vballoon_summary *summary = &device->summaries[index];
	struct vballoon_run chunk;

	for (uint64_t from = 0; vballoon_summary_next(summary, VBALLOON_HINT_HELD, from, &chunk);
	     from = chunk.first + chunk.count)
		vballoon_page_map_clear(&map, chunk.first, chunk.count);
	/* A page of another guest must not stay, whatever the hints say. */
	if (map.header->held_pages)
		vballoon_page_map_clear(&map, 0, summary->pages);
	vballoon_summary_clear_all(summary);
}

void vballoon_held_clear(struct vballoon_device *device)
{
	vballoon_drop_leave(device);
	for (unsigned int i = 0; i < device->memory.count; i++)
		clear_region(device, i);
}
