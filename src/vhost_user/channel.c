/* SPDX-License-Identifier: BSD-3-Clause */
#include "vhost_user/channel.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "supervisor/relay.h"

#define HEADER_BYTES sizeof(struct vhost_user_header)

ssize_t vballoon_socket_send(int socket, const void *bytes, size_t len)
{
	struct iovec all = { .iov_base = (void *)(uintptr_t)bytes, .iov_len = len };
	const struct msghdr msg = { .msg_iov = &all, .msg_iovlen = 1 };

	return sendmsg(socket, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void vballoon_channel_init(struct vballoon_channel *channel, int socket)
{
	const int on = 1;

	memset(channel, 0, sizeof(*channel));
	channel->socket = socket;
	/* SO_PEERCRED would tell who made a pair of sockets, not who has its other end.
	 * Where this fails no message names its sender. */
	(void)setsockopt(socket, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
}

bool vballoon_channel_relay_gone(const struct vballoon_channel *channel)
{
	struct pollfd relay = { .fd = channel->socket };
	const struct timespec now = { 0 };

	/* When only the front end has gone the relay is shut one way. */
	return channel->relayed && ppoll(&relay, 1, &now, NULL) == 1 && (relay.revents & POLLHUP);
}

bool vballoon_channel_has_more(const struct vballoon_channel *channel)
{
	uint8_t byte;
	struct iovec all = { .iov_base = &byte, .iov_len = sizeof(byte) };
	struct msghdr msg = { .msg_iov = &all, .msg_iovlen = 1 };

	return vballoon_channel_is_ahead(channel) ||
	       recvmsg(channel->socket, &msg, MSG_PEEK | MSG_DONTWAIT) >= 0 || errno != EAGAIN;
}

static void fds_close(int *fds, unsigned int *count)
{
	for (unsigned int i = 0; i < *count; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
	}
	*count = 0;
}

void vballoon_channel_next(struct vballoon_channel *channel)
{
	fds_close(channel->message.fds, &channel->message.fd_count);
	channel->received = 0;
}

void vballoon_channel_close(struct vballoon_channel *channel)
{
	vballoon_channel_next(channel);
	fds_close(channel->waiting, &channel->waiting_count);
	close(channel->socket);
	channel->socket = -1;
}

int vballoon_message_take_fd(struct vballoon_message *message, unsigned int index)
{
	int fd;

	if (index >= message->fd_count)
		return -1;
	fd = message->fds[index];
	message->fds[index] = -1;
	return fd;
}

uint64_t vballoon_message_u64(const struct vballoon_message *message)
{
	uint64_t value;

	memcpy(&value, message->payload, sizeof(value));
	return value;
}

static const char too_many_fds[] = "a message with too many descriptors";
static const char lost_fds[] = "a message whose descriptors this process could not all take: "
			       "raise its limit of open files (ulimit -n)";

/* Own the descriptors of one recvmsg(): NULL, or what is wrong with them. Where some are left out
 * there was no room for more than a message can have, or the host has let us have no more. */
static const char *fds_collect(struct vballoon_channel *channel, struct msghdr *msg)
{
	const char *fault = NULL;
	size_t got = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		size_t count;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
			if (channel->waiting_count < VHOST_USER_FDS_MAX) {
				channel->waiting[channel->waiting_count++] = fd;
			} else {
				close(fd);
				fault = too_many_fds;
			}
		}
		got += count;
	}
	if (!fault && msg->msg_flags & MSG_CTRUNC)
		fault = got < VHOST_USER_FDS_MAX ? lost_fds : too_many_fds;
	return fault;
}

/* Nothing was read behind this message: the descriptors are its own. False when they are more
 * than it can have. */
static bool fds_settle(struct vballoon_channel *channel)
{
	struct vballoon_message *message = &channel->message;
	bool fit = message->fd_count + channel->waiting_count <= VHOST_USER_FDS_MAX;

	if (vballoon_channel_is_ahead(channel))
		return true;
	for (unsigned int i = 0; fit && i < channel->waiting_count; i++) {
		message->fds[message->fd_count++] = channel->waiting[i];
		channel->waiting[i] = -1;
	}
	fds_close(channel->waiting, &channel->waiting_count);
	return fit;
}

/* Who has sent what one recvmsg() read. */
static void peer_learn(struct vballoon_channel *channel, struct msghdr *msg)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		struct ucred sender;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_CREDENTIALS)
			continue;
		memcpy(&sender, CMSG_DATA(c), sizeof(sender));
		if (!channel->relayed)
			channel->peer = sender.pid;
	}
}

/* The bytes that come next: the rest of the header, else of the payload. */
static struct iovec rest_of(struct vballoon_channel *channel)
{
	struct vballoon_message *message = &channel->message;
	struct iovec rest;

	if (channel->received < HEADER_BYTES) {
		rest.iov_base = (uint8_t *)&message->header + channel->received;
		rest.iov_len = HEADER_BYTES - channel->received;
	} else {
		rest.iov_base = message->payload + (channel->received - HEADER_BYTES);
		rest.iov_len = HEADER_BYTES + message->header.size - channel->received;
	}
	return rest;
}

/* Read bytes of the message, and behind those that it begins with what there is: the number of the
 * message's own, 0 when there are none now, or as receive(). */
static ssize_t read_some(struct vballoon_channel *channel, const char **fault_out)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct ucred)) +
					      CMSG_SPACE(VHOST_USER_FDS_MAX * sizeof(int))];
	struct iovec parts[] = { rest_of(channel), { channel->ahead, sizeof(channel->ahead) } };
	struct msghdr msg = {
		.msg_iov = parts,
		.msg_iovlen = channel->received ? 1 : 2,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	ssize_t got;

	do {
		got = recvmsg(channel->socket, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return errno == EAGAIN ? 0 : -ECONNRESET;
	if (!got)
		return -ECONNRESET;
	peer_learn(channel, &msg);
	channel->ahead_len = (size_t)got > parts[0].iov_len ? (size_t)got - parts[0].iov_len : 0;
	channel->ahead_done = 0;
	*fault_out = fds_collect(channel, &msg);
	if (*fault_out) {
		fds_close(channel->waiting, &channel->waiting_count);
		return -EPROTO;
	}
	return got - (ssize_t)channel->ahead_len;
}

/* As read_some(), of bytes that were read ahead if there are any. */
static ssize_t take_some(struct vballoon_channel *channel, const char **fault_out)
{
	size_t there = channel->ahead_len - channel->ahead_done;
	struct iovec rest = rest_of(channel);

	if (!there)
		return read_some(channel, fault_out);
	if (there > rest.iov_len)
		there = rest.iov_len;
	memcpy(rest.iov_base, channel->ahead + channel->ahead_done, there);
	channel->ahead_done += there;
	return (ssize_t)there;
}

int vballoon_channel_receive(struct vballoon_channel *channel, const char **fault_out)
{
	const struct vhost_user_header *header = &channel->message.header;

	for (;;) {
		ssize_t got;

		if (channel->received >= HEADER_BYTES &&
		    channel->received == HEADER_BYTES + header->size)
			return VBALLOON_CHANNEL_MESSAGE;
		got = take_some(channel, fault_out);
		if (got <= 0)
			return got ? (int)got : VBALLOON_CHANNEL_WAIT;
		channel->received += (size_t)got;
		if (!fds_settle(channel)) {
			*fault_out = too_many_fds;
			return -EPROTO;
		}
		if (channel->received == HEADER_BYTES) {
			*fault_out = vballoon_codec_check_header(header);
			if (*fault_out)
				return -EPROTO;
		}
	}
}

void vballoon_channel_prepare(struct vballoon_channel *channel, const void *payload, uint32_t size)
{
	struct vhost_user_header header = {
		.request = channel->message.header.request,
		.flags = VHOST_USER_VERSION | VHOST_USER_REPLY,
		.size = size,
	};

	memcpy(channel->out, &header, HEADER_BYTES);
	memcpy(channel->out + HEADER_BYTES, payload, size);
	channel->out_len = HEADER_BYTES + size;
	channel->out_done = 0;
}

int vballoon_channel_reply(struct vballoon_channel *channel, const void *payload, uint32_t size)
{
	vballoon_channel_prepare(channel, payload, size);
	return vballoon_channel_flush(channel);
}

void vballoon_channel_finish(struct vballoon_channel *channel)
{
	const struct vballoon_relay_header done = { .request = VBALLOON_RELAY_DONE,
						    .flags = VBALLOON_RELAY_VERSION };

	memcpy(channel->out + channel->out_len, &done, sizeof(done));
	channel->out_len += sizeof(done);
}

int vballoon_channel_flush(struct vballoon_channel *channel)
{
	while (vballoon_channel_sending(channel)) {
		ssize_t sent =
			vballoon_socket_send(channel->socket, channel->out + channel->out_done,
					     channel->out_len - channel->out_done);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return errno == EAGAIN ? 0 : -ECONNRESET;
		channel->out_done += (size_t)sent;
	}
	return 0;
}
