// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "control/message.h"
#include "daemon/control_server.h"
#include "daemon/log.h"
#include "daemon/lookout.h"
#include "daemon/pair.h"
#include "supervisor/parcel.h"

void vballoon_control_server_init(struct vballoon_control_server *server,
				  struct vballoon_loop *loop, struct vballoon_guest *guest,
				  const struct vballoon_access *access)
{
	memset(server, 0, sizeof(*server));
	server->loop = loop;
	server->guest = guest;
	server->access = *access;
	vballoon_socket_init(&server->socket);
}

static struct vballoon_control_client **free_slot(struct vballoon_control_server *server)
{
	unsigned int i;

	for (i = 0; i < VBALLOON_CONTROL_CLIENTS_MAX; i++) {
		if (!server->clients[i])
			return &server->clients[i];
	}
	return NULL;
}

/* There is room in a new connection's buffer for so short a line. */
static void turn_away(int fd, const struct vballoon_error *error)
{
	json_t *message = vballoon_message_error(error, NULL);
	size_t len = 0;
	char *line;

	line = vballoon_message_print(message, &len);
	if (line)
		(void)vballoon_parcel_send_one(fd, line, len, -1, 0);
	free(line);
	json_decref(message);
	close(fd);
}

/* Whether the client at @fd may give orders; when not, @error says why. */
static bool is_permitted(const struct vballoon_control_server *server, int fd,
			 struct vballoon_error *error)
{
	struct vballoon_peer peer;
	bool permitted;

	if (vballoon_lookout_access(fd, &server->access, &peer, &permitted)) {
		vballoon_error_set(error, VBALLOON_ERROR_NOT_ALLOWED,
				   "it cannot be found out whose process this is");
		return false;
	}
	if (!permitted) {
		vballoon_log(LOG_WARNING, "user %u, process %d, may not give orders", peer.uid,
			     peer.pid);
		vballoon_error_set(error, VBALLOON_ERROR_NOT_ALLOWED,
				   "user %u may not give orders to this daemon", peer.uid);
	}
	return permitted;
}

static void ready(void *context, uint32_t events)
{
	struct vballoon_control_server *server = context;
	struct vballoon_control_client **slot = free_slot(server);
	int fd = vballoon_socket_accept(&server->socket);
	struct vballoon_error error;
	int err;

	(void)events;
	if (fd < 0)
		return;
	if (!is_permitted(server, fd, &error)) {
		turn_away(fd, &error);
		return;
	}
	if (!slot) {
		vballoon_error_set(&error, VBALLOON_ERROR_TOO_MANY_CLIENTS,
				   "%d clients are connected already: close one",
				   VBALLOON_CONTROL_CLIENTS_MAX);
		turn_away(fd, &error);
		return;
	}
	err = vballoon_control_client_new(server->loop, server->guest, fd, slot);
	if (err)
		vballoon_log(LOG_ERR, "a control client cannot be served: %s", strerror(-err));
}

static int watch(struct vballoon_control_server *server)
{
	server->source.fd = server->socket.fd;
	server->source.events = EPOLLIN;
	server->source.ready = ready;
	server->source.context = server;
	if (!vballoon_loop_add(server->loop, &server->source))
		return 0;
	vballoon_log(LOG_ERR, "cannot watch the control socket");
	return -1;
}

int vballoon_control_server_listen(struct vballoon_control_server *server, const char *path)
{
	gid_t group = server->access.group;
	mode_t mask = ~vballoon_access_mode(&server->access) & 0777;
	int found = vballoon_socket_listen(&server->socket, path, mask, "listen-control");

	if (found < 0)
		return -1;
	/* Whoever comes before this is not let in by the mode, or asked who it is. */
	if (!found && group != VBALLOON_NO_GROUP && lchown(path, (uid_t)-1, group)) {
		vballoon_log(LOG_ERR,
			     "cannot give %s to group %u: %s: run as root or as one of its "
			     "members",
			     path, group, strerror(errno));
		return -1;
	}
	return watch(server);
}

int vballoon_control_server_adopt(struct vballoon_control_server *server, int fd)
{
	bool listens;
	int err = vballoon_socket_probe(fd, &listens);

	if (!err && !listens)
		err = -EINVAL;
	if (err) {
		vballoon_log(LOG_ERR,
			     "the control socket that was handed over: %s: it has to be a Unix "
			     "stream socket that listens",
			     strerror(-err));
		return -1;
	}
	vballoon_socket_adopt(&server->socket, fd);
	return watch(server);
}

static bool is_waiting(const struct vballoon_control_client *client)
{
	return client && vballoon_control_client_is_waiting(client);
}

static unsigned int count_waiting(const struct vballoon_control_server *server)
{
	unsigned int count = 0;
	unsigned int i;

	for (i = 0; i < VBALLOON_CONTROL_CLIENTS_MAX; i++)
		count += is_waiting(server->clients[i]);
	return count;
}

void vballoon_control_server_update(struct vballoon_control_server *server)
{
	unsigned int waiting = count_waiting(server);
	uint64_t now_ms = vballoon_loop_now_ms();
	struct vballoon_view view;
	unsigned int i;

	if (waiting)
		vballoon_guest_glance(vballoon_pair_served(server->guest), &view);
	for (i = 0; i < VBALLOON_CONTROL_CLIENTS_MAX; i++) {
		if (is_waiting(server->clients[i]))
			vballoon_control_client_update(server->clients[i], &view, now_ms);
		if (server->clients[i] && server->clients[i]->gone) {
			vballoon_control_client_free(server->clients[i]);
			server->clients[i] = NULL;
		}
	}
}

uint64_t vballoon_control_server_due_ms(const struct vballoon_control_server *server)
{
	uint64_t soonest_ms = VBALLOON_NEVER;
	uint64_t deadline_ms;
	unsigned int i;

	for (i = 0; i < VBALLOON_CONTROL_CLIENTS_MAX; i++) {
		if (!is_waiting(server->clients[i]))
			continue;
		deadline_ms = vballoon_control_client_deadline_ms(server->clients[i]);
		if (deadline_ms < soonest_ms)
			soonest_ms = deadline_ms;
	}
	return soonest_ms;
}

void vballoon_control_server_deinit(struct vballoon_control_server *server)
{
	unsigned int i;

	for (i = 0; i < VBALLOON_CONTROL_CLIENTS_MAX; i++) {
		if (server->clients[i])
			vballoon_control_client_free(server->clients[i]);
	}
	vballoon_socket_close(&server->socket);
}
