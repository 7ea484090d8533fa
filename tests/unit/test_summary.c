/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "device/summary.h"

static struct vballoon_summary summary;
static struct vballoon_run chunk;

static bool next(uint64_t from)
{
	return vballoon_summary_next(&summary, VBALLOON_HINT_HELD, from, &chunk);
}

static void a_terabyte_has_no_more_chunks_than_there_are_bits(void **state)
{
	(void)state;
	vballoon_summary_init(&summary, UINT64_C(1) << 28, 12, 1);
	assert_int_equal(summary.chunks, VBALLOON_SUMMARY_CHUNKS);
	vballoon_summary_init(&summary, (UINT64_C(1) << 28) + 1, 12, 1);
	assert_in_range(summary.chunks, 1, VBALLOON_SUMMARY_CHUNKS);
}

static void a_chunk_has_16_mib_and_64_host_pages_unless_these_are_gigantic(void **state)
{
	(void)state;
	vballoon_summary_init(&summary, 1 << 20, 12, 1);
	assert_int_equal(summary.chunk_shift, 12);
	vballoon_summary_init(&summary, 1 << 20, 12, 1 << 9);
	assert_int_equal(summary.chunk_shift, 15);
	vballoon_summary_init(&summary, 1 << 20, 12, 1 << 12);
	assert_int_equal(summary.chunk_shift, 18);
	vballoon_summary_init(&summary, 1 << 20, 12, 1 << 13);
	assert_int_equal(summary.chunk_shift, 18);
	vballoon_summary_init(&summary, 1 << 20, 12, 1 << 18);
	assert_int_equal(summary.chunk_shift, 18);
	vballoon_summary_init(&summary, 1 << 20, 12, 1 << 19);
	assert_int_equal(summary.chunk_shift, 19);
	vballoon_summary_init(&summary, 1, 30, 1);
	assert_int_equal(summary.chunks, 1);
}

static void pages_are_hinted_in_every_chunk_that_they_touch(void **state)
{
	(void)state;
	vballoon_summary_init(&summary, 10 * 4096, 12, 1);
	assert_false(next(0));
	vballoon_summary_added(&summary, 2 * 4096 - 1, 4096 + 2);
	assert_true(next(0));
	assert_int_equal(chunk.first, 4096);
	assert_true(next(2 * 4096));
	assert_int_equal(chunk.first, 2 * 4096);
	assert_true(next(3 * 4096));
	assert_int_equal(chunk.first, 3 * 4096);
	assert_false(next(4 * 4096));
}

static void a_chunk_is_found_from_its_midst_on(void **state)
{
	(void)state;
	vballoon_summary_init(&summary, 10 * 4096, 12, 1);
	vballoon_summary_added(&summary, 4096, 1);
	assert_true(next(4096 + 4095));
	assert_int_equal(chunk.first, 4096);
}

static void the_last_chunk_ends_with_the_region(void **state)
{
	(void)state;
	vballoon_summary_init(&summary, 4096 + 7, 12, 1);
	vballoon_summary_added(&summary, 4096, 7);
	assert_true(next(0));
	assert_int_equal(chunk.first, 4096);
	assert_int_equal(chunk.count, 7);
	assert_false(next(4096 + 7));
}

static void a_hint_that_is_cleared_leaves_the_others(void **state)
{
	(void)state;
	vballoon_summary_init(&summary, 10 * 4096, 12, 1);
	vballoon_summary_added(&summary, 0, 2 * 4096);
	vballoon_summary_clear(&summary, VBALLOON_HINT_HELD, 100);
	assert_true(next(0));
	assert_int_equal(chunk.first, 4096);
	assert_true(vballoon_summary_next(&summary, VBALLOON_HINT_PENDING, 0, &chunk));
	assert_int_equal(chunk.first, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_terabyte_has_no_more_chunks_than_there_are_bits),
		cmocka_unit_test(a_chunk_has_16_mib_and_64_host_pages_unless_these_are_gigantic),
		cmocka_unit_test(pages_are_hinted_in_every_chunk_that_they_touch),
		cmocka_unit_test(a_chunk_is_found_from_its_midst_on),
		cmocka_unit_test(the_last_chunk_ends_with_the_region),
		cmocka_unit_test(a_hint_that_is_cleared_leaves_the_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
