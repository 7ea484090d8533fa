/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "vhost_user/back_end.h"
#include "vhost_user/event.h"

/* What failed is the front end's doing when there is a fault, else the host's. */
static int memory_failed(struct vballoon_vhost_user *back_end, int error, const char *fault)
{
	if (fault)
		return vballoon_back_end_refuse(back_end, "%s", fault);
	return error;
}

int vballoon_handle_set_mem_table(struct vballoon_vhost_user *back_end,
				  struct vballoon_message *message, struct vballoon_reply *reply)
{
	struct vhost_user_region regions[VHOST_USER_FDS_MAX];
	unsigned int count = 0;
	const char *fault =
		vballoon_codec_mem_table(message->payload, message->header.size, regions, &count);
	int ret;

	(void)reply;
	if (fault)
		return vballoon_back_end_refuse(back_end, "%s", fault);
	if (message->fd_count != count)
		return vballoon_back_end_refuse(back_end,
						"a memory table of %u regions with %u descriptors",
						count, message->fd_count);
	ret = vballoon_memory_table_set(&back_end->memory, regions, message->fds, count, &fault);
	if (ret)
		return memory_failed(back_end, ret, fault);
	vballoon_vrings_refresh(back_end);
	return 0;
}

int vballoon_handle_get_max_mem_slots(struct vballoon_vhost_user *back_end,
				      struct vballoon_message *message,
				      struct vballoon_reply *reply)
{
	(void)back_end;
	(void)message;
	return vballoon_reply_u64(reply, VBALLOON_MEMORY_REGIONS_MAX);
}

int vballoon_handle_add_mem_reg(struct vballoon_vhost_user *back_end,
				struct vballoon_message *message, struct vballoon_reply *reply)
{
	struct vhost_user_mem_region added;
	const char *fault;
	int ret;

	(void)reply;
	memcpy(&added, message->payload, sizeof(added));
	fault = vballoon_codec_check_region(&added.region);
	if (fault)
		return vballoon_back_end_refuse(back_end, "%s", fault);
	ret = vballoon_memory_table_add(&back_end->memory, &added.region,
					vballoon_message_take_fd(message, 0), &fault);
	if (ret == -EEXIST)
		return vballoon_back_end_refuse(back_end, "memory regions that overlap");
	if (ret == -ENOSPC) {
		vballoon_back_end_log(back_end, LOG_ERR,
				      "declined a memory region: there are %d already",
				      VBALLOON_MEMORY_REGIONS_MAX);
		return VBALLOON_MESSAGE_DECLINED;
	}
	if (ret)
		return memory_failed(back_end, ret, fault);
	vballoon_vrings_refresh(back_end);
	return 0;
}

int vballoon_handle_rem_mem_reg(struct vballoon_vhost_user *back_end,
				struct vballoon_message *message, struct vballoon_reply *reply)
{
	struct vhost_user_mem_region removed;

	(void)reply;
	memcpy(&removed, message->payload, sizeof(removed));
	if (vballoon_memory_table_remove(&back_end->memory, &removed.region)) {
		vballoon_back_end_log(back_end, LOG_WARNING,
				      "declined to remove a memory region that is not there");
		return VBALLOON_MESSAGE_DECLINED;
	}
	vballoon_vrings_refresh(back_end);
	return 0;
}

/* Has an answer of its own when the log is shared memory, and none otherwise: a
 * log in memory of the front end alone is out of reach. */
int vballoon_handle_set_log_base(struct vballoon_vhost_user *back_end,
				 struct vballoon_message *message, struct vballoon_reply *reply)
{
	struct vhost_user_log where = { 0 };
	int fd = vballoon_message_take_fd(message, 0);
	int ret;

	if (!vballoon_back_end_has(back_end, VHOST_USER_PROTOCOL_F_LOG_SHMFD) || fd < 0 ||
	    message->header.size < sizeof(where)) {
		vballoon_back_end_log(back_end, LOG_WARNING, "the dirty log is not shared memory");
		vballoon_event_replace(&fd, -1);
		ret = VBALLOON_MESSAGE_DECLINED;
	} else {
		memcpy(&where, message->payload, sizeof(where));
		ret = vballoon_dirty_log_map(&back_end->dirty_log, &where, fd);
		if (!ret) {
			back_end->log_where = where;
			vballoon_kept_keep(back_end, "log", fd);
		}
		close(fd);
	}
	if (ret < 0)
		return vballoon_back_end_refuse(back_end, "a dirty log that cannot be mapped: %s",
						strerror(-ret));
	if (vballoon_back_end_has(back_end, VHOST_USER_PROTOCOL_F_LOG_SHMFD))
		vballoon_reply_u64(reply, (uint64_t)ret);
	return ret;
}

int vballoon_handle_set_log_fd(struct vballoon_vhost_user *back_end,
			       struct vballoon_message *message, struct vballoon_reply *reply)
{
	(void)reply;
	vballoon_event_replace(&back_end->dirty_log.event, vballoon_message_take_fd(message, 0));
	return 0;
}
