/* SPDX-License-Identifier: BSD-3-Clause */
/* The driver's side of a packed ring. */
#include <string.h>

#include "ring/barrier.h"
#include "ring/driver_format.h"
#include "ring/packed.h"

static void start(struct vballoon_driver_ring *ring)
{
	memset(ring->desc, 0, packed_desc_bytes(ring->size));
	memset(ring->avail, 0, sizeof(struct packed_event));
	memset(ring->used, 0, sizeof(struct packed_event));
	ring->avail_idx = PACKED_FIRST;
	ring->used_idx = PACKED_FIRST;
}

/* Fill a descriptor in, but for its flags, which make it the device's. */
static void fill(struct packed_desc *desc, uint64_t gpa, uint32_t len, uint16_t id)
{
	desc->addr = vballoon_le64(gpa);
	desc->len = vballoon_le32(len);
	desc->id = vballoon_le16(id);
}

static void set_flags(struct vballoon_driver_ring *ring, uint16_t place, uint16_t flags)
{
	driver_store16(ring->desc, packed_desc_bytes(packed_index(place)) + PACKED_DESC_FLAGS,
		       (uint16_t)(flags | packed_avail_flags(place)));
}

static uint16_t write_flag(const struct vballoon_driver_buffer *buffer)
{
	return buffer->device_writes ? PACKED_DESC_WRITE : 0;
}

static void count_posted(struct vballoon_driver_ring *ring, uint16_t after, unsigned int count)
{
	ring->avail_idx = after;
	ring->unkicked = ring_count(ring->unkicked, count);
}

static void put(struct vballoon_driver_ring *ring, const struct vballoon_driver_buffer *buffers,
		unsigned int count)
{
	struct packed_desc *descs = ring->desc;
	uint16_t first_flags = 0, place = ring->avail_idx;

	for (unsigned int i = 0; i < count; i++) {
		uint16_t next = i + 1 < count ? PACKED_DESC_NEXT : 0;
		uint16_t flags = (uint16_t)(write_flag(&buffers[i]) | next);

		fill(&descs[packed_index(place)], buffers[i].gpa.value, buffers[i].len,
		     ring->free_head);
		/* virtio 1.3, 2.8.17: the first descriptor becomes available after the rest. */
		if (i)
			set_flags(ring, place, flags);
		else
			first_flags = flags;
		place = packed_advance(ring->size, place, 1);
	}
	set_flags(ring, ring->avail_idx, first_flags);
	count_posted(ring, place, count);
}

static void put_indirect(struct vballoon_driver_ring *ring,
			 const struct vballoon_driver_buffer *buffers, unsigned int count,
			 void *table, struct vballoon_gpa table_gpa)
{
	struct packed_desc *descs = ring->desc, *indirect = table;

	for (unsigned int i = 0; i < count; i++) {
		fill(&indirect[i], buffers[i].gpa.value, buffers[i].len, 0);
		indirect[i].flags = vballoon_le16(write_flag(&buffers[i]));
	}
	fill(&descs[packed_index(ring->avail_idx)], table_gpa.value, packed_desc_bytes(count),
	     ring->free_head);
	set_flags(ring, ring->avail_idx, PACKED_DESC_INDIRECT);
	count_posted(ring, packed_advance(ring->size, ring->avail_idx, 1), 1);
}

static bool wants_kick(const struct vballoon_driver_ring *ring, uint32_t count)
{
	uint16_t flags = driver_load16(ring->used, PACKED_EVENT_FLAGS) & PACKED_EVENT_MASK;

	if (flags != PACKED_EVENT_DESC || !ring->features.event_idx)
		return flags != PACKED_EVENT_DISABLE;
	return packed_passed(ring->size, driver_load16(ring->used, PACKED_EVENT_PLACE),
			     ring->avail_idx, count);
}

static uint16_t pending(struct vballoon_driver_ring *ring)
{
	uint32_t flags = packed_desc_bytes(packed_index(ring->used_idx)) + PACKED_DESC_FLAGS;

	/* What is skipped in a batch is not written. */
	if (ring->batch)
		return 1;
	ring->used_flags = driver_load16(ring->desc, flags);
	return packed_is_used(ring->used_flags, ring->used_idx);
}

static struct vballoon_driver_used read_used(const struct vballoon_driver_ring *ring)
{
	volatile struct packed_desc *shared =
		(struct packed_desc *)ring->desc + packed_index(ring->used_idx);
	/* A device may write the three as one, at the length: what it wrote before is acquired
	 * there as well, for those to whom a release is known by its address, as to the thread
	 * sanitizer. */
	uint32_t len = vballoon_le32(__atomic_load_n(&shared->len, __ATOMIC_ACQUIRE));

	/* virtio 1.3, 2.8.4: without WRITE the length is to be ignored. */
	if (!(ring->used_flags & PACKED_DESC_WRITE))
		len = 0;
	return (struct vballoon_driver_used){ vballoon_le16(shared->id), len };
}

static uint16_t heads(uint16_t chain_len)
{
	(void)chain_len;
	return 1;
}

static void advance(struct vballoon_driver_ring *ring, uint16_t chain_len)
{
	ring->used_idx = packed_advance(ring->size, ring->used_idx, chain_len);
}

/* The place before the flags: see packed.h. */
static void ask_interrupts(struct vballoon_driver_ring *ring, bool on)
{
	uint16_t enable = ring->features.event_idx ? PACKED_EVENT_DESC : PACKED_EVENT_ENABLE;

	if (on && ring->features.event_idx)
		driver_store16(ring->avail, PACKED_EVENT_PLACE, ring->used_idx);
	driver_store16(ring->avail, PACKED_EVENT_FLAGS, on ? enable : PACKED_EVENT_DISABLE);
}

const struct vballoon_driver_ring_format packed_driver_format = {
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
