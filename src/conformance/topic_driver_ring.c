/* SPDX-License-Identifier: BSD-3-Clause */
/* Used buffers that there are not, and what a driver has to make of them. */
#include "base/le.h"
#include "conformance/lies.h"
#include "conformance/topics.h"
#include "ring/split.h"

#define TODEVQ VIRTIO_MEMORY_BALLOON_VQ_TODEV
#define LESS VBALLOON_BOUT_LESS
#define RESIZE VIRTIO_MEMORY_BALLOON_REQ_RESIZE

/* What was written into the ring has to make the driver reset, which hears of it, and gets no
 * other answer. */
static void expect_reset(struct vballoon_bout *bout)
{
	struct vballoon_impostor *impostor = &bout->impostor;
	unsigned int resets = impostor->seen.resets, messages = impostor->seen.messages;

	impostor->mute = true;
	vballoon_impostor_raise(impostor->queues[TODEVQ].call);
	vballoon_impostor_ask(impostor, RESIZE, 0, LESS);
	vballoon_lie_expect_reset(bout, resets, messages);
}

/* A buffer of no message is used. */
struct used {
	bool of_nothing; /* the last of the queue, which was never made available */
	uint16_t id;
	uint32_t len;
};

static void used_lies(struct vballoon_bout *bout, const void *how)
{
	const struct used *used = how;
	struct vballoon_device_ring *ring = &bout->impostor.queues[TODEVQ].ring;
	struct vballoon_chain *chain = &bout->impostor.chain;

	chain->head = used->of_nothing ? (uint16_t)(ring->queue.size - 1) : used->id;
	chain->places = 1;
	chain->written = used->len;
	(void)vballoon_device_ring_use(ring, chain);
	expect_reset(bout);
}

/* The id of a split ring has bits that no device uses. */
static void used_id_is_wide(struct vballoon_bout *bout, const void *how)
{
	const struct vballoon_queue *queue = &bout->impostor.queues[TODEVQ].ring.queue;
	const struct vballoon_memory *memory = &bout->impostor.memory;
	const struct split_used used = { .id = *(const uint32_t *)how };
	uint64_t at = queue->used.value;
	uint16_t index = 0;

	(void)vballoon_memory_load16(memory, vballoon_gpa(at + SPLIT_IDX), &index);
	(void)vballoon_memory_write(memory, vballoon_gpa(at + split_used_slot(queue->size, index)),
				    &used, sizeof(used));
	(void)vballoon_memory_store16(memory, vballoon_gpa(at + SPLIT_IDX), (uint16_t)(index + 1));
	expect_reset(bout);
}

static void used_index_jumps(struct vballoon_bout *bout, const void *how)
{
	const uint16_t *more = how;
	const struct vballoon_memory *memory = &bout->impostor.memory;
	uint64_t at = bout->impostor.queues[TODEVQ].ring.queue.used.value + SPLIT_IDX;
	uint16_t index = 0;

	(void)vballoon_memory_load16(memory, vballoon_gpa(at), &index);
	(void)vballoon_memory_store16(memory, vballoon_gpa(at), (uint16_t)(index + *more));
	expect_reset(bout);
}

#define LIES(its_name, function, argument)                                                         \
	VBALLOON_DRIVER_CASE(its_name, "DRV-RING-4", function, argument, true,                     \
			     VBALLOON_STAGE_GREETED, 0, 0)
#define USED(...) (&(const struct used){ __VA_ARGS__ })

static const struct vballoon_case split_cases[] = {
	LIES("used-index-jumps", used_index_jumps, &(const uint16_t){ 1000 }),
	LIES("used-id-beyond-the-queue", used_lies, USED(.id = 0xffff)),
	LIES("used-id-all-ones", used_id_is_wide, &(const uint32_t){ UINT32_MAX }),
	LIES("used-id-of-nothing", used_lies, USED(.of_nothing = true)),
};

VBALLOON_TOPIC(vballoon_topic_driver_ring_split, "driver-ring-split", VBALLOON_RING_OF_DRIVER_SPLIT,
	       "a driver before a used ring that lies", split_cases);

static const struct vballoon_case packed_cases[] = {
	LIES("used-id-beyond-the-queue", used_lies, USED(.id = 0xffff)),
	LIES("used-id-just-beyond-the-queue", used_lies, USED(.id = 0x7fff)),
	LIES("used-id-of-nothing", used_lies, USED(.of_nothing = true)),
	LIES("used-id-of-nothing-with-a-length", used_lies,
	     USED(.of_nothing = true, .len = UINT32_MAX)),
};

VBALLOON_TOPIC(vballoon_topic_driver_ring_packed, "driver-ring-packed",
	       VBALLOON_RING_OF_DRIVER_PACKED, "a driver before a packed ring that lies",
	       packed_cases);
