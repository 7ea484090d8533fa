// SPDX-License-Identifier: BSD-3-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/view.h"

static const struct vballoon_view settled = {
	.state = VBALLOON_STATE_READY,
	.page_shift = 12,
	.target_pages = 10,
	.device.balloon_pages = 10,
	.device.dropped_pages = 10,
};

static void held_as_much_as_the_target_is_settled(void **state)
{
	struct vballoon_view view = settled;

	(void)state;
	assert_true(vballoon_view_is_settled(&view));
	view.device.balloon_pages = 9;
	assert_false(vballoon_view_is_settled(&view));
	view.device.balloon_pages = 11;
	assert_false(vballoon_view_is_settled(&view));
}

static void work_that_is_left_is_not_settled(void **state)
{
	struct vballoon_view view = settled;

	(void)state;
	view.work_left = true;
	assert_false(vballoon_view_is_settled(&view));
}

static void pages_that_can_never_be_dropped_are_no_reason_to_wait(void **state)
{
	struct vballoon_view view = settled;

	(void)state;
	view.device.dropped_pages = 4;
	view.device.waiting_pages = 6;
	assert_true(vballoon_view_is_settled(&view));
}

static void a_record_of_a_guest_that_is_paused_is_not_settled(void **state)
{
	struct vballoon_view view = settled;

	(void)state;
	view.state = VBALLOON_STATE_PAUSED;
	assert_false(vballoon_view_is_settled(&view));
	view.state = VBALLOON_STATE_STOPPED;
	assert_false(vballoon_view_is_settled(&view));
}

static void an_empty_balloon_needs_no_driver_to_be_empty(void **state)
{
	struct vballoon_view view = { .state = VBALLOON_STATE_NO_FRONT_END, .page_shift = 12 };

	(void)state;
	assert_true(vballoon_view_is_settled(&view));
	view.state = VBALLOON_STATE_NO_DRIVER;
	assert_true(vballoon_view_is_settled(&view));
	view.target_pages = 1;
	assert_false(vballoon_view_is_settled(&view));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(held_as_much_as_the_target_is_settled),
		cmocka_unit_test(work_that_is_left_is_not_settled),
		cmocka_unit_test(pages_that_can_never_be_dropped_are_no_reason_to_wait),
		cmocka_unit_test(a_record_of_a_guest_that_is_paused_is_not_settled),
		cmocka_unit_test(an_empty_balloon_needs_no_driver_to_be_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
