/* SPDX-License-Identifier: BSD-3-Clause */
/* HELLO, and when the record is proven (docs/spec/hello.md). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "device_bed.h"

#define AT GIB
#define NOW_MS 70000

static int setup(void **state)
{
	static struct bed bed;

	bed_init(&bed, BED_RUNS);
	bed_add_memory(&bed, AT, 64 * MIB, 12);
	bed_greet(&bed, 12);
	*state = &bed;
	return 0;
}

static int teardown(void **state)
{
	bed_destroy(*state);
	return 0;
}

/* Proves DEV-HELLO-5. */
static void a_first_hello_is_answered_with_nothing_held(void **state)
{
	struct bed *bed = *state;
	struct vballoon_status status = bed_status(bed);

	assert_int_equal(status.record, VBALLOON_RECORD_PROVEN);
	assert_int_equal(status.epoch, BED_EPOCH);
	assert_int_equal(status.unit_shift, 12);
	assert_int_equal(status.hellos, 1);
	assert_int_equal(status.resets_seen, 0);
}

/* Proves DEV-HELLO-4, DEV-STOP-6. */
static void the_same_epoch_keeps_the_record(void **state)
{
	struct bed *bed = *state;

	bed_add_pages(bed, AT, 100);
	bed_pause(bed);
	assert_int_equal(bed_hello(bed, BED_EPOCH, 12, 0), 100);
	assert_int_equal(bed_status(bed).record, VBALLOON_RECORD_PROVEN);
	assert_int_equal(bed_status(bed).resets_seen, 0);
}

/* Proves DEV-HELLO-1. */
static void another_epoch_empties_the_record(void **state)
{
	struct bed *bed = *state;

	bed_add_pages(bed, AT, 100);
	assert_int_equal(bed_hello(bed, BED_EPOCH + 1, 12, 0), 0);
	assert_int_equal(bed_status(bed).held_pages, 0);
	assert_int_equal(bed_status(bed).dropped_pages, 0);
	assert_int_equal(bed_status(bed).resets_seen, 1);
}

/* Proves DEV-HELLO-3. */
static void start_over_empties_the_record_of_the_same_epoch(void **state)
{
	struct bed *bed = *state;

	bed_add_pages(bed, AT, 100);
	assert_int_equal(bed_hello(bed, BED_EPOCH, 12, VIRTIO_MEMORY_BALLOON_HELLO_START_OVER), 0);
	assert_int_equal(bed_status(bed).held_pages, 0);
}

/* Proves DEV-HELLO-2. */
static void another_unit_empties_the_record_of_the_same_epoch(void **state)
{
	struct bed *bed = *state;

	bed_add_pages(bed, AT, 100);
	assert_int_equal(bed_hello(bed, BED_EPOCH, 16, 0), 0);
	assert_int_equal(bed_status(bed).held_pages, 0);
	assert_int_equal(bed_status(bed).unit_shift, 16);
}

/* Proves DEV-HELLO-8. */
static void an_emptied_record_is_followed_by_the_target_even_when_it_is_0(void **state)
{
	struct bed *bed = *state;

	bed_expect_request(bed, VIRTIO_MEMORY_BALLOON_REQ_RESIZE, 0);
	bed_hello(bed, BED_EPOCH + 1, 12, 0);
	bed_expect_request(bed, VIRTIO_MEMORY_BALLOON_REQ_RESIZE, 0);
}

static void a_kept_record_is_not_followed_by_the_target_again(void **state)
{
	struct bed *bed = *state;

	bed_expect_request(bed, VIRTIO_MEMORY_BALLOON_REQ_RESIZE, 0);
	bed_post_request(bed);
	bed_hello(bed, BED_EPOCH, 12, 0);
	bed_expect_no_request(bed);
}

/* Proves DEV-STOP-1. */
static void stopping_one_queue_makes_the_record_unproven(void **state)
{
	struct bed *bed = *state;

	vballoon_device_stop_queue(bed->device, FROMDEV, NULL);
	assert_int_equal(bed_status(bed).record, VBALLOON_RECORD_UNPROVEN);
}

/* Proves DEV-STOP-7. */
static void a_message_that_is_no_hello_proves_the_record(void **state)
{
	struct bed *bed = *state;
	uint64_t entry;

	bed_add_pages(bed, AT, 1);
	bed_pause(bed);
	assert_int_equal(bed_status(bed).record, VBALLOON_RECORD_UNPROVEN);
	assert_int_equal(bed_withdraw(bed, 1, &entry, 1), 1);
	assert_int_equal(entry, AT);
	assert_int_equal(bed_status(bed).record, VBALLOON_RECORD_PROVEN);
}

/* Proves DEV-HELLO-7. */
static void what_is_reserved_in_hello_is_ignored(void **state)
{
	const struct virtio_memory_balloon_hello hello = {
		.epoch = BED_EPOCH,
		.unit_shift = 12,
		.reserved = UINT32_MAX,
	};
	struct bed *bed = *state;
	uint64_t held;

	bed_add_pages(bed, AT, 10);
	assert_int_equal(bed_say(bed, &hello, sizeof(hello), &held, sizeof(held)), sizeof(held));
	assert_int_equal(held, 10);
}

/* Proves DEV-HELLO-5. */
static void held_counts_balloon_pages_not_units(void **state)
{
	struct bed *bed = *state;

	bed_hello(bed, BED_EPOCH, 16, 0);
	assert_int_equal(bed_add_entry(bed, AT), VIRTIO_MEMORY_BALLOON_ACCEPTED);
	assert_int_equal(bed_hello(bed, BED_EPOCH, 16, 0), 16);
}

/* Proves DEV-HELLO-9, DEV-HELLO-10, DEV-HELLO-11. */
static void a_message_before_hello_is_answered_with_0_and_a_request_for_hello(void **state)
{
	struct bed *bed = *state;
	uint64_t entry;

	vballoon_device_reset(bed->device);
	vballoon_device_set_features(bed->device, BED_RUNS | BED_VERSION_1);
	bed_start_queues(bed);
	assert_int_equal(bed_add_entry(bed, AT), VIRTIO_MEMORY_BALLOON_REFUSED);
	assert_int_equal(bed_withdraw(bed, 1, &entry, 1), 0);
	assert_int_equal(bed_status(bed).refused_entries[VBALLOON_REFUSED_NO_RECORD], 1);
	bed_expect_request(bed, VIRTIO_MEMORY_BALLOON_REQ_HELLO, 0);
	assert_int_equal(bed_withdraw(bed, 1, &entry, 1), 0);
	bed_post_request(bed);
	bed_expect_no_request(bed);
}

static void a_driver_that_goes_on_with_a_new_device_is_asked_for_hello(void **state)
{
	struct bed *bed = *state;

	vballoon_device_stop_queue(bed->device, TODEV, &bed->rings[TODEV].queue.next);
	vballoon_device_reset(bed->device);
	vballoon_device_set_features(bed->device, BED_RUNS | BED_VERSION_1);
	vballoon_device_start_queue(bed->device, FROMDEV, &bed->rings[FROMDEV].queue);
	vballoon_device_start_queue(bed->device, TODEV, &bed->rings[TODEV].queue);
	bed_expect_request(bed, VIRTIO_MEMORY_BALLOON_REQ_HELLO, 0);
	assert_int_equal(bed_hello(bed, BED_EPOCH, 12, 0), 0);
}

/* A device that has lost its record, and queues that go on, or begin, where queues begin. */
static void begin_with_another_device(struct bed *bed)
{
	vballoon_device_reset(bed->device);
	vballoon_device_set_features(bed->device, BED_RUNS | BED_VERSION_1);
	vballoon_device_set_time(bed->device, NOW_MS);
	bed_start_queues(bed);
	bed_post_request(bed);
}

/* Proves DEV-HELLO-12. */
static void a_driver_that_is_silent_for_a_second_is_asked_for_hello_once(void **state)
{
	struct virtio_memory_balloon_req request;
	struct bed *bed = *state;

	begin_with_another_device(bed);
	vballoon_device_set_time(bed->device, NOW_MS + 999);
	bed_expect_no_request(bed);
	assert_int_equal(vballoon_device_due_ms(bed->device), NOW_MS + 1000);
	vballoon_device_set_time(bed->device, NOW_MS + 1000);
	bed_run(bed);
	assert_true(bed_collect_request(bed, &request));
	assert_int_equal(request.type, VIRTIO_MEMORY_BALLOON_REQ_HELLO);
	assert_int_equal(vballoon_device_due_ms(bed->device), VBALLOON_NEVER);
	bed_post_request(bed);
	vballoon_device_set_time(bed->device, NOW_MS + 5000);
	bed_expect_no_request(bed);
}

static void a_driver_that_says_hello_is_not_asked_for_it(void **state)
{
	struct bed *bed = *state;

	begin_with_another_device(bed);
	bed_hello(bed, BED_EPOCH, 12, 0);
	assert_int_equal(vballoon_device_due_ms(bed->device), VBALLOON_NEVER);
	vballoon_device_set_time(bed->device, NOW_MS + 5000);
	bed_run(bed);
	bed_expect_request(bed, VIRTIO_MEMORY_BALLOON_REQ_RESIZE, 0);
	bed_post_request(bed);
	bed_expect_no_request(bed);
}

static void a_request_for_hello_survives_the_start_of_the_other_queue(void **state)
{
	struct bed *bed = *state;

	vballoon_device_stop_queue(bed->device, TODEV, &bed->rings[TODEV].queue.next);
	vballoon_device_reset(bed->device);
	vballoon_device_set_features(bed->device, BED_RUNS | BED_VERSION_1);
	vballoon_device_start_queue(bed->device, TODEV, &bed->rings[TODEV].queue);
	bed_run(bed);
	vballoon_device_start_queue(bed->device, FROMDEV, &bed->rings[FROMDEV].queue);
	bed_expect_request(bed, VIRTIO_MEMORY_BALLOON_REQ_HELLO, 0);
}

/* Proves DEV-HELLO-11. */
static void that_the_other_queue_starts_asks_for_no_hello_that_was_asked_for(void **state)
{
	struct bed *bed = *state;

	bed_expect_request(bed, VIRTIO_MEMORY_BALLOON_REQ_RESIZE, 0);
	bed_stop(bed);
	vballoon_device_reset(bed->device);
	vballoon_device_set_features(bed->device, BED_RUNS | BED_VERSION_1);
	vballoon_device_start_queue(bed->device, FROMDEV, &bed->rings[FROMDEV].queue);
	bed_expect_request(bed, VIRTIO_MEMORY_BALLOON_REQ_HELLO, 0);
	vballoon_device_start_queue(bed->device, TODEV, &bed->rings[TODEV].queue);
	bed_post_request(bed);
	bed_expect_no_request(bed);
	/* What was asked before a stop may not have been seen. */
	bed_pause(bed);
	bed_expect_request(bed, VIRTIO_MEMORY_BALLOON_REQ_HELLO, 0);
}

static void that_fromdevq_goes_on_tells_of_a_driver_too(void **state)
{
	struct bed *bed = *state;

	bed_expect_request(bed, VIRTIO_MEMORY_BALLOON_REQ_RESIZE, 0);
	vballoon_device_stop_queue(bed->device, FROMDEV, &bed->rings[FROMDEV].queue.next);
	vballoon_device_reset(bed->device);
	vballoon_device_set_features(bed->device, BED_RUNS | BED_VERSION_1);
	vballoon_device_start_queue(bed->device, FROMDEV, &bed->rings[FROMDEV].queue);
	bed_expect_request(bed, VIRTIO_MEMORY_BALLOON_REQ_HELLO, 0);
}

/* Proves DEV-REQ-7, DEV-STOP-9. */
static void a_silent_guest_is_asked_for_hello_when_there_is_a_target_to_tell(void **state)
{
	struct bed *bed = *state;

	bed_expect_request(bed, VIRTIO_MEMORY_BALLOON_REQ_RESIZE, 0);
	bed_pause(bed);
	bed_post_request(bed);
	bed_expect_no_request(bed);
	vballoon_device_set_target(bed->device, 5);
	bed_run(bed);
	struct virtio_memory_balloon_req request;
	assert_true(bed_collect_request(bed, &request));
	assert_int_equal(request.type, VIRTIO_MEMORY_BALLOON_REQ_HELLO);
	bed_hello(bed, BED_EPOCH, 12, 0);
	bed_expect_request(bed, VIRTIO_MEMORY_BALLOON_REQ_RESIZE, 5);
}

/* Proves DEV-RESET-1, DEV-RESET-3. */
static void a_reset_forgets_the_record_and_keeps_the_target(void **state)
{
	struct bed *bed = *state;

	bed_add_pages(bed, AT, 100);
	vballoon_device_set_target(bed->device, 200);
	vballoon_device_reset(bed->device);
	assert_int_equal(bed_status(bed).record, VBALLOON_RECORD_NONE);
	assert_int_equal(bed_status(bed).held_pages, 0);
	assert_int_equal(bed_status(bed).features, 0);
	assert_false(bed_status(bed).queue_running[TODEV]);
	assert_int_equal(bed_status(bed).target_pages, 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_first_hello_is_answered_with_nothing_held, setup,
						teardown),
		cmocka_unit_test_setup_teardown(the_same_epoch_keeps_the_record, setup, teardown),
		cmocka_unit_test_setup_teardown(another_epoch_empties_the_record, setup, teardown),
		cmocka_unit_test_setup_teardown(start_over_empties_the_record_of_the_same_epoch,
						setup, teardown),
		cmocka_unit_test_setup_teardown(another_unit_empties_the_record_of_the_same_epoch,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			an_emptied_record_is_followed_by_the_target_even_when_it_is_0, setup,
			teardown),
		cmocka_unit_test_setup_teardown(a_kept_record_is_not_followed_by_the_target_again,
						setup, teardown),
		cmocka_unit_test_setup_teardown(stopping_one_queue_makes_the_record_unproven, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_message_that_is_no_hello_proves_the_record, setup,
						teardown),
		cmocka_unit_test_setup_teardown(what_is_reserved_in_hello_is_ignored, setup,
						teardown),
		cmocka_unit_test_setup_teardown(held_counts_balloon_pages_not_units, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			a_message_before_hello_is_answered_with_0_and_a_request_for_hello, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			a_driver_that_goes_on_with_a_new_device_is_asked_for_hello, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			a_driver_that_is_silent_for_a_second_is_asked_for_hello_once, setup,
			teardown),
		cmocka_unit_test_setup_teardown(a_driver_that_says_hello_is_not_asked_for_it, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			a_request_for_hello_survives_the_start_of_the_other_queue, setup, teardown),
		cmocka_unit_test_setup_teardown(
			that_the_other_queue_starts_asks_for_no_hello_that_was_asked_for, setup,
			teardown),
		cmocka_unit_test_setup_teardown(that_fromdevq_goes_on_tells_of_a_driver_too, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			a_silent_guest_is_asked_for_hello_when_there_is_a_target_to_tell, setup,
			teardown),
		cmocka_unit_test_setup_teardown(a_reset_forgets_the_record_and_keeps_the_target,
						setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
