/* SPDX-License-Identifier: BSD-3-Clause */
/* What is dropped at once is whole host pages, or whole blocks of them wherever these begin, all of
 * them held and none dropped yet. */
#include "proof.h"

#include "base/bitmap.c"
#include "device/drop.c"
#include "state/page_map.c"

/* A map of two words; what can be held lies across their border. */
#define WORDS 2U
#define FIRST 62U
#define END 66U

static struct {
	struct vballoon_page_map_header header;
	uint64_t held[WORDS], dropped[WORDS];
} map_memory;

static bool bit(const uint64_t *words, uint64_t n)
{
	return words[n / 64] >> n % 64 & 1;
}

static void have_pages(uint64_t words[WORDS])
{
	words[0] = (uint64_t)(nondet_u8() & 3) << FIRST;
	words[1] = nondet_u8() & 3;
}

WITHIN("4 pages and host pages of 1 or 2");

void proof(void)
{
	struct vballoon_drop drop = { .next = nondet_u64(), .end = nondet_u64() };
	const uint64_t most = nondet_u64(), n = nondet_u64(), from = drop.next;
	const uint64_t may_look = nondet_u64();
	const uint32_t order = nondet_u32();
	uint64_t looks = may_look;
	struct grid grid = { .phase = nondet_u64() };
	struct vballoon_page_map map;
	struct vballoon_run run;

	ASSUME(order <= 1 && n >= FIRST && n < END && most >= 1 && most <= END - FIRST);
	ASSUME(may_look <= END - FIRST);
	map_memory.header.page_shift = 12;
	map_memory.header.host_page_shift = 12 + order;
	map_memory.header.pages = WORDS * 64;
	have_pages(map_memory.held);
	have_pages(map_memory.dropped);
	grid.mask = (UINT64_C(1) << order) - 1;
	ASSUME(grid.phase <= grid.mask);
	ASSUME(drop.next >= FIRST && drop.next < drop.end && drop.end <= END);
	map = vballoon_page_map_open(&map_memory);
	if (!next_run(&drop, &map, grid, most, &looks, &run)) {
		HOLDS(drop.next == drop.end || !looks);
		return;
	}
	HOLDS(may_look && looks < may_look);
	HOLDS(run.count && run.first >= from && run.first + run.count <= drop.end);
	HOLDS(!((run.first + grid.phase) & grid.mask));
	HOLDS(!(run.count & grid.mask));
	HOLDS(run.count <= most || run.count == UINT64_C(1) << order);
	HOLDS(drop.next >= run.first + run.count && drop.next <= drop.end);
	if (n >= run.first && n - run.first < run.count)
		HOLDS(bit(map_memory.held, n) && !bit(map_memory.dropped, n));
	REACHED(order == 1 && !grid.phase && run.count == END - FIRST && run.first == FIRST);
	REACHED(grid.phase == 1 && run.first == FIRST + 1 && run.count == 2);
}
