// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "control/span.h"

static uint64_t parsed(const char *text)
{
	uint64_t ms = 0;

	assert_int_equal(vballoon_span_parse(text, &ms), 0);
	return ms;
}

static void each_unit_is_what_it_says(void **state)
{
	(void)state;
	assert_int_equal(parsed("7ms"), 7);
	assert_int_equal(parsed("7s"), 7000);
	assert_int_equal(parsed("7m"), 7 * 60000);
	assert_int_equal(parsed("7h"), 7 * 3600000);
}

static void a_number_alone_is_seconds(void **state)
{
	(void)state;
	assert_int_equal(parsed("10"), 10000);
	assert_int_equal(parsed("0"), 0);
}

static void what_is_no_span_is_refused(void **state)
{
	static const char *const texts[] = { "", "s", "-1s", "1 s", "1sec", "1.5s", "1S", "1d" };
	uint64_t ms = 42;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(vballoon_span_parse(texts[i], &ms), -EINVAL);
	assert_int_equal(ms, 42);
}

static void what_is_too_long_is_out_of_range(void **state)
{
	uint64_t ms;

	(void)state;
	assert_int_equal(vballoon_span_parse("99999999999999999999ms", &ms), -ERANGE);
	assert_int_equal(vballoon_span_parse("18446744073709551615s", &ms), -ERANGE);
	assert_int_equal(vballoon_span_parse("18446744073709551615ms", &ms), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_unit_is_what_it_says),
		cmocka_unit_test(a_number_alone_is_seconds),
		cmocka_unit_test(what_is_no_span_is_refused),
		cmocka_unit_test(what_is_too_long_is_out_of_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
