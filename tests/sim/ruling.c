// SPDX-License-Identifier: BSD-3-Clause
#include "ruling.h"

#include <inttypes.h>

static void apply(struct ruling *ruling, const struct vballoon_policy *policy)
{
	trace_event(ruling->trace, "policy", policy->pages,
		    policy->withdraw[0] | policy->withdraw[1] << 2 | policy->withdraw[2] << 4);
	if (vballoon_device_set_policy(ruling->device, policy))
		return;
	ruling->policy = *policy;
	ruling->changes++;
}

/* All of @pages in a second, or in some. */
static uint64_t draw_rate(struct rng *rng, uint64_t pages, uint32_t page_shift)
{
	return rng_chance(rng, 60) ? 0 : (pages / rng_between(rng, 1, 8) + 1) << page_shift;
}

void ruling_change(struct ruling *ruling, struct rng *rng, uint64_t pages, uint32_t page_shift)
{
	struct vballoon_policy policy = {
		.pages = rng_chance(rng, 30) ? VBALLOON_PAGES_WARM : VBALLOON_PAGES_EAGER,
		.floor_bytes = (uint64_t)rng_below(rng, (uint32_t)pages + 2) << page_shift,
		.inflate_rate = draw_rate(rng, pages, page_shift),
	};
	bool strict = rng_chance(rng, 30);

	/* What makes no sense is refused, and the old policy stays. */
	for (unsigned int reason = 0; reason < VBALLOON_WITHDRAW_REASONS; reason++)
		policy.withdraw[reason] = rng_between(rng, strict, strict ? 2 : 1);
	apply(ruling, &policy);
}

void ruling_calm_down(struct ruling *ruling, struct rng *rng, uint64_t pages, uint32_t page_shift)
{
	struct vballoon_policy policy = { .inflate_rate = draw_rate(rng, pages, page_shift) };

	apply(ruling, &policy);
}

void ruling_drop(struct ruling *ruling)
{
	trace_event(ruling->trace, "drop now", 0, 0);
	vballoon_device_drop_now(ruling->device);
	ruling->drop_asked = true;
	ruling->drops_asked++;
}

void ruling_begin(struct ruling *ruling)
{
	vballoon_device_status(ruling->device, &ruling->before);
}

/* The most lenient answer that the policy has for any reason. */
static enum vballoon_policy_answer mildest(const struct vballoon_policy *policy)
{
	enum vballoon_policy_answer answer = VBALLOON_POLICY_REFUSE;

	for (unsigned int reason = 0; reason < VBALLOON_WITHDRAW_REASONS; reason++)
		answer = policy->withdraw[reason] < answer ? policy->withdraw[reason] : answer;
	return answer;
}

static void check_returned(struct ruling *ruling, const struct vballoon_status *now)
{
	enum vballoon_policy_answer answer = mildest(&ruling->policy);
	uint64_t bytes = now->held_pages << now->page_shift;

	if (ruling->gives_always || now->returned_pages == ruling->before.returned_pages ||
	    now->hellos != ruling->before.hellos)
		return;
	if (answer == VBALLOON_POLICY_REFUSE)
		trace_fail(ruling->trace, "handed back what the policy refuses");
	else if (answer == VBALLOON_POLICY_FLOOR && bytes < ruling->policy.floor_bytes)
		trace_fail(ruling->trace, "handed back below the floor, down to %" PRIu64, bytes);
}

void ruling_end(struct ruling *ruling, bool work_left)
{
	struct vballoon_status now;
	unsigned int reason;

	vballoon_device_status(ruling->device, &now);
	check_returned(ruling, &now);
	for (reason = 0; reason < VBALLOON_WITHDRAW_REASONS; reason++)
		ruling->refusals +=
			now.withdraws_refused[reason] - ruling->before.withdraws_refused[reason];
	if (!work_left && now.record == VBALLOON_RECORD_PROVEN && !now.violation &&
	    now.queue_running[0] && now.queue_running[1])
		ruling->drop_asked = false;
}

void ruling_check_drop(struct ruling *ruling)
{
	if (ruling->policy.pages == VBALLOON_PAGES_WARM && !ruling->drop_asked)
		trace_fail(ruling->trace, "dropped a warm page");
}
