// SPDX-License-Identifier: BSD-3-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/wanted.h"

static void a_part_is_of_all_the_memory(void **state)
{
	(void)state;
	assert_int_equal(vballoon_wanted_part(1 << 30, 25), 1 << 28);
	assert_int_equal(vballoon_wanted_part(1 << 30, 0), 0);
}

static void a_part_is_rounded_down_once(void **state)
{
	(void)state;
	assert_int_equal(vballoon_wanted_part(199, 50), 99);
	assert_int_equal(vballoon_wanted_part(12288, 100), 12288);
}

static void a_part_of_the_largest_memory_does_not_overflow(void **state)
{
	(void)state;
	assert_true(vballoon_wanted_part(UINT64_MAX, 100) == UINT64_MAX);
}

static void what_the_guest_keeps_is_never_less_than_was_said(void **state)
{
	const struct vballoon_wanted_memory memory = { 1 << 20, 4096 };

	(void)state;
	assert_int_equal(vballoon_wanted_balloon(&memory, 5000), (1 << 20) - 8192);
	assert_int_equal(vballoon_wanted_balloon(&memory, 8192), (1 << 20) - 8192);
}

static void keeping_everything_is_an_empty_balloon(void **state)
{
	const struct vballoon_wanted_memory memory = { 1 << 20, 4096 };

	(void)state;
	assert_int_equal(vballoon_wanted_balloon(&memory, 1 << 20), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_part_is_of_all_the_memory),
		cmocka_unit_test(a_part_is_rounded_down_once),
		cmocka_unit_test(a_part_of_the_largest_memory_does_not_overflow),
		cmocka_unit_test(what_the_guest_keeps_is_never_less_than_was_said),
		cmocka_unit_test(keeping_everything_is_an_empty_balloon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
