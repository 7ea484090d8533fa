// SPDX-License-Identifier: BSD-3-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "cli/chart.h"

static int set_up(void **state)
{
	static struct vballoon_chart chart;

	memset(&chart, 0, sizeof(chart));
	*state = &chart;
	return 0;
}

static void assert_line(const struct vballoon_chart *chart, size_t row, size_t rows, bool braille,
			const char *wanted)
{
	char text[VBALLOON_CHART_LINE_BYTES(4)];

	vballoon_chart_line(chart, 12, row, rows, 4, braille, text);
	assert_string_equal(text, wanted);
}

static void the_newest_is_at_the_right(void **state)
{
	vballoon_chart_add(*state, 4);
	vballoon_chart_add(*state, 8);
	vballoon_chart_add(*state, 12);
	assert_line(*state, 0, 1, false, " .:#");
}

static void what_is_high_goes_through_several_rows(void **state)
{
	vballoon_chart_add(*state, 6);
	vballoon_chart_add(*state, 8);
	vballoon_chart_add(*state, 12);
	assert_line(*state, 0, 2, false, "  .#");
	assert_line(*state, 1, 2, false, " ###");
}

static void a_character_of_braille_has_two_values(void **state)
{
	vballoon_chart_add(*state, 3);
	vballoon_chart_add(*state, 12);
	assert_line(*state, 0, 1, true, "\u2800\u2800\u2800\u28f8");
	assert_int_equal(vballoon_chart_values_shown(4, true), 8);
}

static void a_little_is_seen_and_nothing_is_not(void **state)
{
	vballoon_chart_add(*state, 1);
	vballoon_chart_add(*state, 0);
	assert_line(*state, 0, 1, false, "  . ");
}

static void what_is_beyond_the_scale_reaches_the_top(void **state)
{
	vballoon_chart_add(*state, 99);
	assert_line(*state, 0, 1, false, "   #");
}

static void a_scale_of_nothing_is_empty(void **state)
{
	char text[VBALLOON_CHART_LINE_BYTES(2)];

	vballoon_chart_add(*state, 5);
	vballoon_chart_line(*state, 0, 0, 1, 2, false, text);
	assert_string_equal(text, "  ");
}

static void the_oldest_are_forgotten(void **state)
{
	struct vballoon_chart *chart = *state;
	unsigned int i;

	for (i = 0; i < VBALLOON_CHART_VALUES_MAX; i++)
		vballoon_chart_add(chart, 0);
	vballoon_chart_add(chart, 12);
	assert_int_equal(chart->count, VBALLOON_CHART_VALUES_MAX);
	assert_line(chart, 0, 1, false, "   #");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_newest_is_at_the_right, set_up),
		cmocka_unit_test_setup(what_is_high_goes_through_several_rows, set_up),
		cmocka_unit_test_setup(a_character_of_braille_has_two_values, set_up),
		cmocka_unit_test_setup(a_little_is_seen_and_nothing_is_not, set_up),
		cmocka_unit_test_setup(what_is_beyond_the_scale_reaches_the_top, set_up),
		cmocka_unit_test_setup(a_scale_of_nothing_is_empty, set_up),
		cmocka_unit_test_setup(the_oldest_are_forgotten, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
