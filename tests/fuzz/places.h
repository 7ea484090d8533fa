/* SPDX-License-Identifier: BSD-3-Clause */
/* The memory of a fuzzed guest: some in small host pages, some in large ones. */
#ifndef VBALLOON_FUZZ_PLACES_H
#define VBALLOON_FUZZ_PLACES_H

#include <stdint.h>

#include "device_bed.h"

#define PAGE UINT64_C(4096)
#define SMALL_AT GIB
#define SMALL_PAGES 256U
#define LARGE_AT (4 * GIB)
#define LARGE_PAGES 2048U /* in host pages of 2 MiB */
#define PAGES (SMALL_PAGES + LARGE_PAGES)

static inline void places_add(struct bed *bed)
{
	bed_add_memory(bed, SMALL_AT, SMALL_PAGES * PAGE, 12);
	bed_add_memory(bed, LARGE_AT, LARGE_PAGES * PAGE, 21);
}

/* The number of a page; PAGES: it is none. */
static inline unsigned int page_of(uint64_t gpa)
{
	if (gpa >= SMALL_AT && gpa - SMALL_AT < SMALL_PAGES * PAGE)
		return (unsigned int)((gpa - SMALL_AT) / PAGE);
	if (gpa >= LARGE_AT && gpa - LARGE_AT < LARGE_PAGES * PAGE)
		return SMALL_PAGES + (unsigned int)((gpa - LARGE_AT) / PAGE);
	return PAGES;
}

#endif /* VBALLOON_FUZZ_PLACES_H */
