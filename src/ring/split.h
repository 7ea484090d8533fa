/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How a split virtqueue of N descriptors lies in memory (virtio 1.3, 2.7):
 *
 *	descriptor table	N * { le64 addr; le32 len; le16 flags; le16 next }
 *	available ring		le16 flags; le16 idx; le16 ring[N];             le16 used_event
 *	used ring		le16 flags; le16 idx; { le32 id; le32 len }[N]; le16 avail_event
 *
 * The driver writes the first two, the device the third. Note the crossing: each
 * side's event index lies in the ring that it writes, and speaks of the index in
 * the ring that it reads.
 *
 * Order between the two sides. Each line pairs with the one below it.
 *
 *	1. driver: descriptors, ring[]	release	avail idx
 *	   device: avail idx		acquire	ring[], descriptors
 *	2. device: buffers, used ring[]	release	used idx
 *	   driver: used idx		acquire	used ring[], buffers
 *	3. driver: avail idx		full	reads avail_event or used flags, may kick
 *	   device: avail_event or flags	full	reads avail idx again, then sleeps
 *	4. device: used idx		full	reads used_event or avail flags, may interrupt
 *	   driver: used_event or flags	full	reads used idx again, then sleeps
 *
 * In 3 and 4 each side stores, fences and loads what the other side stores, so at
 * least one of them sees the other: nobody sleeps on work that nobody announces.
 */
#ifndef VBALLOON_RING_SPLIT_H
#define VBALLOON_RING_SPLIT_H

#include <stdbool.h>
#include <stdint.h>

#define SPLIT_DESC_NEXT 1
#define SPLIT_DESC_WRITE 2
#define SPLIT_DESC_INDIRECT 4

#define SPLIT_AVAIL_NO_INTERRUPT 1
#define SPLIT_USED_NO_NOTIFY 1

/* Little-endian, as it lies in memory. */
struct split_desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags;
	uint16_t next;
};

/* Little-endian, as it lies in memory. */
struct split_used {
	uint32_t id;
	uint32_t len;
};

/* Offsets in the available and in the used ring, and the bytes of each part. */
#define SPLIT_FLAGS 0
#define SPLIT_IDX 2
#define SPLIT_RING 4

static inline uint32_t split_avail_slot(uint32_t size, uint16_t index)
{
	return SPLIT_RING + (index & (size - 1)) * (uint32_t)sizeof(uint16_t);
}

static inline uint32_t split_used_slot(uint32_t size, uint16_t index)
{
	return SPLIT_RING + (index & (size - 1)) * (uint32_t)sizeof(struct split_used);
}

static inline uint32_t split_used_event(uint32_t size)
{
	return SPLIT_RING + size * (uint32_t)sizeof(uint16_t);
}

static inline uint32_t split_avail_event(uint32_t size)
{
	return SPLIT_RING + size * (uint32_t)sizeof(struct split_used);
}

static inline uint32_t split_desc_bytes(uint32_t size)
{
	return size * (uint32_t)sizeof(struct split_desc);
}

static inline uint32_t split_avail_bytes(uint32_t size)
{
	return split_used_event(size) + (uint32_t)sizeof(uint16_t);
}

static inline uint32_t split_used_bytes(uint32_t size)
{
	return split_avail_event(size) + (uint32_t)sizeof(uint16_t);
}

/* Whether an index that came to @now by @count steps has passed @event, modulo 2^16 (virtio 1.3,
 * 2.7.7 and 2.7.10): a whole round passes everything. */
static inline bool split_passed(uint16_t event, uint16_t now, uint32_t count)
{
	return (uint16_t)(now - event - 1) < count;
}

#endif /* VBALLOON_RING_SPLIT_H */
