// SPDX-License-Identifier: BSD-3-Clause
#include "supervisor/manager.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int vballoon_manager_open(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *path = getenv("NOTIFY_SOCKET");
	size_t len;
	int fd, err;

	if (!path || !*path)
		return -ENODATA;
	len = strlen(path);
	if (len > sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, len);
	/* unix(7): an abstract address begins with a zero byte, here written as "@". */
	if (address.sun_path[0] == '@')
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (!connect(fd, (struct sockaddr *)&address,
		     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

int vballoon_manager_tell(const char *text, size_t len)
{
	int fd = vballoon_manager_open();
	int err;

	if (fd < 0)
		return fd == -ENODATA ? 0 : fd;
	err = send(fd, text, len, MSG_NOSIGNAL) < 0 ? -errno : 0;
	close(fd);
	return err;
}
