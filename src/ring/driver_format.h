/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the driver's side of a ring leaves to its format. What the device wrote, each
 * function reads once.
 */
#ifndef VBALLOON_RING_DRIVER_FORMAT_H
#define VBALLOON_RING_DRIVER_FORMAT_H

#include "base/le.h"
#include "ring/driver_ring.h"

/* What the device says about a chain, or a batch up to that chain. */
struct vballoon_driver_used {
	uint32_t id;
	uint32_t len;
};

struct vballoon_driver_ring_format {
	/* Zero the parts of the ring, set avail_idx and used_idx. */
	void (*start)(struct vballoon_driver_ring *ring);

	/* Write a chain of @count buffers, for which there is room, with free_head as its head or
	 * id; let the device see it; count it in avail_idx and unkicked: pair 1. */
	void (*put)(struct vballoon_driver_ring *ring, const struct vballoon_driver_buffer *buffers,
		    unsigned int count);

	/* The same through @table; @table_gpa is its address for the device. */
	void (*put_indirect)(struct vballoon_driver_ring *ring,
			     const struct vballoon_driver_buffer *buffers, unsigned int count,
			     void *table, struct vballoon_gpa table_gpa);

	/* Whether the device's word allows a kick for the @count that are unkicked. */
	bool (*wants_kick)(const struct vballoon_driver_ring *ring, uint32_t count);

	/* How many were used that are not collected, at the least, and whatever the device says:
	 * the acquire of pair 2. In a batch none says that it ended too early. */
	uint16_t (*pending)(struct vballoon_driver_ring *ring);

	/* Copy what the device says at used_idx, where something was found pending. */
	struct vballoon_driver_used (*read_used)(const struct vballoon_driver_ring *ring);

	/* How many heads or ids a chain takes. */
	uint16_t (*heads)(uint16_t chain_len);

	/* Move used_idx past a chain. */
	void (*advance)(struct vballoon_driver_ring *ring, uint16_t chain_len);

	/* Ask for interrupts from used_idx on, or for none. */
	void (*ask_interrupts)(struct vballoon_driver_ring *ring, bool on);
};

extern const struct vballoon_driver_ring_format split_driver_format;
extern const struct vballoon_driver_ring_format packed_driver_format;

/* A 16-bit field of the ring that both sides use, at @offset behind @part: with acquire and with
 * release. */
static inline uint16_t *driver_field16(void *part, uint32_t offset)
{
	return (uint16_t *)(void *)((unsigned char *)part + offset);
}

static inline uint16_t driver_load16(void *part, uint32_t offset)
{
	return vballoon_le16(__atomic_load_n(driver_field16(part, offset), __ATOMIC_ACQUIRE));
}

static inline void driver_store16(void *part, uint32_t offset, uint16_t value)
{
	__atomic_store_n(driver_field16(part, offset), vballoon_le16(value), __ATOMIC_RELEASE);
}

#endif /* VBALLOON_RING_DRIVER_FORMAT_H */
