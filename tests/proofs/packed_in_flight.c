/* SPDX-License-Identifier: BSD-3-Clause */
/* A chain of a packed ring, when the device dies while it uses it, is the driver's exactly when the
 * flags of its descriptor say so, whatever the driver has made of these since, and none is used twice
 * or left out. */
#include "in_flight.h"

#include "ring/packed_device.c"

/* The descriptor's last word: its flags are what is told. */
int vballoon_memory_store64(const struct vballoon_memory *memory, struct vballoon_gpa gpa,
			    uint64_t value)
{
	(void)memory;
	(void)gpa;
	may_die();
	if (nondet_bool())
		return -14;
	now.told = (uint16_t)(value >> 48);
	may_die();
	return 0;
}

/* What is asked of the driver. */
int vballoon_memory_store16(const struct vballoon_memory *memory, struct vballoon_gpa gpa,
			    uint16_t value)
{
	(void)memory;
	(void)value;
	HOLDS(gpa.value == ring.queue.used.value + PACKED_EVENT_FLAGS);
	return 0;
}

int vballoon_memory_load16(const struct vballoon_memory *memory, struct vballoon_gpa gpa,
			   uint16_t *value_out)
{
	(void)memory;
	HOLDS(gpa.value == desc_at(&ring, ring.taken, PACKED_DESC_FLAGS).value);
	*value_out = now.told;
	return 0;
}

void proof(void)
{
	const uint16_t taken = nondet_u16();
	bool is_used, is_told, comes_again = nondet_bool();
	uint16_t after;

	ring.features.packed = true;
	any_ring();
	ASSUME(packed_index(taken) < ring.queue.size);
	chain.places = nondet_u16();
	ASSUME(chain.places >= 1 && chain.places <= ring.queue.size);
	after = packed_advance(ring.queue.size, taken, chain.places);
	ring.taken = ring.next_used = taken;
	now.told = packed_avail_flags(taken);
	use_and_die(after);
	is_told = packed_is_used(found.told, taken);
	/* The driver has made it available again, a round later. */
	if (is_told && comes_again)
		found.told = packed_avail_flags(taken ^ PACKED_WRAP);
	is_used = resume();
	HOLDS(is_told || !is_used);
	HOLDS(next.next_avail == (is_told ? after : taken));
	HOLDS(next.next_used == next.next_avail);
	REACHED(is_used && comes_again && (after ^ taken) & PACKED_WRAP);
	REACHED(is_told && !is_used);
	REACHED(!is_told && vballoon_kept_place(found.kept).is_using);
}
