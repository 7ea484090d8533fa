// SPDX-License-Identifier: BSD-3-Clause
/* A supervisor's worker in its sandbox: that each of them is in one, that it takes up what the one
 * before has left from inside, and that it does there all that a daemon does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "call_trace.h"
#include "supervised.h"

#define EPOCH 91
#define PAGES 16
#define CALLS_MAX 10000

static struct port_front front;

/* A member of `status`, as text. */
static char *status_text(struct daemon_bed *bed, const char *name)
{
	struct control control;
	json_t *status;
	char *text;

	control_open(&control, bed->control_path);
	status = control_call(&control, "{\"execute\":\"status\"}");
	text = json_dumps(json_object_get(status, name), JSON_SORT_KEYS | JSON_ENCODE_ANY);
	assert_non_null(text);
	json_decref(status);
	control_close(&control);
	return text;
}

static uint64_t seccomp_of(pid_t pid)
{
	const struct process process = { .pid = pid };

	return process_status_value(&process, "Seccomp");
}

/* Wait for another worker than @before that answers. */
static pid_t await_worker(struct daemon_bed *bed, pid_t before)
{
	pid_t worker = supervised_worker(bed);

	while (!worker || worker == before) {
		supervised_sleep_ms(1);
		worker = supervised_worker(bed);
	}
	free(status_text(bed, "state"));
	return worker;
}

/* A daemon with a supervisor; no client is connected. */
static void start_supervised(struct daemon_bed *bed)
{
	daemon_bed_start(bed, WORDS("--supervise", "yes"));
	control_close(&bed->control);
	bed->control.fd = -1;
}

/* The worker dies, and another goes on. */
static void replace_worker(struct daemon_bed *bed)
{
	pid_t worker = supervised_worker(bed);

	assert_int_equal(kill(worker, SIGKILL), 0);
	await_worker(bed, worker);
}

static void each_worker_is_behind_the_same_walls(void **state)
{
	struct daemon_bed *bed = *state;
	char *first, *next;
	pid_t worker;

	supervised_begin(bed, &front, 300);
	worker = supervised_worker(bed);
	first = status_text(bed, "sandbox");
	assert_non_null(strstr(first, "\"no-privileges\": true"));
	assert_non_null(strstr(first, "\"seccomp\": true"));
	assert_int_equal(seccomp_of(worker), 2);
	assert_int_equal(kill(worker, SIGKILL), 0);
	worker = await_worker(bed, worker);
	next = status_text(bed, "sandbox");
	assert_string_equal(next, first);
	assert_int_equal(seccomp_of(worker), 2);
	supervised_assert_sound(bed, &front, 300);
	port_front_close(&front);
	free(first);
	free(next);
}

/* To hear somebody, or to map what another process may have written. */
static bool takes_up(const struct __ptrace_syscall_info *call)
{
	switch (call->entry.nr) {
	case SYS_recvmsg:
	case SYS_epoll_pwait:
#ifdef SYS_epoll_wait
	case SYS_epoll_wait:
#endif
		return true;
	case SYS_mmap:
		return call->entry.args[3] & MAP_SHARED;
	}
	return false;
}

static void what_a_worker_has_left_is_taken_up_from_inside(void **state)
{
	struct daemon_bed *bed = *state;
	struct __ptrace_syscall_info call = { .op = PTRACE_SYSCALL_INFO_NONE };
	unsigned int calls = 0, taken = 0;
	bool inside = false;
	pid_t worker;

	supervised_begin(bed, &front, 300);
	worker = supervised_newborn(bed, supervised_worker(bed));
	while (supervised_next_call(worker, &call) != SUPERVISED_WAITS || !inside) {
		assert_true(++calls < CALLS_MAX);
		assert_true(call.op == PTRACE_SYSCALL_INFO_ENTRY);
		inside = inside || call.entry.nr == SYS_seccomp;
		if (!takes_up(&call))
			continue;
		if (!inside)
			fail_msg("system call %llu before the walls stand",
				 (unsigned long long)call.entry.nr);
		taken++;
	}
	/* Orders, the session, a page map and guest memory at the least. */
	assert_true(taken >= 4);
	supervised_let_go(worker);
	supervised_assert_sound(bed, &front, 300);
	port_front_close(&front);
}

static void a_worker_goes_with_its_supervisor_and_nothing_is_dropped_any_more(void **state)
{
	struct daemon_bed *bed = *state;
	uint64_t host_pages;
	pid_t worker;

	supervised_begin(bed, &front, 300);
	/* In the midst of it. */
	supervised_set(bed, 600);
	port_guest_step(&front.guest);
	worker = supervised_worker(bed);
	assert_int_equal(kill(bed->daemon.pid, SIGKILL), 0);
	supervised_await_end(worker);
	assert_int_equal(process_wait(&bed->daemon), -1);
	host_pages = port_front_host_pages(&front);
	for (unsigned int turns = 0; turns < 4; turns++)
		port_front_turn(&front, 5);
	port_guest_check(&front.guest);
	assert_true(port_front_host_pages(&front) >= host_pages);
	port_front_close(&front);
	unlink(bed->socket_path);
	unlink(bed->control_path);
}

static void on_is_all_of_it_for_a_worker_too(void **state)
{
	struct daemon_bed *bed = *state;
	struct process process;

	assert_int_equal(process_run(&process,
				     WORDS(process_self(), CALL_TRACE_WITHOUT_NAMESPACES, VBALLOOND,
					   "--no-config", "--socket-path", bed->socket_path,
					   "--supervise", "yes", "--sandbox", "on"),
				     -1),
			 1);
	assert_non_null(strstr(process.err.text, "--sandbox on: user-namespace"));
}

/* A front end of a worker's whole life: it comes, another worker goes on, it goes. */
static void live(struct daemon_bed *bed, uint64_t epoch)
{
	uint64_t pages[PAGES];

	daemon_bed_connect(bed);
	assert_int_equal(balloon_driver_hello(&bed->guest, epoch, 0), 0);
	assert_int_equal(balloon_driver_add(&bed->guest, 0, PAGES), PAGES);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("policy", "pages=warm")), 0);
	daemon_bed_ctl(bed, WORDS("doctor"));
	await_worker(bed, 0);
	assert_int_equal(kill(supervised_worker(bed), SIGKILL), 0);
	assert_int_equal(balloon_driver_withdraw(&bed->guest, PAGES, pages, PAGES), PAGES);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("policy", "pages=eager")), 0);
	daemon_bed_disconnect(bed);
}

static void a_worker_does_all_its_work_inside(void **state)
{
	struct daemon_bed *bed = *state;

	start_supervised(bed);
	live(bed, EPOCH);
	live(bed, EPOCH + 1);
	/* Whom it killed was not killed for a system call. */
	assert_null(strstr(bed->daemon.err.text, "signal 31"));
}

/* What the guest takes back since does not make it one that runs. */
static void a_deadline_that_was_met_is_none_for_the_next_worker(void **state)
{
	struct daemon_bed *bed = *state;
	char *before, *after;
	uint64_t page;

	start_supervised(bed);
	daemon_bed_connect(bed);
	assert_int_equal(balloon_driver_hello(&bed->guest, EPOCH, 0), 0);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("set", "64K", "--deadline", "1h", "--revert")),
			 0);
	assert_int_equal(balloon_driver_add(&bed->guest, 0, PAGES), PAGES);
	before = status_text(bed, "deadline");
	assert_non_null(strstr(before, "\"met\""));
	assert_int_equal(balloon_driver_withdraw(&bed->guest, 1, &page, 1), 1);
	replace_worker(bed);
	after = status_text(bed, "deadline");
	assert_non_null(strstr(after, "\"met\""));
	free(before);
	free(after);
}

/* The guest is asked for no two steps at once. */
static void a_pace_begins_with_the_next_worker(void **state)
{
	struct daemon_bed *bed = *state;
	struct control control;
	char *asked;

	start_supervised(bed);
	/* A page a second. */
	assert_int_equal(daemon_bed_ctl(bed, WORDS("policy", "inflate-rate=4K/s")), 0);
	daemon_bed_connect(bed);
	assert_int_equal(balloon_driver_hello(&bed->guest, EPOCH, 0), 0);
	control_open(&control, bed->control_path);
	json_decref(control_call(
		&control, "{\"execute\":\"set\",\"arguments\":{\"balloon_bytes\":1048576}}"));
	control_close(&control);
	assert_int_equal(balloon_driver_add(&bed->guest, 0, 1), 1);
	replace_worker(bed);
	assert_int_equal(balloon_driver_add(&bed->guest, 1, 1), 1);
	asked = status_text(bed, "asked_bytes");
	assert_string_equal(asked, "8192");
	free(asked);
}

/* Ordered before it was known how much memory that is; or some went since. */
static void a_policy_with_a_floor_above_the_guests_memory_holds_on(void **state)
{
	struct daemon_bed *bed = *state;
	char *before, *after;

	start_supervised(bed);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("policy", "pages=warm", "floor=1G")), 0);
	daemon_bed_connect(bed);
	assert_int_equal(balloon_driver_hello(&bed->guest, EPOCH, 0), 0);
	before = status_text(bed, "host_pressure");
	assert_null(strstr(before, "\"off\""));
	replace_worker(bed);
	after = status_text(bed, "host_pressure");
	assert_null(strstr(after, "\"off\""));
	free(before);
	free(after);
}

static void that_no_memory_is_shared_is_told_by_the_next_worker_too(void **state)
{
	struct daemon_bed *bed = *state;
	char *before, *after;

	start_supervised(bed);
	front_end_open_socket(&bed->guest, daemon_bed_socket(bed));
	bed->guest_connected = true;
	front_end_negotiate(&bed->guest, FRONT_END_FEATURES);
	front_end_set_mem_table(&bed->guest, NULL, NULL, 0);
	front_end_new_ring(&bed->guest, 0);
	front_end_start_queue(&bed->guest, 0, 0);
	/* All of that was heard when this is answered. */
	front_end_get_u64(&bed->guest, VHOST_USER_GET_FEATURES);
	before = status_text(bed, "memory_problem");
	assert_non_null(strstr(before, "share=on"));
	replace_worker(bed);
	after = status_text(bed, "memory_problem");
	assert_string_equal(after, before);
	free(before);
	free(after);
}

/* The one before has seen a driver write, after all that the front end had to say. */
static void that_memory_is_shared_the_next_worker_knows(void **state)
{
	struct daemon_bed *bed = *state;

	start_supervised(bed);
	daemon_bed_connect(bed);
	assert_int_equal(balloon_driver_hello(&bed->guest, EPOCH, 0), 0);
	assert_int_equal(balloon_driver_add(&bed->guest, 0, PAGES), PAGES);
	replace_worker(bed);
	for (unsigned int i = 0; i < 2; i++)
		front_end_stop_queue(&bed->guest, i);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("skip-map", "--zeros")), 0);
}

/* Of a guest that stands still already when its worker is replaced. */
static void what_need_not_travel_the_next_worker_knows(void **state)
{
	struct daemon_bed *bed = *state;

	start_supervised(bed);
	daemon_bed_connect(bed);
	assert_int_equal(balloon_driver_hello(&bed->guest, EPOCH, 0), 0);
	assert_int_equal(balloon_driver_add(&bed->guest, 0, PAGES), PAGES);
	for (unsigned int i = 0; i < 2; i++)
		front_end_stop_queue(&bed->guest, i);
	replace_worker(bed);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("skip-map")), 0);
	assert_non_null(strstr(bed->ctl.out.text, "64 KiB of the guest's memory need not travel"));
}

static void a_worker_of_one_front_end_does_too(void **state)
{
	struct daemon_bed *bed = *state;
	uint64_t pages[PAGES];
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	process_start(
		&bed->daemon,
		WORDS(VBALLOOND, "--fd", "3", "--passthrough", "absent", "--supervise", "yes"),
		ends[1]);
	close(ends[1]);
	front_end_open_socket(&bed->guest, ends[0]);
	front_end_start(&bed->guest);
	balloon_driver_post_request(&bed->guest);
	assert_int_equal(balloon_driver_hello(&bed->guest, EPOCH, 0), 0);
	assert_int_equal(balloon_driver_add(&bed->guest, 0, PAGES), PAGES);
	assert_int_equal(seccomp_of(supervised_worker(bed)), 2);
	assert_int_equal(kill(supervised_worker(bed), SIGKILL), 0);
	assert_int_equal(balloon_driver_withdraw(&bed->guest, PAGES, pages, PAGES), PAGES);
	front_end_close(&bed->guest);
	assert_int_equal(process_wait(&bed->daemon), 0);
}

/* Without one it need not: see test_late_memory.c. */
static void the_monitor_of_a_traditional_balloon_behind_a_relay_waits_for_answers(void **state)
{
	struct daemon_bed *bed = *state;

	daemon_bed_start(bed, WORDS("--supervise", "yes", "--device", "traditional"));
	front_end_open_socket(&bed->guest, daemon_bed_socket(bed));
	bed->guest_connected = true;
	assert_int_equal(front_end_get_u64(&bed->guest, VHOST_USER_GET_PROTOCOL_FEATURES),
			 FRONT_END_PROTOCOL_FEATURES);
}

#define CASE(name)                                                                                 \
	cmocka_unit_test_setup_teardown(name, daemon_bed_empty_set_up, daemon_bed_tear_down)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		CASE(each_worker_is_behind_the_same_walls),
		CASE(what_a_worker_has_left_is_taken_up_from_inside),
		CASE(a_worker_goes_with_its_supervisor_and_nothing_is_dropped_any_more),
		CASE(on_is_all_of_it_for_a_worker_too),
		CASE(a_worker_does_all_its_work_inside),
		CASE(a_deadline_that_was_met_is_none_for_the_next_worker),
		CASE(a_pace_begins_with_the_next_worker),
		CASE(a_policy_with_a_floor_above_the_guests_memory_holds_on),
		CASE(that_no_memory_is_shared_is_told_by_the_next_worker_too),
		CASE(that_memory_is_shared_the_next_worker_knows),
		CASE(what_need_not_travel_the_next_worker_knows),
		CASE(a_worker_of_one_front_end_does_too),
		CASE(the_monitor_of_a_traditional_balloon_behind_a_relay_waits_for_answers),
	};

	call_trace_main(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
