/* SPDX-License-Identifier: BSD-3-Clause */
/* Host policy: what makes sense, and what it comes to in pages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "policy/policy.h"

#define MIB (UINT64_C(1) << 20)

static void all_zeros_is_sound_and_grants_everything(void **state)
{
	struct vballoon_policy policy = { 0 };

	(void)state;
	assert_int_equal(vballoon_policy_check(&policy, 12, 0), VBALLOON_POLICY_SOUND);
	for (unsigned int reason = 0; reason < VBALLOON_WITHDRAW_REASONS; reason++)
		assert_int_equal(vballoon_policy_allows(&policy, 12, reason, 77), 77);
}

static void a_value_beyond_its_enum_is_unknown(void **state)
{
	struct vballoon_policy pages = { .pages = VBALLOON_PAGES_COUNT };
	struct vballoon_policy answer = { .withdraw = { 0, 0, VBALLOON_POLICY_ANSWERS } };

	(void)state;
	assert_int_equal(vballoon_policy_check(&pages, 12, 0), VBALLOON_POLICY_UNKNOWN_VALUE);
	assert_int_equal(vballoon_policy_check(&answer, 12, 0), VBALLOON_POLICY_UNKNOWN_VALUE);
}

static void an_answer_down_to_a_floor_needs_one(void **state)
{
	struct vballoon_policy policy = { .withdraw = { VBALLOON_POLICY_FLOOR, 0, 0 } };

	(void)state;
	assert_int_equal(vballoon_policy_check(&policy, 12, 0), VBALLOON_POLICY_NO_FLOOR);
	policy.floor_bytes = 1;
	assert_int_equal(vballoon_policy_check(&policy, 12, 0), VBALLOON_POLICY_SOUND);
}

static void a_floor_above_the_guests_memory_is_refused_once_that_is_known(void **state)
{
	struct vballoon_policy policy = { .floor_bytes = 65 * MIB };

	(void)state;
	assert_int_equal(vballoon_policy_check(&policy, 12, 64 * MIB), VBALLOON_POLICY_FLOOR_HIGH);
	assert_int_equal(vballoon_policy_check(&policy, 12, 65 * MIB), VBALLOON_POLICY_SOUND);
	assert_int_equal(vballoon_policy_check(&policy, 12, 0), VBALLOON_POLICY_SOUND);
}

static void out_of_memory_is_not_answered_more_strictly_than_pressure(void **state)
{
	struct vballoon_policy policy = { .floor_bytes = MIB };

	(void)state;
	for (unsigned int pressure = 0; pressure < VBALLOON_POLICY_ANSWERS; pressure++) {
		for (unsigned int oom = 0; oom < VBALLOON_POLICY_ANSWERS; oom++) {
			policy.withdraw[VBALLOON_WITHDRAW_PRESSURE] = pressure;
			policy.withdraw[VBALLOON_WITHDRAW_OOM] = oom;
			assert_int_equal(vballoon_policy_check(&policy, 12, 0),
					 oom > pressure ? VBALLOON_POLICY_OOM_STRICTER
							: VBALLOON_POLICY_SOUND);
		}
	}
}

static void a_rate_is_none_or_at_least_a_balloon_page_a_second(void **state)
{
	struct vballoon_policy policy = { .inflate_rate = 4095 };

	(void)state;
	assert_int_equal(vballoon_policy_check(&policy, 12, 0), VBALLOON_POLICY_SLOW);
	policy.inflate_rate = 4096;
	assert_int_equal(vballoon_policy_check(&policy, 12, 0), VBALLOON_POLICY_SOUND);
	assert_int_equal(vballoon_policy_check(&policy, 21, 0), VBALLOON_POLICY_SLOW);
}

static void each_reason_has_its_own_answer(void **state)
{
	struct vballoon_policy policy = {
		.withdraw = { VBALLOON_POLICY_REFUSE, VBALLOON_POLICY_FLOOR,
			      VBALLOON_POLICY_GRANT },
		.floor_bytes = 10 * 4096,
	};

	(void)state;
	assert_int_equal(vballoon_policy_allows(&policy, 12, VBALLOON_WITHDRAW_TARGET, 30), 0);
	assert_int_equal(vballoon_policy_allows(&policy, 12, VBALLOON_WITHDRAW_PRESSURE, 30), 20);
	assert_int_equal(vballoon_policy_allows(&policy, 12, VBALLOON_WITHDRAW_OOM, 30), 30);
}

static void at_the_floor_and_below_it_nothing_comes_back(void **state)
{
	struct vballoon_policy policy = {
		.withdraw = { VBALLOON_POLICY_FLOOR, 0, 0 },
		.floor_bytes = 10 * 4096,
	};

	(void)state;
	assert_int_equal(vballoon_policy_allows(&policy, 12, VBALLOON_WITHDRAW_TARGET, 11), 1);
	assert_int_equal(vballoon_policy_allows(&policy, 12, VBALLOON_WITHDRAW_TARGET, 10), 0);
	assert_int_equal(vballoon_policy_allows(&policy, 12, VBALLOON_WITHDRAW_TARGET, 9), 0);
}

static void a_floor_is_rounded_up_to_balloon_pages(void **state)
{
	struct vballoon_policy policy = { .floor_bytes = 4097 };

	(void)state;
	assert_int_equal(vballoon_policy_floor_pages(&policy, 12), 2);
	policy.floor_bytes = UINT64_MAX;
	assert_int_equal(vballoon_policy_floor_pages(&policy, 12), UINT64_C(1) << 52);
}

static void every_value_has_a_name_of_its_own_and_no_other_has_one(void **state)
{
	(void)state;
	assert_string_equal(vballoon_policy_pages_name(VBALLOON_PAGES_EAGER), "eager");
	assert_string_equal(vballoon_policy_pages_name(VBALLOON_PAGES_WARM), "warm");
	assert_null(vballoon_policy_pages_name(VBALLOON_PAGES_COUNT));
	assert_string_equal(vballoon_policy_answer_name(VBALLOON_POLICY_GRANT), "grant");
	assert_string_equal(vballoon_policy_answer_name(VBALLOON_POLICY_FLOOR), "floor");
	assert_string_equal(vballoon_policy_answer_name(VBALLOON_POLICY_REFUSE), "refuse");
	assert_null(vballoon_policy_answer_name(VBALLOON_POLICY_ANSWERS));
	assert_string_equal(vballoon_withdraw_reason_name(VBALLOON_WITHDRAW_TARGET), "target");
	assert_string_equal(vballoon_withdraw_reason_name(VBALLOON_WITHDRAW_PRESSURE), "pressure");
	assert_string_equal(vballoon_withdraw_reason_name(VBALLOON_WITHDRAW_OOM), "oom");
	assert_null(vballoon_withdraw_reason_name(VBALLOON_WITHDRAW_REASONS));
}

static void every_fault_says_what_to_do(void **state)
{
	(void)state;
	for (unsigned int fault = VBALLOON_POLICY_NO_FLOOR; fault < VBALLOON_POLICY_FAULTS; fault++)
		assert_non_null(strchr(vballoon_policy_fault_text(fault), ':'));
	assert_string_equal(vballoon_policy_fault_text(VBALLOON_POLICY_FAULTS),
			    vballoon_policy_fault_text(VBALLOON_POLICY_UNKNOWN_VALUE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_zeros_is_sound_and_grants_everything),
		cmocka_unit_test(a_value_beyond_its_enum_is_unknown),
		cmocka_unit_test(an_answer_down_to_a_floor_needs_one),
		cmocka_unit_test(a_floor_above_the_guests_memory_is_refused_once_that_is_known),
		cmocka_unit_test(out_of_memory_is_not_answered_more_strictly_than_pressure),
		cmocka_unit_test(a_rate_is_none_or_at_least_a_balloon_page_a_second),
		cmocka_unit_test(each_reason_has_its_own_answer),
		cmocka_unit_test(at_the_floor_and_below_it_nothing_comes_back),
		cmocka_unit_test(a_floor_is_rounded_up_to_balloon_pages),
		cmocka_unit_test(every_value_has_a_name_of_its_own_and_no_other_has_one),
		cmocka_unit_test(every_fault_says_what_to_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
