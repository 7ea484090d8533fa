/* SPDX-License-Identifier: BSD-3-Clause */
/* The control socket and its clients, a bounded number of them. */
#ifndef VBALLOON_DAEMON_CONTROL_SERVER_H
#define VBALLOON_DAEMON_CONTROL_SERVER_H

#include "daemon/access.h"
#include "daemon/control_client.h"
#include "daemon/guest.h"
#include "daemon/loop.h"
#include "daemon/socket.h"

#define VBALLOON_CONTROL_CLIENTS_MAX 16

struct vballoon_control_server {
	struct vballoon_loop *loop;
	struct vballoon_guest *guest;
	struct vballoon_access access;
	struct vballoon_socket socket;
	struct vballoon_source source;
	struct vballoon_control_client *clients[VBALLOON_CONTROL_CLIENTS_MAX];
};

void vballoon_control_server_init(struct vballoon_control_server *server,
				  struct vballoon_loop *loop, struct vballoon_guest *guest,
				  const struct vballoon_access *access);

/* Listen at @path, made as @server->access says. Returns 0; -1 when it failed, which
 * the log then says, here and below. */
int vballoon_control_server_listen(struct vballoon_control_server *server, const char *path);

/* Listen at a socket that was handed over. */
int vballoon_control_server_adopt(struct vballoon_control_server *server, int fd);

/* To be called after anything that may have changed the guest: answers the
 * calls that came true or ran out of time, and lets go of clients that went. */
void vballoon_control_server_update(struct vballoon_control_server *server);

/* When update is due though nothing changed, by vballoon_loop_now_ms(); VBALLOON_NEVER. */
uint64_t vballoon_control_server_due_ms(const struct vballoon_control_server *server);

void vballoon_control_server_deinit(struct vballoon_control_server *server);

#endif /* VBALLOON_DAEMON_CONTROL_SERVER_H */
