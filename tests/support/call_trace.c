/* SPDX-License-Identifier: BSD-3-Clause */
#include "call_trace.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/call_filter.h"

static volatile pid_t traced;

static void pass_on(int signal)
{
	if (traced)
		kill(traced, signal);
}

static bool is(const struct vballoon_call *call, const struct __ptrace_syscall_info *made)
{
	uint32_t argument = (uint32_t)made->entry.args[call->argument];

	if ((uint64_t)call->number != made->entry.nr)
		return false;
	if (call->test == VBALLOON_CALL_IS)
		return argument == call->value;
	return call->test == VBALLOON_CALL_ANY || !(argument & call->value);
}

/* What is known of a process that is followed. */
struct followed {
	const struct vballoon_call *calls;
	size_t count;
	bool closed; /* its filter is there */
	uint8_t seen[VBALLOON_CALLS_MAX];
};

/* A call is about to be made; before the filter is there it does not count. */
static void see(pid_t pid, struct followed *followed)
{
	struct __ptrace_syscall_info made;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(made), &made) <= 0 ||
	    made.op != PTRACE_SYSCALL_INFO_ENTRY)
		return;
	for (size_t i = 0; followed->closed && i < followed->count; i++)
		followed->seen[i] |= is(&followed->calls[i], &made);
	followed->closed = followed->closed || made.entry.nr == __NR_seccomp;
}

/* Until the daemon and its lookout have ended. Returns how the daemon did. */
static int follow(struct followed *daemon, struct followed *lookout)
{
	int status, signal, outcome = 127;
	pid_t pid;

	while ((pid = waitpid(-1, &status, __WALL)) > 0) {
		if (!WIFSTOPPED(status)) {
			if (pid == traced)
				outcome = WIFEXITED(status) ? WEXITSTATUS(status)
							    : 128 + WTERMSIG(status);
			continue;
		}
		signal = WSTOPSIG(status);
		if (signal == (SIGTRAP | 0x80)) {
			see(pid, pid == traced ? daemon : lookout);
			signal = 0;
		} else if (signal == SIGTRAP || signal == SIGSTOP) {
			signal = 0; /* one was executed, or forked, or begins */
		}
		ptrace(PTRACE_SYSCALL, pid, NULL, signal);
	}
	return outcome;
}

static void trace(const char *path, char **words)
{
	struct sigaction forward = { .sa_handler = pass_on, .sa_flags = SA_RESTART };
	struct followed daemon = {
		vballoon_daemon_calls, vballoon_daemon_calls_count, false, { 0 }
	};
	struct followed lookout = {
		vballoon_lookout_calls, vballoon_lookout_calls_count, false, { 0 }
	};
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int status, outcome;

	traced = fork();
	if (!traced) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		execv(words[0], words);
		_exit(127);
	}
	sigaction(SIGTERM, &forward, NULL);
	if (waitpid(traced, &status, 0) != traced ||
	    ptrace(PTRACE_SETOPTIONS, traced, NULL,
		   PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_EXITKILL))
		_exit(127);
	ptrace(PTRACE_SYSCALL, traced, NULL, 0);
	outcome = follow(&daemon, &lookout);
	if (write(fd, daemon.seen, sizeof(daemon.seen)) != sizeof(daemon.seen) ||
	    write(fd, lookout.seen, sizeof(lookout.seen)) != sizeof(lookout.seen))
		_exit(127);
	_exit(outcome);
}

/* In this process a call has another outcome. */
static bool forbid(int number, uint32_t outcome)
{
	struct sock_filter code[] = {
		{ BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr) },
		{ BPF_JMP | BPF_JEQ | BPF_K, 0, 1, (uint32_t)number },
		{ BPF_RET | BPF_K, 0, 0, outcome },
		{ BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW },
	};
	struct sock_fprog filter = { sizeof(code) / sizeof(code[0]), code };

	return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
	       !syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter);
}

static void without_namespaces(char **words)
{
	if (forbid(__NR_unshare, SECCOMP_RET_ERRNO | EPERM))
		execv(words[0], words);
	_exit(127);
}

bool call_trace_makes(void (*function)(void), int number)
{
	int status = 0;
	pid_t pid = fork();

	if (!pid) {
		if (!forbid(number, SECCOMP_RET_KILL_PROCESS))
			_exit(127);
		function();
		_exit(0);
	}
	/* What cannot be told is taken as made. */
	return pid < 0 || waitpid(pid, &status, 0) != pid || status;
}

void call_trace_main(int argc, char **argv)
{
	if (argc > 3 && !strcmp(argv[1], CALL_TRACE))
		trace(argv[2], argv + 3);
	if (argc > 2 && !strcmp(argv[1], CALL_TRACE_WITHOUT_NAMESPACES))
		without_namespaces(argv + 2);
}

bool call_trace_has(const char *path, enum call_trace_of of, unsigned int index)
{
	uint8_t seen[2][VBALLOON_CALLS_MAX] = { { 0 } };
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool whole = fd >= 0 && read(fd, seen, sizeof(seen)) == sizeof(seen);

	if (fd >= 0)
		close(fd);
	return whole && seen[of][index];
}
