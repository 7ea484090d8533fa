/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ADD: the driver gives pages to the balloon.
 *
 * Every entry gets a verdict of its own. A page that is held already is accepted
 * and stays on the record once: an ADD that is told twice, because its
 * answer was lost with a device that crashed, changes nothing.
 */
#include "base/le.h"
#include "device/core.h"

/* Entries that are read, judged and answered at once. */
#define BATCH 64

/* Keeps DEV-ADD-13, DEV-BAD-8. */
static void refuse(struct vballoon_device *device, enum vballoon_refusal cause)
{
	device->counters.refused_entries[cause]++;
}

/* Keeps DEV-ADD-1, DEV-ADD-3, DEV-ADD-4, DEV-ADD-5, DEV-RUNS-3, DEV-RUNS-4, DEV-RUNS-5. */
static uint8_t judge(struct vballoon_device *device, const struct vballoon_entry *entry)
{
	uint64_t pages = vballoon_entry_pages(device, entry);
	enum vballoon_refusal cause;
	uint64_t fresh;

	if (!vballoon_entry_is_drivers(device, entry, &cause)) {
		refuse(device, cause);
		return VIRTIO_MEMORY_BALLOON_REFUSED;
	}
	fresh = vballoon_held_add(device, entry->gpa, pages);
	device->counters.added_pages += fresh;
	device->counters.already_held_pages += pages - fresh;
	return VIRTIO_MEMORY_BALLOON_ACCEPTED;
}

/* Judge @count entries. False: they name more units than are left of a message.
 * Keeps DEV-MSG-9, DEV-HELLO-9, DEV-ADD-2. */
static bool judge_batch(struct vballoon_device *device, const __le64 *entries, size_t count,
			uint8_t *verdicts)
{
	struct vballoon_entry_format format = vballoon_device_entry_format(device);
	struct vballoon_work *work = &device->work;

	for (size_t i = 0; i < count; i++) {
		struct vballoon_entry entry;

		entry = vballoon_entry_decode(&format, vballoon_le64(entries[i]));
		vballoon_work_charge_entry(work, vballoon_entry_pages(device, &entry));
		if (device->proof == VBALLOON_RECORD_NONE) {
			refuse(device, VBALLOON_REFUSED_NO_RECORD);
			verdicts[i] = VIRTIO_MEMORY_BALLOON_REFUSED;
			continue;
		}
		if (entry.units > work->units_left)
			return false;
		work->units_left -= entry.units;
		verdicts[i] = judge(device, &entry);
	}
	return true;
}

/* Answer as far as the driver has left room (DEV-ADD-7). Keeps DEV-ADD-7, DEV-ADD-8. */
static int write_verdicts(struct vballoon_device *device, const uint8_t *verdicts, size_t count)
{
	struct vballoon_chain *chain = &device->chain;
	uint64_t room = chain->writable_len - chain->written;

	return vballoon_chain_write(&device->memory, chain, verdicts,
				    count < room ? count : (size_t)room);
}

/* Entries that are judged before it is looked at whether the run may do more: fewer where
 * one may name much. */
static uint64_t batch_entries(const struct vballoon_device *device)
{
	struct vballoon_entry_format format = vballoon_device_entry_format(device);
	struct vballoon_entry largest = { .units = vballoon_entry_units_max(&format) };
	uint64_t words = vballoon_entry_pages(device, &largest) / VBALLOON_BITMAP_WORD_BITS;

	return words <= BATCH ? BATCH : 1;
}

enum vballoon_violation vballoon_add_resume(struct vballoon_device *device)
{
	struct vballoon_chain *chain = &device->chain;
	uint64_t left = (chain->readable_len - chain->read_done) / sizeof(__le64);
	uint64_t batch = batch_entries(device);
	uint8_t verdicts[BATCH];
	__le64 entries[BATCH];
	size_t count;

	for (; left; left -= count) {
		device->work.unfinished = !device->work.steps_left;
		if (device->work.unfinished)
			return VBALLOON_OK;
		count = (size_t)(left < batch ? left : batch);
		if (vballoon_chain_read(&device->memory, chain, entries, count * sizeof(__le64)))
			return VBALLOON_DESC_OUTSIDE_MEMORY;
		if (!judge_batch(device, entries, count, verdicts))
			return VBALLOON_MESSAGE_LENGTH;
		if (write_verdicts(device, verdicts, count))
			return VBALLOON_DESC_OUTSIDE_MEMORY;
	}
	return VBALLOON_OK;
}

enum vballoon_violation vballoon_message_add(struct vballoon_device *device, uint32_t flags)
{
	(void)flags; /* none is defined; checked */
	return vballoon_add_resume(device);
}
