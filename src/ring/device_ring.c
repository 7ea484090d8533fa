/* SPDX-License-Identifier: BSD-3-Clause */
#include "ring/device_ring.h"

#include <errno.h>

#include "base/le.h"
#include "ring/split.h"
#include "ring/split_chain.h"

static struct vballoon_gpa avail_at(const struct vballoon_device_ring *ring, uint32_t offset)
{
	return vballoon_gpa(ring->queue.avail.value + offset);
}

static struct vballoon_gpa used_at(const struct vballoon_device_ring *ring, uint32_t offset)
{
	return vballoon_gpa(ring->queue.used.value + offset);
}

void vballoon_device_ring_areas(const struct vballoon_device_ring *ring,
				struct vballoon_segment areas_out[VBALLOON_RING_AREAS])
{
	const struct vballoon_queue *queue = &ring->queue;

	areas_out[0] = (struct vballoon_segment){ queue->desc, split_desc_bytes(queue->size) };
	areas_out[1] = (struct vballoon_segment){ queue->avail, split_avail_bytes(queue->size) };
	areas_out[2] = (struct vballoon_segment){ queue->used, split_used_bytes(queue->size) };
}

/* Every offset into a ring that passed does not wrap. */
static bool in_memory(const struct vballoon_device_ring *ring)
{
	struct vballoon_segment areas[VBALLOON_RING_AREAS];

	vballoon_device_ring_areas(ring, areas);
	for (unsigned int i = 0; i < VBALLOON_RING_AREAS; i++) {
		if (!vballoon_memory_covers(ring->memory, areas[i].gpa,
					    vballoon_bytes(areas[i].len)))
			return false;
	}
	return true;
}

int vballoon_device_ring_start(struct vballoon_device_ring *ring,
			       const struct vballoon_memory *memory,
			       const struct vballoon_queue *queue, bool indirect, bool event_idx)
{
	struct vballoon_device_ring started = {
		.memory = memory,
		.queue = *queue,
		.indirect = indirect,
		.event_idx = event_idx,
		.running = true,
		.next_avail = queue->next,
		.kicks_enabled = !event_idx,
	};
	int error;

	if (!in_memory(&started))
		return -EFAULT;
	error = vballoon_memory_load16(memory, used_at(&started, SPLIT_IDX), &started.next_used);
	if (error)
		return error;
	/* virtio 1.3, 2.7.10.2: 0 with EVENT_IDX. Without it an earlier user of this ring may
	 * have left it at NO_NOTIFY. */
	error = vballoon_memory_store16(memory, used_at(&started, SPLIT_FLAGS), 0);
	if (error)
		return error;
	split_fence(); /* pair 3, for a driver that still saw NO_NOTIFY: next() looks after this */
	*ring = started;
	return 0;
}

/* The ring stands still until skip(), which begins again at @skip_to. */
static enum vballoon_violation stand_still(struct vballoon_device_ring *ring,
					   enum vballoon_violation violation, uint16_t skip_to)
{
	ring->violation = violation;
	ring->skip_to = skip_to;
	ring->skip_uses = false;
	return violation;
}

/* Look how many chains wait: the acquire of pair 1. */
static enum vballoon_violation look(struct vballoon_device_ring *ring, uint16_t *waiting_out)
{
	uint16_t idx;

	if (vballoon_memory_load16(ring->memory, avail_at(ring, SPLIT_IDX), &idx))
		return stand_still(ring, VBALLOON_RING_UNREADABLE, ring->next_avail);
	*waiting_out = (uint16_t)(idx - ring->next_avail);
	if (*waiting_out > ring->queue.size)
		return stand_still(ring, VBALLOON_AVAIL_INDEX_JUMP, idx);
	return VBALLOON_OK;
}

/* Have the driver kick for the next chain. Pair 3: the caller looks once more. */
static enum vballoon_violation enable_kicks(struct vballoon_device_ring *ring)
{
	int error;

	if (ring->event_idx)
		error = vballoon_memory_store16(ring->memory,
						used_at(ring, split_avail_event(ring->queue.size)),
						ring->next_avail);
	else
		error = vballoon_memory_store16(ring->memory, used_at(ring, SPLIT_FLAGS), 0);
	if (error)
		return stand_still(ring, VBALLOON_RING_UNREADABLE, ring->next_avail);
	ring->kicks_enabled = true;
	split_fence();
	return VBALLOON_OK;
}

/* With EVENT_IDX there is nothing to say: an event index that was passed stays silent. The other
 * way is a mere wish, so that its failure is left to the next access that counts. */
static void disable_kicks(struct vballoon_device_ring *ring)
{
	if (ring->kicks_enabled && !ring->event_idx)
		(void)vballoon_memory_store16(ring->memory, used_at(ring, SPLIT_FLAGS),
					      SPLIT_USED_NO_NOTIFY);
	ring->kicks_enabled = false;
}

/* Look for chains; with none there, enable kicks and look again. */
static enum vballoon_violation await(struct vballoon_device_ring *ring, uint16_t *waiting_out)
{
	enum vballoon_violation violation = look(ring, waiting_out);

	if (violation || *waiting_out || ring->kicks_enabled)
		return violation;
	violation = enable_kicks(ring);
	if (violation)
		return violation;
	return look(ring, waiting_out);
}

/* Take the chain at next_avail, which the driver has made available. */
static enum vballoon_violation take(struct vballoon_device_ring *ring, struct vballoon_chain *chain)
{
	uint16_t after = (uint16_t)(ring->next_avail + 1);
	uint32_t slot = split_avail_slot(ring->queue.size, ring->next_avail);
	enum vballoon_violation violation;
	uint16_t head;

	if (vballoon_memory_read(ring->memory, avail_at(ring, slot), &head, sizeof(head)))
		return stand_still(ring, VBALLOON_RING_UNREADABLE, ring->next_avail);
	head = vballoon_le16(head);
	if (head >= ring->queue.size)
		return stand_still(ring, VBALLOON_HEAD_OUT_OF_RANGE, after);
	violation = split_chain_walk(ring, head, chain);
	if (violation) {
		stand_still(ring, violation, after);
		ring->skip_uses = true;
		ring->skip_head = head;
		return violation;
	}
	ring->next_avail = after;
	return VBALLOON_OK;
}

int vballoon_device_ring_next(struct vballoon_device_ring *ring, struct vballoon_chain *chain,
			      enum vballoon_violation *violation_out)
{
	uint16_t waiting = 0;

	*violation_out = ring->violation;
	if (ring->running && !ring->violation)
		*violation_out = await(ring, &waiting);
	if (!*violation_out && waiting) {
		disable_kicks(ring);
		*violation_out = take(ring, chain);
	}
	if (*violation_out)
		return VBALLOON_RING_BROKEN;
	return waiting ? VBALLOON_RING_CHAIN : VBALLOON_RING_EMPTY;
}

/* Put one element in the used ring: the release of pair 2. */
static int use(struct vballoon_device_ring *ring, uint16_t head, uint32_t len)
{
	struct split_used element = { vballoon_le32(head), vballoon_le32(len) };
	uint32_t slot = split_used_slot(ring->queue.size, ring->next_used);
	uint16_t after = (uint16_t)(ring->next_used + 1);
	int error;

	error = vballoon_memory_write(ring->memory, used_at(ring, slot), &element, sizeof(element));
	if (error)
		return error;
	error = vballoon_memory_store16(ring->memory, used_at(ring, SPLIT_IDX), after);
	if (error)
		return error;
	ring->next_used = after;
	/* All 2^16 indices were used unannounced: modulo 2^16 that would look like none. */
	if (ring->next_used == ring->signalled)
		ring->signalled_valid = false;
	return 0;
}

int vballoon_device_ring_use(struct vballoon_device_ring *ring, const struct vballoon_chain *chain)
{
	/* A chain may have 2^32 bytes, a used length not: fewer than were written is allowed. */
	uint64_t len = chain->written < UINT32_MAX ? chain->written : UINT32_MAX;

	return use(ring, chain->head, (uint32_t)len);
}

void vballoon_device_ring_put_back(struct vballoon_device_ring *ring)
{
	ring->next_avail--;
}

void vballoon_device_ring_refuse(struct vballoon_device_ring *ring,
				 const struct vballoon_chain *chain,
				 enum vballoon_violation violation)
{
	stand_still(ring, violation, ring->next_avail);
	vballoon_device_ring_put_back(ring);
	ring->skip_uses = true;
	ring->skip_head = chain->head;
}

void vballoon_device_ring_skip(struct vballoon_device_ring *ring)
{
	if (!ring->violation)
		return;
	ring->violation = VBALLOON_OK;
	ring->next_avail = ring->skip_to;
	if (ring->skip_uses)
		(void)use(ring, ring->skip_head, 0);
}

/* Whether the driver's word on interrupts allows one for the used indices from @since on. */
static bool driver_wants_interrupt(const struct vballoon_device_ring *ring, uint16_t since)
{
	uint16_t flags, event;

	if (!ring->event_idx)
		return !vballoon_memory_load16(ring->memory, avail_at(ring, SPLIT_FLAGS), &flags) &&
		       !(flags & SPLIT_AVAIL_NO_INTERRUPT);
	return !vballoon_memory_load16(
		       ring->memory, avail_at(ring, split_used_event(ring->queue.size)), &event) &&
	       split_passed(event, ring->next_used, since);
}

bool vballoon_device_ring_should_notify(struct vballoon_device_ring *ring)
{
	uint16_t since = ring->signalled;
	bool certain = !ring->signalled_valid;

	ring->signalled = ring->next_used;
	ring->signalled_valid = true;
	if (certain)
		return true;
	if (ring->next_used == since)
		return false;
	split_fence(); /* pair 4: after the used index, before the driver's word */
	return driver_wants_interrupt(ring, since);
}
