// SPDX-License-Identifier: BSD-3-Clause
#include "guest_queue.h"

#include <string.h>

#include "base/le.h"

/* What the device tells lies in memory as virtio 1.3, 2.7.8 and 2.8.13 have it; the ring code's
 * own layout is what is tested, so that it is written down once more. */
#define INDEX_OFFSET 2
#define USED_RING_OFFSET 4
#define USED_ELEMENT_BYTES 8
#define DESC_BYTES 16
#define DESC_LEN 8
#define DESC_ID 12
#define DESC_FLAGS 14
#define DESC_AVAIL_AND_USED 0x8080
#define EVENT_FLAGS 2
#define WRAP 0x8000
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

static uint16_t index_of(uint16_t place)
{
	return place & (WRAP - 1);
}

static uint8_t *desc_at(const struct guest_queue *queue, uint16_t place)
{
	return (uint8_t *)queue->ring->desc + index_of(place) * DESC_BYTES;
}

/* The place of a packed ring @count descriptors further. */
static uint16_t further(const struct guest_queue *queue, uint16_t place, uint16_t count)
{
	uint16_t index = (uint16_t)(index_of(place) + count);

	if (index < queue->ring->size)
		return (uint16_t)((place & WRAP) | index);
	return (uint16_t)(((place & WRAP) ^ WRAP) | (index - queue->ring->size));
}

/* As an old ring would look at @index: empty, and the device waiting for a kick. */
static void age_split(struct vballoon_driver_ring *ring, uint16_t index)
{
	uint8_t *avail = ring->avail, *used = ring->used;

	ring->avail_idx = index;
	ring->used_idx = index;
	store16(avail + INDEX_OFFSET, index);
	store16(used + INDEX_OFFSET, index);
	store16(used + USED_RING_OFFSET + ring->size * USED_ELEMENT_BYTES, index);
}

/* Descriptors before @place were used in this round, the others in the one before. */
static void age_packed(struct guest_queue *queue, uint16_t place)
{
	queue->ring->avail_idx = place;
	queue->ring->used_idx = place;
	for (uint16_t i = 0; i < queue->ring->size; i++) {
		bool wrap = (place & WRAP) != 0;

		if (i >= index_of(place))
			wrap = !wrap;
		store16(desc_at(queue, i) + DESC_FLAGS, wrap ? DESC_AVAIL_AND_USED : 0);
	}
	store16(queue->ring->used, place);
}

/* A packed ring has a place where it wraps soon too, and is not where a new one begins. */
static void age(struct guest_queue *queue, uint16_t index)
{
	if (queue->ring->features.packed)
		age_packed(queue,
			   (uint16_t)((index & WRAP) | (1 + index % (queue->ring->size - 1))));
	else
		age_split(queue->ring, index);
	queue->place.next = guest_queue_used(queue);
	vballoon_driver_ring_interrupts(queue->ring, true);
}

void guest_queue_start(struct guest_queue *queue, struct guest_buffer memory, uint16_t size,
		       uint16_t index, struct vballoon_ring_features features)
{
	memset(queue, 0, sizeof(*queue));
	queue->ring = &queue->own;
	queue->ring->size = size;
	queue->ring->desc = memory.at;
	queue->ring->avail = memory.at + AVAIL_OFFSET;
	queue->ring->used = memory.at + USED_OFFSET;
	queue->ring->slots = queue->slots;
	queue->ring->links = queue->links;
	queue->ring->features = features;
	queue->place = (struct vballoon_queue){
		.size = size,
		.desc = vballoon_gpa(memory.gpa),
		.avail = vballoon_gpa(memory.gpa + AVAIL_OFFSET),
		.used = vballoon_gpa(memory.gpa + USED_OFFSET),
		.next = features.packed ? VBALLOON_QUEUE_FIRST_PACKED : 0,
	};
	vballoon_driver_ring_start(queue->ring);
	if (index)
		age(queue, index);
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
	if (queue->ring->free_count < (table ? 1 : count) + reserve)
		return false;
	if (table)
		return !vballoon_driver_ring_post_indirect(queue->ring, buffers, count, table->at,
							   vballoon_gpa(table->gpa), token);
	return !vballoon_driver_ring_post(queue->ring, buffers, count, token);
}

/* One thing that the device has published. */
struct published {
	uint32_t id;
	uint32_t len;
	uint16_t next; /* used index, or place, after it */
};

static uint16_t split_used_index(const struct guest_queue *queue)
{
	return load16((const uint8_t *)queue->ring->used + INDEX_OFFSET);
}

static bool split_published(const struct guest_queue *queue, uint16_t at, struct published *out)
{
	const uint8_t *element = (const uint8_t *)queue->ring->used + USED_RING_OFFSET +
				 (at & (queue->ring->size - 1)) * USED_ELEMENT_BYTES;

	*out = (struct published){ load32(element), load32(element + 4), (uint16_t)(at + 1) };
	return at != split_used_index(queue);
}

static bool packed_published(const struct guest_queue *queue, uint16_t at, struct published *out)
{
	const uint8_t *desc = desc_at(queue, at);
	uint16_t mark = at & WRAP ? DESC_AVAIL_AND_USED : 0;
	uint16_t id = load16(desc + DESC_ID);

	if ((load16(desc + DESC_FLAGS) & DESC_AVAIL_AND_USED) != mark || id >= queue->ring->size)
		return false;
	*out = (struct published){ id, load32(desc + DESC_LEN),
				   further(queue, at, queue->ring->slots[id].chain_len) };
	return queue->ring->slots[id].chain_len;
}

/* What the device has published at @at, if anything, that the driver has not collected. */
static bool published(const struct guest_queue *queue, uint16_t at, struct published *out)
{
	return queue->ring->features.packed ? packed_published(queue, at, out)
					    : split_published(queue, at, out);
}

bool guest_queue_published(const struct guest_queue *queue, uint64_t token, uint32_t *written_out)
{
	uint16_t at = queue->ring->used_idx;
	struct published one;

	for (uint16_t i = 0; i < queue->ring->outstanding && published(queue, at, &one); i++) {
		at = one.next;
		if (one.id < queue->ring->size && queue->ring->slots[one.id].chain_len &&
		    queue->ring->slots[one.id].token == token) {
			*written_out = one.len;
			return true;
		}
	}
	return false;
}

/* Where the device publishes next, and how many the driver has not collected before that. */
static uint16_t publishes_next(const struct guest_queue *queue, uint16_t *count_out)
{
	uint16_t at = queue->ring->used_idx, count = 0;
	struct published one;

	while (count < queue->ring->outstanding && published(queue, at, &one)) {
		at = one.next;
		count++;
	}
	*count_out = count;
	return at;
}

uint32_t guest_queue_used(const struct guest_queue *queue)
{
	uint16_t count, at;

	if (!queue->ring->features.packed)
		return split_used_index(queue);
	at = publishes_next(queue, &count);
	return at | (uint32_t)at << 16;
}

uint32_t guest_queue_answers(const struct guest_queue *queue)
{
	uint16_t count;

	publishes_next(queue, &count);
	return queue->collected + count;
}

static uint32_t kick_offset(const struct guest_queue *queue)
{
	const struct vballoon_ring_features *features = &queue->ring->features;

	if (features->packed)
		return features->event_idx ? 0 : EVENT_FLAGS;
	if (!features->event_idx)
		return 0;
	return USED_RING_OFFSET + queue->ring->size * USED_ELEMENT_BYTES;
}

uint64_t guest_queue_kick_gpa(const struct guest_queue *queue)
{
	return queue->place.used.value + kick_offset(queue);
}

static uint8_t *kick_word(const struct guest_queue *queue)
{
	return (uint8_t *)queue->ring->used + kick_offset(queue);
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
