/* SPDX-License-Identifier: BSD-3-Clause */
/* What is offered, and what of it a front end and a driver may take. */
#include "base/le.h"
#include "proto_test.h"

#define BIT(n) (UINT64_C(1) << (n))
#define VERSION_1 BIT(32)
#define INDIRECT_DESC BIT(28)
#define EVENT_IDX BIT(29)
#define RING_PACKED BIT(34)
#define IN_ORDER BIT(35)

/* Proves DEV-FEAT-1, DEV-FEAT-3. */
static void the_devices_bits_and_the_transports_are_offered(void **state)
{
	uint64_t offered = front_end_get_u64(*state, VHOST_USER_GET_FEATURES);

	assert_true(offered & VERSION_1);
	assert_true(offered & BIT(VIRTIO_MEMORY_BALLOON_F_PAGE_RUNS));
	assert_true(offered & BIT(VHOST_USER_F_PROTOCOL_FEATURES));
	assert_true(offered & BIT(VHOST_F_LOG_ALL));
	assert_false(offered & BIT(33)); /* ACCESS_PLATFORM */
}

static void both_ring_formats_and_all_that_goes_with_them_are_offered(void **state)
{
	uint64_t ring_bits = INDIRECT_DESC | EVENT_IDX | RING_PACKED | IN_ORDER;
	uint64_t offered = front_end_get_u64(*state, VHOST_USER_GET_FEATURES);

	assert_int_equal(offered & ring_bits, ring_bits);
}

static void the_transports_bits_are_no_business_of_the_device(void **state)
{
	front_end_negotiate(*state,
			    VERSION_1 | BIT(VHOST_USER_F_PROTOCOL_FEATURES) | BIT(VHOST_F_LOG_ALL));
	assert_int_equal(device_status(*state).features, VERSION_1);
}

/* Proves DEV-FEAT-2. */
static void a_driver_without_version_1_gets_no_queue(void **state)
{
	struct front_end *front_end = *state;

	front_end_negotiate(front_end, BIT(VHOST_USER_F_PROTOCOL_FEATURES));
	front_end_new_ring(front_end, 0);
	front_end_start_queue(front_end, 0, 0);
	assert_false(front_end_refused(front_end));
	assert_false(device_status(front_end).queue_running[0]);
	assert_true(front_end->log_lines > 0);
}

static void a_driver_that_chooses_again_gets_its_queue(void **state)
{
	struct front_end *front_end = *state;

	front_end_negotiate(front_end, BIT(VHOST_USER_F_PROTOCOL_FEATURES));
	front_end_new_ring(front_end, 0);
	front_end_start_queue(front_end, 0, 0);
	front_end_set_u64(front_end, VHOST_USER_SET_FEATURES, FRONT_END_FEATURES);
	assert_true(device_status(front_end).queue_running[0]);
}

static void features_do_not_change_under_a_running_queue(void **state)
{
	struct front_end *front_end = *state;
	uint64_t other = FRONT_END_FEATURES | BIT(VIRTIO_MEMORY_BALLOON_F_PAGE_RUNS);

	assert_int_not_equal(
		front_end_ask(front_end, VHOST_USER_SET_FEATURES, &other, sizeof(other), NULL, 0),
		0);
	assert_int_equal(device_status(front_end).features, VERSION_1);
}

static void the_same_features_are_taken_under_a_running_queue(void **state)
{
	uint64_t logging = FRONT_END_FEATURES | BIT(VHOST_F_LOG_ALL);

	assert_int_equal(
		front_end_ask(*state, VHOST_USER_SET_FEATURES, &logging, sizeof(logging), NULL, 0),
		0);
	assert_true(device_status(*state).queue_running[1]);
}

static void every_protocol_feature_that_is_offered_can_be_taken(void **state)
{
	struct front_end *front_end = *state;
	uint64_t offered = front_end_get_u64(front_end, VHOST_USER_GET_PROTOCOL_FEATURES);

	assert_int_equal(offered, FRONT_END_PROTOCOL_FEATURES);
	front_end_set_u64(front_end, VHOST_USER_SET_PROTOCOL_FEATURES, offered);
	assert_int_equal(back_end_status(front_end).protocol_features, offered);
}

static void a_protocol_feature_that_was_not_offered_ends_the_connection(void **state)
{
	struct front_end *front_end = *state;
	uint64_t unknown = BIT(40);

	front_end_send(front_end, VHOST_USER_SET_PROTOCOL_FEATURES, 0, &unknown, sizeof(unknown),
		       NULL, 0);
	assert_true(front_end_refused(front_end));
}

/* Proves DEV-CONF-1. */
static void there_are_two_queues(void **state)
{
	front_end_negotiate(*state, FRONT_END_FEATURES);
	assert_int_equal(front_end_get_u64(*state, VHOST_USER_GET_QUEUE_NUM), 2);
}

static void a_message_of_a_feature_that_was_not_taken_ends_the_connection(void **state)
{
	struct front_end *front_end = *state;

	front_end_send(front_end, VHOST_USER_GET_QUEUE_NUM, 0, NULL, 0, NULL, 0);
	assert_true(front_end_refused(front_end));
	assert_non_null(strstr(vballoon_vhost_user_reason(front_end->back_end), "17"));
}

#define DEVICE_BITS 6
#define FIRST 3 /* of the balloon's pages */
#define COUNT 16

static bool has(uint64_t features, unsigned int bit)
{
	return features & BIT(bit);
}

static void try_exchange(struct front_end *front_end, uint64_t features)
{
	const uint64_t message[] = {
		VIRTIO_MEMORY_BALLOON_MSG_EXCHANGE,
		vballoon_le64(GUEST_BALLOON + (uint64_t)(FIRST + COUNT) * GUEST_PAGE),
		vballoon_le64(GUEST_BALLOON + (uint64_t)FIRST * GUEST_PAGE),
	};
	uint8_t verdict = 0;

	if (!has(features, VIRTIO_MEMORY_BALLOON_F_EXCHANGE))
		return;
	assert_int_equal(balloon_driver_send(front_end, message, sizeof(message), &verdict, 1), 1);
	assert_int_equal(verdict, VIRTIO_MEMORY_BALLOON_ACCEPTED);
	assert_int_equal(device_status(front_end).held_pages, COUNT);
}

static void try_report(struct front_end *front_end, uint64_t features)
{
	const uint64_t message[] = {
		VIRTIO_MEMORY_BALLOON_MSG_REPORT,
		vballoon_le64((GUEST_BALLOON + (uint64_t)256 * GUEST_PAGE) | (COUNT - 1)),
	};

	if (!has(features, VIRTIO_MEMORY_BALLOON_F_REPORTING) ||
	    !has(features, VIRTIO_MEMORY_BALLOON_F_PAGE_RUNS))
		return;
	assert_int_equal(balloon_driver_send(front_end, message, sizeof(message), NULL, 0), 0);
	assert_int_equal(device_status(front_end).discarded_pages, COUNT);
}

/* Take everything back: how many pages came, and whether they were zeros. */
static uint64_t take_back(struct front_end *front_end, uint64_t features, bool *zeros_out)
{
	bool runs = has(features, VIRTIO_MEMORY_BALLOON_F_PAGE_RUNS);
	uint64_t entries[64], pages = 0;
	unsigned int count = balloon_driver_withdraw(front_end, COUNT, entries, 64);

	*zeros_out = true;
	for (unsigned int i = 0; i < count; i++) {
		uint64_t first = (entries[i] - GUEST_BALLOON) / GUEST_PAGE;
		uint64_t len = (runs ? entries[i] % GUEST_PAGE : 0) + 1;

		for (uint64_t at = 0; at < len * GUEST_PAGE; at++)
			*zeros_out &= !balloon_driver_page(front_end, (unsigned int)first)[at];
		pages += len;
	}
	return pages;
}

static void do_the_main_job(uint64_t features)
{
	struct front_end front_end;
	bool zeros;

	front_end_open(&front_end);
	front_end_start_with(&front_end, FRONT_END_FEATURES | features);
	memset(balloon_driver_page(&front_end, 0), 0xa5, (size_t)512 * GUEST_PAGE);
	assert_int_equal(balloon_driver_hello(&front_end, 1, 0), 0);
	assert_int_equal(balloon_driver_add(&front_end, FIRST, COUNT), COUNT);
	front_end_pump(&front_end);
	assert_int_equal(device_status(&front_end).dropped_pages, COUNT);
	try_exchange(&front_end, features);
	/* What was given is kept, so that the device has something to clear. */
	vballoon_device_inhibit(vballoon_vhost_user_device(front_end.back_end), true);
	assert_int_equal(balloon_driver_add(&front_end, FIRST + 2 * COUNT, COUNT), COUNT);
	assert_int_equal(take_back(&front_end, features, &zeros), COUNT);
	assert_true(zeros == has(features, VIRTIO_MEMORY_BALLOON_F_ZEROED));
	vballoon_device_inhibit(vballoon_vhost_user_device(front_end.back_end), false);
	try_report(&front_end, features);
	assert_int_equal(device_status(&front_end).violation, VBALLOON_OK);
	front_end_close(&front_end);
}

/* Proves DEV-FEAT-4, DEV-FEAT-8. */
static void every_set_of_features_does_the_main_job_and_what_it_says(void **state)
{
	(void)state;
	for (uint64_t features = 0; features < BIT(DEVICE_BITS); features++)
		do_the_main_job(features);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CONNECTED_TEST(the_devices_bits_and_the_transports_are_offered),
		CONNECTED_TEST(both_ring_formats_and_all_that_goes_with_them_are_offered),
		CONNECTED_TEST(the_transports_bits_are_no_business_of_the_device),
		CONNECTED_TEST(a_driver_without_version_1_gets_no_queue),
		CONNECTED_TEST(a_driver_that_chooses_again_gets_its_queue),
		cmocka_unit_test(every_set_of_features_does_the_main_job_and_what_it_says),
		RUNNING_TEST(features_do_not_change_under_a_running_queue),
		RUNNING_TEST(the_same_features_are_taken_under_a_running_queue),
		CONNECTED_TEST(every_protocol_feature_that_is_offered_can_be_taken),
		CONNECTED_TEST(a_protocol_feature_that_was_not_offered_ends_the_connection),
		CONNECTED_TEST(there_are_two_queues),
		CONNECTED_TEST(a_message_of_a_feature_that_was_not_taken_ends_the_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
