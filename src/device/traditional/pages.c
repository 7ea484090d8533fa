// SPDX-License-Identifier: BSD-3-Clause
/*
 * inflateq and deflateq: pages by their numbers, one by one.
 *
 * Drivers name neighbours, mostly in descending order, so numbers are gathered into runs,
 * in either direction, and each run is dealt with as a whole. A run is what is under work
 * in device->work; numbers are read in batches, between which the message may be left
 * unfinished.
 */
#include <vballoon/abi/traditional_balloon.h>

#include "base/le.h"
#include "device/traditional/traditional.h"

#define BATCH 256
#define RUN_BYTES_MAX (VBALLOON_RUN_BYTES / 2) /* what is dealt with at once */
#define PAGE_BYTES (UINT64_C(1) << VIRTIO_BALLOON_PFN_SHIFT)

typedef void run_handler(struct vballoon_device *device, uint64_t gpa, uint64_t pages);

static void refuse(struct vballoon_device *device, enum vballoon_refusal cause, uint64_t pages)
{
	device->counters.refused_entries[cause] += pages;
}

/* Deal with the run. Returns whether that is done; else its message waits for the host. */
static bool finish_run(struct vballoon_device *device, run_handler *handle)
{
	struct vballoon_work *work = &device->work;

	work->waits = false;
	if (work->at < work->end)
		handle(device, work->at, (work->end - work->at) >> VIRTIO_BALLOON_PFN_SHIFT);
	if (work->waits)
		return false;
	work->at = work->end = 0;
	return true;
}

/* Whether a page is the guest's memory. Mostly @region is where the page before was, and then that is
 * all there is to look at: a region is of whole pages. */
static bool is_memory(const struct vballoon_device *device, uint64_t gpa,
		      const struct vballoon_region **region)
{
	if (*region && gpa - (*region)->gpa.value < (*region)->size.value)
		return true;
	*region = vballoon_memory_find(&device->memory, vballoon_gpa(gpa),
				       vballoon_bytes(PAGE_BYTES));
	return *region != NULL;
}

/* Another page of the message. A number of 32 bits has an address of 44. Returns whether it
 * is taken. */
static bool take_page(struct vballoon_device *device, uint32_t pfn, run_handler *handle,
		      const struct vballoon_region **region)
{
	struct vballoon_work *work = &device->work;
	uint64_t gpa = (uint64_t)pfn << VIRTIO_BALLOON_PFN_SHIFT;

	if (!is_memory(device, gpa, region)) {
		refuse(device, VBALLOON_REFUSED_OUTSIDE_MEMORY, 1);
		return true;
	}
	if (work->end - work->at == RUN_BYTES_MAX && !finish_run(device, handle))
		return false;
	if (work->at < work->end && gpa + PAGE_BYTES == work->at) {
		work->at = gpa;
		return true;
	}
	if (work->at == work->end || gpa != work->end) {
		if (!finish_run(device, handle))
			return false;
		work->at = gpa;
	}
	work->end = gpa + PAGE_BYTES;
	return true;
}

/* Read the next batch, and take as much of it as this run may. */
static enum vballoon_violation take_batch(struct vballoon_device *device,
					  struct vballoon_chain *chain, run_handler *handle)
{
	uint64_t left = (chain->readable_len - chain->read_done) / sizeof(__le32);
	size_t count = left < BATCH ? (size_t)left : BATCH;
	const uint16_t segment = chain->read_segment;
	const uint32_t offset = chain->read_offset;
	const uint64_t done = chain->read_done;
	const struct vballoon_region *region = NULL;
	__le32 pfns[BATCH];
	size_t taken = 0;

	if (vballoon_chain_read(&device->memory, chain, pfns, count * sizeof(pfns[0])))
		return VBALLOON_DESC_OUTSIDE_MEMORY;
	while (taken < count && device->work.bytes_left &&
	       take_page(device, vballoon_le32(pfns[taken]), handle, &region))
		taken++;
	vballoon_work_charge_words(&device->work, taken * VBALLOON_WORK_ENTRY_WORDS);
	if (taken == count)
		return VBALLOON_OK;
	chain->read_segment = segment;
	chain->read_offset = offset;
	chain->read_done = done;
	return vballoon_chain_read(&device->memory, chain, pfns, taken * sizeof(pfns[0]))
		       ? VBALLOON_DESC_OUTSIDE_MEMORY
		       : VBALLOON_OK;
}

/* The writable part of a message means nothing, and is not written to. */
static enum vballoon_violation take_pages(struct vballoon_device *device,
					  struct vballoon_chain *chain, run_handler *handle)
{
	struct vballoon_work *work = &device->work;
	enum vballoon_violation violation = VBALLOON_OK;

	if (!chain->readable_len)
		return VBALLOON_MESSAGE_DIRECTION;
	if (chain->readable_len % sizeof(__le32) ||
	    chain->readable_len / sizeof(__le32) > VBALLOON_TRAD_ENTRIES_MAX)
		return VBALLOON_MESSAGE_LENGTH;
	if (work->waits && !finish_run(device, handle))
		work->unfinished = true;
	while (!violation && !work->unfinished && chain->read_done < chain->readable_len) {
		violation = take_batch(device, chain, handle);
		work->unfinished = work->waits || !work->bytes_left ||
				   (!work->steps_left && chain->read_done < chain->readable_len);
	}
	if (!violation && !work->unfinished)
		work->unfinished = !finish_run(device, handle);
	return violation;
}

/* Pages that the driver may give. */
static void hold(struct vballoon_device *device, uint64_t gpa, uint64_t pages)
{
	uint64_t fresh = vballoon_held_add(device, gpa, pages);

	device->counters.added_pages += fresh;
	device->counters.already_held_pages += pages - fresh;
	if (device->protocol->is_firm(device))
		vballoon_drop_linger(device);
	else
		vballoon_drop_at_once(device, gpa, pages);
}

/* A run, but for the pages that a queue lies in. */
static void inflate_run(struct vballoon_device *device, uint64_t gpa, uint64_t pages)
{
	uint64_t end = gpa + pages * PAGE_BYTES;
	uint64_t from = gpa;

	if (!vballoon_queues_touch(device, gpa, end - gpa)) {
		hold(device, gpa, pages);
		return;
	}
	for (; gpa < end; gpa += PAGE_BYTES) {
		if (!vballoon_queues_touch(device, gpa, PAGE_BYTES))
			continue;
		refuse(device, VBALLOON_REFUSED_RING, 1);
		if (from < gpa)
			hold(device, from, (gpa - from) / PAGE_BYTES);
		from = gpa + PAGE_BYTES;
	}
	if (from < end)
		hold(device, from, (end - from) / PAGE_BYTES);
}

/* Pages from @gpa on are the driver's again. */
static void release(struct vballoon_device *device, uint64_t gpa, uint64_t pages)
{
	vballoon_held_remove(device, gpa, pages);
	device->counters.returned_pages += pages;
}

/*
 * Give held pages back. The guest chose them, so where the host has no memory for one there
 * is no other answer than none: a guest that waits for it is better off than one that is
 * killed by what it touches. Who need not wait gets the answer all the same. Returns whether
 * it is done; else the run is what is left of it.
 */
static bool give_back(struct vballoon_device *device, const struct vballoon_piece *piece,
		      uint64_t first, uint64_t count)
{
	uint64_t gpa = device->memory.regions[piece->index].gpa.value +
		       (first << VIRTIO_BALLOON_PFN_SHIFT);
	uint64_t at = gpa, end = gpa + count * PAGE_BYTES;
	enum vballoon_progress progress;

	/* A run is not dealt with in part: another host page, and another. */
	while ((progress = vballoon_restore(device, &at, end)) == VBALLOON_UNFINISHED)
		device->work.bytes_left = 1;
	if (progress == VBALLOON_FAILED && device->protocol->is_firm(device)) {
		release(device, gpa, (at - gpa) / PAGE_BYTES);
		device->work.at = at;
		device->work.waits = true;
		return false;
	}
	if (progress == VBALLOON_FAILED) {
		refuse(device, VBALLOON_REFUSED_NO_HOST_MEMORY, (end - at) / PAGE_BYTES);
		vballoon_page_map_undrop(&piece->map, first, count);
	}
	release(device, gpa, count);
	return true;
}

static void deflate_run(struct vballoon_device *device, uint64_t gpa, uint64_t pages)
{
	struct vballoon_piece piece;
	uint64_t at, from, end;

	while (vballoon_held_piece(device, &gpa, &pages, &piece)) {
		struct vballoon_bits held = vballoon_page_map_held(&piece.map);

		end = piece.first + piece.count;
		for (at = piece.first; at < end;) {
			from = vballoon_bits_next(held, at, end);
			refuse(device, VBALLOON_REFUSED_NOT_HELD, from - at);
			at = vballoon_bits_next_missing(held, from, end);
			if (at > from && !give_back(device, &piece, from, at - from))
				return;
		}
	}
}

enum vballoon_violation vballoon_trad_inflate(struct vballoon_device *device,
					      struct vballoon_chain *chain)
{
	enum vballoon_violation violation = take_pages(device, chain, inflate_run);

	if (!violation && !device->work.unfinished)
		vballoon_drop_defer(device);
	return violation;
}

enum vballoon_violation vballoon_trad_deflate(struct vballoon_device *device,
					      struct vballoon_chain *chain)
{
	return take_pages(device, chain, deflate_run);
}
