/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The pace of a balloon that is not to grow faster than so many bytes a second: the
 * target that the guest is told goes up in steps.
 *
 * The next step comes when the guest has done the last one and the time for it has
 * passed. So a guest that is slow, or has nothing to give, saves up nothing and
 * wakes nobody. Shrinking has no pace.
 */
#ifndef VBALLOON_POLICY_PACE_H
#define VBALLOON_POLICY_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include <vballoon/policy.h>

/* Where the balloon is, and how fast it may grow. Counts are balloon pages. */
struct vballoon_growth {
	uint64_t target;
	uint64_t held;
	uint64_t unit_pages; /* what the guest gives at once; a power of two */
	uint64_t rate; /* pages a second; 0: no limit */
};

struct vballoon_pace {
	uint64_t asked; /* what the guest is to be told, at most the target when it grows */
	uint64_t stepped_ms; /* when the last step began */
	uint64_t seen; /* held, at the last look */
};

/* Begin anew: after another target, rate or guest. */
void vballoon_pace_begin(struct vballoon_pace *pace, const struct vballoon_growth *growth,
			 uint64_t now_ms);

/* Go on. Returns whether the guest is to be told another size. */
bool vballoon_pace_go(struct vballoon_pace *pace, const struct vballoon_growth *growth,
		      uint64_t now_ms);

/* When to go on if nothing happens; VBALLOON_NEVER: when something does. */
uint64_t vballoon_pace_due_ms(const struct vballoon_pace *pace,
			      const struct vballoon_growth *growth);

#endif /* VBALLOON_POLICY_PACE_H */
