/* SPDX-License-Identifier: BSD-3-Clause */
#include "ring/driver_ring.h"

#include <errno.h>
#include <string.h>

#include "base/le.h"
#include "ring/chain.h"
#include "ring/split.h"

static uint16_t *field16(void *ring, uint32_t offset)
{
	return (uint16_t *)(void *)((unsigned char *)ring + offset);
}

static uint16_t load16(void *ring, uint32_t offset)
{
	return vballoon_le16(__atomic_load_n(field16(ring, offset), __ATOMIC_ACQUIRE));
}

static void store16(void *ring, uint32_t offset, uint16_t value)
{
	__atomic_store_n(field16(ring, offset), vballoon_le16(value), __ATOMIC_RELEASE);
}

static uint16_t outstanding(const struct vballoon_driver_ring *ring)
{
	return (uint16_t)(ring->avail_idx - ring->used_idx);
}

void vballoon_driver_ring_start(struct vballoon_driver_ring *ring)
{
	memset(ring->desc, 0, split_desc_bytes(ring->size));
	memset(ring->avail, 0, split_avail_bytes(ring->size));
	memset(ring->used, 0, split_used_bytes(ring->size));
	memset(ring->slots, 0, ring->size * sizeof(ring->slots[0]));
	for (uint16_t i = 0; i < ring->size; i++)
		ring->links[i] = (uint16_t)(i + 1);
	ring->free_head = 0;
	ring->free_count = ring->size;
	ring->avail_idx = 0;
	ring->kicked_idx = 0;
	ring->used_idx = 0;
	ring->broken = false;
}

/* Check what a conforming driver owes a chain (virtio 1.3, 2.7.4.2 and 2.7.5.2). */
static int measure(const struct vballoon_driver_ring *ring,
		   const struct vballoon_driver_buffer *buffers, unsigned int count,
		   uint64_t *writable_len_out)
{
	uint64_t readable = 0, writable = 0;

	if (!count || count > ring->size)
		return -EINVAL;
	for (unsigned int i = 0; i < count; i++) {
		if (!buffers[i].len || (writable && !buffers[i].device_writes))
			return -EINVAL;
		if (buffers[i].device_writes)
			writable += buffers[i].len;
		else
			readable += buffers[i].len;
	}
	*writable_len_out = writable;
	return readable + writable > VBALLOON_CHAIN_BYTES_MAX ? -EINVAL : 0;
}

static void fill(struct split_desc *desc, const struct vballoon_driver_buffer *buffer, bool last,
		 uint16_t next)
{
	uint16_t flags = (uint16_t)((buffer->device_writes ? SPLIT_DESC_WRITE : 0) |
				    (last ? 0 : SPLIT_DESC_NEXT));

	desc->addr = vballoon_le64(buffer->gpa.value);
	desc->len = vballoon_le32(buffer->len);
	desc->flags = vballoon_le16(flags);
	desc->next = vballoon_le16(last ? 0 : next);
}

/* Let the device see the chain at the head of the free list, which leaves that list. */
static void publish(struct vballoon_driver_ring *ring, uint16_t chain_len, uint16_t next_free,
		    uint64_t writable_len, uint64_t token)
{
	uint16_t head = ring->free_head;
	struct vballoon_driver_slot *slot = &ring->slots[head];

	slot->token = token;
	slot->writable_len = writable_len;
	slot->chain_len = chain_len;
	ring->free_head = next_free;
	ring->free_count = (uint16_t)(ring->free_count - chain_len);
	store16(ring->avail, split_avail_slot(ring->size, ring->avail_idx), head);
	ring->avail_idx++;
	store16(ring->avail, SPLIT_IDX, ring->avail_idx);
	/* All 2^16 indices were posted without a kick: modulo 2^16 that would look like none.
	 * The device is long past the oldest of them. */
	if (ring->avail_idx == ring->kicked_idx)
		ring->kicked_idx++;
}

int vballoon_driver_ring_post(struct vballoon_driver_ring *ring,
			      const struct vballoon_driver_buffer *buffers, unsigned int count,
			      uint64_t token)
{
	struct split_desc *table = ring->desc;
	uint16_t index = ring->free_head;
	uint64_t writable_len;
	int error;

	error = measure(ring, buffers, count, &writable_len);
	if (error)
		return error;
	if (ring->broken)
		return -EIO;
	if (count > ring->free_count)
		return -ENOSPC;
	for (unsigned int i = 0; i < count; i++) {
		fill(&table[index], &buffers[i], i + 1 == count, ring->links[index]);
		index = ring->links[index];
	}
	publish(ring, (uint16_t)count, index, writable_len, token);
	return 0;
}

int vballoon_driver_ring_post_indirect(struct vballoon_driver_ring *ring,
				       const struct vballoon_driver_buffer *buffers,
				       unsigned int count, void *table,
				       struct vballoon_gpa table_gpa, uint64_t token)
{
	struct split_desc *direct = ring->desc, *indirect = table;
	uint16_t head = ring->free_head;
	uint64_t writable_len;
	int error;

	error = measure(ring, buffers, count, &writable_len);
	if (error)
		return error;
	if (ring->broken)
		return -EIO;
	if (!ring->free_count)
		return -ENOSPC;
	/* virtio 1.3, 2.7.5.3.1: the descriptors of an indirect table are in sequence. */
	for (unsigned int i = 0; i < count; i++)
		fill(&indirect[i], &buffers[i], i + 1 == count, (uint16_t)(i + 1));
	direct[head].addr = vballoon_le64(table_gpa.value);
	direct[head].len = vballoon_le32(split_desc_bytes(count));
	direct[head].flags = vballoon_le16(SPLIT_DESC_INDIRECT);
	direct[head].next = 0;
	publish(ring, 1, ring->links[head], writable_len, token);
	return 0;
}

bool vballoon_driver_ring_should_kick(struct vballoon_driver_ring *ring)
{
	uint16_t since = ring->kicked_idx;

	ring->kicked_idx = ring->avail_idx;
	if (ring->avail_idx == since)
		return false;
	split_fence(); /* pair 3: after the available index, before the device's word */
	if (ring->event_idx)
		return split_passed(load16(ring->used, split_avail_event(ring->size)),
				    ring->avail_idx, since);
	return !(load16(ring->used, SPLIT_FLAGS) & SPLIT_USED_NO_NOTIFY);
}

/* Put the descriptors of a chain back on the free list. */
static void release(struct vballoon_driver_ring *ring, uint16_t head)
{
	uint16_t chain_len = ring->slots[head].chain_len;
	uint16_t last = head;

	for (uint16_t i = 1; i < chain_len; i++)
		last = ring->links[last];
	ring->links[last] = ring->free_head;
	ring->free_head = head;
	ring->free_count = (uint16_t)(ring->free_count + chain_len);
	ring->slots[head].chain_len = 0;
}

/* Copy the next used element, each field read once. */
static struct split_used read_used(const struct vballoon_driver_ring *ring)
{
	const volatile struct split_used *shared =
		(const volatile void *)((unsigned char *)ring->used +
					split_used_slot(ring->size, ring->used_idx));
	struct split_used element = { vballoon_le32(shared->id), vballoon_le32(shared->len) };

	return element;
}

static int broken(struct vballoon_driver_ring *ring)
{
	ring->broken = true;
	return VBALLOON_COLLECT_BROKEN;
}

int vballoon_driver_ring_collect(struct vballoon_driver_ring *ring, uint64_t *token_out,
				 uint32_t *written_out)
{
	const struct vballoon_driver_slot *slot;
	struct split_used element;
	uint16_t waiting;

	if (ring->broken)
		return VBALLOON_COLLECT_BROKEN;
	waiting = (uint16_t)(load16(ring->used, SPLIT_IDX) - ring->used_idx); /* pair 2 */
	if (!waiting)
		return VBALLOON_COLLECT_NONE;
	if (waiting > outstanding(ring))
		return broken(ring);
	element = read_used(ring);
	if (element.id >= ring->size)
		return broken(ring);
	slot = &ring->slots[element.id];
	if (!slot->chain_len || element.len > slot->writable_len)
		return broken(ring);
	*token_out = slot->token;
	*written_out = element.len;
	release(ring, (uint16_t)element.id);
	ring->used_idx++;
	return VBALLOON_COLLECT_ONE;
}

/* An event index that is half the circle away is passed neither now nor soon. */
#define EVENT_FAR 0x8000

bool vballoon_driver_ring_interrupts(struct vballoon_driver_ring *ring, bool on)
{
	uint16_t event = (uint16_t)(ring->used_idx + (on ? 0 : EVENT_FAR));

	/* virtio 1.3, 2.7.7.1: with EVENT_IDX the flags stay 0. */
	if (ring->event_idx)
		store16(ring->avail, split_used_event(ring->size), event);
	else
		store16(ring->avail, SPLIT_FLAGS, on ? 0 : SPLIT_AVAIL_NO_INTERRUPT);
	split_fence(); /* pair 4: after the driver's word, before the used index */
	return ring->broken || load16(ring->used, SPLIT_IDX) != ring->used_idx;
}
