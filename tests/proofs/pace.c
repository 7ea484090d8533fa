/* SPDX-License-Identifier: BSD-3-Clause */
/* However fast a balloon may grow: it is never asked to be more than its target, and what it is
 * asked for beyond what it has is one step. */
#include "proof.h"

#include "policy/pace.c"

void proof(void)
{
	const struct vballoon_growth growth = {
		.target = nondet_u64(),
		.held = nondet_u64(),
		.rate = nondet_u64(),
		.unit_pages = UINT64_C(1) << nondet_u8() % 19,
	};
	const uint64_t now_ms = nondet_u64();
	struct vballoon_pace pace = { nondet_u64(), nondet_u64(), nondet_u64() };

	ASSUME(growth.target <= UINT64_C(1) << 52 && growth.held <= UINT64_C(1) << 52);
	vballoon_pace_begin(&pace, &growth, now_ms);
	HOLDS(pace.asked <= growth.target);
	if (growth.rate && growth.target > growth.held) {
		HOLDS(pace.asked > growth.held);
		HOLDS(pace.asked - growth.held <= step_pages(&growth));
		REACHED(pace.asked < growth.target);
	} else {
		HOLDS(pace.asked == growth.target);
	}
	/* Whatever the guest was asked for before. */
	pace = (struct vballoon_pace){ nondet_u64(), nondet_u64(), nondet_u64() };
	if (vballoon_pace_go(&pace, &growth, now_ms)) {
		HOLDS(pace.asked <= growth.target && pace.stepped_ms == now_ms);
		HOLDS(pace.asked == growth.target ||
		      pace.asked - growth.held == step_pages(&growth));
		REACHED(pace.asked < growth.target && growth.rate < 10);
	}
	HOLDS(pace.seen == growth.held);
}
