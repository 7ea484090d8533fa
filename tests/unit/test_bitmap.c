/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/bitmap.h"

#define BITS 320
#define WORDS (BITS / 64)

/* Of a range that is longer than what is looked at together. */
#define LONG_WORDS 11
#define LONG_BITS (LONG_WORDS * 64)

/* Every range of a few words, compared with a bit at a time, costs little: the
 * ends of a range are where a bitmap goes wrong. */
#define for_each_range(first, count)                                                               \
	for (uint64_t first = 0; first < BITS; first++)                                            \
		for (uint64_t count = 0; first + count <= BITS; count++)

static bool bit(const uint64_t *words, uint64_t index)
{
	return words[index / 64] >> (index % 64) & 1;
}

/* Whether the bits of the range are @inside, and all others are not. */
static bool is_range(const uint64_t *words, uint64_t first, uint64_t count, bool inside)
{
	for (uint64_t i = 0; i < BITS; i++) {
		if (bit(words, i) != (i >= first && i < first + count ? inside : !inside))
			return false;
	}
	return true;
}

static void setting_a_range_sets_it_and_nothing_else(void **state)
{
	(void)state;
	for_each_range(first, count)
	{
		uint64_t words[WORDS] = { 0 };

		vballoon_bitmap_set(words, first, count);
		assert_true(is_range(words, first, count, true));
	}
}

static void clearing_a_range_clears_it_and_nothing_else(void **state)
{
	(void)state;
	for_each_range(first, count)
	{
		uint64_t words[WORDS];

		memset(words, 0xff, sizeof(words));
		vballoon_bitmap_clear(words, first, count);
		assert_true(is_range(words, first, count, false));
	}
}

static void counting_finds_the_bits_of_the_range_only(void **state)
{
	uint64_t words[WORDS];

	(void)state;
	memset(words, 0xff, sizeof(words));
	for_each_range(first, count)
		assert_int_equal(vballoon_bitmap_count(words, first, count), count);
	vballoon_bitmap_clear(words, 100, 10);
	assert_int_equal(vballoon_bitmap_count(words, 105, 100), 95);
}

static void one_missing_bit_anywhere_makes_a_range_incomplete(void **state)
{
	uint64_t words[WORDS];

	(void)state;
	for (uint64_t missing = 0; missing < BITS; missing++) {
		memset(words, 0xff, sizeof(words));
		vballoon_bitmap_clear(words, missing, 1);
		assert_true(vballoon_bitmap_all(words, 0, missing));
		assert_false(vballoon_bitmap_all(words, 0, missing + 1));
		assert_true(vballoon_bitmap_all(words, missing + 1, BITS - missing - 1));
	}
}

static void the_next_bit_is_found_within_the_bounds_only(void **state)
{
	uint64_t words[WORDS] = { 0 };
	struct vballoon_bits bits = { .set = words };

	(void)state;
	vballoon_bitmap_set(words, 130, 1);
	assert_int_equal(vballoon_bits_next(bits, 0, BITS), 130);
	assert_int_equal(vballoon_bits_next(bits, 130, 131), 130);
	assert_int_equal(vballoon_bits_next(bits, 0, 130), 130);
	assert_int_equal(vballoon_bits_next(bits, 0, 129), 129);
	assert_int_equal(vballoon_bits_next(bits, 131, BITS), BITS);
	assert_int_equal(vballoon_bits_next(bits, BITS, BITS), BITS);
}

static void the_end_of_a_run_is_found_across_words(void **state)
{
	uint64_t words[WORDS] = { 0 };
	struct vballoon_bits bits = { .set = words };

	(void)state;
	vballoon_bitmap_set(words, 60, 200);
	assert_int_equal(vballoon_bits_next_missing(bits, 60, BITS), 260);
	assert_int_equal(vballoon_bits_next_missing(bits, 60, 250), 250);
	assert_int_equal(vballoon_bits_next_missing(bits, 0, BITS), 0);
}

static void a_bit_that_is_excepted_does_not_belong(void **state)
{
	uint64_t set[WORDS] = { 0 }, except[WORDS] = { 0 };
	struct vballoon_bits bits = { .set = set, .except = except };

	(void)state;
	vballoon_bitmap_set(set, 10, 100);
	vballoon_bitmap_set(except, 10, 20);
	vballoon_bitmap_set(except, 90, 1);
	assert_int_equal(vballoon_bits_next(bits, 0, BITS), 30);
	assert_int_equal(vballoon_bits_next_missing(bits, 30, BITS), 90);
}

/* Words are looked at some at a time: one bit that is different, at every place of a long range,
 * looked for from every word before it, with the range ending behind it, at it and beyond it. */
static void a_bit_that_differs_is_found_at_every_place_of_a_long_range(void **state)
{
	uint64_t none[LONG_WORDS] = { 0 }, one[LONG_WORDS], all[LONG_WORDS];
	const struct vballoon_bits among_none = { .set = one };
	const struct vballoon_bits among_all = { .set = all };
	const struct vballoon_bits excepted = { .set = all, .except = none };
	const struct vballoon_bits left = { .set = none, .except = all };

	(void)state;
	for (uint64_t at = 0; at < LONG_BITS; at++) {
		memset(one, 0, sizeof(one));
		vballoon_bitmap_set(one, at, 1);
		memset(all, 0xff, sizeof(all));
		vballoon_bitmap_clear(all, at, 1);
		for (uint64_t from = at % 64; from <= at; from += 64) {
			assert_int_equal(vballoon_bits_next(among_none, from, LONG_BITS), at);
			assert_int_equal(vballoon_bits_next(among_none, from, at + 1), at);
			assert_int_equal(vballoon_bits_next(among_none, from, at), at);
			assert_int_equal(vballoon_bits_next_missing(among_all, from, LONG_BITS),
					 at);
			assert_int_equal(vballoon_bits_next_missing(excepted, from, at + 1), at);
			assert_int_equal(vballoon_bits_next(left, from, LONG_BITS), LONG_BITS);
		}
	}
}

/* A guest of 1 TiB: 2^28 pages of 4 KiB. */
static void a_terabyte_of_pages_is_set_counted_and_scanned_well_under_a_second(void **state)
{
	uint64_t pages = UINT64_C(1) << 28;
	uint64_t *words = calloc(pages / 64, sizeof(*words));
	struct vballoon_bits bits = { .set = words };
	struct timespec begin, end;
	int64_t ms;

	(void)state;
	assert_non_null(words);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
	vballoon_bitmap_set(words, 0, pages);
	assert_int_equal(vballoon_bitmap_count(words, 0, pages), pages);
	assert_int_equal(vballoon_bits_next_missing(bits, 0, pages), pages);
	vballoon_bitmap_clear(words, 0, pages);
	assert_int_equal(vballoon_bits_next(bits, 0, pages), pages);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
	ms = (end.tv_sec - begin.tv_sec) * 1000 + (end.tv_nsec - begin.tv_nsec) / 1000000;
	assert_true(ms < 800);
	free(words);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(setting_a_range_sets_it_and_nothing_else),
		cmocka_unit_test(clearing_a_range_clears_it_and_nothing_else),
		cmocka_unit_test(counting_finds_the_bits_of_the_range_only),
		cmocka_unit_test(one_missing_bit_anywhere_makes_a_range_incomplete),
		cmocka_unit_test(the_next_bit_is_found_within_the_bounds_only),
		cmocka_unit_test(the_end_of_a_run_is_found_across_words),
		cmocka_unit_test(a_bit_that_is_excepted_does_not_belong),
		cmocka_unit_test(a_bit_that_differs_is_found_at_every_place_of_a_long_range),
		cmocka_unit_test(
			a_terabyte_of_pages_is_set_counted_and_scanned_well_under_a_second),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
