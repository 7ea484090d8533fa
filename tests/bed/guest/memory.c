// SPDX-License-Identifier: BSD-3-Clause
/*
 * Memory as a program sees it: held with a pattern that tells every word of every page from any
 * other, so that a page which the host took by mistake cannot go unnoticed. Memory that is only
 * tried, because it came back, gets a word of the pattern in each line of the processor's cache.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "agent.h"

#define PAGE_BYTES 4096ULL
#define PAGE_WORDS (PAGE_BYTES / sizeof(uint64_t))
/* How far apart the words of a pattern are: all of them, or one in each line of a cache. */
#define EVERY_WORD 1
#define EVERY_LINE 8
#define EVERY_PAGE PAGE_WORDS
#define KIB_PER_PAGE (PAGE_BYTES / 1024)
/* Left alone when a program takes all that there is: page tables, the kernel's own needs, and the
 * 64 MiB that the kernel may have in hand to report them as free. */
#define MARGIN_KIB ((24ULL + 64) * 1024)

struct memory_area {
	uint64_t *words;
	uint64_t pages;
};

static struct memory_area memory_held;

static uint64_t memory_info_kib(const char *info, const char *name)
{
	const char *line = strstr(info, name);

	return line ? strtoull(line + strlen(name), NULL, 10) : 0;
}

static uint64_t memory_available_kib(void)
{
	char info[4096];

	if (file_slurp("/proc/meminfo", info, sizeof(info)))
		return 0;
	return memory_info_kib(info, "MemAvailable:");
}

void memory_info(char *arguments)
{
	char info[4096];
	int err = file_slurp("/proc/meminfo", info, sizeof(info));

	(void)arguments;
	if (err) {
		agent_error(-err, "meminfo");
		return;
	}
	agent_ok("total_kib=%llu free_kib=%llu available_kib=%llu",
		 (unsigned long long)memory_info_kib(info, "MemTotal:"),
		 (unsigned long long)memory_info_kib(info, "MemFree:"),
		 (unsigned long long)memory_info_kib(info, "MemAvailable:"));
}

/* An odd multiplier maps distinct indices to distinct words; none of a page's is likely 0. */
static uint64_t memory_pattern(uint64_t word_index, uint64_t seed)
{
	return (word_index + seed + 1) * 0x9e3779b97f4a7c15ULL;
}

static void memory_write(const struct memory_area *area, uint64_t seed, unsigned int step)
{
	uint64_t i;

	for (i = 0; i < area->pages * PAGE_WORDS; i += step)
		area->words[i] = memory_pattern(i, seed);
}

static int memory_page_differs(const struct memory_area *area, uint64_t page, uint64_t seed,
			       unsigned int step)
{
	uint64_t first = page * PAGE_WORDS;
	uint64_t i;

	for (i = first; i < first + PAGE_WORDS; i += step) {
		if (area->words[i] != memory_pattern(i, seed))
			return 1;
	}
	return 0;
}

static uint64_t memory_count_bad(const struct memory_area *area, uint64_t seed, unsigned int step)
{
	uint64_t bad = 0;
	uint64_t page;

	for (page = 0; page < area->pages; page++)
		bad += (uint64_t)memory_page_differs(area, page, seed, step);
	return bad;
}

static int memory_take(struct memory_area *area, uint64_t kib)
{
	void *words;

	area->pages = kib / KIB_PER_PAGE;
	words = mmap(NULL, area->pages * PAGE_BYTES, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (words == MAP_FAILED)
		return -errno;
	area->words = (uint64_t *)words;
	return 0;
}

static void memory_drop(struct memory_area *area)
{
	if (area->words)
		munmap(area->words, area->pages * PAGE_BYTES);
	memset(area, 0, sizeof(*area));
}

/* fill SEED KIB: hold that much memory, every word of it written. */
void memory_fill(char *arguments)
{
	uint64_t seed = strtoull(arguments, &arguments, 10);
	uint64_t kib = strtoull(arguments, &arguments, 10);
	int err;

	if (memory_held.words || kib < KIB_PER_PAGE) {
		agent_error(EINVAL, "fill");
		return;
	}
	err = memory_take(&memory_held, kib);
	if (err) {
		agent_error(-err, "fill");
		return;
	}
	memory_write(&memory_held, seed, EVERY_WORD);
	agent_ok("pages=%llu", (unsigned long long)memory_held.pages);
}

/* scatter KIB: hold two pages of three of so much memory, so that what is free lies in between. Linux
 * has whoever asks for two pages at once take over a whole block that is half free. */
void memory_scatter(char *arguments)
{
	uint64_t kib = strtoull(arguments, NULL, 10);
	unsigned char *bytes;
	uint64_t page;

	if (memory_held.words || kib < KIB_PER_PAGE || memory_take(&memory_held, kib)) {
		agent_error(EINVAL, "scatter");
		return;
	}
	bytes = (unsigned char *)memory_held.words;
	madvise(bytes, memory_held.pages * PAGE_BYTES, MADV_NOHUGEPAGE);
	for (page = 0; page < memory_held.pages; page++)
		bytes[page * PAGE_BYTES] = 1;
	for (page = 0; page < memory_held.pages; page += 3)
		madvise(bytes + page * PAGE_BYTES, PAGE_BYTES, MADV_DONTNEED);
	agent_ok("scattered");
}

/* zeros KIB: take so much memory, and let it go; whatever is new to a program must be zero. */
void memory_zeros(char *arguments)
{
	struct memory_area area = { 0 };
	uint64_t bad = 0;
	uint64_t page, i;

	if (memory_take(&area, strtoull(arguments, NULL, 10))) {
		agent_error(ENOMEM, "zeros");
		return;
	}
	for (page = 0; page < area.pages; page++) {
		uint64_t *words = area.words + page * PAGE_WORDS;

		words[0] = 1; /* to read alone would bring none */
		for (i = 1; i < PAGE_WORDS && !words[i]; i++)
			;
		bad += i < PAGE_WORDS;
	}
	agent_ok("pages=%llu bad=%llu", (unsigned long long)area.pages, (unsigned long long)bad);
	memory_drop(&area);
}

/* verify SEED: is all of it still what was written? */
void memory_verify(char *arguments)
{
	uint64_t seed = strtoull(arguments, NULL, 10);

	agent_ok("pages=%llu bad=%llu", (unsigned long long)memory_held.pages,
		 (unsigned long long)memory_count_bad(&memory_held, seed, EVERY_WORD));
}

void memory_release(char *arguments)
{
	(void)arguments;
	memory_drop(&memory_held);
	agent_ok("released");
}

/* Take all memory that there is. Returns 0 or a negative errno. */
static int memory_take_all(struct memory_area *area)
{
	uint64_t available_kib = memory_available_kib();

	if (available_kib <= MARGIN_KIB)
		return -ENOMEM;
	return memory_take(area, available_kib - MARGIN_KIB);
}

/* Take so much memory, or all that there is if that is 0. */
static int memory_take_some(struct memory_area *area, uint64_t kib)
{
	return kib ? memory_take(area, kib) : memory_take_all(area);
}

/* touch SEED KIB: take that much memory, or all that there is if it is 0, write every page, read every
 * page, let it go. */
void memory_touch(char *arguments)
{
	uint64_t seed = strtoull(arguments, &arguments, 10);
	uint64_t kib = strtoull(arguments, NULL, 10);
	struct memory_area area = { 0 };
	uint64_t pages, bad;
	int err = memory_take_some(&area, kib);

	if (err) {
		agent_error(-err, "touch");
		return;
	}
	memory_write(&area, seed, EVERY_LINE);
	bad = memory_count_bad(&area, seed, EVERY_LINE);
	pages = area.pages;
	memory_drop(&area);
	agent_ok("pages=%llu bad=%llu", (unsigned long long)pages, (unsigned long long)bad);
}

/* occupy KIB: hold that much memory, a word of each page written; 0: all that there is. */
void memory_occupy(char *arguments)
{
	uint64_t kib = strtoull(arguments, NULL, 10);
	int err = -EBUSY;

	if (!memory_held.words)
		err = memory_take_some(&memory_held, kib);
	if (err) {
		agent_error(-err, "occupy");
		return;
	}
	memory_write(&memory_held, 0, EVERY_PAGE);
	agent_ok("pages=%llu", (unsigned long long)memory_held.pages);
}
