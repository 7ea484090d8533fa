// SPDX-License-Identifier: BSD-3-Clause
#include "supervisor/front.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "supervisor/parcel.h"

#define HEADER_BYTES sizeof(struct vballoon_relay_header)

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void clear_message(struct vballoon_front *front)
{
	for (unsigned int i = 0; i < front->fd_count; i++)
		close(front->fds[i]);
	front->fd_count = 0;
	front->received = 0;
	front->whole = front->given = false;
	front->deaths = 0;
}

void vballoon_front_init(struct vballoon_front *front)
{
	memset(front, 0, sizeof(*front));
	front->socket = front->relay = -1;
}

void vballoon_front_resume(struct vballoon_front *front, int socket, const int *fds)
{
	front->socket = socket;
	front->relay = -1;
	front->given = false;
	front->answer_len = front->answer_seen = 0;
	memcpy(front->fds, fds, front->fd_count * sizeof(*fds));
}

void vballoon_front_connect(struct vballoon_front *front, int socket)
{
	const int on = 1;

	vballoon_front_disconnect(front);
	/* Where this fails no message names its sender. */
	(void)setsockopt(socket, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
	front->socket = socket;
	front->ended = front->broken = false;
	front->answered = 0;
	front->peer = 0;
}

void vballoon_front_attach(struct vballoon_front *front, int relay)
{
	close_fd(&front->relay);
	front->relay = relay;
	front->given = false;
	front->answer_len = front->answer_seen = 0;
	if (front->ended)
		shutdown(relay, SHUT_WR);
}

/* The front end says no more: the worker is to learn of it, behind what it was given. */
static void end(struct vballoon_front *front)
{
	front->ended = true;
	if (front->relay >= 0)
		shutdown(front->relay, SHUT_WR);
}

static size_t message_bytes(const struct vballoon_front *front)
{
	struct vballoon_relay_header header;

	if (front->received < HEADER_BYTES)
		return HEADER_BYTES;
	memcpy(&header, front->message, sizeof(header));
	/* Whose is longer than any message is refused for its header alone. */
	return HEADER_BYTES + (header.size <= VBALLOON_RELAY_PAYLOAD_MAX ? header.size : 0);
}

static void take_control(struct vballoon_front *front, struct msghdr *msg)
{
	if (msg->msg_flags & MSG_CTRUNC)
		front->broken = true;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		struct ucred sender;
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		int fd;

		if (c->cmsg_level != SOL_SOCKET)
			continue;
		if (c->cmsg_type == SCM_CREDENTIALS) {
			memcpy(&sender, CMSG_DATA(c), sizeof(sender));
			front->peer = sender.pid;
		}
		for (size_t i = 0; c->cmsg_type == SCM_RIGHTS && i < count; i++) {
			memcpy(&fd, CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
			if (front->fd_count < VBALLOON_RELAY_FDS_MAX) {
				front->fds[front->fd_count++] = fd;
			} else {
				front->broken = true;
				close(fd);
			}
		}
	}
}

/* Read on, at most to the end of one message. Returns whether it may be worth while to go on. */
static bool read_some(struct vballoon_front *front)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct ucred)) +
					      CMSG_SPACE(VBALLOON_RELAY_FDS_MAX * sizeof(int))];
	struct iovec rest = { .iov_base = front->message + front->received,
			      .iov_len = message_bytes(front) - front->received };
	struct msghdr msg = { .msg_iov = &rest,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	ssize_t got = recvmsg(front->socket, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (got > 0)
		take_control(front, &msg);
	if (got <= 0 || front->broken) {
		end(front);
		return false;
	}
	front->received += (size_t)got;
	front->whole = front->received >= HEADER_BYTES && front->received == message_bytes(front);
	return !front->whole;
}

static void send_out(struct vballoon_front *front)
{
	ssize_t sent;

	while (front->out_done < front->out_len) {
		sent = send(front->socket, front->out + front->out_done,
			    front->out_len - front->out_done, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0 && errno != EAGAIN && errno != EINTR) {
			front->out_done = front->out_len;
			end(front);
		}
		if (sent < 0)
			return;
		front->out_done += (size_t)sent;
	}
}

/* One message is under way at a time, so that there is room for all of it. It goes in one piece with
 * what announces it, so that the worker wakes up once. */
static void give(struct vballoon_front *front)
{
	struct {
		struct vballoon_relay_header header;
		struct vballoon_relay_next next;
		uint8_t message[VBALLOON_FRONT_MESSAGE_MAX];
	} __attribute__((packed)) announced = {
		.header = { VBALLOON_RELAY_NEXT, VBALLOON_RELAY_VERSION,
			    sizeof(struct vballoon_relay_next) },
		.next = { front->answered, (uint64_t)front->peer },
	};

	front->given = true;
	memcpy(announced.message, front->message, front->received);
	/* Where this fails the worker is dying, or reads nothing, or the host has no more room: it
	 * would never answer, and the next one is given the message. */
	if (vballoon_parcel_send(front->relay, &announced,
				 sizeof(announced) - sizeof(announced.message) + front->received,
				 front->fds, front->fd_count, MSG_DONTWAIT))
		close_fd(&front->relay);
}

/* Look for the end of the answer in what the worker has sent. */
static void look_for_end(struct vballoon_front *front)
{
	struct vballoon_relay_header header;

	while (front->answer_len - front->answer_seen >= HEADER_BYTES) {
		memcpy(&header, front->answer + front->answer_seen, sizeof(header));
		if (header.request == VBALLOON_RELAY_DONE) {
			memcpy(front->out, front->answer, front->answer_seen);
			front->out_len = front->answer_seen;
			front->out_done = 0;
			front->answer_len = front->answer_seen = 0;
			front->answered++;
			clear_message(front);
			return;
		}
		if (header.size > front->answer_len - front->answer_seen - HEADER_BYTES)
			return;
		front->answer_seen += HEADER_BYTES + header.size;
	}
}

static void read_answer(struct vballoon_front *front)
{
	ssize_t got = recv(front->relay, front->answer + front->answer_len,
			   sizeof(front->answer) - front->answer_len, MSG_DONTWAIT);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		/* It has ended, or says more than any answer is: it is heard no more. */
		close_fd(&front->relay);
		return;
	}
	front->answer_len += (size_t)got;
	look_for_end(front);
}

void vballoon_front_poll(const struct vballoon_front *front, struct pollfd *socket,
			 struct pollfd *relay)
{
	bool sends = front->out_done < front->out_len;

	*socket = (struct pollfd){ .fd = -1 };
	*relay = (struct pollfd){ .fd = -1 };
	if (front->socket < 0)
		return;
	if (sends || (!front->whole && !front->ended)) {
		socket->fd = front->socket;
		socket->events = sends ? POLLOUT : POLLIN;
	}
	if (front->relay >= 0 && front->given) {
		relay->fd = front->relay;
		relay->events = POLLIN;
	}
}

void vballoon_front_work(struct vballoon_front *front, bool speaks, bool answers)
{
	if (front->socket < 0)
		return;
	if (answers && front->relay >= 0 && front->given)
		read_answer(front);
	send_out(front);
	if (front->out_done < front->out_len)
		return;
	while (speaks && !front->whole && !front->ended && read_some(front))
		;
	if (front->whole && !front->given && front->relay >= 0)
		give(front);
}

void vballoon_front_detach(struct vballoon_front *front)
{
	if (front->socket >= 0 && front->relay >= 0 && front->given) {
		read_answer(front);
		send_out(front);
	}
	front->deaths += front->given;
	front->given = false;
	front->answer_len = front->answer_seen = 0;
	close_fd(&front->relay);
}

void vballoon_front_disconnect(struct vballoon_front *front)
{
	if (front->socket < 0) {
		/* Of one whose socket another supervisor has not left, the rest may be there. */
		clear_message(front);
		return;
	}
	if (front->relay >= 0 && front->given)
		read_answer(front);
	send_out(front);
	clear_message(front);
	front->out_len = front->out_done = 0;
	close_fd(&front->relay);
	close_fd(&front->socket);
}
