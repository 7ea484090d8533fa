// SPDX-License-Identifier: BSD-3-Clause
/*
 * REPORT: the driver names free memory that stays its own, and waits with using it
 * until the answer. Whole host pages of it are given back to the host until then; where
 * that cannot be they are left as they are, or cleared if zeros are promised. A verdict on
 * each entry tells the driver whether anything became of it.
 *
 * Nothing of it goes on the record: from the answer on the guest may use the memory
 * without a word.
 */
#include "base/checked.h"
#include "base/le.h"
#include "device/core.h"

/* What the host cannot have stays. What cannot be cleared, as there is no memory for it,
 * is a hole. Keeps DEV-ZEROED-3. */
static enum vballoon_progress keep(struct vballoon_device *device)
{
	struct vballoon_work *work = &device->work;
	enum vballoon_progress progress;

	if (!vballoon_device_has(device, VBALLOON_F(ZEROED))) {
		work->at = work->keep_end;
		return VBALLOON_DONE;
	}
	progress = vballoon_clear(device, &work->at, work->keep_end);
	if (progress != VBALLOON_FAILED)
		return progress;
	work->entry_failed = true;
	work->at = vballoon_host_page_end(device, work->at);
	if (work->at > work->keep_end)
		work->at = work->keep_end;
	return VBALLOON_DONE;
}

/* The run that is under work: a step of it. */
static enum vballoon_progress step(struct vballoon_device *device)
{
	struct vballoon_work *work = &device->work;

	if (work->at < work->keep_end)
		return keep(device);
	return vballoon_discard_step(device);
}

/* Answer the entry that is done, if the driver has left room.
 * Keeps DEV-REPORT-9, DEV-REPORT-10, DEV-REPORT-11, DEV-REPORT-12, DEV-ZEROED-5. */
static enum vballoon_violation answer_entry(struct vballoon_device *device)
{
	struct vballoon_work *work = &device->work;
	bool good = vballoon_device_has(device, VBALLOON_F(ZEROED)) ? !work->entry_failed
								    : work->entry_given;

	work->entry_open = false;
	if (device->chain.written == device->chain.writable_len)
		return VBALLOON_OK;
	return vballoon_device_verdict(device, good ? VIRTIO_MEMORY_BALLOON_ACCEPTED
						    : VIRTIO_MEMORY_BALLOON_REFUSED);
}

/* Read the next entry: passed over, or the run to work on.
 * Keeps DEV-REPORT-1, DEV-REPORT-3, DEV-REPORT-4, DEV-REPORT-6, DEV-REPORT-8. */
static enum vballoon_violation next_run(struct vballoon_device *device)
{
	struct vballoon_work *work = &device->work;
	struct vballoon_entry_format format = vballoon_device_entry_format(device);
	enum vballoon_refusal cause = VBALLOON_REFUSED_NO_RECORD;
	struct vballoon_entry entry;
	uint64_t bytes;
	__le64 wire;

	work->unfinished = !work->steps_left;
	if (work->unfinished)
		return VBALLOON_OK;
	if (vballoon_chain_read(&device->memory, &device->chain, &wire, sizeof(wire)))
		return VBALLOON_DESC_OUTSIDE_MEMORY;
	work->entry_open = work->entry_failed = true;
	work->entry_given = false;
	entry = vballoon_entry_decode(&format, vballoon_le64(wire));
	vballoon_work_charge_entry(work, vballoon_entry_pages(device, &entry));
	if (device->proof == VBALLOON_RECORD_NONE)
		goto refuse;
	if (entry.units > work->units_left)
		return VBALLOON_MESSAGE_LENGTH;
	work->units_left -= entry.units;
	if (!vballoon_entry_is_drivers(device, &entry, &cause))
		goto refuse;
	bytes = vballoon_entry_bytes(device, &entry);
	cause = VBALLOON_REFUSED_HELD;
	if (vballoon_held_any(device, entry.gpa, bytes))
		goto refuse;
	work->reported.pages += bytes >> device->config.page_shift;
	work->entry_failed = false;
	work->at = work->keep_end = entry.gpa;
	work->end = entry.gpa + bytes;
	return VBALLOON_OK;

refuse:
	device->counters.refused_entries[cause]++;
	return VBALLOON_OK;
}

/* Keeps DEV-REPORT-2, DEV-REPORT-5. */
enum vballoon_violation vballoon_report_resume(struct vballoon_device *device)
{
	struct vballoon_work *work = &device->work;
	const struct vballoon_chain *chain = &device->chain;
	enum vballoon_violation violation = VBALLOON_OK;

	while (!violation && !work->unfinished) {
		if (work->at < work->end)
			work->unfinished = step(device) == VBALLOON_UNFINISHED;
		else if (work->entry_open)
			violation = answer_entry(device);
		else if (chain->read_done < chain->readable_len)
			violation = next_run(device);
		else
			break;
	}
	if (!violation && !work->unfinished)
		vballoon_discard_count(device);
	return violation;
}

enum vballoon_violation vballoon_message_report(struct vballoon_device *device, uint32_t flags)
{
	(void)flags; /* none is defined; checked */
	return vballoon_report_resume(device);
}

/* Keeps DEV-REPORT-7. */
enum vballoon_violation vballoon_message_report_done(struct vballoon_device *device, uint32_t flags)
{
	struct vballoon_requests *requests = &device->requests;
	__le64 id;

	(void)flags; /* none is defined; checked */
	if (vballoon_chain_read(&device->memory, &device->chain, &id, sizeof(id)))
		return VBALLOON_DESC_OUTSIDE_MEMORY;
	if (device->proof == VBALLOON_RECORD_NONE || !requests->report_asked ||
	    vballoon_le64(id) != requests->report_id)
		return VBALLOON_OK;
	requests->report_asked = false;
	device->counters.report_done_id = requests->report_id;
	return VBALLOON_OK;
}
