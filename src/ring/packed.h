/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How a packed virtqueue of N descriptors lies in memory (virtio 1.3, 2.8):
 *
 *	descriptor ring		N * { le64 addr; le32 len; le16 id; le16 flags }
 *	driver event		le16 place; le16 flags		the driver's wish, for interrupts
 *	device event		le16 place; le16 flags		the device's wish, for kicks
 *
 * Both sides write the descriptor ring, one after the other. Each goes round it
 * with a bit that turns over at the end of every round, its wrap counter, so that
 * two flags of a descriptor tell in which round it was made available or used.
 * A place is an index into the ring with the wrap counter as its bit 15: 0x8000 at
 * first.
 *
 * Order between the two sides: the pairs of split.h, with the flags of a chain's
 * first descriptor, which are written last, instead of the available and the used
 * index, and the flags of an event instead of those of a ring. Of an event, the
 * place is written before the flags and read after them. Nobody would sleep on work
 * if it were otherwise, since both sides look again (tests/models), but kick in vain.
 */
#ifndef VBALLOON_RING_PACKED_H
#define VBALLOON_RING_PACKED_H

#include <stdbool.h>
#include <stdint.h>

#define PACKED_DESC_NEXT 1
#define PACKED_DESC_WRITE 2
#define PACKED_DESC_INDIRECT 4
#define PACKED_DESC_AVAIL 0x80
#define PACKED_DESC_USED 0x8000

/* What an event's flags, two bits of them, ask for. */
#define PACKED_EVENT_ENABLE 0
#define PACKED_EVENT_DISABLE 1
#define PACKED_EVENT_DESC 2 /* when the place is passed; only with EVENT_IDX */
#define PACKED_EVENT_MASK 3

/* Little-endian, as it lies in memory. */
struct packed_desc {
	uint64_t addr;
	uint32_t len;
	uint16_t id;
	uint16_t flags;
};

/* Little-endian, as it lies in memory. */
struct packed_event {
	uint16_t place;
	uint16_t flags;
};

/* Offsets in a descriptor, and in an event. */
#define PACKED_LEN 8
#define PACKED_ID 12
#define PACKED_DESC_FLAGS 14
#define PACKED_EVENT_PLACE 0
#define PACKED_EVENT_FLAGS 2

#define PACKED_WRAP 0x8000
#define PACKED_FIRST PACKED_WRAP /* where both sides begin */

static inline uint16_t packed_index(uint16_t place)
{
	return (uint16_t)(place & ~PACKED_WRAP);
}

static inline uint32_t packed_desc_bytes(uint32_t size)
{
	return size * (uint32_t)sizeof(struct packed_desc);
}

/* The place @count descriptors, at most @size, after @place. */
static inline uint16_t packed_advance(uint32_t size, uint16_t place, uint32_t count)
{
	uint32_t index = packed_index(place) + count;
	uint32_t wrap = place & PACKED_WRAP;

	if (index >= size) {
		index -= size;
		wrap ^= PACKED_WRAP;
	}
	return (uint16_t)(index | wrap);
}

/* The flags that mark the descriptor at @place available, or used. */
static inline uint16_t packed_avail_flags(uint16_t place)
{
	return place & PACKED_WRAP ? PACKED_DESC_AVAIL : PACKED_DESC_USED;
}

static inline uint16_t packed_used_flags(uint16_t place)
{
	return place & PACKED_WRAP ? PACKED_DESC_AVAIL | PACKED_DESC_USED : 0;
}

static inline bool packed_is_available(uint16_t flags, uint16_t place)
{
	return (flags & (PACKED_DESC_AVAIL | PACKED_DESC_USED)) == packed_avail_flags(place);
}

static inline bool packed_is_used(uint16_t flags, uint16_t place)
{
	return (flags & (PACKED_DESC_AVAIL | PACKED_DESC_USED)) == packed_used_flags(place);
}

/* Whether the place @event is among the @count descriptors before @now. One that the peer made up
 * is not, or by chance: it is a wish of the peer's own. */
static inline bool packed_passed(uint32_t size, uint16_t event, uint16_t now, uint32_t count)
{
	uint32_t behind = packed_index(now) - (uint32_t)packed_index(event);

	if ((event ^ now) & PACKED_WRAP)
		behind += size;
	return behind - 1 < count;
}

#endif /* VBALLOON_RING_PACKED_H */
