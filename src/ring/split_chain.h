/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Walking a chain of split descriptors, one at a time. Whatever they say, a walk
 * of a queue of N descriptors ends within N + 2 steps: N take a buffer, one enters
 * an indirect table, one finds that it is too many.
 */
#ifndef VBALLOON_RING_SPLIT_CHAIN_H
#define VBALLOON_RING_SPLIT_CHAIN_H

#include <stdbool.h>
#include <stdint.h>

#include <vballoon/memory.h>
#include <vballoon/violation.h>

#include "ring/device_ring.h"
#include "ring/split.h"

/* Where a walk stands: the next descriptor to read, and what is left to read. */
struct split_walk {
	struct vballoon_gpa table;
	uint32_t entries; /* of the table */
	uint32_t index; /* of the next descriptor, below entries */
	uint32_t left; /* descriptors that this table may still give, not 0 */
	uint32_t queue_size; /* the most segments that a chain may have */
	bool indirect_allowed; /* VIRTIO_F_INDIRECT_DESC was negotiated */
	bool in_indirect; /* the table is an indirect one */
	bool done; /* the last descriptor was taken */
};

/* Take one descriptor, in the host's byte order: extend the chain by it and move
 * the walk on. Reads no guest memory: @memory tells what is guest memory. */
enum vballoon_violation split_chain_step(struct split_walk *walk, const struct split_desc *desc,
					 const struct vballoon_memory *memory,
					 struct vballoon_chain *chain);

/* Collect the whole chain that begins at @head, which is below the queue's size. */
enum vballoon_violation split_chain_walk(const struct vballoon_device_ring *ring, uint16_t head,
					 struct vballoon_chain *chain);

#endif /* VBALLOON_RING_SPLIT_CHAIN_H */
