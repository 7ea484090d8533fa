/* SPDX-License-Identifier: BSD-3-Clause */
#include "policy/policy.h"

static const char *const pages_names[VBALLOON_PAGES_COUNT] = {
	[VBALLOON_PAGES_EAGER] = "eager",
	[VBALLOON_PAGES_WARM] = "warm",
};

static const char *const answer_names[VBALLOON_POLICY_ANSWERS] = {
	[VBALLOON_POLICY_GRANT] = "grant",
	[VBALLOON_POLICY_FLOOR] = "floor",
	[VBALLOON_POLICY_REFUSE] = "refuse",
};

static const char *const reason_names[VBALLOON_WITHDRAW_REASONS] = {
	[VBALLOON_WITHDRAW_TARGET] = "target",
	[VBALLOON_WITHDRAW_PRESSURE] = "pressure",
	[VBALLOON_WITHDRAW_OOM] = "oom",
};

static const char *const fault_texts[VBALLOON_POLICY_FAULTS] = {
	[VBALLOON_POLICY_SOUND] = "nothing is wrong with the policy",
	[VBALLOON_POLICY_UNKNOWN_VALUE] = "the policy has a value that is not known",
	[VBALLOON_POLICY_NO_FLOOR] = "an answer goes down to a floor, but there is none: give "
				     "floor a size, or say grant",
	[VBALLOON_POLICY_OOM_STRICTER] =
		"a guest that is out of memory would get less than one under pressure: answer "
		"withdraw-oom no more strictly than withdraw-pressure",
	[VBALLOON_POLICY_SLOW] = "inflate-rate is less than a balloon page a second: give more, or "
				 "0 for no limit",
	[VBALLOON_POLICY_FLOOR_HIGH] = "the floor is above the guest's memory, so nothing would "
				       "ever be handed back: give a smaller floor, or say refuse",
};

/* A name out of a table, or NULL. */
static const char *name_of(const char *const *names, unsigned int count, unsigned int value)
{
	return value < count ? names[value] : NULL;
}

const char *vballoon_policy_pages_name(enum vballoon_policy_pages pages)
{
	return name_of(pages_names, VBALLOON_PAGES_COUNT, pages);
}

const char *vballoon_policy_answer_name(enum vballoon_policy_answer answer)
{
	return name_of(answer_names, VBALLOON_POLICY_ANSWERS, answer);
}

const char *vballoon_withdraw_reason_name(enum vballoon_withdraw_reason reason)
{
	return name_of(reason_names, VBALLOON_WITHDRAW_REASONS, reason);
}

const char *vballoon_policy_fault_text(enum vballoon_policy_fault fault)
{
	return fault_texts[(unsigned int)fault < VBALLOON_POLICY_FAULTS
				   ? fault
				   : VBALLOON_POLICY_UNKNOWN_VALUE];
}

static bool is_known(const struct vballoon_policy *policy)
{
	if ((unsigned int)policy->pages >= VBALLOON_PAGES_COUNT)
		return false;
	for (unsigned int i = 0; i < VBALLOON_WITHDRAW_REASONS; i++) {
		if ((unsigned int)policy->withdraw[i] >= VBALLOON_POLICY_ANSWERS)
			return false;
	}
	return true;
}

static bool uses_floor(const struct vballoon_policy *policy)
{
	for (unsigned int i = 0; i < VBALLOON_WITHDRAW_REASONS; i++) {
		if (policy->withdraw[i] == VBALLOON_POLICY_FLOOR)
			return true;
	}
	return false;
}

/* A guest comes under pressure before it is out of memory: what it was given then
 * cannot be refused any more. The answers are in the order of their strictness. */
static bool is_oom_stricter(const struct vballoon_policy *policy)
{
	return policy->withdraw[VBALLOON_WITHDRAW_OOM] >
	       policy->withdraw[VBALLOON_WITHDRAW_PRESSURE];
}

enum vballoon_policy_fault vballoon_policy_check(const struct vballoon_policy *policy,
						 uint32_t page_shift, uint64_t memory_bytes)
{
	if (!is_known(policy))
		return VBALLOON_POLICY_UNKNOWN_VALUE;
	if (uses_floor(policy) && !policy->floor_bytes)
		return VBALLOON_POLICY_NO_FLOOR;
	if (is_oom_stricter(policy))
		return VBALLOON_POLICY_OOM_STRICTER;
	if (policy->inflate_rate && !(policy->inflate_rate >> page_shift))
		return VBALLOON_POLICY_SLOW;
	if (memory_bytes && policy->floor_bytes > memory_bytes)
		return VBALLOON_POLICY_FLOOR_HIGH;
	return VBALLOON_POLICY_SOUND;
}

uint64_t vballoon_policy_floor_pages(const struct vballoon_policy *policy, uint32_t page_shift)
{
	return (policy->floor_bytes >> page_shift) +
	       ((policy->floor_bytes & ((UINT64_C(1) << page_shift) - 1)) != 0);
}

uint64_t vballoon_policy_allows(const struct vballoon_policy *policy, uint32_t page_shift,
				enum vballoon_withdraw_reason reason, uint64_t held)
{
	uint64_t floor = vballoon_policy_floor_pages(policy, page_shift);

	switch (policy->withdraw[reason]) {
	case VBALLOON_POLICY_GRANT:
		return held;
	case VBALLOON_POLICY_FLOOR:
		return held > floor ? held - floor : 0;
	default:
		return 0;
	}
}
