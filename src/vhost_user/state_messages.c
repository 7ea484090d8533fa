/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * DEVICE_STATE: the device's state goes to the front end, and comes from it, while no
 * queue runs. What has come is held until the queues start: only then the guest's memory
 * and what its driver has negotiated are known.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <syslog.h>
#include <unistd.h>

#include "vhost_user/back_end.h"

#define FAILED 1

/* Have it go on when the descriptor is ready; one that cannot be waited for, as a file
 * cannot, is always ready. */
static void watch(struct vballoon_vhost_user *back_end)
{
	struct vballoon_transfer *transfer = &back_end->transfer;
	struct epoll_event event = {
		.events = transfer->way == VBALLOON_TRANSFER_SAVE ? EPOLLOUT : EPOLLIN,
		.data.u32 = VBALLOON_TRANSFER_TAG,
	};

	if (!epoll_ctl(back_end->epoll, EPOLL_CTL_ADD, transfer->fd, &event))
		return;
	while (vballoon_transfer_run(transfer))
		;
}

/* Closing the descriptor would not take it out of epoll's set: the front end has it too. */
static void unwatch(struct vballoon_vhost_user *back_end)
{
	if (back_end->transfer.fd >= 0)
		epoll_ctl(back_end->epoll, EPOLL_CTL_DEL, back_end->transfer.fd, NULL);
}

/* Out of the set before it may be closed, and back if it was not. */
void vballoon_state_ready(struct vballoon_vhost_user *back_end)
{
	unwatch(back_end);
	vballoon_transfer_run(&back_end->transfer);
	if (back_end->transfer.fd >= 0)
		watch(back_end);
}

static int begin_save(struct vballoon_vhost_user *back_end, int fd)
{
	uint8_t *bytes = NULL;
	size_t len = 0, room;
	int ret;

	ret = vballoon_vhost_user_save(back_end, NULL, 0, &len);
	if (ret == -ENOSPC) {
		room = len;
		bytes = malloc(room);
		ret = bytes ? vballoon_vhost_user_save(back_end, bytes, room, &len) : -ENOMEM;
	}
	if (ret)
		free(bytes);
	else
		vballoon_transfer_save(&back_end->transfer, fd, bytes, len);
	return ret;
}

static int begin(struct vballoon_vhost_user *back_end, uint32_t direction, int fd)
{
	if (vballoon_vrings_any_runs(back_end))
		return -EBUSY;
	if (direction == VHOST_USER_TRANSFER_SAVE)
		return begin_save(back_end, fd);
	vballoon_transfer_load(&back_end->transfer, fd);
	return 0;
}

int vballoon_handle_set_device_state_fd(struct vballoon_vhost_user *back_end,
					struct vballoon_message *message,
					struct vballoon_reply *reply)
{
	struct vhost_user_transfer_state transfer;
	int ret, fd;

	memcpy(&transfer, message->payload, sizeof(transfer));
	if (transfer.direction > VHOST_USER_TRANSFER_LOAD ||
	    transfer.phase != VHOST_USER_TRANSFER_STOPPED)
		return vballoon_back_end_refuse(back_end,
						"SET_DEVICE_STATE_FD with direction %u, phase %u",
						transfer.direction, transfer.phase);
	unwatch(back_end);
	vballoon_transfer_close(&back_end->transfer);
	fd = vballoon_message_take_fd(message, 0);
	ret = begin(back_end, transfer.direction, fd);
	if (ret) {
		vballoon_back_end_log(back_end, LOG_WARNING, "declined to move the state: %s",
				      ret == -EBUSY ? "a queue runs" : strerror(-ret));
		close(fd);
	} else {
		watch(back_end);
	}
	return vballoon_reply_u64(reply, VHOST_USER_VRING_NOFD | (ret ? FAILED : 0));
}

/* The front end has closed its end by now: what it wrote is all there. */
static int take_rest(struct vballoon_vhost_user *back_end)
{
	struct vballoon_transfer *transfer = &back_end->transfer;

	unwatch(back_end);
	while (vballoon_transfer_run(transfer))
		;
	if (vballoon_transfer_is_whole(transfer))
		return 0;
	vballoon_back_end_log(back_end, LOG_WARNING, "the state has not come whole: %s",
			      transfer->error ? strerror(-transfer->error) : "its end is missing");
	return -EIO;
}

int vballoon_handle_check_device_state(struct vballoon_vhost_user *back_end,
				       struct vballoon_message *message,
				       struct vballoon_reply *reply)
{
	struct vballoon_transfer *transfer = &back_end->transfer;
	struct vballoon_saved_check check;
	int ret = transfer->way == VBALLOON_TRANSFER_NONE ? -EINVAL : take_rest(back_end);

	(void)message;
	if (!ret && transfer->way == VBALLOON_TRANSFER_LOAD)
		ret = vballoon_vhost_user_load(back_end, transfer->bytes, transfer->len, &check);
	vballoon_transfer_close(transfer);
	return vballoon_reply_u64(reply, ret ? FAILED : 0);
}
