/* SPDX-License-Identifier: BSD-3-Clause */
#include "conformance/subject.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "front_end/link.h"

#define WORDS_MAX 256
#define RETRY_MS 2
#define STOP_MS 2000
#define TMPDIR_MAX 32 /* characters: the path of a socket is short */

static const char *temporary(void)
{
	const char *folder = getenv("TMPDIR");

	return folder && strlen(folder) <= TMPDIR_MAX ? folder : "/tmp";
}

int vballoon_subject_init(struct vballoon_subject *subject, char *const *command, const char *path)
{
	memset(subject, 0, sizeof(*subject));
	subject->command = command;
	if (!command) {
		if (strlen(path) >= sizeof(subject->path))
			return -ENAMETOOLONG;
		memcpy(subject->path, path, strlen(path) + 1);
		return 0;
	}
	snprintf(subject->directory, sizeof(subject->directory), "%s/vballoon-conformance-XXXXXX",
		 temporary());
	if (!mkdtemp(subject->directory))
		return -errno;
	snprintf(subject->path, sizeof(subject->path), "%s/socket", subject->directory);
	snprintf(subject->log_path, sizeof(subject->log_path), "%s/log", subject->directory);
	return 0;
}

void vballoon_subject_deinit(struct vballoon_subject *subject)
{
	vballoon_subject_stop(subject);
	if (!subject->directory[0])
		return;
	unlink(subject->path);
	unlink(subject->log_path);
	rmdir(subject->directory);
}

/* A word with the socket's path in it; freed by the caller. */
static char *word_make(const struct vballoon_subject *subject, const char *word)
{
	const char *place = strstr(word, "%s");
	char *made;
	int ret;

	if (place)
		ret = asprintf(&made, "%.*s%s%s", (int)(place - word), word, subject->path,
			       place + 2);
	else
		ret = asprintf(&made, "%s", word);
	return ret < 0 ? NULL : made;
}

/* The command's words with the socket's path in them; freed by words_free(). */
static char **words_make(const struct vballoon_subject *subject)
{
	char **words = calloc(WORDS_MAX + 1, sizeof(*words));
	size_t i;

	for (i = 0; words && i < WORDS_MAX && subject->command[i]; i++)
		words[i] = word_make(subject, subject->command[i]);
	return words;
}

static void words_free(char **words)
{
	for (size_t i = 0; words && words[i]; i++)
		free(words[i]);
	free(words);
}

static bool redirect(int fd, const char *path, int flags)
{
	int opened = open(path, flags | O_CLOEXEC, 0600);

	return opened >= 0 && dup2(opened, fd) == fd;
}

/* Become the command, which does not outlive @parent, however that ends. What is wrong goes
 * to @report. */
static _Noreturn void become(const struct vballoon_subject *subject, char **words, pid_t parent,
			     int report)
{
	if (!prctl(PR_SET_PDEATHSIG, SIGKILL) && getppid() == parent &&
	    redirect(STDIN_FILENO, "/dev/null", O_RDONLY) &&
	    redirect(STDOUT_FILENO, "/dev/null", O_WRONLY) &&
	    redirect(STDERR_FILENO, subject->log_path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND))
		execvp(words[0], words);
	if (write(report, &errno, sizeof(errno)) < 0)
		_exit(126);
	_exit(127);
}

/* Returns 0 or a negative errno. */
static int spawn(struct vballoon_subject *subject, char **words)
{
	pid_t parent = getpid();
	int ends[2], err = 0;

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	subject->pid = fork();
	if (!subject->pid)
		become(subject, words, parent, ends[1]);
	if (subject->pid < 0)
		err = errno;
	close(ends[1]);
	if (!err && read(ends[0], &err, sizeof(err)) == sizeof(err))
		waitpid(subject->pid, NULL, 0);
	close(ends[0]);
	if (err)
		subject->pid = 0;
	subject->owned = !err;
	return -err;
}

int vballoon_subject_start(struct vballoon_subject *subject)
{
	char **words;
	int ret;

	if (!subject->command || subject->pid)
		return 0;
	words = words_make(subject);
	if (!words)
		return -ENOMEM;
	if (!subject->connects)
		unlink(subject->path);
	ret = spawn(subject, words);
	words_free(words);
	return ret;
}

/* Wait until it has ended: true when it has. */
static bool ended(struct vballoon_subject *subject, int timeout_ms)
{
	for (int waited = 0;; waited += RETRY_MS) {
		if (waitpid(subject->pid, NULL, WNOHANG))
			return true;
		if (waited >= timeout_ms)
			return false;
		poll(NULL, 0, RETRY_MS);
	}
}

void vballoon_subject_stop(struct vballoon_subject *subject)
{
	if (!subject->owned || !subject->pid)
		return;
	kill(subject->pid, SIGTERM);
	if (!ended(subject, STOP_MS))
		vballoon_subject_kill(subject);
	subject->pid = 0;
}

void vballoon_subject_kill(struct vballoon_subject *subject)
{
	if (!subject->owned || !subject->pid)
		return;
	kill(subject->pid, SIGKILL);
	waitpid(subject->pid, NULL, 0);
	subject->pid = 0;
}

int vballoon_subject_begin_round(struct vballoon_subject *subject)
{
	pid_t parent = getpid(), pid;
	char *command;
	int status;

	if (!subject->round_command)
		return -EOPNOTSUPP;
	command = word_make(subject, subject->round_command);
	if (!command)
		return -ENOMEM;
	pid = fork();
	if (!pid) {
		if (!prctl(PR_SET_PDEATHSIG, SIGKILL) && getppid() == parent &&
		    redirect(STDOUT_FILENO, "/dev/null", O_WRONLY))
			execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	free(command);
	if (pid < 0)
		return -errno;
	waitpid(pid, &status, 0);
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -EIO;
}

int vballoon_subject_connect(struct vballoon_subject *subject, int timeout_ms)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);
	char why[128];
	int fd;

	for (int waited = 0;; waited += RETRY_MS) {
		fd = vballoon_link_connect(subject->path);
		if (fd >= 0)
			break;
		if (subject->owned && !vballoon_subject_lives(subject, why, sizeof(why)))
			return -ECHILD;
		if (waited >= timeout_ms)
			return fd;
		poll(NULL, 0, RETRY_MS);
	}
	if (!subject->owned && !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size))
		subject->pid = peer.pid;
	return fd;
}

bool vballoon_subject_lives(struct vballoon_subject *subject, char *why_out, size_t size)
{
	int status;

	if (!subject->owned)
		return true;
	if (!subject->pid) {
		snprintf(why_out, size, "it does not run");
		return false;
	}
	if (waitpid(subject->pid, &status, WNOHANG) != subject->pid)
		return true;
	subject->pid = 0;
	if (WIFSIGNALED(status))
		snprintf(why_out, size, "it was ended by signal %d (%s)", WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
	else
		snprintf(why_out, size, "it ended with exit code %d", WEXITSTATUS(status));
	return false;
}

/* What is seen of threads: whether all sleep, and how often they have gone to sleep. */
struct rest {
	bool all_sleep;
	uint64_t sleeps;
};

#define DESCENT_MAX 4 /* of processes that a process has started, and so on */

static void look_at_thread(pid_t pid, const char *thread, struct rest *rest)
{
	char path[64], line[256];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%.16s/status", pid, thread);
	file = fopen(path, "re");
	if (!file)
		return;
	while (fgets(line, sizeof(line), file)) {
		if (!strncmp(line, "State:\t", 7) && !strchr("STtZ", line[7]))
			rest->all_sleep = false;
		if (!strncmp(line, "voluntary_ctxt_switches:", 24))
			rest->sleeps += strtoull(line + 24, NULL, 10);
	}
	fclose(file);
}

static void look_at_process(pid_t pid, unsigned int depth, struct rest *rest);

/* Whoever asks another process sleeps till that has answered. */
static void look_at_children(pid_t pid, const char *thread, unsigned int depth, struct rest *rest)
{
	char path[64];
	FILE *file;
	int child;

	snprintf(path, sizeof(path), "/proc/%d/task/%.16s/children", pid, thread);
	file = depth < DESCENT_MAX ? fopen(path, "re") : NULL;
	if (!file)
		return;
	while (fscanf(file, "%d", &child) == 1)
		look_at_process(child, depth + 1, rest);
	fclose(file);
}

static void look_at_process(pid_t pid, unsigned int depth, struct rest *rest)
{
	char path[64];
	struct dirent *entry;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	tasks = opendir(path);
	if (!tasks)
		return;
	while ((entry = readdir(tasks))) {
		if (entry->d_name[0] == '.')
			continue;
		look_at_thread(pid, entry->d_name, rest);
		look_at_children(pid, entry->d_name, depth, rest);
	}
	closedir(tasks);
}

/* They were not seen one after the other, each asleep while another was not. */
static bool is_at_rest(pid_t pid)
{
	struct rest first = { true, 0 }, second = { true, 0 };

	look_at_process(pid, 0, &first);
	if (!first.all_sleep)
		return false;
	look_at_process(pid, 0, &second);
	return second.all_sleep && first.sleeps == second.sleeps;
}

bool vballoon_subject_sleeps(const struct vballoon_subject *subject, int timeout_ms)
{
	if (!subject->pid)
		return true;
	for (int waited = 0; !is_at_rest(subject->pid); waited += RETRY_MS) {
		if (waited >= timeout_ms)
			return false;
		poll(NULL, 0, RETRY_MS);
	}
	return true;
}

unsigned int vballoon_subject_descriptors(const struct vballoon_subject *subject)
{
	unsigned int count = 0;
	struct dirent *entry;
	char path[64];
	DIR *fds;

	snprintf(path, sizeof(path), "/proc/%d/fd", subject->pid);
	fds = subject->pid ? opendir(path) : NULL;
	if (!fds)
		return 0;
	while ((entry = readdir(fds)))
		count += entry->d_name[0] != '.';
	closedir(fds);
	return count;
}

uint64_t vballoon_subject_memory_kib(const struct vballoon_subject *subject)
{
	uint64_t value = 0;
	char path[64], line[256];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", subject->pid);
	file = subject->pid ? fopen(path, "re") : NULL;
	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file)) {
		if (!strncmp(line, "RssAnon:", 8))
			value = strtoull(line + 8, NULL, 10);
	}
	fclose(file);
	return value;
}

void vballoon_subject_last_words(const struct vballoon_subject *subject, char *text, size_t size)
{
	char line[256];
	FILE *file = subject->log_path[0] ? fopen(subject->log_path, "re") : NULL;

	text[0] = '\0';
	while (file && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		snprintf(text, size, "%s", line);
	}
	if (file)
		fclose(file);
}
