/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which units are in the balloon: a bit each, in bitmaps of the caller's.
 *
 * Some of them may not be on the device's record (any more): those from a cursor on
 * are *kept*, out of the guest's hands and nowhere else, to be added again or
 * returned. Nothing new is added while any is kept, so that everything below the cursor is
 * on the record, and one bit says it all.
 */
#ifndef VBALLOON_DRIVER_PORT_PAGES_H
#define VBALLOON_DRIVER_PORT_PAGES_H

#include <stdbool.h>
#include <stdint.h>

#include <vballoon/guest.h>

struct vballoon_guest_pages {
	const struct vballoon_guest_range *ranges;
	unsigned int range_count;
	uint32_t unit_shift;
	unsigned int kept_range; /* the cursor; range_count: nothing is kept */
	uint64_t kept_unit;
};

/* Clear the bitmaps of ranges: 0, or -EINVAL for one that is none. */
int vballoon_guest_ranges_clear(const struct vballoon_guest_range *ranges, unsigned int range_count,
				uint32_t unit_shift);

/* Begin with nothing in the balloon: 0, or -EINVAL for a range that is none. */
int vballoon_guest_pages_init(struct vballoon_guest_pages *pages,
			      const struct vballoon_guest_range *ranges, unsigned int range_count,
			      uint32_t unit_shift);

/* Whether units that are not in the balloon lie at @gpa. */
bool vballoon_guest_pages_are_free(const struct vballoon_guest_pages *pages, uint64_t gpa,
				   uint64_t units);

/* Whether all units at @gpa are on the record. */
bool vballoon_guest_pages_are_held(const struct vballoon_guest_pages *pages, uint64_t gpa,
				   uint64_t units);

/* Units in all ranges. */
uint64_t vballoon_guest_pages_units(const struct vballoon_guest_pages *pages);

/* Put units on the record. They lie in the ranges. */
void vballoon_guest_pages_hold(struct vballoon_guest_pages *pages, uint64_t gpa, uint64_t units);

/* Take units off the record. False, and nothing is changed: not all of them are on it. */
bool vballoon_guest_pages_take(struct vballoon_guest_pages *pages, uint64_t gpa, uint64_t units);

/* The record is empty: everything is kept. */
void vballoon_guest_pages_keep_all(struct vballoon_guest_pages *pages);

/* Take the next kept units, at most @most in a row: how many; 0 when none is left. */
uint64_t vballoon_guest_pages_next_kept(struct vballoon_guest_pages *pages, uint64_t most,
					uint64_t *gpa_out);

/* Whether units may be kept. */
static inline bool vballoon_guest_pages_any_kept(const struct vballoon_guest_pages *pages)
{
	return pages->kept_range < pages->range_count;
}

#endif /* VBALLOON_DRIVER_PORT_PAGES_H */
