// SPDX-License-Identifier: BSD-3-Clause
/* Small files of /proc and /sys. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent.h"

int file_slurp(const char *path, char *to, uint64_t to_bytes)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint64_t have = 0;
	ssize_t len;

	if (fd < 0)
		return -errno;
	/* The kernel tells what is long piece by piece. */
	do {
		len = read(fd, to + have, to_bytes - 1 - have);
		have += len > 0 ? (uint64_t)len : 0;
	} while (len > 0);
	close(fd);
	if (len < 0)
		return -EIO;
	if (have > 0 && to[have - 1] == '\n')
		have--;
	to[have] = '\0';
	return 0;
}

static void file_crowd_write(const char *path, const char *text, uint64_t times)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	while (fd >= 0 && times && write(fd, text, strlen(text)) > 0)
		times--;
	_exit(times ? 1 : 0);
}

/* crowd COUNT TIMES PATH TEXT: so many processes write the text so often, side by side. */
void file_crowd(char *arguments)
{
	uint64_t count = strtoull(arguments, &arguments, 10);
	uint64_t times = strtoull(arguments, &arguments, 10);
	const char *path = strtok(arguments, " ");
	const char *text = strtok(NULL, "");
	uint64_t started = 0, failed = 0;
	int status;

	if (!count || !times || !path || !text) {
		agent_error(EINVAL, "crowd");
		return;
	}
	for (; started < count; started++) {
		pid_t pid = fork();

		if (pid == 0)
			file_crowd_write(path, text, times);
		if (pid < 0)
			break;
	}
	for (uint64_t i = 0; i < started; i++)
		failed += wait(&status) < 0 || status;
	if (started < count || failed)
		agent_error(EIO, "%llu of %llu failed",
			    (unsigned long long)(count - started + failed),
			    (unsigned long long)count);
	else
		agent_ok("%s", path);
}

/* write PATTERN TEXT: into the one file that the pattern matches, in one piece. */
void file_write(char *arguments)
{
	const char *pattern = strsep(&arguments, " ");
	const char *text = arguments ? arguments : "";
	ssize_t written = -1;
	glob_t found;
	int fd;

	if (glob(pattern, 0, NULL, &found)) {
		agent_error(ENOENT, "%s", pattern);
		return;
	}
	fd = open(found.gl_pathv[0], O_WRONLY | O_CLOEXEC);
	globfree(&found);
	if (fd >= 0)
		written = write(fd, text, strlen(text));
	if (written < 0)
		agent_error(errno, "%s", pattern);
	else
		agent_ok("%s", pattern);
	if (fd >= 0)
		close(fd);
}

/* read PATTERN: the one file that the pattern matches, its lines joined by ';'. */
void file_read(char *arguments)
{
	char text[32 * AGENT_LINE_BYTES];
	glob_t found;
	char *newline;
	int err;

	if (glob(arguments, 0, NULL, &found)) {
		agent_error(ENOENT, "%s", arguments);
		return;
	}
	err = file_slurp(found.gl_pathv[0], text, sizeof(text));
	globfree(&found);
	if (err) {
		agent_error(-err, "%s", arguments);
		return;
	}
	while ((newline = strchr(text, '\n')))
		*newline = ';';
	agent_ok("%s", text);
}
