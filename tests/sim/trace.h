/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What happened in one schedule: a hash of all of it, which two runs of one
 * seed must share, the last steps for a person, and the first failure.
 */
#ifndef SIM_TRACE_H
#define SIM_TRACE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define TRACE_LAST 48

struct trace_entry {
	uint64_t step;
	const char *what; /* a literal */
	uint64_t a, b;
};

struct trace {
	uint64_t hash;
	uint64_t step;
	uint64_t count; /* of all entries; the newest TRACE_LAST are in last[] */
	struct trace_entry last[TRACE_LAST];
	bool echo; /* print every entry at once */
	bool failed;
	char failure[240];
};

void trace_begin(struct trace *trace, bool echo);

/* @what happened, to @a and @b, whatever they are. */
void trace_event(struct trace *trace, const char *what, uint64_t a, uint64_t b);

/* The schedule has failed. Only the first failure is kept: the rest follow from it. */
void trace_fail(struct trace *trace, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The last entries and the failure. */
void trace_print(const struct trace *trace, FILE *to);

#endif /* SIM_TRACE_H */
