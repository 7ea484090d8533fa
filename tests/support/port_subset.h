/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Subsets of the features that a device offers to the portable driver: all of them, or
 * so few that each two features are met in each of their four settings.
 */
#ifndef VBALLOON_TESTS_PORT_SUBSET_H
#define VBALLOON_TESTS_PORT_SUBSET_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* The device's own bits, EVENT_IDX, RING_PACKED and IN_ORDER. */
#define PORT_SUBSET_BITS                                                                           \
	(UINT64_C(0x3f) | UINT64_C(1) << 29 | UINT64_C(1) << 34 | UINT64_C(1) << 35)

/* The @index-th subset of @offered that a test has to try, with VERSION_1; false when there
 * are no more. */
static inline bool port_subset(uint64_t offered, bool all, unsigned int index, uint64_t *subset_out)
{
	unsigned int count = 0, half = index / 2 - 1;

	*subset_out = UINT64_C(1) << 32;
	for (unsigned int bit = 0; bit < 64; bit++) {
		bool in = index & 1;

		if (!((offered & PORT_SUBSET_BITS) >> bit & 1))
			continue;
		/* Two features differ in a digit of their numbers, so that one of the halves by
		 * digits has the first alone, and its complement the second. */
		if (all)
			in = index >> count & 1;
		else if (index >= 2)
			in ^= count >> half & 1;
		*subset_out |= (uint64_t)in << bit;
		count++;
	}
	return all ? index >> count == 0 : index < 2 || (count - 1) >> half != 0;
}

/* Whether the program was told to try all of them. */
static inline bool port_subset_all(int argc, char **argv)
{
	return argc == 2 && !strcmp(argv[1], "--all");
}

#endif /* VBALLOON_TESTS_PORT_SUBSET_H */
