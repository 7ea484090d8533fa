/* SPDX-License-Identifier: BSD-3-Clause */
#include "vhost_user/session.h"

#include <errno.h>
#include <string.h>
#include <syslog.h>

#include "supervisor/relay.h"
#include "vhost_user/back_end.h"

/* Messages in a row before others (kicks, the embedder) get their turn. */
#define MESSAGES_MAX 32

#define ANY_TIME (-1)

/* What a message may be. */
struct rule {
	const char *name;
	uint16_t payload_min, payload_max; /* bytes */
	uint8_t fds_min, fds_max;
	int8_t feature; /* the protocol feature that it belongs to, or ANY_TIME */
	vballoon_message_handler *handle;
};

#define U64 sizeof(uint64_t)
#define STATE sizeof(struct vhost_user_vring_state)
#define TABLE sizeof(struct vhost_user_mem_table)
#define REGION sizeof(struct vhost_user_mem_region)
#define CONFIG sizeof(struct vhost_user_config)
#define TRANSFER sizeof(struct vhost_user_transfer_state)

#define RULE(request, min, max, fds_min, fds_max, feature, handler)                                \
	[VHOST_USER_##request] = { #request, min, max, fds_min, fds_max, feature, handler }

/* clang-format off */
static const struct rule rules[VHOST_USER_REQUEST_COUNT] = {
	RULE(GET_FEATURES, 0, 0, 0, 0, ANY_TIME, vballoon_handle_get_features),
	RULE(SET_FEATURES, U64, U64, 0, 0, ANY_TIME, vballoon_handle_set_features),
	RULE(SET_OWNER, 0, 0, 0, 0, ANY_TIME, vballoon_handle_set_owner),
	RULE(RESET_OWNER, 0, 0, 0, 0, ANY_TIME, vballoon_handle_reset_owner),
	RULE(SET_MEM_TABLE, TABLE,
	     TABLE + VHOST_USER_FDS_MAX * sizeof(struct vhost_user_region),
	     0, VHOST_USER_FDS_MAX, ANY_TIME, vballoon_handle_set_mem_table),
	RULE(SET_LOG_BASE, U64, sizeof(struct vhost_user_log), 0, 1,
	     ANY_TIME, vballoon_handle_set_log_base),
	RULE(SET_LOG_FD, 0, U64, 0, 1, ANY_TIME, vballoon_handle_set_log_fd),
	RULE(SET_VRING_NUM, STATE, STATE, 0, 0, ANY_TIME, vballoon_handle_set_vring_num),
	RULE(SET_VRING_ADDR, sizeof(struct vhost_user_vring_addr),
	     sizeof(struct vhost_user_vring_addr), 0, 0,
	     ANY_TIME, vballoon_handle_set_vring_addr),
	RULE(SET_VRING_BASE, STATE, STATE, 0, 0, ANY_TIME, vballoon_handle_set_vring_base),
	RULE(GET_VRING_BASE, STATE, STATE, 0, 0, ANY_TIME, vballoon_handle_get_vring_base),
	RULE(SET_VRING_KICK, U64, U64, 0, 1, ANY_TIME, vballoon_handle_set_vring_kick),
	RULE(SET_VRING_CALL, U64, U64, 0, 1, ANY_TIME, vballoon_handle_set_vring_event),
	RULE(SET_VRING_ERR, U64, U64, 0, 1, ANY_TIME, vballoon_handle_set_vring_event),
	RULE(GET_PROTOCOL_FEATURES, 0, 0, 0, 0,
	     ANY_TIME, vballoon_handle_get_protocol_features),
	RULE(SET_PROTOCOL_FEATURES, U64, U64, 0, 0,
	     ANY_TIME, vballoon_handle_set_protocol_features),
	RULE(GET_QUEUE_NUM, 0, 0, 0, 0,
	     VHOST_USER_PROTOCOL_F_MQ, vballoon_handle_get_queue_num),
	RULE(SET_VRING_ENABLE, STATE, STATE, 0, 0,
	     ANY_TIME, vballoon_handle_set_vring_enable),
	RULE(SET_BACKEND_REQ_FD, 0, U64, 1, 1,
	     VHOST_USER_PROTOCOL_F_BACKEND_REQ, vballoon_handle_set_backend_req_fd),
	RULE(GET_CONFIG, CONFIG, CONFIG + VHOST_USER_CONFIG_MAX, 0, 0,
	     VHOST_USER_PROTOCOL_F_CONFIG, vballoon_handle_get_config),
	RULE(SET_CONFIG, CONFIG, CONFIG + VHOST_USER_CONFIG_MAX, 0, 0,
	     VHOST_USER_PROTOCOL_F_CONFIG, vballoon_handle_set_config),
	RULE(RESET_DEVICE, 0, 0, 0, 0,
	     VHOST_USER_PROTOCOL_F_RESET_DEVICE, vballoon_handle_reset_device),
	RULE(GET_MAX_MEM_SLOTS, 0, 0, 0, 0, VHOST_USER_PROTOCOL_F_CONFIGURE_MEM_SLOTS,
	     vballoon_handle_get_max_mem_slots),
	RULE(ADD_MEM_REG, REGION, REGION, 1, 1, VHOST_USER_PROTOCOL_F_CONFIGURE_MEM_SLOTS,
	     vballoon_handle_add_mem_reg),
	/* Some front ends send the descriptor once more. */
	RULE(REM_MEM_REG, REGION, REGION, 0, 1, VHOST_USER_PROTOCOL_F_CONFIGURE_MEM_SLOTS,
	     vballoon_handle_rem_mem_reg),
	RULE(SET_STATUS, U64, U64, 0, 0,
	     VHOST_USER_PROTOCOL_F_STATUS, vballoon_handle_set_status),
	RULE(GET_STATUS, 0, 0, 0, 0,
	     VHOST_USER_PROTOCOL_F_STATUS, vballoon_handle_get_status),
	RULE(SET_DEVICE_STATE_FD, TRANSFER, TRANSFER, 1, 1,
	     VHOST_USER_PROTOCOL_F_DEVICE_STATE, vballoon_handle_set_device_state_fd),
	RULE(CHECK_DEVICE_STATE, 0, 0, 0, 0,
	     VHOST_USER_PROTOCOL_F_DEVICE_STATE, vballoon_handle_check_device_state),
};
/* clang-format on */

static int rule_check(struct vballoon_vhost_user *back_end, const struct rule *rule)
{
	const struct vballoon_message *message = &back_end->channel.message;

	if (message->header.size < rule->payload_min || message->header.size > rule->payload_max)
		return vballoon_back_end_refuse(back_end, "%s with a payload of %u bytes",
						rule->name, message->header.size);
	if (message->fd_count < rule->fds_min || message->fd_count > rule->fds_max)
		return vballoon_back_end_refuse(back_end, "%s with %u descriptors", rule->name,
						message->fd_count);
	return 0;
}

static const struct rule *rule_find(const struct vballoon_vhost_user *back_end, uint32_t request)
{
	const struct rule *rule;

	if (request >= VHOST_USER_REQUEST_COUNT || !rules[request].handle)
		return NULL;
	rule = &rules[request];
	if (rule->feature != ANY_TIME &&
	    !vballoon_back_end_has(back_end, (unsigned int)rule->feature))
		return NULL;
	return rule;
}

/* A message of a feature that was not offered. To ignore one that has an answer
 * would leave the front end waiting for ever, without a word anywhere. */
static int message_unknown(struct vballoon_vhost_user *back_end, bool need_reply)
{
	uint32_t request = back_end->channel.message.header.request;

	if (!need_reply)
		return vballoon_back_end_refuse(
			back_end, "request %u, which is unknown or was not negotiated", request);
	vballoon_back_end_log(back_end, LOG_WARNING,
			      "declined request %u, which is unknown or was not negotiated",
			      request);
	return VBALLOON_MESSAGE_DECLINED;
}

static int message_handle(struct vballoon_vhost_user *back_end, bool need_reply,
			  struct vballoon_reply *reply)
{
	struct vballoon_message *message = &back_end->channel.message;
	const struct rule *rule = rule_find(back_end, message->header.request);
	int ret;

	if (!rule)
		return message_unknown(back_end, need_reply);
	ret = rule_check(back_end, rule);
	if (ret)
		return ret;
	ret = rule->handle(back_end, message, reply);
	if (back_end->turned_away)
		return -EPROTO;
	if (ret < 0 && !back_end->reason[0])
		vballoon_back_end_refuse(back_end, "%s failed: %s", rule->name, strerror(-ret));
	return ret;
}

/*
 * REPLY_ACK: with need_reply set a message that has no answer of its own is
 * answered by 0 or an error. Whether it was negotiated is asked before the
 * message that negotiates it takes effect: no front end can expect it earlier.
 */
static int message_answer(struct vballoon_vhost_user *back_end)
{
	bool need_reply = (back_end->channel.message.header.flags & VHOST_USER_NEED_REPLY) &&
			  vballoon_back_end_has(back_end, VHOST_USER_PROTOCOL_F_REPLY_ACK);
	struct vballoon_channel *channel = &back_end->channel;
	struct vballoon_reply reply = { .wanted = false };
	int outcome = message_handle(back_end, need_reply, &reply);
	int ret;

	if (!reply.wanted && need_reply) {
		uint64_t failed = outcome != 0;

		vballoon_reply_set(&reply, &failed, sizeof(failed));
	}
	channel->out_len = channel->out_done = 0;
	if (reply.wanted)
		vballoon_channel_prepare(channel, reply.payload, reply.size);
	if (channel->relayed)
		vballoon_channel_finish(channel);
	if (outcome >= 0)
		vballoon_kept_update(back_end);
	ret = vballoon_channel_flush(channel);
	vballoon_channel_next(channel);
	return outcome < 0 ? -EPROTO : ret;
}

/* The relay tells of the message that follows. Whether it is one that the process which died
 * had dealt with: then it has its answer already. */
static int message_announced(struct vballoon_vhost_user *back_end)
{
	struct vballoon_channel *channel = &back_end->channel;
	struct vballoon_relay_next next;

	if (channel->message.header.request != VBALLOON_RELAY_NEXT ||
	    channel->message.header.size != sizeof(next))
		return vballoon_back_end_refuse(back_end, "nothing: its relay has lost its place");
	memcpy(&next, channel->message.payload, sizeof(next));
	/* The worker before was about to let go of it, or could keep nothing: what counts to the
	 * front end nobody knows. */
	if (next.answered > back_end->messages)
		return vballoon_back_end_refuse(back_end,
						"more than the worker before has left word of");
	channel->peer = (pid_t)next.peer;
	back_end->announced = true;
	back_end->repeated = next.answered < back_end->messages;
	vballoon_channel_next(channel);
	return 0;
}

static int message_repeat(struct vballoon_vhost_user *back_end)
{
	struct vballoon_channel *channel = &back_end->channel;

	channel->out_len = back_end->answer_kept;
	channel->out_done = 0;
	vballoon_channel_next(channel);
	return vballoon_channel_flush(channel);
}

static int message_take(struct vballoon_vhost_user *back_end)
{
	if (back_end->channel.relayed && !back_end->announced)
		return message_announced(back_end);
	back_end->announced = false;
	if (back_end->repeated) {
		back_end->repeated = false;
		return message_repeat(back_end);
	}
	back_end->messages++;
	return message_answer(back_end);
}

/* Whether nothing is to be expected now: who was sent an answer reads that first. Whoever polls
 * the socket learns of what has come all the same. */
static bool is_answered(const struct vballoon_vhost_user *back_end)
{
	const struct vballoon_channel *channel = &back_end->channel;

	return channel->out_len && !back_end->announced && !vballoon_channel_is_ahead(channel);
}

int vballoon_session_process(struct vballoon_vhost_user *back_end)
{
	struct vballoon_channel *channel = &back_end->channel;
	int ret = vballoon_channel_flush(channel);

	/* What was read ahead nobody would wake up for; it is not much, and is not read anew. */
	for (unsigned int i = 0; i < MESSAGES_MAX || vballoon_channel_is_ahead(channel); i++) {
		const char *fault = NULL;

		/* One answer at a time: who does not read them is not heard. */
		if (ret || vballoon_channel_sending(channel))
			return ret;
		ret = vballoon_channel_receive(channel, &fault);
		if (fault)
			return vballoon_back_end_refuse(back_end, "%s", fault);
		if (ret != VBALLOON_CHANNEL_MESSAGE)
			return ret;
		ret = message_take(back_end);
		if (!ret && is_answered(back_end))
			return 0;
	}
	return ret ? ret : 1;
}
