/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A saved state from inside: written into and read out of the caller's memory. Layout:
 * docs/state-format.md.
 *
 * What is held counts in pages from the first one of the guest's memory on, over all of
 * its extents as if they were one: that is a page's *index* here.
 */
#ifndef VBALLOON_STATE_SAVED_H
#define VBALLOON_STATE_SAVED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bitmap.h"
#include "state/record.h"
#include <vballoon/saved.h>

#define VBALLOON_SAVED_MAGIC UINT64_C(0x7661736c6c616276) /* "vballsav" */
#define VBALLOON_SAVED_VERSION 1

/* The most that a device may keep of its own, a multiple of 8. */
#define VBALLOON_SAVED_OWN_MAX 4096

/* A stretch of guest memory; no two of them touch. */
struct vballoon_saved_extent {
	uint64_t gpa;
	uint64_t pages;
};

/* Writes as far as there is room, and counts on. */
struct vballoon_saved_writer {
	uint8_t *to; /* may be NULL, with no room */
	size_t room;
	size_t len; /* of all that was to be written */
	uint64_t end; /* index behind the last run that was written */
	struct vballoon_run run; /* not written yet: it may go on */
};

/* Begin. @own_bytes is a multiple of 8, at most VBALLOON_SAVED_OWN_MAX. Followed by all
 * extents, in order of address, all runs, in order of index, and the end. */
void vballoon_saved_begin(struct vballoon_saved_writer *writer, void *to, size_t room,
			  uint32_t device_id, const struct vballoon_record_state *record,
			  const void *own, uint32_t own_bytes);
void vballoon_saved_put_extent(struct vballoon_saved_writer *writer,
			       const struct vballoon_saved_extent *extent);

/* Runs that touch are one. */
void vballoon_saved_put_run(struct vballoon_saved_writer *writer, uint64_t index, uint64_t pages);

/* Returns how long the state is; it is whole when there was room for so much. */
size_t vballoon_saved_end(struct vballoon_saved_writer *writer, uint32_t extents, uint64_t held);

/* One that was read, and is sound in itself. Points into it. */
struct vballoon_saved {
	uint32_t device_id;
	uint32_t extents;
	uint64_t held;
	uint64_t memory_pages;
	struct vballoon_record_state record;
	const uint8_t *own;
	uint32_t own_bytes;
	const uint8_t *extents_at;
	const uint8_t *runs_at, *runs_end;
};

/* Read one that nobody vouches for. */
enum vballoon_saved_fault vballoon_saved_open(const void *state, size_t len,
					      struct vballoon_saved *saved_out);

/* Of whose device it is. */
struct vballoon_feature_set vballoon_saved_features(const struct vballoon_saved *saved);

struct vballoon_saved_extent vballoon_saved_extent_at(const struct vballoon_saved *saved,
						      uint32_t index);

/* Where in the runs one is; begins as zeros. */
struct vballoon_saved_cursor {
	size_t offset;
	uint64_t end; /* index behind the last run */
};

/* The next run of held pages, first and count by index. False: there is none. */
bool vballoon_saved_next_run(const struct vballoon_saved *saved,
			     struct vballoon_saved_cursor *cursor, struct vballoon_run *run_out);

/* Little-endian words of a device's own part. */
void vballoon_saved_store32(uint8_t *to, uint32_t value);
void vballoon_saved_store64(uint8_t *to, uint64_t value);
uint32_t vballoon_saved_load32(const uint8_t *from);
uint64_t vballoon_saved_load64(const uint8_t *from);

#endif /* VBALLOON_STATE_SAVED_H */
