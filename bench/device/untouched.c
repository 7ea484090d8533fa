/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * untouched GIB ROUNDS: all of a guest's memory, which it has never touched, goes into the
 * balloon and comes back. What is timed is the device, and the host that finds nothing to free.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "guest.h"
#include "memory.h"

#define RUN_PAGES 1024 /* a block of the largest order that Linux's allocator hands out */

static void inflate_and_deflate(const struct bench_memory *memory)
{
	const struct bench_region region = { memory->bytes, memory->at,
					     memory->kind.host_page_shift,
					     (void *)(uintptr_t)&memory->backing };
	const uint64_t pages = memory->bytes >> BENCH_PAGE_SHIFT;
	struct bench_time start, inflate, deflate;
	struct bench_guest guest;

	bench_guest_make(&guest, &region, &vballoon_reclaim_punch_hole);
	start = bench_clock_start();
	bench_guest_add_range(&guest, 0, memory->bytes, RUN_PAGES);
	inflate = bench_clock_since(start);
	start = bench_clock_start();
	while (guest.withdrawn < pages) {
		bench_guest_withdraw(&guest, pages - guest.withdrawn);
		bench_guest_finish(&guest);
	}
	deflate = bench_clock_since(start);
	printf("{\"gib\": %llu, \"inflate_seconds\": %.6f, \"inflate_cpu_seconds\": %.6f, "
	       "\"deflate_seconds\": %.6f, \"deflate_cpu_seconds\": %.6f, \"calls\": %llu, "
	       "\"page_map_bytes\": %zu}\n",
	       (unsigned long long)(memory->bytes / GIB), inflate.seconds, inflate.cpu_seconds,
	       deflate.seconds, deflate.cpu_seconds,
	       (unsigned long long)bench_guest_drop_calls(&guest), guest.page_map_bytes);
	fflush(stdout);
	bench_guest_end(&guest);
}

int main(int argc, char **argv)
{
	struct bench_memory memory;

	if (argc != 3) {
		fprintf(stderr, "usage: untouched GIB ROUNDS\n");
		return 2;
	}
	bench_memory_make(&memory, "memfd", strtoull(argv[1], NULL, 10) * GIB);
	for (unsigned long rounds = strtoul(argv[2], NULL, 10); rounds; rounds--)
		inflate_and_deflate(&memory);
	errno = EEXIST;
	if (bench_memory_allocated(&memory))
		bench_die("the host holds memory that nobody has touched");
	return 0;
}
