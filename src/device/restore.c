/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Making sure that dropped pages have host memory before the guest gets them.
 *
 * Where a guest's first touch of a hole could fail (hugetlb: SIGBUS in the
 * process that runs the guest), the embedder allocates it first, and may find
 * that there is none. Elsewhere the host backs the page when it is touched; either
 * way the whole host page is there again, so its mark is taken away as a whole.
 */
#include "device/core.h"

/* Whether the host has memory for a run of whole host pages. Keeps DEV-REQ-9. */
static bool restore_run(struct vballoon_device *device, const struct vballoon_piece *piece,
			uint64_t first, uint64_t count)
{
	const struct vballoon_reclaim_ops *reclaim = device->config.reclaim;
	uint32_t shift = device->config.page_shift;

	if (!reclaim || !reclaim->restore)
		return true;
	device->counters.restore_calls++;
	vballoon_work_charge(&device->work, count << shift);
	if (reclaim->restore(device->config.context, &device->memory.regions[piece->index],
			     vballoon_bytes(first << shift), vballoon_bytes(count << shift))) {
		device->counters.restore_failures++;
		return false;
	}
	/* The host has memory again: what was refused could be granted now. */
	if (device->withdraw_refused)
		vballoon_requests_resize(device);
	return true;
}

/* Restore whole host pages from @first on, all if possible, else half, and so on.
 * Returns how many pages that were. */
static uint64_t restore_some(struct vballoon_device *device, const struct vballoon_piece *piece,
			     uint64_t first, uint64_t count)
{
	uint64_t mask = vballoon_page_map_host_pages(&piece->map) - 1;

	while (count && !restore_run(device, piece, first, count))
		count = (count / 2) & ~mask;
	if (count) {
		vballoon_page_map_undrop(&piece->map, first, count);
		vballoon_summary_added(&device->summaries[piece->index], first, count);
	}
	return count;
}

/* Restore what is dropped of a piece. Returns how many of its pages, from its
 * start on, have memory. */
static uint64_t restore_piece(struct vballoon_device *device, const struct vballoon_piece *piece)
{
	struct vballoon_bits dropped = vballoon_page_map_dropped(&piece->map);
	uint64_t mask = vballoon_page_map_host_pages(&piece->map) - 1;
	uint64_t end = piece->first + piece->count;
	uint64_t at = piece->first;

	while ((at = vballoon_bits_next(dropped, at, end)) < end) {
		uint64_t run_end = vballoon_bits_next_missing(dropped, at, end);
		uint64_t first = at & ~mask;

		if (!restore_some(device, piece, first, ((run_end + mask) & ~mask) - first))
			return at - piece->first;
	}
	return piece->count;
}

/* Keeps DEV-WITHDRAW-10. */
uint64_t vballoon_restore(struct vballoon_device *device, uint64_t gpa, uint64_t pages)
{
	uint32_t unit_order = device->record.unit_shift - device->config.page_shift;
	struct vballoon_piece piece;
	uint64_t good = 0, part;

	while (vballoon_held_piece(device, &gpa, &pages, &piece)) {
		part = restore_piece(device, &piece);
		good += part;
		if (part < piece.count)
			break;
	}
	return vballoon_align_down(good, unit_order);
}
