/* SPDX-License-Identifier: BSD-3-Clause */
/* The device's side of a packed ring. */
#include "base/checked.h"
#include "base/le.h"
#include "ring/barrier.h"
#include "ring/device_format.h"
#include "ring/packed.h"
#include "ring/packed_chain.h"

/* The two places in struct vballoon_queue.next. */
#define BASE_USED_SHIFT 16

static struct vballoon_gpa desc_at(const struct vballoon_device_ring *ring, uint16_t place,
				   uint32_t offset)
{
	return vballoon_gpa(ring->queue.desc.value + packed_desc_bytes(packed_index(place)) +
			    offset);
}

/* A part of the driver's event, or of the device's. */
static struct vballoon_gpa event_at(struct vballoon_gpa event, uint32_t offset)
{
	return vballoon_gpa(event.value + offset);
}

static bool valid(const struct vballoon_queue *queue)
{
	return queue->size && queue->size <= VBALLOON_QUEUE_SIZE_MAX &&
	       vballoon_is_aligned(queue->desc.value, 4) &&
	       vballoon_is_aligned(queue->avail.value, 2) &&
	       vballoon_is_aligned(queue->used.value, 2) &&
	       packed_index((uint16_t)queue->next) < queue->size &&
	       packed_index((uint16_t)(queue->next >> BASE_USED_SHIFT)) < queue->size;
}

static void areas(const struct vballoon_queue *queue,
		  struct vballoon_segment areas_out[VBALLOON_RING_AREAS])
{
	areas_out[0] = (struct vballoon_segment){ queue->desc, packed_desc_bytes(queue->size) };
	areas_out[1] = (struct vballoon_segment){ queue->avail, sizeof(struct packed_event) };
	areas_out[2] = (struct vballoon_segment){ queue->used, sizeof(struct packed_event) };
}

static int set_event_flags(const struct vballoon_device_ring *ring, uint16_t flags)
{
	return vballoon_memory_store16(ring->memory, event_at(ring->queue.used, PACKED_EVENT_FLAGS),
				       flags);
}

static void begin(struct vballoon_device_ring *ring)
{
	ring->next_avail = (uint16_t)ring->queue.next;
	ring->next_used = (uint16_t)(ring->queue.next >> BASE_USED_SHIFT);
}

/* An earlier user of this ring may have left it without kicks. */
static int start(struct vballoon_device_ring *ring)
{
	return set_event_flags(ring, PACKED_EVENT_ENABLE);
}

static uint32_t base(const struct vballoon_device_ring *ring)
{
	return ring->next_avail | (uint32_t)ring->next_used << BASE_USED_SHIFT;
}

static uint32_t next_of(const struct vballoon_kept_place *place)
{
	return place->avail | (uint32_t)place->used << BASE_USED_SHIFT;
}

/* The descriptor was available, so that its flags tell whether it was used since, whatever the
 * driver has made of it then. */
static bool pass_used(struct vballoon_device_ring *ring, const struct vballoon_kept_place *place)
{
	uint16_t flags;

	if (!vballoon_memory_load16(ring->memory, desc_at(ring, place->used, PACKED_DESC_FLAGS),
				    &flags) &&
	    !(flags & PACKED_DESC_USED) != !(place->used & PACKED_WRAP))
		return false;
	ring->next_avail = packed_advance(ring->queue.size, place->avail, place->places);
	ring->next_used = packed_advance(ring->queue.size, place->used, place->places);
	return true;
}

static enum vballoon_violation look(struct vballoon_device_ring *ring, bool *waiting_out)
{
	struct vballoon_gpa flags = desc_at(ring, ring->next_avail, PACKED_DESC_FLAGS);

	if (vballoon_memory_load16(ring->memory, flags, &ring->head_flags))
		return vballoon_device_ring_stand_still(ring, VBALLOON_RING_UNREADABLE,
							ring->next_avail);
	*waiting_out = packed_is_available(ring->head_flags, ring->next_avail);
	return VBALLOON_OK;
}

static int enable_kicks(struct vballoon_device_ring *ring)
{
	int error;

	if (!ring->features.event_idx)
		return set_event_flags(ring, PACKED_EVENT_ENABLE);
	error = vballoon_memory_store16(
		ring->memory, event_at(ring->queue.used, PACKED_EVENT_PLACE), ring->next_avail);
	return error ? error : set_event_flags(ring, PACKED_EVENT_DESC);
}

/* With EVENT_IDX there is nothing to say: a place that was passed stays silent. */
static void disable_kicks(struct vballoon_device_ring *ring)
{
	if (!ring->features.event_idx)
		(void)set_event_flags(ring, PACKED_EVENT_DISABLE);
}

static enum vballoon_violation take(struct vballoon_device_ring *ring, struct vballoon_chain *chain)
{
	bool whole = false;
	enum vballoon_violation violation = packed_chain_walk(ring, chain, &whole);
	uint16_t after = packed_advance(ring->queue.size, ring->next_avail, chain->places);

	if (violation && whole)
		return vballoon_device_ring_stand_at(ring, violation, after, chain);
	if (violation == VBALLOON_RING_UNREADABLE)
		after = ring->next_avail;
	if (violation)
		return vballoon_device_ring_stand_still(ring, violation, after);
	ring->next_avail = after;
	return VBALLOON_OK;
}

/* Length, id and flags at once: a process that dies between them would leave the length of what
 * was used in a descriptor that is still available. */
static int use(struct vballoon_device_ring *ring, const struct vballoon_used *used)
{
	/* virtio 1.3, 2.8.4: the length counts with this flag only. */
	uint16_t flags = (uint16_t)(packed_used_flags(ring->next_used) |
				    (used->len ? PACKED_DESC_WRITE : 0));
	int error;

	error = vballoon_memory_store64(
		ring->memory, desc_at(ring, ring->next_used, PACKED_LEN),
		(uint64_t)used->len | (uint64_t)used->head << 8 * (PACKED_ID - PACKED_LEN) |
			(uint64_t)flags << 8 * (PACKED_DESC_FLAGS - PACKED_LEN));
	if (error)
		return error;
	ring->next_used = packed_advance(ring->queue.size, ring->next_used, used->places);
	ring->unannounced = ring_count(ring->unannounced, used->places);
	return 0;
}

static bool wants_interrupt(const struct vballoon_device_ring *ring, uint32_t count)
{
	struct vballoon_gpa event = ring->queue.avail;
	uint16_t flags, place;

	if (vballoon_memory_load16(ring->memory, event_at(event, PACKED_EVENT_FLAGS), &flags))
		return false;
	flags &= PACKED_EVENT_MASK;
	if (flags != PACKED_EVENT_DESC || !ring->features.event_idx)
		return flags != PACKED_EVENT_DISABLE;
	return !vballoon_memory_load16(ring->memory, event_at(event, PACKED_EVENT_PLACE), &place) &&
	       packed_passed(ring->queue.size, place, ring->next_used, count);
}

const struct vballoon_device_ring_format packed_device_format = {
	.valid = valid,
	.areas = areas,
	.begin = begin,
	.start = start,
	.base = base,
	.next_of = next_of,
	.pass_used = pass_used,
	.look = look,
	.enable_kicks = enable_kicks,
	.disable_kicks = disable_kicks,
	.take = take,
	.use = use,
	.wants_interrupt = wants_interrupt,
};
