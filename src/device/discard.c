// SPDX-License-Identifier: BSD-3-Clause
/*
 * Free memory that the guest has named and goes on owning: whole host pages of it are
 * given back to the host, in steps.
 */
#include "base/checked.h"
#include "device/core.h"

/* Whether the host may have anything now: as for what is held. */
static bool may_discard(const struct vballoon_device *device)
{
	return device->proof == VBALLOON_RECORD_PROVEN && !device->inhibited &&
	       device->config.reclaim && device->config.reclaim->discard &&
	       device->rings[0].running && device->rings[1].running;
}

/* The next stretch of the run that is under work, from its beginning on: whole host
 * pages that may be given back, or what may not. Returns its end. */
static uint64_t next_stretch(const struct vballoon_device *device,
			     const struct vballoon_region *region, bool *discard_out)
{
	uint32_t shift = region->host_page_shift;
	uint64_t base = region->gpa.value;
	uint64_t from = device->work.at - base;
	uint64_t end = device->work.end - base;
	uint64_t whole = vballoon_align_up(from, shift);
	uint64_t whole_end;

	if (end > region->size.value)
		end = region->size.value;
	whole_end = vballoon_align_down(end, shift);
	*discard_out = false;
	if (!may_discard(device) || region->reclaimable != VBALLOON_RECLAIMABLE ||
	    whole >= whole_end)
		return base + end;
	*discard_out = from == whole;
	return base + (from == whole ? whole_end : whole);
}

/* Give back [work->at, @end), whole host pages, or as much as this run may. */
static enum vballoon_progress discard(struct vballoon_device *device,
				      const struct vballoon_region *region, uint64_t end)
{
	struct vballoon_work *work = &device->work;
	uint64_t host_page = UINT64_C(1) << region->host_page_shift;
	uint64_t len = end - work->at;
	uint64_t most = vballoon_align_down(work->bytes_left / 2, region->host_page_shift);
	int error;

	if (!work->bytes_left)
		return VBALLOON_UNFINISHED;
	if (most < host_page)
		most = host_page;
	if (len > most)
		len = most;
	vballoon_work_charge(work, 2 * len);
	error = device->config.reclaim->discard(device->config.context, region,
						vballoon_bytes(work->at - region->gpa.value),
						vballoon_bytes(len));
	if (error) {
		device->counters.discard_failures++;
		work->keep_end = work->at + len;
		return VBALLOON_DONE;
	}
	vballoon_memory_changed(&device->memory, vballoon_gpa(work->at), (size_t)len);
	work->entry_given = true;
	work->reported.discarded += len >> device->config.page_shift;
	work->at += len;
	return VBALLOON_DONE;
}

enum vballoon_progress vballoon_discard_step(struct vballoon_device *device)
{
	struct vballoon_work *work = &device->work;
	const struct vballoon_region *region =
		vballoon_memory_find(&device->memory, vballoon_gpa(work->at), vballoon_bytes(1));
	bool may;
	uint64_t end = next_stretch(device, region, &may);

	if (may)
		return discard(device, region, end);
	work->keep_end = end;
	return VBALLOON_DONE;
}

/* One that was ended early is taken anew, and would count twice. */
void vballoon_discard_count(struct vballoon_device *device)
{
	device->counters.reported_pages += device->work.reported.pages;
	device->counters.discarded_pages += device->work.reported.discarded;
}
