// SPDX-License-Identifier: BSD-3-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/progress.h"

static void a_bar_is_filled_as_far_as_it_is(void **state)
{
	char text[13];

	(void)state;
	assert_string_equal(vballoon_progress_bar(text, 12, 0, 10), "[----------]");
	assert_string_equal(vballoon_progress_bar(text, 12, 5, 10), "[#####-----]");
	assert_string_equal(vballoon_progress_bar(text, 12, 10, 10), "[##########]");
}

static void a_bar_is_full_only_at_the_end(void **state)
{
	char text[13];

	(void)state;
	assert_string_equal(vballoon_progress_bar(text, 12, 999, 1000), "[#########-]");
}

static void beyond_the_end_and_nothing_to_do_are_full_bars(void **state)
{
	char text[13];

	(void)state;
	assert_string_equal(vballoon_progress_bar(text, 12, 11, 10), "[##########]");
	assert_string_equal(vballoon_progress_bar(text, 12, 0, 0), "[##########]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bar_is_filled_as_far_as_it_is),
		cmocka_unit_test(a_bar_is_full_only_at_the_end),
		cmocka_unit_test(beyond_the_end_and_nothing_to_do_are_full_bars),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
