/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "vhost_user/back_end.h"

/* The range may be the driver's choice: one that cannot be is answered by an
 * empty message, which says so, and not by the end of the connection. */
int vballoon_handle_get_config(struct vballoon_vhost_user *back_end,
			       struct vballoon_message *message, struct vballoon_reply *reply)
{
	struct vhost_user_config config;

	memcpy(&config, message->payload, sizeof(config));
	if (config.size > VHOST_USER_CONFIG_MAX ||
	    config.offset > VHOST_USER_CONFIG_MAX - config.size) {
		reply->wanted = true;
		return VBALLOON_MESSAGE_DECLINED;
	}
	vballoon_reply_set(reply, &config, sizeof(config));
	vballoon_device_config_space(back_end->device, config.offset,
				     reply->payload + sizeof(config), config.size);
	reply->size += config.size;
	return 0;
}

/* Nothing in it can be written. Drivers write all the same, and front ends write
 * the whole of it when a driver touches any part: it is to be ignored.
 * Keeps DEV-CONF-6. */
int vballoon_handle_set_config(struct vballoon_vhost_user *back_end,
			       struct vballoon_message *message, struct vballoon_reply *reply)
{
	(void)back_end;
	(void)message;
	(void)reply;
	return 0;
}
