/* SPDX-License-Identifier: BSD-3-Clause */
/* How fast a balloon is asked to grow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "policy/pace.h"

#define START 5000

/* 100 pages a step, a step each 100 ms. */
static struct vballoon_growth growing(uint64_t held)
{
	return (struct vballoon_growth){
		.target = 1000, .held = held, .unit_pages = 1, .rate = 1000
	};
}

static struct vballoon_pace begun(uint64_t held)
{
	struct vballoon_growth growth = growing(held);
	struct vballoon_pace pace;

	vballoon_pace_begin(&pace, &growth, START);
	return pace;
}

static void without_a_rate_the_target_is_asked_for_at_once(void **state)
{
	struct vballoon_growth growth = { .target = 1000, .unit_pages = 1 };
	struct vballoon_pace pace;

	(void)state;
	vballoon_pace_begin(&pace, &growth, START);
	assert_int_equal(pace.asked, 1000);
	assert_false(vballoon_pace_go(&pace, &growth, START + 1000));
	assert_int_equal(vballoon_pace_due_ms(&pace, &growth), VBALLOON_NEVER);
}

static void the_first_step_is_asked_for_at_once(void **state)
{
	(void)state;
	assert_int_equal(begun(0).asked, 100);
	assert_int_equal(begun(850).asked, 950);
	assert_int_equal(begun(950).asked, 1000);
}

static void the_next_step_comes_when_its_time_has_come(void **state)
{
	struct vballoon_growth growth = growing(100);
	struct vballoon_pace pace = begun(0);

	(void)state;
	assert_int_equal(vballoon_pace_due_ms(&pace, &growth), START + 100);
	assert_false(vballoon_pace_go(&pace, &growth, START + 99));
	assert_true(vballoon_pace_go(&pace, &growth, START + 100));
	assert_int_equal(pace.asked, 200);
	assert_false(vballoon_pace_go(&pace, &growth, START + 1000));
}

static void a_guest_that_is_slow_is_waited_for_without_a_time(void **state)
{
	struct vballoon_growth growth = growing(99);
	struct vballoon_pace pace = begun(0);

	(void)state;
	assert_int_equal(vballoon_pace_due_ms(&pace, &growth), VBALLOON_NEVER);
	assert_false(vballoon_pace_go(&pace, &growth, START + 10000));
	assert_int_equal(pace.asked, 100);
}

static void a_guest_that_was_slow_has_saved_nothing_up(void **state)
{
	struct vballoon_growth growth = growing(100);
	struct vballoon_pace pace = begun(0);

	(void)state;
	assert_true(vballoon_pace_go(&pace, &growth, START + 10000));
	assert_int_equal(pace.asked, 200);
	growth.held = 200;
	assert_false(vballoon_pace_go(&pace, &growth, START + 10001));
	assert_int_equal(vballoon_pace_due_ms(&pace, &growth), START + 10100);
}

static void at_the_target_there_is_nothing_to_wait_for(void **state)
{
	struct vballoon_growth growth = growing(1000);
	struct vballoon_pace pace = begun(950);

	(void)state;
	assert_int_equal(vballoon_pace_due_ms(&pace, &growth), VBALLOON_NEVER);
	assert_false(vballoon_pace_go(&pace, &growth, START + 10000));
	assert_int_equal(pace.asked, 1000);
}

static void a_unit_larger_than_a_step_takes_as_much_longer(void **state)
{
	struct vballoon_growth growth = { .target = 2048, .unit_pages = 512, .rate = 1000 };
	struct vballoon_pace pace;

	(void)state;
	vballoon_pace_begin(&pace, &growth, START);
	assert_int_equal(pace.asked, 512);
	growth.held = 512;
	assert_int_equal(vballoon_pace_due_ms(&pace, &growth), START + 512);
	assert_false(vballoon_pace_go(&pace, &growth, START + 511));
	assert_true(vballoon_pace_go(&pace, &growth, START + 512));
	assert_int_equal(pace.asked, 1024);
}

static void a_step_is_whole_units(void **state)
{
	struct vballoon_growth growth = { .target = 1 << 20, .unit_pages = 64, .rate = 1000 };
	struct vballoon_pace pace;

	(void)state;
	vballoon_pace_begin(&pace, &growth, START);
	assert_int_equal(pace.asked, 64);
}

static void shrinking_has_no_pace(void **state)
{
	struct vballoon_growth growth = growing(5000);
	struct vballoon_pace pace;

	(void)state;
	vballoon_pace_begin(&pace, &growth, START);
	assert_int_equal(pace.asked, 1000);
	assert_int_equal(vballoon_pace_due_ms(&pace, &growth), VBALLOON_NEVER);
}

static void what_was_taken_back_is_added_again_at_the_pace(void **state)
{
	struct vballoon_growth growth = growing(1000);
	struct vballoon_pace pace = begun(950);

	(void)state;
	vballoon_pace_go(&pace, &growth, START + 50);
	/* Taking back: the driver waits by itself, which being told would end. */
	growth.held = 500;
	assert_false(vballoon_pace_go(&pace, &growth, START + 1000));
	/* It has begun to add. */
	growth.held = 510;
	assert_true(vballoon_pace_go(&pace, &growth, START + 12000));
	assert_int_equal(pace.asked, 610);
}

static void a_guest_that_gives_more_than_was_asked_is_told_the_target(void **state)
{
	struct vballoon_growth growth = growing(1200);
	struct vballoon_pace pace = begun(0);

	(void)state;
	assert_true(vballoon_pace_go(&pace, &growth, START + 1));
	assert_int_equal(pace.asked, 1000);
	assert_false(vballoon_pace_go(&pace, &growth, START + 2));
}

static void the_greatest_numbers_do_not_wrap(void **state)
{
	struct vballoon_growth growth = { .target = UINT64_MAX,
					  .unit_pages = 1,
					  .rate = UINT64_MAX };
	struct vballoon_pace pace;

	(void)state;
	vballoon_pace_begin(&pace, &growth, START);
	assert_int_equal(pace.asked, UINT64_MAX / 10);
	growth.held = pace.asked;
	assert_int_equal(vballoon_pace_due_ms(&pace, &growth), START + 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_rate_the_target_is_asked_for_at_once),
		cmocka_unit_test(the_first_step_is_asked_for_at_once),
		cmocka_unit_test(the_next_step_comes_when_its_time_has_come),
		cmocka_unit_test(a_guest_that_is_slow_is_waited_for_without_a_time),
		cmocka_unit_test(a_guest_that_was_slow_has_saved_nothing_up),
		cmocka_unit_test(at_the_target_there_is_nothing_to_wait_for),
		cmocka_unit_test(a_unit_larger_than_a_step_takes_as_much_longer),
		cmocka_unit_test(a_step_is_whole_units),
		cmocka_unit_test(shrinking_has_no_pace),
		cmocka_unit_test(what_was_taken_back_is_added_again_at_the_pace),
		cmocka_unit_test(a_guest_that_gives_more_than_was_asked_is_told_the_target),
		cmocka_unit_test(the_greatest_numbers_do_not_wrap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
