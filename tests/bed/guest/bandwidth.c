// SPDX-License-Identifier: BSD-3-Clause
/*
 * How much memory a program gets through, in one window of time after the other: what somebody
 * notices who works while memory is taken from under him.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "agent.h"

#define BANDWIDTH_BYTES (16ULL << 20) /* more than the processor's caches */
#define BANDWIDTH_STEP (256ULL << 10) /* copied between two looks at the clock */
#define BANDWIDTH_WINDOWS_MAX 1000ULL
#define BANDWIDTH_WINDOW_NS 100000000ULL

static uint64_t bandwidth_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
}

static int bandwidth_order(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

/* What one window lets through, in bytes a second. It ends late when nothing ran meanwhile. */
static uint64_t bandwidth_window(unsigned char *to, const unsigned char *from)
{
	uint64_t began = bandwidth_now_ns(), now, copied = 0;

	do {
		uint64_t at = copied % BANDWIDTH_BYTES;

		memcpy(to + at, from + at, BANDWIDTH_STEP);
		copied += BANDWIDTH_STEP;
		now = bandwidth_now_ns();
	} while (now - began < BANDWIDTH_WINDOW_NS);
	return copied * 1000000000ULL / (now - began);
}

/* bandwidth COUNT: copy memory for so many windows of 100 ms. */
void bandwidth_run(char *arguments)
{
	static uint64_t rates[BANDWIDTH_WINDOWS_MAX];
	uint64_t count = strtoull(arguments, NULL, 10);
	unsigned char *memory = mmap(NULL, 2 * BANDWIDTH_BYTES, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	uint64_t i;

	if (!count || count > BANDWIDTH_WINDOWS_MAX || memory == MAP_FAILED) {
		agent_error(EINVAL, "bandwidth");
		return;
	}
	for (i = 0; i < count; i++)
		rates[i] = bandwidth_window(memory, memory + BANDWIDTH_BYTES);
	munmap(memory, 2 * BANDWIDTH_BYTES);
	qsort(rates, count, sizeof(rates[0]), bandwidth_order);
	agent_ok("first_percentile=%llu median=%llu", (unsigned long long)rates[count / 100],
		 (unsigned long long)rates[count / 2]);
}
