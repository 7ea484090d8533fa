/* SPDX-License-Identifier: BSD-3-Clause */
/* The driver's side of a split ring. */
#include <string.h>

#include "ring/barrier.h"
#include "ring/driver_format.h"
#include "ring/split.h"

static void start(struct vballoon_driver_ring *ring)
{
	memset(ring->desc, 0, split_desc_bytes(ring->size));
	memset(ring->avail, 0, split_avail_bytes(ring->size));
	memset(ring->used, 0, split_used_bytes(ring->size));
	ring->avail_idx = 0;
	ring->used_idx = 0;
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

/* Let the device see the chain at free_head. */
static void publish(struct vballoon_driver_ring *ring)
{
	driver_store16(ring->avail, split_avail_slot(ring->size, ring->avail_idx), ring->free_head);
	ring->avail_idx++;
	driver_store16(ring->avail, SPLIT_IDX, ring->avail_idx);
	ring->unkicked = ring_count(ring->unkicked, 1);
}

static void put(struct vballoon_driver_ring *ring, const struct vballoon_driver_buffer *buffers,
		unsigned int count)
{
	struct split_desc *table = ring->desc;
	uint16_t index = ring->free_head;

	for (unsigned int i = 0; i < count; i++) {
		fill(&table[index], &buffers[i], i + 1 == count, ring->links[index]);
		index = ring->links[index];
	}
	publish(ring);
}

static void put_indirect(struct vballoon_driver_ring *ring,
			 const struct vballoon_driver_buffer *buffers, unsigned int count,
			 void *table, struct vballoon_gpa table_gpa)
{
	struct split_desc *direct = (struct split_desc *)ring->desc + ring->free_head;
	struct split_desc *indirect = table;

	/* virtio 1.3, 2.7.5.3.1: the descriptors of an indirect table are in sequence. */
	for (unsigned int i = 0; i < count; i++)
		fill(&indirect[i], &buffers[i], i + 1 == count, (uint16_t)(i + 1));
	direct->addr = vballoon_le64(table_gpa.value);
	direct->len = vballoon_le32(split_desc_bytes(count));
	direct->flags = vballoon_le16(SPLIT_DESC_INDIRECT);
	direct->next = 0;
	publish(ring);
}

static bool wants_kick(const struct vballoon_driver_ring *ring, uint32_t count)
{
	if (ring->features.event_idx)
		return split_passed(driver_load16(ring->used, split_avail_event(ring->size)),
				    ring->avail_idx, count);
	return !(driver_load16(ring->used, SPLIT_FLAGS) & SPLIT_USED_NO_NOTIFY);
}

static uint16_t pending(struct vballoon_driver_ring *ring)
{
	return (uint16_t)(driver_load16(ring->used, SPLIT_IDX) - ring->used_idx);
}

static struct vballoon_driver_used read_used(const struct vballoon_driver_ring *ring)
{
	const volatile struct split_used *shared =
		(const volatile void *)((unsigned char *)ring->used +
					split_used_slot(ring->size, ring->used_idx));

	return (struct vballoon_driver_used){ vballoon_le32(shared->id),
					      vballoon_le32(shared->len) };
}

static uint16_t heads(uint16_t chain_len)
{
	return chain_len;
}

static void advance(struct vballoon_driver_ring *ring, uint16_t chain_len)
{
	(void)chain_len;
	ring->used_idx++;
}

/* An event index that is half the circle away is passed neither now nor soon. */
#define EVENT_FAR 0x8000

static void ask_interrupts(struct vballoon_driver_ring *ring, bool on)
{
	uint16_t event = (uint16_t)(ring->used_idx + (on ? 0 : EVENT_FAR));

	/* virtio 1.3, 2.7.7.1: with EVENT_IDX the flags stay 0. */
	if (ring->features.event_idx)
		driver_store16(ring->avail, split_used_event(ring->size), event);
	else
		driver_store16(ring->avail, SPLIT_FLAGS, on ? 0 : SPLIT_AVAIL_NO_INTERRUPT);
}

const struct vballoon_driver_ring_format split_driver_format = {
	.start = start,
	.put = put,
	.put_indirect = put_indirect,
	.wants_kick = wants_kick,
	.pending = pending,
	.read_used = read_used,
	.heads = heads,
	.advance = advance,
	.ask_interrupts = ask_interrupts,
};
