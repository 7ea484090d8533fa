/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One client of the control socket.
 *
 * A client is served one request at a time and read from only when it has taken
 * its last answer, so what it can make the daemon hold is one line and one
 * answer. Of the lines it has sent one is carried out in each turn of the loop.
 * One that has subscribed to events is not read from any more, and holds a bounded
 * queue of them.
 */
#ifndef VBALLOON_DAEMON_CONTROL_CLIENT_H
#define VBALLOON_DAEMON_CONTROL_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "control/line.h"
#include "daemon/commands.h"
#include "daemon/loop.h"
#include "daemon/subscription.h"

struct vballoon_control_client {
	struct vballoon_loop *loop;
	struct vballoon_guest *guest;
	struct vballoon_source source;
	struct vballoon_call call;
	struct vballoon_subscription subscription;
	char *answer; /* NULL: none to send */
	size_t answer_len;
	size_t answer_sent;
	bool finished; /* it sends no more: it goes when it has its answer */
	bool gone; /* only free is left to do */
	struct vballoon_line_reader reader;
};

/* Greet the client at @fd, which is the client's from now on, also on failure.
 * Returns 0; -ENOMEM and what epoll_ctl() gave. */
int vballoon_control_client_new(struct vballoon_loop *loop, struct vballoon_guest *guest, int fd,
				struct vballoon_control_client **client_out);
void vballoon_control_client_free(struct vballoon_control_client *client);

/* Whether it is to be updated after whatever may have changed. */
bool vballoon_control_client_is_waiting(const struct vballoon_control_client *client);

/* When it is to be updated though nothing changed; UINT64_MAX: never. */
uint64_t vballoon_control_client_deadline_ms(const struct vballoon_control_client *client);

/* Continue the call that waits, if one does; send what has happened, if it is to know. @view need
 * be no more than a glance (guest.h). */
void vballoon_control_client_update(struct vballoon_control_client *client,
				    const struct vballoon_view *view, uint64_t now_ms);

#endif /* VBALLOON_DAEMON_CONTROL_CLIENT_H */
