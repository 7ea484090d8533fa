// SPDX-License-Identifier: BSD-3-Clause
#include "trace.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#define FNV_BASIS UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x100000001b3)

static void print_entry(const struct trace_entry *entry, FILE *to)
{
	fprintf(to, "  %6" PRIu64 "  %-28s %#" PRIx64 " %#" PRIx64 "\n", entry->step, entry->what,
		entry->a, entry->b);
}

void trace_begin(struct trace *trace, bool echo)
{
	memset(trace, 0, sizeof(*trace));
	trace->hash = FNV_BASIS;
	trace->echo = echo;
}

void trace_event(struct trace *trace, const char *what, uint64_t a, uint64_t b)
{
	struct trace_entry *entry = &trace->last[trace->count++ % TRACE_LAST];

	*entry = (struct trace_entry){ trace->step, what, a, b };
	/* The name's text, not its address, which differs from run to run. */
	for (const char *c = what; *c; c++)
		trace->hash = (trace->hash ^ (unsigned char)*c) * FNV_PRIME;
	trace->hash = (trace->hash ^ trace->step) * FNV_PRIME;
	trace->hash = (trace->hash ^ a) * FNV_PRIME;
	trace->hash = (trace->hash ^ b) * FNV_PRIME;
	if (trace->echo)
		print_entry(entry, stdout);
}

void trace_fail(struct trace *trace, const char *format, ...)
{
	va_list arguments;

	if (trace->failed)
		return;
	trace->failed = true;
	va_start(arguments, format);
	vsnprintf(trace->failure, sizeof(trace->failure), format, arguments);
	va_end(arguments);
	trace_event(trace, "FAILED", 0, 0);
}

void trace_print(const struct trace *trace, FILE *to)
{
	uint64_t first = trace->count > TRACE_LAST ? trace->count - TRACE_LAST : 0;

	for (uint64_t i = first; i < trace->count; i++)
		print_entry(&trace->last[i % TRACE_LAST], to);
	fprintf(to, "step %" PRIu64 ": %s\n", trace->step, trace->failure);
}
