/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/le.h"
#include "ring/ring_features.h"
#include "trad_bed.h"

/* The window: messages of each queue in slots, then the rings. */
#define MESSAGES_AT(queue) (BED_WINDOW + (queue)*UINT64_C(0x20000))
#define SLOT_BYTES UINT64_C(0x8000)
#define RING_AT(queue) (BED_WINDOW + UINT64_C(0xd0000) + (queue)*UINT64_C(0x4000))
#define STRETCHES_MAX 16

void trad_bed_init(struct bed *bed, uint64_t features)
{
	bed_init_device(bed, VIRTIO_BALLOON_ID, features, VIRTIO_BALLOON_PFN_SHIFT);
}

void trad_stop(struct bed *bed)
{
	for (unsigned int i = 0; i < VBALLOON_QUEUES_MAX; i++)
		assert_int_equal(
			vballoon_device_stop_queue(bed->device, i, &bed->rings[i].queue.next), 0);
}

void trad_go_on(struct bed *bed, unsigned int queues)
{
	for (unsigned int i = 0; i < VBALLOON_QUEUES_MAX; i++) {
		if (queues & TRAD_QUEUE(i))
			assert_int_equal(
				vballoon_device_start_queue(bed->device, i, &bed->rings[i].queue),
				0);
	}
}

void trad_start(struct bed *bed, unsigned int queues)
{
	trad_stop(bed);
	for (unsigned int i = 0; i < VBALLOON_QUEUES_MAX; i++) {
		ring_builder_init(&bed->rings[i], &bed->guest, RING_AT(i), BED_QUEUE_SIZE);
		ring_builder_start_driver(&bed->rings[i],
					  vballoon_ring_features(bed_status(bed).features));
	}
	trad_go_on(bed, queues);
	bed_run(bed);
}

void trad_begin(struct bed *bed, uint64_t features, uint32_t host_page_shift, unsigned int queues)
{
	trad_bed_init(bed, features);
	bed_add_memory(bed, GIB, 64 * MIB, host_page_shift);
	trad_start(bed, queues);
}

void trad_post_bytes(struct bed *bed, unsigned int queue, const void *bytes, size_t len)
{
	struct vballoon_driver_ring *driver = &bed->rings[queue].driver;
	uint64_t at = MESSAGES_AT(queue) + driver->avail_idx % TRAD_MESSAGES_MAX * SLOT_BYTES;
	struct vballoon_driver_buffer buffer = { vballoon_gpa(at), (uint32_t)len, false };

	assert_true(len <= SLOT_BYTES);
	memcpy(guest_memory_at(&bed->guest, at, len), bytes, len);
	assert_int_equal(vballoon_driver_ring_post(driver, &buffer, 1, at), 0);
}

void trad_post(struct bed *bed, unsigned int queue, const uint32_t *pfns, size_t count)
{
	__le32 *wire = calloc(count, sizeof(*wire));

	assert_non_null(wire);
	for (size_t i = 0; i < count; i++)
		wire[i] = vballoon_le32(pfns[i]);
	trad_post_bytes(bed, queue, wire, count * sizeof(*wire));
	free(wire);
}

void trad_post_free(struct bed *bed, unsigned int queue, const uint64_t (*stretches)[2],
		    unsigned int count)
{
	struct vballoon_driver_buffer buffers[STRETCHES_MAX];

	assert_true(count <= STRETCHES_MAX);
	for (unsigned int i = 0; i < count; i++)
		buffers[i] = (struct vballoon_driver_buffer){ vballoon_gpa(stretches[i][0]),
							      (uint32_t)stretches[i][1], true };
	assert_int_equal(vballoon_driver_ring_post(&bed->rings[queue].driver, buffers, count, 0),
			 0);
}

void trad_post_stat(struct bed *bed, uint16_t tag, uint64_t value)
{
	struct virtio_balloon_stat stat = { vballoon_le16(tag), vballoon_le64(value) };

	trad_post_bytes(bed, STATS, &stat, sizeof(stat));
	bed_run(bed);
}

bool trad_answered(struct bed *bed, unsigned int queue)
{
	uint64_t token;
	uint32_t written;

	if (vballoon_driver_ring_collect(&bed->rings[queue].driver, &token, &written) !=
	    VBALLOON_COLLECT_ONE)
		return false;
	assert_int_equal(written, 0);
	return true;
}

void trad_say(struct bed *bed, unsigned int queue, const uint32_t *pfns, size_t count)
{
	trad_post(bed, queue, pfns, count);
	bed_run(bed);
	assert_true(trad_answered(bed, queue));
}

static void say_pages(struct bed *bed, unsigned int queue, uint64_t gpa, uint32_t count, bool down)
{
	uint32_t first = (uint32_t)(gpa >> VIRTIO_BALLOON_PFN_SHIFT);
	uint32_t *pfns = calloc(count, sizeof(*pfns));

	assert_non_null(pfns);
	for (uint32_t i = 0; i < count; i++)
		pfns[i] = first + (down ? count - 1 - i : i);
	trad_say(bed, queue, pfns, count);
	free(pfns);
}

void trad_say_up(struct bed *bed, unsigned int queue, uint64_t gpa, uint32_t count)
{
	say_pages(bed, queue, gpa, count, false);
}

void trad_say_down(struct bed *bed, unsigned int queue, uint64_t gpa, uint32_t count)
{
	say_pages(bed, queue, gpa, count, true);
}

uint32_t trad_config(struct bed *bed, size_t offset)
{
	__le32 value;

	vballoon_device_config_space(bed->device, (uint32_t)offset, &value, sizeof(value));
	return vballoon_le32(value);
}

void trad_config_write(struct bed *bed, size_t offset, uint32_t value)
{
	__le32 wire = vballoon_le32(value);

	vballoon_device_config_write(bed->device, (uint32_t)offset, &wire, sizeof(wire));
}

uint64_t trad_dropped(const struct bed *bed, unsigned int from)
{
	uint64_t sum = 0;

	for (unsigned int i = from; i < bed->call_count; i++)
		sum += bed->calls[i].restore ? 0 : bed->calls[i].len;
	return sum;
}
