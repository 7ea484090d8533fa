/* SPDX-License-Identifier: BSD-3-Clause */
/* What a driver may not send, and how a device that has stopped comes back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/le.h"
#include "device_bed.h"

#define AT GIB

/* Send a message of these first bytes, then zeros. */
static void send(struct bed *bed, uint32_t type, uint32_t flags, size_t len, size_t room)
{
	unsigned char message[256] = { 0 };
	uint32_t header[2] = { vballoon_le32(type), vballoon_le32(flags) };

	memcpy(message, header, sizeof(header));
	bed_post(bed, message, len, room);
	bed_run(bed);
}

static void assert_stopped(struct bed *bed, enum vballoon_violation violation)
{
	assert_int_equal(bed_status(bed).violation, violation);
	assert_int_equal(bed_status(bed).violation_queue, TODEV);
	assert_int_equal(bed_status(bed).violations, 1);
	assert_int_equal(bed->stops, 1);
	assert_true(bed_silent(bed));
}

/* Proves DEV-MSG-5. */
static void an_unknown_type_stops_the_device(void **state)
{
	send(*state, 7, 0, 16, 0);
	assert_stopped(*state, VBALLOON_MESSAGE_TYPE);
}

/* Proves DEV-FEAT-6. */
static void a_type_whose_feature_is_not_negotiated_stops_the_device(void **state)
{
	send(*state, VIRTIO_MEMORY_BALLOON_MSG_EXCHANGE, 0, 24, 1);
	assert_stopped(*state, VBALLOON_MESSAGE_TYPE);
}

/* Proves DEV-MSG-4. */
static void a_short_header_stops_the_device(void **state)
{
	send(*state, VIRTIO_MEMORY_BALLOON_MSG_ADD, 0, 7, 0);
	assert_stopped(*state, VBALLOON_MESSAGE_SHORT);
}

/* Proves DEV-MSG-10. */
static void a_message_without_anything_to_read_stops_the_device(void **state)
{
	send(*state, 0, 0, 0, 8);
	assert_stopped(*state, VBALLOON_MESSAGE_DIRECTION);
}

/* Proves DEV-MSG-4. */
static void a_short_hello_stops_the_device(void **state)
{
	send(*state, VIRTIO_MEMORY_BALLOON_MSG_HELLO, 0, 23, 8);
	assert_stopped(*state, VBALLOON_MESSAGE_SHORT);
}

/* Proves DEV-MSG-8. */
static void a_hello_with_more_behind_it_stops_the_device(void **state)
{
	send(*state, VIRTIO_MEMORY_BALLOON_MSG_HELLO, 0, 25, 8);
	assert_stopped(*state, VBALLOON_MESSAGE_LENGTH);
}

/* Proves DEV-MSG-11. */
static void a_hello_without_room_for_its_answer_stops_the_device(void **state)
{
	send(*state, VIRTIO_MEMORY_BALLOON_MSG_HELLO, 0, 24, 7);
	assert_stopped(*state, VBALLOON_MESSAGE_DIRECTION);
}

/* Proves DEV-MSG-6. */
static void an_unknown_flag_of_hello_stops_the_device(void **state)
{
	send(*state, VIRTIO_MEMORY_BALLOON_MSG_HELLO, 2, 24, 8);
	assert_stopped(*state, VBALLOON_MESSAGE_FLAGS);
}

/* Proves DEV-MSG-6. */
static void a_flag_of_add_stops_the_device(void **state)
{
	send(*state, VIRTIO_MEMORY_BALLOON_MSG_ADD, 1, 16, 1);
	assert_stopped(*state, VBALLOON_MESSAGE_FLAGS);
}

/* Proves DEV-FEAT-6, DEV-REASON-1. */
static void a_reason_to_withdraw_without_its_feature_stops_the_device(void **state)
{
	send(*state, VIRTIO_MEMORY_BALLOON_MSG_WITHDRAW, VIRTIO_MEMORY_BALLOON_WITHDRAW_OOM, 16, 8);
	assert_stopped(*state, VBALLOON_MESSAGE_FLAGS);
}

/* Proves DEV-MSG-7. */
static void an_add_of_half_an_entry_stops_the_device(void **state)
{
	send(*state, VIRTIO_MEMORY_BALLOON_MSG_ADD, 0, 20, 1);
	assert_stopped(*state, VBALLOON_MESSAGE_LENGTH);
}

static void a_withdraw_without_its_number_stops_the_device(void **state)
{
	send(*state, VIRTIO_MEMORY_BALLOON_MSG_WITHDRAW, 0, 8, 8);
	assert_stopped(*state, VBALLOON_MESSAGE_SHORT);
}

/* Proves DEV-MSG-7. */
static void statistics_of_half_an_entry_stop_the_device(void **state)
{
	send(*state, VIRTIO_MEMORY_BALLOON_MSG_STATS, 0, 32, 0);
	assert_stopped(*state, VBALLOON_MESSAGE_LENGTH);
}

/* Proves DEV-MSG-12. */
static void statistics_with_room_to_write_stop_the_device(void **state)
{
	send(*state, VIRTIO_MEMORY_BALLOON_MSG_STATS, 0, 24, 8);
	assert_stopped(*state, VBALLOON_MESSAGE_DIRECTION);
}

/* A HELLO with this unit_shift. */
static void send_hello(struct bed *bed, uint32_t unit_shift)
{
	struct virtio_memory_balloon_hello hello = {
		.epoch = vballoon_le64(99),
		.unit_shift = vballoon_le32(unit_shift),
	};

	bed_post(bed, &hello, sizeof(hello), 8);
	bed_run(bed);
}

/* Proves DEV-HELLO-6. */
static void a_unit_smaller_than_a_page_stops_the_device_and_keeps_the_record(void **state)
{
	struct bed *bed = *state;

	bed_add_pages(bed, AT, 10);
	send_hello(bed, 11);
	assert_stopped(bed, VBALLOON_HELLO_UNIT);
	assert_int_equal(bed_status(bed).held_pages, 10);
}

/* Proves DEV-HELLO-6. */
static void a_unit_larger_than_a_gibibyte_stops_the_device(void **state)
{
	send_hello(*state, 31);
	assert_stopped(*state, VBALLOON_HELLO_UNIT);
}

static void a_message_that_cannot_be_read_stops_the_device(void **state)
{
	struct bed *bed = *state;

	bed->read_fails_at = bed_next_message_at(bed);
	send(bed, VIRTIO_MEMORY_BALLOON_MSG_ADD, 0, 16, 1);
	assert_stopped(bed, VBALLOON_DESC_OUTSIDE_MEMORY);
}

/* Proves DEV-BAD-1, DEV-BAD-2. */
static void a_stopped_device_answers_nothing_and_drops_nothing(void **state)
{
	struct bed *bed = *state;
	unsigned char message[16] = { VIRTIO_MEMORY_BALLOON_MSG_ADD, [8 + 3] = 0x40 };

	send(bed, 7, 0, 16, 0);
	bed_post(bed, message, sizeof(message), 1);
	bed_run(bed);
	assert_stopped(bed, VBALLOON_MESSAGE_TYPE);
	assert_int_equal(bed_status(bed).held_pages, 0);
	assert_int_equal(bed->call_count, 0);
}

/* Proves DEV-BAD-3, DEV-BAD-7. */
static void a_stopped_device_asks_for_a_reset_and_for_nothing_else(void **state)
{
	struct bed *bed = *state;

	send(bed, 7, 0, 16, 0);
	vballoon_device_set_target(bed->device, 1);
	bed_expect_request(bed, VIRTIO_MEMORY_BALLOON_REQ_RESET, 0);
	bed_post_request(bed);
	bed_expect_no_request(bed);
}

static void a_broken_fromdevq_leaves_nobody_to_ask(void **state)
{
	struct bed *bed = *state;
	struct vballoon_driver_buffer buffer = { vballoon_gpa(AT), 8, true };

	vballoon_driver_ring_post(&bed->rings[FROMDEV].driver, &buffer, 1, AT);
	bed_post_request(bed);
	vballoon_device_set_target(bed->device, 1);
	bed_expect_no_request(bed);
	assert_int_equal(bed_status(bed).violation, VBALLOON_REQUEST_BUFFER);
	assert_int_equal(bed_status(bed).violations, 1);
	assert_int_equal(bed->stops, 1);
}

/* What was handed back is the driver's, whatever it does wrong afterwards. */
static void a_bad_message_behind_a_withdraw_takes_nothing_back(void **state)
{
	struct bed *bed = *state;
	uint64_t entry;

	bed_add_pages(bed, AT, 10);
	assert_int_equal(bed_withdraw(bed, 4, &entry, 1), 1);
	send(bed, VIRTIO_MEMORY_BALLOON_MSG_ADD, 0, 7, 0);
	assert_stopped(bed, VBALLOON_MESSAGE_SHORT);
	assert_int_equal(bed_status(bed).held_pages, 6);
	assert_int_equal(bed_status(bed).returned_pages, 4);
}

/* Proves DEV-RESET-4. */
static void a_reset_by_the_driver_brings_the_device_back(void **state)
{
	struct bed *bed = *state;

	send(bed, 7, 0, 16, 0);
	bed_start_queues(bed);
	assert_int_equal(bed_status(bed).violation, VBALLOON_OK);
	assert_int_equal(bed_hello(bed, BED_EPOCH + 1, 12, 0), 0);
	bed_add_pages(bed, AT, 1);
	assert_int_equal(bed_status(bed).held_pages, 1);
	bed_expect_request(bed, VIRTIO_MEMORY_BALLOON_REQ_RESIZE, 0);
}

static void a_queue_that_stopped_at_a_bad_message_goes_on_at_it(void **state)
{
	struct bed *bed = *state;
	uint16_t before = bed->rings[TODEV].driver.avail_idx;
	uint32_t next;

	send(bed, 7, 0, 16, 0);
	vballoon_device_stop_queue(bed->device, TODEV, &next);
	assert_int_equal(next, before);
}

static void a_restart_skips_the_bad_message_and_forgets_the_record(void **state)
{
	struct bed *bed = *state;
	uint8_t verdict;

	bed_add_pages(bed, AT, 10);
	send(bed, 7, 0, 16, 0);
	vballoon_device_restart(bed->device);
	bed_expect_request(bed, VIRTIO_MEMORY_BALLOON_REQ_RESET, 0);
	assert_int_equal(bed_status(bed).violation, VBALLOON_OK);
	assert_int_equal(bed_status(bed).record, VBALLOON_RECORD_NONE);
	assert_int_equal(bed_status(bed).held_pages, 0);
	assert_int_equal(bed_collect(bed, NULL, 0), 0);
	bed_add_entries(bed, (uint64_t[]){ AT }, 1, &verdict);
	assert_int_equal(verdict, VIRTIO_MEMORY_BALLOON_REFUSED);
	bed_expect_request(bed, VIRTIO_MEMORY_BALLOON_REQ_HELLO, 0);
	assert_int_equal(bed_hello(bed, BED_EPOCH, 12, 0), 0);
	bed_expect_request(bed, VIRTIO_MEMORY_BALLOON_REQ_RESIZE, 0);
}

static void a_restart_while_paused_is_heard_where_the_queues_begin_again(void **state)
{
	struct bed *bed = *state;

	bed_add_pages(bed, AT, 10);
	for (unsigned int i = 0; i < 2; i++)
		vballoon_device_stop_queue(bed->device, i, NULL);
	vballoon_device_restart(bed->device);
	/* As after 65536 buffers, or with a packed ring so many times the queue's size. */
	bed_start_queues(bed);
	bed_expect_request(bed, VIRTIO_MEMORY_BALLOON_REQ_HELLO, 0);
	assert_int_equal(bed_hello(bed, BED_EPOCH, 12, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_unknown_type_stops_the_device,
						bed_set_up_settled, bed_tear_down),
		cmocka_unit_test_setup_teardown(
			a_type_whose_feature_is_not_negotiated_stops_the_device, bed_set_up_settled,
			bed_tear_down),
		cmocka_unit_test_setup_teardown(a_short_header_stops_the_device, bed_set_up_settled,
						bed_tear_down),
		cmocka_unit_test_setup_teardown(a_message_without_anything_to_read_stops_the_device,
						bed_set_up_settled, bed_tear_down),
		cmocka_unit_test_setup_teardown(a_short_hello_stops_the_device, bed_set_up_settled,
						bed_tear_down),
		cmocka_unit_test_setup_teardown(a_hello_with_more_behind_it_stops_the_device,
						bed_set_up_settled, bed_tear_down),
		cmocka_unit_test_setup_teardown(
			a_hello_without_room_for_its_answer_stops_the_device, bed_set_up_settled,
			bed_tear_down),
		cmocka_unit_test_setup_teardown(an_unknown_flag_of_hello_stops_the_device,
						bed_set_up_settled, bed_tear_down),
		cmocka_unit_test_setup_teardown(a_flag_of_add_stops_the_device, bed_set_up_settled,
						bed_tear_down),
		cmocka_unit_test_setup_teardown(
			a_reason_to_withdraw_without_its_feature_stops_the_device,
			bed_set_up_settled, bed_tear_down),
		cmocka_unit_test_setup_teardown(an_add_of_half_an_entry_stops_the_device,
						bed_set_up_settled, bed_tear_down),
		cmocka_unit_test_setup_teardown(a_withdraw_without_its_number_stops_the_device,
						bed_set_up_settled, bed_tear_down),
		cmocka_unit_test_setup_teardown(statistics_of_half_an_entry_stop_the_device,
						bed_set_up_settled, bed_tear_down),
		cmocka_unit_test_setup_teardown(statistics_with_room_to_write_stop_the_device,
						bed_set_up_settled, bed_tear_down),
		cmocka_unit_test_setup_teardown(
			a_unit_smaller_than_a_page_stops_the_device_and_keeps_the_record,
			bed_set_up_settled, bed_tear_down),
		cmocka_unit_test_setup_teardown(a_unit_larger_than_a_gibibyte_stops_the_device,
						bed_set_up_settled, bed_tear_down),
		cmocka_unit_test_setup_teardown(a_message_that_cannot_be_read_stops_the_device,
						bed_set_up_settled, bed_tear_down),
		cmocka_unit_test_setup_teardown(a_stopped_device_answers_nothing_and_drops_nothing,
						bed_set_up_settled, bed_tear_down),
		cmocka_unit_test_setup_teardown(
			a_stopped_device_asks_for_a_reset_and_for_nothing_else, bed_set_up_settled,
			bed_tear_down),
		cmocka_unit_test_setup_teardown(a_broken_fromdevq_leaves_nobody_to_ask,
						bed_set_up_settled, bed_tear_down),
		cmocka_unit_test_setup_teardown(a_bad_message_behind_a_withdraw_takes_nothing_back,
						bed_set_up_settled, bed_tear_down),
		cmocka_unit_test_setup_teardown(a_reset_by_the_driver_brings_the_device_back,
						bed_set_up_settled, bed_tear_down),
		cmocka_unit_test_setup_teardown(a_queue_that_stopped_at_a_bad_message_goes_on_at_it,
						bed_set_up_settled, bed_tear_down),
		cmocka_unit_test_setup_teardown(
			a_restart_skips_the_bad_message_and_forgets_the_record, bed_set_up_settled,
			bed_tear_down),
		cmocka_unit_test_setup_teardown(
			a_restart_while_paused_is_heard_where_the_queues_begin_again,
			bed_set_up_settled, bed_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
