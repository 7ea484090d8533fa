// SPDX-License-Identifier: BSD-3-Clause
/* Every byte has a cause, and none has two. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "cli/account.h"

/* What was accounted for last: the account points into it. */
static json_t *accounted;

static int let_go(void **state)
{
	(void)state;
	json_decref(accounted);
	accounted = NULL;
	return 0;
}

static void account_for(struct vballoon_account *account, json_t *status)
{
	const struct vballoon_account_sum *sum;
	uint64_t bytes;
	unsigned int i, part;

	assert_non_null(status);
	let_go(NULL);
	accounted = status;
	vballoon_account_make(account, status);
	for (i = 0; i < VBALLOON_ACCOUNT_SUMS; i++) {
		sum = &account->sums[i];
		for (bytes = 0, part = 0; part < sum->count; part++) {
			assert_true(sum->parts[part].bytes > 0);
			bytes += sum->parts[part].bytes;
		}
		assert_int_equal(bytes, sum->bytes);
	}
}

static uint64_t part_of(const struct vballoon_account *account, unsigned int sum, const char *cause)
{
	unsigned int i;

	for (i = 0; i < account->sums[sum].count; i++) {
		if (!strcmp(account->sums[sum].parts[i].cause, cause))
			return account->sums[sum].parts[i].bytes;
	}
	return 0;
}

static json_t *target_status(const char *state, int target, int held)
{
	return json_pack("{sssisisi}", "state", state, "target_bytes", target, "held_bytes", held,
			 "dropped_bytes", held);
}

static void what_the_guest_has_not_done_yet_is_told_by_state(void **state)
{
	static const char *const states[] = { "no-front-end", "no-driver", "paused", "stopped",
					      "ready" };
	struct vballoon_account account;
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		account_for(&account, target_status(states[i], 100, 30));
		assert_int_equal(part_of(&account, VBALLOON_ACCOUNT_TARGET, "held"), 30);
		assert_int_equal(part_of(&account, VBALLOON_ACCOUNT_TARGET, states[i]), 70);
	}
}

static void a_state_from_the_future_is_accounted_for(void **state)
{
	struct vballoon_account account;

	(void)state;
	account_for(&account, target_status("asleep", 100, 30));
}

static void what_is_to_be_taken_back_is_a_surplus(void **state)
{
	struct vballoon_account account;

	(void)state;
	account_for(&account, target_status("ready", 10, 30));
	assert_int_equal(account.sums[VBALLOON_ACCOUNT_TARGET].bytes, 10);
	assert_int_equal(account.sums[VBALLOON_ACCOUNT_SURPLUS].bytes, 20);
}

static void what_the_pace_holds_back_is_told_apart(void **state)
{
	json_t *status = target_status("ready", 100, 30);
	struct vballoon_account account;

	(void)state;
	json_object_set_new(status, "asked_bytes", json_integer(40));
	account_for(&account, status);
	assert_int_equal(part_of(&account, VBALLOON_ACCOUNT_TARGET, "held"), 30);
	assert_int_equal(part_of(&account, VBALLOON_ACCOUNT_TARGET, "ready"), 10);
	assert_int_equal(part_of(&account, VBALLOON_ACCOUNT_TARGET, "rate"), 60);
}

static void what_is_in_another_device_is_told_apart(void **state)
{
	json_t *status = target_status("ready", 100, 30);
	struct vballoon_account account;

	(void)state;
	json_object_set_new(status, "asked_bytes", json_integer(40));
	json_object_set_new(status, "other", json_pack("{sisi}", "device_id", 5, "held_bytes", 60));
	account_for(&account, status);
	assert_int_equal(part_of(&account, VBALLOON_ACCOUNT_TARGET, "other-device"), 60);
	assert_int_equal(part_of(&account, VBALLOON_ACCOUNT_TARGET, "ready"), 10);
	assert_int_equal(part_of(&account, VBALLOON_ACCOUNT_TARGET, "rate"), 0);
}

static void a_guest_that_has_more_than_it_is_asked_for_now_adds_up(void **state)
{
	json_t *status = target_status("ready", 100, 30);
	struct vballoon_account account;

	(void)state;
	json_object_set_new(status, "asked_bytes", json_integer(20));
	account_for(&account, status);
	assert_int_equal(part_of(&account, VBALLOON_ACCOUNT_TARGET, "rate"), 70);
}

static void who_is_not_there_is_not_held_back(void **state)
{
	json_t *status = target_status("no-driver", 100, 0);
	struct vballoon_account account;

	(void)state;
	json_object_set_new(status, "asked_bytes", json_integer(20));
	account_for(&account, status);
	assert_int_equal(part_of(&account, VBALLOON_ACCOUNT_TARGET, "no-driver"), 100);
}

static void a_guest_with_too_little_free_memory_is_told_of(void **state)
{
	json_t *status = target_status("ready", 100, 30);
	struct vballoon_account account;

	(void)state;
	json_object_set_new(status, "guest", json_pack("{s{si}}", "stats", "mem-free", 69));
	account_for(&account, status);
	assert_int_equal(part_of(&account, VBALLOON_ACCOUNT_TARGET, "no-memory"), 70);
}

static void a_surplus_that_the_policy_refuses_is_told_apart(void **state)
{
	json_t *status = target_status("ready", 10, 30);
	struct vballoon_account account;

	(void)state;
	json_object_set_new(status, "policy",
			    json_pack("{sssi}", "withdraw_target", "floor", "floor_bytes", 25));
	account_for(&account, status);
	assert_int_equal(part_of(&account, VBALLOON_ACCOUNT_SURPLUS, "policy"), 15);
	assert_int_equal(part_of(&account, VBALLOON_ACCOUNT_SURPLUS, "ready"), 5);
	status = target_status("ready", 10, 30);
	json_object_set_new(status, "policy", json_pack("{ss}", "withdraw_target", "refuse"));
	account_for(&account, status);
	assert_int_equal(part_of(&account, VBALLOON_ACCOUNT_SURPLUS, "policy"), 20);
}

static void no_policy_keeps_a_guest_from_its_traditional_balloon(void **state)
{
	json_t *status = target_status("ready", 10, 30);
	struct vballoon_account account;

	(void)state;
	json_object_set_new(status, "device_id", json_integer(5));
	json_object_set_new(status, "policy", json_pack("{ss}", "withdraw_target", "refuse"));
	account_for(&account, status);
	assert_int_equal(part_of(&account, VBALLOON_ACCOUNT_SURPLUS, "policy"), 0);
	assert_int_equal(part_of(&account, VBALLOON_ACCOUNT_SURPLUS, "ready"), 20);
}

static void what_is_held_is_told_by_cause(void **state)
{
	struct vballoon_account account;

	(void)state;
	account_for(&account,
		    json_pack("{sss{sisisi}sisis{sisi}}", "state", "ready", "waiting", "soon", 1,
			      "partial", 2, "failed", 4, "held_bytes", 63, "dropped_bytes", 8,
			      "kept_bytes", "not-shared", 16, "novel", 32));
	assert_int_equal(part_of(&account, VBALLOON_ACCOUNT_HELD, "dropped"), 8);
	assert_int_equal(part_of(&account, VBALLOON_ACCOUNT_HELD, "soon"), 1);
	assert_int_equal(part_of(&account, VBALLOON_ACCOUNT_HELD, "partial"), 2);
	assert_int_equal(part_of(&account, VBALLOON_ACCOUNT_HELD, "failed"), 4);
	assert_int_equal(part_of(&account, VBALLOON_ACCOUNT_HELD, "not-shared"), 16);
	assert_int_equal(part_of(&account, VBALLOON_ACCOUNT_HELD, "novel"), 32);
}

static json_t *memory_status(int memory, int backing, int dropped)
{
	return json_pack("{sssisisisi}", "state", "ready", "memory_bytes", memory, "backing_bytes",
			 backing, "dropped_bytes", dropped, "held_bytes", dropped);
}

static void the_guests_memory_is_used_given_back_or_untouched(void **state)
{
	struct vballoon_account account;

	(void)state;
	account_for(&account, memory_status(100, 50, 30));
	assert_int_equal(part_of(&account, VBALLOON_ACCOUNT_MEMORY, "backing"), 50);
	assert_int_equal(part_of(&account, VBALLOON_ACCOUNT_MEMORY, "free"), 30);
	assert_int_equal(part_of(&account, VBALLOON_ACCOUNT_MEMORY, "untouched"), 20);
}

static void what_reports_gave_back_is_told_apart_as_far_as_the_host_measures_it(void **state)
{
	struct vballoon_account account;
	json_t *status;

	(void)state;
	status = memory_status(100, 50, 30);
	json_object_set_new(status, "discarded_bytes", json_integer(15));
	account_for(&account, status);
	assert_int_equal(part_of(&account, VBALLOON_ACCOUNT_MEMORY, "reported"), 15);
	assert_int_equal(part_of(&account, VBALLOON_ACCOUNT_MEMORY, "untouched"), 5);
	/* The guest has taken much of it again. */
	status = memory_status(100, 60, 30);
	json_object_set_new(status, "discarded_bytes", json_integer(45));
	account_for(&account, status);
	assert_int_equal(part_of(&account, VBALLOON_ACCOUNT_MEMORY, "free"), 30);
	assert_int_equal(part_of(&account, VBALLOON_ACCOUNT_MEMORY, "reported"), 10);
	assert_int_equal(part_of(&account, VBALLOON_ACCOUNT_MEMORY, "untouched"), 0);
}

static void what_was_given_back_and_taken_again_is_told(void **state)
{
	struct vballoon_account account;

	(void)state;
	account_for(&account, memory_status(100, 80, 30));
	assert_int_equal(part_of(&account, VBALLOON_ACCOUNT_MEMORY, "free"), 20);
	assert_int_equal(part_of(&account, VBALLOON_ACCOUNT_MEMORY, "backed-again"), 10);
	assert_int_equal(part_of(&account, VBALLOON_ACCOUNT_MEMORY, "backing"), 70);
}

static void a_file_larger_than_the_memory_adds_up(void **state)
{
	struct vballoon_account account;

	(void)state;
	account_for(&account, memory_status(100, 150, 30));
}

static void nothing_at_all_adds_up(void **state)
{
	struct vballoon_account account;

	(void)state;
	account_for(&account, json_object());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(what_the_guest_has_not_done_yet_is_told_by_state, let_go),
		cmocka_unit_test_teardown(a_state_from_the_future_is_accounted_for, let_go),
		cmocka_unit_test_teardown(what_is_to_be_taken_back_is_a_surplus, let_go),
		cmocka_unit_test_teardown(what_the_pace_holds_back_is_told_apart, let_go),
		cmocka_unit_test_teardown(what_is_in_another_device_is_told_apart, let_go),
		cmocka_unit_test_teardown(a_guest_that_has_more_than_it_is_asked_for_now_adds_up,
					  let_go),
		cmocka_unit_test_teardown(who_is_not_there_is_not_held_back, let_go),
		cmocka_unit_test_teardown(a_guest_with_too_little_free_memory_is_told_of, let_go),
		cmocka_unit_test_teardown(a_surplus_that_the_policy_refuses_is_told_apart, let_go),
		cmocka_unit_test_teardown(no_policy_keeps_a_guest_from_its_traditional_balloon,
					  let_go),
		cmocka_unit_test_teardown(what_is_held_is_told_by_cause, let_go),
		cmocka_unit_test_teardown(
			what_reports_gave_back_is_told_apart_as_far_as_the_host_measures_it,
			let_go),
		cmocka_unit_test_teardown(the_guests_memory_is_used_given_back_or_untouched,
					  let_go),
		cmocka_unit_test_teardown(what_was_given_back_and_taken_again_is_told, let_go),
		cmocka_unit_test_teardown(a_file_larger_than_the_memory_adds_up, let_go),
		cmocka_unit_test_teardown(nothing_at_all_adds_up, let_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
