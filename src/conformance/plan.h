/* SPDX-License-Identifier: BSD-3-Clause */
/* With which features and on which rings the cases run. */
#ifndef VBALLOON_CONFORMANCE_PLAN_H
#define VBALLOON_CONFORMANCE_PLAN_H

#include "conformance/options.h"
#include "conformance/trial.h"

#define VBALLOON_PLAN_PAIRS 7
#define VBALLOON_PLAN_MAX (2 + VBALLOON_PLAN_PAIRS) /* both rings with everything, and the pairs */

struct vballoon_plan {
	struct vballoon_setting settings[VBALLOON_PLAN_MAX];
	size_t count;
};

/* What was asked for, as far as the back end offers it. With no ring in common the plan is
 * empty. */
void vballoon_plan_make(const struct vballoon_options *options, const struct vballoon_facts *facts,
			struct vballoon_plan *plan_out);

/* "split, page-runs, event-idx". Returns @text. */
char *vballoon_plan_name(const struct vballoon_kind *kind, const struct vballoon_setting *setting,
			 char *text, size_t size);

#endif /* VBALLOON_CONFORMANCE_PLAN_H */
