/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The worker under a supervisor is killed: before every system call between a message of the front
 * end and its answer, likewise between a kick and what follows from it, and at random
 * instructions in between, while the portable driver changes its balloon. The front end and the
 * guest must not notice, no page has two owners or none, and the host has the balloon's memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "supervised.h"

#define POINTS_MAX 64
#define WORTH_MS 60 /* a worker that was ready for so long is followed at once */
#define MISSES_MAX 6 /* it may wake for another reason, and wait again */
#define RANDOM_KILLS 32
#define IDLE_LOOKS 5000 /* in vain, and a traced process waits */

static struct port_front front;

static void begin(struct daemon_bed *bed)
{
	supervised_begin(bed, &front, 300);
}

static void assert_sound(struct daemon_bed *bed, uint64_t pages)
{
	supervised_assert_sound(bed, &front, pages);
}

/* How often it died, and that each time it was soon back. */
static void end(struct daemon_bed *bed)
{
	unsigned int deaths = 0;
	unsigned long us, longest = 0;
	const char *at = bed->daemon.err.text;

	process_await(&bed->daemon, "going on after");
	while ((at = strstr(at, "going on after "))) {
		us = strtoul(at + strlen("going on after "), NULL, 10);
		if (us > longest)
			longest = us;
		deaths++;
		at++;
	}
	print_message("%u recoveries seen in the log, the longest %lu us\n", deaths, longest);
	assert_true(deaths > 0);
	port_front_close(&front);
}

/* A message, and what is expected of its answer. */
static void send_status(void)
{
	assert_int_equal(
		vballoon_link_send(&front.wire.link, VHOST_USER_GET_FEATURES, 0, NULL, 0, NULL, 0),
		0);
}

static void receive_status(void)
{
	uint64_t features = 0;

	assert_int_equal(vballoon_link_receive(&front.wire.link, VHOST_USER_GET_FEATURES, &features,
					       sizeof(features)),
			 sizeof(features));
	assert_int_equal(features, front.offered);
}

static void send_table(void)
{
	assert_int_equal(vballoon_front_end_share_memory(&front.wire), 0);
	send_status();
}

static void send_events(void)
{
	assert_int_equal(vballoon_front_end_set_event(&front.wire, VHOST_USER_SET_VRING_CALL, 1,
						      front.wire.queues[1].call),
			 0);
	send_status();
}

static void send_stop(void)
{
	const struct vhost_user_vring_state state = { .index = 1 };

	assert_int_equal(vballoon_link_send(&front.wire.link, VHOST_USER_GET_VRING_BASE, 0, &state,
					    sizeof(state), NULL, 0),
			 0);
}

static void receive_stop(void)
{
	struct vhost_user_vring_state state = { .index = 0 };

	assert_int_equal(vballoon_link_receive(&front.wire.link, VHOST_USER_GET_VRING_BASE, &state,
					       sizeof(state)),
			 sizeof(state));
	assert_int_equal(state.index, 1);
	front.queues[1].next = state.num;
	port_front_start_queue(&front.wire, 1, &front.queues[1]);
}

static void start_withdraw(void)
{
	assert_true(vballoon_guest_oom(front.guest.driver, 1, front.guest.now_ms));
	port_guest_step(&front.guest);
}

static void end_withdraw(void)
{
	while (vballoon_guest_oom_waits(front.guest.driver, front.guest.now_ms))
		port_front_sleep(&front, 1000);
}

static const struct exchange {
	const char *name;
	void (*send)(void);
	void (*receive)(void);
	bool of_driver; /* and not of the front end */
} exchanges[] = {
	{ "GET_FEATURES", send_status, receive_status, false },
	{ "SET_MEM_TABLE", send_table, receive_status, false },
	{ "SET_VRING_CALL", send_events, receive_status, false },
	{ "GET_VRING_BASE", send_stop, receive_stop, false },
	{ "WITHDRAW", start_withdraw, end_withdraw, true },
};

/* Kill it before the @point-th system call of what @exchange makes it do. Returns whether there
 * was one. */
static bool kill_at(struct daemon_bed *bed, const struct exchange *exchange, unsigned int point)
{
	pid_t worker = supervised_seize(bed, 0);
	bool waiting = false;

	supervised_await_waiting(worker);
	/* The driver would not wait for one that is followed late. */
	if (exchange->of_driver)
		supervised_sleep_ms(WORTH_MS);
	exchange->send();
	/* From waiting on, until it waits again with nothing to do. */
	for (unsigned int i = 0; i < point && !waiting; i++)
		waiting = supervised_next_call(worker, NULL) == SUPERVISED_WAITS && i;
	if (waiting) {
		supervised_let_go(worker);
		exchange->receive();
		return false;
	}
	supervised_kill(worker);
	exchange->receive();
	return true;
}

static void at_every_call_between_a_message_and_its_answer(void **state)
{
	struct daemon_bed *bed = *state;
	unsigned int point, misses;

	begin(bed);
	for (size_t i = 0; i < sizeof(exchanges) / sizeof(exchanges[0]); i++) {
		misses = 0;
		for (point = 1; point < POINTS_MAX && misses < MISSES_MAX;) {
			if (kill_at(bed, &exchanges[i], point))
				point++;
			else
				misses++;
		}
		print_message("%s: %u points\n", exchanges[i].name, point - 1);
		assert_in_range(point, 2, POINTS_MAX - 1); /* killed at one at least */
		/* A queue was stopped: the guest has to say something for its record to count. */
		supervised_set(bed, front.guest.out_count - 10);
		port_front_await(&front, front.guest.out_count - 10);
		assert_sound(bed, front.guest.out_count);
	}
	end(bed);
}

/* A few thousand instructions: in the midst of anything, unless it has nothing to do. */
static void run_on(pid_t worker, unsigned int instructions)
{
	unsigned int looks = 0;
	int status;

	for (unsigned int i = 0; i < instructions; i++) {
		assert_int_equal(ptrace(PTRACE_SINGLESTEP, worker, NULL, NULL), 0);
		while (waitpid(worker, &status, __WALL | WNOHANG) != worker) {
			if (++looks > IDLE_LOOKS)
				return;
			if (looks > IDLE_LOOKS - 10)
				supervised_sleep_ms(1);
		}
		assert_true(WIFSTOPPED(status));
		looks = 0;
	}
}

static void at_random_instructions_of_a_guest_that_resizes(void **state)
{
	struct daemon_bed *bed = *state;
	uint64_t pages = 300;
	pid_t worker;

	begin(bed);
	srandom(1);
	for (unsigned int i = 0; i < RANDOM_KILLS; i++) {
		pages = (uint64_t)random() % 600;
		supervised_set(bed, pages);
		worker = supervised_seize(bed, 0);
		for (unsigned int turns = (unsigned int)random() % 4; turns; turns--) {
			supervised_let_go(worker);
			port_front_turn(&front, 5);
			worker = supervised_seize(bed, 0);
		}
		port_guest_step(&front.guest);
		run_on(worker, (unsigned int)random() % 4000);
		supervised_kill(worker);
		port_front_turn(&front, 0);
		if (i % 4 == 3)
			assert_sound(bed, pages);
	}
	assert_sound(bed, pages);
	end(bed);
}

/* Whether a front end that has come is answered. */
static bool is_served(int socket)
{
	struct vballoon_link link = { .socket = socket, .timeout_ms = PROCESS_PATIENCE_MS };
	uint64_t features;

	return !vballoon_link_get_u64(&link, VHOST_USER_GET_FEATURES, &features);
}

static void await_none(struct daemon_bed *bed)
{
	bool none = false;

	while (!none) {
		struct control control;
		json_t *status;

		control_open(&control, bed->control_path);
		status = control_call(&control, "{\"execute\":\"status\"}");
		none = !strcmp(json_string_value(json_object_get(status, "state")), "no-front-end");
		json_decref(status);
		control_close(&control);
	}
}

/* Kill it @point system calls behind the one that accepts a front end, or before that. Returns whether
 * there were so many before it waited for more. */
static bool kill_at_welcome(struct daemon_bed *bed, unsigned int point, bool *served_out)
{
	pid_t worker = supervised_seize(bed, 0);
	bool waiting = false;
	int socket;

	supervised_await_waiting(worker);
	supervised_sleep_ms(WORTH_MS);
	socket = daemon_bed_socket(bed);
	while (supervised_next_call(worker, NULL) != SYS_accept4)
		;
	for (unsigned int i = 0; i < point && !waiting; i++)
		waiting = supervised_next_call(worker, NULL) == SUPERVISED_WAITS;
	if (waiting)
		supervised_let_go(worker);
	else
		supervised_kill(worker);
	*served_out = is_served(socket);
	close(socket);
	await_none(bed);
	return !waiting;
}

/* Of one that was just accepted nobody knows until it is the supervisor's. */
static void one_that_comes_is_served_from_some_call_on(void **state)
{
	struct daemon_bed *bed = *state;
	unsigned int point = 0, lost = 0;
	bool served, before = true;

	daemon_bed_start(bed, WORDS("--supervise", "yes"));
	control_close(&bed->control);
	bed->control.fd = -1;
	while (kill_at_welcome(bed, point, &served)) {
		if (!served && before && lost)
			fail_msg("call %u: it was turned away, and was not before", point);
		lost += !served;
		before = served;
		point++;
	}
	print_message("%u points, of which %u are before it is the supervisor's\n", point, lost);
	assert_true(before);
	assert_in_range(lost, 1, point - 2);
}

/* Kill it @point system calls behind the one by which it may hear a message that is refused. Returns
 * whether there were so many before it waited for more. */
static bool kill_at_refusal(struct daemon_bed *bed, unsigned int point)
{
	struct vballoon_link link = { .timeout_ms = PROCESS_PATIENCE_MS };
	const uint64_t foreign = UINT64_MAX;
	bool waiting = false;
	pid_t worker;

	link.socket = daemon_bed_socket(bed);
	assert_true(is_served(link.socket));
	worker = supervised_seize(bed, 0);
	supervised_await_waiting(worker);
	supervised_sleep_ms(WORTH_MS);
	assert_int_equal(vballoon_link_send(&link, VHOST_USER_SET_PROTOCOL_FEATURES, 0, &foreign,
					    sizeof(foreign), NULL, 0),
			 0);
	while (supervised_next_call(worker, NULL) != SYS_recvmsg)
		;
	for (unsigned int i = 0; i < point && !waiting; i++)
		waiting = supervised_next_call(worker, NULL) == SUPERVISED_WAITS;
	if (waiting)
		supervised_let_go(worker);
	else
		supervised_kill(worker);
	/* At the latest when it says something more. */
	(void)vballoon_link_send(&link, VHOST_USER_GET_FEATURES, 0, NULL, 0, NULL, 0);
	assert_true(vballoon_link_closed(&link, PROCESS_PATIENCE_MS));
	close(link.socket);
	await_none(bed);
	return !waiting;
}

static void one_that_is_refused_goes_whoever_dies_meanwhile(void **state)
{
	struct daemon_bed *bed = *state;
	unsigned int point = 0;

	daemon_bed_start(bed, WORDS("--supervise", "yes"));
	control_close(&bed->control);
	bed->control.fd = -1;
	while (kill_at_refusal(bed, point))
		point++;
	print_message("%u points\n", point);
	assert_true(point > 2);
}

/* The first worker of a front end that is handed over, where it makes the file of its orders; and the
 * front end's socket. */
static pid_t begin_with_one(struct daemon_bed *bed, int *socket_out)
{
	unsigned int files = 0;
	pid_t worker;
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	process_start(&bed->daemon,
		      WORDS("/bin/sh", "-c", "kill -STOP $$; exec \"$@\"", "sh", VBALLOOND,
			    "--no-config", "--fd", "3", "--control-path", bed->control_path,
			    "--supervise", "yes", "--pages", "warm"),
		      ends[1]);
	close(ends[1]);
	*socket_out = ends[0];
	worker = supervised_firstborn(bed);
	/* That of the session comes first. */
	while (files < 2)
		files += supervised_next_call(worker, NULL) == SYS_memfd_create;
	return worker;
}

static void end_with_one(struct daemon_bed *bed, int socket)
{
	assert_true(is_served(socket));
	assert_int_equal(daemon_bed_ctl(bed, WORDS("policy", "--json")), 0);
	assert_non_null(strstr(bed->ctl.out.text, "\"warm\""));
	close(socket);
	assert_int_equal(process_wait(&bed->daemon), 0);
}

static void one_that_is_handed_over_is_served_though_the_first_worker_dies(void **state)
{
	int socket;

	supervised_kill(begin_with_one(*state, &socket));
	end_with_one(*state, socket);
}

static void what_is_kept_of_orders_is_whole(void **state)
{
	int socket;
	pid_t worker = begin_with_one(*state, &socket);

	while (supervised_next_call(worker, NULL) != SYS_recvmsg)
		;
	supervised_kill(worker);
	end_with_one(*state, socket);
}

static void an_upgrade_is_not_noticed(void **state)
{
	struct daemon_bed *bed = *state;

	begin(bed);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("upgrade")), 0);
	assert_non_null(strstr(bed->ctl.out.text, "Upgraded: the guest was without vballoond for"));
	assert_sound(bed, 300);
	end(bed);
}

static void without_a_supervisor_there_is_no_upgrade(void **state)
{
	struct daemon_bed *bed = *state;

	daemon_bed_start(bed, WORDS(NULL));
	assert_int_equal(daemon_bed_ctl(bed, WORDS("upgrade")), 1);
	assert_non_null(strstr(bed->ctl.err.text, "--supervise yes"));
}

static void a_front_end_that_goes_is_gone(void **state)
{
	struct daemon_bed *bed = *state;
	pid_t worker;

	begin(bed);
	port_front_close(&front);
	process_await(&bed->daemon, "the front end has gone");
	worker = supervised_seize(bed, 0);
	supervised_kill(worker);
	/* Orders hold on, over both. */
	port_front_open(&front, daemon_bed_socket(bed), NULL);
	port_front_start(&front);
	assert_sound(bed, 300);
	port_front_close(&front);
}

/* Of the first the worker hears late that it has gone, and the second comes and goes meanwhile. */
static void one_that_comes_and_goes_does_not_bar_the_next(void **state)
{
	struct daemon_bed *bed = *state;
	int first, third;

	daemon_bed_start(bed, WORDS("--supervise", "yes"));
	first = daemon_bed_socket(bed);
	process_await(&bed->daemon, "a front end has connected");
	assert_int_equal(kill(bed->daemon.pid, SIGSTOP), 0);
	close(first);
	close(daemon_bed_socket(bed));
	third = daemon_bed_socket(bed);
	/* Each socket of the worker has its turn. */
	for (unsigned int i = 0; i < 4; i++)
		daemon_bed_status_integer(bed, "page_bytes");
	assert_int_equal(kill(bed->daemon.pid, SIGCONT), 0);
	port_front_open(&front, third, NULL);
	port_front_start(&front);
	supervised_set(bed, 300);
	supervised_assert_sound(bed, &front, 300);
	port_front_close(&front);
}

/* What a dead worker has left is a state like any other: who goes on from it writes it down, and a
 * daemon that has nothing of it goes on from that. */
static void what_it_has_left_can_be_saved(void **state)
{
	struct daemon_bed *bed = *state;
	char file[160];

	snprintf(file, sizeof(file), "%s", daemon_bed_path(bed, "state"));
	begin(bed);
	supervised_kill(supervised_seize(bed, 0));
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(
			vballoon_front_end_stop_queue(&front.wire, i, &front.queues[i].next), 0);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("save-state", file)), 0);
	end(bed);
	assert_int_equal(process_stop(&bed->daemon, SIGTERM), 0);
	daemon_bed_start(bed, WORDS("--load-state", file));
	port_front_open(&front, daemon_bed_socket(bed), NULL);
	port_front_start(&front);
	port_front_await(&front, 300);
	process_await(&bed->daemon, "a saved state was loaded: 300 balloon pages are held");
	port_front_close(&front);
	unlink(file);
}

#define CRASH_TEST(name)                                                                           \
	cmocka_unit_test_setup_teardown(name, daemon_bed_empty_set_up, daemon_bed_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CRASH_TEST(at_every_call_between_a_message_and_its_answer),
		CRASH_TEST(at_random_instructions_of_a_guest_that_resizes),
		CRASH_TEST(one_that_comes_is_served_from_some_call_on),
		CRASH_TEST(one_that_is_refused_goes_whoever_dies_meanwhile),
		CRASH_TEST(one_that_is_handed_over_is_served_though_the_first_worker_dies),
		CRASH_TEST(what_is_kept_of_orders_is_whole),
		CRASH_TEST(an_upgrade_is_not_noticed),
		CRASH_TEST(without_a_supervisor_there_is_no_upgrade),
		CRASH_TEST(a_front_end_that_goes_is_gone),
		CRASH_TEST(one_that_comes_and_goes_does_not_bar_the_next),
		CRASH_TEST(what_it_has_left_can_be_saved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
