/* SPDX-License-Identifier: BSD-3-Clause */
/* Dropped pages that come back: host pages of 2 MiB, balloon pages of 4 KiB. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/le.h"
#include "device_bed.h"

#define AT GIB
#define HUGE (2 * MIB)
#define HUGE_PAGES 512

static int setup(void **state)
{
	static struct bed bed;

	bed_init(&bed, BED_RUNS);
	bed_add_memory(&bed, AT, 32 * MIB, 21);
	bed_greet(&bed, 12);
	bed_add_pages(&bed, AT, 4 * HUGE_PAGES);
	bed.call_count = 0;
	*state = &bed;
	return 0;
}

static int teardown(void **state)
{
	bed_destroy(*state);
	return 0;
}

static void assert_call(const struct bed *bed, unsigned int index, uint64_t gpa, uint64_t len)
{
	assert_true(index < bed->call_count);
	assert_true(bed->calls[index].restore);
	assert_int_equal(bed->calls[index].gpa, gpa);
	assert_int_equal(bed->calls[index].len, len);
}

/* Proves DEV-WITHDRAW-6. */
static void a_dropped_run_is_restored_in_one_call_before_it_comes_back(void **state)
{
	struct bed *bed = *state;
	uint64_t entry;

	assert_int_equal(bed_status(bed).dropped_pages, 4 * HUGE_PAGES);
	assert_int_equal(bed_withdraw(bed, 2 * HUGE_PAGES, &entry, 1), 1);
	assert_call(bed, 0, AT, 2 * HUGE);
	assert_int_equal(bed->call_count, 1);
	assert_int_equal(bed_status(bed).dropped_pages, 2 * HUGE_PAGES);
}

static void one_page_restores_its_whole_host_page_which_is_not_dropped_again(void **state)
{
	struct bed *bed = *state;
	uint64_t entry;

	assert_int_equal(bed_withdraw(bed, 1, &entry, 1), 1);
	assert_int_equal(entry, AT);
	assert_call(bed, 0, AT, HUGE);
	assert_int_equal(bed->call_count, 1);
	assert_int_equal(bed_status(bed).dropped_pages, 3 * HUGE_PAGES);
	assert_int_equal(bed_status(bed).waiting_pages, HUGE_PAGES - 1);
}

/* Proves DEV-RING-5. */
static void what_is_restored_for_one_withdraw_puts_off_the_next(void **state)
{
	const struct virtio_memory_balloon_withdraw message = {
		.msg.type = VIRTIO_MEMORY_BALLOON_MSG_WITHDRAW,
		.most = vballoon_le64(2 * HUGE_PAGES),
	};
	struct bed *bed = *state;
	uint64_t entries[4];

	bed_post(bed, &message, sizeof(message), sizeof(entries));
	bed_post(bed, &message, sizeof(message), sizeof(entries));
	assert_true(vballoon_device_run(bed->device));
	assert_int_equal(bed_status(bed).held_pages, 2 * HUGE_PAGES);
	bed_run(bed);
	assert_int_equal(bed_status(bed).held_pages, 0);
	bed_collect(bed, entries, sizeof(entries));
	bed_collect(bed, entries, sizeof(entries));
}

static void a_broken_host_page_is_emptied_before_another_is_broken(void **state)
{
	struct bed *bed = *state;
	uint64_t entries[4];

	bed_withdraw(bed, 100, entries, 4);
	assert_int_equal(bed_withdraw(bed, 412, entries, 4), 1);
	assert_int_equal(bed_entry_gpa(entries[0]), AT + 100 * 4096);
	assert_int_equal(bed_entry_pages(entries[0]), 412);
	assert_int_equal(bed->call_count, 1);
}

static void a_broken_host_page_comes_before_whole_ones_that_were_dropped_below_it(void **state)
{
	struct bed *bed = *state;
	uint64_t entry;

	bed_withdraw(bed, 1, &entry, 1);
	bed_add_memory(bed, 512 * MIB, HUGE, 21);
	bed_add_pages(bed, 512 * MIB, HUGE_PAGES);
	assert_int_equal(bed_withdraw(bed, 1, &entry, 1), 1);
	assert_int_equal(entry, AT + 4096);
}

static void a_host_page_that_is_whole_again_is_dropped_again(void **state)
{
	struct bed *bed = *state;
	uint64_t entry;

	bed_withdraw(bed, 1, &entry, 1);
	bed_add_pages(bed, entry, 1);
	assert_int_equal(bed->call_count, 2);
	assert_false(bed->calls[1].restore);
	assert_int_equal(bed->calls[1].len, HUGE);
	assert_int_equal(bed_status(bed).dropped_pages, 4 * HUGE_PAGES);
}

static void when_the_host_has_less_the_guest_gets_less(void **state)
{
	struct bed *bed = *state;
	uint64_t entry;

	bed->restore_bytes_left = HUGE;
	assert_int_equal(bed_withdraw(bed, 4 * HUGE_PAGES, &entry, 1), 1);
	assert_int_equal(bed_entry_gpa(entry), AT);
	assert_int_equal(bed_entry_pages(entry), HUGE_PAGES);
	assert_int_equal(bed_status(bed).held_pages, 3 * HUGE_PAGES);
	assert_int_equal(bed_status(bed).dropped_pages, 3 * HUGE_PAGES);
	assert_int_equal(bed_status(bed).refused_entries[VBALLOON_REFUSED_NO_HOST_MEMORY], 1);
}

static void when_the_host_has_three_of_four_the_guest_gets_three(void **state)
{
	struct bed *bed = *state;
	uint64_t entry;

	bed->restore_bytes_left = 3 * HUGE;
	assert_int_equal(bed_withdraw(bed, 4 * HUGE_PAGES, &entry, 1), 1);
	assert_int_equal(bed_entry_pages(entry), 3 * HUGE_PAGES);
	/* Two were there, two failed, one was there, one failed. */
	assert_int_equal(bed_status(bed).restore_calls, 4);
	assert_int_equal(bed_status(bed).restore_failures, 2);
}

/* Proves DEV-WITHDRAW-10. */
static void when_the_host_has_nothing_nothing_comes_back_and_nothing_is_lost(void **state)
{
	struct bed *bed = *state;
	uint64_t entry;

	bed->restore_bytes_left = 0;
	assert_int_equal(bed_withdraw(bed, 4 * HUGE_PAGES, &entry, 1), 0);
	assert_int_equal(bed_status(bed).held_pages, 4 * HUGE_PAGES);
	assert_int_equal(bed_status(bed).dropped_pages, 4 * HUGE_PAGES);
	assert_true(bed->call_count < 16);
}

static void a_region_without_host_memory_leaves_others_to_hand_back(void **state)
{
	struct bed *bed = *state;
	uint64_t entry;

	bed_add_kept_memory(bed, 2 * GIB, MIB, VBALLOON_KEEP_NOT_SHARED);
	bed_add_pages(bed, 2 * GIB, 256);
	bed->restore_bytes_left = 0;
	assert_int_equal(bed_withdraw(bed, 4 * HUGE_PAGES, &entry, 1), 1);
	assert_int_equal(bed_entry_gpa(entry), 2 * GIB);
	assert_int_equal(bed_entry_pages(entry), 256);
}

/* Proves DEV-REQ-9. */
static void a_refused_driver_is_told_once_the_host_has_memory_again(void **state)
{
	struct bed *bed = *state;
	uint64_t entry;

	bed_expect_request(bed, VIRTIO_MEMORY_BALLOON_REQ_RESIZE, 0);
	bed->restore_bytes_left = 0;
	bed_withdraw(bed, HUGE_PAGES, &entry, 1);
	bed_post_request(bed);
	bed_expect_no_request(bed);
	bed->restore_bytes_left = 2 * HUGE;
	bed_withdraw(bed, HUGE_PAGES, &entry, 1);
	bed_expect_request(bed, VIRTIO_MEMORY_BALLOON_REQ_RESIZE, 0);
	bed_withdraw(bed, HUGE_PAGES, &entry, 1);
	bed_post_request(bed);
	bed_expect_no_request(bed);
}

/* A driver that is told adds again at once, though its guest has just been short of memory; then
 * it asks again, and so on. Proves DEV-REQ-9. */
static void what_one_region_has_tells_nothing_of_another_that_has_none(void **state)
{
	struct bed *bed = *state;
	uint64_t entries[2];

	bed_expect_request(bed, VIRTIO_MEMORY_BALLOON_REQ_RESIZE, 0);
	bed_add_memory(bed, 2 * GIB, MIB, 12);
	bed_post_request(bed);
	for (unsigned int i = 0; i < 3; i++) {
		bed_add_pages(bed, 2 * GIB, 256);
		assert_int_equal(bed_status(bed).dropped_pages, 4 * HUGE_PAGES + 256);
		bed->restore_bytes_left = MIB;
		assert_int_equal(bed_withdraw(bed, HUGE_PAGES, entries, 2), 1);
		assert_int_equal(bed_entry_gpa(entries[0]), 2 * GIB);
		assert_int_equal(bed_entry_pages(entries[0]), 256);
		bed_expect_no_request(bed);
	}
	bed->restore_bytes_left = HUGE;
	assert_int_equal(bed_withdraw(bed, HUGE_PAGES, entries, 2), 1);
	bed_expect_request(bed, VIRTIO_MEMORY_BALLOON_REQ_RESIZE, 0);
}

/* Proves DEV-REQ-9. */
static void what_comes_when_it_is_touched_is_no_memory_that_was_missing(void **state)
{
	struct bed *bed = *state;
	uint64_t entry;

	bed_expect_request(bed, VIRTIO_MEMORY_BALLOON_REQ_RESIZE, 0);
	bed_add_memory(bed, 512 * MIB, MIB, 12);
	bed_post_request(bed);
	bed->restore_bytes_left = 0;
	assert_int_equal(bed_withdraw(bed, HUGE_PAGES, &entry, 1), 0);
	bed_add_pages(bed, 512 * MIB, 256);
	bed->restore_bytes_left = MIB;
	bed->restores_nothing = true;
	assert_int_equal(bed_withdraw(bed, 256, &entry, 1), 1);
	assert_int_equal(bed_entry_gpa(entry), 512 * MIB);
	bed_expect_no_request(bed);
}

static void a_refused_driver_is_told_when_memory_is_added(void **state)
{
	struct bed *bed = *state;
	uint64_t entry;

	bed_expect_request(bed, VIRTIO_MEMORY_BALLOON_REQ_RESIZE, 0);
	bed->restore_bytes_left = 0;
	bed_withdraw(bed, HUGE_PAGES, &entry, 1);
	bed_add_memory(bed, 2 * GIB, HUGE, 21);
	bed_expect_request(bed, VIRTIO_MEMORY_BALLOON_REQ_RESIZE, 0);
}

static void without_a_restore_operation_pages_come_back_by_themselves(void **state)
{
	struct bed *bed = *state;
	uint64_t entry;

	bed_without_restore(bed);
	assert_int_equal(bed_withdraw(bed, 1, &entry, 1), 1);
	assert_int_equal(bed->call_count, 0);
	assert_int_equal(bed_status(bed).dropped_pages, 3 * HUGE_PAGES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_restored_for_one_withdraw_puts_off_the_next,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_dropped_run_is_restored_in_one_call_before_it_comes_back, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			one_page_restores_its_whole_host_page_which_is_not_dropped_again, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			a_broken_host_page_is_emptied_before_another_is_broken, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_broken_host_page_comes_before_whole_ones_that_were_dropped_below_it,
			setup, teardown),
		cmocka_unit_test_setup_teardown(a_host_page_that_is_whole_again_is_dropped_again,
						setup, teardown),
		cmocka_unit_test_setup_teardown(when_the_host_has_less_the_guest_gets_less, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			when_the_host_has_three_of_four_the_guest_gets_three, setup, teardown),
		cmocka_unit_test_setup_teardown(
			when_the_host_has_nothing_nothing_comes_back_and_nothing_is_lost, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			a_region_without_host_memory_leaves_others_to_hand_back, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_refused_driver_is_told_once_the_host_has_memory_again, setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_one_region_has_tells_nothing_of_another_that_has_none, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			what_comes_when_it_is_touched_is_no_memory_that_was_missing, setup,
			teardown),
		cmocka_unit_test_setup_teardown(a_refused_driver_is_told_when_memory_is_added,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			without_a_restore_operation_pages_come_back_by_themselves, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
