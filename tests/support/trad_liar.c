/* SPDX-License-Identifier: BSD-3-Clause */
#include "trad_liar.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/le.h"

static void reset(void *side)
{
	struct trad_liar *liar = side;

	memset(liar->rings, 0, sizeof(liar->rings));
	memset(liar->started, 0, sizeof(liar->started));
}

static int start(void *side, uint64_t features,
		 const struct vballoon_traditional_guest_queue *queues, unsigned int count)
{
	const struct vballoon_ring_features ring_features = vballoon_ring_features(features);
	struct trad_liar *liar = side;

	liar->features = features;
	for (unsigned int i = 0; i < count; i++) {
		assert_true(queues[i].index < TRAD_QUEUES && !liar->started[queues[i].index]);
		liar->started[queues[i].index] = true;
		assert_int_equal(vballoon_device_ring_start(&liar->rings[queues[i].index],
							    &liar->guest.port.memory.memory,
							    &queues[i].queue, &ring_features),
				 0);
	}
	return 0;
}

static void notify(void *side, unsigned int index)
{
	struct trad_liar *liar = side;

	liar->kicks[index]++;
}

static const struct trad_side side_ops = { reset, start, notify };

void trad_liar_prepare(struct trad_liar *liar, uint64_t features, uint32_t unit_shift)
{
	memset(liar, 0, sizeof(*liar));
	trad_guest_prepare(&liar->guest, features, unit_shift);
}

void trad_liar_start(struct trad_liar *liar)
{
	trad_guest_init(&liar->guest, &side_ops, liar);
	trad_guest_run(&liar->guest);
}

void trad_liar_init(struct trad_liar *liar, uint64_t features)
{
	trad_liar_prepare(liar, features, 12);
	trad_liar_start(liar);
}

void trad_liar_destroy(struct trad_liar *liar)
{
	trad_guest_destroy(&liar->guest);
}

static int next(struct trad_liar *liar, unsigned int index)
{
	enum vballoon_violation violation;

	return vballoon_device_ring_next(&liar->rings[index], &liar->chains[index], &violation);
}

struct trad_message trad_liar_take(struct trad_liar *liar, unsigned int index)
{
	struct vballoon_chain *chain = &liar->chains[index];
	struct trad_message message = { 0 };
	uint32_t pfn;

	assert_int_equal(next(liar, index), VBALLOON_RING_CHAIN);
	message.readable_len = chain->readable_len;
	message.writable_len = chain->writable_len;
	while (message.count < TRAD_PFNS &&
	       !vballoon_chain_read(&liar->guest.port.memory.memory, chain, &pfn, sizeof(pfn)))
		message.pfns[message.count++] = vballoon_le32(pfn);
	return message;
}

bool trad_liar_is_idle(struct trad_liar *liar, unsigned int index)
{
	return next(liar, index) == VBALLOON_RING_EMPTY;
}

void trad_liar_answer(struct trad_liar *liar, unsigned int index)
{
	assert_int_equal(vballoon_device_ring_use(&liar->rings[index], &liar->chains[index]), 0);
	trad_guest_run(&liar->guest);
}

void trad_liar_fill(struct trad_liar *liar, unsigned int pages)
{
	trad_guest_want(&liar->guest, pages);
	trad_guest_run(&liar->guest);
	while (trad_guest_status(&liar->guest).held_pages < pages) {
		trad_liar_take(liar, VIRTIO_BALLOON_VQ_INFLATE);
		trad_liar_answer(liar, VIRTIO_BALLOON_VQ_INFLATE);
	}
}

void trad_liar_expect_failure(struct trad_liar *liar)
{
	assert_int_equal(trad_guest_status(&liar->guest).failure, VBALLOON_GUEST_BAD_RING);
	assert_int_equal(trad_guest_status(&liar->guest).state, VBALLOON_GUEST_FAILED);
	assert_int_equal(liar->guest.port.resets, 2);
	assert_int_equal(liar->guest.port.out_count, 0);
	assert_int_equal(liar->guest.port.wait_ms, VBALLOON_GUEST_FOREVER);
	port_guest_check(&liar->guest.port);
}
