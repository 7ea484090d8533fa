/* SPDX-License-Identifier: BSD-3-Clause */
/* A buffer of a packed chain: taken when it is guest memory and in its place, or not at all. */
#include "proof.h"

#include "ring/chain.c"
#include "ring/packed_chain.c"

static bool covered;

bool vballoon_memory_covers(const struct vballoon_memory *memory, struct vballoon_gpa gpa,
			    struct vballoon_bytes len)
{
	(void)memory;
	(void)gpa;
	(void)len;
	covered = nondet_bool();
	return covered;
}

/* The entries of an indirect table, which may change between two reads. */
int vballoon_memory_read(const struct vballoon_memory *memory, struct vballoon_gpa gpa, void *to,
			 size_t len)
{
	const struct packed_desc entry = { nondet_u64(), nondet_u32(), nondet_u16(), nondet_u16() };

	(void)memory;
	(void)gpa;
	HOLDS(covered && len == sizeof(entry));
	*(struct packed_desc *)to = entry;
	return nondet_bool() ? 0 : -14;
}

static struct vballoon_chain chain;
static struct vballoon_device_ring ring;

#define SIZE 3U

WITHIN("packed queues of 3");

void proof(void)
{
	const struct packed_desc desc = { nondet_u64(), nondet_u32(), nondet_u16(), nondet_u16() };
	enum vballoon_violation violation;

	ring.queue.size = SIZE;
	ring.features.indirect = nondet_bool();
	chain.places = nondet_u16();
	chain.count = nondet_u16();
	chain.readable_count = nondet_u16();
	ASSUME(chain.places <= SIZE && chain.count == chain.places);
	ASSUME(chain.readable_count <= chain.count);

	violation = packed_chain_step(&ring, &desc, &chain);

	HOLDS(chain.count <= SIZE && chain.readable_count <= chain.count);
	if (violation)
		return;
	HOLDS(covered);
	if (desc.flags & PACKED_DESC_INDIRECT) {
		HOLDS(ring.features.indirect && !chain.places && !(desc.flags & PACKED_DESC_NEXT));
		HOLDS(chain.count * 16U == desc.len);
		REACHED(chain.count == SIZE && chain.readable_count == 1);
	} else {
		HOLDS(chain.segments[chain.count - 1].gpa.value == desc.addr);
		HOLDS(chain.segments[chain.count - 1].len == desc.len && desc.len);
		REACHED(chain.count == SIZE && chain.readable_count == SIZE);
	}
}
