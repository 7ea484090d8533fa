/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An entry of ADD and WITHDRAW: one aligned unit, or with F_PAGE_RUNS a run of
 * them (DEV-RUNS-1): the low page_shift bits, which the address of a unit leaves
 * zero, then hold the number of units less one.
 */
#ifndef VBALLOON_BASE_ENTRY_H
#define VBALLOON_BASE_ENTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/checked.h"

/* How the two sides agreed to write entries. */
struct vballoon_entry_format {
	uint32_t page_shift;
	uint32_t unit_shift; /* at least page_shift, at most 30 */
	bool runs; /* F_PAGE_RUNS */
};

/* What an entry names: @units units from byte address @gpa on. */
struct vballoon_entry {
	uint64_t gpa;
	uint64_t units;
	bool aligned; /* @gpa is the address of a unit */
	bool wraps; /* the run does not end below 2^64 */
};

/* Units that one entry can name. */
static inline uint64_t vballoon_entry_units_max(const struct vballoon_entry_format *format)
{
	return format->runs ? UINT64_C(1) << format->page_shift : 1;
}

/* Keeps DEV-RUNS-1, DEV-RUNS-2, DEV-RUNS-3. */
static inline struct vballoon_entry
vballoon_entry_decode(const struct vballoon_entry_format *format, uint64_t wire)
{
	uint64_t low = wire & ((UINT64_C(1) << format->page_shift) - 1);
	struct vballoon_entry entry = { .gpa = wire, .units = 1 };
	uint64_t end;

	if (format->runs) {
		entry.gpa -= low;
		entry.units += low;
	}
	entry.aligned = vballoon_is_aligned(entry.gpa, format->unit_shift);
	entry.wraps = !vballoon_add(entry.gpa, entry.units << format->unit_shift, &end);
	return entry;
}

/* The entry for 1 to vballoon_entry_units_max() units from @gpa on. */
static inline uint64_t vballoon_entry_encode(uint64_t gpa, uint64_t units)
{
	return gpa | (units - 1);
}

#endif /* VBALLOON_BASE_ENTRY_H */
