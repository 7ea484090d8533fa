// SPDX-License-Identifier: BSD-3-Clause
/* REPORT: free memory that stays the guest's. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/le.h"
#include "device_bed.h"

#define PAGE UINT64_C(4096)
#define AT UINT64_C(0x10000000)
#define RUN(gpa, pages) ((gpa) | ((pages)-1))

static struct bed bed;

static void set_up_with(uint64_t features, uint32_t host_page_shift)
{
	bed_init(&bed, features);
	bed_add_memory(&bed, AT, 64 * MIB, host_page_shift);
	bed_greet(&bed, 12);
}

static int set_up(void **state)
{
	(void)state;
	set_up_with(BED_RUNS | BED_REPORTING, 12);
	return 0;
}

static int set_up_huge(void **state)
{
	(void)state;
	set_up_with(BED_RUNS | BED_REPORTING, 21);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	bed_destroy(&bed);
	return 0;
}

static void report_run(uint64_t gpa, uint64_t pages)
{
	const uint64_t entry = RUN(gpa, pages);

	bed_report(&bed, &entry, 1);
}

/* Whole host pages were given back, once, before the answer; nothing else was. */
static void assert_discarded(uint64_t gpa, uint64_t len)
{
	assert_int_equal(bed.call_count, 1);
	assert_true(bed.calls[0].discard);
	assert_int_equal(bed.calls[0].gpa, gpa);
	assert_int_equal(bed.calls[0].len, len);
	assert_int_equal(bed_status(&bed).discarded_pages, len / PAGE);
}

static void assert_refused(uint64_t entry, enum vballoon_refusal cause)
{
	uint64_t refused = bed_status(&bed).refused_entries[cause];

	bed_report(&bed, &entry, 1);
	assert_int_equal(bed_status(&bed).refused_entries[cause], refused + 1);
	assert_int_equal(bed_status(&bed).discarded_pages, 0);
	assert_int_equal(bed_status(&bed).reported_pages, 0);
	assert_int_equal(bed_status(&bed).violation, VBALLOON_OK);
}

/* Proves DEV-REPORT-1, DEV-REPORT-2. */
static void what_is_reported_is_given_back_and_not_held(void **state)
{
	unsigned int before = bed.interrupts[TODEV];

	(void)state;
	report_run(AT + MIB, 256);
	assert_discarded(AT + MIB, MIB);
	assert_int_equal(bed.calls[0].interrupts, before);
	assert_int_equal(bed_status(&bed).held_pages, 0);
	assert_int_equal(bed_status(&bed).reported_pages, 256);
}

static void only_whole_host_pages_are_given_back(void **state)
{
	(void)state;
	report_run(AT + MIB, 1024); /* half a huge page, one, half of another */
	assert_discarded(AT + 2 * MIB, 2 * MIB);
}

static void part_of_a_host_page_stays(void **state)
{
	(void)state;
	report_run(AT + MIB, 256);
	assert_int_equal(bed.call_count, 0);
	assert_int_equal(bed_status(&bed).reported_pages, 256);
}

/* Proves DEV-REPORT-3. */
static void what_is_wrong_is_passed_over(void **state)
{
	(void)state;
	assert_refused(RUN(AT + 64 * MIB - PAGE, 2), VBALLOON_REFUSED_OUTSIDE_MEMORY);
	assert_refused(RUN(UINT64_MAX & ~(PAGE - 1), 2), VBALLOON_REFUSED_OUTSIDE_MEMORY);
	assert_refused(RUN(BED_WINDOW, 1), VBALLOON_REFUSED_RING);
}

static void what_is_no_unit_is_passed_over(void **state)
{
	(void)state;
	bed_hello(&bed, BED_EPOCH + 1, 13, 0);
	assert_refused(AT + PAGE, VBALLOON_REFUSED_MISALIGNED);
}

static void a_run_with_a_held_page_is_passed_over(void **state)
{
	(void)state;
	vballoon_device_inhibit(bed.device, true);
	bed_add_pages(&bed, AT + 3 * PAGE, 1);
	vballoon_device_inhibit(bed.device, false);
	assert_refused(RUN(AT, 4), VBALLOON_REFUSED_HELD);
	assert_int_equal(bed_status(&bed).held_pages, 1);
}

/* Proves DEV-REPORT-4. */
static void the_other_entries_count(void **state)
{
	const uint64_t entries[] = { RUN(AT + 64 * MIB, 1), RUN(AT, 256) };

	(void)state;
	bed_report(&bed, entries, 2);
	assert_discarded(AT, MIB);
}

/* Proves DEV-REPORT-6. */
static void before_hello_nothing_is_given_back(void **state)
{
	(void)state;
	bed_destroy(&bed);
	bed_init(&bed, BED_RUNS | BED_REPORTING);
	bed_add_memory(&bed, AT, MIB, 12);
	bed_start_queues(&bed);
	assert_refused(RUN(AT, 256), VBALLOON_REFUSED_NO_RECORD);
	bed_expect_request(&bed, VIRTIO_MEMORY_BALLOON_REQ_HELLO, 0);
}

/* Proves DEV-REPORT-5. */
static void while_that_is_inhibited_it_is_answered_all_the_same(void **state)
{
	(void)state;
	vballoon_device_inhibit(bed.device, true);
	report_run(AT, 256);
	assert_int_equal(bed.call_count, 0);
	vballoon_device_inhibit(bed.device, false);
	bed_run(&bed);
	assert_int_equal(bed.call_count, 0);
}

static void what_the_host_cannot_take_is_counted_and_answered(void **state)
{
	(void)state;
	bed.discard_error = -EOPNOTSUPP;
	report_run(AT, 256);
	assert_int_equal(bed.call_count, 1);
	assert_int_equal(bed_status(&bed).discarded_pages, 0);
	assert_int_equal(bed_status(&bed).discard_failures, 1);
}

static void memory_that_is_kept_stays(void **state)
{
	const uint64_t gpa = BED_WINDOW + MIB - PAGE;

	(void)state;
	report_run(gpa, 1);
	assert_int_equal(bed.call_count, 0);
	assert_int_equal(bed_status(&bed).reported_pages, 1);
}

static void a_run_goes_on_in_the_region_that_adjoins(void **state)
{
	(void)state;
	bed_add_memory(&bed, AT + 64 * MIB, MIB, 12);
	report_run(AT + 64 * MIB - 16 * PAGE, 32);
	assert_int_equal(bed.call_count, 2);
	assert_int_equal(bed.calls[0].len, 16 * PAGE);
	assert_int_equal(bed.calls[1].gpa, AT + 64 * MIB);
	assert_int_equal(bed.calls[1].len, 16 * PAGE);
}

struct report {
	struct virtio_memory_balloon_msg msg;
	uint64_t entries[17];
};

static struct report large_report(void)
{
	struct report message = { .msg.type = VIRTIO_MEMORY_BALLOON_MSG_REPORT };

	for (unsigned int i = 0; i < 4; i++)
		message.entries[i] = RUN(AT + i * 16 * MIB, 4096);
	return message;
}

/* Proves DEV-REPORT-9, DEV-REPORT-10. */
static void each_entry_is_answered_as_far_as_there_is_room(void **state)
{
	const uint64_t entries[] = { RUN(AT, 256), RUN(AT + 64 * MIB, 1), RUN(AT + MIB, 256) };
	uint8_t verdicts[4] = { 9, 9, 9, 9 };

	(void)state;
	assert_int_equal(bed_report_verdicts(&bed, entries, 3, verdicts, 4), 3);
	assert_memory_equal(verdicts, ((uint8_t[]){ 1, 0, 1 }), 3);
	verdicts[2] = 9;
	assert_int_equal(bed_report_verdicts(&bed, entries, 3, verdicts, 2), 2);
	assert_memory_equal(verdicts, ((uint8_t[]){ 1, 0, 9 }), 3);
	bed_report(&bed, entries, 3);
	assert_int_equal(bed_status(&bed).discarded_pages, 3 * 512);
}

/* Proves DEV-REPORT-11. */
static void what_is_passed_over_is_answered_with_0(void **state)
{
	(void)state;
	vballoon_device_inhibit(bed.device, true);
	bed_add_pages(&bed, AT + 3 * PAGE, 1);
	vballoon_device_inhibit(bed.device, false);
	assert_int_equal(bed_report_run(&bed, RUN(AT, 4)), 0);
	assert_int_equal(bed_report_run(&bed, RUN(AT + 64 * MIB, 1)), 0);
	assert_int_equal(bed_report_run(&bed, RUN(BED_WINDOW, 1)), 0);
	assert_int_equal(bed_report_run(&bed, RUN(AT + 4 * PAGE, 4)), 1);
}

static void a_device_without_a_record_answers_with_0(void **state)
{
	(void)state;
	bed_destroy(&bed);
	bed_init(&bed, BED_RUNS | BED_REPORTING);
	bed_add_memory(&bed, AT, MIB, 12);
	bed_start_queues(&bed);
	assert_int_equal(bed_report_run(&bed, RUN(AT, 256)), 0);
}

/* Proves DEV-REPORT-12. */
static void what_the_host_has_nothing_of_is_answered_with_0(void **state)
{
	(void)state;
	assert_int_equal(bed_report_run(&bed, RUN(AT, 256)), 0);
	assert_int_equal(bed_report_run(&bed, RUN(AT + MIB, 1024)), 1);
	vballoon_device_inhibit(bed.device, true);
	assert_int_equal(bed_report_run(&bed, RUN(AT, 1024)), 0);
	vballoon_device_inhibit(bed.device, false);
	bed.discard_error = -EOPNOTSUPP;
	assert_int_equal(bed_report_run(&bed, RUN(AT, 1024)), 0);
}

static void verdicts_wait_for_the_end_and_are_given_anew_after_a_stop(void **state)
{
	struct report message = large_report();
	struct vballoon_queue *queue = &bed.rings[TODEV].queue;
	uint8_t verdicts[4] = { 9, 9, 9, 9 };

	(void)state;
	message.entries[3] = RUN(AT + 64 * MIB, 1);
	bed_post(&bed, &message, 8 + 4 * 8, 4);
	assert_true(vballoon_device_run(bed.device));
	assert_true(bed_silent(&bed));
	assert_int_equal(vballoon_device_stop_queue(bed.device, TODEV, &queue->next), 0);
	vballoon_device_inhibit(bed.device, true);
	assert_int_equal(vballoon_device_start_queue(bed.device, TODEV, queue), 0);
	bed_run(&bed);
	assert_int_equal(bed_collect(&bed, verdicts, 4), 4);
	assert_memory_equal(verdicts, ((uint8_t[]){ 0, 0, 0, 0 }), 4);
	vballoon_device_inhibit(bed.device, false);
	bed_post(&bed, &message, 8 + 4 * 8, 4);
	bed_run(&bed);
	assert_int_equal(bed_collect(&bed, verdicts, 4), 4);
	assert_memory_equal(verdicts, ((uint8_t[]){ 1, 1, 1, 0 }), 4);
}

/* Proves DEV-RING-5. */
static void much_takes_more_than_one_run_and_is_answered_at_the_end(void **state)
{
	const struct report message = large_report();
	unsigned int runs = 1;

	(void)state;
	bed_run(&bed);
	bed_post(&bed, &message, 8 + 4 * 8, 0);
	while (vballoon_device_run(bed.device)) {
		assert_true(bed_silent(&bed) == (bed_status(&bed).discarded_pages < 4 * 4096));
		if (bed_status(&bed).discarded_pages == 4 * 4096)
			break;
		runs++;
	}
	assert_true(runs >= 4);
	assert_int_equal(bed_status(&bed).discarded_pages, 4 * 4096);
}

/* Proves DEV-RING-5. */
static void many_small_runs_take_more_than_one_run_too(void **state)
{
	uint64_t message[1 + 200] = { VIRTIO_MEMORY_BALLOON_MSG_REPORT };

	(void)state;
	for (unsigned int i = 0; i < 200; i++)
		message[1 + i] = RUN(AT + 2 * i * PAGE, 1);
	bed_post(&bed, message, sizeof(message), 0);
	assert_true(vballoon_device_run(bed.device));
	assert_in_range(bed.call_count, 1, 128);
	assert_true(bed_silent(&bed));
	bed_run(&bed);
	assert_int_equal(bed_collect(&bed, NULL, 0), 0);
	assert_int_equal(bed.call_count, 200);
}

/* Proves DEV-RING-5. */
static void looking_for_held_pages_is_work_too(void **state)
{
	const struct report message = large_report();
	unsigned int answered = 0;

	(void)state;
	vballoon_device_inhibit(bed.device, true);
	for (unsigned int i = 0; i < BED_QUEUE_SIZE; i++)
		bed_post(&bed, &message, 8 + 4 * 8, 0);
	assert_true(vballoon_device_run(bed.device));
	while (!bed_silent(&bed))
		answered++;
	assert_in_range(answered, 1, BED_QUEUE_SIZE - 1);
	bed_run(&bed);
	while (!bed_silent(&bed))
		answered++;
	assert_int_equal(answered, BED_QUEUE_SIZE);
}

/* Proves DEV-RING-1. */
static void a_message_behind_it_waits(void **state)
{
	const struct report message = large_report();
	const struct virtio_memory_balloon_withdraw next = {
		.msg.type = VIRTIO_MEMORY_BALLOON_MSG_WITHDRAW,
	};

	(void)state;
	bed_post(&bed, &message, 8 + 4 * 8, 0);
	bed_post(&bed, &next, sizeof(next), 8);
	vballoon_device_run(bed.device);
	assert_true(bed_silent(&bed));
	bed_run(&bed);
	bed_collect(&bed, NULL, 0);
	bed_collect(&bed, NULL, 0);
}

static void requests_are_sent_meanwhile(void **state)
{
	const struct report message = large_report();
	struct virtio_memory_balloon_req request;

	(void)state;
	bed_expect_request(&bed, VIRTIO_MEMORY_BALLOON_REQ_RESIZE, 0);
	bed_post(&bed, &message, 8 + 4 * 8, 0);
	assert_true(vballoon_device_run(bed.device));
	assert_int_equal(vballoon_device_set_target(bed.device, 5), 0);
	bed_post_request(&bed);
	assert_true(vballoon_device_run(bed.device));
	assert_true(bed_collect_request(&bed, &request));
	bed_run(&bed);
	assert_int_equal(bed_collect(&bed, NULL, 0), 0);
	assert_int_equal(bed_status(&bed).discarded_pages, 4 * 4096);
}

/* Proves DEV-RING-2. */
static void a_stop_ends_it_unanswered_and_it_is_done_again(void **state)
{
	const struct report message = large_report();
	struct vballoon_queue *queue = &bed.rings[TODEV].queue;
	unsigned int calls;

	(void)state;
	bed_post(&bed, &message, 8 + 4 * 8, 0);
	assert_true(vballoon_device_run(bed.device));
	assert_int_equal(vballoon_device_stop_queue(bed.device, TODEV, &queue->next), 0);
	calls = bed.call_count;
	bed_run(&bed);
	assert_int_equal(bed.call_count, calls);
	assert_true(bed_silent(&bed));
	assert_int_equal(vballoon_device_start_queue(bed.device, TODEV, queue), 0);
	bed_run(&bed);
	assert_int_equal(bed_collect(&bed, NULL, 0), 0);
	assert_int_equal(bed_status(&bed).violation, VBALLOON_OK);
}

static void what_is_done_again_counts_once(void **state)
{
	const struct report message = large_report();
	struct vballoon_queue *queue = &bed.rings[TODEV].queue;

	(void)state;
	bed_post(&bed, &message, 8 + 4 * 8, 0);
	assert_true(vballoon_device_run(bed.device));
	assert_int_equal(vballoon_device_stop_queue(bed.device, TODEV, &queue->next), 0);
	assert_int_equal(vballoon_device_start_queue(bed.device, TODEV, queue), 0);
	bed_run(&bed);
	assert_int_equal(bed_collect(&bed, NULL, 0), 0);
	assert_int_equal(bed_status(&bed).reported_pages, 4 * 4096);
	assert_int_equal(bed_status(&bed).discarded_pages, 4 * 4096);
}

static void memory_that_goes_meanwhile_is_not_touched(void **state)
{
	const struct report message = large_report();

	(void)state;
	bed_post(&bed, &message, 8 + 4 * 8, 0);
	assert_true(vballoon_device_run(bed.device));
	assert_int_equal(vballoon_device_remove_region(bed.device, vballoon_gpa(AT)), 0);
	bed_run(&bed);
	assert_int_equal(bed_collect(&bed, NULL, 0), 0);
	assert_int_equal(bed_status(&bed).refused_entries[VBALLOON_REFUSED_OUTSIDE_MEMORY], 4);
	assert_int_equal(bed_status(&bed).reported_pages, 0);
}

static void stop_with(const void *message, size_t len, size_t room, enum vballoon_violation why)
{
	bed_post(&bed, message, len, room);
	bed_run(&bed);
	assert_int_equal(bed_status(&bed).violation, why);
	assert_true(bed_silent(&bed));
}

static void more_than_65536_units_stop_the_device(void **state)
{
	struct report message = { .msg.type = VIRTIO_MEMORY_BALLOON_MSG_REPORT };

	(void)state;
	for (unsigned int i = 0; i < 17; i++)
		message.entries[i] = RUN(AT + 64 * MIB, 4096);
	stop_with(&message, sizeof(message), 0, VBALLOON_MESSAGE_LENGTH);
}

static void a_flag_stops_the_device(void **state)
{
	const struct virtio_memory_balloon_msg report = { VIRTIO_MEMORY_BALLOON_MSG_REPORT, 1 };

	(void)state;
	stop_with(&report, sizeof(report), 0, VBALLOON_MESSAGE_FLAGS);
}

static void a_done_without_its_id_stops_the_device(void **state)
{
	const struct virtio_memory_balloon_msg done = { VIRTIO_MEMORY_BALLOON_MSG_REPORT_DONE, 0 };

	(void)state;
	stop_with(&done, sizeof(done), 0, VBALLOON_MESSAGE_SHORT);
}

/* Proves DEV-FEAT-5, DEV-FEAT-6. */
static void without_the_feature_both_messages_are_unknown(void **state)
{
	const struct virtio_memory_balloon_msg report = { VIRTIO_MEMORY_BALLOON_MSG_REPORT, 0 };
	const struct virtio_memory_balloon_report_done done = {
		.msg.type = VIRTIO_MEMORY_BALLOON_MSG_REPORT_DONE,
	};

	(void)state;
	bed_destroy(&bed);
	set_up_with(BED_RUNS, 12);
	stop_with(&report, sizeof(report), 0, VBALLOON_MESSAGE_TYPE);
	bed_destroy(&bed);
	set_up_with(BED_RUNS, 12);
	stop_with(&done, sizeof(done), 0, VBALLOON_MESSAGE_TYPE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define HUGE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_huge, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_reported_is_given_back_and_not_held),
		HUGE_TEST(only_whole_host_pages_are_given_back),
		HUGE_TEST(part_of_a_host_page_stays),
		TEST(what_is_wrong_is_passed_over),
		TEST(what_is_no_unit_is_passed_over),
		TEST(a_run_with_a_held_page_is_passed_over),
		TEST(the_other_entries_count),
		TEST(before_hello_nothing_is_given_back),
		TEST(while_that_is_inhibited_it_is_answered_all_the_same),
		TEST(what_the_host_cannot_take_is_counted_and_answered),
		TEST(memory_that_is_kept_stays),
		TEST(a_run_goes_on_in_the_region_that_adjoins),
		TEST(each_entry_is_answered_as_far_as_there_is_room),
		TEST(what_is_passed_over_is_answered_with_0),
		TEST(a_device_without_a_record_answers_with_0),
		HUGE_TEST(what_the_host_has_nothing_of_is_answered_with_0),
		TEST(verdicts_wait_for_the_end_and_are_given_anew_after_a_stop),
		TEST(much_takes_more_than_one_run_and_is_answered_at_the_end),
		TEST(many_small_runs_take_more_than_one_run_too),
		TEST(looking_for_held_pages_is_work_too),
		TEST(a_message_behind_it_waits),
		TEST(requests_are_sent_meanwhile),
		TEST(a_stop_ends_it_unanswered_and_it_is_done_again),
		TEST(what_is_done_again_counts_once),
		TEST(memory_that_goes_meanwhile_is_not_touched),
		TEST(more_than_65536_units_stop_the_device),
		TEST(a_flag_stops_the_device),
		TEST(a_done_without_its_id_stops_the_device),
		TEST(without_the_feature_both_messages_are_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
