/* SPDX-License-Identifier: BSD-3-Clause */
/* An entry names what was encoded, and says so when it is not aligned or wraps. */
#include "proof.h"

#include "base/entry.h"

void proof(void)
{
	const struct vballoon_entry_format format = {
		.page_shift = nondet_u32(),
		.unit_shift = nondet_u32(),
		.runs = nondet_bool(),
	};
	const uint64_t wire = nondet_u64();
	struct vballoon_entry entry;

	ASSUME(format.page_shift >= 12 && format.page_shift <= format.unit_shift);
	ASSUME(format.unit_shift <= 30);
	entry = vballoon_entry_decode(&format, wire);
	HOLDS(entry.units >= 1 && entry.units <= vballoon_entry_units_max(&format));
	if (entry.aligned) {
		HOLDS(!(entry.gpa & ((UINT64_C(1) << format.unit_shift) - 1)));
		HOLDS(vballoon_entry_encode(entry.gpa, entry.units) == wire);
		REACHED(format.runs && entry.units == 7);
	}
	if (!entry.wraps)
		HOLDS(entry.units << format.unit_shift <= UINT64_MAX - entry.gpa);
	else
		HOLDS(entry.units << format.unit_shift > UINT64_MAX - entry.gpa);
	REACHED(entry.aligned && entry.wraps);
	REACHED(!entry.aligned);
}
