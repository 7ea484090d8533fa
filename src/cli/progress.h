/* SPDX-License-Identifier: BSD-3-Clause */
/* How far something is: a bar drawn over itself on a terminal, a line now and then
 * elsewhere; on standard error. */
#ifndef VBALLOON_CLI_PROGRESS_H
#define VBALLOON_CLI_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vballoon_progress {
	bool quiet; /* say nothing at all */
	bool on_terminal;
	bool drawn;
	uint64_t due_ms; /* when there is something to be said next */
	uint64_t first; /* where it began, in bytes */
	const char *of_what; /* "are in the balloon" and the like, for a line */
};

/* Begin at @first bytes. Away from a terminal a line reads "1 GiB of 2 GiB @of_what". */
void vballoon_progress_begin(struct vballoon_progress *progress, uint64_t now_ms, uint64_t first,
			     const char *of_what);

/* It is at @now_bytes of @target_bytes. */
void vballoon_progress_show(struct vballoon_progress *progress, uint64_t now_ms, uint64_t now_bytes,
			    uint64_t target_bytes);

/* Take the bar away, so that something else can be said. */
void vballoon_progress_end(struct vballoon_progress *progress);

/* Write a bar of @width columns in all, @part of @whole, into @text, which has
 * @width + 1 bytes. Returns @text. */
char *vballoon_progress_bar(char *text, size_t width, uint64_t part, uint64_t whole);

#endif /* VBALLOON_CLI_PROGRESS_H */
