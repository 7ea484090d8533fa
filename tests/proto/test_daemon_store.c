// SPDX-License-Identifier: BSD-3-Clause
/*
 * The supervisor itself ends, and the service manager hands what it has stored to the next one:
 * monitor and guest do not notice. Where that cannot be, the monitor is told by its socket.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fd_store.h"
#include "stored.h"
#include "supervised.h"
#include "supervisor/depot.h"

#define PATIENCE_S 5

static struct port_front front;

static void a_restart_of_the_service_is_not_noticed(void **state)
{
	struct daemon_bed *bed = *state;

	stored_begin(bed, &front);
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(process_stop(&bed->daemon, SIGTERM), 0);
		stored_assert_goes_on(bed, &front);
	}
	port_front_close(&front);
	/* What was the front end's is let go of. */
	fd_store_await(STORED_ALONE);
}

static void assert_settings(struct daemon_bed *bed, const char *pages, json_int_t period_ms)
{
	struct control control;
	json_t *status;

	control_open(&control, bed->control_path);
	status = control_call(&control, "{\"execute\":\"status\"}");
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(status, "policy"), "pages")),
		pages);
	assert_int_equal(control_take_integer(status, "stats_period_ms"), period_ms);
	control_close(&control);
}

static void settings_are_those_of_the_restart_where_nothing_was_ordered(void **state)
{
	struct daemon_bed *bed = *state;

	stored_begin(bed, &front);
	assert_settings(bed, "eager", 0);
	assert_int_equal(process_stop(&bed->daemon, SIGTERM), 0);
	stored_start_with(bed, WORDS("--pages", "warm", "--stats-period", "5s"));
	assert_settings(bed, "warm", 5000);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("policy", "pages=eager")), 0);
	assert_int_equal(process_stop(&bed->daemon, SIGTERM), 0);
	stored_start_with(bed, WORDS("--pages", "warm", "--stats-period", "7s"));
	assert_settings(bed, "eager", 7000);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("stats", "--period", "9s")), 0);
	assert_int_equal(process_stop(&bed->daemon, SIGTERM), 0);
	stored_start_with(bed, WORDS("--pages", "warm"));
	assert_settings(bed, "eager", 9000);
	supervised_assert_sound(bed, &front, 300);
	port_front_close(&front);
}

static void the_death_of_the_supervisor_is_not_noticed(void **state)
{
	struct daemon_bed *bed = *state;

	stored_begin(bed, &front);
	for (unsigned int i = 0; i < 3; i++) {
		stored_stop(bed);
		stored_kill(bed, supervised_worker(bed));
		stored_assert_goes_on(bed, &front);
	}
	/* A worker of the next one dies as any. */
	assert_int_equal(kill(supervised_worker(bed), SIGKILL), 0);
	process_await(&bed->daemon, "the worker was ended by signal 9");
	supervised_assert_sound(bed, &front, 300);
	port_front_close(&front);
}

static void a_message_at_hand_is_carried_out_by_another(void **state)
{
	struct daemon_bed *bed = *state;
	pid_t worker;
	int status;
	long call;

	stored_begin(bed, &front);
	worker = supervised_seize(bed, 0);
	supervised_await_waiting(worker);
	stored_send(&front);
	do {
		call = supervised_next_call(worker, NULL);
		assert_true(call != SUPERVISED_DIED);
	} while (call != SYS_sendmsg);
	stored_stop(bed);
	assert_int_equal(kill(bed->daemon.pid, SIGKILL), 0);
	/* It goes with it, and is ours to look at. */
	while (waitpid(worker, &status, __WALL) == worker && WIFSTOPPED(status))
		ptrace(PTRACE_CONT, worker, NULL, NULL);
	assert_int_equal(process_wait(&bed->daemon), -1);
	stored_start(bed);
	stored_receive(&front);
	supervised_set(bed, 310);
	supervised_assert_sound(bed, &front, 310);
	port_front_close(&front);
}

static void queues_that_share_an_interrupt_go_on(void **state)
{
	struct daemon_bed *bed = *state;

	stored_begin(bed, &front);
	assert_int_equal(vballoon_front_end_set_event(&front.wire, VHOST_USER_SET_VRING_CALL, 0,
						      front.wire.queues[1].call),
			 0);
	stored_send(&front);
	stored_receive(&front);
	supervised_assert_sound(bed, &front, 300);
	stored_stop(bed);
	stored_kill(bed, supervised_worker(bed));
	stored_assert_goes_on(bed, &front);
	port_front_close(&front);
}

static void assert_turned_away(struct daemon_bed *bed)
{
	stored_start(bed);
	process_await(&bed->daemon, "had stored cannot be gone on from");
	stored_assert_hung_up_on(bed, &front);
	port_front_close(&front);
}

static void without_all_that_was_stored_nobody_goes_on(void **state)
{
	struct daemon_bed *bed = *state;

	stored_begin(bed, &front);
	assert_int_equal(process_stop(&bed->daemon, SIGTERM), 0);
	fd_store_drop("kept-6");
	assert_turned_away(bed);
}

static void in_the_midst_of_something_nobody_goes_on(void **state)
{
	struct daemon_bed *bed = *state;
	struct vballoon_depot_file *file;

	stored_begin(bed, &front);
	stored_stop(bed);
	stored_kill(bed, supervised_worker(bed));
	file = stored_state();
	assert_int_equal(file->busy, 0);
	file->busy = 1;
	munmap(file, sizeof(*file));
	assert_turned_away(bed);
}

/* Whatever ends each worker, the monitor does not wait for those of the next supervisor. */
static void one_that_gives_up_hangs_up_on_the_front_end(void **state)
{
	struct daemon_bed *bed = *state;
	struct process copy;
	char program[160];

	snprintf(program, sizeof(program), "%s", daemon_bed_path(bed, "vballoond"));
	assert_int_equal(process_run(&copy, WORDS("/bin/cp", OTHER_VBALLOOND, program), -1), 0);
	bed->program = program;
	stored_begin(bed, &front);
	/* It is the one that runs, too. */
	assert_int_equal(chmod(program, 0600), 0);
	assert_int_equal(kill(supervised_worker(bed), SIGKILL), 0);
	process_await(&bed->daemon, "giving up: 19 workers have died in a row");
	assert_int_equal(process_wait(&bed->daemon), 1);
	assert_int_equal(chmod(program, 0700), 0);
	stored_start(bed);
	stored_assert_hung_up_on(bed, &front);
	port_front_close(&front);
	assert_int_equal(process_stop(&bed->daemon, SIGTERM), 0);
	bed->program = NULL;
	assert_int_equal(unlink(program), 0);
}

/* One that has no room for another word, and reads none. */
static void open_deaf(int ends[2], const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	memcpy(address.sun_path, path, strlen(path) + 1);
	for (unsigned int i = 0; i < 2; i++) {
		ends[i] = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		assert_true(ends[i] >= 0);
	}
	assert_int_equal(bind(ends[0], (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(connect(ends[1], (struct sockaddr *)&address, sizeof(address)), 0);
	while (send(ends[1], "", 1, 0) == 1)
		;
	assert_int_equal(errno, EAGAIN);
	setenv("NOTIFY_SOCKET", path, 1);
	setenv("FDSTORE", "256", 1);
}

static time_t now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

static void a_manager_that_does_not_listen_is_waited_for_once(void **state)
{
	struct daemon_bed *bed = *state;
	const char *path = daemon_bed_path(bed, "manager");
	time_t began_s = now_s();
	int ends[2];

	open_deaf(ends, path);
	supervised_begin(bed, &front, 300);
	assert_true(now_s() - began_s < PATIENCE_S);
	port_front_close(&front);
	assert_int_equal(process_stop(&bed->daemon, SIGTERM), 0);
	unsetenv("NOTIFY_SOCKET");
	unsetenv("FDSTORE");
	close(ends[0]);
	close(ends[1]);
	unlink(daemon_bed_path(bed, "manager"));
	unlink(bed->socket_path);
	unlink(bed->control_path);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, stored_set_up, stored_tear_down)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		CASE(a_restart_of_the_service_is_not_noticed),
		CASE(settings_are_those_of_the_restart_where_nothing_was_ordered),
		CASE(the_death_of_the_supervisor_is_not_noticed),
		CASE(a_message_at_hand_is_carried_out_by_another),
		CASE(queues_that_share_an_interrupt_go_on),
		CASE(without_all_that_was_stored_nobody_goes_on),
		CASE(in_the_midst_of_something_nobody_goes_on),
		CASE(one_that_gives_up_hangs_up_on_the_front_end),
		cmocka_unit_test_setup_teardown(a_manager_that_does_not_listen_is_waited_for_once,
						daemon_bed_empty_set_up, daemon_bed_tear_down),
	};

	fd_store_main(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
