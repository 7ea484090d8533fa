/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Looking for held pages to hand back.
 *
 * A *block* is what is worth being kept whole: a page of the host, but at least 2 MiB
 * where the host's pages are smaller, as that is what it can make a transparent huge
 * page of, and what a guest can.
 */
#ifndef VBALLOON_DEVICE_SEARCH_H
#define VBALLOON_DEVICE_SEARCH_H

#include <stdbool.h>
#include <stdint.h>

#include "device/summary.h"

struct vballoon_device;

/* One look through guest memory, in order of address. */
struct vballoon_search {
	enum vballoon_hint hint; /* HINT_LOOSE_BROKEN to HINT_HELD: what to look for */
	unsigned int region;
	uint64_t page; /* in that region */
	uint64_t since; /* page: from there on nothing was found */
	uint64_t changes; /* of the region's summary, when that began */
};

/* log2 of a block's bytes where the host's pages are smaller. */
#define VBALLOON_SEARCH_BLOCK_SHIFT 21

/* Pages of a run that is worth an entry, where there is no whole block. */
#define VBALLOON_SEARCH_LONG_PAGES 64

/* So many pages that are looked through count as a word of the page map that an entry names: a word
 * takes up to eight times as long, where no two neighbours are alike. */
#define VBALLOON_SEARCH_STEP_PAGES (VBALLOON_BITMAP_WORD_BITS / 8)

/* Find the next run of whole units, at most @most pages of them (at least a
 * unit), and go on behind it. False: there is none, or work.steps_left is 0 and it is to be
 * called again. A run of whole blocks is not cut within a block. Beside a run that is found no more is
 * looked through than work.steps_left allows, and a block. */
bool vballoon_search_next(struct vballoon_device *device, struct vballoon_search *search,
			  uint64_t most, uint64_t *gpa_out, uint64_t *pages_out);

/* Go on with the next region. */
void vballoon_search_skip_region(struct vballoon_search *search);

#endif /* VBALLOON_DEVICE_SEARCH_H */
