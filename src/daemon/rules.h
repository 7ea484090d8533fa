/* SPDX-License-Identifier: BSD-3-Clause */
/* The host's policy as the daemon has it: the device's, and what is the daemon's own. */
#ifndef VBALLOON_DAEMON_RULES_H
#define VBALLOON_DAEMON_RULES_H

#include <jansson.h>
#include <stdint.h>

#include <vballoon/policy.h>

#include "control/message.h"

/* When nothing is said: warm pages go when processes of this host spend so much of
 * their time waiting for memory. */
#define VBALLOON_HOST_PRESSURE_PERCENT 10

struct vballoon_rules {
	struct vballoon_policy policy;
	unsigned int host_pressure_percent; /* from which warm pages are dropped; 0: never */
};

/* What holds when nothing is set. */
void vballoon_rules_init(struct vballoon_rules *rules);

/* Change what @changes names, as the control protocol has it. Returns 0; -EINVAL with
 * @error, and @rules are as they were. Whether the whole makes sense is not looked at. */
int vballoon_rules_change(struct vballoon_rules *rules, const json_t *changes,
			  struct vballoon_error *error);

/* @return all of them as an object, a new reference. */
json_t *vballoon_rules_json(const struct vballoon_rules *rules);

#endif /* VBALLOON_DAEMON_RULES_H */
