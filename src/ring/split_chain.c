/* SPDX-License-Identifier: BSD-3-Clause */
#include "ring/split_chain.h"

#include "base/le.h"
#include "ring/chain.h"

/* Go on in an indirect table. virtio 1.3, 2.7.5.3.1: it is not nested, does not go on with NEXT,
 * is a whole number of descriptors, and not longer than the queue; 2.7.5.3.2: WRITE is ignored.
 * Keeps DEV-RING-14, DEV-RING-15. */
static enum vballoon_violation enter_indirect(struct split_walk *walk,
					      const struct split_desc *desc,
					      const struct vballoon_memory *memory)
{
	struct vballoon_gpa table = vballoon_gpa(desc->addr);

	uint32_t entries = desc->len / (uint32_t)sizeof(*desc);

	if (!walk->indirect_allowed)
		return VBALLOON_INDIRECT_NOT_NEGOTIATED;
	if (walk->in_indirect || (desc->flags & SPLIT_DESC_NEXT) || desc->len % sizeof(*desc) ||
	    !entries || entries > walk->queue_size)
		return VBALLOON_INDIRECT_MALFORMED;
	if (!vballoon_memory_covers(memory, table, vballoon_bytes(desc->len)))
		return VBALLOON_DESC_OUTSIDE_MEMORY;
	walk->table = table;
	walk->entries = entries;
	walk->index = 0;
	walk->left = entries;
	walk->in_indirect = true;
	return VBALLOON_OK;
}

/* Keeps DEV-RING-8, DEV-RING-9. */
enum vballoon_violation split_chain_step(struct split_walk *walk, const struct split_desc *desc,
					 const struct vballoon_memory *memory,
					 struct vballoon_chain *chain)
{
	struct vballoon_segment segment = { vballoon_gpa(desc->addr), desc->len };
	enum vballoon_violation violation;

	walk->left--;
	if (desc->flags & SPLIT_DESC_INDIRECT)
		return enter_indirect(walk, desc, memory);
	violation = vballoon_chain_append(chain, walk->queue_size, memory, &segment,
					  desc->flags & SPLIT_DESC_WRITE);
	if (violation)
		return violation;
	walk->done = !(desc->flags & SPLIT_DESC_NEXT);
	if (walk->done)
		return VBALLOON_OK;
	if (desc->next >= walk->entries)
		return VBALLOON_NEXT_OUT_OF_RANGE;
	/* A table that has given all its descriptors and goes on has a loop. */
	if (!walk->left)
		return VBALLOON_CHAIN_TOO_LONG;
	walk->index = desc->next;
	return VBALLOON_OK;
}

/* Read the descriptor that the walk stands at, once. */
static enum vballoon_violation read_desc(const struct split_walk *walk,
					 const struct vballoon_memory *memory,
					 struct split_desc *desc_out)
{
	uint64_t offset = split_desc_bytes(walk->index);
	struct split_desc raw;

	if (vballoon_memory_read(memory, vballoon_gpa(walk->table.value + offset), &raw,
				 sizeof(raw)))
		return walk->in_indirect ? VBALLOON_DESC_OUTSIDE_MEMORY : VBALLOON_RING_UNREADABLE;
	desc_out->addr = vballoon_le64(raw.addr);
	desc_out->len = vballoon_le32(raw.len);
	desc_out->flags = vballoon_le16(raw.flags);
	desc_out->next = vballoon_le16(raw.next);
	return VBALLOON_OK;
}

enum vballoon_violation split_chain_walk(const struct vballoon_device_ring *ring, uint16_t head,
					 struct vballoon_chain *chain)
{
	struct split_walk walk = {
		.table = ring->queue.desc,
		.entries = ring->queue.size,
		.index = head,
		.left = ring->queue.size,
		.queue_size = ring->queue.size,
		.indirect_allowed = ring->features.indirect,
	};

	vballoon_chain_begin(chain, head, 1);
	while (!walk.done) {
		struct split_desc desc;
		enum vballoon_violation violation = read_desc(&walk, ring->memory, &desc);

		if (!violation)
			violation = split_chain_step(&walk, &desc, ring->memory, chain);
		if (violation)
			return violation;
	}
	vballoon_chain_rewind(chain);
	return VBALLOON_OK;
}
