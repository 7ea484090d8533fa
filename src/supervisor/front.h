/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The front end, held over the death of workers: its messages, cut apart by their headers and
 * otherwise not understood. One is given to the worker at a time, and kept until the whole of its
 * answer is there; a worker that died gives none, so that the next one has the message again.
 */
#ifndef VBALLOON_SUPERVISOR_FRONT_H
#define VBALLOON_SUPERVISOR_FRONT_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "supervisor/relay.h"

#define VBALLOON_FRONT_MESSAGE_MAX                                                                 \
	(sizeof(struct vballoon_relay_header) + VBALLOON_RELAY_PAYLOAD_MAX)

struct vballoon_front {
	int socket; /* owned; -1: there is no front end */
	int relay; /* owned; -1: there is no worker */
	bool ended; /* no more messages come */
	bool broken; /* by what it sent */
	pid_t peer; /* that sent what was read last */
	uint64_t answered; /* messages */
	unsigned int deaths; /* of workers over the message at hand */
	/* The message at hand. */
	uint8_t message[VBALLOON_FRONT_MESSAGE_MAX];
	size_t received;
	bool whole;
	bool given; /* to the worker */
	int fds[VBALLOON_RELAY_FDS_MAX]; /* owned */
	unsigned int fd_count;
	/* Its answer, as far as it has come from the worker. */
	uint8_t answer[2 * VBALLOON_FRONT_MESSAGE_MAX];
	size_t answer_len, answer_seen;
	/* The answer to the one before, on its way to the front end. */
	uint8_t out[2 * VBALLOON_FRONT_MESSAGE_MAX];
	size_t out_len, out_done;
};

void vballoon_front_init(struct vballoon_front *front);

/* As another supervisor has left it, in memory, with its descriptors as they are here; @socket is
 * -1 where there is no front end. */
void vballoon_front_resume(struct vballoon_front *front, int socket, const int *fds);

/* There is a front end, or another worker's end of the relay: owned from now on. */
void vballoon_front_connect(struct vballoon_front *front, int socket);
void vballoon_front_attach(struct vballoon_front *front, int relay);

/* What to wait for: of the front end, and of the worker. */
void vballoon_front_poll(const struct vballoon_front *front, struct pollfd *socket,
			 struct pollfd *relay);

/* Do what can be done now: the front end is to be read if it @speaks, the worker if it @answers. */
void vballoon_front_work(struct vballoon_front *front, bool speaks, bool answers);

/* The worker has died: what it had answered is taken, the rest forgotten. */
void vballoon_front_detach(struct vballoon_front *front);

/* The front end has gone, or is to go: what was answered is sent, as far as it takes it. */
void vballoon_front_disconnect(struct vballoon_front *front);

#endif /* VBALLOON_SUPERVISOR_FRONT_H */
