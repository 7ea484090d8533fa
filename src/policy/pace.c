/* SPDX-License-Identifier: BSD-3-Clause */
#include "policy/pace.h"

/* So many steps a second, unless a unit takes longer. Each interrupts the guest once,
 * and brings a timer's wakeup on the host. */
#define STEPS 10
#define SECOND_MS 1000

/* Pages in a step: at least a unit, or it could never be done. */
static uint64_t step_pages(const struct vballoon_growth *growth)
{
	uint64_t pages = growth->rate / STEPS & ~(growth->unit_pages - 1);

	return pages ? pages : growth->unit_pages;
}

/* How long a step takes. What a step has too much, its time has too. */
static uint64_t step_ms(const struct vballoon_growth *growth)
{
	uint64_t pages = step_pages(growth);

	if (pages > UINT64_MAX / SECOND_MS)
		return SECOND_MS / STEPS;
	return (pages * SECOND_MS + growth->rate - 1) / growth->rate;
}

static bool grows(const struct vballoon_growth *growth)
{
	return growth->rate && growth->target > growth->held;
}

static uint64_t next_size(const struct vballoon_growth *growth)
{
	uint64_t step = step_pages(growth);

	return growth->target - growth->held > step ? growth->held + step : growth->target;
}

void vballoon_pace_begin(struct vballoon_pace *pace, const struct vballoon_growth *growth,
			 uint64_t now_ms)
{
	pace->asked = grows(growth) ? next_size(growth) : growth->target;
	pace->stepped_ms = now_ms;
	pace->seen = growth->held;
}

/* The guest has taken pages back and adds them again: at this pace, too. While it
 * does not, it is not told, as that would end its own waiting. */
static bool is_behind(const struct vballoon_pace *pace, const struct vballoon_growth *growth)
{
	return growth->held > pace->seen && pace->asked > next_size(growth);
}

static bool is_done(const struct vballoon_pace *pace, const struct vballoon_growth *growth)
{
	return growth->held >= pace->asked && pace->asked < growth->target;
}

bool vballoon_pace_go(struct vballoon_pace *pace, const struct vballoon_growth *growth,
		      uint64_t now_ms)
{
	uint64_t asked = pace->asked;

	if (!grows(growth))
		asked = growth->target;
	else if (is_behind(pace, growth) ||
		 (is_done(pace, growth) && now_ms - pace->stepped_ms >= step_ms(growth)))
		asked = next_size(growth);
	pace->seen = growth->held;
	if (asked == pace->asked)
		return false;
	pace->asked = asked;
	pace->stepped_ms = now_ms;
	return true;
}

uint64_t vballoon_pace_due_ms(const struct vballoon_pace *pace,
			      const struct vballoon_growth *growth)
{
	if (!grows(growth) || !is_done(pace, growth))
		return VBALLOON_NEVER;
	return pace->stepped_ms + step_ms(growth);
}
