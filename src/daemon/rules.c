// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <string.h>

#include "control/rule.h"
#include "daemon/rules.h"

static int find_name(const char *(*name_of)(unsigned int value), const json_t *word,
		     unsigned int *value_out)
{
	const char *wanted = json_string_value(word);
	const char *name;
	unsigned int value;

	for (value = 0; wanted && (name = name_of(value)); value++) {
		if (!strcmp(name, wanted)) {
			*value_out = value;
			return 0;
		}
	}
	return -EINVAL;
}

static const char *pages_name(unsigned int value)
{
	return vballoon_policy_pages_name((enum vballoon_policy_pages)value);
}

static const char *answer_name(unsigned int value)
{
	return vballoon_policy_answer_name((enum vballoon_policy_answer)value);
}

static int take_number(const json_t *value, uint64_t max, uint64_t *number_out)
{
	if (!json_is_integer(value) || json_integer_value(value) < 0 ||
	    (uint64_t)json_integer_value(value) > max)
		return -EINVAL;
	*number_out = (uint64_t)json_integer_value(value);
	return 0;
}

static int take_pages(struct vballoon_rules *rules, const json_t *value)
{
	unsigned int pages;

	if (find_name(pages_name, value, &pages))
		return -EINVAL;
	rules->policy.pages = (enum vballoon_policy_pages)pages;
	return 0;
}

static int take_answer(struct vballoon_rules *rules, enum vballoon_withdraw_reason reason,
		       const json_t *value)
{
	unsigned int answer;

	if (find_name(answer_name, value, &answer))
		return -EINVAL;
	rules->policy.withdraw[reason] = (enum vballoon_policy_answer)answer;
	return 0;
}

static int take_target(struct vballoon_rules *rules, const json_t *value)
{
	return take_answer(rules, VBALLOON_WITHDRAW_TARGET, value);
}

static int take_pressure(struct vballoon_rules *rules, const json_t *value)
{
	return take_answer(rules, VBALLOON_WITHDRAW_PRESSURE, value);
}

static int take_oom(struct vballoon_rules *rules, const json_t *value)
{
	return take_answer(rules, VBALLOON_WITHDRAW_OOM, value);
}

static int take_floor(struct vballoon_rules *rules, const json_t *value)
{
	return take_number(value, INT64_MAX, &rules->policy.floor_bytes);
}

static int take_rate(struct vballoon_rules *rules, const json_t *value)
{
	return take_number(value, INT64_MAX, &rules->policy.inflate_rate);
}

static int take_host_pressure(struct vballoon_rules *rules, const json_t *value)
{
	uint64_t percent;

	if (take_number(value, 100, &percent))
		return -EINVAL;
	rules->host_pressure_percent = (unsigned int)percent;
	return 0;
}

/* In the order of vballoon_rules_known. */
static int (*const takers[VBALLOON_RULES_COUNT])(struct vballoon_rules *rules,
						 const json_t *value) = {
	take_pages, take_target, take_pressure, take_oom, take_floor, take_rate, take_host_pressure,
};

static const char *find_key(const char *key, size_t *index_out)
{
	size_t i;

	for (i = 0; i < VBALLOON_RULES_COUNT; i++) {
		if (!strcmp(vballoon_rules_known[i].key, key)) {
			*index_out = i;
			return vballoon_rules_known[i].values;
		}
	}
	return NULL;
}

void vballoon_rules_init(struct vballoon_rules *rules)
{
	memset(rules, 0, sizeof(*rules));
	rules->host_pressure_percent = VBALLOON_HOST_PRESSURE_PERCENT;
}

int vballoon_rules_change(struct vballoon_rules *rules, const json_t *changes,
			  struct vballoon_error *error)
{
	struct vballoon_rules changed = *rules;
	const char *key, *values;
	size_t index = 0;
	json_t *value;

	json_object_foreach ((json_t *)changes, key, value) {
		values = find_key(key, &index);
		if (!values) {
			vballoon_error_set(error, VBALLOON_ERROR_BAD_REQUEST,
					   "policy has no \"%.64s\"", key);
			return -EINVAL;
		}
		if (takers[index](&changed, value)) {
			vballoon_error_set(error, VBALLOON_ERROR_OUT_OF_RANGE, "%s is %s",
					   vballoon_rules_known[index].name, values);
			return -EINVAL;
		}
	}
	*rules = changed;
	return 0;
}

json_t *vballoon_rules_json(const struct vballoon_rules *rules)
{
	const struct vballoon_policy *policy = &rules->policy;
	const enum vballoon_policy_answer *answers = policy->withdraw;

	return json_pack(
		"{sssssssssIsIsi}", "pages", vballoon_policy_pages_name(policy->pages),
		"withdraw_target", vballoon_policy_answer_name(answers[VBALLOON_WITHDRAW_TARGET]),
		"withdraw_pressure",
		vballoon_policy_answer_name(answers[VBALLOON_WITHDRAW_PRESSURE]), "withdraw_oom",
		vballoon_policy_answer_name(answers[VBALLOON_WITHDRAW_OOM]), "floor_bytes",
		(json_int_t)policy->floor_bytes, "inflate_bytes_per_s",
		(json_int_t)policy->inflate_rate, "host_pressure_percent",
		(int)rules->host_pressure_percent);
}
