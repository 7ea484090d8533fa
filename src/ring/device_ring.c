/* SPDX-License-Identifier: BSD-3-Clause */
#include "ring/device_ring.h"

#include <errno.h>

#include "ring/barrier.h"
#include "ring/device_format.h"

/* Every offset into a ring that passed does not wrap. */
static bool in_memory(const struct vballoon_device_ring *ring)
{
	for (unsigned int i = 0; i < VBALLOON_RING_AREAS; i++) {
		if (!vballoon_memory_covers(ring->memory, ring->areas[i].gpa,
					    vballoon_bytes(ring->areas[i].len)))
			return false;
	}
	return true;
}

/* Keeps DEV-RING-4, DEV-RING-16. */
int vballoon_device_ring_start(struct vballoon_device_ring *ring,
			       const struct vballoon_memory *memory,
			       const struct vballoon_queue *queue,
			       const struct vballoon_ring_features *features)
{
	struct vballoon_device_ring started = {
		.format = features->packed ? &packed_device_format : &split_device_format,
		.memory = memory,
		.queue = *queue,
		.features = *features,
		.notify_certain = true,
		.kicks_enabled = !features->event_idx,
	};
	int error;

	if (!started.format->valid(queue))
		return -EINVAL;
	started.format->areas(queue, started.areas);
	started.format->begin(&started);
	/* Whatever the embedder's hooks say: -EINVAL is about the queue itself. */
	error = in_memory(&started) && !started.format->start(&started) ? 0 : -EFAULT;
	started.running = !error;
	started.violation = error ? VBALLOON_RING_UNREADABLE : VBALLOON_OK;
	ring_fence(); /* pair 3, for a driver that still saw no need: next() looks after this */
	*ring = started;
	return error;
}

/* Write down where the ring is: at @avail, where a chain of @places is being used if there
 * are any. */
static void keep(const struct vballoon_device_ring *ring, uint16_t avail, uint16_t places)
{
	const struct vballoon_kept_place place = {
		.avail = avail,
		.used = ring->next_used,
		.places = places,
		.known = true,
		.is_using = places != 0,
	};

	if (!ring->kept)
		return;
	/* Before and after what is written around it, as a process sees that dies. */
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	__atomic_store_n(ring->kept, vballoon_kept_word(&place), __ATOMIC_RELAXED);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

void vballoon_device_ring_keep(struct vballoon_device_ring *ring, uint64_t *kept)
{
	ring->kept = kept;
	keep(ring, ring->next_avail, 0);
}

int vballoon_device_ring_resume(struct vballoon_device_ring *ring,
				const struct vballoon_memory *memory,
				const struct vballoon_queue *queue,
				const struct vballoon_ring_features *features, uint64_t *kept,
				bool *used_out)
{
	const struct vballoon_kept_place place = vballoon_kept_place(*kept);
	struct vballoon_queue at = *queue;
	int error;

	*used_out = false;
	at.next =
		(features->packed ? &packed_device_format : &split_device_format)->next_of(&place);
	error = vballoon_device_ring_start(ring, memory, &at, features);
	if (error == -EINVAL)
		return error;
	*used_out = place.is_using && ring->format->pass_used(ring, &place);
	vballoon_device_ring_keep(ring, kept);
	return error;
}

uint32_t vballoon_device_ring_base(const struct vballoon_device_ring *ring)
{
	return ring->format ? ring->format->base(ring) : 0;
}

enum vballoon_violation vballoon_device_ring_stand_still(struct vballoon_device_ring *ring,
							 enum vballoon_violation violation,
							 uint16_t skip_to)
{
	ring->violation = violation;
	ring->skip_to = skip_to;
	ring->skip_uses = false;
	return violation;
}

enum vballoon_violation vballoon_device_ring_stand_at(struct vballoon_device_ring *ring,
						      enum vballoon_violation violation,
						      uint16_t skip_to,
						      const struct vballoon_chain *chain)
{
	vballoon_device_ring_stand_still(ring, violation, skip_to);
	ring->skip_uses = true;
	ring->skipped = (struct vballoon_used){ chain->head, chain->places, 0 };
	return violation;
}

/* Have the driver kick for the next chain. Pair 3: the caller looks once more. */
static enum vballoon_violation want_kicks(struct vballoon_device_ring *ring)
{
	if (ring->format->enable_kicks(ring))
		return vballoon_device_ring_stand_still(ring, VBALLOON_RING_UNREADABLE,
							ring->next_avail);
	ring->kicks_enabled = true;
	ring_fence();
	return VBALLOON_OK;
}

/* Look for chains; with none there, enable kicks and look again. */
static enum vballoon_violation await(struct vballoon_device_ring *ring, bool *waiting_out)
{
	enum vballoon_violation violation = ring->format->look(ring, waiting_out);

	if (violation || *waiting_out || ring->kicks_enabled)
		return violation;
	violation = want_kicks(ring);
	if (violation)
		return violation;
	return ring->format->look(ring, waiting_out);
}

/* Keeps DEV-RING-1, DEV-RING-2. */
int vballoon_device_ring_next(struct vballoon_device_ring *ring, struct vballoon_chain *chain,
			      enum vballoon_violation *violation_out)
{
	bool waiting = false;

	*violation_out = ring->violation;
	if (ring->running && !ring->violation)
		*violation_out = await(ring, &waiting);
	/* What is in the ring now may lie in memory that came before it. */
	waiting = waiting && vballoon_memory_is_current(ring->memory);
	if (!*violation_out && waiting) {
		if (ring->kicks_enabled)
			ring->format->disable_kicks(ring);
		ring->kicks_enabled = false;
		ring->taken = ring->next_avail;
		*violation_out = ring->format->take(ring, chain);
	}
	if (*violation_out)
		return VBALLOON_RING_BROKEN;
	return waiting ? VBALLOON_RING_CHAIN : VBALLOON_RING_EMPTY;
}

int vballoon_device_ring_use(struct vballoon_device_ring *ring, const struct vballoon_chain *chain)
{
	/* A chain may have 2^32 bytes, a used length not: fewer than were written is allowed. */
	const struct vballoon_used used = {
		.head = chain->head,
		.places = chain->places,
		.len = chain->written < UINT32_MAX ? (uint32_t)chain->written : UINT32_MAX,
	};

	int error;

	keep(ring, ring->taken, used.places);
	error = ring->format->use(ring, &used);
	keep(ring, error ? ring->taken : ring->next_avail, 0);
	return error;
}

void vballoon_device_ring_put_back(struct vballoon_device_ring *ring)
{
	ring->next_avail = ring->taken;
}

void vballoon_device_ring_refuse(struct vballoon_device_ring *ring,
				 const struct vballoon_chain *chain,
				 enum vballoon_violation violation)
{
	vballoon_device_ring_stand_at(ring, violation, ring->next_avail, chain);
	vballoon_device_ring_put_back(ring);
}

void vballoon_device_ring_skip(struct vballoon_device_ring *ring)
{
	if (!ring->violation)
		return;
	ring->violation = VBALLOON_OK;
	if (ring->skip_uses) {
		keep(ring, ring->next_avail, ring->skipped.places);
		(void)ring->format->use(ring, &ring->skipped);
	}
	ring->next_avail = ring->skip_to;
	ring->kicks_enabled = false; /* what the driver was told is where the ring stood */
	keep(ring, ring->next_avail, 0);
}

bool vballoon_device_ring_should_notify(struct vballoon_device_ring *ring)
{
	uint32_t count = ring->unannounced;
	bool certain = ring->notify_certain;

	ring->unannounced = 0;
	ring->notify_certain = false;
	if (certain || !count)
		return certain;
	ring_fence(); /* pair 4: after what was used, before the driver's word */
	return ring->format->wants_interrupt(ring, count);
}
