// SPDX-License-Identifier: BSD-3-Clause
/* The policy as people write it, and as the control protocol has it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "control/rule.h"
#include "daemon/rules.h"

/* Take "name=text"; returns the complaint, or NULL. */
static const char *take(struct vballoon_rules *rules, const char *name, const char *text)
{
	const struct vballoon_rule *rule = vballoon_rule_find(name, strlen(name));
	static struct vballoon_error error;
	json_t *value = NULL, *changes;
	const char *complaint;

	assert_non_null(rule);
	complaint = rule->parse(text, &value);
	if (complaint)
		return complaint;
	changes = json_pack("{so}", rule->key, value);
	complaint = vballoon_rules_change(rules, changes, &error) ? error.desc : NULL;
	json_decref(changes);
	return complaint;
}

static void without_a_word_pages_are_eager_and_everything_is_granted(void **state)
{
	struct vballoon_rules rules;

	(void)state;
	vballoon_rules_init(&rules);
	assert_int_equal(vballoon_policy_check(&rules.policy, 12, 0), VBALLOON_POLICY_SOUND);
	assert_int_equal(rules.policy.pages, VBALLOON_PAGES_EAGER);
	assert_int_equal(rules.host_pressure_percent, VBALLOON_HOST_PRESSURE_PERCENT);
}

static void every_rule_is_taken_by_its_name(void **state)
{
	struct vballoon_rules rules;

	(void)state;
	vballoon_rules_init(&rules);
	assert_null(take(&rules, "pages", "warm"));
	assert_null(take(&rules, "withdraw-target", "refuse"));
	assert_null(take(&rules, "withdraw-pressure", "floor"));
	assert_null(take(&rules, "withdraw-oom", "grant"));
	assert_null(take(&rules, "floor", "512M"));
	assert_null(take(&rules, "inflate-rate", "200M/s"));
	assert_null(take(&rules, "host-pressure", "25%"));
	assert_int_equal(rules.policy.pages, VBALLOON_PAGES_WARM);
	assert_int_equal(rules.policy.withdraw[VBALLOON_WITHDRAW_TARGET], VBALLOON_POLICY_REFUSE);
	assert_int_equal(rules.policy.withdraw[VBALLOON_WITHDRAW_PRESSURE], VBALLOON_POLICY_FLOOR);
	assert_int_equal(rules.policy.withdraw[VBALLOON_WITHDRAW_OOM], VBALLOON_POLICY_GRANT);
	assert_int_equal(rules.policy.floor_bytes, 512 << 20);
	assert_int_equal(rules.policy.inflate_rate, 200 << 20);
	assert_int_equal(rules.host_pressure_percent, 25);
}

static void none_and_off_are_zero(void **state)
{
	struct vballoon_rules rules;

	(void)state;
	vballoon_rules_init(&rules);
	assert_null(take(&rules, "inflate-rate", "5M"));
	assert_null(take(&rules, "inflate-rate", "none"));
	assert_null(take(&rules, "host-pressure", "off"));
	assert_int_equal(rules.policy.inflate_rate, 0);
	assert_int_equal(rules.host_pressure_percent, 0);
}

static void what_a_rule_cannot_be_is_told(void **state)
{
	static const char *const wrong[][2] = {
		{ "pages", "hot" },	     { "pages", "" },
		{ "withdraw-oom", "maybe" }, { "floor", "much" },
		{ "floor", "-1" },	     { "floor", "9999999999999999999" },
		{ "inflate-rate", "fast" },  { "inflate-rate", "/s" },
		{ "host-pressure", "12" },   { "host-pressure", "101%" },
	};
	struct vballoon_rules rules, before;
	size_t i;

	(void)state;
	vballoon_rules_init(&rules);
	before = rules;
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_non_null(take(&rules, wrong[i][0], wrong[i][1]));
	assert_memory_equal(&rules.policy, &before.policy, sizeof(rules.policy));
	assert_int_equal(rules.host_pressure_percent, before.host_pressure_percent);
}

static void a_name_that_only_begins_like_a_rule_is_none(void **state)
{
	(void)state;
	assert_null(vballoon_rule_find("page", 4));
	assert_null(vballoon_rule_find("pages=", 6));
	assert_null(vballoon_rule_find("", 0));
	assert_non_null(vballoon_rule_find("pages=warm", 5));
}

static void one_wrong_change_undoes_the_others(void **state)
{
	json_t *changes = json_pack("{sssi}", "pages", "warm", "floor_bytes", -1);
	struct vballoon_error error = { .class = VBALLOON_ERROR_NONE };
	struct vballoon_rules rules;

	(void)state;
	vballoon_rules_init(&rules);
	assert_int_equal(vballoon_rules_change(&rules, changes, &error), -EINVAL);
	assert_int_equal(error.class, VBALLOON_ERROR_OUT_OF_RANGE);
	assert_int_equal(rules.policy.pages, VBALLOON_PAGES_EAGER);
	json_decref(changes);
}

static void what_is_told_can_be_taken_again(void **state)
{
	struct vballoon_error error = { .class = VBALLOON_ERROR_NONE };
	struct vballoon_rules rules, again;
	json_t *told;

	(void)state;
	vballoon_rules_init(&rules);
	vballoon_rules_init(&again);
	assert_null(take(&rules, "pages", "warm"));
	assert_null(take(&rules, "withdraw-oom", "floor"));
	assert_null(take(&rules, "floor", "3M"));
	told = vballoon_rules_json(&rules);
	assert_int_equal(json_object_size(told), VBALLOON_RULES_COUNT);
	assert_int_equal(vballoon_rules_change(&again, told, &error), 0);
	assert_memory_equal(&rules.policy, &again.policy, sizeof(rules.policy));
	json_decref(told);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_word_pages_are_eager_and_everything_is_granted),
		cmocka_unit_test(every_rule_is_taken_by_its_name),
		cmocka_unit_test(none_and_off_are_zero),
		cmocka_unit_test(what_a_rule_cannot_be_is_told),
		cmocka_unit_test(a_name_that_only_begins_like_a_rule_is_none),
		cmocka_unit_test(one_wrong_change_undoes_the_others),
		cmocka_unit_test(what_is_told_can_be_taken_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
