/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A device that dies while it uses a chain, at any of its steps, and another that goes on: from what
 * was written down of it (ring/kept.h), and from what the ring tells. Either the driver has the
 * chain back, and the next one is behind it, or it has not, and the chain is taken anew.
 */
#ifndef VBALLOON_TESTS_PROOF_IN_FLIGHT_H
#define VBALLOON_TESTS_PROOF_IN_FLIGHT_H

#include "proof.h"

/* Of one thread, as of a process that dies, things are seen in the order in which they were done. */
#define __atomic_signal_fence(order) ((void)0)
#define __atomic_thread_fence(order) ((void)0)
#define __atomic_store_n(at, value, order) (*(at) = (value))
#include "ring/device_ring.c"

/* What outlives the device: where it says that it is, and what the ring says of the chain. */
static struct outlives {
	uint64_t kept;
	uint16_t told;
} now, found;

/* Until it dies. */
static uint8_t steps_left;
static bool is_dead;

static void may_die(void)
{
	if (!is_dead && !steps_left--) {
		is_dead = true;
		found = now;
	}
}

bool vballoon_memory_covers(const struct vballoon_memory *memory, struct vballoon_gpa gpa,
			    struct vballoon_bytes len)
{
	(void)memory;
	(void)gpa;
	(void)len;
	return true;
}

static struct vballoon_device_ring ring, next;
static struct vballoon_chain chain;

/* A queue of any size, anywhere, that its format finds valid; ring.features tell the format. */
static void any_ring(void)
{
	ring.format = ring.features.packed ? &packed_device_format : &split_device_format;
	ring.features.event_idx = nondet_bool();
	ring.queue.size = nondet_u32();
	ring.queue.desc = vballoon_gpa(nondet_u64());
	ring.queue.avail = vballoon_gpa(nondet_u64());
	ring.queue.used = vballoon_gpa(nondet_u64());
	ASSUME(ring.format->valid(&ring.queue));
}

/* Use the chain at ring.taken, with the next one at @after, and die. */
static void use_and_die(uint16_t after)
{
	steps_left = nondet_u8();
	chain.head = nondet_u16();
	chain.written = nondet_u64();
	/* It was written down before the chain was taken. */
	ring.next_avail = ring.taken;
	vballoon_device_ring_keep(&ring, &now.kept);
	ring.next_avail = after;
	may_die();
	vballoon_device_ring_use(&ring, &chain);
	may_die();
	ASSUME(is_dead);
}

/* Returns whether it says that the driver has the chain back. */
static bool resume(void)
{
	bool is_used;
	int error;

	now = found;
	error = vballoon_device_ring_resume(&next, NULL, &ring.queue, &ring.features, &now.kept,
					    &is_used);
	HOLDS(!error);
	HOLDS(vballoon_kept_place(now.kept).avail == next.next_avail);
	HOLDS(vballoon_kept_place(now.kept).used == next.next_used);
	HOLDS(!vballoon_kept_place(now.kept).is_using);
	return is_used;
}

#endif /* VBALLOON_TESTS_PROOF_IN_FLIGHT_H */
