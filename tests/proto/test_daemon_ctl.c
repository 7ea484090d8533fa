// SPDX-License-Identifier: BSD-3-Clause
/* vballoonctl against a daemon with a guest: what it does and how it says so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon_bed.h"

#define EPOCH 91

static int guest_set_up(void **state)
{
	struct daemon_bed *bed;

	daemon_bed_set_up(state);
	bed = *state;
	daemon_bed_connect(bed);
	assert_int_equal(balloon_driver_hello(&bed->guest, EPOCH, 0), 0);
	return 0;
}

/* The guest stands still, or restarts. */
static int paused_set_up(void **state)
{
	struct daemon_bed *bed;

	guest_set_up(state);
	bed = *state;
	front_end_stop_queue(&bed->guest, 1);
	return 0;
}

/* The last object of what was printed has to be an error of this class. */
static void assert_error_object(const struct daemon_bed *bed, const char *class, int status)
{
	const char *line = bed->ctl.out.text;
	json_t *object, *error;

	while (strchr(line, '\n')[1])
		line = strchr(line, '\n') + 1;
	object = json_loads(line, 0, NULL);
	error = json_object_get(object, "error");
	assert_string_equal(json_string_value(json_object_get(error, "class")), class);
	assert_true(strlen(json_string_value(json_object_get(error, "desc"))) > 10);
	assert_int_equal(json_integer_value(json_object_get(error, "exit_status")), status);
	assert_int_equal(bed->ctl.err.len, 0);
	json_decref(object);
}

static void what_the_guest_keeps_can_be_said(void **state)
{
	struct daemon_bed *bed = *state;

	assert_int_equal(daemon_bed_ctl(bed, WORDS("set", "--guest-size", "6M")), 0);
	assert_int_equal(daemon_bed_status_integer(bed, "target_bytes"), GUEST_BYTES - (6 << 20));
	assert_int_equal(daemon_bed_ctl(bed, WORDS("set", "75%", "--guest-size")), 0);
	assert_int_equal(daemon_bed_status_integer(bed, "target_bytes"), GUEST_BYTES / 4);
}

static void a_guest_cannot_keep_more_than_it_has(void **state)
{
	struct daemon_bed *bed = *state;

	assert_int_equal(daemon_bed_ctl(bed, WORDS("set", "--guest-size", "9M")), 1);
	assert_non_null(strstr(bed->ctl.err.text, "it has 8 MiB in all"));
	assert_int_equal(daemon_bed_status_integer(bed, "target_bytes"), 0);
}

static void what_a_guest_keeps_is_unknown_without_one(void **state)
{
	struct daemon_bed *bed = *state;

	assert_int_equal(daemon_bed_ctl(bed, WORDS("set", "--guest-size", "1M")), 5);
	assert_non_null(strstr(bed->ctl.err.text, "no virtual machine is connected: start it"));
}

static void a_machine_that_has_shared_nothing_yet_is_not_to_be_started(void **state)
{
	struct daemon_bed *bed = *state;

	front_end_open_socket(&bed->guest, daemon_bed_socket(bed));
	bed->guest_connected = true;
	process_await(&bed->daemon, "a front end has connected");
	assert_int_equal(daemon_bed_ctl(bed, WORDS("set", "50%")), 5);
	assert_null(strstr(bed->ctl.err.text, "connected"));
	assert_non_null(strstr(bed->ctl.err.text, "load the driver in its guest"));
}

static void a_paused_guest_is_waited_for_until_the_time_is_over(void **state)
{
	struct daemon_bed *bed = *state;

	assert_int_equal(daemon_bed_ctl(bed, WORDS("set", "1M", "--wait", "--timeout", "1")), 5);
	assert_non_null(strstr(bed->ctl.err.text, "paused, resetting, or has no driver loaded"));
}

static void an_order_that_ends_is_not_said_to_stay(void **state)
{
	struct daemon_bed *bed = *state;

	assert_int_equal(daemon_bed_ctl(bed, WORDS("set", "1M", "--wait", "--timeout", "0")), 5);
	assert_non_null(strstr(bed->ctl.err.text, ", the target is kept: "));
	assert_int_equal(daemon_bed_ctl(bed, WORDS("set", "1M", "--deadline", "1h", "--revert",
						   "--wait", "--timeout", "0")),
			 5);
	assert_non_null(strstr(bed->ctl.err.text, ", the target is kept until the deadline: "));
}

static void a_guest_that_comes_back_is_waited_for(void **state)
{
	struct daemon_bed *bed = *state;

	daemon_bed_ctl_start(bed, WORDS("set", "4K", "--wait", "--timeout", "20"));
	front_end_new_ring(&bed->guest, 1);
	front_end_start_queue(&bed->guest, 1, 0);
	balloon_driver_hello(&bed->guest, EPOCH + 1, 0);
	assert_int_equal(balloon_driver_add(&bed->guest, 0, 1), 1);
	assert_int_equal(process_wait(&bed->ctl), 0);
}

static void what_to_do_about_a_failure_is_said_once(void **state)
{
	struct daemon_bed *bed = *state;

	assert_int_equal(daemon_bed_ctl(bed, WORDS("upgrade")), 1);
	assert_non_null(strstr(bed->ctl.err.text, "start it with --supervise yes\n"));
	assert_int_equal(daemon_bed_ctl(bed, WORDS("set", "1T")), 1);
	assert_non_null(strstr(bed->ctl.err.text, "8 MiB: give a smaller size\n"));
}

/* Connect to the control socket as long as that need not be waited for. */
static unsigned int fill_backlog(const struct daemon_bed *bed, int *fds, unsigned int room)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	unsigned int count = 0;
	bool full = false;

	memcpy(address.sun_path, bed->control_path, strlen(bed->control_path) + 1);
	while (!full && count < room) {
		fds[count] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		assert_true(fds[count] >= 0);
		full = connect(fds[count++], (struct sockaddr *)&address, sizeof(address));
	}
	assert_true(full);
	assert_int_equal(errno, EAGAIN);
	return count;
}

static void a_daemon_that_takes_nobody_in_is_not_waited_for(void **state)
{
	struct daemon_bed *bed = *state;
	unsigned int count;
	int fds[64];

	assert_int_equal(kill(bed->daemon.pid, SIGSTOP), 0);
	count = fill_backlog(bed, fds, 64);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("status")), 3);
	assert_non_null(strstr(bed->ctl.err.text, "it does not answer"));
	while (count)
		close(fds[--count]);
	assert_int_equal(kill(bed->daemon.pid, SIGCONT), 0);
}

static void what_comes_too_late_is_no_answer_to_the_next_question(void **state)
{
	struct daemon_bed *bed = *state;

	assert_int_equal(kill(bed->daemon.pid, SIGSTOP), 0);
	daemon_bed_ctl_start(bed, WORDS("watch", "--once"));
	poll(NULL, 0, 7000); /* two answers are waited for as long as 10 s */
	assert_int_equal(kill(bed->daemon.pid, SIGCONT), 0);
	assert_int_equal(process_wait(&bed->ctl), 3);
	assert_non_null(strstr(bed->ctl.err.text, "it does not answer"));
}

static void failures_are_objects_for_a_program(void **state)
{
	struct daemon_bed *bed = *state;

	assert_int_equal(daemon_bed_ctl(bed, WORDS("set", "1T", "--json")), 1);
	assert_error_object(bed, "Failed", 1);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("--nonsense", "--json")), 2);
	assert_error_object(bed, "Usage", 2);
	assert_int_equal(
		daemon_bed_ctl(bed, WORDS("set", "1M", "--wait", "--timeout", "0", "--json")), 5);
	assert_error_object(bed, "NoDriver", 5);
	memcpy(bed->control_path, "/nowhere", sizeof("/nowhere"));
	assert_int_equal(daemon_bed_ctl(bed, WORDS("status", "--json")), 3);
	assert_error_object(bed, "Unreachable", 3);
}

static void what_is_no_text_is_in_no_way_of_an_object(void **state)
{
	struct daemon_bed *bed = *state;

	assert_int_equal(daemon_bed_ctl(bed, WORDS("set", "\xff", "--json")), 2);
	assert_error_object(bed, "Usage", 2);
	memcpy(bed->control_path, "/nowhere/\xe9", sizeof("/nowhere/\xe9"));
	assert_int_equal(daemon_bed_ctl(bed, WORDS("status", "--json")), 3);
	assert_error_object(bed, "Unreachable", 3);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("doctor", "--json")), 1);
	assert_non_null(strstr(bed->ctl.out.text, "/nowhere/?"));
}

static void a_result_comes_before_the_failure(void **state)
{
	struct daemon_bed *bed = *state;

	assert_int_equal(
		daemon_bed_ctl(bed, WORDS("set", "1M", "--wait", "--timeout", "0", "--json")), 4);
	assert_non_null(strstr(bed->ctl.out.text, "\"held_bytes\":0"));
	assert_error_object(bed, "Timeout", 4);
}

static void options_of_another_command_are_refused(void **state)
{
	struct daemon_bed *bed = *state;

	assert_int_equal(daemon_bed_ctl(bed, WORDS("status", "--guest-size")), 2);
	assert_non_null(strstr(bed->ctl.err.text, "--guest-size is no option of it"));
	assert_int_equal(daemon_bed_ctl(bed, WORDS("set", "1M", "--timeout", "3")), 2);
	assert_non_null(strstr(bed->ctl.err.text, "--wait"));
}

/* Else a file that "features check" is to read would be empty, and nobody know. */
static void what_cannot_be_printed_is_a_failure(void **state)
{
	static const char *const commands[] = { "features", "status", "--help" };
	struct daemon_bed *bed = *state;

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		assert_int_equal(process_run(&bed->ctl,
					     WORDS("/bin/sh", "-c", "exec \"$@\" >/dev/full", "sh",
						   VBALLOONCTL, "--control-path", bed->control_path,
						   commands[i]),
					     -1),
				 1);
		assert_non_null(strstr(bed->ctl.err.text, "cannot be written"));
	}
	assert_int_equal(
		process_run(&bed->ctl,
			    WORDS("/bin/sh", "-c", "exec \"$@\" >/dev/full", "sh", VBALLOONCTL,
				  "--control-path", bed->control_path, "features", "--json"),
			    -1),
		1);
}

/* One dash where two belong, behind another word. */
static void what_is_no_option_is_named_and_not_the_word_before(void **state)
{
	struct daemon_bed *bed = *state;

	assert_int_equal(daemon_bed_ctl(bed, WORDS("status", "-json")), 2);
	assert_non_null(strstr(bed->ctl.err.text, "vballoonctl: -j: there is no such option"));
	assert_int_equal(daemon_bed_ctl(bed, WORDS("status", "-x")), 2);
	assert_non_null(strstr(bed->ctl.err.text, "vballoonctl: -x: there is no such option"));
	assert_int_equal(daemon_bed_ctl(bed, WORDS("status", "--jsno")), 2);
	assert_non_null(strstr(bed->ctl.err.text, "vballoonctl: --jsno: there is no such option"));
	assert_int_equal(daemon_bed_ctl(bed, WORDS("status", "--json=1")), 2);
	assert_non_null(strstr(bed->ctl.err.text, "vballoonctl: --json=1: there is no such"));
}

static void what_is_wrong_is_found_and_explained(void **state)
{
	struct daemon_bed *bed = *state;

	assert_int_equal(daemon_bed_ctl(bed, WORDS("doctor")), 1);
	assert_non_null(strstr(bed->ctl.out.text, "ok       front-end"));
	assert_non_null(strstr(bed->ctl.out.text, "problem  driver"));
	assert_int_equal(daemon_bed_ctl(bed, WORDS("set", "1M")), 0);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("why")), 0);
	assert_non_null(strstr(bed->ctl.out.text, "1 MiB are asked of the guest"));
	assert_non_null(strstr(bed->ctl.out.text, "paused, resetting, or has no driver loaded"));
}

/* It looks for three seconds whether the balloon moves. */
static void a_daemon_that_ends_under_a_look_leaves_no_guest_in_trouble(void **state)
{
	struct daemon_bed *bed = *state;

	assert_int_equal(daemon_bed_ctl(bed, WORDS("set", "1M")), 0);
	daemon_bed_ctl_start(bed, WORDS("doctor"));
	poll(NULL, 0, 500);
	control_close(&bed->control);
	assert_int_equal(process_stop(&bed->daemon, SIGTERM), 0);
	assert_int_equal(process_wait(&bed->ctl), 1);
	assert_non_null(strstr(bed->ctl.out.text, "problem  daemon"));
	assert_null(strstr(bed->ctl.out.text, "the balloon is stuck"));
	assert_null(strstr(bed->ctl.out.text, "the guest's driver answers"));
}

static void a_look_without_a_terminal_is_a_line(void **state)
{
	struct daemon_bed *bed = *state;

	assert_int_equal(daemon_bed_ctl(bed, WORDS("watch", "--once")), 0);
	assert_non_null(strstr(bed->ctl.out.text, "paused, target 0 B, host "));
	assert_null(strchr(bed->ctl.out.text, '\033'));
	assert_int_equal(daemon_bed_ctl(bed, WORDS("watch", "--once", "--json")), 0);
	assert_true(control_take_integer(json_loads(bed->ctl.out.text, 0, NULL), "time_ms") > 0);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("watch", "--interval", "0")), 2);
}

#define TEST(name, set_up) cmocka_unit_test_setup_teardown(name, set_up, daemon_bed_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_the_guest_keeps_can_be_said, guest_set_up),
		TEST(a_guest_cannot_keep_more_than_it_has, guest_set_up),
		TEST(what_a_guest_keeps_is_unknown_without_one, daemon_bed_set_up),
		TEST(a_machine_that_has_shared_nothing_yet_is_not_to_be_started, daemon_bed_set_up),
		TEST(a_paused_guest_is_waited_for_until_the_time_is_over, paused_set_up),
		TEST(an_order_that_ends_is_not_said_to_stay, paused_set_up),
		TEST(a_guest_that_comes_back_is_waited_for, paused_set_up),
		TEST(what_to_do_about_a_failure_is_said_once, guest_set_up),
		TEST(a_daemon_that_takes_nobody_in_is_not_waited_for, daemon_bed_set_up),
		TEST(what_comes_too_late_is_no_answer_to_the_next_question, daemon_bed_set_up),
		TEST(failures_are_objects_for_a_program, paused_set_up),
		TEST(what_is_no_text_is_in_no_way_of_an_object, guest_set_up),
		TEST(a_result_comes_before_the_failure, guest_set_up),
		TEST(options_of_another_command_are_refused, guest_set_up),
		TEST(what_cannot_be_printed_is_a_failure, daemon_bed_set_up),
		TEST(what_is_no_option_is_named_and_not_the_word_before, daemon_bed_set_up),
		TEST(what_is_wrong_is_found_and_explained, paused_set_up),
		TEST(a_daemon_that_ends_under_a_look_leaves_no_guest_in_trouble, guest_set_up),
		TEST(a_look_without_a_terminal_is_a_line, paused_set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
