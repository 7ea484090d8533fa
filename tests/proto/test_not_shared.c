/* SPDX-License-Identifier: BSD-3-Clause */
/* Guest memory that the front end does not really share: found out, and said. */
#include "proto_test.h"

#include <sys/eventfd.h>
#include <unistd.h>

#define EPOCH 61

static int private_set_up(void **state)
{
	connect_set_up(state);
	front_end_unshare_memory(*state);
	front_end_start(*state);
	front_end_kick(*state, 1); /* as QEMU does when a ring starts */
	return 0;
}

#define PRIVATE_TEST(name) cmocka_unit_test_setup_teardown(name, private_set_up, proto_tear_down)

static void say_hello_to_nobody(struct front_end *front_end)
{
	struct virtio_memory_balloon_hello hello = { .epoch = EPOCH, .unit_shift = 12 };

	assert_int_equal(balloon_driver_send(front_end, &hello, sizeof(hello), NULL, 0), -1);
}

static void a_guest_whose_writes_do_not_arrive_is_found_out(void **state)
{
	struct front_end *front_end = *state;

	say_hello_to_nobody(front_end);
	assert_string_equal(back_end_status(front_end).memory_problem,
			    vballoon_reclaimable_text(VBALLOON_KEEP_NOT_SHARED));
	assert_non_null(strstr(back_end_status(front_end).memory_problem, "share=on"));
}

static void it_is_logged_once(void **state)
{
	struct front_end *front_end = *state;
	unsigned int lines = front_end->log_lines;

	say_hello_to_nobody(front_end);
	say_hello_to_nobody(front_end);
	assert_int_equal(front_end->log_lines, lines + 1);
	assert_non_null(strstr(front_end->last_log, "share=on"));
}

static void nothing_is_said_before_the_guest_has_spoken(void **state)
{
	assert_null(back_end_status(*state).memory_problem);
}

static void a_guest_whose_writes_arrive_is_not_suspected(void **state)
{
	balloon_driver_hello(*state, EPOCH, 0);
	assert_null(back_end_status(*state).memory_problem);
}

static void one_kick_for_nothing_raises_no_suspicion(void **state)
{
	front_end_kick(*state, 1);
	assert_null(back_end_status(*state).memory_problem);
}

static void kicks_of_another_run_do_not_count(void **state)
{
	struct front_end *front_end = *state;

	front_end_kick(front_end, 1);
	front_end_stop_queue(front_end, 1);
	front_end_start_queue(front_end, 1, 0);
	front_end_kick(front_end, 1);
	assert_null(back_end_status(front_end).memory_problem);
}

/* QEMU's own, of which it raises two before it starts the ring; nobody has heard them then. */
static void kicks_from_before_the_ring_has_started_do_not_count(void **state)
{
	struct front_end *front_end = *state;
	struct vballoon_link *link = &front_end->wire.link;
	void (*sent)(void *context) = link->sent;
	int kick = eventfd(2, EFD_CLOEXEC);

	assert_true(kick >= 0);
	front_end_stop_queue(front_end, 1);
	link->sent = NULL;
	front_end_set_event(front_end, VHOST_USER_SET_VRING_KICK, 1, kick);
	front_end_set_state(front_end, VHOST_USER_SET_VRING_ENABLE, 1, 1);
	link->sent = sent;
	front_end_pump(front_end); /* the messages */
	front_end_pump(front_end); /* the kicks */
	close(kick);
	assert_true(device_status(front_end).queue_running[1]);
	assert_null(back_end_status(front_end).memory_problem);
}

static void kicks_that_come_together_are_counted(void **state)
{
	struct front_end *front_end = *state;
	const uint64_t two = 2;

	assert_int_equal(write(front_end->queues[0].kick, &two, sizeof(two)), sizeof(two));
	front_end_pump(front_end);
	assert_non_null(back_end_status(front_end).memory_problem);
}

/* Kicks for nothing, before anything was ever written. */
static void a_suspicion_that_was_wrong_is_taken_back(void **state)
{
	struct front_end *front_end = *state;

	front_end_kick(front_end, 1);
	front_end_kick(front_end, 1);
	assert_non_null(back_end_status(front_end).memory_problem);
	balloon_driver_hello(front_end, EPOCH, 0);
	assert_null(back_end_status(front_end).memory_problem);
	assert_int_equal(balloon_driver_add(front_end, 0, 8), 8);
	assert_int_equal(device_status(front_end).dropped_pages, 8);
}

static void a_front_end_that_shares_no_memory_is_told(void **state)
{
	struct front_end *front_end = *state;

	front_end_negotiate(front_end, FRONT_END_FEATURES);
	front_end_set_mem_table(front_end, NULL, NULL, 0);
	front_end_new_ring(front_end, 0);
	front_end_start_queue(front_end, 0, 0);
	assert_non_null(strstr(back_end_status(front_end).memory_problem, "share=on"));
	assert_false(device_status(front_end).queue_running[0]);
	assert_false(front_end_refused(front_end));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PRIVATE_TEST(a_guest_whose_writes_do_not_arrive_is_found_out),
		PRIVATE_TEST(it_is_logged_once),
		PRIVATE_TEST(nothing_is_said_before_the_guest_has_spoken),
		RUNNING_TEST(a_guest_whose_writes_arrive_is_not_suspected),
		RUNNING_TEST(one_kick_for_nothing_raises_no_suspicion),
		RUNNING_TEST(kicks_of_another_run_do_not_count),
		RUNNING_TEST(kicks_from_before_the_ring_has_started_do_not_count),
		RUNNING_TEST(kicks_that_come_together_are_counted),
		RUNNING_TEST(a_suspicion_that_was_wrong_is_taken_back),
		CONNECTED_TEST(a_front_end_that_shares_no_memory_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
