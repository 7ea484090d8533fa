/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * HELLO: who speaks, and whether the record is about it.
 *
 * A device behind a socket cannot tell a paused guest from one that was reset.
 * The epoch tells: the driver draws a new one after every reset. So another
 * epoch empties the record before HELLO is answered, and the same one proves it.
 */
#include "base/le.h"
#include "device/core.h"

/* Keeps DEV-HELLO-1, DEV-HELLO-2, DEV-HELLO-3, DEV-HELLO-4. */
static bool is_recorded(const struct vballoon_device *device, uint64_t epoch, uint32_t unit_shift,
			uint32_t flags)
{
	return device->proof != VBALLOON_RECORD_NONE && device->journal->record.epoch == epoch &&
	       device->journal->record.unit_shift == unit_shift &&
	       !(flags & VIRTIO_MEMORY_BALLOON_HELLO_START_OVER);
}

/* A guest that the record does not know: begin an empty one. Keeps DEV-HELLO-8. */
static void begin_record(struct vballoon_device *device, uint64_t epoch, uint32_t unit_shift)
{
	if (device->proof != VBALLOON_RECORD_NONE)
		device->counters.resets_seen++;
	vballoon_device_forget(device);
	/* The wider the old one was spread the longer that took: no other message in this run. */
	device->work.steps_left = 0;
	device->journal->record.epoch = epoch;
	device->journal->record.unit_shift = unit_shift;
	vballoon_journal_step(device);
	vballoon_device_ask(device);
	if (device->stats_period_ms && vballoon_device_has(device, VBALLOON_F(PUSH_STATS)))
		vballoon_requests_period(device);
	/* To whoever goes on from a valid record this HELLO, taken anew, is none of a new driver. */
	vballoon_journal_keep(device);
	device->journal->record.valid = 1;
	vballoon_journal_step(device);
}

/* Keeps DEV-HELLO-5, DEV-HELLO-6, DEV-HELLO-7, DEV-STOP-6. */
enum vballoon_violation vballoon_message_hello(struct vballoon_device *device, uint32_t flags)
{
	/* What follows the message's header in struct virtio_memory_balloon_hello. */
	struct {
		__le64 epoch;
		__le32 unit_shift;
		__le32 reserved;
	} hello;
	struct virtio_memory_balloon_hello_answer answer;
	enum vballoon_violation violation;
	uint32_t unit_shift;

	if (vballoon_chain_read(&device->memory, &device->chain, &hello, sizeof(hello)))
		return VBALLOON_DESC_OUTSIDE_MEMORY;
	unit_shift = vballoon_le32(hello.unit_shift);
	if (unit_shift < device->config.page_shift || unit_shift > VIRTIO_MEMORY_BALLOON_SHIFT_MAX)
		return VBALLOON_HELLO_UNIT;
	device->counters.hellos++;
	if (!is_recorded(device, vballoon_le64(hello.epoch), unit_shift, flags))
		begin_record(device, vballoon_le64(hello.epoch), unit_shift);
	device->requests.count_lost = false;
	violation = vballoon_device_prove(device);
	if (violation)
		return violation;
	answer.held = vballoon_le64(vballoon_held_count(device));
	if (vballoon_chain_write(&device->memory, &device->chain, &answer, sizeof(answer)))
		return VBALLOON_DESC_OUTSIDE_MEMORY;
	return VBALLOON_OK;
}
