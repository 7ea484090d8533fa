// SPDX-License-Identifier: BSD-3-Clause
#include "guest_queue.h"

#include <string.h>

#include "base/le.h"

/* Split virtqueue: where avail.idx, used.idx, the used elements and the event
 * indices lie (virtio 1.3, 2.7.6 and 2.7.8). */
#define INDEX_OFFSET 2
#define USED_RING_OFFSET 4
#define USED_ELEMENT_BYTES 8
#define AVAIL_OFFSET 1024
#define USED_OFFSET 1280

static uint16_t load16(const void *at)
{
	uint16_t value;

	memcpy(&value, at, sizeof(value));
	return vballoon_le16(value);
}

static uint32_t load32(const void *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return vballoon_le32(value);
}

static void store16(void *at, uint16_t value)
{
	value = vballoon_le16(value);
	memcpy(at, &value, sizeof(value));
}

/* As an old ring would look at @index: empty, and the device waiting for a kick. */
static void age(struct vballoon_driver_ring *ring, uint16_t index)
{
	uint8_t *avail = ring->avail, *used = ring->used;

	ring->avail_idx = index;
	ring->kicked_idx = index;
	ring->used_idx = index;
	store16(avail + INDEX_OFFSET, index);
	store16(used + INDEX_OFFSET, index);
	store16(used + USED_RING_OFFSET + ring->size * USED_ELEMENT_BYTES, index);
	vballoon_driver_ring_interrupts(ring, true);
}

void guest_queue_start(struct guest_queue *queue, struct guest_buffer memory, uint16_t size,
		       uint16_t index, bool event_idx)
{
	memset(queue, 0, sizeof(*queue));
	queue->ring.size = size;
	queue->ring.desc = memory.at;
	queue->ring.avail = memory.at + AVAIL_OFFSET;
	queue->ring.used = memory.at + USED_OFFSET;
	queue->ring.slots = queue->slots;
	queue->ring.links = queue->links;
	queue->ring.event_idx = event_idx;
	queue->place = (struct vballoon_queue){
		.size = size,
		.desc = vballoon_gpa(memory.gpa),
		.avail = vballoon_gpa(memory.gpa + AVAIL_OFFSET),
		.used = vballoon_gpa(memory.gpa + USED_OFFSET),
		.next = index,
	};
	vballoon_driver_ring_start(&queue->ring);
	if (index)
		age(&queue->ring, index);
	guest_queue_remember(queue);
}

/* Appends @len bytes at @gpa in at most three pieces. */
static unsigned int cut(struct vballoon_driver_buffer *buffers, struct rng *rng, uint64_t gpa,
			uint32_t len, bool device_writes)
{
	unsigned int count = 0;

	while (len) {
		uint32_t piece = len;

		if (len > 1 && count < 2 && rng_chance(rng, 40))
			piece = rng_between(rng, 1, len - 1);
		buffers[count++] =
			(struct vballoon_driver_buffer){ vballoon_gpa(gpa), piece, device_writes };
		gpa += piece;
		len -= piece;
	}
	return count;
}

bool guest_queue_post(struct guest_queue *queue, struct rng *rng, struct guest_buffer buffer,
		      uint32_t readable, uint32_t writable, const struct guest_buffer *table,
		      uint16_t reserve, uint64_t token)
{
	struct vballoon_driver_buffer buffers[GUEST_QUEUE_BUFFERS_MAX];
	unsigned int count = cut(buffers, rng, buffer.gpa, readable, false);

	count += cut(buffers + count, rng, buffer.gpa + readable, writable, true);
	if (queue->ring.free_count < (table ? 1 : count) + reserve)
		return false;
	if (table)
		return !vballoon_driver_ring_post_indirect(&queue->ring, buffers, count, table->at,
							   vballoon_gpa(table->gpa), token);
	return !vballoon_driver_ring_post(&queue->ring, buffers, count, token);
}

bool guest_queue_published(const struct guest_queue *queue, uint64_t token, uint32_t *written_out)
{
	const uint8_t *used = queue->ring.used;
	uint16_t end = guest_queue_used_index(queue);

	for (uint16_t i = queue->ring.used_idx; i != end; i++) {
		const uint8_t *element =
			used + USED_RING_OFFSET + (i & (queue->ring.size - 1)) * USED_ELEMENT_BYTES;
		uint32_t id = load32(element);

		if (id < queue->ring.size && queue->slots[id].chain_len &&
		    queue->slots[id].token == token) {
			*written_out = load32(element + 4);
			return true;
		}
	}
	return false;
}

static uint32_t kick_offset(const struct guest_queue *queue)
{
	if (!queue->ring.event_idx)
		return 0;
	return USED_RING_OFFSET + queue->ring.size * USED_ELEMENT_BYTES;
}

uint64_t guest_queue_kick_gpa(const struct guest_queue *queue)
{
	return queue->place.used.value + kick_offset(queue);
}

static uint8_t *kick_word(const struct guest_queue *queue)
{
	return (uint8_t *)queue->ring.used + kick_offset(queue);
}

void guest_queue_swap(struct guest_queue *queue)
{
	uint16_t now = load16(kick_word(queue));

	store16(kick_word(queue), queue->kick_word);
	queue->kick_word = now;
}

void guest_queue_remember(struct guest_queue *queue)
{
	queue->kick_word = load16(kick_word(queue));
}

uint16_t guest_queue_used_index(const struct guest_queue *queue)
{
	return load16((const uint8_t *)queue->ring.used + INDEX_OFFSET);
}
