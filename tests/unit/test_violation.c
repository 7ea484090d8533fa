/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <vballoon/violation.h>

static void every_violation_has_a_text(void **state)
{
	(void)state;
	for (unsigned int v = 0; v < VBALLOON_VIOLATION_COUNT; v++)
		assert_non_null(vballoon_violation_text((enum vballoon_violation)v));
}

static void no_two_violations_have_the_same_name(void **state)
{
	(void)state;
	for (unsigned int a = 0; a < VBALLOON_VIOLATION_COUNT; a++)
		for (unsigned int b = 0; b < a; b++)
			assert_string_not_equal(
				vballoon_violation_name((enum vballoon_violation)a),
				vballoon_violation_name((enum vballoon_violation)b));
}

static void a_name_is_of_lower_case_letters_and_dashes(void **state)
{
	(void)state;
	for (unsigned int v = 0; v < VBALLOON_VIOLATION_COUNT; v++) {
		const char *name = vballoon_violation_name((enum vballoon_violation)v);

		assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz-"), strlen(name));
	}
}

static void a_number_that_is_no_violation_is_told_as_such(void **state)
{
	(void)state;
	assert_string_equal(vballoon_violation_name(VBALLOON_VIOLATION_COUNT), "unknown");
	assert_string_equal(vballoon_violation_text(VBALLOON_VIOLATION_COUNT),
			    "not a known violation");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_violation_has_a_text),
		cmocka_unit_test(no_two_violations_have_the_same_name),
		cmocka_unit_test(a_name_is_of_lower_case_letters_and_dashes),
		cmocka_unit_test(a_number_that_is_no_violation_is_told_as_such),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
