// SPDX-License-Identifier: BSD-3-Clause
/*
 * A supervisor is killed wherever it is: another one goes on, and neither monitor nor guest notices;
 * or it says that it cannot, the monitor is hung up on, and the guest has all that it had.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>

#include "fd_store.h"
#include "stored.h"
#include "supervised.h"

/* Of the system calls that a supervisor makes over two messages, every so many is one that it is killed
 * at, and of those before its first wait; at so many random instants. With --all at every one, and
 * more. */
#define CALLS_STEP 6
#define CALLS_MAX 1000
#define TAKING_OVER_STEP 4
#define KILLS 12
#define KILLS_ALL 200
#define INSTANTS_US 4000

static struct port_front front;
static bool all;

/* Returns whether another one goes on; else it says that it cannot, and the front end is another
 * one now. */
static bool is_followed(struct daemon_bed *bed)
{
	stored_start(bed);
	process_await(&bed->daemon, "had stored");
	if (strstr(bed->daemon.err.text, STORED_GOES_ON))
		return true;
	process_await(&bed->daemon, "had stored cannot be gone on from");
	stored_assert_hung_up_on(bed, &front);
	return false;
}

/* Supervisors that take over are killed on their way to their first wait, one after the other. */
static void die_taking_over(struct daemon_bed *bed)
{
	unsigned int point, step = all ? 1 : TAKING_OVER_STEP;
	bool came = true;
	long call;

	for (point = 1; came; point += step) {
		assert_int_equal(setenv(FD_STORE_TRACED, "1", 1), 0);
		stored_start(bed);
		unsetenv(FD_STORE_TRACED);
		supervised_await_launch(bed);
		for (unsigned int i = 0; i < point && came; i++) {
			call = supervised_next_call(bed->daemon.pid, NULL);
			assert_true(call != SUPERVISED_DIED);
			came = call != SYS_poll && call != SUPERVISED_WAITS;
		}
		assert_int_equal(process_stop(&bed->daemon, SIGKILL), -1);
	}
	print_message("%u killed\n", (point - 1) / step);
}

static void one_that_dies_while_it_takes_over_is_followed(void **state)
{
	struct daemon_bed *bed = *state;

	stored_begin(bed, &front);
	assert_int_equal(process_stop(&bed->daemon, SIGTERM), 0);
	die_taking_over(bed);
	stored_assert_goes_on(bed, &front);
	port_front_close(&front);
}

static void one_that_dies_while_it_lets_go_is_followed_by_none_that_goes_on(void **state)
{
	struct daemon_bed *bed = *state;

	stored_begin(bed, &front);
	assert_int_equal(process_stop(&bed->daemon, SIGTERM), 0);
	fd_store_drop("kept-6");
	die_taking_over(bed);
	stored_start(bed);
	stored_assert_hung_up_on(bed, &front);
	port_front_close(&front);
}

static bool is_answered(void)
{
	struct pollfd input = { .fd = front.wire.link.socket, .events = POLLIN };

	return poll(&input, 1, 0) == 1;
}

/* Let a supervisor that was sent messages come to its @point-th system call; 0: it has not heard
 * of them. Returns whether it came so far, and did not wait before with all done. */
static bool comes_to(pid_t supervisor, unsigned int point)
{
	for (unsigned int i = 0; i < point; i++) {
		if (supervised_next_call(supervisor, NULL) == SUPERVISED_WAITS && is_answered())
			return false;
	}
	return true;
}

static void at_any_call_a_supervisor_is_followed_or_says_why_not(void **state)
{
	struct daemon_bed *bed = *state;
	unsigned int followed = 0, point;
	pid_t supervisor, worker;
	bool came = true;

	stored_begin(bed, &front);
	for (point = 0; point < CALLS_MAX; point += all ? 1 : CALLS_STEP) {
		supervisor = bed->daemon.pid;
		worker = supervised_worker(bed);
		supervised_seize_supervisor(bed);
		supervised_await_waiting(supervisor);
		stored_send(&front);
		came = comes_to(supervisor, point);
		if (!came)
			break;
		stored_kill(bed, worker);
		if (is_followed(bed)) {
			followed++;
			stored_receive(&front);
			supervised_assert_sound(bed, &front, 300);
		}
	}
	assert_false(came);
	supervised_let_go(supervisor);
	stored_receive(&front);
	supervised_assert_sound(bed, &front, 300);
	print_message("%u calls, the last one killed at is the %u-th: %u times another went on\n",
		      point / (all ? 1 : CALLS_STEP), point, followed);
	/* Before the first of them nothing is half done. */
	assert_true(followed > 0);
	port_front_close(&front);
}

static void wait_for_an_instant(void)
{
	const struct timespec time = { .tv_nsec = random() % INSTANTS_US * 1000 };

	nanosleep(&time, NULL);
}

static void at_any_instant_a_supervisor_is_followed_or_says_why_not(void **state)
{
	struct daemon_bed *bed = *state;
	unsigned int followed = 0, kills = all ? KILLS_ALL : KILLS;
	uint64_t pages;
	bool asks;

	stored_begin(bed, &front);
	srandom(1);
	for (unsigned int i = 0; i < kills; i++) {
		pages = (uint64_t)random() % 600;
		asks = random() % 2;
		supervised_set(bed, pages);
		for (unsigned int turns = (unsigned int)random() % 4; turns; turns--)
			port_front_turn(&front, 2);
		port_guest_step(&front.guest);
		if (asks)
			stored_send(&front);
		wait_for_an_instant();
		stored_kill(bed, supervised_worker(bed));
		if (!is_followed(bed))
			continue;
		followed++;
		if (asks)
			stored_receive(&front);
		if (i % 4 == 3)
			supervised_assert_sound(bed, &front, pages);
	}
	print_message("%u kills: %u times another went on\n", kills, followed);
	supervised_set(bed, 300);
	supervised_assert_sound(bed, &front, 300);
	port_front_close(&front);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, stored_set_up, stored_tear_down)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		CASE(one_that_dies_while_it_takes_over_is_followed),
		CASE(one_that_dies_while_it_lets_go_is_followed_by_none_that_goes_on),
		CASE(at_any_call_a_supervisor_is_followed_or_says_why_not),
		CASE(at_any_instant_a_supervisor_is_followed_or_says_why_not),
	};

	fd_store_main(argc, argv);
	all = argc > 1 && !strcmp(argv[1], "--all");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
