// SPDX-License-Identifier: BSD-3-Clause
#include "daemon/process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "daemon/proc_status.h"
#include "host/fd_stat.h"

/* Lines of a status, each with its line break before it. */
static const char *const counts[] = { "\nVmLck:", "\nVmPin:" };

#define COUNTS (sizeof(counts) / sizeof(counts[0]))
#define LINE_MAX_BYTES 64 /* of those that are looked for */

/* Numbers in @proc mean the same processes as ours. Where a PID namespace was made
 * without mounting procfs anew, this process has more than one number there. */
static bool is_our_proc(const char *proc)
{
	char numbers[256], extra;
	int pid;

	return !vballoon_proc_status_read(proc, "self", "NSpid:", numbers, sizeof(numbers)) &&
	       sscanf(numbers, "%d %c", &pid, &extra) == 1;
}

void vballoon_process_init(struct vballoon_process *process)
{
	*process = (struct vballoon_process){ .status = -ESRCH,
					      .directory = -ESRCH,
					      .descriptors_error = -ESRCH };
}

int vballoon_process_open(struct vballoon_process *process, const char *proc, pid_t pid)
{
	char path[PATH_MAX];

	vballoon_process_close(process);
	if (pid <= 0 || !is_our_proc(proc))
		return -ESRCH;
	process->pid = pid;
	snprintf(path, sizeof(path), "%s/%d/status", proc, pid);
	process->status = open(path, O_RDONLY | O_CLOEXEC);
	if (process->status < 0)
		process->status = -errno;
	snprintf(path, sizeof(path), "%s/%d/fd", proc, pid);
	process->descriptors = opendir(path);
	process->descriptors_error = process->descriptors ? 0 : -errno;
	process->directory =
		process->descriptors ? dirfd(process->descriptors) : process->descriptors_error;
	return 0;
}

void vballoon_process_take(struct vballoon_process *process, pid_t pid, int status, int directory)
{
	vballoon_process_close(process);
	process->pid = pid;
	process->status = status;
	process->directory = directory;
}

int vballoon_process_directory(const struct vballoon_process *process)
{
	int fd;

	if (!process->descriptors)
		return process->descriptors_error;
	fd = openat(dirfd(process->descriptors), ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

void vballoon_process_close(struct vballoon_process *process)
{
	if (process->status >= 0)
		close(process->status);
	if (process->descriptors)
		closedir(process->descriptors);
	else if (process->directory >= 0)
		close(process->directory);
	vballoon_process_init(process);
}

/* The number in the line that @line begins, in KiB: -EINVAL when there is none. */
static int64_t kib_of(const char *line)
{
	unsigned long long kib;
	char *end;

	kib = strtoull(line, &end, 10);
	if (end == line || strncmp(end, " kB", 3) != 0 || kib > INT32_MAX * 1024ULL)
		return -EINVAL;
	return (int64_t)kib;
}

/* Take what is found in a stretch of the status: -EINVAL when it makes no sense. */
static int find_counts(const char *text, int64_t kib[COUNTS])
{
	for (size_t i = 0; i < COUNTS; i++) {
		const char *line = strstr(text, counts[i]);

		if (!line || !strchr(line + 1, '\n'))
			continue;
		kib[i] = kib_of(line + strlen(counts[i]));
		if (kib[i] < 0)
			return -EINVAL;
	}
	return 0;
}

/* Mostly one call; but a user in many groups has a long status. */
int64_t vballoon_process_pinned_kib(const struct vballoon_process *process)
{
	int64_t kib[COUNTS] = { -ENODATA, -ENODATA };
	char text[4096] = "\n";
	size_t kept = 1;
	off_t at = 0;

	if (process->status < 0)
		return process->status;
	while (kib[0] < 0 || kib[1] < 0) {
		struct iovec to = { text + kept, sizeof(text) - 1 - kept };
		/* Not pread(): this is a call that the daemon makes in its sandbox anyway. */
		ssize_t got = preadv2(process->status, &to, 1, at, 0);

		if (got <= 0)
			return got ? -errno : -ENODATA;
		at += got;
		kept += (size_t)got;
		text[kept] = '\0';
		if (find_counts(text, kib))
			return -EINVAL;
		if (kept > LINE_MAX_BYTES) {
			memmove(text, text + kept - LINE_MAX_BYTES, LINE_MAX_BYTES);
			kept = LINE_MAX_BYTES;
		}
	}
	return kib[0] + kib[1];
}

uint64_t vballoon_process_descriptor_count(const struct vballoon_process *process)
{
	struct stat st;

	if (process->directory < 0 || vballoon_fd_stat(process->directory, &st))
		return 0;
	return (uint64_t)st.st_size;
}
