/* SPDX-License-Identifier: BSD-3-Clause */
/* Arithmetic on a peer's numbers tells when it wraps, and rounds to what is next. */
#include "proof.h"

#include "base/checked.h"

void proof(void)
{
	const uint64_t a = nondet_u64(), b = nondet_u64();
	const uint32_t shift = nondet_u32();
	uint64_t sum, up, down;

	if (vballoon_add(a, b, &sum)) {
		HOLDS(sum >= a && sum - a == b);
		REACHED(sum == UINT64_MAX);
	} else {
		HOLDS(b > UINT64_MAX - a);
		REACHED(a == 1);
	}
	ASSUME(shift < 63 && a <= UINT64_MAX - (UINT64_C(1) << shift));
	up = vballoon_align_up(a, shift);
	down = vballoon_align_down(a, shift);
	HOLDS(vballoon_is_aligned(up, shift) && up >= a && up - a < UINT64_C(1) << shift);
	HOLDS(vballoon_is_aligned(down, shift) && down <= a && a - down < UINT64_C(1) << shift);
	HOLDS((up == down) == vballoon_is_aligned(a, shift));
	REACHED(up > a && shift == 30);
}
