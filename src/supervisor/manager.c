// SPDX-License-Identifier: BSD-3-Clause
#include "supervisor/manager.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "supervisor/parcel.h"

/* A manager that does not listen for so long does not store either. */
#define PATIENCE_MS 500

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

/* As vballoon_parcel_send_one(). One that did not listen is not waited for again until it does. */
static int send_patiently(int manager, const char *text, size_t len, int fd)
{
	static bool deaf;
	struct pollfd room = { .fd = manager, .events = POLLOUT };
	int err = vballoon_parcel_send_one(manager, text, len, fd, 0);

	if (err == -EAGAIN && !deaf && poll(&room, 1, PATIENCE_MS) == 1)
		err = vballoon_parcel_send_one(manager, text, len, fd, 0);
	deaf = err == -EAGAIN;
	return err;
}

static int tell(const char *text, size_t len, int fd, bool waits)
{
	int manager = vballoon_manager_open();
	int err;

	if (manager < 0)
		return manager == -ENODATA ? 0 : manager;
	err = waits ? send_patiently(manager, text, len, fd)
		    : vballoon_parcel_send_one(manager, text, len, fd, 0);
	close(manager);
	return err;
}

int vballoon_manager_tell(const char *text, size_t len)
{
	return len ? tell(text, len, -1, false) : 0;
}

int vballoon_manager_store(const char *name, int fd)
{
	char text[80];
	int len = snprintf(text, sizeof(text), "FDSTORE=1\nFDNAME=%s\nFDPOLL=0", name);

	return tell(text, (size_t)len, fd, true);
}

int vballoon_manager_unstore(const char *name)
{
	char text[80];
	int len = snprintf(text, sizeof(text), "FDSTOREREMOVE=1\nFDNAME=%s", name);

	return tell(text, (size_t)len, -1, true);
}
