/* SPDX-License-Identifier: BSD-3-Clause */
/* An address is found in the one region that holds it, at its place there in the host, with what of
 * a range lies behind it in that region; and a range that one region does not hold in none. */
#define NEAR 128U
#include "regions.h"

static unsigned char host[REGIONS];

WITHIN("3 regions");
WITHIN("addresses within 128 of either end");

void proof(void)
{
	const struct vballoon_gpa gpa = vballoon_gpa(any_address());
	const struct vballoon_bytes len = vballoon_bytes(any_address());
	const struct vballoon_region *found;
	const unsigned int n = nondet_u32();
	uint64_t behind, size, piece;
	unsigned char *at;

	any_regions();
	ASSUME(n < memory.count);
	for (unsigned int i = 0; i < REGIONS; i++)
		memory.regions[i].host = &host[i];
	size = memory.regions[n].size.value;
	behind = gpa.value - memory.regions[n].gpa.value;
	found = vballoon_memory_find(&memory, gpa, len);
	HOLDS((found == &memory.regions[n]) ==
	      (behind < size && len.value && len.value <= size - behind));
	/* What follows is asked of an address that is in memory. */
	ASSUME(behind < size && len.value);
	piece = contiguous(&memory, gpa, len.value, &at);
	HOLDS(piece == (len.value < size - behind ? len.value : size - behind));
	HOLDS(at == &host[n] + behind);
	REACHED(n == 2 && found && behind);
	REACHED(n == 0 && memory.count == 3 && piece < len.value);
}
