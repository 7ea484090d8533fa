/* SPDX-License-Identifier: BSD-3-Clause */
/* What a policy comes to in pages. */
#ifndef VBALLOON_POLICY_POLICY_H
#define VBALLOON_POLICY_POLICY_H

#include <stddef.h>

#include <vballoon/policy.h>

/* The floor in balloon pages. */
uint64_t vballoon_policy_floor_pages(const struct vballoon_policy *policy, uint32_t page_shift);

/* How many of @held pages may be handed back to a guest that asks for @reason. */
uint64_t vballoon_policy_allows(const struct vballoon_policy *policy, uint32_t page_shift,
				enum vballoon_withdraw_reason reason, uint64_t held);

#endif /* VBALLOON_POLICY_POLICY_H */
