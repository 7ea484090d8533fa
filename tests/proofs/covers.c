/* SPDX-License-Identifier: BSD-3-Clause */
/* A range is guest memory when each of its bytes is, also where it goes from one region into the
 * next, and not when one is not, as the last byte there can be never is. */
#define NEAR 8U
#include "regions.h"

WITHIN("3 regions");
WITHIN("addresses within 8 of either end");

static bool holds_byte(unsigned int region, uint64_t gpa)
{
	return (region < memory.count) &
	       (gpa - memory.regions[region].gpa.value < memory.regions[region].size.value);
}

static bool is_memory(uint64_t gpa)
{
	return holds_byte(0, gpa) | holds_byte(1, gpa) | holds_byte(2, gpa);
}

void proof(void)
{
	const uint64_t gpa = any_address(), len = any_address(), n = any_address();
	bool is_covered, has_hole;

	any_regions();
	/* If a byte is none of the guest's, the first such is where the range begins, or where a
	 * region ends. */
	has_hole = !is_memory(gpa);
	for (unsigned int i = 0; i < REGIONS; i++) {
		const uint64_t end = region_end(&memory.regions[i]);

		has_hole |= (i < memory.count) & (end - gpa < len) & !is_memory(end);
	}
	is_covered = vballoon_memory_covers(&memory, vballoon_gpa(gpa), vballoon_bytes(len));
	HOLDS(is_covered == (len && !has_hole));
	HOLDS(!is_covered || n >= len || is_memory(gpa + n));
	REACHED(is_covered && holds_byte(0, gpa) && holds_byte(2, gpa + len - 1));
	REACHED(!is_covered && holds_byte(0, gpa) && holds_byte(1, gpa + len - 1));
}
