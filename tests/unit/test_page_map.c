/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "state/page_map.h"

#define PAGES 1000 /* no whole number of words */
#define HOST_PAGE_SHIFT 15 /* eight balloon pages */
#define HOST_PAGES 8

static struct vballoon_page_map map;
static size_t map_bytes;

static int setup(void **state)
{
	map_bytes = vballoon_page_map_size(PAGES);
	*state = malloc(map_bytes);
	if (!*state)
		return -1;
	memset(*state, 0xa5, map_bytes);
	vballoon_page_map_init(*state, 0x100000, PAGES, 12, HOST_PAGE_SHIFT);
	map = vballoon_page_map_open(*state);
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static void a_gibibyte_takes_64_kib_and_a_header(void **state)
{
	(void)state;
	assert_int_equal(vballoon_page_map_size(1 << 18), 64 * 1024 + 64);
	assert_int_equal(vballoon_page_map_size(1), 64 + 16);
}

static void a_map_of_nothing_has_no_size_and_the_largest_does_not_wrap(void **state)
{
	(void)state;
	assert_int_equal(vballoon_page_map_size(0), 0);
	assert_int_equal(vballoon_page_map_size(UINT64_MAX), UINT64_C(1) << 62 | 64);
}

static void the_layout_is_the_one_that_is_documented(void **state)
{
	const uint64_t *words = *state;

	vballoon_page_map_hold(&map, 65, 1);
	vballoon_page_map_drop(&map, 64, 8);
	assert_memory_equal(words, "vballmap", 8);
	assert_int_equal(words[1], UINT64_C(12) << 32 | 1);
	assert_int_equal(words[2], 0x100000);
	assert_int_equal(words[3], PAGES);
	assert_int_equal(words[4], HOST_PAGE_SHIFT);
	assert_int_equal(words[5], 1);
	assert_int_equal(words[6], 8);
	assert_int_equal(words[8 + 1], 2);
	assert_int_equal(words[8 + 16 + 1], 0xff);
}

static void holding_a_page_again_counts_it_once(void **state)
{
	(void)state;
	assert_int_equal(vballoon_page_map_hold(&map, 10, 20), 20);
	assert_int_equal(vballoon_page_map_hold(&map, 5, 20), 5);
	assert_int_equal(map.header->held_pages, 25);
}

static void undropping_one_page_undrops_its_whole_host_page(void **state)
{
	(void)state;
	vballoon_page_map_hold(&map, 0, 32);
	vballoon_page_map_drop(&map, 0, 32);
	vballoon_page_map_undrop(&map, 15, 2);
	assert_int_equal(map.header->dropped_pages, 16);
	assert_true(vballoon_bitmap_all(map.dropped, 0, 8));
	assert_true(vballoon_bitmap_all(map.dropped, 24, 8));
}

/* Proves DEV-STATE-9. */
static void a_map_found_after_a_crash_is_counted_anew(void **state)
{
	vballoon_page_map_hold(&map, 0, 24);
	vballoon_page_map_drop(&map, 0, 16);
	/* The crash came between a word and the count, and between held and dropped. */
	map.held[0] &= ~UINT64_C(0xff);
	map.header->held_pages = 77;
	assert_int_equal(
		vballoon_page_map_recover(*state, map_bytes, 0x100000, PAGES, 12, HOST_PAGE_SHIFT),
		0);
	assert_int_equal(map.header->held_pages, 16);
	assert_int_equal(map.header->dropped_pages, 8);
	assert_true(vballoon_bitmap_all(map.dropped, 8, 8));
}

static void bits_beyond_the_last_page_do_not_survive_a_recovery(void **state)
{
	map.held[PAGES / 64] = UINT64_MAX;
	assert_int_equal(
		vballoon_page_map_recover(*state, map_bytes, 0x100000, PAGES, 12, HOST_PAGE_SHIFT),
		0);
	assert_int_equal(map.header->held_pages, PAGES % 64);
}

static void the_map_of_another_region_is_not_recovered(void **state)
{
	assert_int_equal(
		vballoon_page_map_recover(*state, map_bytes, 0x200000, PAGES, 12, HOST_PAGE_SHIFT),
		-EINVAL);
	assert_int_equal(vballoon_page_map_recover(*state, map_bytes, 0x100000, PAGES - 1, 12,
						   HOST_PAGE_SHIFT),
			 -EINVAL);
	assert_int_equal(
		vballoon_page_map_recover(*state, map_bytes, 0x100000, PAGES, 13, HOST_PAGE_SHIFT),
		-EINVAL);
	assert_int_equal(vballoon_page_map_recover(*state, map_bytes, 0x100000, PAGES, 12, 12),
			 -EINVAL);
}

static void a_map_that_is_cut_short_is_not_recovered(void **state)
{
	assert_int_equal(vballoon_page_map_recover(*state, map_bytes - 1, 0x100000, PAGES, 12,
						   HOST_PAGE_SHIFT),
			 -EINVAL);
}

static void another_version_is_not_recovered(void **state)
{
	map.header->version++;
	assert_int_equal(
		vballoon_page_map_recover(*state, map_bytes, 0x100000, PAGES, 12, HOST_PAGE_SHIFT),
		-EINVAL);
}

/* The model: a byte a page. */
static struct {
	bool held[PAGES];
	bool dropped[PAGES];
} model;

static uint32_t random_state = 20240613;

static uint32_t random_below(uint32_t bound)
{
	random_state = random_state * 1664525 + 1013904223;
	return (random_state >> 8) % bound;
}

static bool model_holds(uint64_t first, uint64_t count)
{
	for (uint64_t i = first; i < first + count; i++) {
		if (!model.held[i])
			return false;
	}
	return true;
}

static void model_undrop(uint64_t first, uint64_t count)
{
	uint64_t end = (first + count + HOST_PAGES - 1) / HOST_PAGES * HOST_PAGES;

	for (uint64_t i = first / HOST_PAGES * HOST_PAGES; i < end && i < PAGES; i++)
		model.dropped[i] = false;
}

/* One random step, on the map and on the model, that keeps the map's rules. */
static void step(void)
{
	uint64_t first = random_below(PAGES);
	uint64_t count = 1 + random_below(PAGES - (uint32_t)first);
	uint64_t host_first = first / HOST_PAGES * HOST_PAGES;

	switch (random_below(4)) {
	case 0:
		vballoon_page_map_hold(&map, first, count);
		memset(&model.held[first], true, count);
		break;
	case 1:
		vballoon_page_map_undrop(&map, first, count);
		model_undrop(first, count);
		break;
	case 2:
		if (!model_holds(first, count))
			break;
		vballoon_page_map_undrop(&map, first, count);
		model_undrop(first, count);
		vballoon_page_map_release(&map, first, count);
		memset(&model.held[first], false, count);
		break;
	default:
		if (host_first + HOST_PAGES > PAGES || !model_holds(host_first, HOST_PAGES))
			break;
		vballoon_page_map_drop(&map, host_first, HOST_PAGES);
		memset(&model.dropped[host_first], true, HOST_PAGES);
	}
}

static void after_any_sequence_of_steps_the_map_is_what_a_naive_one_is(void **state)
{
	(void)state;
	memset(&model, 0, sizeof(model));
	for (unsigned int n = 0; n < 3000; n++) {
		uint64_t held = 0, dropped = 0;

		step();
		for (uint64_t i = 0; i < PAGES; i++) {
			assert_int_equal(vballoon_bitmap_count(map.held, i, 1), model.held[i]);
			assert_int_equal(vballoon_bitmap_count(map.dropped, i, 1),
					 model.dropped[i]);
			held += model.held[i];
			dropped += model.dropped[i];
		}
		assert_int_equal(map.header->held_pages, held);
		assert_int_equal(map.header->dropped_pages, dropped);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_gibibyte_takes_64_kib_and_a_header),
		cmocka_unit_test(a_map_of_nothing_has_no_size_and_the_largest_does_not_wrap),
		cmocka_unit_test_setup_teardown(the_layout_is_the_one_that_is_documented, setup,
						teardown),
		cmocka_unit_test_setup_teardown(holding_a_page_again_counts_it_once, setup,
						teardown),
		cmocka_unit_test_setup_teardown(undropping_one_page_undrops_its_whole_host_page,
						setup, teardown),
		cmocka_unit_test_setup_teardown(a_map_found_after_a_crash_is_counted_anew, setup,
						teardown),
		cmocka_unit_test_setup_teardown(bits_beyond_the_last_page_do_not_survive_a_recovery,
						setup, teardown),
		cmocka_unit_test_setup_teardown(the_map_of_another_region_is_not_recovered, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_map_that_is_cut_short_is_not_recovered, setup,
						teardown),
		cmocka_unit_test_setup_teardown(another_version_is_not_recovered, setup, teardown),
		cmocka_unit_test_setup_teardown(
			after_any_sequence_of_steps_the_map_is_what_a_naive_one_is, setup,
			teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
