// SPDX-License-Identifier: BSD-3-Clause
/* The driver's decisions; see docs/spec. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <driver/decide/decide.h>

#define NOW_MS 5000

/* A driver that has greeted, holds @held pages and is asked for @target. */
static struct vballoon_decide greeted(uint64_t held, uint64_t target)
{
	struct vballoon_decide decide;

	vballoon_decide_init(&decide, 1);
	decide.held = held;
	assert_true(vballoon_decide_greeted(&decide, held));
	vballoon_decide_resize(&decide, target);
	return decide;
}

static void assert_idle(const struct vballoon_decide *decide, uint64_t now_ms, uint64_t wait_ms)
{
	struct vballoon_decision next = vballoon_decide_next(decide, now_ms);

	assert_int_equal(next.action, VBALLOON_DECIDE_IDLE);
	assert_int_equal(next.wait_ms, wait_ms);
}

static void assert_acts(const struct vballoon_decide *decide, uint64_t now_ms,
			enum vballoon_decide_action action, uint64_t pages)
{
	struct vballoon_decision next = vballoon_decide_next(decide, now_ms);

	assert_int_equal(next.action, action);
	assert_int_equal(next.pages, pages);
}

/* Proves DRV-HELLO-6. */
static void nothing_is_sent_before_hello_is_answered(void **state)
{
	struct vballoon_decide decide;

	(void)state;
	vballoon_decide_init(&decide, 1);
	vballoon_decide_resize(&decide, 100);
	assert_idle(&decide, NOW_MS, VBALLOON_DECIDE_FOREVER);
	assert_true(vballoon_decide_greeted(&decide, 0));
	assert_acts(&decide, NOW_MS, VBALLOON_DECIDE_ADD, 100);
}

/* Proves DRV-HELLO-7. */
static void a_record_that_differs_is_not_taken_for_ours(void **state)
{
	struct vballoon_decide decide;

	(void)state;
	vballoon_decide_init(&decide, 1);
	vballoon_decide_resize(&decide, 100);
	assert_false(vballoon_decide_greeted(&decide, 7));
	assert_idle(&decide, NOW_MS, VBALLOON_DECIDE_FOREVER);
}

static void hello_again_holds_everything_back_until_it_is_answered(void **state)
{
	struct vballoon_decide decide = greeted(40, 100);

	(void)state;
	vballoon_decide_ask_held(&decide);
	assert_idle(&decide, NOW_MS, VBALLOON_DECIDE_FOREVER);
	assert_true(vballoon_decide_greeted(&decide, 40));
	assert_acts(&decide, NOW_MS, VBALLOON_DECIDE_ADD, 60);
}

/* Proves DRV-HELLO-8. */
static void starting_over_empties_the_balloon_and_keeps_the_target(void **state)
{
	struct vballoon_decide decide = greeted(40, 100);

	(void)state;
	vballoon_decide_start_over(&decide);
	assert_idle(&decide, NOW_MS, VBALLOON_DECIDE_FOREVER);
	assert_true(vballoon_decide_greeted(&decide, 0));
	assert_acts(&decide, NOW_MS, VBALLOON_DECIDE_ADD, 100);
}

/* Proves DRV-ADD-7. */
static void pages_in_flight_are_not_added_twice(void **state)
{
	struct vballoon_decide decide = greeted(0, 100);

	(void)state;
	vballoon_decide_add_sent(&decide, 64);
	assert_acts(&decide, NOW_MS, VBALLOON_DECIDE_ADD, 36);
	vballoon_decide_add_sent(&decide, 36);
	assert_idle(&decide, NOW_MS, VBALLOON_DECIDE_FOREVER);
	vballoon_decide_add_answered(&decide, 64, 64, NOW_MS);
	vballoon_decide_add_answered(&decide, 36, 36, NOW_MS);
	assert_int_equal(decide.held, 100);
	assert_idle(&decide, NOW_MS, VBALLOON_DECIDE_FOREVER);
}

/* Proves DRV-ADD-9. */
static void a_refused_add_waits_a_second(void **state)
{
	struct vballoon_decide decide = greeted(0, 100);

	(void)state;
	vballoon_decide_add_sent(&decide, 100);
	vballoon_decide_add_answered(&decide, 100, 30, NOW_MS);
	assert_int_equal(decide.held, 30);
	assert_idle(&decide, NOW_MS, VBALLOON_DECIDE_RETRY_MS);
	assert_idle(&decide, NOW_MS + 400, VBALLOON_DECIDE_RETRY_MS - 400);
	assert_acts(&decide, NOW_MS + VBALLOON_DECIDE_RETRY_MS, VBALLOON_DECIDE_ADD, 70);
}

/* Proves DRV-REQ-9, DRV-ADD-8. */
static void a_target_above_memory_is_tried_once_a_second(void **state)
{
	struct vballoon_decide decide = greeted(50, UINT64_MAX);

	(void)state;
	vballoon_decide_no_memory(&decide, NOW_MS);
	assert_idle(&decide, NOW_MS, VBALLOON_DECIDE_RETRY_MS);
	assert_acts(&decide, NOW_MS + VBALLOON_DECIDE_RETRY_MS, VBALLOON_DECIDE_ADD,
		    UINT64_MAX - 50);
}

/* Proves DRV-REQ-8. */
static void a_balloon_above_its_target_is_withdrawn(void **state)
{
	struct vballoon_decide decide = greeted(100, 30);

	(void)state;
	assert_acts(&decide, NOW_MS, VBALLOON_DECIDE_WITHDRAW, 70);
}

static void one_withdraw_is_in_flight_at_a_time(void **state)
{
	struct vballoon_decide decide = greeted(100, 30);

	(void)state;
	vballoon_decide_withdraw_sent(&decide, 20);
	assert_idle(&decide, NOW_MS, VBALLOON_DECIDE_FOREVER);
	vballoon_decide_withdraw_answered(&decide, 20, 0, NOW_MS);
	assert_acts(&decide, NOW_MS, VBALLOON_DECIDE_WITHDRAW, 50);
}

static void a_raised_target_waits_for_the_withdraw_in_flight(void **state)
{
	struct vballoon_decide decide = greeted(100, 30);

	(void)state;
	vballoon_decide_withdraw_sent(&decide, 70);
	vballoon_decide_resize(&decide, 200);
	assert_idle(&decide, NOW_MS, VBALLOON_DECIDE_FOREVER);
	vballoon_decide_withdraw_answered(&decide, 70, 0, NOW_MS);
	assert_acts(&decide, NOW_MS, VBALLOON_DECIDE_ADD, 170);
}

/* Proves DRV-WITHDRAW-5. */
static void a_short_answer_is_final_for_a_second(void **state)
{
	struct vballoon_decide decide = greeted(100, 30);

	(void)state;
	vballoon_decide_withdraw_sent(&decide, 70);
	vballoon_decide_withdraw_answered(&decide, 10, 0, NOW_MS);
	assert_idle(&decide, NOW_MS, VBALLOON_DECIDE_RETRY_MS);
	assert_acts(&decide, NOW_MS + VBALLOON_DECIDE_RETRY_MS, VBALLOON_DECIDE_WITHDRAW, 60);
}

static void an_answer_without_room_for_more_is_not_short(void **state)
{
	struct vballoon_decide decide = greeted(100, 30);

	(void)state;
	vballoon_decide_withdraw_sent(&decide, 70);
	vballoon_decide_withdraw_answered(&decide, 10, VBALLOON_DECIDE_ANSWER_FULL, NOW_MS);
	assert_acts(&decide, NOW_MS, VBALLOON_DECIDE_WITHDRAW, 60);
}

static void an_empty_answer_never_makes_a_hot_loop(void **state)
{
	struct vballoon_decide decide = greeted(100, 30);

	(void)state;
	vballoon_decide_withdraw_sent(&decide, 70);
	vballoon_decide_withdraw_answered(&decide, 0, VBALLOON_DECIDE_ANSWER_FULL, NOW_MS);
	assert_idle(&decide, NOW_MS, VBALLOON_DECIDE_RETRY_MS);
}

/* Proves DRV-WITHDRAW-5. */
static void a_resize_clears_the_wait_after_a_short_answer(void **state)
{
	struct vballoon_decide decide = greeted(100, 30);

	(void)state;
	vballoon_decide_withdraw_sent(&decide, 70);
	vballoon_decide_withdraw_answered(&decide, 10, 0, NOW_MS);
	vballoon_decide_resize(&decide, 30);
	assert_acts(&decide, NOW_MS, VBALLOON_DECIDE_WITHDRAW, 60);
}

/* Proves DRV-WITHDRAW-6. */
static void a_withdraw_for_pressure_stops_adding_for_ten_seconds(void **state)
{
	struct vballoon_decide decide = greeted(100, 100);

	(void)state;
	vballoon_decide_withdraw_sent(&decide, 40);
	vballoon_decide_withdraw_answered(&decide, 40, VBALLOON_DECIDE_FOR_PRESSURE, NOW_MS);
	assert_idle(&decide, NOW_MS, VBALLOON_DECIDE_PRESSURE_MS);
	assert_acts(&decide, NOW_MS + VBALLOON_DECIDE_PRESSURE_MS, VBALLOON_DECIDE_ADD, 40);
}

/* Proves DRV-WITHDRAW-6. */
static void pressure_that_lasts_is_counted_from_its_end(void **state)
{
	struct vballoon_decide decide = greeted(60, 100);

	(void)state;
	vballoon_decide_pressure(&decide, NOW_MS);
	vballoon_decide_pressure(&decide, NOW_MS + 9000);
	assert_idle(&decide, NOW_MS + VBALLOON_DECIDE_PRESSURE_MS, 9000);
}

static void a_want_of_memory_does_not_shorten_the_wait_after_pressure(void **state)
{
	struct vballoon_decide decide = greeted(60, 100);

	(void)state;
	vballoon_decide_pressure(&decide, NOW_MS);
	vballoon_decide_no_memory(&decide, NOW_MS);
	assert_idle(&decide, NOW_MS, VBALLOON_DECIDE_PRESSURE_MS);
}

/* Proves DRV-WITHDRAW-6. */
static void a_resize_ends_the_wait_after_pressure(void **state)
{
	struct vballoon_decide decide = greeted(60, 100);

	(void)state;
	vballoon_decide_pressure(&decide, NOW_MS);
	vballoon_decide_resize(&decide, 90);
	assert_acts(&decide, NOW_MS, VBALLOON_DECIDE_ADD, 30);
}

static void pressure_does_not_keep_pages_in_the_balloon(void **state)
{
	struct vballoon_decide decide = greeted(100, 30);

	(void)state;
	vballoon_decide_pressure(&decide, NOW_MS);
	assert_acts(&decide, NOW_MS, VBALLOON_DECIDE_WITHDRAW, 70);
}

static void less_than_a_unit_is_left_alone(void **state)
{
	struct vballoon_decide decide;

	(void)state;
	vballoon_decide_init(&decide, 16);
	assert_true(vballoon_decide_greeted(&decide, 0));
	vballoon_decide_resize(&decide, 100);
	assert_acts(&decide, NOW_MS, VBALLOON_DECIDE_ADD, 96);
	vballoon_decide_add_sent(&decide, 96);
	vballoon_decide_add_answered(&decide, 96, 96, NOW_MS);
	assert_idle(&decide, NOW_MS, VBALLOON_DECIDE_FOREVER);
	vballoon_decide_resize(&decide, 90);
	assert_idle(&decide, NOW_MS, VBALLOON_DECIDE_FOREVER);
	vballoon_decide_resize(&decide, 64);
	assert_acts(&decide, NOW_MS, VBALLOON_DECIDE_WITHDRAW, 32);
}

static void a_lowered_target_waits_for_the_adds_in_flight(void **state)
{
	struct vballoon_decide decide = greeted(0, 100);

	(void)state;
	vballoon_decide_add_sent(&decide, 100);
	vballoon_decide_resize(&decide, 20);
	assert_idle(&decide, NOW_MS, VBALLOON_DECIDE_FOREVER);
	vballoon_decide_add_answered(&decide, 100, 100, NOW_MS);
	assert_acts(&decide, NOW_MS, VBALLOON_DECIDE_WITHDRAW, 80);
}

static void a_clock_near_its_end_does_not_wrap_into_a_hot_loop(void **state)
{
	struct vballoon_decide decide = greeted(0, 100);

	(void)state;
	vballoon_decide_no_memory(&decide, UINT64_MAX - 10);
	assert_idle(&decide, UINT64_MAX - 10, 10);
}

static void counts_never_fall_below_zero(void **state)
{
	struct vballoon_decide decide = greeted(10, 0);

	(void)state;
	vballoon_decide_withdraw_sent(&decide, 10);
	vballoon_decide_withdraw_answered(&decide, 11, 0, NOW_MS);
	assert_int_equal(decide.held, 0);
	vballoon_decide_add_answered(&decide, 5, 9, NOW_MS);
	assert_int_equal(decide.adding, 0);
	assert_int_equal(decide.held, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_sent_before_hello_is_answered),
		cmocka_unit_test(a_record_that_differs_is_not_taken_for_ours),
		cmocka_unit_test(hello_again_holds_everything_back_until_it_is_answered),
		cmocka_unit_test(starting_over_empties_the_balloon_and_keeps_the_target),
		cmocka_unit_test(pages_in_flight_are_not_added_twice),
		cmocka_unit_test(a_refused_add_waits_a_second),
		cmocka_unit_test(a_target_above_memory_is_tried_once_a_second),
		cmocka_unit_test(a_balloon_above_its_target_is_withdrawn),
		cmocka_unit_test(one_withdraw_is_in_flight_at_a_time),
		cmocka_unit_test(a_raised_target_waits_for_the_withdraw_in_flight),
		cmocka_unit_test(a_short_answer_is_final_for_a_second),
		cmocka_unit_test(an_answer_without_room_for_more_is_not_short),
		cmocka_unit_test(an_empty_answer_never_makes_a_hot_loop),
		cmocka_unit_test(a_resize_clears_the_wait_after_a_short_answer),
		cmocka_unit_test(a_withdraw_for_pressure_stops_adding_for_ten_seconds),
		cmocka_unit_test(pressure_that_lasts_is_counted_from_its_end),
		cmocka_unit_test(a_want_of_memory_does_not_shorten_the_wait_after_pressure),
		cmocka_unit_test(a_resize_ends_the_wait_after_pressure),
		cmocka_unit_test(pressure_does_not_keep_pages_in_the_balloon),
		cmocka_unit_test(less_than_a_unit_is_left_alone),
		cmocka_unit_test(a_lowered_target_waits_for_the_adds_in_flight),
		cmocka_unit_test(a_clock_near_its_end_does_not_wrap_into_a_hot_loop),
		cmocka_unit_test(counts_never_fall_below_zero),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
