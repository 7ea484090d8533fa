/* SPDX-License-Identifier: BSD-3-Clause */
/* What is given back to the host, when, and in which pieces. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/le.h"
#include "device_bed.h"

#define AT GIB
#define HUGE (2 * MIB)
#define HUGE_AT (8 * GIB)

static int setup(void **state)
{
	static struct bed bed;

	bed_init(&bed, BED_RUNS);
	bed_add_memory(&bed, AT, 64 * MIB, 12);
	bed_add_memory(&bed, HUGE_AT, 64 * MIB, 21);
	bed_greet(&bed, 12);
	*state = &bed;
	return 0;
}

static int teardown(void **state)
{
	bed_destroy(*state);
	return 0;
}

static void assert_dropped(const struct bed *bed, unsigned int index, uint64_t gpa, uint64_t len)
{
	assert_true(index < bed->call_count);
	assert_false(bed->calls[index].restore);
	assert_int_equal(bed->calls[index].gpa, gpa);
	assert_int_equal(bed->calls[index].len, len);
}

/* Post an ADD of one run without letting the device run. */
static void post_add(struct bed *bed, uint64_t entry)
{
	struct {
		struct virtio_memory_balloon_msg msg;
		__le64 page;
	} message = {
		.msg = { .type = vballoon_le32(VIRTIO_MEMORY_BALLOON_MSG_ADD) },
		.page = vballoon_le64(entry),
	};

	bed_post(bed, &message, sizeof(message), 1);
}

/* Runs of the device until nothing is left to do. */
static unsigned int count_runs(struct bed *bed)
{
	unsigned int runs = 1;

	while (vballoon_device_run(bed->device))
		runs++;
	return runs;
}

static void neighbours_of_different_messages_are_dropped_in_one_call(void **state)
{
	struct bed *bed = *state;

	post_add(bed, AT + 4096);
	post_add(bed, (AT + 8192) | 1);
	post_add(bed, AT);
	bed_run(bed);
	assert_int_equal(bed->call_count, 1);
	assert_dropped(bed, 0, AT, 4 * 4096);
}

/* Proves DEV-MEM-2. */
static void a_host_page_is_dropped_only_when_it_is_wholly_held(void **state)
{
	struct bed *bed = *state;

	bed_add_pages(bed, HUGE_AT, 511);
	assert_int_equal(bed->call_count, 0);
	assert_int_equal(bed_status(bed).waiting_pages, 511);
	bed_add_pages(bed, HUGE_AT + 511 * 4096, 1);
	assert_int_equal(bed->call_count, 1);
	assert_dropped(bed, 0, HUGE_AT, HUGE);
	assert_int_equal(bed_status(bed).waiting_pages, 0);
}

/* Proves DEV-MEM-2. */
static void a_run_is_cut_to_whole_host_pages(void **state)
{
	struct bed *bed = *state;

	bed_add_pages(bed, HUGE_AT + 100 * 4096, 1500);
	assert_int_equal(bed->call_count, 1);
	assert_dropped(bed, 0, HUGE_AT + HUGE, 2 * HUGE);
	assert_int_equal(bed_status(bed).dropped_pages, 1024);
	assert_int_equal(bed_status(bed).waiting_pages, 476);
}

static void a_host_page_cut_off_by_the_end_of_its_region_is_not_dropped(void **state)
{
	struct bed *bed = *state;

	bed_add_memory(bed, 16 * GIB, HUGE + MIB, 21);
	bed_add_pages(bed, 16 * GIB, 768);
	assert_int_equal(bed->call_count, 1);
	assert_dropped(bed, 0, 16 * GIB, HUGE);
}

static void a_balloon_page_larger_than_the_hosts_is_dropped_as_a_whole(void **state)
{
	struct bed *bed = *state;

	bed_destroy(bed);
	bed_init_shift(bed, 0, 16);
	bed_add_memory(bed, AT, MIB, 12);
	bed_greet(bed, 16);
	assert_int_equal(bed_add_entry(bed, AT + 65536), 1);
	assert_int_equal(bed->call_count, 1);
	assert_dropped(bed, 0, AT + 65536, 65536);
}

/* Proves DEV-MEM-6. */
static void memory_of_other_kinds_is_never_dropped(void **state)
{
	struct bed *bed = *state;

	bed_add_kept_memory(bed, 16 * GIB, MIB, VBALLOON_KEEP_NOT_SHARED);
	bed_add_pages(bed, 16 * GIB, 256);
	assert_int_equal(bed->call_count, 0);
	assert_int_equal(bed_status(bed).kept_pages[VBALLOON_KEEP_NOT_SHARED], 256);
	assert_int_equal(bed_status(bed).waiting_pages, 0);
}

static void one_call_of_run_drops_a_bounded_amount_and_says_that_more_is_left(void **state)
{
	struct bed *bed = *state;
	uint64_t dropped = 0;

	for (unsigned int i = 0; i < 4; i++)
		post_add(bed, (AT + i * 16 * MIB) | 4095);
	assert_true(vballoon_device_run(bed->device));
	assert_int_equal(bed_status(bed).held_pages, 4 * 4096);
	assert_int_equal(bed_status(bed).dropped_pages, 4096);
	bed_run(bed);
	for (unsigned int i = 0; i < bed->call_count; i++)
		dropped += bed->calls[i].len;
	assert_int_equal(dropped, 64 * MIB);
}

/* A page in each of eight places that are looked through at once, in pages of the host none of which is
 * wholly held. Proves DEV-RING-5. */
static void what_is_looked_through_in_vain_takes_several_runs(void **state)
{
	__le64 message[1 + 8] = { VIRTIO_MEMORY_BALLOON_MSG_ADD };
	struct bed *bed = *state;
	uint8_t verdicts[8];
	unsigned int runs;

	bed_add_memory(bed, 16 * GIB, GIB, 21);
	for (unsigned int i = 0; i < 8; i++)
		message[1 + i] = vballoon_le64(16 * GIB + i * 128 * MIB);
	bed_post(bed, message, sizeof(message), sizeof(verdicts));
	runs = count_runs(bed);
	assert_int_equal(bed_collect(bed, verdicts, sizeof(verdicts)), sizeof(verdicts));
	assert_int_equal(bed->call_count, 0);
	assert_in_range(runs, 4, 8);
}

/* What is looked through at once is no less than a page of the host, and takes several runs where that
 * is gigantic. Proves DEV-RING-5. */
static void a_gigantic_page_of_the_host_is_looked_through_in_several_runs(void **state)
{
	struct bed *bed = *state;

	bed_add_memory(bed, 16 * GIB, 2 * GIB, 30);
	post_add(bed, 16 * GIB);
	assert_in_range(count_runs(bed), 4, 8);
	assert_int_equal(bed->call_count, 0);
}

/* All of the first gigantic page and of the third, and of the second but for two. */
static void what_is_found_after_that_was_interrupted_is_dropped(void **state)
{
	struct bed *bed = *state;

	bed_add_memory(bed, 16 * GIB, 3 * GIB, 30);
	vballoon_device_inhibit(bed->device, true);
	bed_add_pages(bed, 16 * GIB, 2 * GIB / 4096 - 2);
	bed_add_pages(bed, 18 * GIB, GIB / 4096);
	vballoon_device_inhibit(bed->device, false);
	assert_in_range(count_runs(bed), 3, 16);
	assert_int_equal(bed_status(bed).dropped_pages, 2 * GIB / 4096);
	post_add(bed, (18 * GIB - 8192) | 1);
	bed_run(bed);
	assert_int_equal(bed_status(bed).dropped_pages, 3 * GIB / 4096);
}

static void messages_that_keep_coming_do_not_keep_drops_from_happening(void **state)
{
	struct bed *bed = *state;

	post_add(bed, AT | 4095);
	vballoon_device_run(bed->device);
	for (unsigned int i = 1; i < 4; i++) {
		post_add(bed, (AT + i * 16 * MIB) | 4095);
		assert_int_equal(bed->call_count, i);
		vballoon_device_run(bed->device);
	}
}

static void what_could_not_be_dropped_is_not_tried_again_for_nothing(void **state)
{
	struct bed *bed = *state;

	bed->drop_error = -EPERM;
	bed_add_pages(bed, AT, 100);
	assert_int_equal(bed->call_count, 1);
	bed_run(bed);
	assert_int_equal(bed->call_count, 1);
	assert_int_equal(bed_status(bed).dropped_pages, 0);
	assert_int_equal(bed_status(bed).held_pages, 100);
	assert_int_equal(bed_status(bed).drop_failures, 1);
	assert_int_equal(bed_status(bed).last_drop_error, -EPERM);
}

static void what_could_not_be_dropped_is_tried_again_when_more_is_added_beside_it(void **state)
{
	struct bed *bed = *state;

	bed->drop_error = -ENOMEM;
	bed_add_pages(bed, AT, 100);
	bed->drop_error = 0;
	bed_add_pages(bed, AT + 100 * 4096, 1);
	assert_int_equal(bed_status(bed).dropped_pages, 101);
}

/* Proves DEV-STOP-2, DEV-STOP-4. */
static void nothing_is_dropped_while_the_record_is_unproven(void **state)
{
	struct bed *bed = *state;

	bed->drop_error = 0;
	post_add(bed, (AT + 16 * MIB) | 4095);
	post_add(bed, AT | 4095);
	vballoon_device_run(bed->device);
	assert_int_equal(bed_status(bed).waiting_pages, 4096);
	bed->call_count = 0;
	bed_pause(bed);
	bed_run(bed);
	assert_int_equal(bed->call_count, 0);
	assert_int_equal(bed_status(bed).waiting_pages, 4096);
	bed_collect(bed, (uint8_t[1]){ 0 }, 1);
	bed_collect(bed, (uint8_t[1]){ 0 }, 1);
	assert_int_equal(bed_hello(bed, BED_EPOCH, 12, 0), 8192);
	assert_int_equal(bed_status(bed).waiting_pages, 0);
}

/* Proves DEV-STOP-10. */
static void nothing_is_dropped_while_only_one_queue_runs(void **state)
{
	struct bed *bed = *state;

	vballoon_device_stop_queue(bed->device, FROMDEV, &bed->rings[FROMDEV].queue.next);
	bed_add_pages(bed, AT, 1);
	assert_int_equal(bed_status(bed).record, VBALLOON_RECORD_PROVEN);
	assert_int_equal(bed->call_count, 0);
	vballoon_device_start_queue(bed->device, FROMDEV, &bed->rings[FROMDEV].queue);
	assert_int_equal(bed_hello(bed, BED_EPOCH, 12, 0), 1);
	bed_run(bed);
	assert_int_equal(bed->call_count, 1);
	assert_dropped(bed, 0, AT, 4096);
}

/* Proves DEV-STOP-9. */
static void a_silent_guest_with_drops_pending_is_asked_for_hello(void **state)
{
	struct bed *bed = *state;

	bed_expect_request(bed, VIRTIO_MEMORY_BALLOON_REQ_RESIZE, 0);
	post_add(bed, AT | 4095);
	post_add(bed, (AT + 16 * MIB) | 4095);
	vballoon_device_run(bed->device);
	bed_pause(bed);
	bed_expect_request(bed, VIRTIO_MEMORY_BALLOON_REQ_HELLO, 0);
	bed_post_request(bed);
	bed_expect_no_request(bed);
}

/* Proves DEV-HELLO-1. */
static void another_guest_loses_nothing_to_the_drops_of_the_one_before(void **state)
{
	struct bed *bed = *state;

	post_add(bed, (AT + 16 * MIB) | 4095);
	post_add(bed, AT | 4095);
	vballoon_device_run(bed->device);
	bed->call_count = 0;
	bed_start_queues(bed);
	assert_int_equal(bed_hello(bed, BED_EPOCH + 1, 12, 0), 0);
	bed_run(bed);
	assert_int_equal(bed->call_count, 0);
	bed_add_pages(bed, AT, 1);
	assert_int_equal(bed->call_count, 1);
	assert_dropped(bed, 0, AT, 4096);
}

static void a_change_of_memory_in_the_midst_of_a_chunk_leaves_the_rest_to_be_dropped(void **state)
{
	struct bed *bed = *state;
	struct {
		struct virtio_memory_balloon_msg msg;
		__le64 pages[1000];
	} message = { .msg = { .type = vballoon_le32(VIRTIO_MEMORY_BALLOON_MSG_ADD) } };

	for (unsigned int i = 0; i < 1000; i++)
		message.pages[i] = vballoon_le64(AT + i * UINT64_C(8192));
	bed_post(bed, &message, sizeof(message), 1000);
	assert_true(vballoon_device_run(bed->device));
	assert_in_range(bed_status(bed).dropped_pages, 1, 500);
	assert_int_equal(vballoon_device_remove_region(bed->device, vballoon_gpa(HUGE_AT)), 0);
	bed_run(bed);
	assert_int_equal(bed_status(bed).dropped_pages, 1000);
}

static void many_single_pages_are_dropped_over_several_calls_of_run(void **state)
{
	struct bed *bed = *state;
	static uint64_t entries[1000];
	static uint8_t verdicts[1000];

	for (unsigned int i = 0; i < 1000; i++)
		entries[i] = AT + i * UINT64_C(8192);
	bed_add_entries(bed, entries, 1000, verdicts);
	assert_int_equal(bed->call_count, 1000);
	assert_int_equal(bed_status(bed).dropped_pages, 1000);
}

static void to_drop_now_ends_with_what_one_run_may_do(void **state)
{
	const struct vballoon_policy warm = { .pages = VBALLOON_PAGES_WARM };
	struct bed *bed = *state;

	vballoon_device_inhibit(bed->device, true);
	bed_add_pages(bed, AT, 16 * MIB / 4096);
	vballoon_device_inhibit(bed->device, false);
	vballoon_device_drop_now(bed->device);
	assert_false(vballoon_device_run(bed->device));
	assert_int_equal(bed_status(bed).dropped_pages, 16 * MIB / 4096);
	assert_int_equal(vballoon_device_set_policy(bed->device, &warm), 0);
	bed_add_pages(bed, AT + 32 * MIB, 512);
	assert_int_equal(bed_status(bed).dropped_pages, 16 * MIB / 4096);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(to_drop_now_ends_with_what_one_run_may_do, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			neighbours_of_different_messages_are_dropped_in_one_call, setup, teardown),
		cmocka_unit_test_setup_teardown(a_host_page_is_dropped_only_when_it_is_wholly_held,
						setup, teardown),
		cmocka_unit_test_setup_teardown(a_run_is_cut_to_whole_host_pages, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_host_page_cut_off_by_the_end_of_its_region_is_not_dropped, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			a_balloon_page_larger_than_the_hosts_is_dropped_as_a_whole, setup,
			teardown),
		cmocka_unit_test_setup_teardown(memory_of_other_kinds_is_never_dropped, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			one_call_of_run_drops_a_bounded_amount_and_says_that_more_is_left, setup,
			teardown),
		cmocka_unit_test_setup_teardown(what_is_looked_through_in_vain_takes_several_runs,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_gigantic_page_of_the_host_is_looked_through_in_several_runs, setup,
			teardown),
		cmocka_unit_test_setup_teardown(what_is_found_after_that_was_interrupted_is_dropped,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			messages_that_keep_coming_do_not_keep_drops_from_happening, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			what_could_not_be_dropped_is_not_tried_again_for_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_could_not_be_dropped_is_tried_again_when_more_is_added_beside_it,
			setup, teardown),
		cmocka_unit_test_setup_teardown(nothing_is_dropped_while_the_record_is_unproven,
						setup, teardown),
		cmocka_unit_test_setup_teardown(nothing_is_dropped_while_only_one_queue_runs, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			a_silent_guest_with_drops_pending_is_asked_for_hello, setup, teardown),
		cmocka_unit_test_setup_teardown(
			another_guest_loses_nothing_to_the_drops_of_the_one_before, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			a_change_of_memory_in_the_midst_of_a_chunk_leaves_the_rest_to_be_dropped,
			setup, teardown),
		cmocka_unit_test_setup_teardown(
			many_single_pages_are_dropped_over_several_calls_of_run, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
