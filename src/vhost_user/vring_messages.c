/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <syslog.h>

#include "vhost_user/back_end.h"
#include "vhost_user/event.h"

/* The vring with this index; NULL, and the connection refused, when there is none. */
static struct vballoon_vring *vring_find(struct vballoon_vhost_user *back_end, uint32_t index)
{
	if (index < back_end->vring_count)
		return &back_end->vrings[index];
	vballoon_back_end_refuse(back_end, "queue %u, where there are %u", index,
				 back_end->vring_count);
	return NULL;
}

/* The vring that a state is about; likewise. */
static struct vballoon_vring *vring_of_state(struct vballoon_vhost_user *back_end,
					     const struct vballoon_message *message,
					     struct vhost_user_vring_state *state_out)
{
	memcpy(state_out, message->payload, sizeof(*state_out));
	return vring_find(back_end, state_out->index);
}

static int vring_busy(struct vballoon_vhost_user *back_end, uint32_t index)
{
	vballoon_back_end_log(back_end, LOG_WARNING,
			      "declined to change the size or the base of queue %u while it runs",
			      index);
	return VBALLOON_MESSAGE_DECLINED;
}

/* The size is the driver's choice; what it may be is checked when the ring starts. */
int vballoon_handle_set_vring_num(struct vballoon_vhost_user *back_end,
				  struct vballoon_message *message, struct vballoon_reply *reply)
{
	struct vhost_user_vring_state state;
	struct vballoon_vring *vring = vring_of_state(back_end, message, &state);

	(void)reply;
	if (!vring)
		return -EPROTO;
	if (vring->running && vring->queue.size != state.num)
		return vring_busy(back_end, state.index);
	vring->queue.size = state.num;
	vballoon_vrings_refresh(back_end);
	return 0;
}

int vballoon_handle_set_vring_base(struct vballoon_vhost_user *back_end,
				   struct vballoon_message *message, struct vballoon_reply *reply)
{
	struct vhost_user_vring_state state;
	struct vballoon_vring *vring = vring_of_state(back_end, message, &state);

	(void)reply;
	if (!vring)
		return -EPROTO;
	if (vring->running)
		return vring_busy(back_end, state.index);
	if (state.num > UINT16_MAX && !vballoon_vrings_packed(back_end))
		return vballoon_back_end_refuse(back_end, "a base of %u for a split queue",
						state.num);
	vring->queue.next = state.num;
	vring->base_given = true;
	return 0;
}

/* Also comes while the ring runs, with other flags, when a migration begins. */
int vballoon_handle_set_vring_addr(struct vballoon_vhost_user *back_end,
				   struct vballoon_message *message, struct vballoon_reply *reply)
{
	struct vhost_user_vring_addr addr;
	struct vballoon_vring *vring;

	(void)reply;
	memcpy(&addr, message->payload, sizeof(addr));
	vring = vring_find(back_end, addr.index);
	if (!vring)
		return -EPROTO;
	vring->addr = addr;
	vring->addr_given = true;
	vballoon_vrings_refresh(back_end);
	return 0;
}

/* The end of a run: after it the ring begins anew with SET_VRING_KICK. */
int vballoon_handle_get_vring_base(struct vballoon_vhost_user *back_end,
				   struct vballoon_message *message, struct vballoon_reply *reply)
{
	struct vhost_user_vring_state state;
	struct vballoon_vring *vring = vring_of_state(back_end, message, &state);

	if (!vring)
		return -EPROTO;
	vballoon_vring_stop(back_end, state.index);
	vballoon_vring_set_kick(back_end, state.index, -1);
	vring->kick_given = false;
	state.num = vballoon_vring_base(back_end, vring);
	vballoon_reply_set(reply, &state, sizeof(state));
	return 0;
}

int vballoon_handle_set_vring_enable(struct vballoon_vhost_user *back_end,
				     struct vballoon_message *message, struct vballoon_reply *reply)
{
	struct vhost_user_vring_state state;
	struct vballoon_vring *vring = vring_of_state(back_end, message, &state);

	(void)reply;
	if (!vring)
		return -EPROTO;
	if (state.num > 1)
		return vballoon_back_end_refuse(back_end, "SET_VRING_ENABLE with %u", state.num);
	vring->enabled = state.num;
	vballoon_vrings_refresh(back_end);
	return 0;
}

/*
 * The descriptor of SET_VRING_KICK, CALL or ERR: the caller's from now on, -1
 * when the front end says that it has none. Returns the vring, or NULL.
 */
static struct vballoon_vring *vring_take_fd(struct vballoon_vhost_user *back_end,
					    struct vballoon_message *message,
					    unsigned int *index_out, int *fd_out)
{
	uint64_t value = vballoon_message_u64(message);
	bool none = value & VHOST_USER_VRING_NOFD;
	struct vballoon_vring *vring;

	*index_out = (unsigned int)(value & VHOST_USER_VRING_INDEX_MASK);
	vring = vring_find(back_end, *index_out);
	if (!vring)
		return NULL;
	if (message->fd_count != (none ? 0 : 1)) {
		vballoon_back_end_refuse(back_end, "an event of queue %u with %u descriptors",
					 *index_out, message->fd_count);
		return NULL;
	}
	*fd_out = vballoon_message_take_fd(message, 0);
	return vring;
}

int vballoon_handle_set_vring_kick(struct vballoon_vhost_user *back_end,
				   struct vballoon_message *message, struct vballoon_reply *reply)
{
	unsigned int index;
	int fd;
	struct vballoon_vring *vring = vring_take_fd(back_end, message, &index, &fd);

	(void)reply;
	if (!vring)
		return -EPROTO;
	if (vballoon_vring_set_kick(back_end, index, fd))
		return vballoon_back_end_refuse(
			back_end, "a kick descriptor of queue %u that cannot be polled", index);
	if (fd < 0)
		vballoon_back_end_log(back_end, LOG_WARNING,
				      "queue %u has no kick: it is looked at only by chance",
				      index);
	vring->kick_given = true;
	vballoon_vrings_refresh(back_end);
	return 0;
}

/* CALL and ERR, which say where to signal. */
int vballoon_handle_set_vring_event(struct vballoon_vhost_user *back_end,
				    struct vballoon_message *message, struct vballoon_reply *reply)
{
	bool is_call = message->header.request == VHOST_USER_SET_VRING_CALL;
	unsigned int index;
	int fd;
	struct vballoon_vring *vring = vring_take_fd(back_end, message, &index, &fd);

	(void)reply;
	if (!vring)
		return -EPROTO;
	vballoon_event_replace(is_call ? &vring->call : &vring->err, fd);
	/* What was used before this descriptor came was signalled to another. */
	if (is_call && vring->running)
		vballoon_event_signal(vring->call);
	return 0;
}
