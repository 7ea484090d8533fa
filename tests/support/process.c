// SPDX-License-Identifier: BSD-3-Clause
#include "process.h"

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

extern char **environ;

const char *process_self(void)
{
	static char path[256];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);

	path[len > 0 ? len : 0] = '\0';
	return path;
}

static void open_output(struct process_output *output, int *child_end_out)
{
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	output->fd = ends[0];
	output->len = 0;
	output->text[0] = '\0';
	*child_end_out = ends[1];
}

void process_start(struct process *process, const char *const *argv, int fd)
{
	posix_spawn_file_actions_t actions;
	int out, err;

	open_output(&process->out, &out);
	open_output(&process->err, &err);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, err, STDERR_FILENO);
	if (fd >= 0)
		posix_spawn_file_actions_adddup2(&actions, fd, PROCESS_FD);
	assert_int_equal(posix_spawn(&process->pid, argv[0], &actions, NULL,
				     (char *const *)(uintptr_t)argv, environ),
			 0);
	posix_spawn_file_actions_destroy(&actions);
	close(out);
	close(err);
}

/* Read what there is, or wait for it. Returns false at the end. */
static bool output_read(struct process_output *output)
{
	struct pollfd input = { .fd = output->fd, .events = POLLIN };
	ssize_t len;

	if (output->fd < 0)
		return false;
	if (poll(&input, 1, PROCESS_PATIENCE_MS) != 1)
		fail_msg("nothing more is written after: %s", output->text);
	assert_true(output->len + 1 < sizeof(output->text));
	len = read(output->fd, output->text + output->len, sizeof(output->text) - 1 - output->len);
	assert_true(len >= 0);
	output->len += (size_t)len;
	output->text[output->len] = '\0';
	if (len)
		return true;
	close(output->fd);
	output->fd = -1;
	return false;
}

void process_await(struct process *process, const char *text)
{
	while (!strstr(process->err.text, text)) {
		if (!output_read(&process->err))
			fail_msg("\"%s\" was not written, but: %s", text, process->err.text);
	}
}

int process_wait(struct process *process)
{
	int status;

	while (output_read(&process->err))
		;
	while (output_read(&process->out))
		;
	assert_int_equal(waitpid(process->pid, &status, 0), process->pid);
	process->pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int process_stop(struct process *process, int signal)
{
	assert_int_equal(kill(process->pid, signal), 0);
	return process_wait(process);
}

int process_run(struct process *process, const char *const *argv, int fd)
{
	process_start(process, argv, fd);
	return process_wait(process);
}

uint64_t process_status_value(const struct process *process, const char *name)
{
	uint64_t value = UINT64_MAX;
	char path[64], line[256];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", process->pid);
	file = fopen(path, "re");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		if (!strncmp(line, name, strlen(name)) && line[strlen(name)] == ':')
			assert_int_equal(sscanf(line + strlen(name) + 1, "%" SCNu64, &value), 1);
	}
	fclose(file);
	assert_true(value != UINT64_MAX);
	return value;
}

pid_t process_child(const struct process *process)
{
	char path[64];
	int pid = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", process->pid, process->pid);
	file = fopen(path, "re");
	assert_non_null(file);
	if (fscanf(file, "%d", &pid) != 1)
		pid = 0;
	fclose(file);
	return pid;
}

static void let_pass(int ms)
{
	poll(NULL, 0, ms);
}

uint64_t process_wakeups(const struct process *process, int ms)
{
	uint64_t before, now = process_status_value(process, "voluntary_ctxt_switches");
	int waited_ms = 0;

	do {
		before = now;
		let_pass(50);
		waited_ms += 50;
		now = process_status_value(process, "voluntary_ctxt_switches");
	} while (before != now && waited_ms < PROCESS_PATIENCE_MS);
	let_pass(ms);
	return process_status_value(process, "voluntary_ctxt_switches") - before;
}
