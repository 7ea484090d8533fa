// SPDX-License-Identifier: BSD-3-Clause
#include "supervisor/parcel.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

int vballoon_parcel_send(int socket, const void *bytes, size_t len, const int *fds,
			 unsigned int fd_count, int flags)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(VBALLOON_PARCEL_FDS_MAX * sizeof(int))] = {
		0
	};
	struct iovec all = { .iov_base = (void *)(uintptr_t)bytes, .iov_len = len };
	struct msghdr msg = { .msg_iov = &all, .msg_iovlen = 1 };
	struct cmsghdr *rights;
	ssize_t sent;

	if (fd_count) {
		msg.msg_control = control;
		msg.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
		rights = CMSG_FIRSTHDR(&msg);
		rights->cmsg_level = SOL_SOCKET;
		rights->cmsg_type = SCM_RIGHTS;
		rights->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		memcpy(CMSG_DATA(rights), fds, fd_count * sizeof(int));
	}
	do {
		sent = sendmsg(socket, &msg, MSG_NOSIGNAL | flags);
	} while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}

/* Room for one, as it is aligned, is room for two: whoever sends a second does not leave it here. */
static void take_first(struct msghdr *msg, int *fd_out)
{
	int fd;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(fd);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < count; i++) {
			memcpy(&fd, CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
			if (*fd_out < 0)
				*fd_out = fd;
			else
				close(fd);
		}
	}
}

ssize_t vballoon_parcel_receive_one(int socket, void *bytes, size_t len, int *fd_out, int flags)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
	struct iovec all = { .iov_base = bytes, .iov_len = len };
	struct msghdr msg = { .msg_iov = &all,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	ssize_t got;

	*fd_out = -1;
	do {
		got = recvmsg(socket, &msg, MSG_CMSG_CLOEXEC | flags);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	take_first(&msg, fd_out);
	return got;
}
