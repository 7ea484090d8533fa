/* SPDX-License-Identifier: BSD-3-Clause */
/* What is offered, and what of it a front end and a driver may take. */
#include "proto_test.h"

#define BIT(n) (UINT64_C(1) << (n))
#define VERSION_1 BIT(32)
#define RING_PACKED BIT(34)

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

static void a_ring_format_that_the_device_lacks_is_not_offered(void **state)
{
	assert_false(front_end_get_u64(*state, VHOST_USER_GET_FEATURES) & RING_PACKED);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		CONNECTED_TEST(the_devices_bits_and_the_transports_are_offered),
		CONNECTED_TEST(a_ring_format_that_the_device_lacks_is_not_offered),
		CONNECTED_TEST(the_transports_bits_are_no_business_of_the_device),
		CONNECTED_TEST(a_driver_without_version_1_gets_no_queue),
		CONNECTED_TEST(a_driver_that_chooses_again_gets_its_queue),
		RUNNING_TEST(features_do_not_change_under_a_running_queue),
		RUNNING_TEST(the_same_features_are_taken_under_a_running_queue),
		CONNECTED_TEST(every_protocol_feature_that_is_offered_can_be_taken),
		CONNECTED_TEST(a_protocol_feature_that_was_not_offered_ends_the_connection),
		CONNECTED_TEST(there_are_two_queues),
		CONNECTED_TEST(a_message_of_a_feature_that_was_not_taken_ends_the_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
