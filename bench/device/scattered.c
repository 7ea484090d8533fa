/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * scattered PATTERN MIB ROUNDS: single pages, an entry each, against one fallocate() for every
 * page.
 *
 *   apart      every other page: no two can go in one call
 *   shuffled   every page, in an order without order: neighbours come in different messages
 *              that are on their way together, and are to be merged
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pairs.h"

#define PAGE_BYTES (UINT64_C(1) << BENCH_PAGE_SHIFT)

/* The addresses of the pages, in the order in which they are given. */
struct pages {
	uint64_t *gpas;
	size_t count;
};

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void shuffle(struct pages *pages)
{
	uint64_t state = 1;

	for (size_t i = pages->count - 1; i; i--) {
		size_t other = (size_t)(next_random(&state) % (i + 1));
		uint64_t gpa = pages->gpas[i];

		pages->gpas[i] = pages->gpas[other];
		pages->gpas[other] = gpa;
	}
}

static struct pages choose_pages(uint64_t bytes, size_t step)
{
	struct pages pages = { .count = (size_t)(bytes / PAGE_BYTES) / step };

	pages.gpas = calloc(pages.count, sizeof(*pages.gpas));
	if (!pages.gpas)
		bench_die("pages");
	for (size_t i = 0; i < pages.count; i++)
		pages.gpas[i] = step * i * PAGE_BYTES;
	return pages;
}

static void hole_a_page(const struct bench_pairs *pairs)
{
	const struct pages *pages = pairs->context;

	for (size_t i = 0; i < pages->count; i++)
		bench_memory_punch(&pairs->memory, pages->gpas[i], PAGE_BYTES);
}

static void entry_a_page(struct bench_guest *guest, const struct bench_pairs *pairs)
{
	const struct pages *pages = pairs->context;
	size_t count;

	for (size_t i = 0; i < pages->count; i += count) {
		count = pages->count - i < BENCH_ENTRIES_MAX ? pages->count - i : BENCH_ENTRIES_MAX;
		bench_guest_add(guest, pages->gpas + i, count);
	}
	bench_guest_finish(guest);
}

int main(int argc, char **argv)
{
	struct bench_pairs pairs = { .own = entry_a_page, .peer = hole_a_page };
	bool apart = argc == 4 && !strcmp(argv[1], "apart");
	struct pages pages;

	if (!apart && (argc != 4 || strcmp(argv[1], "shuffled") != 0)) {
		fprintf(stderr, "usage: scattered apart|shuffled MIB ROUNDS\n");
		return 2;
	}
	bench_memory_make(&pairs.memory, "memfd", strtoull(argv[2], NULL, 10) * MIB);
	pages = choose_pages(pairs.memory.bytes, apart ? 2 : 1);
	if (!apart)
		shuffle(&pages);
	pairs.context = &pages;
	pairs.peer_calls = pages.count;
	pairs.given_bytes = pages.count * PAGE_BYTES;
	bench_pairs_run(&pairs, strtoul(argv[3], NULL, 10));
	free(pages.gpas);
	return 0;
}
