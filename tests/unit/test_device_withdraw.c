/* SPDX-License-Identifier: BSD-3-Clause */
/* WITHDRAW: which pages come back, and how many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/le.h"
#include "device_bed.h"

#define AT GIB

static int setup_with(void **state, uint64_t features, uint64_t size)
{
	static struct bed bed;

	bed_init(&bed, features);
	bed_add_memory(&bed, AT, size, 12);
	bed_greet(&bed, 12);
	*state = &bed;
	return 0;
}

static int setup(void **state)
{
	return setup_with(state, BED_RUNS, 64 * MIB);
}

static int setup_single(void **state)
{
	return setup_with(state, 0, 64 * MIB);
}

static int setup_large(void **state)
{
	return setup_with(state, BED_RUNS, 512 * MIB);
}

static int teardown(void **state)
{
	bed_destroy(*state);
	return 0;
}

/* Proves DEV-RUNS-6. */
static void what_was_added_comes_back_as_one_run(void **state)
{
	struct bed *bed = *state;
	uint64_t entries[4];

	bed_add_pages(bed, AT + 2 * MIB, 1024);
	assert_int_equal(bed_withdraw(bed, 1024, entries, 4), 1);
	assert_int_equal(bed_entry_gpa(entries[0]), AT + 2 * MIB);
	assert_int_equal(bed_entry_pages(entries[0]), 1024);
	assert_int_equal(bed_status(bed).held_pages, 0);
	assert_int_equal(bed_status(bed).returned_pages, 1024);
}

/* Proves DEV-WITHDRAW-2. */
static void no_more_comes_back_than_was_asked_for(void **state)
{
	struct bed *bed = *state;
	uint64_t entries[4];

	bed_add_pages(bed, AT, 1000);
	assert_int_equal(bed_withdraw(bed, 300, entries, 4), 1);
	assert_int_equal(bed_entry_pages(entries[0]), 300);
	assert_int_equal(bed_status(bed).held_pages, 700);
}

/* Proves DEV-WITHDRAW-9. */
static void asking_for_nothing_returns_nothing(void **state)
{
	struct bed *bed = *state;
	uint64_t entry;

	bed_add_pages(bed, AT, 10);
	assert_int_equal(bed_withdraw(bed, 0, &entry, 1), 0);
	assert_int_equal(bed_status(bed).held_pages, 10);
}

/* Proves DEV-WITHDRAW-1, DEV-WITHDRAW-11. */
static void an_empty_balloon_returns_nothing(void **state)
{
	uint64_t entry;

	assert_int_equal(bed_withdraw(*state, 10, &entry, 1), 0);
}

/* Proves DEV-WITHDRAW-8. */
static void no_more_entries_come_back_than_there_is_room_for(void **state)
{
	struct bed *bed = *state;
	uint64_t entries[3];

	for (unsigned int i = 0; i < 8; i++)
		bed_add_pages(bed, AT + i * 2 * 4096, 1);
	assert_int_equal(bed_withdraw(bed, 100, entries, 3), 3);
	assert_int_equal(bed_status(bed).held_pages, 5);
}

/* Proves DEV-WITHDRAW-7, DEV-WITHDRAW-8. */
static void a_room_that_is_no_whole_entry_is_not_filled(void **state)
{
	struct bed *bed = *state;
	unsigned char message[16] = { VIRTIO_MEMORY_BALLOON_MSG_WITHDRAW, [8] = 10 };
	unsigned char answer[15];

	bed_add_pages(bed, AT, 1);
	bed_add_pages(bed, AT + 8192, 1);
	assert_int_equal(bed_say(bed, message, sizeof(message), answer, 15), 8);
	assert_int_equal(bed_say(bed, message, sizeof(message), answer, 7), 0);
	assert_int_equal(bed_say(bed, message, sizeof(message), NULL, 0), 0);
	assert_int_equal(bed_status(bed).held_pages, 1);
}

/* Proves DEV-RUNS-7. */
static void without_runs_each_entry_is_one_page(void **state)
{
	struct bed *bed = *state;
	uint64_t entries[8];

	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(bed_add_entry(bed, AT + i * 4096), 1);
	assert_int_equal(bed_withdraw(bed, 100, entries, 8), 4);
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(entries[i], AT + i * 4096);
}

/* Proves DEV-WITHDRAW-12. */
static void long_runs_come_back_before_single_pages(void **state)
{
	struct bed *bed = *state;
	uint64_t entries[2];

	for (unsigned int i = 0; i < 10; i++)
		bed_add_pages(bed, AT + i * 2 * 4096, 1);
	bed_add_pages(bed, AT + 32 * MIB, 4096);
	assert_int_equal(bed_withdraw(bed, 4096, entries, 2), 1);
	assert_int_equal(bed_entry_gpa(entries[0]), AT + 32 * MIB);
	assert_int_equal(bed_entry_pages(entries[0]), 4096);
}

static void a_few_pages_are_not_broken_off_a_run_that_lies_further_on(void **state)
{
	struct bed *bed = *state;
	uint64_t entries[2];

	bed_add_pages(bed, AT, 1);
	bed_add_pages(bed, AT + 32 * MIB, 4096);
	assert_int_equal(bed_withdraw(bed, 1, entries, 2), 1);
	assert_int_equal(entries[0], AT);
}

static void a_run_that_begins_within_a_word_comes_back_from_its_first_page(void **state)
{
	struct bed *bed = *state;
	uint64_t entries[2];

	bed_add_pages(bed, AT + 10 * 4096, 200);
	assert_int_equal(bed_withdraw(bed, 200, entries, 2), 1);
	assert_int_equal(bed_entry_gpa(entries[0]), AT + 10 * 4096);
	assert_int_equal(bed_entry_pages(entries[0]), 200);
}

/* Proves DEV-WITHDRAW-13. */
static void pages_that_are_not_dropped_come_back_first(void **state)
{
	struct bed *bed = *state;
	uint64_t entries[2];

	bed_add_pages(bed, AT, 100);
	assert_int_equal(bed_status(bed).dropped_pages, 100);
	bed->drop_error = -1;
	bed_add_pages(bed, AT + 32 * MIB, 100);
	assert_int_equal(bed_withdraw(bed, 100, entries, 2), 1);
	assert_int_equal(bed_entry_gpa(entries[0]), AT + 32 * MIB);
	assert_int_equal(bed_status(bed).dropped_pages, 100);
}

/* Proves DEV-WITHDRAW-3. */
static void one_answer_returns_at_most_65536_units(void **state)
{
	struct bed *bed = *state;
	uint64_t entries[64];
	uint64_t pages = 0;
	size_t count;

	bed_add_pages(bed, AT, 512 * MIB / 4096);
	count = bed_withdraw(bed, UINT64_MAX, entries, 64);
	for (size_t i = 0; i < count; i++)
		pages += bed_entry_pages(entries[i]);
	assert_int_equal(pages, 65536);
	assert_int_equal(bed_status(bed).held_pages, 65536);
}

static void an_answer_of_many_small_pieces_is_cut_and_the_rest_stays_held(void **state)
{
	struct bed *bed = *state;
	static uint64_t entries[4200];
	static uint8_t verdicts[4200];

	bed_add_kept_memory(bed, 2 * GIB, 64 * MIB, VBALLOON_KEEP_ASKED);
	for (unsigned int i = 0; i < 4200; i++)
		entries[i] = 2 * GIB + i * UINT64_C(8192);
	bed_add_entries(bed, entries, 4200, verdicts);
	assert_int_equal(bed_withdraw(bed, UINT64_MAX, entries, 4200), 4096);
	assert_int_equal(bed_status(bed).held_pages, 104);
}

/* The driver's ring vanishes between the device's look at it and its answer.
 * Proves DEV-WITHDRAW-14. */
static void pages_whose_answer_does_not_arrive_stay_held(void **state)
{
	struct bed *bed = *state;
	unsigned char message[16] = { VIRTIO_MEMORY_BALLOON_MSG_WITHDRAW, [8] = 200 };
	struct vballoon_queue queue = bed->rings[TODEV].queue;

	bed_add_pages(bed, AT, 100);
	bed_add_pages(bed, AT + 2 * MIB, 100);
	bed_add_kept_memory(bed, 0, 4096, VBALLOON_KEEP_ASKED);
	vballoon_device_stop_queue(bed->device, TODEV, &queue.next);
	queue.used = vballoon_gpa(0);
	assert_int_equal(vballoon_device_start_queue(bed->device, TODEV, &queue), 0);
	assert_int_equal(vballoon_device_remove_region(bed->device, vballoon_gpa(0)), 0);
	bed_post(bed, message, sizeof(message), 64);
	bed_run(bed);
	assert_int_equal(bed_status(bed).violation, VBALLOON_RING_UNREADABLE);
	assert_int_equal(bed_status(bed).held_pages, 200);
	assert_int_equal(bed_status(bed).returned_pages, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_was_added_comes_back_as_one_run, setup,
						teardown),
		cmocka_unit_test_setup_teardown(no_more_comes_back_than_was_asked_for, setup,
						teardown),
		cmocka_unit_test_setup_teardown(asking_for_nothing_returns_nothing, setup,
						teardown),
		cmocka_unit_test_setup_teardown(an_empty_balloon_returns_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(no_more_entries_come_back_than_there_is_room_for,
						setup, teardown),
		cmocka_unit_test_setup_teardown(a_room_that_is_no_whole_entry_is_not_filled, setup,
						teardown),
		cmocka_unit_test_setup_teardown(without_runs_each_entry_is_one_page, setup_single,
						teardown),
		cmocka_unit_test_setup_teardown(long_runs_come_back_before_single_pages, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			a_few_pages_are_not_broken_off_a_run_that_lies_further_on, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_run_that_begins_within_a_word_comes_back_from_its_first_page, setup,
			teardown),
		cmocka_unit_test_setup_teardown(pages_that_are_not_dropped_come_back_first, setup,
						teardown),
		cmocka_unit_test_setup_teardown(one_answer_returns_at_most_65536_units, setup_large,
						teardown),
		cmocka_unit_test_setup_teardown(
			an_answer_of_many_small_pieces_is_cut_and_the_rest_stays_held, setup,
			teardown),
		cmocka_unit_test_setup_teardown(pages_whose_answer_does_not_arrive_stay_held, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
