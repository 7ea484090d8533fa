/* SPDX-License-Identifier: BSD-3-Clause */
/* The resets that a front end can send, and what each leaves of the record. */
#include "proto_test.h"

#include <errno.h>

#define EPOCH 51
#define NEEDS_RESET 0x40U
#define DRIVER_OK 0x0fU

static int balloon_set_up(void **state)
{
	running_set_up(state);
	balloon_driver_hello(*state, EPOCH, 0);
	assert_int_equal(balloon_driver_add(*state, 0, 8), 8);
	return 0;
}

#define BALLOON_TEST(name) cmocka_unit_test_setup_teardown(name, balloon_set_up, proto_tear_down)

static void assert_stopped(struct front_end *front_end)
{
	assert_false(device_status(front_end).queue_running[0]);
	assert_false(device_status(front_end).queue_running[1]);
}

/* A new guest, or the old one: it begins with HELLO. */
static uint64_t start_again(struct front_end *front_end, uint64_t epoch)
{
	front_end_set_u64(front_end, VHOST_USER_SET_FEATURES, FRONT_END_FEATURES);
	for (unsigned int i = 0; i < 2; i++) {
		front_end_new_ring(front_end, i);
		front_end_start_queue(front_end, i, 0);
	}
	return balloon_driver_hello(front_end, epoch, 0);
}

/* Proves DEV-RESET-1. */
static void a_reset_of_the_device_empties_the_record(void **state)
{
	struct front_end *front_end = *state;

	assert_int_equal(front_end_ask(front_end, VHOST_USER_RESET_DEVICE, NULL, 0, NULL, 0), 0);
	assert_stopped(front_end);
	assert_int_equal(device_status(front_end).held_pages, 0);
	assert_int_equal(front_end_get_vring_base(front_end, 1), 0);
	assert_int_equal(start_again(front_end, EPOCH), 0);
}

static void a_device_that_was_reset_waits_for_its_features(void **state)
{
	struct front_end *front_end = *state;

	front_end_send(front_end, VHOST_USER_RESET_DEVICE, 0, NULL, 0, NULL, 0);
	front_end_new_ring(front_end, 1);
	front_end_start_queue(front_end, 1, 0);
	assert_stopped(front_end);
}

static void a_device_that_was_reset_can_be_started_again(void **state)
{
	struct front_end *front_end = *state;

	front_end_send(front_end, VHOST_USER_RESET_DEVICE, 0, NULL, 0, NULL, 0);
	start_again(front_end, EPOCH);
	assert_int_equal(balloon_driver_add(front_end, 0, 8), 8);
}

/* A front end sends status 0 also when a virtual machine is paused. */
static void a_status_of_zero_stops_and_keeps_the_record(void **state)
{
	struct front_end *front_end = *state;

	front_end_set_u64(front_end, VHOST_USER_SET_STATUS, 0);
	assert_stopped(front_end);
	assert_int_equal(device_status(front_end).held_pages, 8);
	assert_int_equal(device_status(front_end).record, VBALLOON_RECORD_UNPROVEN);
	assert_int_equal(start_again(front_end, EPOCH), 8);
}

static void the_owner_going_stops_and_keeps_the_record(void **state)
{
	struct front_end *front_end = *state;

	front_end_send(front_end, VHOST_USER_RESET_OWNER, 0, NULL, 0, NULL, 0);
	assert_stopped(front_end);
	assert_int_equal(start_again(front_end, EPOCH), 8);
}

/* What the front end of a device that is plugged in again says, its memory slot by slot. */
static void begin_anew(struct front_end *front_end)
{
	struct vhost_user_mem_region slot = { .region = front_end->region };

	front_end_set_u64(front_end, VHOST_USER_SET_PROTOCOL_FEATURES, FRONT_END_PROTOCOL_FEATURES);
	assert_int_equal(front_end_ask(front_end, VHOST_USER_SET_OWNER, NULL, 0, NULL, 0), 0);
	assert_int_equal(front_end_ask(front_end, VHOST_USER_ADD_MEM_REG, &slot, sizeof(slot),
				       &front_end->memory_fd, 1),
			 0);
}

static void a_front_end_that_begins_anew_has_memory_and_queues_of_its_own(void **state)
{
	struct front_end *front_end = *state;

	begin_anew(front_end);
	assert_stopped(front_end);
	assert_int_equal(device_status(front_end).held_pages, 0);
	assert_int_equal(device_status(front_end).memory_pages, GUEST_BYTES / GUEST_PAGE);
	assert_int_equal(back_end_status(front_end).features_acked, 0);
	assert_int_equal(start_again(front_end, EPOCH), 0);
	assert_int_equal(balloon_driver_add(front_end, 0, 8), 8);
}

static void a_front_end_that_begins_anew_finds_the_target_as_it_was(void **state)
{
	struct front_end *front_end = *state;
	struct vballoon_device *device = vballoon_vhost_user_device(front_end->back_end);

	assert_int_equal(vballoon_device_set_target(device, 77), 0);
	begin_anew(front_end);
	assert_int_equal(device_status(front_end).target_pages, 77);
}

static void a_front_end_that_begins_anew_says_where_its_queues_are(void **state)
{
	struct front_end *front_end = *state;

	begin_anew(front_end);
	front_end_set_u64(front_end, VHOST_USER_SET_FEATURES, FRONT_END_FEATURES);
	front_end_set_event(front_end, VHOST_USER_SET_VRING_KICK, 1, front_end->queues[1].kick);
	front_end_set_state(front_end, VHOST_USER_SET_VRING_ENABLE, 1, 1);
	assert_stopped(front_end);
	assert_false(front_end_refused(front_end));
}

static void the_status_reads_as_it_was_set(void **state)
{
	front_end_set_u64(*state, VHOST_USER_SET_STATUS, DRIVER_OK);
	assert_int_equal(front_end_get_u64(*state, VHOST_USER_GET_STATUS), DRIVER_OK);
}

static void a_status_that_there_is_not_ends_the_connection(void **state)
{
	struct front_end *front_end = *state;
	uint64_t status = 0x100;

	front_end_send(front_end, VHOST_USER_SET_STATUS, 0, &status, sizeof(status), NULL, 0);
	assert_int_equal(front_end->outcome, -EPROTO);
}

static void send_nonsense(struct front_end *front_end)
{
	struct virtio_memory_balloon_msg nonsense = { .type = 77 };

	assert_int_equal(balloon_driver_send(front_end, &nonsense, sizeof(nonsense), NULL, 0), -1);
}

/* Proves DEV-BAD-4. */
static void a_device_that_has_stopped_needs_a_reset(void **state)
{
	front_end_set_u64(*state, VHOST_USER_SET_STATUS, DRIVER_OK);
	send_nonsense(*state);
	assert_int_equal(front_end_get_u64(*state, VHOST_USER_GET_STATUS), DRIVER_OK | NEEDS_RESET);
}

/* A front end that adds a bit to the status sets what it has read, and so tells the device what the
 * device alone knows. */
static void the_need_of_a_reset_is_over_whatever_a_front_end_has_set(void **state)
{
	struct front_end *front_end = *state;

	send_nonsense(front_end);
	front_end_set_u64(front_end, VHOST_USER_SET_STATUS,
			  front_end_get_u64(front_end, VHOST_USER_GET_STATUS) | DRIVER_OK);
	for (unsigned int i = 0; i < 2; i++)
		front_end_stop_queue(front_end, i);
	start_again(front_end, EPOCH + 1);
	assert_int_equal(front_end_get_u64(front_end, VHOST_USER_GET_STATUS), DRIVER_OK);
}

static void a_device_that_has_stopped_raises_the_error_of_its_queue(void **state)
{
	struct front_end *front_end = *state;

	send_nonsense(front_end);
	assert_true(front_end_event_raised(front_end->queues[1].err));
	assert_false(front_end_event_raised(front_end->queues[0].err));
	assert_false(front_end_refused(front_end));
}

static void a_driver_that_breaks_the_rules_again_and_again_fills_no_log(void **state)
{
	struct front_end *front_end = *state;

	send_nonsense(front_end);
	assert_int_equal(front_end->log_lines, 1);
	for (unsigned int i = 0; i < 100; i++) {
		front_end_stop_queue(front_end, 1);
		front_end_new_ring(front_end, 1);
		front_end_start_queue(front_end, 1, 0);
		send_nonsense(front_end);
	}
	assert_int_equal(device_status(front_end).violations, 101);
	assert_true(front_end->log_lines < 20);
	assert_non_null(strstr(front_end->last_log, "left out"));
}

/* Proves DEV-RESET-4. */
static void a_device_that_has_stopped_comes_back_with_its_queues(void **state)
{
	struct front_end *front_end = *state;

	send_nonsense(front_end);
	for (unsigned int i = 0; i < 2; i++)
		front_end_stop_queue(front_end, i);
	start_again(front_end, EPOCH + 1);
	assert_int_equal(device_status(front_end).violation, VBALLOON_OK);
	assert_int_equal(balloon_driver_add(front_end, 0, 8), 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BALLOON_TEST(a_reset_of_the_device_empties_the_record),
		BALLOON_TEST(a_device_that_was_reset_waits_for_its_features),
		BALLOON_TEST(a_device_that_was_reset_can_be_started_again),
		BALLOON_TEST(a_status_of_zero_stops_and_keeps_the_record),
		BALLOON_TEST(the_owner_going_stops_and_keeps_the_record),
		BALLOON_TEST(a_front_end_that_begins_anew_has_memory_and_queues_of_its_own),
		BALLOON_TEST(a_front_end_that_begins_anew_finds_the_target_as_it_was),
		BALLOON_TEST(a_front_end_that_begins_anew_says_where_its_queues_are),
		BALLOON_TEST(the_status_reads_as_it_was_set),
		BALLOON_TEST(a_status_that_there_is_not_ends_the_connection),
		BALLOON_TEST(a_device_that_has_stopped_needs_a_reset),
		BALLOON_TEST(the_need_of_a_reset_is_over_whatever_a_front_end_has_set),
		BALLOON_TEST(a_device_that_has_stopped_raises_the_error_of_its_queue),
		BALLOON_TEST(a_driver_that_breaks_the_rules_again_and_again_fills_no_log),
		BALLOON_TEST(a_device_that_has_stopped_comes_back_with_its_queues),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
