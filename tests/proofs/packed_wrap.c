/* SPDX-License-Identifier: BSD-3-Clause */
/* Going round a packed ring: places stay in it, two rounds are one, and the flags of a place tell
 * its round (virtio 1.3, 2.8.1). */
#include "proof.h"

#include "ring/packed.h"

void proof(void)
{
	const uint32_t size = nondet_u32(), first = nondet_u32(), second = nondet_u32();
	const uint16_t place = nondet_u16(), flags = nondet_u16();
	uint16_t next;

	ASSUME(size >= 1 && size <= 32768 && packed_index(place) < size);
	ASSUME(first <= size && second <= size - first);
	next = packed_advance(size, place, first);
	HOLDS(packed_index(next) < size);
	HOLDS(packed_advance(size, next, second) == packed_advance(size, place, first + second));
	HOLDS(packed_advance(size, packed_advance(size, place, size), size) == place);
	HOLDS(!(packed_is_available(flags, place) && packed_is_used(flags, place)));
	/* What is available in this round is not, nor is it used, in the next. */
	HOLDS(!(packed_is_available(flags, place) &&
		packed_is_available(flags, packed_advance(size, place, size))));
	HOLDS(packed_is_available(packed_avail_flags(place), place));
	HOLDS(packed_is_used(packed_used_flags(place), place));
	REACHED((next ^ place) & PACKED_WRAP && packed_index(next) == 0);
	REACHED(packed_is_available(flags, place));
}
