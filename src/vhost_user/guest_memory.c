/* SPDX-License-Identifier: BSD-3-Clause */
/* What happens around each access of the device to guest memory, and when it has the host take
 * some. */
#include <string.h>
#include <syslog.h>

#include "vhost_user/back_end.h"

/* Keeps DEV-MEM-10. */
static int memory_access(void *context, struct vballoon_gpa gpa, size_t len)
{
	struct vballoon_vhost_user *back_end = context;
	int ret = vballoon_memory_table_populate(&back_end->memory, gpa, len);

	if (ret)
		vballoon_back_end_log(back_end, LOG_ERR,
				      "the host has no memory where the guest points to: its pool "
				      "of pages is empty, or the file was cut off: %s",
				      strerror(-ret));
	return ret;
}

static void memory_written(void *context, struct vballoon_gpa gpa, size_t len)
{
	struct vballoon_vhost_user *back_end = context;
	struct vballoon_gpa logged;

	if (!back_end->dirty_log.wanted)
		return;
	vballoon_dirty_log_mark(&back_end->dirty_log, gpa, len);
	if (vballoon_vrings_logged(back_end, gpa, &logged))
		vballoon_dirty_log_mark(&back_end->dirty_log, logged, len);
}

/* A front end that can ask for an answer does, and waits for it before the guest learns of new
 * memory. Else the memory may be on the socket, and the guest use it already. */
static bool memory_is_current(void *context)
{
	const struct vballoon_vhost_user *back_end = context;

	return vballoon_back_end_has(back_end, VHOST_USER_PROTOCOL_F_REPLY_ACK) ||
	       !vballoon_channel_has_more(&back_end->channel);
}

const struct vballoon_memory_hooks vballoon_back_end_memory_hooks = {
	.before_read = memory_access,
	.after_write = memory_written,
	.before_write = memory_access,
	.is_current = memory_is_current,
};

/* What was present may not be any more, as soon as the host is asked for anything. */
static const struct vballoon_reclaim_ops *reclaim_for(void *context)
{
	struct vballoon_vhost_user *back_end = context;

	vballoon_presence_forget(&back_end->memory.presence);
	return &vballoon_reclaim_punch_hole;
}

static int host_drop(void *context, const struct vballoon_region *region,
		     struct vballoon_bytes offset, struct vballoon_bytes len)
{
	return reclaim_for(context)->drop(context, region, offset, len);
}

static int host_restore(void *context, const struct vballoon_region *region,
			struct vballoon_bytes offset, struct vballoon_bytes len)
{
	return reclaim_for(context)->restore(context, region, offset, len);
}

static int host_discard(void *context, const struct vballoon_region *region,
			struct vballoon_bytes offset, struct vballoon_bytes len)
{
	return reclaim_for(context)->discard(context, region, offset, len);
}

const struct vballoon_reclaim_ops vballoon_back_end_reclaim = {
	.drop = host_drop,
	.restore = host_restore,
	.discard = host_discard,
	.zeroes = true, /* as those that it is done by */
};
