/* SPDX-License-Identifier: BSD-3-Clause */
/* The operator's policy: changed at any time, and what it forbids the device. */
#ifndef SIM_RULING_H
#define SIM_RULING_H

#include <stdbool.h>
#include <stdint.h>

#include <vballoon/device.h>

#include "rng.h"
#include "trace.h"

struct ruling {
	struct trace *trace;
	bool gives_always; /* the device cannot refuse: no reason is given */
	struct vballoon_device *device; /* set by the caller, as devices come and go */
	struct vballoon_policy policy;
	bool drop_asked; /* warm pages may be dropped until that is done */
	struct vballoon_status before; /* the device ran */
	uint64_t changes, drops_asked, refusals;
};

/* Another policy, for a guest of @pages balloon pages of 2^@page_shift bytes. */
void ruling_change(struct ruling *ruling, struct rng *rng, uint64_t pages, uint32_t page_shift);

/* One that lets everything come right, though perhaps in steps. */
void ruling_calm_down(struct ruling *ruling, struct rng *rng, uint64_t pages, uint32_t page_shift);

/* Whatever is held is to be dropped once. */
void ruling_drop(struct ruling *ruling);

/* Before the device runs and after, @work_left or not: has it kept to the policy? */
void ruling_begin(struct ruling *ruling);
void ruling_end(struct ruling *ruling, bool work_left);

/* The device drops something: may it? */
void ruling_check_drop(struct ruling *ruling);

#endif /* SIM_RULING_H */
