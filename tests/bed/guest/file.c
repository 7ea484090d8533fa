// SPDX-License-Identifier: BSD-3-Clause
/* Small files of /proc and /sys. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <string.h>
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
