/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The page map of one region of guest memory: which of its balloon pages are
 * held, and which of those were dropped. It lies in the caller's memory while the
 * device runs, so that a memory file carries it over the death of the process. A
 * saved state (docs/state-format.md) has what is held in runs.
 *
 * Layout, all integers little-endian words of the size given (in memory: of the
 * host, which on a little-endian host is the same thing):
 *
 *   0   u64  magic          VBALLOON_PAGE_MAP_MAGIC; another byte order reads
 *                           as another magic
 *   8   u32  version        VBALLOON_PAGE_MAP_VERSION
 *   12  u32  page_shift     log2 of the balloon page in bytes
 *   16  u64  gpa            guest physical byte address of page 0
 *   24  u64  pages          balloon pages in the region, not 0
 *   32  u32  host_page_shift  log2 of what the host drops at once
 *   36  u32  0
 *   40  u64  held_pages     set bits of the held words
 *   48  u64  dropped_pages  set bits of the dropped words
 *   56  u64  0
 *   64  u64  held[words]    bit n % 64 of word n / 64: page n is held
 *       u64  dropped[words] likewise: its memory was given back to the host
 *
 * words is pages / 64, rounded up; bits beyond the last page are 0.
 *
 * At rest every dropped page is held, and a host page is dropped as a whole or
 * not at all. Whoever finds a map after a crash reads it so: the held words are
 * the truth; a dropped bit counts only where the page is held, and says that
 * the memory *may* be gone; both counts are to be taken anew from the words
 * (vballoon_page_map_recover()). The order of writing that makes this hold:
 *
 *   add       held bit, then the answer to the guest
 *   drop      dropped bits, then the host drops (on failure: cleared again)
 *   withdraw  host memory back, dropped bits cleared, held bit cleared, then
 *             the answer to the guest
 *
 * A crash can thus leave a page held that the guest has not been told about, or
 * lose one that it was about to get back, which HELLO finds out; it cannot leave
 * one page with two owners.
 */
#ifndef VBALLOON_STATE_PAGE_MAP_H
#define VBALLOON_STATE_PAGE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bitmap.h"

#define VBALLOON_PAGE_MAP_MAGIC UINT64_C(0x70616d6c6c616276) /* "vballmap" */
#define VBALLOON_PAGE_MAP_VERSION 1

/* How a page map begins; see above. */
struct vballoon_page_map_header {
	uint64_t magic;
	uint32_t version;
	uint32_t page_shift;
	uint64_t gpa;
	uint64_t pages;
	uint32_t host_page_shift;
	uint32_t reserved0;
	uint64_t held_pages;
	uint64_t dropped_pages;
	uint64_t reserved1;
};

/* A page map in memory, taken apart. Page numbers count from the region's start. */
struct vballoon_page_map {
	struct vballoon_page_map_header *header;
	uint64_t *held;
	uint64_t *dropped;
};

/* Bytes that the map of @pages pages takes; 0 when there are none or too many. */
size_t vballoon_page_map_size(uint64_t pages);

/* Make an empty map in @memory, aligned to 8, of vballoon_page_map_size(@pages)
 * bytes. */
void vballoon_page_map_init(void *memory, uint64_t gpa, uint64_t pages, uint32_t page_shift,
			    uint32_t host_page_shift);

/* Take apart the map in @memory, which was initialised or recovered. */
struct vballoon_page_map vballoon_page_map_open(void *memory);

/* Make sound what a crash left in @memory. Returns 0; -EINVAL when the @bytes
 * there are not the map of that region. */
int vballoon_page_map_recover(void *memory, size_t bytes, uint64_t gpa, uint64_t pages,
			      uint32_t page_shift, uint32_t host_page_shift);

/* Pages that the host drops at once; at least 1. */
uint64_t vballoon_page_map_host_pages(const struct vballoon_page_map *map);

/* Put pages on the record. Returns how many were not held before. */
uint64_t vballoon_page_map_hold(const struct vballoon_page_map *map, uint64_t first,
				uint64_t count);

/* Take pages off the record, all of them held, none of them dropped; what is not held is not
 * counted, so that the count stays that of the set bits whatever happens. */
void vballoon_page_map_release(const struct vballoon_page_map *map, uint64_t first, uint64_t count);

/* Mark whole host pages, wholly held, as dropped. */
void vballoon_page_map_drop(const struct vballoon_page_map *map, uint64_t first, uint64_t count);

/* Mark every host page that the range touches as backed by memory again. */
void vballoon_page_map_undrop(const struct vballoon_page_map *map, uint64_t first, uint64_t count);

/* Forget everything about a range: neither held nor dropped. */
void vballoon_page_map_clear(const struct vballoon_page_map *map, uint64_t first, uint64_t count);

/* Held pages, as bits to search. */
static inline struct vballoon_bits vballoon_page_map_held(const struct vballoon_page_map *map)
{
	return (struct vballoon_bits){ .set = map->held };
}

/* Held pages that are not dropped. */
static inline struct vballoon_bits vballoon_page_map_loose(const struct vballoon_page_map *map)
{
	return (struct vballoon_bits){ .set = map->held, .except = map->dropped };
}

/* Dropped pages. */
static inline struct vballoon_bits vballoon_page_map_dropped(const struct vballoon_page_map *map)
{
	return (struct vballoon_bits){ .set = map->dropped };
}

#endif /* VBALLOON_STATE_PAGE_MAP_H */
