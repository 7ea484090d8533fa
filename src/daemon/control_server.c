// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/message.h"
#include "daemon/control_server.h"
#include "daemon/log.h"

/* Read and write for this user alone. */
#define CONTROL_UMASK 0177

void vballoon_control_server_init(struct vballoon_control_server *server,
				  struct vballoon_loop *loop, struct vballoon_guest *guest)
{
	memset(server, 0, sizeof(*server));
	server->loop = loop;
	server->guest = guest;
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
static void turn_away(int fd)
{
	struct vballoon_error error;
	json_t *message;
	size_t len = 0;
	char *line;

	vballoon_error_set(&error, VBALLOON_ERROR_TOO_MANY_CLIENTS,
			   "%d clients are connected already: close one",
			   VBALLOON_CONTROL_CLIENTS_MAX);
	message = vballoon_message_error(&error, NULL);
	line = vballoon_message_print(message, &len);
	if (line)
		send(fd, line, len, MSG_NOSIGNAL);
	free(line);
	json_decref(message);
	close(fd);
}

static void ready(void *context, uint32_t events)
{
	struct vballoon_control_server *server = context;
	struct vballoon_control_client **slot = free_slot(server);
	int fd = vballoon_socket_accept(&server->socket);
	int err;

	(void)events;
	if (fd < 0)
		return;
	if (!slot) {
		turn_away(fd);
		return;
	}
	err = vballoon_control_client_new(server->loop, server->guest, fd, slot);
	if (err)
		vballoon_log(LOG_ERR, "a control client cannot be served: %s", strerror(-err));
}

int vballoon_control_server_listen(struct vballoon_control_server *server, const char *path)
{
	if (vballoon_socket_listen(&server->socket, path, CONTROL_UMASK))
		return -1;
	server->source.fd = server->socket.fd;
	server->source.events = EPOLLIN;
	server->source.ready = ready;
	server->source.context = server;
	if (!vballoon_loop_add(server->loop, &server->source))
		return 0;
	vballoon_log(LOG_ERR, "cannot watch the control socket");
	return -1;
}

static bool is_waiting(const struct vballoon_control_client *client)
{
	return client && vballoon_call_is_waiting(&client->call);
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
		vballoon_guest_view(server->guest, &view);
	for (i = 0; i < VBALLOON_CONTROL_CLIENTS_MAX; i++) {
		if (is_waiting(server->clients[i]))
			vballoon_control_client_update(server->clients[i], &view, now_ms);
		if (server->clients[i] && server->clients[i]->gone) {
			vballoon_control_client_free(server->clients[i]);
			server->clients[i] = NULL;
		}
	}
}

int vballoon_control_server_timeout_ms(const struct vballoon_control_server *server)
{
	uint64_t now_ms = vballoon_loop_now_ms();
	uint64_t soonest_ms = VBALLOON_TIMEOUT_MS_MAX;
	uint64_t deadline_ms;
	unsigned int i;

	if (!count_waiting(server))
		return -1;
	for (i = 0; i < VBALLOON_CONTROL_CLIENTS_MAX; i++) {
		if (!is_waiting(server->clients[i]))
			continue;
		deadline_ms = server->clients[i]->call.deadline_ms;
		if (deadline_ms <= now_ms)
			return 0;
		if (deadline_ms - now_ms < soonest_ms)
			soonest_ms = deadline_ms - now_ms;
	}
	return (int)soonest_ms;
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
