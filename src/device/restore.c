/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Making held pages usable before the guest gets them: those that were dropped have
 * host memory, the others are cleared if zeros are promised.
 *
 * Where a guest's first touch of a hole could fail (hugetlb: SIGBUS in the
 * process that runs the guest), the embedder allocates it first, and may find
 * that there is none. Elsewhere the host backs the page when it is touched; either
 * way the whole host page is there again, so its mark is taken away as a whole.
 */
#include "base/checked.h"
#include "device/core.h"

/* Whether the host has memory for a run of whole host pages. */
static bool restore_run(struct vballoon_device *device, const struct vballoon_piece *piece,
			uint64_t first, uint64_t count)
{
	const struct vballoon_reclaim_ops *reclaim = device->config.reclaim;
	uint32_t shift = device->config.page_shift;
	int result;

	if (!reclaim || !reclaim->restore)
		return true;
	vballoon_journal_restore(device, piece->map.header->gpa + (first << shift), count);
	device->counters.restore_calls++;
	result = reclaim->restore(device->config.context, &device->memory.regions[piece->index],
				  vballoon_bytes(first << shift), vballoon_bytes(count << shift));
	vballoon_work_charge(&device->work, result > 0 ? 0 : count << shift);
	if (result < 0) {
		device->counters.restore_failures++;
		return false;
	}
	/* What comes when it is touched says nothing of memory that does not. */
	device->work.restored |= !result;
	return true;
}

/* What is less than the driver can take is dropped again: who is told of that asks again, and
 * so on. */
void vballoon_restore_settle(struct vballoon_device *device, bool given)
{
	device->work.regained |= given && device->work.restored;
	device->work.restored = false;
}

void vballoon_restore_refuse(struct vballoon_device *device)
{
	device->work.unrestored = true;
	device->withdraw_refused = true;
}

/* The host has memory again, and what was refused could be granted now; unless the message has
 * had all of it, or it is of another kind than what there is none of: a driver that is told adds
 * again, however short of memory its guest is. Keeps DEV-REQ-9. */
void vballoon_restore_end(struct vballoon_device *device)
{
	if (device->work.regained && !device->work.unrestored && device->withdraw_refused)
		vballoon_requests_resize(device);
}

/* Restore whole host pages from @first on, as many of them as this run may, if possible;
 * else half, and so on. Returns how many pages that were. What fails loses what it has of the memory
 * that it asks for, so of a guest that need not wait, and may use some of it by now, each host page
 * is asked for alone. */
static uint64_t restore_some(struct vballoon_device *device, const struct vballoon_piece *piece,
			     uint64_t first, uint64_t count)
{
	uint64_t host_pages = vballoon_page_map_host_pages(&piece->map);
	uint64_t mask = host_pages - 1;
	uint64_t most = (device->work.bytes_left >> device->config.page_shift) & ~mask;

	if (!most || !device->protocol->is_firm(device))
		most = host_pages;
	if (count > most)
		count = most;
	while (count && !restore_run(device, piece, first, count))
		count = (count / 2) & ~mask;
	if (count) {
		vballoon_page_map_undrop(&piece->map, first, count);
		vballoon_summary_added(&device->summaries[piece->index], first, count);
	}
	vballoon_journal_restore(device, 0, 0);
	return count;
}

/* [*@at, @end), all of it in @piece, was dropped. Keeps DEV-WITHDRAW-10, DEV-EXCHANGE-11. */
static enum vballoon_progress bring_back(struct vballoon_device *device,
					 const struct vballoon_piece *piece, uint64_t *at,
					 uint64_t end)
{
	uint64_t mask = vballoon_page_map_host_pages(&piece->map) - 1;
	uint64_t base = device->memory.regions[piece->index].gpa.value;
	uint32_t shift = device->config.page_shift;
	uint64_t first = piece->first & ~mask;
	uint64_t last = (((end - base) >> shift) + mask) & ~mask;
	uint64_t from = *at, count;

	if (!device->work.bytes_left)
		return VBALLOON_UNFINISHED;
	count = restore_some(device, piece, first, last - first);
	if (!count)
		return VBALLOON_FAILED;
	*at = base + ((first + count) << shift);
	if (*at > end)
		*at = end;
	/* These are zeros, though the guest has not written them. */
	if (vballoon_device_has(device, device->protocol->zeroed_feature))
		vballoon_memory_changed(&device->memory, vballoon_gpa(from), (size_t)(*at - from));
	return VBALLOON_DONE;
}

/* [*@at, @end) was not dropped. Keeps DEV-ZEROED-1, DEV-ZEROED-2. */
static enum vballoon_progress take_as_it_is(struct vballoon_device *device, uint64_t *at,
					    uint64_t end)
{
	if (vballoon_device_has(device, device->protocol->zeroed_feature))
		return vballoon_clear(device, at, end);
	*at = end;
	return VBALLOON_DONE;
}

/* The next stretch of [*@at, @end) that was dropped, or was not. The first page may be
 * cleared in part already. */
static enum vballoon_progress step(struct vballoon_device *device, uint64_t *at, uint64_t end)
{
	uint32_t shift = device->config.page_shift;
	uint64_t page = vballoon_align_down(*at, shift);
	uint64_t gpa = page, pages = (end - page) >> shift, all, most, stop;
	bool zeroed = vballoon_device_has(device, device->protocol->zeroed_feature);
	struct vballoon_bits dropped;
	struct vballoon_piece piece;

	vballoon_held_piece(device, &gpa, &pages, &piece);
	dropped = vballoon_page_map_dropped(&piece.map);
	all = piece.first + piece.count;
	/* Not further than one run may clear or restore, or it would be looked at again. */
	most = ((piece.first + (VBALLOON_RUN_BYTES >> shift)) |
		(vballoon_page_map_host_pages(&piece.map) - 1)) +
	       1;
	if (most > all)
		most = all;
	stop = vballoon_bits_next(dropped, piece.first, zeroed ? most : all);
	if (stop > piece.first)
		return take_as_it_is(device, at, page + ((stop - piece.first) << shift));
	stop = vballoon_bits_next_missing(dropped, stop, most);
	return bring_back(device, &piece, at, page + ((stop - piece.first) << shift));
}

enum vballoon_progress vballoon_restore(struct vballoon_device *device, uint64_t *at, uint64_t end)
{
	enum vballoon_progress progress = VBALLOON_DONE;

	while (*at < end && progress == VBALLOON_DONE)
		progress = step(device, at, end);
	return progress;
}
