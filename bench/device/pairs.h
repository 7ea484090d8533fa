/* SPDX-License-Identifier: BSD-3-Clause */
/* The same memory given back twice: through a device, and by hand. */
#ifndef VBALLOON_BENCH_PAIRS_H
#define VBALLOON_BENCH_PAIRS_H

#include "guest.h"
#include "memory.h"

struct bench_pairs {
	struct bench_memory memory;
	const void *context; /* for the two below, which are what is timed */
	void (*own)(struct bench_guest *guest, const struct bench_pairs *pairs);
	void (*peer)(const struct bench_pairs *pairs);
	uint64_t peer_calls; /* of fallocate() */
	uint64_t given_bytes; /* of the memory: what both give back */
};

/* Do both, @rounds times, with memory that the host holds at the beginning: a JSON line for
 * each round. */
void bench_pairs_run(struct bench_pairs *pairs, unsigned long rounds);

#endif /* VBALLOON_BENCH_PAIRS_H */
