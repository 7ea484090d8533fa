// SPDX-License-Identifier: BSD-3-Clause
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "daemon/listener.h"
#include "daemon/log.h"

void vballoon_listener_init(struct vballoon_listener *listener, struct vballoon_loop *loop,
			    struct vballoon_guest *guest)
{
	memset(listener, 0, sizeof(*listener));
	listener->loop = loop;
	listener->guest = guest;
	vballoon_socket_init(&listener->socket);
}

static void ready(void *context, uint32_t events)
{
	struct vballoon_listener *listener = context;
	int fd = vballoon_socket_accept(&listener->socket);

	(void)events;
	if (fd >= 0)
		vballoon_guest_connect(listener->guest, fd);
}

static int watch(struct vballoon_listener *listener)
{
	int on = 1;
	int err;

	/* Accepted sockets inherit it: not even a message that is sent at once, before the
	 * back end has its socket, comes without its sender. */
	(void)setsockopt(listener->socket.fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
	listener->source.fd = listener->socket.fd;
	listener->source.events = EPOLLIN;
	listener->source.ready = ready;
	listener->source.context = listener;
	err = vballoon_loop_add(listener->loop, &listener->source);
	if (err)
		vballoon_log(LOG_ERR, "cannot watch the front end's socket: %s", strerror(-err));
	return err ? -1 : 0;
}

int vballoon_listener_open_path(struct vballoon_listener *listener, const char *path)
{
	mode_t mask = umask(0);

	umask(mask);
	if (vballoon_socket_listen(&listener->socket, path, mask, "listen-vhost") < 0)
		return -1;
	return watch(listener);
}

int vballoon_listener_open_fd(struct vballoon_listener *listener, int fd)
{
	bool listens;
	int err = vballoon_socket_probe(fd, &listens);

	if (err) {
		vballoon_log(LOG_ERR,
			     "--fd %d: %s: hand over a Unix stream socket, listening or "
			     "connected",
			     fd, strerror(-err));
		return -1;
	}
	if (listens) {
		vballoon_socket_adopt(&listener->socket, fd);
		return watch(listener);
	}
	vballoon_guest_connect(listener->guest, fd);
	return vballoon_guest_is_connected(listener->guest) ? 0 : -1;
}

void vballoon_listener_work(struct vballoon_listener *listener)
{
	if (listener->source.ready)
		vballoon_loop_modify(listener->loop, &listener->source,
				     vballoon_guest_has_next(listener->guest) ? 0 : EPOLLIN);
}

bool vballoon_listener_is_open(const struct vballoon_listener *listener)
{
	return listener->socket.fd >= 0;
}

void vballoon_listener_deinit(struct vballoon_listener *listener)
{
	vballoon_socket_close(&listener->socket);
}
