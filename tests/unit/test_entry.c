/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/entry.h"

static const struct vballoon_entry_format single = { .page_shift = 12, .unit_shift = 12 };
static const struct vballoon_entry_format runs = { .page_shift = 12,
						   .unit_shift = 12,
						   .runs = true };
static const struct vballoon_entry_format huge = { .page_shift = 12,
						   .unit_shift = 21,
						   .runs = true };

static void without_runs_an_entry_is_one_unit(void **state)
{
	struct vballoon_entry entry = vballoon_entry_decode(&single, 0x5000);

	(void)state;
	assert_int_equal(entry.gpa, 0x5000);
	assert_int_equal(entry.units, 1);
	assert_true(entry.aligned);
	assert_false(entry.wraps);
}

/* Proves DEV-RUNS-2. */
static void without_runs_low_bits_are_a_misalignment(void **state)
{
	(void)state;
	assert_false(vballoon_entry_decode(&single, 0x5001).aligned);
}

/* Proves DEV-RUNS-1. */
static void with_runs_the_low_bits_count_units_less_one(void **state)
{
	struct vballoon_entry entry = vballoon_entry_decode(&runs, 0x5fff);

	(void)state;
	assert_int_equal(entry.gpa, 0x5000);
	assert_int_equal(entry.units, 4096);
	assert_true(entry.aligned);
}

static void the_bits_between_page_and_unit_must_be_zero(void **state)
{
	(void)state;
	assert_true(vballoon_entry_decode(&huge, 0x200001).aligned);
	assert_int_equal(vballoon_entry_decode(&huge, 0x200001).units, 2);
	assert_false(vballoon_entry_decode(&huge, 0x201000).aligned);
}

/* Proves DEV-RUNS-3. */
static void a_run_past_the_end_of_addresses_wraps(void **state)
{
	(void)state;
	assert_false(vballoon_entry_decode(&runs, UINT64_MAX - 0x1fff).wraps);
	assert_true(vballoon_entry_decode(&runs, UINT64_MAX - 0x1ffe).wraps);
}

static void what_is_encoded_decodes_to_itself(void **state)
{
	struct vballoon_entry entry =
		vballoon_entry_decode(&huge, vballoon_entry_encode(0x40000000, 512));

	(void)state;
	assert_int_equal(entry.gpa, 0x40000000);
	assert_int_equal(entry.units, 512);
	assert_int_equal(vballoon_entry_units_max(&huge), 4096);
	assert_int_equal(vballoon_entry_units_max(&single), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_runs_an_entry_is_one_unit),
		cmocka_unit_test(without_runs_low_bits_are_a_misalignment),
		cmocka_unit_test(with_runs_the_low_bits_count_units_less_one),
		cmocka_unit_test(the_bits_between_page_and_unit_must_be_zero),
		cmocka_unit_test(a_run_past_the_end_of_addresses_wraps),
		cmocka_unit_test(what_is_encoded_decodes_to_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
