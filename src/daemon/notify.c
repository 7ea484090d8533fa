// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/log.h"
#include "daemon/notify.h"

void vballoon_notify(const char *state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *path = getenv("NOTIFY_SOCKET");
	size_t len;
	int fd;

	if (!path || !*path)
		return;
	len = strlen(path);
	if (len > sizeof(address.sun_path)) {
		vballoon_log(LOG_WARNING, "NOTIFY_SOCKET is too long a path: %s", path);
		return;
	}
	memcpy(address.sun_path, path, len);
	/* unix(7): an abstract address begins with a zero byte, here written as "@". */
	if (address.sun_path[0] == '@')
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&address,
			     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0)
		vballoon_log(LOG_WARNING, "the service manager cannot be told \"%s\": %s", state,
			     strerror(errno));
	if (fd >= 0)
		close(fd);
}
