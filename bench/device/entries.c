/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * entries KIND ROUNDS: the hot path alone, with a host that does nothing, for a count of
 * instructions. A round is ENTRIES entries: what a round takes is the difference between two
 * counts of rounds.
 *
 *   add-runs    runs of 2 MiB into an empty balloon, and back
 *   add-pages   single pages, every other one, and back
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guest.h"
#include "memory.h"

#define ENTRIES 4096
#define RUN_PAGES 512
#define HUGE_BYTES (UINT64_C(1) << BENCH_HUGE_SHIFT)

static void give_pages(struct bench_guest *guest)
{
	uint64_t entries[ENTRIES];

	for (uint64_t i = 0; i < ENTRIES; i++)
		entries[i] = 2 * i << BENCH_PAGE_SHIFT;
	bench_guest_add(guest, entries, ENTRIES);
	bench_guest_finish(guest);
}

static void take_back(struct bench_guest *guest, uint64_t pages)
{
	for (guest->withdrawn = 0; guest->withdrawn < pages;) {
		bench_guest_withdraw(guest, pages - guest->withdrawn);
		bench_guest_finish(guest);
	}
}

int main(int argc, char **argv)
{
	const struct bench_region region = { ENTRIES * HUGE_BYTES, NULL, BENCH_PAGE_SHIFT, NULL };
	bool runs = argc == 3 && !strcmp(argv[1], "add-runs");
	struct bench_guest guest;

	if (!runs && (argc != 3 || strcmp(argv[1], "add-pages") != 0)) {
		fprintf(stderr, "usage: entries add-runs|add-pages ROUNDS\n");
		return 2;
	}
	bench_guest_make(&guest, &region, &bench_reclaim_nothing);
	for (unsigned long rounds = strtoul(argv[2], NULL, 10); rounds; rounds--) {
		if (runs)
			bench_guest_add_range(&guest, 0, region.bytes, RUN_PAGES);
		else
			give_pages(&guest);
		take_back(&guest, runs ? (uint64_t)ENTRIES * RUN_PAGES : ENTRIES);
	}
	bench_guest_end(&guest);
	printf("{\"entries\": %d}\n", ENTRIES);
	return 0;
}
