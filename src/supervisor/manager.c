// SPDX-License-Identifier: BSD-3-Clause
#include "supervisor/manager.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

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

/* @wait_ms: how long it may take to hear. */
static int tell(const char *text, size_t len, int fd, int wait_ms)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec all = { .iov_base = (void *)(uintptr_t)text, .iov_len = len };
	struct msghdr msg = { .msg_iov = &all, .msg_iovlen = 1 };
	int manager = vballoon_manager_open();
	struct pollfd room = { .fd = manager, .events = POLLOUT };
	struct cmsghdr *rights;
	ssize_t sent;

	if (manager < 0)
		return manager == -ENODATA ? 0 : manager;
	if (fd >= 0) {
		msg.msg_control = control;
		msg.msg_controllen = sizeof(control);
		rights = CMSG_FIRSTHDR(&msg);
		rights->cmsg_level = SOL_SOCKET;
		rights->cmsg_type = SCM_RIGHTS;
		rights->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(rights), &fd, sizeof(fd));
	}
	sent = sendmsg(manager, &msg, MSG_NOSIGNAL);
	if (sent < 0 && errno == EAGAIN && poll(&room, 1, wait_ms) == 1)
		sent = sendmsg(manager, &msg, MSG_NOSIGNAL);
	if (sent < 0)
		sent = -errno;
	close(manager);
	return sent < 0 ? (int)sent : 0;
}

int vballoon_manager_tell(const char *text, size_t len)
{
	return len ? tell(text, len, -1, 0) : 0;
}

int vballoon_manager_store(const char *name, int fd)
{
	char text[80];
	int len = snprintf(text, sizeof(text), "FDSTORE=1\nFDNAME=%s\nFDPOLL=0", name);

	return tell(text, (size_t)len, fd, PATIENCE_MS);
}

int vballoon_manager_unstore(const char *name)
{
	char text[80];
	int len = snprintf(text, sizeof(text), "FDSTOREREMOVE=1\nFDNAME=%s", name);

	return tell(text, (size_t)len, -1, PATIENCE_MS);
}
