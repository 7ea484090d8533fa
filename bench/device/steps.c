/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * steps KIND HOST MIB ROUNDS: processor time of the longest step, vballoon_device_run(), under a
 * driver that says as much at once as its queue holds. HOST is memfd, or one that does nothing: none,
 * or huge or gigantic, with pages of 2 MiB or of a GiB.
 * Rounds are the same, so a step takes what it took the least in any of them; the rest is the
 * machine's.
 *
 *   runs       all of the memory, in runs of 2 MiB, and back
 *   pages      every other page, in an order without order, and a run in each place that is looked
 *              through at once, where it is found last; and back
 *   repeated   one page, again and again
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vballoon/abi/memory_balloon.h>

#include "clock.h"
#include "guest.h"
#include "memory.h"

#define RUN_PAGES 512
#define PAGE_BYTES (UINT64_C(1) << BENCH_PAGE_SHIFT)
#define STEPS_MAX 65536
/* What the device looks through at once has a run at its end, which is worth an entry. */
#define LOOK_BYTES (16 * MIB)
#define LAST_PAGES 64
/* Coprime to every power of two: each place once, and none near the one before. */
#define STRIDE UINT64_C(40503)

static double least[STEPS_MAX];
static size_t step;

static bool timed(struct vballoon_device *device)
{
	double start = bench_clock_read(CLOCK_THREAD_CPUTIME_ID), took;
	bool more = vballoon_device_run(device);

	took = bench_clock_read(CLOCK_THREAD_CPUTIME_ID) - start;
	if (step == STEPS_MAX)
		bench_die("steps");
	if (least[step] == 0 || took < least[step])
		least[step] = took;
	step++;
	return more;
}

/* What is said: so many entries, and the pages that they name, each counted once. */
struct attack {
	uint64_t (*entry)(uint64_t number, uint64_t bytes);
	uint64_t entries, pages;
};

static uint64_t run_entry(uint64_t number, uint64_t bytes)
{
	(void)bytes;
	return number * RUN_PAGES * PAGE_BYTES | (RUN_PAGES - 1);
}

static uint64_t page_entry(uint64_t number, uint64_t bytes)
{
	uint64_t looks = bytes / LOOK_BYTES, singles = bytes / PAGE_BYTES / 2;

	if (number < looks)
		return ((number + 1) * LOOK_BYTES - LAST_PAGES * PAGE_BYTES) | (LAST_PAGES - 1);
	return 2 * ((number - looks) * STRIDE % singles) * PAGE_BYTES;
}

static uint64_t same_entry(uint64_t number, uint64_t bytes)
{
	(void)number;
	(void)bytes;
	return 0;
}

static struct attack attack_of(const char *kind, uint64_t bytes)
{
	uint64_t pages = bytes / PAGE_BYTES, looks = bytes / LOOK_BYTES;

	if (!strcmp(kind, "runs"))
		return (struct attack){ run_entry, pages / RUN_PAGES, pages };
	if (!strcmp(kind, "pages"))
		return (struct attack){ page_entry, looks + pages / 2,
					pages / 2 + looks * LAST_PAGES / 2 };
	return (struct attack){ same_entry, pages / 2, 1 };
}

/* Everything that there is to say waits before the device looks, as far as the queue goes. */
static void carry_out(const struct attack *attack, struct bench_guest *guest, uint64_t bytes)
{
	uint64_t most = attack->entry == run_entry
				? VIRTIO_MEMORY_BALLOON_MESSAGE_UNITS_MAX / RUN_PAGES
				: BENCH_ENTRIES_MAX;
	uint64_t entries[BENCH_ENTRIES_MAX], said = 0;
	size_t count;

	while (said < attack->entries) {
		for (count = 0; said < attack->entries && count < most;)
			entries[count++] = attack->entry(said++, bytes);
		bench_guest_add(guest, entries, count);
	}
	bench_guest_finish(guest);
	for (guest->withdrawn = 0; guest->withdrawn < attack->pages;) {
		for (unsigned int i = 0; i < BENCH_SLOTS; i++)
			bench_guest_withdraw(guest, attack->pages);
		bench_guest_finish(guest);
	}
}

static uint32_t host_page_shift_of(const char *host)
{
	if (!strcmp(host, "gigantic"))
		return BENCH_GIGANTIC_SHIFT;
	return !strcmp(host, "huge") ? BENCH_HUGE_SHIFT : BENCH_PAGE_SHIFT;
}

static void run_round(const char *kind, const char *host, uint64_t bytes)
{
	const struct attack attack = attack_of(kind, bytes);
	bool real = !strcmp(host, "memfd");
	struct bench_region region = {
		.bytes = bytes,
		.host_page_shift = host_page_shift_of(host),
	};
	struct bench_memory memory;
	struct bench_guest guest;

	if (real) {
		bench_memory_make(&memory, "memfd", bytes);
		bench_memory_populate(&memory);
		region.host = memory.at;
		region.backing = &memory.backing;
	}
	bench_guest_make(&guest, &region,
			 real ? &vballoon_reclaim_punch_hole : &bench_reclaim_nothing);
	guest.run = timed;
	step = 0;
	carry_out(&attack, &guest, bytes);
	bench_guest_end(&guest);
	if (real)
		bench_memory_end(&memory);
}

int main(int argc, char **argv)
{
	const char *kinds = " runs pages repeated ", *hosts = " memfd none huge gigantic ";
	size_t longest = 0;

	if (argc != 5 || !strstr(kinds, argv[1]) || !strstr(hosts, argv[2])) {
		fprintf(stderr,
			"usage: steps runs|pages|repeated memfd|none|huge|gigantic MIB ROUNDS\n");
		return 2;
	}
	for (unsigned long rounds = strtoul(argv[4], NULL, 10); rounds; rounds--)
		run_round(argv[1], argv[2], strtoull(argv[3], NULL, 10) * MIB);
	for (size_t i = 0; i < step; i++)
		longest = least[i] > least[longest] ? i : longest;
	printf("{\"steps\": %zu, \"longest\": %zu, \"longest_us\": %.1f}\n", step, longest,
	       least[longest] * 1e6);
	return 0;
}
