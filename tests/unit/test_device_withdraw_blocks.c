/* SPDX-License-Identifier: BSD-3-Clause */
/* WITHDRAW: which pages come back, so that large pages stay usable on both sides. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "device_bed.h"

#define AT GIB
#define BLOCK (2 * MIB)
#define BLOCK_PAGES 512
#define ROOM 64

static int setup_with(void **state, uint64_t features, uint32_t host_page_shift)
{
	static struct bed bed;

	bed_init(&bed, features);
	bed_add_memory(&bed, AT, 64 * MIB, host_page_shift);
	bed_greet(&bed, 12);
	*state = &bed;
	return 0;
}

static int setup_small(void **state)
{
	return setup_with(state, BED_RUNS, 12);
}

static int setup_huge(void **state)
{
	return setup_with(state, BED_RUNS, 21);
}

static int setup_huge_without_runs(void **state)
{
	return setup_with(state, 0, 21);
}

static int teardown(void **state)
{
	bed_destroy(*state);
	return 0;
}

static void keep_warm(struct bed *bed)
{
	struct vballoon_policy policy = { .pages = VBALLOON_PAGES_WARM };

	assert_int_equal(vballoon_device_set_policy(bed->device, &policy), 0);
}

struct census {
	unsigned int held[32]; /* pages, by block from AT on */
};

static bool count_run(void *context, struct vballoon_gpa gpa, uint64_t pages, bool dropped)
{
	struct census *census = context;

	(void)dropped;
	for (uint64_t i = 0; i < pages; i++)
		census->held[(gpa.value - AT + i * 4096) / BLOCK]++;
	return true;
}

/* How many blocks are held in part. */
static unsigned int broken_blocks(struct bed *bed)
{
	struct census census = { 0 };
	unsigned int broken = 0;

	vballoon_device_each_held(bed->device, count_run, &census);
	for (unsigned int i = 0; i < 32; i++)
		broken += census.held[i] && census.held[i] < BLOCK_PAGES;
	return broken;
}

/* WITHDRAW: how many pages come back, with @room for entries. */
static uint64_t withdraw(struct bed *bed, uint64_t most, size_t room)
{
	static uint64_t entries[1024];
	size_t count = bed_withdraw(bed, most, entries, room);
	uint64_t pages = 0;

	for (size_t i = 0; i < count; i++)
		pages += bed_entry_pages(entries[i]);
	return pages;
}

static void the_rest_of_a_broken_host_page_comes_back_before_a_dropped_one(void **state)
{
	struct bed *bed = *state;

	bed_add_pages(bed, AT, BLOCK_PAGES);
	bed_add_pages(bed, AT + BLOCK, 300);
	assert_int_equal(bed_status(bed).dropped_pages, BLOCK_PAGES);
	assert_int_equal(withdraw(bed, 200, ROOM), 200);
	assert_int_equal(bed_status(bed).dropped_pages, BLOCK_PAGES);
	assert_int_equal(bed_status(bed).restore_calls, 0);
}

static void what_is_left_of_a_host_page_that_was_restored_comes_back_next(void **state)
{
	struct bed *bed = *state;

	bed_add_pages(bed, AT, 3 * BLOCK_PAGES);
	assert_int_equal(withdraw(bed, 1, ROOM), 1);
	assert_int_equal(withdraw(bed, BLOCK_PAGES - 1, ROOM), BLOCK_PAGES - 1);
	assert_int_equal(bed_status(bed).restore_calls, 1);
	assert_int_equal(bed_status(bed).dropped_pages, 2 * BLOCK_PAGES);
}

static void whole_host_pages_come_back_whole(void **state)
{
	struct bed *bed = *state;
	uint64_t entries[ROOM];

	bed_add_pages(bed, AT, 4 * BLOCK_PAGES);
	assert_int_equal(bed_withdraw(bed, 2 * BLOCK_PAGES, entries, ROOM), 1);
	assert_int_equal(bed_entry_pages(entries[0]), 2 * BLOCK_PAGES);
	assert_int_equal(broken_blocks(bed), 0);
}

static void a_host_page_is_restored_once_however_small_the_entries_are(void **state)
{
	struct bed *bed = *state;
	uint64_t entries[BLOCK_PAGES];

	for (unsigned int i = 0; i < BLOCK_PAGES; i++)
		assert_int_equal(bed_add_entry(bed, AT + i * 4096), 1);
	assert_int_equal(bed_status(bed).dropped_pages, BLOCK_PAGES);
	assert_int_equal(bed_withdraw(bed, BLOCK_PAGES, entries, BLOCK_PAGES), BLOCK_PAGES);
	assert_int_equal(bed_status(bed).restore_calls, 1);
}

static void a_host_page_is_dropped_when_its_last_part_comes(void **state)
{
	struct bed *bed = *state;

	for (unsigned int i = 0; i < BLOCK_PAGES - 1; i++)
		assert_int_equal(bed_add_entry(bed, AT + i * 4096), 1);
	assert_int_equal(bed->call_count, 0);
	assert_int_equal(bed_add_entry(bed, AT + (BLOCK_PAGES - 1) * 4096), 1);
	assert_int_equal(bed->call_count, 1);
	assert_int_equal(bed->calls[0].len, BLOCK);
}

static void small_host_pages_are_kept_together_in_blocks_too(void **state)
{
	struct bed *bed = *state;

	bed_add_pages(bed, AT, 3 * BLOCK_PAGES);
	bed_add_pages(bed, AT + 16 * MIB + 4096, 100);
	assert_int_equal(withdraw(bed, 100, ROOM), 100);
	assert_int_equal(broken_blocks(bed), 0);
	assert_int_equal(bed_status(bed).held_pages, 3 * BLOCK_PAGES);
}

static void at_most_one_whole_block_is_broken(void **state)
{
	struct bed *bed = *state;

	bed_add_pages(bed, AT, 4 * BLOCK_PAGES);
	assert_int_equal(withdraw(bed, BLOCK_PAGES + 188, ROOM), BLOCK_PAGES + 188);
	assert_int_equal(broken_blocks(bed), 1);
	/* And that one goes first then. */
	assert_int_equal(withdraw(bed, BLOCK_PAGES - 188, ROOM), BLOCK_PAGES - 188);
	assert_int_equal(broken_blocks(bed), 0);
	assert_int_equal(bed_status(bed).held_pages, 2 * BLOCK_PAGES);
}

static void a_block_at_the_end_of_memory_counts_for_what_it_has(void **state)
{
	struct bed *bed = *state;
	uint64_t entries[ROOM];

	bed_add_memory(bed, 0, 3 * MIB, 12);
	bed_add_pages(bed, 0, 768);
	bed_add_pages(bed, AT, 10);
	assert_int_equal(bed_withdraw(bed, 10, entries, ROOM), 1);
	assert_int_equal(bed_entry_gpa(entries[0]), AT);
	assert_int_equal(withdraw(bed, 768, ROOM), 768);
	assert_int_equal(bed_status(bed).held_pages, 0);
}

static void warm_blocks_are_kept_whole_too(void **state)
{
	struct bed *bed = *state;

	keep_warm(bed);
	bed_add_pages(bed, AT, 2 * BLOCK_PAGES);
	bed_add_pages(bed, AT + 16 * MIB, 50);
	assert_int_equal(withdraw(bed, 50, ROOM), 50);
	assert_int_equal(broken_blocks(bed), 0);
	assert_int_equal(withdraw(bed, BLOCK_PAGES, ROOM), BLOCK_PAGES);
	assert_int_equal(broken_blocks(bed), 0);
}

static void warm_pages_come_back_before_dropped_blocks(void **state)
{
	struct bed *bed = *state;

	bed_add_pages(bed, AT, 2 * BLOCK_PAGES);
	keep_warm(bed);
	bed_add_pages(bed, AT + 16 * MIB, BLOCK_PAGES);
	assert_int_equal(withdraw(bed, BLOCK_PAGES, ROOM), BLOCK_PAGES);
	assert_int_equal(bed_status(bed).dropped_pages, 2 * BLOCK_PAGES);
}

/* Every other page of four blocks, and sixteen whole ones. */
static void scatter(struct bed *bed)
{
	keep_warm(bed);
	for (unsigned int i = 0; i < 4 * BLOCK_PAGES; i += 2)
		bed_add_pages(bed, AT + i * UINT64_C(4096), 1);
	bed_add_pages(bed, AT + 32 * MIB, 16 * BLOCK_PAGES);
}

static void small_pieces_do_not_take_the_room_of_all_that_was_asked_for(void **state)
{
	struct bed *bed = *state;

	scatter(bed);
	assert_int_equal(withdraw(bed, 16 * BLOCK_PAGES, ROOM), 16 * BLOCK_PAGES);
}

static void with_room_for_both_small_pieces_come_first(void **state)
{
	struct bed *bed = *state;

	scatter(bed);
	assert_int_equal(withdraw(bed, 2 * BLOCK_PAGES, 1024), 2 * BLOCK_PAGES);
	assert_int_equal(bed_status(bed).held_pages, 18 * BLOCK_PAGES - 2 * BLOCK_PAGES);
	assert_true(broken_blocks(bed) < 4);
}

static void without_whole_blocks_long_runs_come_back_before_single_pages(void **state)
{
	struct bed *bed = *state;
	uint64_t entries[2];

	for (unsigned int i = 0; i < 8; i += 2)
		bed_add_pages(bed, AT + i * UINT64_C(4096), 1);
	bed_add_pages(bed, AT + 8 * MIB + 4096, 100);
	assert_int_equal(bed_withdraw(bed, 100, entries, 1), 1);
	assert_int_equal(bed_entry_pages(entries[0]), 100);
}

#define SMALL(name) cmocka_unit_test_setup_teardown(name, setup_small, teardown)
#define HUGE(name) cmocka_unit_test_setup_teardown(name, setup_huge, teardown)
#define SINGLE(name) cmocka_unit_test_setup_teardown(name, setup_huge_without_runs, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		HUGE(the_rest_of_a_broken_host_page_comes_back_before_a_dropped_one),
		HUGE(what_is_left_of_a_host_page_that_was_restored_comes_back_next),
		HUGE(whole_host_pages_come_back_whole),
		SINGLE(a_host_page_is_restored_once_however_small_the_entries_are),
		SINGLE(a_host_page_is_dropped_when_its_last_part_comes),
		SMALL(small_host_pages_are_kept_together_in_blocks_too),
		SMALL(at_most_one_whole_block_is_broken),
		SMALL(a_block_at_the_end_of_memory_counts_for_what_it_has),
		SMALL(warm_blocks_are_kept_whole_too),
		SMALL(warm_pages_come_back_before_dropped_blocks),
		SMALL(small_pieces_do_not_take_the_room_of_all_that_was_asked_for),
		SMALL(with_room_for_both_small_pieces_come_first),
		SMALL(without_whole_blocks_long_runs_come_back_before_single_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
