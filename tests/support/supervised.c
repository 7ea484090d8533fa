// SPDX-License-Identifier: BSD-3-Clause
#include "supervised.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

#define CALLS_MAX 10000
#define TRIES_MAX 20000 /* of a millisecond */

void supervised_sleep_ms(long ms)
{
	const struct timespec time = { .tv_nsec = ms * 1000000 };

	nanosleep(&time, NULL);
}

void supervised_set(struct daemon_bed *bed, uint64_t pages)
{
	struct control control;
	char line[96];

	control_open(&control, bed->control_path);
	snprintf(line, sizeof(line), "{\"execute\":\"set\",\"arguments\":{\"balloon_bytes\":%llu}}",
		 (unsigned long long)pages * 4096);
	json_decref(control_call(&control, line));
	control_close(&control);
}

void supervised_assert_sound(struct daemon_bed *bed, struct port_front *front, uint64_t pages)
{
	struct control control;
	json_t *waited;

	port_front_await(front, pages);
	control_open(&control, bed->control_path);
	waited = control_call(&control,
			      "{\"execute\":\"wait\",\"arguments\":{\"timeout_ms\":20000}}");
	assert_true(json_is_true(json_object_get(waited, "reached")));
	assert_int_equal(json_integer_value(json_object_get(waited, "held_bytes")), pages * 4096);
	assert_int_equal(json_integer_value(json_object_get(waited, "dropped_bytes")),
			 pages * 4096);
	json_decref(waited);
	control_close(&control);
	port_guest_check(&front->guest);
	assert_int_equal(front->guest.starts, 1);
}

void supervised_begin(struct daemon_bed *bed, struct port_front *front, uint64_t pages)
{
	supervised_begin_with(bed, front, pages, WORDS("--supervise", "yes"));
}

void supervised_begin_with(struct daemon_bed *bed, struct port_front *front, uint64_t pages,
			   const char *const *words)
{
	daemon_bed_start(bed, words);
	control_close(&bed->control);
	bed->control.fd = -1;
	port_front_open(front, daemon_bed_socket(bed), NULL);
	port_front_start(front);
	supervised_set(bed, pages);
	supervised_assert_sound(bed, front, pages);
}

pid_t supervised_worker(const struct daemon_bed *bed)
{
	return process_child(&bed->daemon);
}

static void await_stop(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, __WALL), pid);
	assert_true(WIFSTOPPED(status));
}

static bool seize(pid_t pid)
{
	if (ptrace(PTRACE_SEIZE, pid, NULL, PTRACE_O_TRACESYSGOOD))
		return false;
	assert_int_equal(ptrace(PTRACE_INTERRUPT, pid, NULL, NULL), 0);
	await_stop(pid);
	return true;
}

void supervised_seize_supervisor(const struct daemon_bed *bed)
{
	assert_true(seize(bed->daemon.pid));
}

void supervised_await_launch(const struct daemon_bed *bed)
{
	await_stop(bed->daemon.pid);
	assert_int_equal(ptrace(PTRACE_SETOPTIONS, bed->daemon.pid, NULL, PTRACE_O_TRACESYSGOOD),
			 0);
}

pid_t supervised_seize(const struct daemon_bed *bed, pid_t before)
{
	pid_t worker;

	for (unsigned int tries = 0; tries < TRIES_MAX; tries++) {
		worker = supervised_worker(bed);
		if (worker && worker != before && seize(worker))
			return worker;
		supervised_sleep_ms(1);
	}
	fail_msg("there is no worker");
	return 0;
}

/* The supervisor's next child, stopped. */
static pid_t await_fork(pid_t supervisor)
{
	unsigned long child = 0;
	int status;

	while (!child) {
		assert_int_equal(waitpid(supervisor, &status, __WALL), supervisor);
		assert_true(WIFSTOPPED(status));
		if (status >> 16 == PTRACE_EVENT_FORK)
			assert_int_equal(ptrace(PTRACE_GETEVENTMSG, supervisor, NULL, &child), 0);
		else
			/* The signal that it has stopped for is its own. */
			assert_int_equal(ptrace(PTRACE_CONT, supervisor, NULL,
						status >> 16 ? 0 : WSTOPSIG(status)),
					 0);
	}
	await_stop((pid_t)child);
	/* Whom it forks is not followed. */
	assert_int_equal(ptrace(PTRACE_SETOPTIONS, (pid_t)child, NULL, PTRACE_O_TRACESYSGOOD), 0);
	return (pid_t)child;
}

static void seize_parent(pid_t supervisor)
{
	assert_int_equal(
		ptrace(PTRACE_SEIZE, supervisor, NULL, PTRACE_O_TRACEFORK | PTRACE_O_TRACESYSGOOD),
		0);
}

pid_t supervised_firstborn(const struct daemon_bed *bed)
{
	pid_t supervisor = bed->daemon.pid, child;
	int status;

	assert_int_equal(waitpid(supervisor, &status, WUNTRACED), supervisor);
	assert_true(WIFSTOPPED(status));
	seize_parent(supervisor);
	assert_int_equal(kill(supervisor, SIGCONT), 0);
	child = await_fork(supervisor);
	assert_int_equal(ptrace(PTRACE_DETACH, supervisor, NULL, NULL), 0);
	return child;
}

pid_t supervised_newborn(const struct daemon_bed *bed, pid_t worker)
{
	pid_t supervisor = bed->daemon.pid, child;
	int status;

	seize_parent(supervisor);
	assert_int_equal(kill(worker, SIGKILL), 0);
	/* Its end is told to who follows it first; that may be this process. */
	(void)waitpid(worker, &status, __WALL);
	child = await_fork(supervisor);
	assert_int_equal(ptrace(PTRACE_DETACH, supervisor, NULL, NULL), 0);
	return child;
}

/* Not to look only, with no time to wait: a worker with epoll, a supervisor without, perhaps once
 * more after it was stopped. */
static bool waits(const struct __ptrace_syscall_info *call)
{
	if (call->entry.nr == SYS_poll)
		return (int)call->entry.args[2];
	if (call->entry.nr == SYS_restart_syscall)
		return true;
	return (call->entry.nr == SYS_epoll_wait || call->entry.nr == SYS_epoll_pwait) &&
	       (int)call->entry.args[3];
}

long supervised_next_call(pid_t worker, struct __ptrace_syscall_info *info_out)
{
	struct __ptrace_syscall_info info;
	int status;

	do {
		assert_int_equal(ptrace(PTRACE_SYSCALL, worker, NULL, NULL), 0);
		assert_int_equal(waitpid(worker, &status, __WALL), worker);
		if (!WIFSTOPPED(status))
			return SUPERVISED_DIED;
		assert_true(ptrace(PTRACE_GET_SYSCALL_INFO, worker, sizeof(info), &info) > 0);
	} while (info.op != PTRACE_SYSCALL_INFO_ENTRY);
	if (info_out)
		*info_out = info;
	return waits(&info) ? SUPERVISED_WAITS : (long)info.entry.nr;
}

void supervised_await_waiting(pid_t worker)
{
	unsigned int calls = 0;

	while (supervised_next_call(worker, NULL) != SUPERVISED_WAITS)
		assert_true(++calls < CALLS_MAX);
}

void supervised_kill(pid_t worker)
{
	int status;

	assert_int_equal(kill(worker, SIGKILL), 0);
	assert_int_equal(waitpid(worker, &status, __WALL), worker);
}

void supervised_let_go(pid_t worker)
{
	assert_int_equal(ptrace(PTRACE_DETACH, worker, NULL, NULL), 0);
}

/* Who has adopted a process may not have looked at its end yet. */
static bool has_gone(pid_t pid)
{
	char path[64], kind = 'Z';
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "re");
	if (file && fscanf(file, "%*d (%*[^)]) %c", &kind) != 1)
		kind = 'Z';
	if (file)
		fclose(file);
	return kind == 'Z' || kind == 'X';
}

void supervised_await_end(pid_t pid)
{
	for (unsigned int tries = 0; !has_gone(pid); tries++) {
		assert_true(tries < TRIES_MAX);
		supervised_sleep_ms(1);
	}
}
