/* SPDX-License-Identifier: BSD-3-Clause */
/* When the one descriptor that a back end hands out asks for attention. */
#include "proto_test.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/le.h"

#define EPOCH 81
#define FROMDEV VIRTIO_MEMORY_BALLOON_VQ_FROMDEV
#define TODEV VIRTIO_MEMORY_BALLOON_VQ_TODEV

static bool asks_for_attention(const struct front_end *front_end)
{
	struct pollfd pollfd = {
		.fd = vballoon_vhost_user_fd(front_end->back_end),
		.events = POLLIN,
	};

	return poll(&pollfd, 1, 0) == 1;
}

static void raise_kick_of(struct front_end *front_end, unsigned int index)
{
	const uint64_t one = 1;

	assert_int_equal(write(front_end->queues[index].kick, &one, sizeof(one)), sizeof(one));
}

static void raise_kick(struct front_end *front_end)
{
	raise_kick_of(front_end, TODEV);
}

static void an_idle_guest_wakes_nobody(void **state)
{
	balloon_driver_hello(*state, EPOCH, 0);
	assert_false(asks_for_attention(*state));
}

static void a_kick_wakes(void **state)
{
	raise_kick(*state);
	assert_true(asks_for_attention(*state));
	front_end_pump(*state);
	assert_false(asks_for_attention(*state));
}

static void a_kick_of_a_stopped_queue_does_not_wake(void **state)
{
	front_end_stop_queue(*state, 1);
	raise_kick(*state);
	assert_false(asks_for_attention(*state));
}

/* A driver that has said HELLO breaks the protocol. */
static void stop_the_device(struct front_end *front_end)
{
	const struct virtio_memory_balloon_msg nonsense = { .type = vballoon_le32(77) };

	balloon_driver_hello(front_end, EPOCH, 0);
	assert_int_equal(balloon_driver_send(front_end, &nonsense, sizeof(nonsense), NULL, 0), -1);
	assert_int_not_equal(device_status(front_end).violation, VBALLOON_OK);
}

/* Nor does one over another descriptor, that the front end sends then. */
static void a_kick_of_a_stopped_device_does_not_wake(void **state)
{
	struct front_end *front_end = *state;

	stop_the_device(front_end);
	raise_kick(front_end);
	assert_false(asks_for_attention(front_end));
	front_end_set_event(front_end, VHOST_USER_SET_VRING_KICK, TODEV,
			    front_end->queues[TODEV].kick);
	raise_kick(front_end);
	assert_false(asks_for_attention(front_end));
}

/* Post the one buffer that there is for requests, as who sleeps until it is woken would hear of it. */
static void post_request_and_wake(struct front_end *front_end)
{
	struct vballoon_vhost_user *back_end = front_end->back_end;

	front_end->back_end = NULL; /* nobody looks unless it is asked for */
	balloon_driver_post_request(front_end);
	front_end->back_end = back_end;
	if (asks_for_attention(front_end))
		front_end_pump(front_end);
}

static void assert_reset_comes(struct front_end *front_end)
{
	struct virtio_memory_balloon_req request;

	assert_false(balloon_driver_next_request(front_end, &request));
	post_request_and_wake(front_end);
	assert_true(balloon_driver_next_request(front_end, &request));
	assert_int_equal(vballoon_le32(request.type), VIRTIO_MEMORY_BALLOON_REQ_RESET);
}

/* The device had used the only one when it stopped. */
static void a_buffer_that_comes_after_the_stop_gets_the_reset(void **state)
{
	struct front_end *front_end = *state;

	stop_the_device(front_end);
	assert_reset_comes(front_end);
	raise_kick_of(front_end, FROMDEV);
	assert_false(asks_for_attention(front_end));
}

/* Kick a queue that has no buffer to offer. Returns how often somebody was woken. */
static unsigned int kick_in_vain(struct front_end *front_end, unsigned int kicks)
{
	unsigned int woken = 0;

	while (kicks--) {
		raise_kick_of(front_end, FROMDEV);
		if (!asks_for_attention(front_end))
			continue;
		woken++;
		front_end_pump(front_end);
	}
	return woken;
}

static void a_driver_that_kicks_for_nothing_is_soon_not_heard(void **state)
{
	struct front_end *front_end = *state;

	stop_the_device(front_end);
	assert_in_range(kick_in_vain(front_end, 1000), 1, 20);
	assert_int_equal(kick_in_vain(front_end, 1000), 0);
}

/* Nor is it for ever: it was the device before that it has stopped. */
static void who_was_not_heard_is_heard_when_it_begins_anew(void **state)
{
	struct front_end *front_end = *state;

	stop_the_device(front_end);
	kick_in_vain(front_end, 1000);
	for (unsigned int i = 0; i < 2; i++) {
		front_end_stop_queue(front_end, i);
		front_end_new_ring(front_end, i);
		front_end_start_queue(front_end, i, 0);
	}
	stop_the_device(front_end);
	assert_reset_comes(front_end);
}

/* Have todevq begin where its guest has no memory: it cannot. The driver has kicked too often, and is
 * told all the same when there is anything else to do. */
static void make_lame(struct front_end *front_end)
{
	struct virtio_memory_balloon_req request = { 0 };
	const uint64_t dimm = UINT64_C(0x600000000000);
	const struct vhost_user_vring_addr addr = {
		.index = TODEV,
		.desc = dimm,
		.avail = dimm + 4096,
		.used = dimm + 8192,
	};
	const struct vhost_user_region regions[] = {
		front_end->region,
		{ .guest_addr = UINT64_C(1) << 32, .size = 2U << 20, .user_addr = dimm },
	};
	const int fds[] = { front_end->memory_fd, memfd_create("dimm", MFD_CLOEXEC) };

	assert_int_equal(ftruncate(fds[1], 2U << 20), 0);
	front_end_set_mem_table(front_end, regions, fds, 2);
	assert_int_equal(ftruncate(fds[1], 0), 0);
	close(fds[1]);
	front_end_send(front_end, VHOST_USER_SET_VRING_ADDR, 0, &addr, sizeof(addr), NULL, 0);
	assert_int_equal(device_status(front_end).violation, VBALLOON_RING_UNREADABLE);
	kick_in_vain(front_end, 1000);
	balloon_driver_post_request(front_end);
	while (balloon_driver_next_request(front_end, &request))
		;
	assert_int_equal(vballoon_le32(request.type), VIRTIO_MEMORY_BALLOON_REQ_RESET);
}

static void who_is_reset_by_command_with_a_queue_that_cannot_run_hears_of_it(void **state)
{
	struct front_end *front_end = *state;

	make_lame(front_end);
	vballoon_device_restart(vballoon_vhost_user_device(front_end->back_end));
	front_end_pump(front_end);
	assert_int_not_equal(device_status(front_end).violation, VBALLOON_OK);
	assert_reset_comes(front_end);
}

static void a_device_that_is_restarted_is_woken_by_kicks_again(void **state)
{
	struct front_end *front_end = *state;

	stop_the_device(front_end);
	vballoon_device_restart(vballoon_vhost_user_device(front_end->back_end));
	front_end_pump(front_end);
	assert_false(asks_for_attention(front_end));
	raise_kick(front_end);
	assert_true(asks_for_attention(front_end));
}

static void a_queue_that_begins_anew_is_woken_by_kicks_again(void **state)
{
	struct front_end *front_end = *state;

	stop_the_device(front_end);
	for (unsigned int i = 0; i < 2; i++) {
		front_end_stop_queue(front_end, i);
		front_end_new_ring(front_end, i);
		front_end_start_queue(front_end, i, 0);
	}
	assert_int_equal(balloon_driver_hello(front_end, EPOCH + 1, 0), 0);
	raise_kick(front_end);
	assert_true(asks_for_attention(front_end));
}

static void a_kick_that_stays_readable_keeps_nobody_busy(void **state)
{
	struct front_end *front_end = *state;
	int kick = eventfd(1000, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE);

	front_end_set_event(front_end, VHOST_USER_SET_VRING_KICK, 1, kick);
	front_end_pump(front_end);
	assert_false(asks_for_attention(front_end));
	close(kick);
}

static void the_front_end_going_wakes(void **state)
{
	struct front_end *front_end = *state;

	shutdown(front_end->socket, SHUT_RDWR);
	assert_true(asks_for_attention(front_end));
	front_end_pump(front_end);
	assert_int_equal(front_end->outcome, -ECONNRESET);
	assert_string_equal(vballoon_vhost_user_reason(front_end->back_end), "");
}

static void what_is_no_message_ends_the_connection_with_a_reason(void **state)
{
	struct front_end *front_end = *state;
	const struct vhost_user_header header = { VHOST_USER_GET_FEATURES, 0, 0 };

	assert_int_equal(send(front_end->socket, &header, sizeof(header), 0), sizeof(header));
	front_end_pump(front_end);
	assert_int_equal(front_end->outcome, -EPROTO);
	assert_non_null(strstr(vballoon_vhost_user_reason(front_end->back_end), "version"));
}

/* Ask until the sockets are full: how many questions were taken. */
static unsigned int ask_without_reading(struct front_end *front_end)
{
	const struct vhost_user_header header = { VHOST_USER_GET_FEATURES, VHOST_USER_VERSION, 0 };
	unsigned int asked = 0;

	while (send(front_end->socket, &header, sizeof(header), MSG_DONTWAIT) == sizeof(header)) {
		asked++;
		front_end_pump(front_end);
		assert_int_equal(front_end->outcome, 0);
	}
	return asked;
}

static void a_front_end_that_reads_no_answers_is_not_waited_for(void **state)
{
	struct front_end *front_end = *state;
	unsigned int asked = ask_without_reading(front_end), answered = 0;
	uint64_t features;

	assert_true(asked > 0);
	assert_false(asks_for_attention(front_end));
	balloon_driver_hello(front_end, EPOCH, 0);
	while (front_end_receive(front_end, VHOST_USER_GET_FEATURES, &features, sizeof(features)) >=
	       0) {
		answered++;
		front_end_pump(front_end);
	}
	assert_int_equal(answered, asked);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUNNING_TEST(an_idle_guest_wakes_nobody),
		RUNNING_TEST(a_kick_wakes),
		RUNNING_TEST(a_kick_of_a_stopped_queue_does_not_wake),
		RUNNING_TEST(a_kick_of_a_stopped_device_does_not_wake),
		RUNNING_TEST(a_buffer_that_comes_after_the_stop_gets_the_reset),
		RUNNING_TEST(a_driver_that_kicks_for_nothing_is_soon_not_heard),
		RUNNING_TEST(who_was_not_heard_is_heard_when_it_begins_anew),
		RUNNING_TEST(who_is_reset_by_command_with_a_queue_that_cannot_run_hears_of_it),
		RUNNING_TEST(a_device_that_is_restarted_is_woken_by_kicks_again),
		RUNNING_TEST(a_queue_that_begins_anew_is_woken_by_kicks_again),
		RUNNING_TEST(a_kick_that_stays_readable_keeps_nobody_busy),
		RUNNING_TEST(the_front_end_going_wakes),
		RUNNING_TEST(what_is_no_message_ends_the_connection_with_a_reason),
		RUNNING_TEST(a_front_end_that_reads_no_answers_is_not_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
