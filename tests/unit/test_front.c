/* SPDX-License-Identifier: BSD-3-Clause */
/* What the supervisor makes of a front end's bytes, and of what a worker answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "supervisor/front.h"
#include "supervisor/parcel.h"

#define REQUEST 77

static const struct vballoon_relay_header message = { .request = REQUEST };
static const struct vballoon_relay_header done = { .request = VBALLOON_RELAY_DONE };

static struct vballoon_front front;
static int front_end, worker; /* the other ends */

/* One end; the other is the test's. */
static int pair(int *other)
{
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	*other = ends[0];
	return ends[1];
}

static void hang_up(int *end)
{
	close(*end);
	*end = -1;
}

static int set_up(void **state)
{
	(void)state;
	vballoon_front_init(&front);
	vballoon_front_connect(&front, pair(&front_end));
	vballoon_front_attach(&front, pair(&worker));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	vballoon_front_detach(&front);
	vballoon_front_disconnect(&front);
	close(front_end);
	close(worker);
	return 0;
}

static void say(int end, const void *bytes, size_t len)
{
	assert_int_equal(send(end, bytes, len, MSG_NOSIGNAL), len);
}

/* Send part of a message with eight descriptors, which are kept by nobody here. */
static void say_with_eight(const void *bytes, size_t len)
{
	int fds[VBALLOON_RELAY_FDS_MAX];

	for (int i = 0; i < VBALLOON_RELAY_FDS_MAX; i++)
		fds[i] = eventfd(0, EFD_CLOEXEC);
	assert_int_equal(
		vballoon_parcel_send(front_end, bytes, len, fds, VBALLOON_RELAY_FDS_MAX, 0), 0);
	for (int i = 0; i < VBALLOON_RELAY_FDS_MAX; i++)
		close(fds[i]);
}

static void work(void)
{
	vballoon_front_work(&front, true, true);
}

/* What has come at an end, at the most that a front end is sent. */
static ssize_t hear(int end, void *bytes, size_t len)
{
	return recv(end, bytes, len, MSG_DONTWAIT);
}

static void send_message(void)
{
	uint8_t bytes[128];

	say(front_end, &message, sizeof(message));
	work();
	assert_true(hear(worker, bytes, sizeof(bytes)) > (ssize_t)sizeof(message));
}

static void an_answer_in_pieces_goes_as_a_whole(void **state)
{
	const struct vballoon_relay_header answer = { .request = REQUEST, .size = 4 };
	uint8_t bytes[sizeof(answer) + 4];

	(void)state;
	send_message();
	say(worker, &answer, sizeof(answer));
	work();
	assert_int_equal(hear(front_end, bytes, sizeof(bytes)), -1);
	say(worker, "1234", 4);
	work();
	assert_int_equal(hear(front_end, bytes, sizeof(bytes)), -1);
	say(worker, &done, sizeof(done));
	work();
	assert_int_equal(hear(front_end, bytes, sizeof(bytes)), sizeof(bytes));
	assert_int_equal(front.answered, 1);
}

static void one_that_says_it_answers_and_does_not_is_waited_for(void **state)
{
	(void)state;
	send_message();
	work();
	assert_true(front.relay >= 0);
	assert_int_equal(front.answered, 0);
}

static void a_worker_that_answers_without_end_is_heard_no_more(void **state)
{
	static uint8_t much[3 * VBALLOON_FRONT_MESSAGE_MAX];

	(void)state;
	memset(much, 0xff, sizeof(much));
	send_message();
	say(worker, much, sizeof(much));
	work();
	work();
	assert_int_equal(front.relay, -1);
	assert_int_equal(front.answered, 0);
}

static void more_descriptors_than_a_message_has_end_it(void **state)
{
	(void)state;
	say_with_eight(&message, 4);
	work();
	assert_false(front.broken);
	say_with_eight((const char *)&message + 4, 4);
	work();
	assert_true(front.broken && front.ended);
	assert_int_equal(front.fd_count, VBALLOON_RELAY_FDS_MAX);
}

static void a_worker_that_begins_behind_the_end_learns_of_it(void **state)
{
	char byte;

	(void)state;
	hang_up(&front_end);
	work();
	assert_true(front.ended);
	close(worker);
	vballoon_front_attach(&front, pair(&worker));
	assert_int_equal(hear(worker, &byte, 1), 0);
}

static void a_front_end_that_takes_no_answer_has_ended(void **state)
{
	(void)state;
	send_message();
	hang_up(&front_end);
	say(worker, &message, sizeof(message));
	say(worker, &done, sizeof(done));
	vballoon_front_work(&front, false, true);
	assert_true(front.ended);
	assert_int_equal(front.out_done, front.out_len);
}

static void an_answer_that_finds_no_room_is_sent_later(void **state)
{
	static uint8_t full[1 << 12];
	struct pollfd socket, relay;

	(void)state;
	send_message();
	while (send(front.socket, full, sizeof(full), MSG_DONTWAIT) > 0)
		;
	say(worker, &message, sizeof(message));
	say(worker, &done, sizeof(done));
	work();
	vballoon_front_poll(&front, &socket, &relay);
	assert_int_equal(socket.events, POLLOUT);
	while (hear(front_end, full, sizeof(full)) > 0)
		;
	work();
	assert_int_equal(hear(front_end, full, sizeof(full)), sizeof(message));
}

static void what_a_worker_answered_before_it_died_is_sent(void **state)
{
	uint8_t bytes[sizeof(message)];

	(void)state;
	send_message();
	say(worker, &message, sizeof(message));
	say(worker, &done, sizeof(done));
	vballoon_front_detach(&front);
	assert_int_equal(hear(front_end, bytes, sizeof(bytes)), sizeof(bytes));
	assert_int_equal(front.deaths, 0);
}

static void what_was_answered_is_sent_to_a_front_end_that_is_to_go(void **state)
{
	uint8_t bytes[sizeof(message)];

	(void)state;
	send_message();
	say(worker, &message, sizeof(message));
	say(worker, &done, sizeof(done));
	vballoon_front_disconnect(&front);
	assert_int_equal(hear(front_end, bytes, sizeof(bytes)), sizeof(bytes));
}

static void without_a_front_end_there_is_nothing_to_do(void **state)
{
	struct pollfd socket, relay;

	(void)state;
	vballoon_front_disconnect(&front);
	work();
	vballoon_front_poll(&front, &socket, &relay);
	assert_int_equal(socket.fd, -1);
	assert_int_equal(relay.fd, -1);
}

static void of_one_whose_socket_is_missing_nothing_stays_open(void **state)
{
	const int event = eventfd(0, EFD_CLOEXEC);

	(void)state;
	vballoon_front_disconnect(&front);
	front.fd_count = 1;
	vballoon_front_resume(&front, -1, &event);
	vballoon_front_disconnect(&front);
	assert_int_equal(fcntl(event, F_GETFD), -1);
	assert_int_equal(front.fd_count, 0);
}

static void a_message_that_says_it_is_too_long_is_given_for_its_header_alone(void **state)
{
	const struct vballoon_relay_header vast = { .request = REQUEST, .size = UINT32_MAX };

	(void)state;
	say(front_end, &vast, sizeof(vast));
	work();
	assert_true(front.whole && front.given);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(an_answer_in_pieces_goes_as_a_whole),
		CASE(one_that_says_it_answers_and_does_not_is_waited_for),
		CASE(a_worker_that_answers_without_end_is_heard_no_more),
		CASE(more_descriptors_than_a_message_has_end_it),
		CASE(a_worker_that_begins_behind_the_end_learns_of_it),
		CASE(a_front_end_that_takes_no_answer_has_ended),
		CASE(an_answer_that_finds_no_room_is_sent_later),
		CASE(what_a_worker_answered_before_it_died_is_sent),
		CASE(what_was_answered_is_sent_to_a_front_end_that_is_to_go),
		CASE(without_a_front_end_there_is_nothing_to_do),
		CASE(of_one_whose_socket_is_missing_nothing_stays_open),
		CASE(a_message_that_says_it_is_too_long_is_given_for_its_header_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
