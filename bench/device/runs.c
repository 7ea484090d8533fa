/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * runs BACKING MIB ROUNDS: memory that is given in runs of 2 MiB, against one fallocate() over
 * the same memory.
 */
#include <stdio.h>
#include <stdlib.h>

#include "pairs.h"

#define RUN_PAGES 512

static void one_hole(const struct bench_pairs *pairs)
{
	bench_memory_punch(&pairs->memory, 0, pairs->memory.bytes);
}

static void runs(struct bench_guest *guest, const struct bench_pairs *pairs)
{
	bench_guest_add_range(guest, 0, pairs->memory.bytes, RUN_PAGES);
}

int main(int argc, char **argv)
{
	struct bench_pairs pairs = { .own = runs, .peer = one_hole, .peer_calls = 1 };

	if (argc != 4) {
		fprintf(stderr, "usage: runs memfd|thp|hugetlb MIB ROUNDS\n");
		return 2;
	}
	bench_memory_make(&pairs.memory, argv[1], strtoull(argv[2], NULL, 10) * MIB);
	pairs.given_bytes = pairs.memory.bytes;
	bench_pairs_run(&pairs, strtoul(argv[3], NULL, 10));
	return 0;
}
