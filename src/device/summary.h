/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Hints on where in a region's page map it is worth looking.
 *
 * A region is cut into at most VBALLOON_SUMMARY_CHUNKS chunks, and for each way
 * of looking there is one bit a chunk: clear means that there is nothing to be
 * found, set that there may be. An ADD sets the bits of the chunks it touches, and
 * who looked through a chunk in vain clears one, though it may have taken several runs of
 * the device. So the cost of all looking in vain is paid for by what was added, however
 * large the guest is.
 *
 * Derived, never saved: after the page maps were filled from elsewhere, all bits
 * are set.
 */
#ifndef VBALLOON_DEVICE_SUMMARY_H
#define VBALLOON_DEVICE_SUMMARY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bitmap.h"

#define VBALLOON_SUMMARY_CHUNKS 1024
#define VBALLOON_SUMMARY_WORDS (VBALLOON_SUMMARY_CHUNKS / VBALLOON_BITMAP_WORD_BITS)

/* Ways of looking. The first seven are the order in which a withdraw looks; a block is
 * what is worth keeping whole, see search.h. */
enum vballoon_hint {
	VBALLOON_HINT_LOOSE_BROKEN, /* held, not dropped, in a block that is not wholly held */
	VBALLOON_HINT_LOOSE_LARGE, /* held, not dropped, whole blocks */
	VBALLOON_HINT_LOOSE, /* held, not dropped */
	VBALLOON_HINT_HELD_LARGE, /* held, whole blocks */
	VBALLOON_HINT_HELD_LONG, /* held, long runs in a block that is not wholly held */
	VBALLOON_HINT_HELD_BROKEN, /* held, in a block that is not wholly held */
	VBALLOON_HINT_HELD, /* held */
	VBALLOON_HINT_PENDING, /* to be looked through for something to drop */
	VBALLOON_HINT_LINGERING, /* likewise, when no neighbours are waited for any more */
	VBALLOON_HINT_COUNT,
};

struct vballoon_summary {
	uint64_t pages; /* in the region */
	uint32_t chunk_shift; /* log2 of pages in a chunk; the last chunk may be shorter */
	uint32_t chunks;
	uint64_t changes; /* how often pages were added or taken away */
	uint64_t hints[VBALLOON_HINT_COUNT][VBALLOON_SUMMARY_WORDS];
};

/* A region of @pages pages without a hint. No chunk ends inside a host page of
 * @host_pages pages, a power of two; those that are large come many to a chunk, if that
 * is no more than a chunk of a TiB has. */
void vballoon_summary_init(struct vballoon_summary *summary, uint64_t pages, uint32_t page_shift,
			   uint64_t host_pages);

/* Pages were added: all hints for where they lie. */
void vballoon_summary_added(struct vballoon_summary *summary, uint64_t first, uint64_t count);

/* Pages were taken away: what is left of their blocks is broken. */
void vballoon_summary_removed(struct vballoon_summary *summary, uint64_t first, uint64_t count);

/* Give one hint for the chunks of some pages. */
void vballoon_summary_hint(struct vballoon_summary *summary, enum vballoon_hint hint,
			   uint64_t first, uint64_t count);

/* Hint @to wherever @from is hinted. */
void vballoon_summary_copy(struct vballoon_summary *summary, enum vballoon_hint from,
			   enum vballoon_hint to);

/* Nothing was found in the chunk that holds @page. */
void vballoon_summary_clear(struct vballoon_summary *summary, enum vballoon_hint hint,
			    uint64_t page);

/* A hint is nowhere any more. */
void vballoon_summary_forget(struct vballoon_summary *summary, enum vballoon_hint hint);

/* No hint is left. */
void vballoon_summary_clear_all(struct vballoon_summary *summary);

/* Find the first hinted chunk that does not end before @from. False: there is
 * none. Otherwise it begins at chunk_out->first. */
bool vballoon_summary_next(const struct vballoon_summary *summary, enum vballoon_hint hint,
			   uint64_t from, struct vballoon_run *chunk_out);

#endif /* VBALLOON_DEVICE_SUMMARY_H */
