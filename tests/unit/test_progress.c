// SPDX-License-Identifier: BSD-3-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <unistd.h>

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

static void a_line_says_what_is_counted(void **state)
{
	struct vballoon_progress progress = { 0 };
	char text[128] = "";
	int kept = dup(STDERR_FILENO);
	FILE *log = tmpfile();

	(void)state;
	assert_non_null(log);
	dup2(fileno(log), STDERR_FILENO);
	vballoon_progress_begin(&progress, 0, 0, "are in the balloon");
	vballoon_progress_show(&progress, 9999, 4096, 8192);
	vballoon_progress_show(&progress, 10000, 4096, 8192);
	dup2(kept, STDERR_FILENO);
	close(kept);
	rewind(log);
	assert_non_null(fgets(text, sizeof(text), log));
	assert_string_equal(text, "4 KiB of 8 KiB are in the balloon\n");
	assert_null(fgets(text, sizeof(text), log));
	fclose(log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bar_is_filled_as_far_as_it_is),
		cmocka_unit_test(a_bar_is_full_only_at_the_end),
		cmocka_unit_test(beyond_the_end_and_nothing_to_do_are_full_bars),
		cmocka_unit_test(a_line_says_what_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
