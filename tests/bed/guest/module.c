// SPDX-License-Identifier: BSD-3-Clause
/* Kernel modules, by name; the host knows which need which. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent.h"

#define MODULE_DIRECTORY "/modules"

/* load NAME [PARAMETERS]: a module that is there already is as good as loaded. */
void module_load(char *arguments)
{
	char path[AGENT_LINE_BYTES];
	const char *name = strsep(&arguments, " ");
	int fd;

	snprintf(path, sizeof(path), MODULE_DIRECTORY "/%s.ko", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		agent_error(errno, "%s", path);
		return;
	}
	if (syscall(SYS_finit_module, fd, arguments ? arguments : "", 0) && errno != EEXIST)
		agent_error(errno, "load %s", name);
	else
		agent_ok("%s", name);
	close(fd);
}

void module_unload(char *arguments)
{
	if (syscall(SYS_delete_module, arguments, O_NONBLOCK))
		agent_error(errno, "unload %s", arguments);
	else
		agent_ok("%s", arguments);
}
