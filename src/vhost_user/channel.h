/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whole messages over a non-blocking stream socket, however it cuts them up.
 *
 * A call of the host reads a message, or several short ones. Every descriptor that arrives
 * has one owner from recvmsg() on: the channel until the message is at hand that it
 * belongs to, which is the last that the call has read of, since the kernel reads nothing
 * behind a descriptor; then that message until a handler takes it
 * (vballoon_message_take_fd()). What nobody took is closed with the message.
 */
#ifndef VBALLOON_VHOST_USER_CHANNEL_H
#define VBALLOON_VHOST_USER_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "vhost_user/codec.h"
#include "vhost_user/protocol.h"

struct vballoon_message {
	struct vhost_user_header header;
	unsigned int fd_count; /* as many came with it; taken ones included */
	int fds[VHOST_USER_FDS_MAX]; /* -1: taken */
	_Alignas(8) uint8_t payload[VBALLOON_PAYLOAD_MAX];
};

/* The longest answer: a whole configuration space. */
#define VBALLOON_REPLY_MAX (sizeof(struct vhost_user_config) + VHOST_USER_CONFIG_MAX)

/* What is sent for one message at the most: an answer, and that this is all. */
#define VBALLOON_ANSWER_MAX (2 * sizeof(struct vhost_user_header) + VBALLOON_REPLY_MAX)

/* Read with a header: as long as the payload of what is sent often. */
#define VBALLOON_AHEAD_MAX 64

struct vballoon_channel {
	int socket; /* owned */
	pid_t peer; /* who sent what was read last; 0: a process that has no number here */
	struct vballoon_message message;
	size_t received; /* bytes of the message, its header included */
	size_t ahead_len, ahead_done; /* of what was read behind them */
	unsigned int waiting_count; /* descriptors of the last message that this is of */
	int waiting[VHOST_USER_FDS_MAX];
	size_t out_len, out_done; /* of the answer that is being sent */
	bool relayed; /* what comes was sent by another than peer */
	uint8_t out[VBALLOON_ANSWER_MAX];
	uint8_t ahead[VBALLOON_AHEAD_MAX];
};

/* The outcomes of vballoon_channel_receive(). */
enum {
	VBALLOON_CHANNEL_WAIT, /* nothing more to read now */
	VBALLOON_CHANNEL_MESSAGE, /* channel->message is whole */
};

/* Whether the relay that this is has gone itself, and not only the front end behind it. */
bool vballoon_channel_relay_gone(const struct vballoon_channel *channel);

/* As send(), without waiting and without a signal; by sendmsg(), which serves with descriptors, too,
 * so that a sandbox needs no other call. */
ssize_t vballoon_socket_send(int socket, const void *bytes, size_t len);

void vballoon_channel_init(struct vballoon_channel *channel, int socket);

/* Close the socket and every descriptor that was not taken. */
void vballoon_channel_close(struct vballoon_channel *channel);

/* Take up the rest of one message. What was read behind it nobody waits for any more: see
 * vballoon_channel_is_ahead(). Returns an outcome; -ECONNRESET
 * when the other side has gone; -EPROTO, and the reason in *fault_out, when it
 * sent what is no message. */
int vballoon_channel_receive(struct vballoon_channel *channel, const char **fault_out);

/* The message is dealt with: closes what was not taken, makes room for the next. */
void vballoon_channel_next(struct vballoon_channel *channel);

/* Begin to send an answer to the message at hand; @size is at most
 * VBALLOON_REPLY_MAX and nothing is on its way. Returns as vballoon_channel_flush(). */
int vballoon_channel_reply(struct vballoon_channel *channel, const void *payload, uint32_t size);

/* Likewise, without sending it yet. */
void vballoon_channel_prepare(struct vballoon_channel *channel, const void *payload, uint32_t size);

/* Over a relay: there is no more to this answer, which may be none. */
void vballoon_channel_finish(struct vballoon_channel *channel);

/* Send on: 0, also when the socket takes no more now; -ECONNRESET. */
int vballoon_channel_flush(struct vballoon_channel *channel);

/* Whether anything came that is not received yet; also when the other side has gone. */
bool vballoon_channel_has_more(const struct vballoon_channel *channel);

/* Whether more was read than the message that was received. */
static inline bool vballoon_channel_is_ahead(const struct vballoon_channel *channel)
{
	return channel->ahead_done < channel->ahead_len;
}

static inline bool vballoon_channel_sending(const struct vballoon_channel *channel)
{
	return channel->out_done < channel->out_len;
}

/* The payload of a message that was checked to hold a u64. */
uint64_t vballoon_message_u64(const struct vballoon_message *message);

/* Take a descriptor of the message: the caller's from now on; -1 when there is none. */
int vballoon_message_take_fd(struct vballoon_message *message, unsigned int index);

#endif /* VBALLOON_VHOST_USER_CHANNEL_H */
