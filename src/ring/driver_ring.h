/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The driver's side of a virtqueue: post buffers, collect used ones.
 *
 * For guests that have no virtqueue code of their own, and for tests. The ring
 * lies in memory that the driver shares with the device, so what the device
 * writes (used ring, flags, event index) is read once and checked: the device
 * may be hostile. Nothing is allocated; indirect tables are the caller's.
 *
 * The ring is split or packed, as was negotiated; the caller sees no difference but
 * in the memory that it takes (virtio 1.3, 2.7 and 2.8).
 */
#ifndef VBALLOON_RING_DRIVER_RING_H
#define VBALLOON_RING_DRIVER_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vballoon/types.h>

#include "ring/ring_features.h"

/* One buffer of a chain as the driver posts it. */
struct vballoon_driver_buffer {
	struct vballoon_gpa gpa;
	uint32_t len;
	bool device_writes; /* readable buffers come first */
};

/* For each chain that is out, at its head or id: what the driver needs to recognise it. The
 * device never sees it. */
struct vballoon_driver_slot {
	uint64_t token; /* the caller's, returned when the chain is used */
	uint64_t writable_len; /* bytes that the device may have written */
	uint16_t chain_len; /* descriptors; 0: not outstanding */
};

struct vballoon_driver_ring_format;

struct vballoon_driver_ring {
	/* The caller's, set before the start. The parts are in memory that is shared with the
	 * device. What a split ring takes, aligned to 16, 4 and 4, is enough for both formats. */
	uint16_t size; /* descriptors: a power of two, or for a packed ring 1 to 32768 */
	void *desc; /* size * 16 bytes, aligned to 16 */
	void *avail; /* split: 6 + size * 2 bytes, aligned to 2; packed: 4, aligned to 4 */
	void *used; /* split: 6 + size * 8 bytes, aligned to 4; packed: 4, aligned to 4 */
	struct vballoon_driver_slot *slots; /* size of them, private to the driver */
	uint16_t *links; /* size of them: the next free head or id, private to the driver */
	struct vballoon_ring_features features; /* as negotiated; indirect is the caller's choice */
	/* The ring's own. */
	const struct vballoon_driver_ring_format *format;
	uint16_t free_head; /* a head that is free, or an id */
	uint16_t free_count; /* descriptors */
	uint16_t oldest; /* the chain that is out longest; kept with IN_ORDER only */
	uint16_t avail_idx; /* free-running, or a packed place: next to be made available */
	uint16_t used_idx; /* likewise: next to be collected */
	uint16_t outstanding; /* chains */
	uint32_t unkicked; /* posted since should_kick() last looked: chains, packed descriptors */
	uint16_t used_flags; /* of the packed descriptor at used_idx, as they were found */
	/* With IN_ORDER one used element may stand for all chains up to its own. */
	bool batch; /* one was read, and not all of its chains are collected */
	uint16_t batch_last;
	uint32_t batch_len; /* of the last one: the others count as written to the end */
	bool broken; /* the device broke a rule: only a reset helps */
};

/* The outcomes of vballoon_driver_ring_collect(). */
enum {
	VBALLOON_COLLECT_NONE, /* nothing used */
	VBALLOON_COLLECT_ONE, /* a chain came back */
	VBALLOON_COLLECT_BROKEN, /* a bad index, id, length, or order from the device */
};

/* Begin with an empty ring: zeroes the ring memory. The fields of the caller's are
 * set before. */
void vballoon_driver_ring_start(struct vballoon_driver_ring *ring);

/* Post a chain: 0; -ENOSPC when fewer than @count descriptors are free; -EINVAL
 * when @count is 0 or above the size, a buffer is empty, a readable one follows a
 * writable one, or they have more than 2^32 bytes; -EIO when the ring is broken.
 * The device sees it when this returns. */
int vballoon_driver_ring_post(struct vballoon_driver_ring *ring,
			      const struct vballoon_driver_buffer *buffers, unsigned int count,
			      uint64_t token);

/* Post a chain through an indirect table of the caller's (@count * 16 bytes at
 * @table, whose address for the device is @table_gpa), which stays untouched
 * until the chain is used. Needs one descriptor. Errors as above. */
int vballoon_driver_ring_post_indirect(struct vballoon_driver_ring *ring,
				       const struct vballoon_driver_buffer *buffers,
				       unsigned int count, void *table,
				       struct vballoon_gpa table_gpa, uint64_t token);

/* Whether the device wants a kick for what was posted since this function was last
 * called. */
bool vballoon_driver_ring_should_kick(struct vballoon_driver_ring *ring);

/* Collect one used chain: its token and the bytes the device wrote, at most as
 * many as were writable. */
int vballoon_driver_ring_collect(struct vballoon_driver_ring *ring, uint64_t *token_out,
				 uint32_t *written_out);

/* Ask for an interrupt (@on) or for none; a new ring asks for them. Returns true when
 * chains were used already: collect again before waiting. */
bool vballoon_driver_ring_interrupts(struct vballoon_driver_ring *ring, bool on);

#endif /* VBALLOON_RING_DRIVER_RING_H */
