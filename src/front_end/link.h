/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A front end's end of a vhost-user socket: messages out, answers in. It sends
 * what it is told to, however wrong, and waits for no answer longer than it was
 * told to.
 */
#ifndef VBALLOON_FRONT_END_LINK_H
#define VBALLOON_FRONT_END_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vhost_user/protocol.h"

/* More descriptors than a message may have. */
#define VBALLOON_LINK_FDS_MAX 16

struct vballoon_link {
	int socket; /* owned */
	int timeout_ms; /* the longest that an answer is waited for */
	/* Called after anything was sent or a queue was kicked, for a back end in the same
	 * process; may be NULL. */
	void (*sent)(void *context);
	void *context;
};

/* Connect to the socket at @path: its descriptor, or a negative errno. */
int vballoon_link_connect(const char *path);

/* Send a header as it is, the payload and descriptors behind it. Returns 0 or a negative
 * errno: -EPIPE or -ECONNRESET when the other side has gone. */
int vballoon_link_send_as(struct vballoon_link *link, const struct vhost_user_header *header,
			  const void *payload, size_t payload_len, const int *fds,
			  unsigned int fd_count);

/* Send a message with a header that is right. As above. */
int vballoon_link_send(struct vballoon_link *link, uint32_t request, uint32_t flags,
		       const void *payload, uint32_t size, const int *fds, unsigned int fd_count);

/* Receive the answer to @request: its payload's size; -EAGAIN when none comes in time;
 * -ECONNRESET when the other side has gone; -EPROTO when it is no answer to that, and
 * -EMSGSIZE when it is longer than @capacity. */
int vballoon_link_receive(struct vballoon_link *link, uint32_t request, void *payload,
			  uint32_t capacity);

/* Ask for a u64. Returns 0 or as vballoon_link_receive(). */
int vballoon_link_get_u64(struct vballoon_link *link, uint32_t request, uint64_t *value_out);

/* Send with need_reply: the answer, 0 or an error of the other side's. Returns 0 or as
 * vballoon_link_receive(). */
int vballoon_link_ask(struct vballoon_link *link, uint32_t request, const void *payload,
		      uint32_t size, const int *fds, unsigned int fd_count, uint64_t *answer_out);

/* Whether the other side has closed the connection, all that it sent having been read;
 * waits for that no longer than @timeout_ms. */
bool vballoon_link_closed(struct vballoon_link *link, int timeout_ms);

#endif /* VBALLOON_FRONT_END_LINK_H */
