/* SPDX-License-Identifier: BSD-3-Clause */
/* What an operator sees. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "device_bed.h"

#define AT GIB

static int setup(void **state)
{
	static struct bed bed;

	bed_init(&bed, BED_RUNS);
	bed_add_memory(&bed, AT, 16 * MIB, 12);
	bed_add_kept_memory(&bed, 2 * GIB, MIB, VBALLOON_KEEP_FILE);
	bed_greet(&bed, 12);
	*state = &bed;
	return 0;
}

static int teardown(void **state)
{
	bed_destroy(*state);
	return 0;
}

static void held_is_dropped_or_waiting_or_kept(void **state)
{
	struct bed *bed = *state;
	struct vballoon_status status;

	bed_add_pages(bed, AT, 10);
	bed->drop_error = -1;
	bed_add_pages(bed, AT + MIB, 5);
	bed_add_pages(bed, 2 * GIB, 3);
	status = bed_status(bed);
	assert_int_equal(status.held_pages, 18);
	assert_int_equal(status.dropped_pages, 10);
	assert_int_equal(status.waiting_pages, 5);
	assert_int_equal(status.kept_pages[VBALLOON_KEEP_FILE], 3);
	for (unsigned int i = 0; i < VBALLOON_RECLAIMABLE_COUNT; i++)
		assert_true(i == VBALLOON_KEEP_FILE || !status.kept_pages[i]);
}

struct visited {
	unsigned int count;
	uint64_t gpa[8];
	uint64_t pages[8];
	bool dropped[8];
};

static bool visit(void *context, struct vballoon_gpa gpa, uint64_t pages, bool dropped)
{
	struct visited *visited = context;

	visited->gpa[visited->count] = gpa.value;
	visited->pages[visited->count] = pages;
	visited->dropped[visited->count] = dropped;
	return ++visited->count < 3;
}

static void runs_are_visited_in_order_and_parted_by_what_was_dropped(void **state)
{
	struct bed *bed = *state;
	struct visited visited = { 0 };

	bed_add_pages(bed, AT, 10);
	bed->drop_error = -1;
	bed_add_pages(bed, AT + 10 * 4096, 5);
	bed_add_pages(bed, 2 * GIB + 4096, 2);
	bed_add_pages(bed, 2 * GIB + 4 * 4096, 2);
	vballoon_device_each_held(bed->device, visit, &visited);
	assert_int_equal(visited.count, 3);
	assert_int_equal(visited.gpa[0], AT);
	assert_int_equal(visited.pages[0], 10);
	assert_true(visited.dropped[0]);
	assert_int_equal(visited.gpa[1], AT + 10 * 4096);
	assert_int_equal(visited.pages[1], 5);
	assert_false(visited.dropped[1]);
	assert_int_equal(visited.gpa[2], 2 * GIB + 4096);
	assert_int_equal(visited.pages[2], 2);
}

static void every_reason_to_keep_memory_has_a_name_of_its_own_and_a_text(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < VBALLOON_RECLAIMABLE_COUNT; i++) {
		assert_true(strlen(vballoon_reclaimable_text((enum vballoon_reclaimable)i)) > 20);
		for (unsigned int j = 0; j < i; j++)
			assert_string_not_equal(
				vballoon_reclaimable_name((enum vballoon_reclaimable)i),
				vballoon_reclaimable_name((enum vballoon_reclaimable)j));
	}
	assert_string_equal(vballoon_reclaimable_name(VBALLOON_KEEP_NOT_SHARED), "not-shared");
}

static void a_reason_that_does_not_exist_is_unknown(void **state)
{
	(void)state;
	assert_string_equal(vballoon_reclaimable_name(VBALLOON_RECLAIMABLE_COUNT), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(held_is_dropped_or_waiting_or_kept, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			runs_are_visited_in_order_and_parted_by_what_was_dropped, setup, teardown),
		cmocka_unit_test(every_reason_to_keep_memory_has_a_name_of_its_own_and_a_text),
		cmocka_unit_test(a_reason_that_does_not_exist_is_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
