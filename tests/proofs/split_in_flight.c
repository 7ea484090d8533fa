/* SPDX-License-Identifier: BSD-3-Clause */
/* A chain of a split ring, when the device dies while it uses it, is the driver's exactly when the
 * used index says so, and none is used twice or left out. */
#include "in_flight.h"

#include "ring/split_device.c"

int vballoon_memory_write(const struct vballoon_memory *memory, struct vballoon_gpa gpa,
			  const void *from, size_t len)
{
	(void)memory;
	(void)gpa;
	(void)from;
	(void)len;
	may_die();
	return nondet_bool() ? 0 : -14;
}

/* The used index is the one thing that is told. */
int vballoon_memory_store16(const struct vballoon_memory *memory, struct vballoon_gpa gpa,
			    uint16_t value)
{
	const bool tells = gpa.value == ring.queue.used.value + SPLIT_IDX;

	(void)memory;
	may_die();
	if (tells && nondet_bool())
		return -14;
	if (tells)
		now.told = value;
	may_die();
	return 0;
}

int vballoon_memory_load16(const struct vballoon_memory *memory, struct vballoon_gpa gpa,
			   uint16_t *value_out)
{
	(void)memory;
	HOLDS(gpa.value == ring.queue.used.value + SPLIT_IDX);
	*value_out = now.told;
	return 0;
}

void proof(void)
{
	const uint16_t taken = nondet_u16(), used = nondet_u16();
	bool is_used, is_told;

	any_ring();
	ring.taken = taken;
	ring.next_used = now.told = used;
	chain.places = 1;
	use_and_die((uint16_t)(taken + 1));
	is_used = resume();
	is_told = now.told != used;
	HOLDS(next.next_used == now.told && now.told == (uint16_t)(used + is_told));
	HOLDS(next.next_avail == (uint16_t)(taken + is_told));
	HOLDS(is_told || !is_used);
	REACHED(is_used && now.told == 0);
	REACHED(is_told && !is_used);
	REACHED(!is_told && vballoon_kept_place(found.kept).is_using);
}
