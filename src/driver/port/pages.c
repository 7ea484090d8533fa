/* SPDX-License-Identifier: BSD-3-Clause */
#include "driver/port/pages.h"

#include <errno.h>
#include <string.h>

#include "base/bitmap.h"
#include "base/checked.h"

/* Units of one range, by their number in it. */
struct piece {
	unsigned int range;
	uint64_t first;
	uint64_t count;
};

size_t vballoon_guest_bitmap_bytes(struct vballoon_bytes size, uint32_t unit_shift)
{
	return (size_t)vballoon_bitmap_words(size.value >> unit_shift) * sizeof(uint64_t);
}

static uint64_t range_units(const struct vballoon_guest_pages *pages, unsigned int range)
{
	return pages->ranges[range].size.value >> pages->unit_shift;
}

uint64_t vballoon_guest_pages_units(const struct vballoon_guest_pages *pages)
{
	uint64_t units = 0;

	for (unsigned int i = 0; i < pages->range_count; i++)
		units += range_units(pages, i);
	return units;
}

static bool is_range(const struct vballoon_guest_range *range, uint32_t unit_shift)
{
	uint64_t end;

	return range->held && range->size.value &&
	       vballoon_is_aligned(range->gpa.value, unit_shift) &&
	       vballoon_is_aligned(range->size.value, unit_shift) &&
	       vballoon_add(range->gpa.value, range->size.value, &end);
}

int vballoon_guest_ranges_clear(const struct vballoon_guest_range *ranges, unsigned int range_count,
				uint32_t unit_shift)
{
	for (unsigned int i = 0; i < range_count; i++) {
		if (!is_range(&ranges[i], unit_shift))
			return -EINVAL;
		memset(ranges[i].held, 0, vballoon_guest_bitmap_bytes(ranges[i].size, unit_shift));
	}
	return 0;
}

int vballoon_guest_pages_init(struct vballoon_guest_pages *pages,
			      const struct vballoon_guest_range *ranges, unsigned int range_count,
			      uint32_t unit_shift)
{
	*pages = (struct vballoon_guest_pages){
		.ranges = ranges,
		.range_count = range_count,
		.unit_shift = unit_shift,
		.kept_range = range_count,
	};
	return vballoon_guest_ranges_clear(ranges, range_count, unit_shift);
}

/* Cut the first piece off units at *@gpa, which do not wrap. False: there are none left, or no
 * range has them. */
static bool next_piece(const struct vballoon_guest_pages *pages, uint64_t *gpa, uint64_t *units,
		       struct piece *piece)
{
	if (!*units)
		return false;
	for (unsigned int i = 0; i < pages->range_count; i++) {
		uint64_t offset = *gpa - pages->ranges[i].gpa.value;
		uint64_t left;

		if (*gpa < pages->ranges[i].gpa.value || offset >= pages->ranges[i].size.value)
			continue;
		*piece = (struct piece){ i, offset >> pages->unit_shift, *units };
		left = range_units(pages, i) - piece->first;
		if (piece->count > left)
			piece->count = left;
		*gpa += piece->count << pages->unit_shift;
		*units -= piece->count;
		return true;
	}
	return false;
}

static bool is_below_cursor(const struct vballoon_guest_pages *pages, const struct piece *piece)
{
	return piece->range < pages->kept_range ||
	       (piece->range == pages->kept_range &&
		piece->first + piece->count <= pages->kept_unit);
}

bool vballoon_guest_pages_are_free(const struct vballoon_guest_pages *pages, uint64_t gpa,
				   uint64_t units)
{
	struct piece piece;

	while (next_piece(pages, &gpa, &units, &piece)) {
		const struct vballoon_bits held = { .set = pages->ranges[piece.range].held };
		uint64_t end = piece.first + piece.count;

		if (vballoon_bits_next(held, piece.first, end) != end)
			return false;
	}
	return !units;
}

bool vballoon_guest_pages_are_held(const struct vballoon_guest_pages *pages, uint64_t gpa,
				   uint64_t units)
{
	struct piece piece;

	while (next_piece(pages, &gpa, &units, &piece)) {
		if (!is_below_cursor(pages, &piece) ||
		    !vballoon_bitmap_all(pages->ranges[piece.range].held, piece.first, piece.count))
			return false;
	}
	return !units;
}

void vballoon_guest_pages_hold(struct vballoon_guest_pages *pages, uint64_t gpa, uint64_t units)
{
	struct piece piece;

	while (next_piece(pages, &gpa, &units, &piece))
		vballoon_bitmap_set(pages->ranges[piece.range].held, piece.first, piece.count);
}

bool vballoon_guest_pages_take(struct vballoon_guest_pages *pages, uint64_t gpa, uint64_t units)
{
	struct piece piece;

	if (!vballoon_guest_pages_are_held(pages, gpa, units))
		return false;
	while (next_piece(pages, &gpa, &units, &piece))
		vballoon_bitmap_clear(pages->ranges[piece.range].held, piece.first, piece.count);
	return true;
}

void vballoon_guest_pages_keep_all(struct vballoon_guest_pages *pages)
{
	pages->kept_range = 0;
	pages->kept_unit = 0;
}

uint64_t vballoon_guest_pages_next_kept(struct vballoon_guest_pages *pages, uint64_t most,
					uint64_t *gpa_out)
{
	for (; pages->kept_range < pages->range_count; pages->kept_range++, pages->kept_unit = 0) {
		const struct vballoon_guest_range *range = &pages->ranges[pages->kept_range];
		const struct vballoon_bits bits = { .set = range->held };
		uint64_t end = range_units(pages, pages->kept_range);
		uint64_t first = vballoon_bits_next(bits, pages->kept_unit, end);
		uint64_t units;

		if (first == end)
			continue;
		if (most > end - first)
			most = end - first;
		units = vballoon_bits_next_missing(bits, first, first + most) - first;
		vballoon_bitmap_clear(range->held, first, units);
		pages->kept_unit = first + units;
		*gpa_out = range->gpa.value + (first << pages->unit_shift);
		return units;
	}
	return 0;
}
