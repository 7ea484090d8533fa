/* SPDX-License-Identifier: BSD-3-Clause */
/* What something takes: time as it passes, and processor time of this process. */
#ifndef VBALLOON_BENCH_CLOCK_H
#define VBALLOON_BENCH_CLOCK_H

#include <time.h>

struct bench_time {
	double seconds;
	double cpu_seconds; /* user and system, all threads */
};

static inline double bench_clock_read(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static inline struct bench_time bench_clock_start(void)
{
	return (struct bench_time){ bench_clock_read(CLOCK_MONOTONIC),
				    bench_clock_read(CLOCK_PROCESS_CPUTIME_ID) };
}

static inline struct bench_time bench_clock_since(struct bench_time start)
{
	struct bench_time now = bench_clock_start();

	return (struct bench_time){ now.seconds - start.seconds,
				    now.cpu_seconds - start.cpu_seconds };
}

#endif /* VBALLOON_BENCH_CLOCK_H */
