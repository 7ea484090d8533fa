/* SPDX-License-Identifier: BSD-3-Clause */
/* When a queue runs, and what a stop leaves behind. */
#include "proto_test.h"

#include <malloc.h>
#include <unistd.h>

#define EPOCH 11
#define OTHER_EPOCH 12

static bool runs(struct front_end *front_end, unsigned int index)
{
	return device_status(front_end).queue_running[index];
}

static void a_queue_runs_once_it_is_kicked_off_and_enabled(void **state)
{
	struct front_end *front_end = *state;

	front_end_negotiate(front_end, FRONT_END_FEATURES);
	front_end_new_ring(front_end, 0);
	front_end_set_state(front_end, VHOST_USER_SET_VRING_NUM, 0, FRONT_END_QUEUE_SIZE);
	front_end_set_vring_addr(front_end, 0, 0);
	front_end_set_event(front_end, VHOST_USER_SET_VRING_KICK, 0, front_end->queues[0].kick);
	assert_false(runs(front_end, 0));
	front_end_set_state(front_end, VHOST_USER_SET_VRING_ENABLE, 0, 1);
	assert_true(runs(front_end, 0));
}

static void without_protocol_features_a_queue_is_enabled_from_the_start(void **state)
{
	struct front_end *front_end = *state;

	front_end_negotiate(front_end, UINT64_C(1) << 32);
	front_end_new_ring(front_end, 0);
	front_end_set_state(front_end, VHOST_USER_SET_VRING_NUM, 0, FRONT_END_QUEUE_SIZE);
	front_end_set_vring_addr(front_end, 0, 0);
	front_end_set_event(front_end, VHOST_USER_SET_VRING_KICK, 0, front_end->queues[0].kick);
	assert_true(runs(front_end, 0));
}

static void a_queue_without_a_kick_descriptor_runs(void **state)
{
	struct front_end *front_end = *state;

	front_end_negotiate(front_end, FRONT_END_FEATURES);
	front_end_new_ring(front_end, 0);
	front_end_set_state(front_end, VHOST_USER_SET_VRING_NUM, 0, FRONT_END_QUEUE_SIZE);
	front_end_set_vring_addr(front_end, 0, 0);
	front_end_set_event(front_end, VHOST_USER_SET_VRING_KICK, 0, -1);
	front_end_set_state(front_end, VHOST_USER_SET_VRING_ENABLE, 0, 1);
	assert_true(runs(front_end, 0));
}

static void a_message_from_before_the_start_is_answered_without_a_kick(void **state)
{
	struct front_end *front_end = *state;
	struct vballoon_driver_ring *ring = &front_end->queues[1].driver;
	struct vballoon_driver_buffer buffer = { vballoon_gpa(GUEST_MESSAGES), 8, false };
	uint64_t token;
	uint32_t written;

	front_end_negotiate(front_end, FRONT_END_FEATURES);
	front_end_new_ring(front_end, 1);
	front_end->memory[GUEST_MESSAGES - GUEST_BASE] = VIRTIO_MEMORY_BALLOON_MSG_STATS;
	assert_int_equal(vballoon_driver_ring_post(ring, &buffer, 1, 5), 0);
	front_end_start_queue(front_end, 1, 0);
	assert_int_equal(vballoon_driver_ring_collect(ring, &token, &written),
			 VBALLOON_COLLECT_ONE);
}

static void a_stop_tells_where_the_queue_goes_on(void **state)
{
	struct front_end *front_end = *state;

	balloon_driver_hello(front_end, EPOCH, 0);
	balloon_driver_add(front_end, 0, 4);
	assert_int_equal(front_end_stop_queue(front_end, 1), 2);
	assert_int_equal(front_end_stop_queue(front_end, 0), 0);
}

/* Proves DEV-RING-2. */
static void a_queue_that_is_disabled_is_not_consumed(void **state)
{
	struct front_end *front_end = *state;
	struct vballoon_driver_ring *ring = &front_end->queues[1].driver;
	struct vballoon_driver_buffer buffer = { vballoon_gpa(GUEST_MESSAGES), 8, false };
	uint64_t token;
	uint32_t written;

	front_end_set_state(front_end, VHOST_USER_SET_VRING_ENABLE, 1, 0);
	assert_int_equal(vballoon_driver_ring_post(ring, &buffer, 1, 5), 0);
	front_end_kick(front_end, 1);
	assert_int_equal(vballoon_driver_ring_collect(ring, &token, &written),
			 VBALLOON_COLLECT_NONE);
}

static void a_queue_that_is_enabled_again_goes_on(void **state)
{
	struct front_end *front_end = *state;

	balloon_driver_hello(front_end, EPOCH, 0);
	front_end_set_state(front_end, VHOST_USER_SET_VRING_ENABLE, 1, 0);
	front_end_set_state(front_end, VHOST_USER_SET_VRING_ENABLE, 1, 1);
	assert_int_equal(balloon_driver_add(front_end, 0, 4), 4);
}

static void a_stopped_queue_needs_a_new_kick_descriptor(void **state)
{
	struct front_end *front_end = *state;

	front_end_get_vring_base(front_end, 1);
	front_end_set_state(front_end, VHOST_USER_SET_VRING_ENABLE, 1, 1);
	assert_false(runs(front_end, 1));
}

/* Proves DEV-STOP-1. */
static void a_stop_makes_the_record_unproven(void **state)
{
	struct front_end *front_end = *state;

	balloon_driver_hello(front_end, EPOCH, 0);
	balloon_driver_add(front_end, 0, 4);
	front_end_stop_queue(front_end, 1);
	assert_int_equal(device_status(front_end).record, VBALLOON_RECORD_UNPROVEN);
	assert_int_equal(device_status(front_end).held_pages, 4);
}

static void a_guest_that_was_paused_finds_its_balloon(void **state)
{
	struct front_end *front_end = *state;
	uint64_t pages[8];
	uint32_t base;

	balloon_driver_hello(front_end, EPOCH, 0);
	balloon_driver_add(front_end, 0, 4);
	base = front_end_stop_queue(front_end, 1);
	front_end_start_queue(front_end, 1, base);
	assert_int_equal(balloon_driver_withdraw(front_end, 8, pages, 8), 4);
}

/* Proves DEV-HELLO-1. */
static void a_guest_that_was_reset_finds_an_empty_balloon(void **state)
{
	struct front_end *front_end = *state;

	balloon_driver_hello(front_end, EPOCH, 0);
	balloon_driver_add(front_end, 0, 4);
	front_end_stop_queue(front_end, 1);
	front_end_new_ring(front_end, 1);
	front_end_start_queue(front_end, 1, 0);
	assert_int_equal(balloon_driver_hello(front_end, OTHER_EPOCH, 0), 0);
	assert_int_equal(device_status(front_end).held_pages, 0);
}

/* Proves DEV-STOP-2. */
static void nothing_is_dropped_while_the_record_is_unproven(void **state)
{
	struct front_end *front_end = *state;
	uint64_t held;

	balloon_driver_hello(front_end, EPOCH, 0);
	balloon_driver_add(front_end, 0, 4);
	front_end_stop_queue(front_end, 1);
	/* It was reset: the pages are the new guest's. */
	memset(balloon_driver_page(front_end, 0), 0xa5, 4 * GUEST_PAGE);
	held = front_end_memory_held(front_end);
	front_end_new_ring(front_end, 1);
	front_end_start_queue(front_end, 1, 0);
	front_end_pump(front_end);
	assert_int_equal(front_end_memory_held(front_end), held);
	balloon_driver_hello(front_end, OTHER_EPOCH, 0);
	assert_int_equal(balloon_driver_page(front_end, 0)[0], 0xa5);
}

static void a_size_that_no_queue_can_have_is_told_and_harms_nothing_else(void **state)
{
	struct front_end *front_end = *state;

	front_end_get_vring_base(front_end, 1);
	front_end_set_state(front_end, VHOST_USER_SET_VRING_NUM, 1, 48);
	front_end_set_event(front_end, VHOST_USER_SET_VRING_KICK, 1, front_end->queues[1].kick);
	assert_false(runs(front_end, 1));
	assert_true(front_end_event_raised(front_end->queues[1].err));
	assert_true(runs(front_end, 0));
}

static void the_size_of_a_running_queue_stays(void **state)
{
	struct vhost_user_vring_state smaller = { 1, 32 };

	assert_int_not_equal(
		front_end_ask(*state, VHOST_USER_SET_VRING_NUM, &smaller, sizeof(smaller), NULL, 0),
		0);
	assert_int_equal(balloon_driver_hello(*state, EPOCH, 0), 0);
}

static void the_base_of_a_running_queue_stays(void **state)
{
	struct vhost_user_vring_state base = { 1, 7 };

	assert_int_not_equal(
		front_end_ask(*state, VHOST_USER_SET_VRING_BASE, &base, sizeof(base), NULL, 0), 0);
	assert_int_equal(balloon_driver_hello(*state, EPOCH, 0), 0);
}

/* A message ends the connection; *state is another, whose queues run. */
static void expect_refused(void **state, uint32_t request, const void *payload, uint32_t size)
{
	front_end_send(*state, request, 0, payload, size, NULL, 0);
	assert_true(front_end_refused(*state));
	proto_tear_down(state);
	running_set_up(state);
}

/* Whatever is said of it; a number that would be negative with a sign, too, and one that would be
 * another queue's in 16 bits. */
static void a_queue_that_there_is_not_ends_the_connection(void **state)
{
	static const uint32_t indices[] = { 2, UINT16_MAX + 2, INT32_MAX, UINT32_C(1) << 31,
					    UINT32_MAX };
	const uint64_t event = VHOST_USER_VRING_NOFD | 2;

	for (size_t i = 0; i < sizeof(indices) / sizeof(indices[0]); i++) {
		const struct vhost_user_vring_state vring = { indices[i], 1 };
		const struct vhost_user_vring_addr addr = { .index = indices[i] };

		expect_refused(state, VHOST_USER_SET_VRING_NUM, &vring, sizeof(vring));
		expect_refused(state, VHOST_USER_SET_VRING_BASE, &vring, sizeof(vring));
		expect_refused(state, VHOST_USER_GET_VRING_BASE, &vring, sizeof(vring));
		expect_refused(state, VHOST_USER_SET_VRING_ENABLE, &vring, sizeof(vring));
		expect_refused(state, VHOST_USER_SET_VRING_ADDR, &addr, sizeof(addr));
	}
	expect_refused(state, VHOST_USER_SET_VRING_KICK, &event, sizeof(event));
	expect_refused(state, VHOST_USER_SET_VRING_CALL, &event, sizeof(event));
	expect_refused(state, VHOST_USER_SET_VRING_ERR, &event, sizeof(event));
}

#ifndef VBALLOON_SANITIZED
static void a_queue_that_is_told_of_again_and_again_takes_no_more_memory(void **state)
{
	struct front_end *front_end = *state;
	size_t before = 0;

	front_end_negotiate(front_end, FRONT_END_FEATURES);
	front_end_new_ring(front_end, 1);
	for (uint32_t i = 0; i < 100; i++) {
		front_end_set_state(front_end, VHOST_USER_SET_VRING_NUM, 1, i % 2 ? 64 : 1024);
		front_end_set_state(front_end, VHOST_USER_SET_VRING_BASE, 1, i);
		front_end_set_vring_addr(front_end, 1, 0);
		if (i == 1)
			before = mallinfo2().uordblks;
	}
	assert_true(mallinfo2().uordblks <= before);
}
#endif

static void a_base_that_a_split_queue_cannot_have_ends_the_connection(void **state)
{
	struct front_end *front_end = *state;
	struct vhost_user_vring_state base = { 1, UINT16_MAX + 1 };

	front_end_get_vring_base(front_end, 1);
	front_end_send(front_end, VHOST_USER_SET_VRING_BASE, 0, &base, sizeof(base), NULL, 0);
	assert_true(front_end_refused(front_end));
}

static void a_kick_that_cannot_be_waited_for_ends_the_connection(void **state)
{
	struct front_end *front_end = *state;
	uint64_t index = 0;

	front_end_send(front_end, VHOST_USER_SET_VRING_KICK, 0, &index, sizeof(index),
		       &front_end->memory_fd, 1);
	assert_true(front_end_refused(front_end));
}

static void an_event_that_says_neither_ends_the_connection(void **state)
{
	struct front_end *front_end = *state;
	uint64_t index = 0;

	front_end_send(front_end, VHOST_USER_SET_VRING_CALL, 0, &index, sizeof(index), NULL, 0);
	assert_true(front_end_refused(front_end));
}

static void an_event_that_says_both_ends_the_connection(void **state)
{
	struct front_end *front_end = *state;
	uint64_t none = VHOST_USER_VRING_NOFD;

	front_end_send(front_end, VHOST_USER_SET_VRING_CALL, 0, &none, sizeof(none),
		       &front_end->queues[0].call, 1);
	assert_true(front_end_refused(front_end));
}

static void enabling_is_yes_or_no(void **state)
{
	struct front_end *front_end = *state;
	struct vhost_user_vring_state perhaps = { 0, 2 };

	front_end_send(front_end, VHOST_USER_SET_VRING_ENABLE, 0, &perhaps, sizeof(perhaps), NULL,
		       0);
	assert_true(front_end_refused(front_end));
}

/* As when interrupts are masked: another descriptor, while answers may be under way. */
static void a_new_call_descriptor_of_a_running_queue_is_raised_once(void **state)
{
	struct front_end *front_end = *state;

	assert_false(front_end_event_raised(front_end->queues[1].call));
	front_end_set_event(front_end, VHOST_USER_SET_VRING_CALL, 1, front_end->queues[1].call);
	assert_true(front_end_event_raised(front_end->queues[1].call));
}

static void a_running_queue_follows_its_addresses(void **state)
{
	struct front_end *front_end = *state;
	struct vballoon_front_queue *queue = &front_end->queues[1];
	unsigned char *moved = front_end->memory + 0x20000;
	ptrdiff_t by = moved - queue->ring;

	balloon_driver_hello(front_end, EPOCH, 0);
	memcpy(moved, queue->ring, GUEST_RING_BYTES);
	queue->ring = moved;
	queue->driver.desc = (unsigned char *)queue->driver.desc + by;
	queue->driver.avail = (unsigned char *)queue->driver.avail + by;
	queue->driver.used = (unsigned char *)queue->driver.used + by;
	front_end_set_vring_addr(front_end, 1, 0);
	assert_int_equal(balloon_driver_add(front_end, 0, 4), 4);
	assert_int_equal(front_end_stop_queue(front_end, 1), 2);
}

static void a_call_descriptor_that_is_full_blocks_nobody(void **state)
{
	struct front_end *front_end = *state;
	const uint64_t full = UINT64_MAX - 1;
	int call = front_end->queues[1].call;

	front_end_event_raised(call);
	assert_int_equal(write(call, &full, sizeof(full)), sizeof(full));
	assert_int_equal(balloon_driver_hello(front_end, EPOCH, 0), 0);
}

static void an_answer_raises_the_call(void **state)
{
	struct front_end *front_end = *state;

	front_end_event_raised(front_end->queues[1].call);
	balloon_driver_hello(front_end, EPOCH, 0);
	assert_true(front_end_event_raised(front_end->queues[1].call));
}

static void a_kick_is_taken_note_of(void **state)
{
	struct front_end *front_end = *state;

	balloon_driver_hello(front_end, EPOCH, 0);
	assert_false(front_end_event_raised(front_end->queues[1].kick));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CONNECTED_TEST(a_queue_runs_once_it_is_kicked_off_and_enabled),
		CONNECTED_TEST(without_protocol_features_a_queue_is_enabled_from_the_start),
		CONNECTED_TEST(a_queue_without_a_kick_descriptor_runs),
		CONNECTED_TEST(a_message_from_before_the_start_is_answered_without_a_kick),
		RUNNING_TEST(a_stop_tells_where_the_queue_goes_on),
		RUNNING_TEST(a_queue_that_is_disabled_is_not_consumed),
		RUNNING_TEST(a_queue_that_is_enabled_again_goes_on),
		RUNNING_TEST(a_stopped_queue_needs_a_new_kick_descriptor),
		RUNNING_TEST(a_stop_makes_the_record_unproven),
		RUNNING_TEST(a_guest_that_was_paused_finds_its_balloon),
		RUNNING_TEST(a_guest_that_was_reset_finds_an_empty_balloon),
		RUNNING_TEST(nothing_is_dropped_while_the_record_is_unproven),
		RUNNING_TEST(a_size_that_no_queue_can_have_is_told_and_harms_nothing_else),
		RUNNING_TEST(the_size_of_a_running_queue_stays),
		RUNNING_TEST(the_base_of_a_running_queue_stays),
		RUNNING_TEST(a_queue_that_there_is_not_ends_the_connection),
#ifndef VBALLOON_SANITIZED
		CONNECTED_TEST(a_queue_that_is_told_of_again_and_again_takes_no_more_memory),
#endif
		RUNNING_TEST(a_base_that_a_split_queue_cannot_have_ends_the_connection),
		RUNNING_TEST(a_kick_that_cannot_be_waited_for_ends_the_connection),
		RUNNING_TEST(an_event_that_says_neither_ends_the_connection),
		RUNNING_TEST(an_event_that_says_both_ends_the_connection),
		RUNNING_TEST(enabling_is_yes_or_no),
		RUNNING_TEST(a_new_call_descriptor_of_a_running_queue_is_raised_once),
		RUNNING_TEST(a_running_queue_follows_its_addresses),
		RUNNING_TEST(a_call_descriptor_that_is_full_blocks_nobody),
		RUNNING_TEST(an_answer_raises_the_call),
		RUNNING_TEST(a_kick_is_taken_note_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
