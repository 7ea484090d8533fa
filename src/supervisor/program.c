// SPDX-License-Identifier: BSD-3-Clause
#include "supervisor/program.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int vballoon_program_init(struct vballoon_program *program, char **argv)
{
	const char *listen_pid = getenv("LISTEN_PID");
	ssize_t len = readlink("/proc/self/exe", program->path, sizeof(program->path) - 1);

	program->next = program->running = -1;
	if (len < 0)
		return -errno;
	program->path[len] = '\0';
	program->argv = argv;
	program->takes_sockets = listen_pid && strtol(listen_pid, NULL, 10) == (long)getpid();
	program->running = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	return program->running < 0 ? -errno : 0;
}

/* A script would be run by another program, which finds no file behind a descriptor that is
 * closed by then. */
static int check(const char *path, int fd)
{
	static const char elf[] = { 0x7f, 'E', 'L', 'F' };
	char start[sizeof(elf)];

	if (access(path, X_OK))
		return -errno;
	if (pread(fd, start, sizeof(start), 0) != sizeof(start) || memcmp(start, elf, sizeof(elf)))
		return -ENOEXEC;
	return 0;
}

static int open_next(const struct vballoon_program *program)
{
	int fd = open(program->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int err = fd < 0 ? -errno : check(program->path, fd);

	if (!err)
		return fd;
	if (fd >= 0)
		close(fd);
	return err;
}

int vballoon_program_look(const struct vballoon_program *program)
{
	int fd = open_next(program);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

int vballoon_program_try(struct vballoon_program *program)
{
	int fd = open_next(program);

	if (fd < 0)
		return fd;
	program->next = fd;
	return 0;
}

void vballoon_program_settle(struct vballoon_program *program)
{
	close(program->running);
	program->running = program->next;
	program->next = -1;
}

void vballoon_program_give_up(struct vballoon_program *program)
{
	close(program->next);
	program->next = -1;
}
