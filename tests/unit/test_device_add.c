/* SPDX-License-Identifier: BSD-3-Clause */
/* ADD and its verdicts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/le.h"
#include "device_bed.h"

#define AT GIB
#define PAGES (64 * MIB / 4096)
#define ACCEPTED VIRTIO_MEMORY_BALLOON_ACCEPTED
#define REFUSED VIRTIO_MEMORY_BALLOON_REFUSED

/* Two adjacent regions of 64 MiB, then a hole. */
static int setup_with(void **state, uint64_t features, uint32_t unit_shift)
{
	static struct bed bed;

	bed_init(&bed, features);
	bed_add_memory(&bed, AT, 64 * MIB, 12);
	bed_add_memory(&bed, AT + 64 * MIB, 64 * MIB, 12);
	bed_greet(&bed, unit_shift);
	*state = &bed;
	return 0;
}

static int setup(void **state)
{
	return setup_with(state, BED_RUNS, 12);
}

static int setup_single(void **state)
{
	return setup_with(state, 0, 12);
}

static int setup_huge(void **state)
{
	return setup_with(state, BED_RUNS, 21);
}

static int teardown(void **state)
{
	bed_destroy(*state);
	return 0;
}

/* Proves DEV-RUNS-1. */
static void a_run_is_held_from_its_first_to_its_last_page(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(bed_add_entry(bed, AT | 511), ACCEPTED);
	assert_int_equal(bed_status(bed).held_pages, 512);
	assert_int_equal(bed_status(bed).added_pages, 512);
}

/* Proves DEV-ADD-3. */
static void the_last_page_of_memory_can_be_added_and_the_one_behind_it_not(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(bed_add_entry(bed, AT + 128 * MIB - 4096), ACCEPTED);
	assert_int_equal(bed_add_entry(bed, AT + 128 * MIB), REFUSED);
	assert_int_equal(bed_status(bed).refused_entries[VBALLOON_REFUSED_OUTSIDE_MEMORY], 1);
}

/* Proves DEV-RUNS-5. */
static void a_run_may_cross_adjacent_regions(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(bed_add_entry(bed, (AT + 64 * MIB - 8192) | 3), ACCEPTED);
	assert_int_equal(bed_status(bed).held_pages, 4);
}

/* Proves DEV-ADD-1, DEV-RUNS-4. */
static void a_run_with_one_bad_page_is_refused_as_a_whole(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(bed_add_entry(bed, (AT + 128 * MIB - 8192) | 2), REFUSED);
	assert_int_equal(bed_status(bed).held_pages, 0);
}

/* Proves DEV-RUNS-3. */
static void a_run_that_wraps_is_outside_memory(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(bed_add_entry(bed, UINT64_MAX), REFUSED);
	assert_int_equal(bed_status(bed).refused_entries[VBALLOON_REFUSED_OUTSIDE_MEMORY], 1);
}

/* Proves DEV-MSG-3, DEV-ADD-2, DEV-BAD-8. */
static void each_entry_has_its_own_verdict(void **state)
{
	struct bed *bed = *state;
	const uint64_t entries[] = { AT, 0, AT + 4096, UINT64_MAX, AT + 8192 };
	const uint8_t expected[] = { ACCEPTED, REFUSED, ACCEPTED, REFUSED, ACCEPTED };
	uint8_t verdicts[5];

	bed_add_entries(bed, entries, 5, verdicts);
	assert_memory_equal(verdicts, expected, 5);
	assert_int_equal(bed_status(bed).held_pages, 3);
}

/* Proves DEV-ADD-6. */
static void a_page_that_is_added_twice_is_accepted_and_held_once(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(bed_add_entry(bed, AT | 9), ACCEPTED);
	assert_int_equal(bed_add_entry(bed, (AT + 5 * 4096) | 9), ACCEPTED);
	assert_int_equal(bed_status(bed).held_pages, 15);
	assert_int_equal(bed_status(bed).added_pages, 15);
	assert_int_equal(bed_status(bed).already_held_pages, 5);
}

/* Proves DEV-ADD-13, DEV-RUNS-2. */
static void without_runs_an_entry_with_low_bits_is_misaligned(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(bed_add_entry(bed, AT + 1), REFUSED);
	assert_int_equal(bed_status(bed).refused_entries[VBALLOON_REFUSED_MISALIGNED], 1);
	assert_int_equal(bed_add_entry(bed, AT), ACCEPTED);
}

/* Proves DEV-ADD-4. */
static void a_huge_unit_off_its_boundary_is_misaligned(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(bed_add_entry(bed, AT + 4096), REFUSED);
	assert_int_equal(bed_status(bed).refused_entries[VBALLOON_REFUSED_MISALIGNED], 1);
	assert_int_equal(bed_add_entry(bed, (AT + 2 * MIB) | 1), ACCEPTED);
	assert_int_equal(bed_status(bed).held_pages, 1024);
}

/* An ADD of @count entries with @room bytes for verdicts. */
static size_t add_with_room(struct bed *bed, const uint64_t *entries, size_t count, void *verdicts,
			    size_t room)
{
	unsigned char message[1024] = { VIRTIO_MEMORY_BALLOON_MSG_ADD };

	for (size_t i = 0; i < count; i++) {
		uint64_t entry = vballoon_le64(entries[i]);

		memcpy(message + 8 + 8 * i, &entry, 8);
	}
	return bed_say(bed, message, 8 + 8 * count, verdicts, room);
}

/* Proves DEV-ADD-7. */
static void verdicts_are_given_as_far_as_there_is_room(void **state)
{
	struct bed *bed = *state;
	const uint64_t entries[] = { AT, 0, AT + 4096 };
	uint8_t verdicts[2];

	assert_int_equal(add_with_room(bed, entries, 3, verdicts, 2), 2);
	assert_int_equal(verdicts[0], ACCEPTED);
	assert_int_equal(verdicts[1], REFUSED);
	assert_int_equal(bed_status(bed).held_pages, 2);
}

/* Proves DEV-ADD-8. */
static void without_room_the_entries_are_judged_all_the_same(void **state)
{
	struct bed *bed = *state;
	const uint64_t entries[] = { AT, AT + 4096 };

	assert_int_equal(add_with_room(bed, entries, 2, NULL, 0), 0);
	assert_int_equal(bed_status(bed).held_pages, 2);
}

/* Proves DEV-MSG-13, DEV-ADD-7. */
static void more_room_than_entries_is_left_alone(void **state)
{
	struct bed *bed = *state;
	const uint64_t entries[] = { AT };
	uint8_t verdicts[8];

	assert_int_equal(add_with_room(bed, entries, 1, verdicts, 8), 1);
	assert_int_equal(verdicts[0], ACCEPTED);
}

static void a_message_of_no_entries_is_answered(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(add_with_room(bed, NULL, 0, NULL, 0), 0);
	assert_int_equal(bed_status(bed).violation, VBALLOON_OK);
}

static void a_message_of_65536_units_is_within_the_limit(void **state)
{
	struct bed *bed = *state;
	uint64_t entries[16];
	uint8_t verdicts[16];

	for (unsigned int i = 0; i < 16; i++)
		entries[i] = (AT + (i % 8) * 16 * MIB) | 4095;
	bed_add_entries(bed, entries, 16, verdicts);
	assert_int_equal(bed_status(bed).held_pages, 2 * PAGES);
	assert_int_equal(bed_status(bed).already_held_pages, 2 * PAGES);
}

/* Proves DEV-MSG-9. */
static void one_unit_more_stops_the_device(void **state)
{
	struct bed *bed = *state;
	unsigned char message[8 + 17 * 8] = { VIRTIO_MEMORY_BALLOON_MSG_ADD };

	for (unsigned int i = 0; i < 17; i++) {
		uint64_t entry = vballoon_le64(i < 16 ? AT | 4095 : AT);

		memcpy(message + 8 + 8 * i, &entry, 8);
	}
	bed_post(bed, message, sizeof(message), 17);
	bed_run(bed);
	assert_true(bed_silent(bed));
	assert_int_equal(bed_status(bed).violation, VBALLOON_MESSAGE_LENGTH);
}

/* Proves DEV-ADD-10, DEV-ADD-12. */
static void the_answer_comes_before_the_host_drops(void **state)
{
	struct bed *bed = *state;
	unsigned char message[16] = { VIRTIO_MEMORY_BALLOON_MSG_ADD };
	uint64_t entry = vballoon_le64(AT);
	uint8_t verdict;

	bed->interrupts[TODEV] = 0;
	memcpy(message + 8, &entry, 8);
	bed_say(bed, message, sizeof(message), &verdict, 1);
	assert_int_equal(bed->call_count, 1);
	assert_int_equal(bed->calls[0].interrupts, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_run_is_held_from_its_first_to_its_last_page,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			the_last_page_of_memory_can_be_added_and_the_one_behind_it_not, setup,
			teardown),
		cmocka_unit_test_setup_teardown(a_run_may_cross_adjacent_regions, setup, teardown),
		cmocka_unit_test_setup_teardown(a_run_with_one_bad_page_is_refused_as_a_whole,
						setup, teardown),
		cmocka_unit_test_setup_teardown(a_run_that_wraps_is_outside_memory, setup,
						teardown),
		cmocka_unit_test_setup_teardown(each_entry_has_its_own_verdict, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_page_that_is_added_twice_is_accepted_and_held_once, setup, teardown),
		cmocka_unit_test_setup_teardown(without_runs_an_entry_with_low_bits_is_misaligned,
						setup_single, teardown),
		cmocka_unit_test_setup_teardown(a_huge_unit_off_its_boundary_is_misaligned,
						setup_huge, teardown),
		cmocka_unit_test_setup_teardown(verdicts_are_given_as_far_as_there_is_room, setup,
						teardown),
		cmocka_unit_test_setup_teardown(without_room_the_entries_are_judged_all_the_same,
						setup, teardown),
		cmocka_unit_test_setup_teardown(more_room_than_entries_is_left_alone, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_message_of_no_entries_is_answered, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_message_of_65536_units_is_within_the_limit, setup,
						teardown),
		cmocka_unit_test_setup_teardown(one_unit_more_stops_the_device, setup, teardown),
		cmocka_unit_test_setup_teardown(the_answer_comes_before_the_host_drops, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
