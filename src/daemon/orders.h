/* SPDX-License-Identifier: BSD-3-Clause */
/* What the operator has ordered since the daemon was started: it outlives a worker, as the front
 * end and the guest do. */
#ifndef VBALLOON_DAEMON_ORDERS_H
#define VBALLOON_DAEMON_ORDERS_H

#include <stdbool.h>
#include <stdint.h>

#include <vballoon/policy.h>

#include "daemon/rules.h"

struct vballoon_orders {
	uint64_t target_pages;
	bool ordered; /* since the front end came */
	/* Else they are as the settings have it, whatever these say by now. */
	bool has_period, has_rules;
	uint32_t stats_period_ms;
	struct vballoon_deadline deadline;
	struct vballoon_rules rules;
};

struct vballoon_orders_file;

/* Begin to keep orders; those of a worker before, if there are any, are in *@orders then.
 * Without a supervisor nothing is kept: *@file_out is NULL. Returns 1: there were some; 0: there
 * were none, or none to be understood; -EINVAL: none to be understood by this program, which is
 * tried. */
int vballoon_orders_begin(struct vballoon_orders_file **file_out, struct vballoon_orders *orders);

/* These are the orders from now on. @file may be NULL. */
void vballoon_orders_keep(struct vballoon_orders_file *file, const struct vballoon_orders *orders);

void vballoon_orders_end(struct vballoon_orders_file *file);

#endif /* VBALLOON_DAEMON_ORDERS_H */
