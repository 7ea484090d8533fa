/* SPDX-License-Identifier: BSD-3-Clause */
#include "ring/driver_ring.h"

#include <errno.h>
#include <string.h>

#include "ring/barrier.h"
#include "ring/chain.h"
#include "ring/driver_format.h"

void vballoon_driver_ring_start(struct vballoon_driver_ring *ring)
{
	ring->format = ring->features.packed ? &packed_driver_format : &split_driver_format;
	memset(ring->slots, 0, ring->size * sizeof(ring->slots[0]));
	/* virtio 1.3, 2.7.9: with IN_ORDER the descriptors are taken in ring order. What comes
	 * back in order is free in that order, so the list is a circle then. */
	for (uint16_t i = 0; i < ring->size; i++)
		ring->links[i] = (uint16_t)(i + 1 < ring->size ? i + 1 : 0);
	ring->free_head = 0;
	ring->free_count = ring->size;
	ring->oldest = 0;
	ring->outstanding = 0;
	ring->unkicked = 0;
	ring->batch = false;
	ring->broken = false;
	ring->format->start(ring);
	ring_fence(); /* before whatever tells the device of the ring */
}

/* Check what a conforming driver owes a chain (virtio 1.3, 2.7.4.2 and 2.7.5.2). Keeps DRV-RING-1,
 * DRV-RING-2. */
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

/* Make room in the driver's own records for a chain that takes @chain_len descriptors, or say why
 * not. It begins at free_head. */
static int admit(struct vballoon_driver_ring *ring, const struct vballoon_driver_buffer *buffers,
		 unsigned int count, unsigned int chain_len, uint64_t token)
{
	struct vballoon_driver_slot *slot = &ring->slots[ring->free_head];
	uint64_t writable_len;
	int error;

	error = measure(ring, buffers, count, &writable_len);
	if (error)
		return error;
	if (ring->broken)
		return -EIO;
	if (chain_len > ring->free_count)
		return -ENOSPC;
	slot->token = token;
	slot->writable_len = writable_len;
	slot->chain_len = (uint16_t)chain_len;
	ring->free_count = (uint16_t)(ring->free_count - chain_len);
	ring->outstanding++;
	return 0;
}

/* The head that is @count links after @head. */
static uint16_t follow(const struct vballoon_driver_ring *ring, uint16_t head, uint16_t count)
{
	while (count--)
		head = ring->links[head];
	return head;
}

int vballoon_driver_ring_post(struct vballoon_driver_ring *ring,
			      const struct vballoon_driver_buffer *buffers, unsigned int count,
			      uint64_t token)
{
	int error = admit(ring, buffers, count, count, token);

	if (error)
		return error;
	ring->format->put(ring, buffers, count);
	ring->free_head = follow(ring, ring->free_head, ring->format->heads((uint16_t)count));
	return 0;
}

int vballoon_driver_ring_post_indirect(struct vballoon_driver_ring *ring,
				       const struct vballoon_driver_buffer *buffers,
				       unsigned int count, void *table,
				       struct vballoon_gpa table_gpa, uint64_t token)
{
	int error = admit(ring, buffers, count, 1, token);

	if (error)
		return error;
	ring->format->put_indirect(ring, buffers, count, table, table_gpa);
	ring->free_head = follow(ring, ring->free_head, 1);
	return 0;
}

bool vballoon_driver_ring_should_kick(struct vballoon_driver_ring *ring)
{
	uint32_t count = ring->unkicked;

	ring->unkicked = 0;
	if (!count)
		return false;
	ring_fence(); /* pair 3: after what was posted, before the device's word */
	return ring->format->wants_kick(ring, count);
}

/* A chain is collected: its descriptors are free. */
static void release(struct vballoon_driver_ring *ring, uint16_t head)
{
	uint16_t chain_len = ring->slots[head].chain_len;
	uint16_t heads = ring->format->heads(chain_len);

	if (ring->features.in_order) {
		ring->oldest = follow(ring, head, heads);
	} else {
		ring->links[follow(ring, head, (uint16_t)(heads - 1))] = ring->free_head;
		ring->free_head = head;
	}
	ring->free_count = (uint16_t)(ring->free_count + chain_len);
	ring->slots[head].chain_len = 0;
	ring->outstanding--;
	ring->format->advance(ring, chain_len);
}

static int broken(struct vballoon_driver_ring *ring)
{
	ring->broken = true;
	return VBALLOON_COLLECT_BROKEN;
}

/* Read up to which chain the device is done. Without IN_ORDER it is that chain alone. */
static bool read_batch(struct vballoon_driver_ring *ring)
{
	struct vballoon_driver_used used = ring->format->read_used(ring);

	if (used.id >= ring->size || !ring->slots[used.id].chain_len ||
	    used.len > ring->slots[used.id].writable_len)
		return false;
	ring->batch_last = (uint16_t)used.id;
	ring->batch_len = used.len;
	return true;
}

int vballoon_driver_ring_collect(struct vballoon_driver_ring *ring, uint64_t *token_out,
				 uint32_t *written_out)
{
	const struct vballoon_driver_slot *slot;
	uint16_t pending, head;

	if (ring->broken)
		return VBALLOON_COLLECT_BROKEN;
	pending = ring->format->pending(ring);
	if (!pending && !ring->batch)
		return VBALLOON_COLLECT_NONE;
	if (!pending || pending > ring->outstanding || (!ring->batch && !read_batch(ring)))
		return broken(ring);
	head = ring->features.in_order ? ring->oldest : ring->batch_last;
	ring->batch = head != ring->batch_last;
	slot = &ring->slots[head];
	*token_out = slot->token;
	/* virtio 1.3, 2.7.9 and 2.8.8: buffers that were skipped were written completely. */
	if (!ring->batch)
		*written_out = ring->batch_len;
	else
		*written_out =
			slot->writable_len < UINT32_MAX ? (uint32_t)slot->writable_len : UINT32_MAX;
	release(ring, head);
	return VBALLOON_COLLECT_ONE;
}

bool vballoon_driver_ring_interrupts(struct vballoon_driver_ring *ring, bool on)
{
	ring->format->ask_interrupts(ring, on);
	ring_fence(); /* pair 4: after the driver's word, before what was used */
	return ring->broken || ring->batch || ring->format->pending(ring);
}
