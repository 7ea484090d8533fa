// SPDX-License-Identifier: BSD-3-Clause
/* vballoond in its sandbox: what surrounds it, that it does all its work there, and that it
 * needs each system call that is left to it, and to its lookout. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/magic.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "call_trace.h"
#include "daemon/call_filter.h"
#include "daemon/pressure.h"
#include "daemon_bed.h"
#include "supervised.h"

#define EPOCH 91
#define PAGES 16

/* Memory behind the guest's own, of a tmpfs that has a limit. */
#define LIMITED_BYTES (2U << 20)
#define LIMITED_FIRST ((GUEST_BASE + GUEST_BYTES - GUEST_BALLOON) / GUEST_PAGE)

/* As daemon_bed_start(), the daemon under another program. */
static void start_under(struct daemon_bed *bed, const char *const *before, const char *const *words)
{
	const char *argv[24];
	unsigned int count = 0;

	while (*before)
		argv[count++] = *before++;
	argv[count++] = VBALLOOND;
	argv[count++] = "--socket-path";
	argv[count++] = bed->socket_path;
	argv[count++] = "--control-path";
	argv[count++] = bed->control_path;
	while (*words && count < 23)
		argv[count++] = *words++;
	argv[count] = NULL;
	process_start(&bed->daemon, argv, -1);
}

static bool has_wall(struct daemon_bed *bed, const char *name)
{
	json_t *status = control_call(&bed->control, "{\"execute\":\"status\"}");
	json_t *wall = json_object_get(json_object_get(status, "sandbox"), name);
	bool has = json_is_true(wall);

	assert_true(json_is_boolean(wall));
	json_decref(status);
	return has;
}

static void set_target(struct daemon_bed *bed, uint64_t pages)
{
	char line[128];

	snprintf(line, sizeof(line), "{\"execute\":\"set\",\"arguments\":{\"balloon_bytes\":%llu}}",
		 (unsigned long long)pages * GUEST_PAGE);
	json_decref(control_call(&bed->control, line));
}

static void the_daemon_tells_what_surrounds_it(void **state)
{
	struct daemon_bed *bed = *state;

	daemon_bed_start(bed, WORDS(NULL));
	assert_true(has_wall(bed, "no-privileges"));
	assert_true(has_wall(bed, "seccomp"));
	assert_int_equal(process_status_value(&bed->daemon, "NoNewPrivs"), 1);
	assert_int_equal(process_status_value(&bed->daemon, "Seccomp"), 2);
}

/* Which of these the host lets a process have, a bit each; taken in the daemon's order. */
static const char *const permitted_walls[] = { "user-namespace", "network-namespace", "landlock" };

static unsigned int permitted(void)
{
	unsigned int walls = 0;
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		walls |= unshare(CLONE_NEWUSER) ? 0 : 1;
		walls |= unshare(CLONE_NEWNET) ? 0 : 2;
		walls |= syscall(__NR_landlock_create_ruleset, NULL, 0, 1) > 0 ? 4 : 0;
		_exit((int)walls);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return (unsigned int)WEXITSTATUS(status);
}

static void each_wall_that_the_host_permits_stands(void **state)
{
	struct daemon_bed *bed = *state;
	const unsigned int walls = permitted();

	daemon_bed_start(bed, WORDS(NULL));
	for (unsigned int i = 0; i < sizeof(permitted_walls) / sizeof(permitted_walls[0]); i++) {
		const bool permits = walls >> i & 1;

		if (has_wall(bed, permitted_walls[i]) != permits)
			fail_msg("%s is not as the host has it", permitted_walls[i]);
	}
}

static void a_daemon_in_no_sandbox_says_so(void **state)
{
	struct daemon_bed *bed = *state;

	daemon_bed_start(bed, WORDS("--sandbox", "off"));
	assert_false(has_wall(bed, "no-privileges"));
	assert_false(has_wall(bed, "seccomp"));
	assert_false(has_wall(bed, "landlock"));
	assert_false(has_wall(bed, "user-namespace"));
	assert_int_equal(process_status_value(&bed->daemon, "Seccomp"), 0);
	daemon_bed_ctl(bed, WORDS("doctor"));
	assert_non_null(strstr(bed->ctl.out.text, "vballoond is in no sandbox"));
}

static void what_the_host_does_not_permit_is_named(void **state)
{
	struct daemon_bed *bed = *state;

	start_under(bed, WORDS(process_self(), CALL_TRACE_WITHOUT_NAMESPACES),
		    WORDS("--sandbox", "auto"));
	process_await(&bed->daemon,
		      "the sandbox is without user-namespace: Operation not permitted");
	control_open(&bed->control, bed->control_path);
	assert_false(has_wall(bed, "user-namespace"));
	assert_true(has_wall(bed, "seccomp"));
	daemon_bed_ctl(bed, WORDS("doctor"));
	assert_non_null(strstr(bed->ctl.out.text, "without user-namespace, network-namespace"));
}

static void with_less_than_all_a_sandbox_is_not_on(void **state)
{
	struct daemon_bed *bed = *state;

	start_under(bed, WORDS(process_self(), CALL_TRACE_WITHOUT_NAMESPACES),
		    WORDS("--sandbox", "on"));
	assert_int_equal(process_wait(&bed->daemon), 1);
	assert_non_null(strstr(bed->daemon.err.text, "--sandbox on: user-namespace"));
}

static void when_nobody_looks_out_nothing_is_given_back_and_nobody_obeyed(void **state)
{
	struct daemon_bed *bed = *state;
	struct control other;
	json_t *message;
	pid_t lookout;

	daemon_bed_start(bed, WORDS(NULL));
	daemon_bed_connect(bed);
	assert_int_equal(balloon_driver_hello(&bed->guest, EPOCH, 0), 0);
	lookout = process_child(&bed->daemon);
	assert_true(lookout > 0);
	assert_int_equal(kill(lookout, SIGKILL), 0);
	message = control_call(&bed->control, "{\"execute\":\"status\"}");
	assert_string_equal(json_string_value(json_object_get(
				    json_object_get(message, "passthrough"), "state")),
			    "unknown");
	json_decref(message);
	assert_int_equal(balloon_driver_add(&bed->guest, 0, PAGES), PAGES);
	assert_int_equal(daemon_bed_status_integer(bed, "dropped_bytes"), 0);
	control_connect(&other, bed->control_path);
	message = control_receive(&other);
	assert_non_null(json_object_get(message, "error"));
	json_decref(message);
	control_close(&other);
	/* Nobody is left to unlink them either. */
	control_close(&bed->control);
	daemon_bed_disconnect(bed);
	process_stop(&bed->daemon, SIGTERM);
	unlink(bed->socket_path);
	unlink(bed->control_path);
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* It sleeps between two questions, of which one is due each second. */
static void who_looks_out_is_not_asked_while_nothing_changes(void **state)
{
	struct daemon_bed *bed = *state;
	static struct process lookout;
	uint64_t before, began, passed;

	daemon_bed_start(bed, WORDS(NULL));
	daemon_bed_connect(bed);
	assert_int_equal(balloon_driver_hello(&bed->guest, EPOCH, 0), 0);
	assert_int_equal(balloon_driver_add(&bed->guest, 0, PAGES), PAGES);
	lookout.pid = process_child(&bed->daemon);
	before = process_status_value(&lookout, "voluntary_ctxt_switches");
	began = now_ms();
	do {
		assert_int_equal(balloon_driver_add(&bed->guest, 0, PAGES), PAGES);
		passed = now_ms() - began;
	} while (passed < 300);
	assert_in_range(process_status_value(&lookout, "voluntary_ctxt_switches") - before, 0,
			2 + passed / 1000);
	assert_true(daemon_bed_status_integer(bed, "dropped_bytes") > 0);
}

/* A daemon that is given its front end; and a balloon. */
static void serve_one(struct daemon_bed *bed)
{
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	process_start(&bed->daemon, WORDS(VBALLOOND, "--fd", "3", "--passthrough", "absent"),
		      ends[1]);
	close(ends[1]);
	front_end_open_socket(&bed->guest, ends[0]);
	front_end_start(&bed->guest);
	balloon_driver_post_request(&bed->guest);
	assert_int_equal(balloon_driver_hello(&bed->guest, EPOCH, 0), 0);
	assert_int_equal(balloon_driver_add(&bed->guest, 0, PAGES), PAGES);
	assert_int_equal(process_status_value(&bed->daemon, "Seccomp"), 2);
}

static void one_front_end_is_served(void **state)
{
	struct daemon_bed *bed = *state;

	serve_one(bed);
	front_end_close(&bed->guest);
	assert_int_equal(process_wait(&bed->daemon), 0);
}

#ifdef __x86_64__
/* Change a register of a process that has stopped. */
static void set_register(pid_t pid, size_t at, long value)
{
	assert_int_equal(ptrace(PTRACE_POKEUSER, pid, (void *)at, (void *)value), 0);
}

/* Have the daemon, where it would wait, make the first call that only a new front end takes. Tells
 * whether it is killed for that; else it goes on, as if it had been interrupted. */
static bool dies_of_another_front_end(struct daemon_bed *bed)
{
	const pid_t pid = bed->daemon.pid;
	siginfo_t how;

	assert_true(vballoon_connect_calls_count > 0);
	supervised_seize_supervisor(bed);
	supervised_await_waiting(pid);
	set_register(pid, offsetof(struct user_regs_struct, orig_rax),
		     vballoon_daemon_calls[0].number);
	/* One that is killed may stop at the end of the call, and not where the next one begins. */
	for (unsigned int stop = 0; stop < 2; stop++) {
		assert_int_equal(ptrace(PTRACE_SYSCALL, pid, NULL, NULL), 0);
		assert_int_equal(waitid(P_PID, (id_t)pid, &how, WEXITED | WSTOPPED | WNOWAIT), 0);
		if (how.si_code != CLD_TRAPPED) {
			assert_int_equal(how.si_status, SIGSYS);
			return true;
		}
		if (!stop)
			set_register(pid, offsetof(struct user_regs_struct, rax), -EINTR);
	}
	supervised_let_go(pid);
	return false;
}

static void one_front_end_is_served_with_fewer_calls(void **state)
{
	struct daemon_bed *bed = *state;

	serve_one(bed);
	assert_true(dies_of_another_front_end(bed));
	front_end_close(&bed->guest);
	assert_int_equal(process_wait(&bed->daemon), -1);
}

static void one_that_listens_keeps_the_calls_of_another_front_end(void **state)
{
	struct daemon_bed *bed = *state;

	daemon_bed_start(bed, WORDS(NULL));
	assert_false(dies_of_another_front_end(bed));
	daemon_bed_assert_state(bed, "no-front-end");
}
#endif

/* A front end comes while the daemon has no descriptor left for it. */
static void turn_one_away(struct daemon_bed *bed)
{
	struct ucred daemon;
	socklen_t len = sizeof(daemon);
	struct rlimit before, none;
	int fd;

	assert_int_equal(getsockopt(bed->control.fd, SOL_SOCKET, SO_PEERCRED, &daemon, &len), 0);
	assert_int_equal(prlimit(daemon.pid, RLIMIT_NOFILE, NULL, &before), 0);
	none = (struct rlimit){ 3, before.rlim_max };
	assert_int_equal(prlimit(daemon.pid, RLIMIT_NOFILE, &none, NULL), 0);
	fd = daemon_bed_socket(bed);
	process_await(&bed->daemon, "too many open files");
	assert_int_equal(prlimit(daemon.pid, RLIMIT_NOFILE, &before, NULL), 0);
	close(fd);
}

/* Memory that may run out: what was dropped of it has to be allocated again. */
static void use_limited_memory(struct daemon_bed *bed)
{
	struct vhost_user_mem_region reg = { .region = bed->guest.region };
	char path[] = "/dev/shm/vballoon-test-XXXXXX";
	uint64_t pages[PAGES];
	struct statfs fs;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(fstatfs(fd, &fs), 0);
	assert_int_equal(fs.f_type, TMPFS_MAGIC);
	assert_true(fs.f_blocks > 0);
	assert_int_equal(ftruncate(fd, LIMITED_BYTES), 0);
	reg.region.guest_addr = GUEST_BASE + GUEST_BYTES;
	reg.region.size = LIMITED_BYTES;
	reg.region.user_addr += GUEST_BYTES;
	reg.region.mmap_offset = 0;
	assert_int_equal(
		front_end_ask(&bed->guest, VHOST_USER_ADD_MEM_REG, &reg, sizeof(reg), &fd, 1), 0);
	close(fd);
	set_target(bed, PAGES);
	assert_int_equal(balloon_driver_add(&bed->guest, LIMITED_FIRST, PAGES), PAGES);
	daemon_bed_ctl(bed, WORDS("set", "64K", "--wait"));
	assert_int_equal(daemon_bed_status_integer(bed, "dropped_bytes"), PAGES * GUEST_PAGE);
	set_target(bed, 0);
	assert_int_equal(balloon_driver_withdraw(&bed->guest, PAGES, pages, PAGES), PAGES);
	assert_int_equal(
		front_end_ask(&bed->guest, VHOST_USER_REM_MEM_REG, &reg, sizeof(reg), NULL, 0), 0);
}

static bool came_in_many_groups;

/* A client in so many groups that the list takes more memory than there is. */
static void come_in_many_groups(struct daemon_bed *bed)
{
	static const gid_t groups[NGROUPS_MAX];
	struct control client;
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		if (setgroups(NGROUPS_MAX, groups))
			_exit(errno);
		control_open(&client, bed->control_path);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	came_in_many_groups = !status;
	assert_true(came_in_many_groups || WEXITSTATUS(status) == EPERM);
}

/* All that a daemon does in its life. */
static void live(struct daemon_bed *bed)
{
	daemon_bed_connect(bed);
	assert_int_equal(balloon_driver_hello(&bed->guest, EPOCH, 0), 0);
	use_limited_memory(bed);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("policy", "pages=warm")), 0);
	daemon_bed_ctl(bed, WORDS("doctor"));
	front_end_stop_queue(&bed->guest, 0);
	front_end_stop_queue(&bed->guest, 1);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("skip-map", "--zeros")), 0);
	turn_one_away(bed);
	come_in_many_groups(bed);
	daemon_bed_disconnect(bed);
	process_await(&bed->daemon, "the front end has gone");
	daemon_bed_connect(bed);
	assert_int_equal(balloon_driver_hello(&bed->guest, EPOCH + 1, 0), 0);
	daemon_bed_disconnect(bed);
}

static void read_the_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
}

static void look_at_a_file(void)
{
	struct stat st;

	fstat(STDERR_FILENO, &st);
}

static void set_a_trigger(void)
{
	static const char trigger[] = "some 200000 2000000";
	int fd = open(VBALLOON_PRESSURE_TRIGGER, O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0 && write(fd, trigger, sizeof(trigger)) < 0)
		close(fd);
}

/* It depends on the host, or on the C library's version, whether these make a call: where they do,
 * it is needed. */
static const struct {
	int number;
	enum call_trace_of of;
	void (*function)(void);
} elsewhere[] = {
	{ __NR_clock_gettime, CALL_TRACE_OF_DAEMON, read_the_clock },
	{ __NR_fstat, CALL_TRACE_OF_LOOKOUT, look_at_a_file },
	{ __NR_write, CALL_TRACE_OF_LOOKOUT, set_a_trigger },
};

static bool may_be_missing(enum call_trace_of of, int number)
{
	for (size_t i = 0; i < sizeof(elsewhere) / sizeof(elsewhere[0]); i++) {
		if (elsewhere[i].of == of && elsewhere[i].number == number)
			return !call_trace_makes(elsewhere[i].function, number);
	}
	/* Without the privilege to be in many groups, what memory there is will do. */
	return of == CALL_TRACE_OF_LOOKOUT && number == __NR_brk && !came_in_many_groups;
}

static void assert_all_are_made(const char *path, enum call_trace_of of,
				const struct vballoon_call *calls, size_t count)
{
	for (unsigned int i = 0; i < count; i++) {
		if (!call_trace_has(path, of, i) && !may_be_missing(of, calls[i].number))
			fail_msg("%s (%u) is allowed, and never made", calls[i].name,
				 calls[i].value);
	}
}

static void each_call_that_is_allowed_is_needed(void **state)
{
	struct daemon_bed *bed = *state;
	const char *told;
	char path[160];

	snprintf(path, sizeof(path), "%s", daemon_bed_path(bed, "calls"));
	start_under(bed, WORDS(process_self(), CALL_TRACE, path), WORDS(NULL));
	process_await(&bed->daemon, "waiting for a front end");
	control_open(&bed->control, bed->control_path);
	live(bed);
	control_close(&bed->control);
	assert_int_equal(process_stop(&bed->daemon, SIGTERM), 0);
	/* However often it could not let the one in. */
	told = strstr(bed->daemon.err.text, "too many open files");
	assert_null(strstr(told + 1, "too many open files"));
	assert_all_are_made(path, CALL_TRACE_OF_DAEMON, vballoon_daemon_calls,
			    vballoon_daemon_calls_count);
	assert_all_are_made(path, CALL_TRACE_OF_LOOKOUT, vballoon_lookout_calls,
			    vballoon_lookout_calls_count);
	unlink(path);
}

#define CASE(name)                                                                                 \
	cmocka_unit_test_setup_teardown(name, daemon_bed_empty_set_up, daemon_bed_tear_down)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		CASE(the_daemon_tells_what_surrounds_it),
		CASE(each_wall_that_the_host_permits_stands),
		CASE(a_daemon_in_no_sandbox_says_so),
		CASE(what_the_host_does_not_permit_is_named),
		CASE(with_less_than_all_a_sandbox_is_not_on),
		CASE(when_nobody_looks_out_nothing_is_given_back_and_nobody_obeyed),
		CASE(who_looks_out_is_not_asked_while_nothing_changes),
		CASE(one_front_end_is_served),
#ifdef __x86_64__
		CASE(one_front_end_is_served_with_fewer_calls),
		CASE(one_that_listens_keeps_the_calls_of_another_front_end),
#endif
		CASE(each_call_that_is_allowed_is_needed),
	};

	call_trace_main(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
