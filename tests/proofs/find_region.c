/* SPDX-License-Identifier: BSD-3-Clause */
/* Where an address is looked for: behind all regions that end before it, and before none that
 * could hold it. */
#include "proof.h"

#include "memory/memory.c"

#define REGIONS VBALLOON_MEMORY_REGIONS_MAX

static struct vballoon_memory memory;

WITHIN("3 regions");

void proof(void)
{
	const struct vballoon_gpa gpa = vballoon_gpa(nondet_u64());
	uint64_t ends[REGIONS];
	unsigned int index;

	memory.count = nondet_u32();
	ASSUME(memory.count <= REGIONS);
	for (unsigned int i = 0; i < REGIONS; i++) {
		memory.regions[i].gpa = vballoon_gpa(nondet_u64());
		memory.regions[i].size = vballoon_bytes(nondet_u64());
		ASSUME(memory.regions[i].size.value <= UINT64_MAX - memory.regions[i].gpa.value);
		ends[i] = region_end(&memory.regions[i]);
		ASSUME(!i || ends[i - 1] <= memory.regions[i].gpa.value);
	}
	index = regions_below(&memory, gpa);
	HOLDS(index <= memory.count);
	for (unsigned int i = 0; i < REGIONS; i++)
		HOLDS((i < index) == (i < memory.count && ends[i] <= gpa.value));
	REACHED(index == 2 && memory.count == 3);
}
