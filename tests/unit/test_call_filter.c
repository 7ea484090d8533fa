/* SPDX-License-Identifier: BSD-3-Clause */
/* The lists of system calls: what is not in one kills, by its number or by its argument. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/call_filter.h"
#include "vhost_user/channel.h"
#include "vhost_user/event.h"

/* Above all numbers that Linux has given to calls. */
#define NUMBERS 520
/* Two that no list forbids: a debugger has the kernel put them into a program. */
#define UPROBE_FIRST 335
#define UPROBE_LAST 336
/* Commands, advice and the like are tried up to here. */
#define VALUES 64
/* What the daemon may need, at the most. */
#define CALLS_MAX 25
/* Enough to meet a call in its midst many times. */
#define STOPS 2000

struct list {
	const struct vballoon_call *calls;
	size_t count;
};

static struct list daemon_list(void)
{
	return (struct list){ vballoon_daemon_calls, vballoon_daemon_calls_count };
}

static struct list one_front_end_list(void)
{
	return (struct list){ vballoon_daemon_calls + vballoon_connect_calls_count,
			      vballoon_daemon_calls_count - vballoon_connect_calls_count };
}

static struct list lookout_list(void)
{
	return (struct list){ vballoon_lookout_calls, vballoon_lookout_calls_count };
}

/* Make a call in a process that has the list: whether it was killed for it. None of the
 * arguments means anything, so that a call that is let through does nothing. */
static bool is_killed(struct list list, long number, unsigned int argument, unsigned long value)
{
	long arguments[6] = { -1, -1, 0, 0, -1, 0 };
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		arguments[argument] = (long)value;
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
		    vballoon_call_filter_install(list.calls, list.count))
			_exit(99);
		syscall(number, arguments[0], arguments[1], arguments[2], arguments[3],
			arguments[4], arguments[5]);
		syscall(__NR_exit_group, 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status))
		assert_int_equal(WTERMSIG(status), SIGSYS);
	else if (number != __NR_exit_group)
		assert_int_equal(WEXITSTATUS(status), 0);
	return WIFSIGNALED(status);
}

static bool has_number(struct list list, long number)
{
	for (size_t i = 0; i < list.count; i++) {
		if (list.calls[i].number == number)
			return true;
	}
	return false;
}

static void assert_others_kill(struct list list)
{
	unsigned int tried = 0;

	for (long number = 0; number < NUMBERS; number++) {
		if (has_number(list, number) || (number >= UPROBE_FIRST && number <= UPROBE_LAST))
			continue;
		tried++;
		if (!is_killed(list, number, 0, (unsigned long)-1))
			fail_msg("system call %ld is let through", number);
	}
	assert_in_range(tried, NUMBERS - VBALLOON_CALLS_MAX, NUMBERS);
}

static void each_call_that_is_not_in_the_daemons_list_kills(void **state)
{
	(void)state;
	assert_others_kill(daemon_list());
}

static void each_call_that_is_not_in_the_lookouts_list_kills(void **state)
{
	(void)state;
	assert_others_kill(lookout_list());
}

#ifdef __x86_64__
static void a_call_by_another_architectures_number_kills(void **state)
{
	(void)state;
	assert_true(is_killed(daemon_list(), 0x40000000L | __NR_read, 0, 0));
}
#endif

static void assert_all_are_let_through(struct list list)
{
	for (size_t i = 0; i < list.count; i++) {
		const struct vballoon_call *call = &list.calls[i];
		unsigned long value = call->test == VBALLOON_CALL_IS ? call->value : 0;

		if (is_killed(list, call->number, call->argument, value))
			fail_msg("%s is not let through", call->name);
	}
}

static void each_call_in_a_list_is_let_through(void **state)
{
	(void)state;
	assert_all_are_let_through(daemon_list());
	assert_all_are_let_through(one_front_end_list());
	assert_all_are_let_through(lookout_list());
}

static bool allows(struct list list, long number, uint32_t value)
{
	for (size_t i = 0; i < list.count; i++) {
		const struct vballoon_call *call = &list.calls[i];

		if (call->number == number && call->value == value)
			return true;
	}
	return false;
}

/* Of a call that is let through with some values of an argument, each other one kills. */
static void assert_other_values_kill(struct list list, long number, unsigned int argument,
				     unsigned int allowed)
{
	unsigned int seen = 0;

	assert_true(has_number(list, number));
	for (uint32_t value = 0; value < VALUES; value++) {
		bool may = allows(list, number, value);

		seen += may;
		if (is_killed(list, number, argument, value) == may)
			fail_msg("system call %ld with %u", number, value);
	}
	assert_int_equal(seen, allowed);
}

static void memory_is_punched_or_allocated_in_place_and_nothing_else(void **state)
{
	(void)state;
	assert_other_values_kill(daemon_list(), __NR_fallocate, 1, 2);
	assert_true(
		allows(daemon_list(), __NR_fallocate, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE));
	assert_true(allows(daemon_list(), __NR_fallocate, FALLOC_FL_KEEP_SIZE));
}

static void advice_is_on_core_dumps_and_on_touching_alone(void **state)
{
	(void)state;
	assert_other_values_kill(daemon_list(), __NR_madvise, 2, 2);
}

/* Of fcntl(), those that Linux has added. */
static void assert_other_linux_commands_kill(struct list list)
{
	for (uint32_t command = 1024; command < 1024 + VALUES; command++) {
		if (is_killed(list, __NR_fcntl, 1, command) == allows(list, __NR_fcntl, command))
			fail_msg("fcntl %u", command);
	}
}

static void descriptors_get_their_flags_and_nothing_else(void **state)
{
	(void)state;
	assert_other_values_kill(daemon_list(), __NR_fcntl, 1, 3);
	assert_other_linux_commands_kill(daemon_list());
}

static void the_lookout_copies_descriptors_and_changes_none(void **state)
{
	(void)state;
	assert_other_values_kill(lookout_list(), __NR_fcntl, 1, 0);
	assert_other_linux_commands_kill(lookout_list());
	assert_true(allows(lookout_list(), __NR_fcntl, F_DUPFD_CLOEXEC));
}

static void no_memory_is_executable(void **state)
{
	(void)state;
	assert_true(is_killed(daemon_list(), __NR_mmap, 2, PROT_EXEC));
	assert_true(is_killed(daemon_list(), __NR_mmap, 2, PROT_READ | PROT_WRITE | PROT_EXEC));
	assert_true(is_killed(lookout_list(), __NR_mmap, 2, PROT_READ | PROT_EXEC));
	assert_true(is_killed(daemon_list(), __NR_memfd_create, 1, MFD_ALLOW_SEALING));
}

static void the_lookout_opens_nothing_that_it_would_change(void **state)
{
	static const unsigned long ways[] = { O_WRONLY, O_CREAT,  O_RDWR | O_CREAT,
					      O_TRUNC,	O_APPEND, O_TMPFILE | O_RDWR };

	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		assert_true(is_killed(lookout_list(), __NR_openat, 2, ways[i]));
	assert_false(is_killed(lookout_list(), __NR_openat, 2, O_RDONLY | O_DIRECTORY));
}

static void one_that_serves_one_front_end_takes_no_other(void **state)
{
	(void)state;
	assert_true(is_killed(one_front_end_list(), __NR_epoll_create1, 0, 0));
	assert_true(is_killed(one_front_end_list(), __NR_setsockopt, 2, SO_PASSCRED));
	assert_false(is_killed(daemon_list(), __NR_setsockopt, 2, SO_PASSCRED));
	assert_true(is_killed(daemon_list(), __NR_setsockopt, 2, SO_RCVBUF));
}

static void the_daemon_needs_few_calls(void **state)
{
	struct list list = daemon_list();
	unsigned int count = 0;

	(void)state;
	for (size_t i = 0; i < list.count; i++) {
		bool counted = false;

		for (size_t j = 0; j < i; j++)
			counted = counted || list.calls[j].number == list.calls[i].number;
		count += !counted;
	}
	print_message("%u calls\n", count);
	assert_in_range(count, 1, CALLS_MAX);
}

/* Look for ever, as the daemon does at each message, at what is not there. */
static void look_for_ever(unsigned int *looks)
{
	struct vballoon_channel channel = { .relayed = true };
	const uint64_t full = UINT64_MAX - 1;
	int ends[2], event = eventfd(0, 0);

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) || event < 0 ||
	    write(event, &full, sizeof(full)) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    vballoon_call_filter_install(daemon_list().calls, daemon_list().count))
		_exit(99);
	channel.socket = ends[0];
	for (;;) {
		if (vballoon_channel_relay_gone(&channel) || vballoon_channel_has_more(&channel))
			_exit(98);
		vballoon_event_signal(event);
		__atomic_fetch_add(looks, 1, __ATOMIC_RELAXED);
	}
}

/* Whether it looks once more; else it has ended. */
static bool looks_again(pid_t pid, const unsigned int *looks, int *status)
{
	unsigned int before = __atomic_load_n(looks, __ATOMIC_RELAXED);

	while (__atomic_load_n(looks, __ATOMIC_RELAXED) == before) {
		if (waitpid(pid, status, WNOHANG) == pid)
			return false;
	}
	return true;
}

static void a_process_that_is_stopped_and_goes_on_makes_no_other_call(void **state)
{
	unsigned int *looks = mmap(NULL, sizeof(*looks), PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status = 0;
	pid_t pid;

	(void)state;
	assert_true(looks != MAP_FAILED);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		look_for_ever(looks);
	for (unsigned int i = 0; i < STOPS; i++) {
		if (!looks_again(pid, looks, &status))
			fail_msg("it has ended: wait status %#x", (unsigned int)status);
		assert_int_equal(kill(pid, SIGSTOP), 0);
		assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
		assert_true(WIFSTOPPED(status));
		assert_int_equal(kill(pid, SIGCONT), 0);
	}
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(munmap(looks, sizeof(*looks)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_call_that_is_not_in_the_daemons_list_kills),
		cmocka_unit_test(each_call_that_is_not_in_the_lookouts_list_kills),
#ifdef __x86_64__
		cmocka_unit_test(a_call_by_another_architectures_number_kills),
#endif
		cmocka_unit_test(each_call_in_a_list_is_let_through),
		cmocka_unit_test(memory_is_punched_or_allocated_in_place_and_nothing_else),
		cmocka_unit_test(advice_is_on_core_dumps_and_on_touching_alone),
		cmocka_unit_test(descriptors_get_their_flags_and_nothing_else),
		cmocka_unit_test(the_lookout_copies_descriptors_and_changes_none),
		cmocka_unit_test(no_memory_is_executable),
		cmocka_unit_test(the_lookout_opens_nothing_that_it_would_change),
		cmocka_unit_test(one_that_serves_one_front_end_takes_no_other),
		cmocka_unit_test(the_daemon_needs_few_calls),
		cmocka_unit_test(a_process_that_is_stopped_and_goes_on_makes_no_other_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
