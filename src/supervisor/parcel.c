// SPDX-License-Identifier: BSD-3-Clause
#include "supervisor/parcel.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

int vballoon_parcel_send(int socket, const void *bytes, size_t len, const int *fds,
			 unsigned int fd_count, int flags)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(VBALLOON_PARCEL_FDS_MAX * sizeof(int))] = {
		0
	};
	struct iovec all = { .iov_base = (void *)(uintptr_t)bytes, .iov_len = len };
	struct msghdr msg = { .msg_iov = &all, .msg_iovlen = 1 };
	struct cmsghdr *rights;

	if (fd_count) {
		msg.msg_control = control;
		msg.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
		rights = CMSG_FIRSTHDR(&msg);
		rights->cmsg_level = SOL_SOCKET;
		rights->cmsg_type = SCM_RIGHTS;
		rights->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		memcpy(CMSG_DATA(rights), fds, fd_count * sizeof(int));
	}
	return sendmsg(socket, &msg, MSG_NOSIGNAL | flags) < 0 ? -errno : 0;
}
