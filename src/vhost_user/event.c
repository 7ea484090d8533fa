/* SPDX-License-Identifier: BSD-3-Clause */
#include "vhost_user/event.h"

#include <poll.h>
#include <sys/uio.h>
#include <unistd.h>

void vballoon_event_signal(int fd)
{
	struct pollfd writable = { .fd = fd, .events = POLLOUT };
	const struct timespec now = { 0 };
	const uint64_t one = 1;
	ssize_t ignored;

	/* A counter at its limit, or a full pipe in its place, would block. */
	if (ppoll(&writable, 1, &now, NULL) != 1 || !(writable.revents & POLLOUT))
		return;
	ignored = write(fd, &one, sizeof(one));
	(void)ignored;
}

uint64_t vballoon_event_drain(int fd)
{
	uint64_t count = 0;
	struct iovec to = { .iov_base = &count, .iov_len = sizeof(count) };

	/* O_NONBLOCK would be the front end's, too; this flag is for one call. */
	return preadv2(fd, &to, 1, -1, RWF_NOWAIT) == sizeof(count) ? count : 0;
}

void vballoon_event_replace(int *owned_fd, int fd)
{
	if (*owned_fd >= 0)
		close(*owned_fd);
	*owned_fd = fd;
}
