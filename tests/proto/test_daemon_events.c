// SPDX-License-Identifier: BSD-3-Clause
/* Clients that subscribe to events, and vballoonctl as one of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/le.h"
#include "daemon_bed.h"

#define EPOCH 91
#define SUBSCRIBE "{\"execute\":\"events\"}"

/* The next event has to be this one. */
static void assert_event(struct control *control, const char *name)
{
	json_t *event = control_receive(control);

	assert_non_null(event);
	assert_string_equal(json_string_value(json_object_get(event, "event")), name);
	assert_true(json_is_object(json_object_get(event, "data")));
	json_decref(event);
}

static void set_target(struct daemon_bed *bed, unsigned int bytes)
{
	char line[128];

	snprintf(line, sizeof(line), "{\"execute\":\"set\",\"arguments\":{\"balloon_bytes\":%u}}",
		 bytes);
	json_decref(control_call(&bed->control, line));
}

static void the_life_of_a_guest_is_told_as_it_happens(void **state)
{
	struct virtio_memory_balloon_msg nonsense = { .type = vballoon_le32(77) };
	struct daemon_bed *bed = *state;
	struct control other;

	control_open(&other, bed->control_path);
	json_decref(control_call(&other, SUBSCRIBE));
	daemon_bed_connect(bed);
	assert_event(&other, "front-end-connected");
	assert_event(&other, "state-changed");
	assert_event(&other, "passthrough-changed");
	balloon_driver_hello(&bed->guest, EPOCH, 0);
	assert_event(&other, "driver-hello");
	assert_event(&other, "state-changed");
	set_target(bed, 8192);
	assert_event(&other, "target-changed");
	balloon_driver_add(&bed->guest, 0, 2);
	assert_event(&other, "held-changed");
	balloon_driver_send(&bed->guest, &nonsense, sizeof(nonsense), NULL, 0);
	/* What was given back since may be told in between. */
	process_await(&bed->daemon, "the device has stopped");
	daemon_bed_disconnect(bed);
	process_await(&bed->daemon, "the front end has gone");
	control_close(&other);
	daemon_bed_assert_state(bed, "no-front-end");
}

static void the_answer_tells_what_was_before(void **state)
{
	struct daemon_bed *bed = *state;
	struct control other;

	set_target(bed, 4096);
	control_open(&other, bed->control_path);
	assert_int_equal(control_take_integer(control_call(&other, SUBSCRIBE), "target_bytes"),
			 4096);
	assert_true(control_is_silent(&other));
	control_close(&other);
}

static void each_subscriber_is_told(void **state)
{
	struct daemon_bed *bed = *state;
	struct control first, second;

	control_open(&first, bed->control_path);
	control_open(&second, bed->control_path);
	json_decref(control_call(&first, SUBSCRIBE));
	json_decref(control_call(&second, SUBSCRIBE));
	set_target(bed, 4096);
	assert_event(&first, "target-changed");
	assert_event(&second, "target-changed");
	control_close(&first);
	control_close(&second);
}

static void a_subscriber_that_sends_no_more_is_told_all_the_same(void **state)
{
	struct daemon_bed *bed = *state;
	struct control other;

	control_open(&other, bed->control_path);
	control_send_text(&other, SUBSCRIBE "\n{\"execute\":\"nonsense\"}\n");
	assert_int_equal(shutdown(other.fd, SHUT_WR), 0);
	json_decref(control_receive(&other));
	set_target(bed, 4096);
	assert_event(&other, "target-changed");
	control_close(&other);
}

static void a_subscriber_that_is_too_slow_is_told_what_it_lost(void **state)
{
	struct daemon_bed *bed = *state;
	struct control other;
	json_t *event;
	bool lost = false;
	unsigned int i;

	control_open(&other, bed->control_path);
	json_decref(control_call(&other, SUBSCRIBE));
	/* More than a socket and the daemon's queue hold. */
	for (i = 1; i <= 1000; i++)
		set_target(bed, (i % 2 + 1) * 4096);
	assert_int_equal(process_wakeups(&bed->daemon, 200), 0);
	while (!lost) {
		event = control_receive(&other);
		lost = !strcmp(json_string_value(json_object_get(event, "event")), "events-lost");
		assert_true(!lost || json_integer_value(json_object_get(
					     json_object_get(event, "data"), "count")) > 0);
		json_decref(event);
	}
	control_close(&other);
}

static void a_subscriber_does_not_wake_an_idle_daemon(void **state)
{
	struct daemon_bed *bed = *state;
	struct control other;

	control_open(&other, bed->control_path);
	json_decref(control_call(&other, SUBSCRIBE));
	assert_int_equal(process_wakeups(&bed->daemon, 500), 0);
	control_close(&other);
}

static void vballoonctl_prints_what_happens(void **state)
{
	struct daemon_bed *bed = *state;
	struct pollfd output = { .events = POLLIN };
	unsigned int bytes = 0;

	daemon_bed_ctl_start(bed, WORDS("events"));
	output.fd = bed->ctl.out.fd;
	/* It has not subscribed yet when this begins. */
	do
		set_target(bed, bytes += 4096);
	while (!poll(&output, 1, 20));
	control_close(&bed->control);
	assert_int_equal(process_stop(&bed->daemon, SIGTERM), 0);
	assert_int_equal(process_wait(&bed->ctl), 3);
	assert_non_null(strstr(bed->ctl.out.text, "\"event\":\"target-changed\""));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, daemon_bed_set_up, daemon_bed_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_life_of_a_guest_is_told_as_it_happens),
		TEST(the_answer_tells_what_was_before),
		TEST(each_subscriber_is_told),
		TEST(a_subscriber_that_sends_no_more_is_told_all_the_same),
		TEST(a_subscriber_that_is_too_slow_is_told_what_it_lost),
		TEST(a_subscriber_does_not_wake_an_idle_daemon),
		TEST(vballoonctl_prints_what_happens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
