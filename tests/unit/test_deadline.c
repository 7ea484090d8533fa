/* SPDX-License-Identifier: BSD-3-Clause */
/* A deadline for a target. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <vballoon/policy.h>

#define START 1000
#define UNTOUCHED 12345

static struct vballoon_deadline begun(bool reverts)
{
	struct vballoon_deadline deadline = { 0 };

	assert_int_equal(vballoon_deadline_begin(&deadline, START, 500, reverts, 7), 0);
	return deadline;
}

static void without_one_nothing_is_due(void **state)
{
	struct vballoon_deadline deadline = { 0 };
	uint64_t target = UNTOUCHED;

	(void)state;
	assert_false(vballoon_deadline_look(&deadline, START, 10, 3, &target));
	assert_int_equal(target, UNTOUCHED);
	assert_int_equal(vballoon_deadline_due_ms(&deadline), VBALLOON_NEVER);
}

static void a_length_of_nothing_or_of_more_than_a_day_is_refused(void **state)
{
	struct vballoon_deadline deadline = begun(true);

	(void)state;
	assert_int_equal(vballoon_deadline_begin(&deadline, START, 0, false, 1), -ERANGE);
	assert_int_equal(
		vballoon_deadline_begin(&deadline, START, VBALLOON_DEADLINE_MS_MAX + 1, false, 1),
		-ERANGE);
	assert_int_equal(vballoon_deadline_due_ms(&deadline), START + 500);
	assert_int_equal(
		vballoon_deadline_begin(&deadline, START, VBALLOON_DEADLINE_MS_MAX, false, 1), 0);
	assert_int_equal(vballoon_deadline_begin(&deadline, START, 1, false, 1), 0);
}

static void a_balloon_that_gets_there_ends_it_for_good(void **state)
{
	struct vballoon_deadline deadline = begun(true);
	uint64_t target = UNTOUCHED;

	(void)state;
	assert_false(vballoon_deadline_look(&deadline, START + 499, 10, 10, &target));
	assert_int_equal(deadline.state, VBALLOON_DEADLINE_MET);
	assert_false(vballoon_deadline_look(&deadline, START + 501, 10, 3, &target));
	assert_int_equal(target, UNTOUCHED);
	assert_int_equal(vballoon_deadline_due_ms(&deadline), VBALLOON_NEVER);
}

static void one_that_is_late_keeps_what_it_has(void **state)
{
	struct vballoon_deadline deadline = begun(false);
	uint64_t target = UNTOUCHED;

	(void)state;
	assert_false(vballoon_deadline_look(&deadline, START + 499, 10, 3, &target));
	assert_int_equal(vballoon_deadline_due_ms(&deadline), START + 500);
	assert_true(vballoon_deadline_look(&deadline, START + 500, 10, 3, &target));
	assert_int_equal(target, 3);
	assert_int_equal(deadline.state, VBALLOON_DEADLINE_KEPT);
}

static void or_goes_back_to_the_target_before(void **state)
{
	struct vballoon_deadline deadline = begun(true);
	uint64_t target = UNTOUCHED;

	(void)state;
	assert_true(vballoon_deadline_look(&deadline, START + 500, 10, 3, &target));
	assert_int_equal(target, 7);
	assert_int_equal(deadline.state, VBALLOON_DEADLINE_REVERTED);
}

static void it_passes_once(void **state)
{
	struct vballoon_deadline deadline = begun(true);
	uint64_t target = UNTOUCHED;

	(void)state;
	assert_true(vballoon_deadline_look(&deadline, START + 600, 10, 3, &target));
	assert_false(vballoon_deadline_look(&deadline, START + 700, 7, 3, &target));
}

static void every_state_has_its_name(void **state)
{
	(void)state;
	assert_string_equal(vballoon_deadline_state_name(VBALLOON_DEADLINE_NONE), "none");
	assert_string_equal(vballoon_deadline_state_name(VBALLOON_DEADLINE_RUNNING), "running");
	assert_string_equal(vballoon_deadline_state_name(VBALLOON_DEADLINE_MET), "met");
	assert_string_equal(vballoon_deadline_state_name(VBALLOON_DEADLINE_KEPT), "kept");
	assert_string_equal(vballoon_deadline_state_name(VBALLOON_DEADLINE_REVERTED), "reverted");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_one_nothing_is_due),
		cmocka_unit_test(a_length_of_nothing_or_of_more_than_a_day_is_refused),
		cmocka_unit_test(a_balloon_that_gets_there_ends_it_for_good),
		cmocka_unit_test(one_that_is_late_keeps_what_it_has),
		cmocka_unit_test(or_goes_back_to_the_target_before),
		cmocka_unit_test(it_passes_once),
		cmocka_unit_test(every_state_has_its_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
