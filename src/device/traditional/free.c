// SPDX-License-Identifier: BSD-3-Clause
/*
 * free_page_vq and reporting_vq: free memory that stays the driver's, a stretch in each
 * writable descriptor.
 *
 * What is *reported* the driver does not touch until it is answered, so whole host pages
 * of it are given back to the host until then; unless the guest relies on what it filled
 * them with. What is *hinted* the driver may take back at any time without a word: it is
 * counted, and left alone.
 */
#include <vballoon/abi/traditional_balloon.h>

#include "base/checked.h"
#include "base/le.h"
#include "device/traditional/traditional.h"

/* A driver that fills free pages with something, zeros among it, finds it in them again. */
static bool is_poisoned(const struct vballoon_device *device)
{
	const struct vballoon_traditional *trad = &device->traditional;

	return vballoon_device_has(device, VBALLOON_TRAD(PAGE_POISON)) &&
	       (trad->poison_val || trad->begun_elsewhere || !device->config.reclaim->zeroes);
}

/* The next stretch of a report: passed over, or to work on. */
static void open_stretch(struct vballoon_device *device, const struct vballoon_segment *segment)
{
	struct vballoon_work *work = &device->work;
	uint64_t first = vballoon_align_up(segment->gpa.value, VIRTIO_BALLOON_PFN_SHIFT);
	uint64_t end =
		vballoon_align_down(segment->gpa.value + segment->len, VIRTIO_BALLOON_PFN_SHIFT);
	enum vballoon_refusal cause = VBALLOON_REFUSED_MISALIGNED;
	uint64_t pages = first < end ? (end - first) >> VIRTIO_BALLOON_PFN_SHIFT : 0;

	vballoon_work_charge_entry(work, pages);
	if (!pages)
		goto refuse;
	cause = VBALLOON_REFUSED_RING;
	if (vballoon_queues_touch(device, first, end - first))
		goto refuse;
	cause = VBALLOON_REFUSED_HELD;
	if (vballoon_held_any(device, first, end - first))
		goto refuse;
	work->reported.pages += pages;
	if (is_poisoned(device))
		return;
	work->at = work->keep_end = first;
	work->end = end;
	return;

refuse:
	device->counters.refused_entries[cause]++;
}

enum vballoon_violation vballoon_trad_report(struct vballoon_device *device,
					     struct vballoon_chain *chain)
{
	struct vballoon_work *work = &device->work;

	if (chain->readable_len)
		return VBALLOON_MESSAGE_DIRECTION;
	while (!work->unfinished) {
		if (work->at < work->keep_end)
			work->at = work->keep_end;
		else if (work->at < work->end)
			work->unfinished = vballoon_discard_step(device) == VBALLOON_UNFINISHED;
		else if (chain->write_segment == chain->count)
			break;
		else if (work->steps_left)
			open_stretch(device, &chain->segments[chain->write_segment++]);
		else
			work->unfinished = true;
	}
	if (!work->unfinished)
		vballoon_discard_count(device);
	return VBALLOON_OK;
}

uint32_t vballoon_trad_command(const struct vballoon_device *device)
{
	const struct vballoon_requests *requests = &device->requests;
	/* A driver begins no round whose id it knows, though it may know it from a device before. */
	const uint64_t number = requests->report_id + device->traditional.drivers;

	if (requests->report_asked)
		return VIRTIO_BALLOON_CMD_ID_MIN + (uint32_t)(number % (UINT32_MAX - 1));
	return device->traditional.hints_done ? VIRTIO_BALLOON_CMD_ID_DONE
					      : VIRTIO_BALLOON_CMD_ID_STOP;
}

/* The driver says which round it speaks of, or that it is through. An id that is not the
 * one under way is an old one, seen late. */
static void take_command(struct vballoon_device *device, uint32_t id)
{
	struct vballoon_requests *requests = &device->requests;
	struct vballoon_traditional *trad = &device->traditional;

	if (id != VIRTIO_BALLOON_CMD_ID_STOP) {
		trad->round =
			requests->report_asked && id == vballoon_trad_command(device) ? id : 0;
		return;
	}
	/* The end of a round before is not that of one which was asked for meanwhile. */
	if (!requests->report_asked || trad->round != vballoon_trad_command(device))
		return;
	trad->round = 0;
	trad->hints_done = true;
	/* A device that followed another may be about to ask for it again. */
	requests->report = requests->report_asked = false;
	device->counters.report_done_id = requests->report_id;
	requests->resize = true;
}

enum vballoon_violation vballoon_trad_hint(struct vballoon_device *device,
					   struct vballoon_chain *chain)
{
	__le32 id;

	if (chain->readable_len) {
		if (chain->readable_len != sizeof(id))
			return VBALLOON_MESSAGE_LENGTH;
		if (vballoon_chain_read(&device->memory, chain, &id, sizeof(id)))
			return VBALLOON_DESC_OUTSIDE_MEMORY;
		take_command(device, vballoon_le32(id));
		/* Before it is answered: the driver says it once. */
		vballoon_journal_keep(device);
	}
	if (device->traditional.round)
		device->counters.reported_pages += chain->writable_len >> VIRTIO_BALLOON_PFN_SHIFT;
	return VBALLOON_OK;
}
