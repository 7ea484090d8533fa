/* SPDX-License-Identifier: BSD-3-Clause */
/* The device's side of a split ring. */
#include "base/checked.h"
#include "base/le.h"
#include "ring/barrier.h"
#include "ring/device_format.h"
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

static bool valid(const struct vballoon_queue *queue)
{
	return queue->size && queue->size <= VBALLOON_QUEUE_SIZE_MAX &&
	       !(queue->size & (queue->size - 1)) && vballoon_is_aligned(queue->desc.value, 4) &&
	       vballoon_is_aligned(queue->avail.value, 1) &&
	       vballoon_is_aligned(queue->used.value, 2) && queue->next <= UINT16_MAX;
}

static void areas(const struct vballoon_queue *queue,
		  struct vballoon_segment areas_out[VBALLOON_RING_AREAS])
{
	areas_out[0] = (struct vballoon_segment){ queue->desc, split_desc_bytes(queue->size) };
	areas_out[1] = (struct vballoon_segment){ queue->avail, split_avail_bytes(queue->size) };
	areas_out[2] = (struct vballoon_segment){ queue->used, split_used_bytes(queue->size) };
}

static void begin(struct vballoon_device_ring *ring)
{
	ring->next_avail = (uint16_t)ring->queue.next;
}

static int start(struct vballoon_device_ring *ring)
{
	int error =
		vballoon_memory_load16(ring->memory, used_at(ring, SPLIT_IDX), &ring->next_used);

	if (error)
		return error;
	/* virtio 1.3, 2.7.10.2: 0 with EVENT_IDX. Without it an earlier user of this ring may
	 * have left it at NO_NOTIFY. */
	return vballoon_memory_store16(ring->memory, used_at(ring, SPLIT_FLAGS), 0);
}

static uint32_t base(const struct vballoon_device_ring *ring)
{
	return ring->next_avail;
}

static uint32_t next_of(const struct vballoon_kept_place *place)
{
	return place->avail;
}

static bool pass_used(struct vballoon_device_ring *ring, const struct vballoon_kept_place *place)
{
	uint16_t idx;

	if (!vballoon_memory_load16(ring->memory, used_at(ring, SPLIT_IDX), &idx) &&
	    idx == place->used)
		return false;
	ring->next_avail++;
	return true;
}

/* Keeps DEV-RING-6. */
static enum vballoon_violation look(struct vballoon_device_ring *ring, bool *waiting_out)
{
	uint16_t idx, waiting;

	if (vballoon_memory_load16(ring->memory, avail_at(ring, SPLIT_IDX), &idx))
		return vballoon_device_ring_stand_still(ring, VBALLOON_RING_UNREADABLE,
							ring->next_avail);
	waiting = (uint16_t)(idx - ring->next_avail);
	if (waiting > ring->queue.size)
		return vballoon_device_ring_stand_still(ring, VBALLOON_AVAIL_INDEX_JUMP, idx);
	*waiting_out = waiting;
	return VBALLOON_OK;
}

static int enable_kicks(struct vballoon_device_ring *ring)
{
	if (!ring->features.event_idx)
		return vballoon_memory_store16(ring->memory, used_at(ring, SPLIT_FLAGS), 0);
	return vballoon_memory_store16(
		ring->memory, used_at(ring, split_avail_event(ring->queue.size)), ring->next_avail);
}

/* With EVENT_IDX there is nothing to say: an event index that was passed stays silent. */
static void disable_kicks(struct vballoon_device_ring *ring)
{
	if (!ring->features.event_idx)
		(void)vballoon_memory_store16(ring->memory, used_at(ring, SPLIT_FLAGS),
					      SPLIT_USED_NO_NOTIFY);
}

/* Keeps DEV-RING-7. */
static enum vballoon_violation take(struct vballoon_device_ring *ring, struct vballoon_chain *chain)
{
	uint16_t after = (uint16_t)(ring->next_avail + 1);
	uint32_t slot = split_avail_slot(ring->queue.size, ring->next_avail);
	enum vballoon_violation violation;
	uint16_t head;

	if (vballoon_memory_read(ring->memory, avail_at(ring, slot), &head, sizeof(head)))
		return vballoon_device_ring_stand_still(ring, VBALLOON_RING_UNREADABLE,
							ring->next_avail);
	head = vballoon_le16(head);
	if (head >= ring->queue.size)
		return vballoon_device_ring_stand_still(ring, VBALLOON_HEAD_OUT_OF_RANGE, after);
	violation = split_chain_walk(ring, head, chain);
	if (violation)
		return vballoon_device_ring_stand_at(ring, violation, after, chain);
	ring->next_avail = after;
	return VBALLOON_OK;
}

static int use(struct vballoon_device_ring *ring, const struct vballoon_used *used)
{
	struct split_used element = { vballoon_le32(used->head), vballoon_le32(used->len) };
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
	ring->unannounced = ring_count(ring->unannounced, 1);
	return 0;
}

static bool wants_interrupt(const struct vballoon_device_ring *ring, uint32_t count)
{
	uint16_t flags, event;

	if (!ring->features.event_idx)
		return !vballoon_memory_load16(ring->memory, avail_at(ring, SPLIT_FLAGS), &flags) &&
		       !(flags & SPLIT_AVAIL_NO_INTERRUPT);
	return !vballoon_memory_load16(
		       ring->memory, avail_at(ring, split_used_event(ring->queue.size)), &event) &&
	       split_passed(event, ring->next_used, count);
}

const struct vballoon_device_ring_format split_device_format = {
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
