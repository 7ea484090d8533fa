/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One step of a walk along a split chain, whatever the descriptor says: the walk stays in its
 * table and comes nearer to its end, the chain stays within the queue, and each of its buffers
 * is guest memory.
 */
#include "proof.h"

#include "ring/chain.c"
#include "ring/split_chain.c"

static bool covered;
static uint64_t covered_gpa, covered_len;

/* The one question that is asked about guest memory. */
bool vballoon_memory_covers(const struct vballoon_memory *memory, struct vballoon_gpa gpa,
			    struct vballoon_bytes len)
{
	(void)memory;
	covered = nondet_bool();
	covered_gpa = gpa.value;
	covered_len = len.value;
	return covered;
}

static struct vballoon_chain chain;

WITHIN("queues of 4");

void proof(void)
{
	struct split_walk walk = {
		.table = vballoon_gpa(nondet_u64()),
		.entries = nondet_u32(),
		.index = nondet_u32(),
		.left = nondet_u32(),
		.queue_size = nondet_u32(),
		.indirect_allowed = nondet_bool(),
		.in_indirect = nondet_bool(),
	};
	const struct split_desc desc = { nondet_u64(), nondet_u32(), nondet_u16(), nondet_u16() };
	const struct split_walk before = walk;
	enum vballoon_violation violation;
	uint16_t count;

	ASSUME(walk.queue_size >= 1 && walk.queue_size <= VBALLOON_QUEUE_SIZE_MAX);
	ASSUME(walk.entries >= 1 && walk.entries <= walk.queue_size);
	ASSUME(walk.index < walk.entries && walk.left >= 1 && walk.left <= walk.entries);
	chain.count = count = nondet_u16();
	chain.readable_count = nondet_u16();
	chain.readable_len = nondet_u64();
	chain.writable_len = nondet_u64();
	ASSUME(chain.count <= walk.queue_size && chain.readable_count <= chain.count);
	ASSUME(chain.readable_len <= VBALLOON_CHAIN_BYTES_MAX);
	ASSUME(chain.writable_len <= VBALLOON_CHAIN_BYTES_MAX - chain.readable_len);

	violation = split_chain_step(&walk, &desc, NULL, &chain);

	HOLDS(chain.count <= walk.queue_size && chain.readable_count <= chain.count);
	HOLDS(chain.readable_len + chain.writable_len <= VBALLOON_CHAIN_BYTES_MAX);
	HOLDS(walk.queue_size == before.queue_size);
	if (violation)
		return;
	HOLDS(covered && covered_gpa == desc.addr && covered_len == desc.len && desc.len);
	HOLDS(walk.done || (walk.index < walk.entries && walk.left >= 1));
	if (walk.in_indirect && !before.in_indirect) {
		HOLDS(walk.indirect_allowed && chain.count == count && !walk.done);
		HOLDS(walk.entries <= walk.queue_size && walk.left == walk.entries);
		HOLDS(walk.entries * 16 == desc.len && walk.table.value == desc.addr);
		REACHED(walk.entries == walk.queue_size);
	} else {
		HOLDS(chain.count == count + 1 && walk.left == before.left - 1);
		HOLDS(chain.segments[count].gpa.value == desc.addr);
		HOLDS(chain.segments[count].len == desc.len);
		HOLDS((chain.readable_count == chain.count) ==
		      !(desc.flags & SPLIT_DESC_WRITE && chain.count));
		REACHED(walk.done && count == VBALLOON_QUEUE_SIZE_MAX - 1);
		REACHED(!walk.done && walk.in_indirect);
	}
}
