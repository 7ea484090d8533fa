/* SPDX-License-Identifier: BSD-3-Clause */
#include "balloon_driver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/le.h"

#define FROMDEV VIRTIO_MEMORY_BALLOON_VQ_FROMDEV
#define TODEV VIRTIO_MEMORY_BALLOON_VQ_TODEV

/* Where messages lie: what the device reads, what it writes, and its requests. */
#define READABLE 0x10000U
#define WRITABLE 0x14000U
#define REQUESTS 0x18000U

static struct vballoon_gpa message_gpa(uint32_t offset)
{
	return vballoon_gpa(GUEST_BASE + offset);
}

int balloon_driver_send(struct front_end *front_end, const void *readable, uint32_t readable_len,
			void *writable, uint32_t writable_len)
{
	struct vballoon_driver_ring *ring = &front_end->queues[TODEV].driver;
	struct vballoon_driver_buffer buffers[] = {
		{ message_gpa(READABLE), readable_len, false },
		{ message_gpa(WRITABLE), writable_len, true },
	};
	uint32_t written;

	memcpy(front_end->memory + READABLE, readable, readable_len);
	assert_int_equal(vballoon_driver_ring_post(ring, buffers, writable_len ? 2 : 1, 1), 0);
	front_end_kick(front_end, TODEV);
	if (front_end_collect(front_end, TODEV, &written) != VBALLOON_COLLECT_ONE)
		return -1;
	if (writable_len)
		memcpy(writable, front_end->memory + WRITABLE, writable_len);
	return (int)written;
}

uint64_t balloon_driver_hello(struct front_end *front_end, uint64_t epoch, uint32_t flags)
{
	struct virtio_memory_balloon_hello hello = {
		.msg.type = vballoon_le32(VIRTIO_MEMORY_BALLOON_MSG_HELLO),
		.msg.flags = vballoon_le32(flags),
		.epoch = vballoon_le64(epoch),
		.unit_shift = vballoon_le32(12),
	};
	struct virtio_memory_balloon_hello_answer answer;

	assert_int_equal(
		balloon_driver_send(front_end, &hello, sizeof(hello), &answer, sizeof(answer)),
		sizeof(answer));
	return vballoon_le64(answer.held);
}

unsigned int balloon_driver_add(struct front_end *front_end, unsigned int first, unsigned int count)
{
	struct {
		struct virtio_memory_balloon_msg msg;
		uint64_t pages[BALLOON_DRIVER_ENTRIES_MAX];
	} add = { .msg.type = vballoon_le32(VIRTIO_MEMORY_BALLOON_MSG_ADD) };
	uint8_t verdicts[BALLOON_DRIVER_ENTRIES_MAX] = { 0 };
	unsigned int accepted = 0;

	for (unsigned int i = 0; i < count; i++)
		add.pages[i] = vballoon_le64(GUEST_BALLOON + (uint64_t)(first + i) * GUEST_PAGE);
	assert_int_equal(balloon_driver_send(front_end, &add,
					     (uint32_t)(sizeof(add.msg) + count * 8), verdicts,
					     count),
			 count);
	for (unsigned int i = 0; i < count; i++)
		accepted += verdicts[i] == VIRTIO_MEMORY_BALLOON_ACCEPTED;
	return accepted;
}

unsigned int balloon_driver_withdraw(struct front_end *front_end, uint64_t most, uint64_t *pages,
				     unsigned int capacity)
{
	struct virtio_memory_balloon_withdraw withdraw = {
		.msg.type = vballoon_le32(VIRTIO_MEMORY_BALLOON_MSG_WITHDRAW),
		.most = vballoon_le64(most),
	};
	int written = balloon_driver_send(front_end, &withdraw, sizeof(withdraw), pages,
					  capacity * (uint32_t)sizeof(*pages));

	assert_true(written >= 0 && written % 8 == 0);
	for (unsigned int i = 0; i < (unsigned int)written / 8; i++)
		pages[i] = vballoon_le64(pages[i]);
	return (unsigned int)written / 8;
}

void balloon_driver_post_request(struct front_end *front_end)
{
	struct vballoon_driver_buffer buffer = { message_gpa(REQUESTS),
						 sizeof(struct virtio_memory_balloon_req), true };

	assert_int_equal(
		vballoon_driver_ring_post(&front_end->queues[FROMDEV].driver, &buffer, 1, 0), 0);
	front_end_kick(front_end, FROMDEV);
}

bool balloon_driver_next_request(struct front_end *front_end,
				 struct virtio_memory_balloon_req *request)
{
	uint32_t written;

	if (front_end_collect(front_end, FROMDEV, &written) != VBALLOON_COLLECT_ONE)
		return false;
	assert_int_equal(written, sizeof(*request));
	memcpy(request, front_end->memory + REQUESTS, sizeof(*request));
	return true;
}

unsigned char *balloon_driver_page(struct front_end *front_end, unsigned int index)
{
	return front_end->memory + (GUEST_BALLOON - GUEST_BASE) + (size_t)index * GUEST_PAGE;
}
