/* SPDX-License-Identifier: BSD-3-Clause */
/* Guest memory of any regions that vballoon_memory_add() would let in: in order, and none over
 * another. They may adjoin, and there may be holes. */
#ifndef VBALLOON_TESTS_PROOF_REGIONS_H
#define VBALLOON_TESTS_PROOF_REGIONS_H

#include "proof.h"

#include "memory/memory.c"

#define REGIONS VBALLOON_MEMORY_REGIONS_MAX

static struct vballoon_memory memory;

/* Less than NEAR from the beginning of all addresses, or from their end, where sums wrap. CBMC does
 * not get through all of them. */
static uint64_t any_address(void)
{
	return (uint64_t)(nondet_u8() & (2 * NEAR - 1)) - NEAR;
}

static void any_regions(void)
{
	memory.count = nondet_u32();
	ASSUME(memory.count <= REGIONS);
	for (unsigned int i = 0; i < REGIONS; i++) {
		memory.regions[i].gpa = vballoon_gpa(any_address());
		memory.regions[i].size = vballoon_bytes(any_address());
		ASSUME(memory.regions[i].size.value);
		ASSUME(memory.regions[i].size.value <= UINT64_MAX - memory.regions[i].gpa.value);
		ASSUME(!i || region_end(&memory.regions[i - 1]) <= memory.regions[i].gpa.value);
	}
}

#endif /* VBALLOON_TESTS_PROOF_REGIONS_H */
