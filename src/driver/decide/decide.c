// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Decisions are made from counts and deadlines alone, so that the module, the
 * portable driver and the simulator cannot come to different ones.
 */
#include "decide.h"

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* A deadline only ever moves away; RESIZE alone brings it back. */
static void put_off(uint64_t *deadline_ms, uint64_t now_ms, uint64_t delay_ms)
{
	uint64_t until_ms = now_ms + least(delay_ms, VBALLOON_DECIDE_FOREVER - now_ms);

	if (until_ms > *deadline_ms)
		*deadline_ms = until_ms;
}

/* Keeps DRV-REQ-5. */
void vballoon_decide_init(struct vballoon_decide *decide, uint64_t unit_pages)
{
	*decide = (struct vballoon_decide){ .unit_pages = unit_pages };
}

void vballoon_decide_ask_held(struct vballoon_decide *decide)
{
	decide->greeted = false;
}

/* Keeps DRV-HELLO-7. */
bool vballoon_decide_greeted(struct vballoon_decide *decide, uint64_t held)
{
	decide->greeted = held == decide->held;
	return decide->greeted;
}

/* Keeps DRV-HELLO-8. */
void vballoon_decide_start_over(struct vballoon_decide *decide)
{
	decide->greeted = false;
	decide->held = 0;
}

/* Keeps DRV-REQ-6. */
void vballoon_decide_resize(struct vballoon_decide *decide, uint64_t target)
{
	decide->target = target;
	decide->add_after_ms = 0;
	decide->withdraw_after_ms = 0;
}

void vballoon_decide_add_sent(struct vballoon_decide *decide, uint64_t pages)
{
	decide->adding += pages;
}

/* Keeps DRV-ADD-9. */
void vballoon_decide_add_answered(struct vballoon_decide *decide, uint64_t pages, uint64_t accepted,
				  uint64_t now_ms)
{
	decide->adding -= least(pages, decide->adding);
	decide->held += least(accepted, pages);
	if (accepted < pages)
		put_off(&decide->add_after_ms, now_ms, VBALLOON_DECIDE_RETRY_MS);
}

/* Keeps DRV-REQ-9, DRV-ADD-8. */
void vballoon_decide_no_memory(struct vballoon_decide *decide, uint64_t now_ms)
{
	put_off(&decide->add_after_ms, now_ms, VBALLOON_DECIDE_RETRY_MS);
}

void vballoon_decide_withdraw_sent(struct vballoon_decide *decide, uint64_t pages)
{
	decide->withdrawing = pages;
}

/* Keeps DRV-WITHDRAW-5. */
void vballoon_decide_withdraw_answered(struct vballoon_decide *decide, uint64_t returned,
				       unsigned int answer, uint64_t now_ms)
{
	/* Nothing at all is short whatever the room: it must not be asked again at once. */
	bool is_full = (answer & VBALLOON_DECIDE_ANSWER_FULL) && returned != 0;
	bool is_short = returned < decide->withdrawing && !is_full;

	decide->held -= least(returned, decide->held);
	decide->withdrawing = 0;
	if (is_short)
		put_off(&decide->withdraw_after_ms, now_ms, VBALLOON_DECIDE_RETRY_MS);
	if (answer & VBALLOON_DECIDE_FOR_PRESSURE)
		vballoon_decide_pressure(decide, now_ms);
}

void vballoon_decide_taken(struct vballoon_decide *decide, uint64_t pages)
{
	decide->held -= least(pages, decide->held);
}

/* Keeps DRV-WITHDRAW-6. */
void vballoon_decide_pressure(struct vballoon_decide *decide, uint64_t now_ms)
{
	put_off(&decide->add_after_ms, now_ms, VBALLOON_DECIDE_PRESSURE_MS);
}

static struct vballoon_decision idle(uint64_t wait_ms)
{
	return (struct vballoon_decision){ .action = VBALLOON_DECIDE_IDLE, .wait_ms = wait_ms };
}

static struct vballoon_decision act(const struct vballoon_decide *decide,
				    enum vballoon_decide_action action, uint64_t pages,
				    uint64_t after_ms, uint64_t now_ms)
{
	/* Part of a unit can never be moved: to ask for it would ask for ever. */
	pages &= ~(decide->unit_pages - 1);
	if (pages == 0)
		return idle(VBALLOON_DECIDE_FOREVER);
	if (now_ms < after_ms)
		return idle(after_ms - now_ms);
	return (struct vballoon_decision){ .action = action, .pages = pages };
}

/* Keeps DRV-REQ-7, DRV-REQ-8, DRV-HELLO-6, DRV-ADD-7. */
struct vballoon_decision vballoon_decide_next(const struct vballoon_decide *decide, uint64_t now_ms)
{
	uint64_t coming = decide->held + decide->adding;

	/* One WITHDRAW at a time (its buffer is static), and none beside it:
	 * which way to go is only clear once it is answered. */
	if (!decide->greeted || decide->withdrawing != 0)
		return idle(VBALLOON_DECIDE_FOREVER);
	if (decide->target > coming)
		return act(decide, VBALLOON_DECIDE_ADD, decide->target - coming,
			   decide->add_after_ms, now_ms);
	if (decide->target < decide->held)
		return act(decide, VBALLOON_DECIDE_WITHDRAW, decide->held - decide->target,
			   decide->withdraw_after_ms, now_ms);
	return idle(VBALLOON_DECIDE_FOREVER);
}
