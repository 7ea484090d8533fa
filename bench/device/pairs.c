/* SPDX-License-Identifier: BSD-3-Clause */
#include "pairs.h"

#include <errno.h>
#include <stdio.h>

#include "clock.h"

static void expect_given(const struct bench_pairs *pairs)
{
	errno = ENODATA;
	if (bench_memory_allocated(&pairs->memory) != pairs->memory.bytes - pairs->given_bytes)
		bench_die("the host has not got what was given back");
}

static struct bench_time peer(const struct bench_pairs *pairs)
{
	struct bench_time start, took;

	bench_memory_populate(&pairs->memory);
	start = bench_clock_start();
	pairs->peer(pairs);
	took = bench_clock_since(start);
	expect_given(pairs);
	return took;
}

static struct bench_time own(struct bench_pairs *pairs, uint64_t *calls_out)
{
	const struct bench_region region = {
		.bytes = pairs->memory.bytes,
		.host = pairs->memory.at,
		.host_page_shift = pairs->memory.kind.host_page_shift,
		.backing = &pairs->memory.backing,
	};
	struct bench_time start, took;
	struct bench_guest guest;

	bench_guest_make(&guest, &region, &vballoon_reclaim_punch_hole);
	bench_memory_populate(&pairs->memory);
	start = bench_clock_start();
	pairs->own(&guest, pairs);
	took = bench_clock_since(start);
	expect_given(pairs);
	*calls_out = bench_guest_drop_calls(&guest);
	bench_guest_end(&guest);
	return took;
}

void bench_pairs_run(struct bench_pairs *pairs, unsigned long rounds)
{
	struct bench_time ours, theirs;
	uint64_t calls;

	for (; rounds; rounds--) {
		/* Who comes first changes, so that neither has the better of it. */
		if (rounds % 2)
			theirs = peer(pairs);
		ours = own(pairs, &calls);
		if (rounds % 2 == 0)
			theirs = peer(pairs);
		printf("{\"given_bytes\": %llu, \"own_seconds\": %.9f, \"own_cpu_seconds\": %.9f, "
		       "\"own_calls\": %llu, \"peer_seconds\": %.9f, \"peer_cpu_seconds\": %.9f, "
		       "\"peer_calls\": %llu}\n",
		       (unsigned long long)pairs->given_bytes, ours.seconds, ours.cpu_seconds,
		       (unsigned long long)calls, theirs.seconds, theirs.cpu_seconds,
		       (unsigned long long)pairs->peer_calls);
		fflush(stdout);
	}
}
