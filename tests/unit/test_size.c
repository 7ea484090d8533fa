// SPDX-License-Identifier: BSD-3-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "control/size.h"

static uint64_t parsed(const char *text)
{
	uint64_t bytes = 0;

	assert_int_equal(vballoon_size_parse(text, &bytes), 0);
	return bytes;
}

static int refused(const char *text)
{
	uint64_t bytes = 42;
	int err = vballoon_size_parse(text, &bytes);

	assert_int_equal(bytes, 42);
	return err;
}

static void plain_digits_are_bytes(void **state)
{
	(void)state;
	assert_int_equal(parsed("0"), 0);
	assert_int_equal(parsed("4096"), 4096);
	assert_int_equal(parsed("0004096"), 4096);
}

static void units_are_powers_of_1024(void **state)
{
	(void)state;
	assert_int_equal(parsed("4K"), 4096);
	assert_int_equal(parsed("512M"), 512 * UINT64_C(1048576));
	assert_int_equal(parsed("2G"), UINT64_C(2147483648));
	assert_int_equal(parsed("1T"), UINT64_C(1099511627776));
}

static void units_are_read_in_either_case(void **state)
{
	(void)state;
	assert_int_equal(parsed("3g"), parsed("3G"));
	assert_int_equal(parsed("7k"), parsed("7K"));
}

static void units_may_be_spelt_out(void **state)
{
	(void)state;
	assert_int_equal(parsed("5MiB"), parsed("5M"));
	assert_int_equal(refused("5MB"), -EINVAL);
	assert_int_equal(refused("5Mi"), -EINVAL);
	assert_int_equal(refused("5iB"), -EINVAL);
}

static void nothing_is_no_size(void **state)
{
	(void)state;
	assert_int_equal(refused(""), -EINVAL);
	assert_int_equal(refused("G"), -EINVAL);
	assert_int_equal(refused(" "), -EINVAL);
}

static void a_sign_is_no_part_of_a_size(void **state)
{
	(void)state;
	assert_int_equal(refused("-1"), -EINVAL);
	assert_int_equal(refused("+1"), -EINVAL);
}

static void an_unknown_unit_is_refused(void **state)
{
	(void)state;
	assert_int_equal(refused("2X"), -EINVAL);
	assert_int_equal(refused("2GG"), -EINVAL);
	assert_int_equal(refused("2 G"), -EINVAL);
	assert_int_equal(refused("1.5G"), -EINVAL);
	assert_int_equal(refused("0x10"), -EINVAL);
}

static void the_largest_size_is_read_and_one_more_is_out_of_range(void **state)
{
	(void)state;
	assert_true(parsed("18446744073709551615") == UINT64_MAX);
	assert_int_equal(refused("18446744073709551616"), -ERANGE);
	assert_int_equal(refused("99999999999999999999999"), -ERANGE);
}

static void a_unit_that_overflows_is_out_of_range(void **state)
{
	(void)state;
	assert_true(parsed("16777215T") == UINT64_C(16777215) << 40);
	assert_int_equal(refused("16777216T"), -ERANGE);
	assert_int_equal(refused("18446744073709551615K"), -ERANGE);
}

static void a_wrong_unit_is_told_before_a_number_out_of_range(void **state)
{
	(void)state;
	assert_int_equal(refused("99999999999999999999999X"), -EINVAL);
	assert_int_equal(refused("99999999999999999999999K"), -ERANGE);
}

static void a_percentage_is_from_0_to_100(void **state)
{
	unsigned int percent = 7;

	(void)state;
	assert_int_equal(vballoon_size_parse_percent("0%", &percent), 0);
	assert_int_equal(percent, 0);
	assert_int_equal(vballoon_size_parse_percent("100%", &percent), 0);
	assert_int_equal(percent, 100);
	assert_int_equal(vballoon_size_parse_percent("101%", &percent), -ERANGE);
	assert_int_equal(vballoon_size_parse_percent("18446744073709551617%", &percent), -ERANGE);
	assert_int_equal(percent, 100);
}

static void a_percentage_needs_its_sign_and_nothing_else(void **state)
{
	unsigned int percent;

	(void)state;
	assert_int_equal(vballoon_size_parse_percent("50", &percent), -EINVAL);
	assert_int_equal(vballoon_size_parse_percent("%", &percent), -EINVAL);
	assert_int_equal(vballoon_size_parse_percent("50%%", &percent), -EINVAL);
	assert_int_equal(vballoon_size_parse_percent("-5%", &percent), -EINVAL);
}

static void a_size_is_printed_in_its_largest_unit(void **state)
{
	char text[VBALLOON_SIZE_TEXT_BYTES];

	(void)state;
	assert_string_equal(vballoon_size_format(0, text), "0 B");
	assert_string_equal(vballoon_size_format(1023, text), "1023 B");
	assert_string_equal(vballoon_size_format(4096, text), "4 KiB");
	assert_string_equal(vballoon_size_format(512 << 20, text), "512 MiB");
	assert_string_equal(vballoon_size_format(UINT64_C(2) << 30, text), "2 GiB");
	assert_string_equal(vballoon_size_format(UINT64_C(3) << 40, text), "3 TiB");
}

static void fractions_are_printed_in_hundredths_rounded_down(void **state)
{
	char text[VBALLOON_SIZE_TEXT_BYTES];

	(void)state;
	assert_string_equal(vballoon_size_format(1536, text), "1.5 KiB");
	assert_string_equal(vballoon_size_format(1024 + 1024 / 20, text), "1.04 KiB");
	assert_string_equal(vballoon_size_format((1 << 20) - 1, text), "1023.99 KiB");
	assert_string_equal(vballoon_size_format(1025, text), "1 KiB");
}

static void the_largest_size_is_printed(void **state)
{
	char text[VBALLOON_SIZE_TEXT_BYTES];

	(void)state;
	assert_string_equal(vballoon_size_format(UINT64_MAX, text), "16777215.99 TiB");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_digits_are_bytes),
		cmocka_unit_test(units_are_powers_of_1024),
		cmocka_unit_test(units_are_read_in_either_case),
		cmocka_unit_test(units_may_be_spelt_out),
		cmocka_unit_test(nothing_is_no_size),
		cmocka_unit_test(a_sign_is_no_part_of_a_size),
		cmocka_unit_test(an_unknown_unit_is_refused),
		cmocka_unit_test(the_largest_size_is_read_and_one_more_is_out_of_range),
		cmocka_unit_test(a_unit_that_overflows_is_out_of_range),
		cmocka_unit_test(a_wrong_unit_is_told_before_a_number_out_of_range),
		cmocka_unit_test(a_percentage_is_from_0_to_100),
		cmocka_unit_test(a_percentage_needs_its_sign_and_nothing_else),
		cmocka_unit_test(a_size_is_printed_in_its_largest_unit),
		cmocka_unit_test(fractions_are_printed_in_hundredths_rounded_down),
		cmocka_unit_test(the_largest_size_is_printed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
