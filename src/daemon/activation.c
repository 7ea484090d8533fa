// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/activation.h"
#include "daemon/log.h"

#define FIRST_FD 3
#define FDS_MAX 2

/* A whole number of the environment; -1 when it is missing or no such number. */
static long number_of(const char *name)
{
	const char *text = getenv(name);
	char *end;
	long number;

	if (!text)
		return -1;
	errno = 0;
	number = strtol(text, &end, 10);
	return errno || end == text || *end || number < 0 ? -1 : number;
}

static int *place_of(struct vballoon_activation *activation, const char *name, size_t len)
{
	if (len == strlen("vhost") && !strncmp(name, "vhost", len))
		return &activation->vhost_fd;
	if (len == strlen("control") && !strncmp(name, "control", len))
		return &activation->control_fd;
	return NULL;
}

static int take_one(struct vballoon_activation *activation, int fd, const char *name, size_t len)
{
	int *place = place_of(activation, name, len);

	if (!place) {
		vballoon_log(LOG_ERR,
			     "a socket named \"%.*s\" was handed over: name it in its unit, "
			     "FileDescriptorName=vhost or =control",
			     (int)len, name);
		return -1;
	}
	if (*place >= 0) {
		vballoon_log(LOG_ERR, "two sockets named \"%.*s\" were handed over: one is enough",
			     (int)len, name);
		return -1;
	}
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	*place = fd;
	return 0;
}

int vballoon_activation_take(struct vballoon_activation *activation_out)
{
	const char *names = getenv("LISTEN_FDNAMES");
	long count = number_of("LISTEN_FDS");
	size_t len;
	int i;

	activation_out->vhost_fd = -1;
	activation_out->control_fd = -1;
	/* What is meant for another process, a parent of this one, is inherited too. */
	if (number_of("LISTEN_PID") != (long)getpid() || count < 1)
		return 0;
	if (count > FDS_MAX) {
		vballoon_log(LOG_ERR, "%ld sockets were handed over: at most %d have a use", count,
			     FDS_MAX);
		return -1;
	}
	for (i = 0; i < count; i++) {
		names = names ? names : "";
		len = strcspn(names, ":");
		if (take_one(activation_out, FIRST_FD + i, names, len))
			return -1;
		names += len + (names[len] == ':');
	}
	return 0;
}
