/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The rules that a host's policy is made of, as people write them (pages=warm,
 * floor=512M) and as the control protocol has them: one table for the daemon's
 * options and files and for vballoonctl. What a rule's words are the daemon knows.
 */
#ifndef VBALLOON_CONTROL_RULE_H
#define VBALLOON_CONTROL_RULE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct vballoon_rule {
	const char *name; /* "inflate-rate" */
	const char *key; /* "inflate_bytes_per_s": in JSON */
	/* Read @text into a new reference. Returns NULL, or what is wrong with it and what
	 * to do. */
	const char *(*parse)(const char *text, json_t **value_out);
	const char *values; /* for a person: what it can be */
};

#define VBALLOON_RULES_COUNT 7

extern const struct vballoon_rule vballoon_rules_known[VBALLOON_RULES_COUNT];

/* Returns NULL when there is no such rule. */
const struct vballoon_rule *vballoon_rule_find(const char *name, size_t len);

/* Whether a rule has this key in JSON. */
bool vballoon_rule_is_key(const char *key);

#endif /* VBALLOON_CONTROL_RULE_H */
