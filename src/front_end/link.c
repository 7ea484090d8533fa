/* SPDX-License-Identifier: BSD-3-Clause */
#include "front_end/link.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

int vballoon_link_connect(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd, err;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (!connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

static void told(const struct vballoon_link *link)
{
	if (link->sent)
		link->sent(link->context);
}

int vballoon_link_send_as(struct vballoon_link *link, const struct vhost_user_header *header,
			  const void *payload, size_t payload_len, const int *fds,
			  unsigned int fd_count)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(VBALLOON_LINK_FDS_MAX * sizeof(int))];
	struct iovec parts[] = { { (void *)(uintptr_t)header, sizeof(*header) },
				 { (void *)(uintptr_t)payload, payload_len } };
	struct msghdr msg = { .msg_iov = parts, .msg_iovlen = 2 };
	struct cmsghdr *rights;
	ssize_t sent;

	if (fd_count > VBALLOON_LINK_FDS_MAX)
		return -EINVAL;
	memset(control, 0, sizeof(control));
	if (fd_count) {
		msg.msg_control = control;
		msg.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
		rights = CMSG_FIRSTHDR(&msg);
		rights->cmsg_level = SOL_SOCKET;
		rights->cmsg_type = SCM_RIGHTS;
		rights->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		memcpy(CMSG_DATA(rights), fds, fd_count * sizeof(int));
	}
	sent = sendmsg(link->socket, &msg, MSG_NOSIGNAL);
	if (sent < 0)
		return -errno;
	if ((size_t)sent != sizeof(*header) + payload_len)
		return -EIO;
	told(link);
	return 0;
}

int vballoon_link_send(struct vballoon_link *link, uint32_t request, uint32_t flags,
		       const void *payload, uint32_t size, const int *fds, unsigned int fd_count)
{
	struct vhost_user_header header = { request, VHOST_USER_VERSION | flags, size };

	return vballoon_link_send_as(link, &header, payload, size, fds, fd_count);
}

/* Read exactly @len bytes. Returns 0 or as vballoon_link_receive(). */
static int read_all(struct vballoon_link *link, void *to, size_t len)
{
	struct pollfd input = { .fd = link->socket, .events = POLLIN };
	size_t done = 0;

	while (done < len) {
		ssize_t got;

		if (poll(&input, 1, link->timeout_ms) <= 0)
			return -EAGAIN;
		got = recv(link->socket, (char *)to + done, len - done, MSG_DONTWAIT);
		if (got < 0 && errno == EAGAIN)
			return -EAGAIN;
		if (got <= 0)
			return -ECONNRESET;
		done += (size_t)got;
	}
	return 0;
}

int vballoon_link_receive(struct vballoon_link *link, uint32_t request, void *payload,
			  uint32_t capacity)
{
	struct vhost_user_header header;
	int ret = read_all(link, &header, sizeof(header));

	if (ret)
		return ret;
	if (header.request != request || header.flags != (VHOST_USER_VERSION | VHOST_USER_REPLY))
		return -EPROTO;
	if (header.size > capacity)
		return -EMSGSIZE;
	ret = read_all(link, payload, header.size);
	return ret ? ret : (int)header.size;
}

static int receive_u64(struct vballoon_link *link, uint32_t request, uint64_t *value_out)
{
	int ret = vballoon_link_receive(link, request, value_out, sizeof(*value_out));

	if (ret < 0)
		return ret;
	return ret == sizeof(*value_out) ? 0 : -EPROTO;
}

int vballoon_link_get_u64(struct vballoon_link *link, uint32_t request, uint64_t *value_out)
{
	int ret = vballoon_link_send(link, request, 0, NULL, 0, NULL, 0);

	return ret ? ret : receive_u64(link, request, value_out);
}

int vballoon_link_ask(struct vballoon_link *link, uint32_t request, const void *payload,
		      uint32_t size, const int *fds, unsigned int fd_count, uint64_t *answer_out)
{
	int ret = vballoon_link_send(link, request, VHOST_USER_NEED_REPLY, payload, size, fds,
				     fd_count);

	return ret ? ret : receive_u64(link, request, answer_out);
}

bool vballoon_link_closed(struct vballoon_link *link, int timeout_ms)
{
	struct pollfd input = { .fd = link->socket, .events = POLLIN };
	char rest[512];

	while (poll(&input, 1, timeout_ms) > 0) {
		ssize_t got = recv(link->socket, rest, sizeof(rest), MSG_DONTWAIT);

		if (!got || (got < 0 && errno != EAGAIN))
			return true;
	}
	return false;
}
