/* SPDX-License-Identifier: BSD-3-Clause */
/* A driver never gives more than was asked for, nor asks back more than is too much, and counts
 * what is in the balloon without ever going below nothing. */
#include "proof.h"

#include "driver/decide/decide.c"

#define PAGES_MAX (UINT64_C(1) << 52)

void proof(void)
{
	struct vballoon_decide decide = {
		.unit_pages = UINT64_C(1) << nondet_u8() % 19,
		.target = nondet_u64(),
		.held = nondet_u64(),
		.adding = nondet_u64(),
		.withdrawing = nondet_u64(),
		.add_after_ms = nondet_u64(),
		.withdraw_after_ms = nondet_u64(),
		.greeted = nondet_bool(),
	};
	const uint64_t now_ms = nondet_u64(), pages = nondet_u64(), accepted = nondet_u64();
	const struct vballoon_decide before = decide;
	struct vballoon_decision decision;

	ASSUME(decide.held <= PAGES_MAX && decide.adding <= PAGES_MAX && pages <= PAGES_MAX);
	decision = vballoon_decide_next(&decide, now_ms);
	if (decision.action == VBALLOON_DECIDE_ADD) {
		HOLDS(decide.greeted && !decide.withdrawing && now_ms >= decide.add_after_ms);
		HOLDS(decide.held + decide.adding + decision.pages <= decide.target);
		REACHED(decide.adding && decision.pages > 1);
	} else if (decision.action == VBALLOON_DECIDE_WITHDRAW) {
		HOLDS(decide.held - decision.pages >= decide.target);
		HOLDS(decision.pages <= decide.held);
		REACHED(decide.adding);
	} else {
		HOLDS(decision.wait_ms > 0);
		REACHED(decision.wait_ms == 1);
	}
	if (decision.action != VBALLOON_DECIDE_IDLE)
		HOLDS(decision.pages && !(decision.pages & (decide.unit_pages - 1)));
	vballoon_decide_add_answered(&decide, pages, accepted, now_ms);
	HOLDS(decide.held >= before.held && decide.held - before.held <= pages);
	HOLDS(decide.adding <= before.adding);
	HOLDS(decide.add_after_ms >= before.add_after_ms);
	vballoon_decide_withdraw_answered(&decide, pages, nondet_u8() & 3, now_ms);
	HOLDS(decide.held <= before.held + pages && !decide.withdrawing);
}
