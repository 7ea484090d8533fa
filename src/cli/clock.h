/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef VBALLOON_CLI_CLOCK_H
#define VBALLOON_CLI_CLOCK_H

#include <stdint.h>
#include <time.h>

/* @return milliseconds of a clock that only goes forward. */
static inline uint64_t vballoon_clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

#endif /* VBALLOON_CLI_CLOCK_H */
