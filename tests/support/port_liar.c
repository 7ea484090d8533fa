/* SPDX-License-Identifier: BSD-3-Clause */
#include "port_liar.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/le.h"

#define FROMDEV VIRTIO_MEMORY_BALLOON_VQ_FROMDEV
#define TODEV VIRTIO_MEMORY_BALLOON_VQ_TODEV

static void reset(void *side)
{
	struct port_liar *liar = side;

	memset(liar->rings, 0, sizeof(liar->rings));
}

static int start(void *side, uint64_t features, const struct vballoon_queue queues[2])
{
	const struct vballoon_ring_features ring_features = vballoon_ring_features(features);
	struct port_liar *liar = side;

	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(vballoon_device_ring_start(&liar->rings[i],
							    &liar->guest.memory.memory, &queues[i],
							    &ring_features),
				 0);
	return 0;
}

static void notify(void *side, unsigned int queue)
{
	struct port_liar *liar = side;

	liar->kicks[queue]++;
}

static const struct port_side side_ops = { reset, start, notify };

void port_liar_init(struct port_liar *liar, uint64_t features, uint32_t unit_shift)
{
	port_liar_init_queue(liar, features, unit_shift, 64);
}

void port_liar_init_queue(struct port_liar *liar, uint64_t features, uint32_t unit_shift,
			  uint32_t todev_size)
{
	memset(liar, 0, sizeof(*liar));
	port_guest_prepare(&liar->guest, features, unit_shift);
	liar->guest.device_lies = true;
	liar->guest.config.queue_size[TODEV] = todev_size;
	port_guest_init(&liar->guest, &side_ops, liar);
	port_guest_run(&liar->guest);
}

void port_liar_destroy(struct port_liar *liar)
{
	port_guest_destroy(&liar->guest);
}

static int next(struct port_liar *liar, unsigned int queue)
{
	enum vballoon_violation violation;

	return vballoon_device_ring_next(&liar->rings[queue], &liar->chains[queue], &violation);
}

struct liar_message port_liar_take(struct port_liar *liar, uint32_t type)
{
	struct liar_message message = { 0 };
	struct virtio_memory_balloon_msg header;
	uint64_t word;

	assert_int_equal(next(liar, TODEV), VBALLOON_RING_CHAIN);
	assert_int_equal(vballoon_chain_read(&liar->guest.memory.memory, &liar->chains[TODEV],
					     &header, sizeof(header)),
			 0);
	message.type = vballoon_le32(header.type);
	message.flags = vballoon_le32(header.flags);
	message.writable_len = liar->chains[TODEV].writable_len;
	while (!vballoon_chain_read(&liar->guest.memory.memory, &liar->chains[TODEV], &word,
				    sizeof(word))) {
		assert_true(message.count < LIAR_ENTRIES);
		message.entries[message.count++] = vballoon_le64(word);
	}
	message.word = message.entries[0];
	assert_int_equal(message.type, type);
	return message;
}

bool port_liar_is_idle(struct port_liar *liar)
{
	return next(liar, TODEV) == VBALLOON_RING_EMPTY;
}

static void use(struct port_liar *liar, unsigned int queue, const void *bytes, size_t len)
{
	struct vballoon_chain *chain = &liar->chains[queue];

	if (len)
		assert_int_equal(
			vballoon_chain_write(&liar->guest.memory.memory, chain, bytes, len), 0);
	assert_int_equal(vballoon_device_ring_use(&liar->rings[queue], chain), 0);
}

void port_liar_answer(struct port_liar *liar, const void *answer, size_t len)
{
	use(liar, TODEV, answer, len);
	port_guest_run(&liar->guest);
}

void port_liar_return(struct port_liar *liar, const uint64_t *entries, unsigned int count)
{
	uint64_t wire[LIAR_ENTRIES];

	for (unsigned int i = 0; i < count; i++)
		wire[i] = vballoon_le64(entries[i]);
	port_liar_answer(liar, wire, count * sizeof(wire[0]));
}

void port_liar_give_request(struct port_liar *liar, const void *request, size_t len)
{
	assert_int_equal(next(liar, FROMDEV), VBALLOON_RING_CHAIN);
	use(liar, FROMDEV, request, len);
}

void port_liar_request(struct port_liar *liar, uint32_t type, uint32_t flags, uint64_t value)
{
	const struct virtio_memory_balloon_req request = { vballoon_le32(type),
							   vballoon_le32(flags),
							   vballoon_le64(value) };

	port_liar_give_request(liar, &request, sizeof(request));
	port_guest_run(&liar->guest);
}

void port_liar_greet(struct port_liar *liar)
{
	const uint64_t held = 0;

	port_liar_take(liar, VIRTIO_MEMORY_BALLOON_MSG_HELLO);
	port_liar_answer(liar, &held, sizeof(held));
}

void port_liar_fill(struct port_liar *liar, unsigned int pages)
{
	uint8_t verdicts[LIAR_ENTRIES];

	memset(verdicts, VIRTIO_MEMORY_BALLOON_ACCEPTED, sizeof(verdicts));
	port_liar_greet(liar);
	port_liar_request(liar, VIRTIO_MEMORY_BALLOON_REQ_RESIZE, 0, pages);
	while (port_guest_status(&liar->guest).held_pages < pages)
		port_liar_answer(liar, verdicts,
				 port_liar_take(liar, VIRTIO_MEMORY_BALLOON_MSG_ADD).count);
}

void port_liar_expect_failure(struct port_liar *liar, enum vballoon_guest_failure failure)
{
	struct port_guest *guest = &liar->guest;

	assert_int_equal(port_guest_status(guest).failure, failure);
	assert_int_equal(port_guest_status(guest).state, VBALLOON_GUEST_FAILED);
	assert_int_equal(guest->resets, 2);
	assert_int_equal(guest->out_count, 0);
	assert_int_equal(guest->causes[VBALLOON_GUEST_HANDED_BACK], 0);
	assert_int_equal(guest->wait_ms, VBALLOON_GUEST_FOREVER);
	port_guest_check(guest);
}

void port_liar_expect_running(struct port_liar *liar)
{
	assert_int_equal(port_guest_status(&liar->guest).state, VBALLOON_GUEST_RUNNING);
	assert_int_equal(liar->guest.resets, 1);
	port_guest_check(&liar->guest);
}
