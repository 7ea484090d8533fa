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

static int manager = -1;

void vballoon_notify_open(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *path = getenv("NOTIFY_SOCKET");
	size_t len;

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
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (manager >= 0 && !connect(manager, (struct sockaddr *)&address,
				     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)))
		return;
	vballoon_log(LOG_WARNING, "the service manager cannot be told anything: %s",
		     strerror(errno));
	if (manager >= 0)
		close(manager);
	manager = -1;
}

void vballoon_notify(const char *state)
{
	if (manager >= 0 && send(manager, state, strlen(state), MSG_NOSIGNAL) < 0)
		vballoon_log(LOG_WARNING, "the service manager cannot be told \"%s\": %s", state,
			     strerror(errno));
}
