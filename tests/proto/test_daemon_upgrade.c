// SPDX-License-Identifier: BSD-3-Clause
/*
 * What goes wrong under a supervisor: upgrades to programs that do not run, workers that die again
 * and again. A guest keeps its balloon as long as there is any program that serves it, and the
 * operator is told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "supervised.h"
#include "supervisor/pace.h"
#include "supervisor/relay.h"

/* What this program is as somebody's worker. */
#define ROLE "VBALLOON_TEST_WORKER"

static struct port_front front;
static char program[160];

/* Put a program in the place of the daemon's. */
static void install(struct daemon_bed *bed, const char *from)
{
	struct process copy;
	char next[160];

	snprintf(next, sizeof(next), "%s", daemon_bed_path(bed, "next"));
	assert_int_equal(process_run(&copy, WORDS("/bin/cp", from, next), -1), 0);
	assert_int_equal(rename(next, program), 0);
}

static void begin_with(struct daemon_bed *bed, const char *first)
{
	snprintf(program, sizeof(program), "%s", daemon_bed_path(bed, "vballoond"));
	install(bed, first);
	bed->program = program;
	supervised_begin(bed, &front, 300);
}

static int tear_down(void **state)
{
	unlink(program);
	unsetenv(ROLE);
	return daemon_bed_tear_down(state);
}

/* It is refused, for this reason, and nothing has happened. */
static void assert_refused(struct daemon_bed *bed, const char *why)
{
	pid_t worker = supervised_worker(bed);

	assert_int_equal(daemon_bed_ctl(bed, WORDS("upgrade")), 1);
	if (!strstr(bed->ctl.err.text, "there is no program to upgrade to: ") ||
	    !strstr(bed->ctl.err.text, why))
		fail_msg("it should say \"%s\", but says: %s", why, bed->ctl.err.text);
	assert_int_equal(supervised_worker(bed), worker);
}

/* The program there is tried, and given up for this reason; what was ordered holds, too. */
static void assert_given_up(struct daemon_bed *bed, const char *why)
{
	assert_int_equal(daemon_bed_ctl(bed, WORDS("upgrade")), 1);
	assert_non_null(
		strstr(bed->ctl.err.text, "the new program does not run: the one before goes on"));
	process_await(&bed->daemon, why);
	process_await(&bed->daemon, "going back to the one before");
	supervised_assert_sound(bed, &front, 300);
	supervised_set(bed, 200);
	supervised_assert_sound(bed, &front, 200);
	supervised_set(bed, 300);
	supervised_assert_sound(bed, &front, 300);
}

static void without_a_program_the_worker_does_not_give_way(void **state)
{
	struct daemon_bed *bed = *state;
	FILE *script;

	begin_with(bed, VBALLOOND);
	assert_int_equal(unlink(program), 0);
	assert_refused(bed, "No such file");
	script = fopen(program, "we");
	assert_non_null(script);
	fputs("#!/bin/sh\nexec true\n", script);
	fclose(script);
	assert_int_equal(chmod(program, 0644), 0);
	assert_refused(bed, "Permission denied");
	assert_int_equal(chmod(program, 0755), 0);
	assert_refused(bed, "Exec format error");
	supervised_assert_sound(bed, &front, 300);
	/* What is right at last is upgraded to. */
	install(bed, VBALLOOND);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("upgrade")), 0);
	process_await(&bed->daemon, "upgraded: another program runs now");
	supervised_assert_sound(bed, &front, 300);
	port_front_close(&front);
}

/* Over a daemon that is @first, one that is @next, or this program in a role, is tried, and given up
 * for this reason. */
static void assert_tried_in_vain(struct daemon_bed *bed, const char *first, const char *next,
				 const char *role, const char *why)
{
	if (role)
		assert_int_equal(setenv(ROLE, role, 1), 0);
	begin_with(bed, first);
	install(bed, role ? process_self() : next);
	assert_given_up(bed, why);
	port_front_close(&front);
}

static void a_program_that_is_no_vballoond_is_given_up(void **state)
{
	assert_tried_in_vain(*state, VBALLOOND, "/bin/true", NULL,
			     "the new program has ended with status 0 before it was ready");
}

static void one_that_dies_is_given_up(void **state)
{
	assert_tried_in_vain(*state, VBALLOOND, NULL, "dies",
			     "the new program was ended by signal 6 before it was ready");
}

static void one_that_dies_as_soon_as_it_is_ready_is_given_up(void **state)
{
	assert_tried_in_vain(*state, VBALLOOND, NULL, "dies-ready",
			     "the new program was ended by signal 6 at once");
}

/* It has told how well it is before. */
static void one_that_dies_while_it_is_on_trial_is_given_up(void **state)
{
	assert_tried_in_vain(*state, VBALLOOND, NULL, "dies-serving",
			     "the new program was ended by signal 14");
}

static void one_that_hangs_is_given_up(void **state)
{
	assert_tried_in_vain(*state, OTHER_VBALLOOND, NULL, "hangs",
			     "the new program was not ready within 400 ms");
}

static void one_of_another_format_leaves_all_to_the_one_before(void **state)
{
	assert_tried_in_vain(*state, VBALLOOND, OTHER_VBALLOOND, NULL,
			     "what the program before has left is not understood");
}

static void workers_that_cannot_start_are_not_followed_for_ever(void **state)
{
	struct daemon_bed *bed = *state;
	char byte;

	begin_with(bed, OTHER_VBALLOOND);
	/* It is the one that runs, too. */
	assert_int_equal(chmod(program, 0600), 0);
	assert_int_equal(kill(supervised_worker(bed), SIGKILL), 0);
	process_await(&bed->daemon, "giving up: 19 workers have died in a row");
	assert_int_equal(process_wait(&bed->daemon), 1);
	/* The monitor learns of it, and the guest has what it had. */
	assert_int_equal(recv(front.wire.link.socket, &byte, 1, 0), 0);
	port_guest_check(&front.guest);
	assert_int_equal(front.guest.out_count, 300);
	port_front_close(&front);
	unlink(bed->socket_path);
	unlink(bed->control_path);
}

/* Let a worker come as far as to answer. */
static void run_to_answer(pid_t worker)
{
	long call;

	do {
		call = supervised_next_call(worker, NULL);
		assert_true(call != SUPERVISED_DIED);
	} while (call != SYS_sendmsg);
}

static void a_message_that_ends_every_worker_ends_its_front_end(void **state)
{
	struct daemon_bed *bed = *state;
	pid_t worker;
	char byte;

	begin_with(bed, VBALLOOND);
	worker = supervised_seize(bed, 0);
	assert_int_equal(
		vballoon_link_send(&front.wire.link, VHOST_USER_GET_FEATURES, 0, NULL, 0, NULL, 0),
		0);
	run_to_answer(worker);
	for (unsigned int i = 1; i < VBALLOON_PACE_MESSAGE_MAX; i++) {
		worker = supervised_newborn(bed, worker);
		run_to_answer(worker);
	}
	supervised_kill(worker);
	process_await(&bed->daemon, "turned away: 8 workers have died of one message");
	assert_int_equal(recv(front.wire.link.socket, &byte, 1, 0), 0);
	port_front_close(&front);
	/* The next one is served. */
	port_front_open(&front, daemon_bed_socket(bed), NULL);
	port_front_start(&front);
	supervised_assert_sound(bed, &front, 300);
	port_front_close(&front);
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

static void what_a_file_says_by_now_is_for_the_next_start(void **state)
{
	struct daemon_bed *bed = *state;
	char config[160];

	snprintf(config, sizeof(config), "%s", daemon_bed_path(bed, "config"));
	write_file(config, "page-size = 4K\npages = eager\n");
	supervised_begin_with(bed, &front, 300, WORDS("--supervise", "yes", "--config", config));
	write_file(config, "page-size = 2M\n");
	assert_int_equal(kill(supervised_worker(bed), SIGKILL), 0);
	process_await(&bed->daemon, "going on after");
	supervised_assert_sound(bed, &front, 300);
	write_file(config, "nonsense\n");
	assert_int_equal(daemon_bed_ctl(bed, WORDS("upgrade")), 0);
	process_await(&bed->daemon, "upgraded: another program runs now");
	supervised_assert_sound(bed, &front, 300);
	port_front_close(&front);
	unlink(config);
}

static void a_worker_goes_on_without_the_file_of_the_control_socket(void **state)
{
	struct daemon_bed *bed = *state;
	uint64_t features;
	char group[16];

	snprintf(group, sizeof(group), "%u", getegid());
	supervised_begin_with(bed, &front, 300,
			      WORDS("--supervise", "yes", "--control-group", group));
	assert_int_equal(unlink(bed->control_path), 0);
	assert_int_equal(kill(supervised_worker(bed), SIGKILL), 0);
	process_await(&bed->daemon, "going on after");
	assert_int_equal(
		vballoon_link_get_u64(&front.wire.link, VHOST_USER_GET_FEATURES, &features), 0);
	port_front_close(&front);
}

/* As a worker that is no good. */
static void be_worker(const char *role, char **argv)
{
	/* Whatever program this is by then. */
	const struct itimerval life = { .it_value.tv_usec = 300000 };
	const char ready[] = "READY=1";

	if (!strcmp(role, "dies-serving") && !setitimer(ITIMER_REAL, &life, NULL))
		execv(VBALLOOND, argv);
	if (!strcmp(role, "hangs"))
		pause();
	if (!strcmp(role, "dies-ready"))
		send(atoi(getenv(VBALLOON_ENV_KEEPER)), ready, sizeof(ready) - 1, MSG_NOSIGNAL);
	abort();
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, daemon_bed_empty_set_up, tear_down)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		CASE(without_a_program_the_worker_does_not_give_way),
		CASE(a_program_that_is_no_vballoond_is_given_up),
		CASE(one_that_dies_is_given_up),
		CASE(one_that_dies_as_soon_as_it_is_ready_is_given_up),
		CASE(one_that_dies_while_it_is_on_trial_is_given_up),
		CASE(one_that_hangs_is_given_up),
		CASE(one_of_another_format_leaves_all_to_the_one_before),
		CASE(workers_that_cannot_start_are_not_followed_for_ever),
		CASE(a_message_that_ends_every_worker_ends_its_front_end),
		CASE(what_a_file_says_by_now_is_for_the_next_start),
		CASE(a_worker_goes_on_without_the_file_of_the_control_socket),
	};
	const struct rlimit no_core = { 0, 0 };

	(void)argc;
	if (getenv(ROLE) && getenv(VBALLOON_ENV_KEEPER)) {
		setrlimit(RLIMIT_CORE, &no_core);
		be_worker(getenv(ROLE), argv);
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
