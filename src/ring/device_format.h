/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the device's side of a ring leaves to its format. Every function is called
 * on a ring that was started; what the driver wrote each reads once.
 */
#ifndef VBALLOON_RING_DEVICE_FORMAT_H
#define VBALLOON_RING_DEVICE_FORMAT_H

#include "ring/device_ring.h"
#include "ring/kept.h"

struct vballoon_device_ring_format {
	/* Whether a queue has a size, an alignment and a beginning that the format allows. */
	bool (*valid)(const struct vballoon_queue *queue);

	/* Where the queue lies; no arithmetic on a valid one's addresses wraps 2^64 that is
	 * in memory. */
	void (*areas)(const struct vballoon_queue *queue,
		      struct vballoon_segment areas_out[VBALLOON_RING_AREAS]);

	/* Go to queue.next, for base() too where the ring cannot start. */
	void (*begin)(struct vballoon_device_ring *ring);

	/* Start there: 0, or a negative errno when the ring is not in guest memory. */
	int (*start)(struct vballoon_device_ring *ring);

	/* Where to go on, for struct vballoon_queue.next. */
	uint32_t (*base)(const struct vballoon_device_ring *ring);

	/* queue.next of a ring that is at @place. */
	uint32_t (*next_of)(const struct vballoon_kept_place *place);

	/* Of a ring that has begun where @place says, while a chain was being used there:
	 * whether the driver was told. Then the ring goes on behind it. What cannot be read
	 * counts as told: a page may be lost so, but has no two owners. */
	bool (*pass_used)(struct vballoon_device_ring *ring,
			  const struct vballoon_kept_place *place);

	/* Whether a chain waits at next_avail: the acquire of pair 1. On a violation the ring
	 * stands still, here and below. */
	enum vballoon_violation (*look)(struct vballoon_device_ring *ring, bool *waiting_out);

	/* Have the driver kick for the next chain: 0, or a negative errno. Its caller fences. */
	int (*enable_kicks)(struct vballoon_device_ring *ring);

	/* Kicks are not needed. A mere wish, so that a failure is left to the next access that
	 * counts. */
	void (*disable_kicks)(struct vballoon_device_ring *ring);

	/* Take the chain that look() found. */
	enum vballoon_violation (*take)(struct vballoon_device_ring *ring,
					struct vballoon_chain *chain);

	/* Tell the driver that a chain was used, and count that in unannounced: the release of
	 * pair 2. 0, or a negative errno when the ring is not in guest memory. */
	int (*use)(struct vballoon_device_ring *ring, const struct vballoon_used *used);

	/* Whether the driver's word on interrupts allows one for the unannounced @count. */
	bool (*wants_interrupt)(const struct vballoon_device_ring *ring, uint32_t count);
};

extern const struct vballoon_device_ring_format split_device_format;
extern const struct vballoon_device_ring_format packed_device_format;

/* The ring stands still because of @violation until skip(), which goes on at @skip_to. */
enum vballoon_violation vballoon_device_ring_stand_still(struct vballoon_device_ring *ring,
							 enum vballoon_violation violation,
							 uint16_t skip_to);

/* The same at a chain that can be given back. */
enum vballoon_violation vballoon_device_ring_stand_at(struct vballoon_device_ring *ring,
						      enum vballoon_violation violation,
						      uint16_t skip_to,
						      const struct vballoon_chain *chain);

#endif /* VBALLOON_RING_DEVICE_FORMAT_H */
