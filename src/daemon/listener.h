/* SPDX-License-Identifier: BSD-3-Clause */
/* Where front ends come from: a path, or a descriptor that was handed over. */
#ifndef VBALLOON_DAEMON_LISTENER_H
#define VBALLOON_DAEMON_LISTENER_H

#include <stdbool.h>

#include "daemon/guest.h"
#include "daemon/loop.h"
#include "daemon/socket.h"

struct vballoon_listener {
	struct vballoon_loop *loop;
	struct vballoon_guest *guest;
	struct vballoon_socket socket;
	struct vballoon_source source;
};

void vballoon_listener_init(struct vballoon_listener *listener, struct vballoon_loop *loop,
			    struct vballoon_guest *guest);

/* Wait for front ends at @path, made under the umask of the process. Returns 0;
 * -1 when it failed, which the log then says, here and below. */
int vballoon_listener_open_path(struct vballoon_listener *listener, const char *path);

/* Take a descriptor over that listens, or that is connected to a front end. */
int vballoon_listener_open_fd(struct vballoon_listener *listener, int fd);

/* After every turn of the loop: the next front end waits in its queue while one before it waits. */
void vballoon_listener_work(struct vballoon_listener *listener);

/* Whether front ends may still come. */
bool vballoon_listener_is_open(const struct vballoon_listener *listener);

void vballoon_listener_deinit(struct vballoon_listener *listener);

#endif /* VBALLOON_DAEMON_LISTENER_H */
