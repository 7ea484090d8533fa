/* SPDX-License-Identifier: BSD-3-Clause */
/* The state of one connection, and what the handlers of its messages share. */
#ifndef VBALLOON_VHOST_USER_BACK_END_H
#define VBALLOON_VHOST_USER_BACK_END_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "vhost_user/channel.h"
#include "vhost_user/dirty_log.h"
#include "vhost_user/event.h"
#include "vhost_user/kept.h"
#include "vhost_user/memory_table.h"
#include "vhost_user/transfer.h"
#include "vhost_user/vrings.h"
#include <vballoon/device.h>
#include <vballoon/vhost_user.h>

struct vballoon_vhost_user {
	struct vballoon_vhost_user_config config;
	int ended; /* 0, or what process() returns from now on */
	char reason[192];
	uint64_t messages;
	int epoll; /* owned */
	uint32_t socket_events; /* that epoll looks for */
	struct vballoon_channel channel;
	int requests_socket; /* SET_BACKEND_REQ_FD: owned; -1: none */
	void *device_storage;
	struct vballoon_device *device;
	uint64_t features_acked;
	bool features_usable; /* the device took them */
	uint64_t protocol_features;
	bool owned; /* SET_OWNER came */
	uint8_t device_status; /* SET_STATUS */
	unsigned int log_lines; /* written since log_since_ms */
	uint64_t log_since_ms; /* CLOCK_MONOTONIC */
	bool memory_proven; /* a driver was seen to write to the memory */
	bool driver_heard; /* the device took something that one said, on this connection */
	struct vballoon_memory_table memory;
	struct vballoon_dirty_log dirty_log;
	unsigned int vring_count; /* of them, what the device has */
	struct vballoon_vring vrings[VBALLOON_VRINGS_MAX];
	enum vballoon_hearing hearing;
	unsigned int kicks_left; /* that are heard while a reset waits */
	struct vballoon_transfer transfer;
	void *state; /* owned: to go on with when the queues start; NULL: none */
	size_t state_len;
	uint64_t state_target; /* that the device had when it came */
	struct vballoon_kept kept;
	uint64_t slot_ids; /* given so far */
	struct vhost_user_log log_where;
	bool recovering; /* queues go on where another process left them */
	bool announced; /* the relay has told of the message that follows */
	bool repeated; /* that one is answered already: */
	size_t answer_kept; /* so many bytes, in the channel */
	bool turned_away; /* the state is not this front end's: the reason is there */
};

/* In epoll's data, among the indices of vrings. */
#define VBALLOON_TRANSFER_TAG (UINT32_MAX - 1)

/* A line for the operator's log; priority as for syslog(). Left out when there were
 * too many of late. */
void vballoon_back_end_log(struct vballoon_vhost_user *back_end, int priority, const char *format,
			   ...) __attribute__((format(printf, 3, 4)));

/* End the connection for this reason: returns -EPROTO. */
int vballoon_back_end_refuse(struct vballoon_vhost_user *back_end, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static inline bool vballoon_back_end_has(const struct vballoon_vhost_user *back_end,
					 unsigned int protocol_feature)
{
	return back_end->protocol_features >> protocol_feature & 1;
}

/* guest_memory.c */

/* What the device is given; the context is the back end. */
extern const struct vballoon_memory_hooks vballoon_back_end_memory_hooks;
extern const struct vballoon_reclaim_ops vballoon_back_end_reclaim;

/* What a handler answers. Most messages have no answer of their own. */
struct vballoon_reply {
	bool wanted;
	uint32_t size;
	_Alignas(8) uint8_t payload[VBALLOON_REPLY_MAX];
};

static inline void vballoon_reply_set(struct vballoon_reply *reply, const void *payload,
				      uint32_t size)
{
	reply->wanted = true;
	reply->size = size;
	memcpy(reply->payload, payload, size);
}

static inline int vballoon_reply_u64(struct vballoon_reply *reply, uint64_t value)
{
	vballoon_reply_set(reply, &value, sizeof(value));
	return 0;
}

/* The outcome of a handler beside 0 and -EPROTO: what was asked is not done,
 * which the front end learns if it wants to know, and nothing else has changed. */
#define VBALLOON_MESSAGE_DECLINED 1

/*
 * Handlers: act on a message whose size and number of descriptors were checked.
 * Return 0, VBALLOON_MESSAGE_DECLINED, or a negative errno, which ends the
 * connection.
 */
typedef int vballoon_message_handler(struct vballoon_vhost_user *back_end,
				     struct vballoon_message *message,
				     struct vballoon_reply *reply);

/* features.c */

/* Whether what the front end acked has it log what is written. */
bool vballoon_features_log(uint64_t features);

vballoon_message_handler vballoon_handle_get_features;
vballoon_message_handler vballoon_handle_set_features;
vballoon_message_handler vballoon_handle_get_protocol_features;
vballoon_message_handler vballoon_handle_set_protocol_features;
vballoon_message_handler vballoon_handle_get_queue_num;
vballoon_message_handler vballoon_handle_set_backend_req_fd;

/* status.c */
vballoon_message_handler vballoon_handle_set_owner;
vballoon_message_handler vballoon_handle_reset_owner;
vballoon_message_handler vballoon_handle_reset_device;
vballoon_message_handler vballoon_handle_set_status;
vballoon_message_handler vballoon_handle_get_status;

/* memory_messages.c */
vballoon_message_handler vballoon_handle_set_mem_table;
vballoon_message_handler vballoon_handle_get_max_mem_slots;
vballoon_message_handler vballoon_handle_add_mem_reg;
vballoon_message_handler vballoon_handle_rem_mem_reg;
vballoon_message_handler vballoon_handle_set_log_base;
vballoon_message_handler vballoon_handle_set_log_fd;

/* vring_messages.c */
vballoon_message_handler vballoon_handle_set_vring_num;
vballoon_message_handler vballoon_handle_set_vring_addr;
vballoon_message_handler vballoon_handle_set_vring_base;
vballoon_message_handler vballoon_handle_get_vring_base;
vballoon_message_handler vballoon_handle_set_vring_kick;
vballoon_message_handler vballoon_handle_set_vring_event;
vballoon_message_handler vballoon_handle_set_vring_enable;

/* state_messages.c */
vballoon_message_handler vballoon_handle_set_device_state_fd;
vballoon_message_handler vballoon_handle_check_device_state;

/* The descriptor of a transfer is ready. */
void vballoon_state_ready(struct vballoon_vhost_user *back_end);

/* state.c */

/* A queue is about to start: a state that waits for that is loaded. False: it cannot be,
 * and the connection is to end. */
bool vballoon_state_settle(struct vballoon_vhost_user *back_end);

void vballoon_state_close(struct vballoon_vhost_user *back_end);

/* config_space.c */

/* Tell the front end, which tells the driver. */
void vballoon_config_space_changed(struct vballoon_vhost_user *back_end);

vballoon_message_handler vballoon_handle_get_config;
vballoon_message_handler vballoon_handle_set_config;

#endif /* VBALLOON_VHOST_USER_BACK_END_H */
