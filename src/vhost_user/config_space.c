/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>
#include <syslog.h>

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

/* Front ends write the whole of it when a driver touches any part. What cannot be written
 * is to be ignored, and so is a range that cannot be.
 * Keeps DEV-CONF-6. */
int vballoon_handle_set_config(struct vballoon_vhost_user *back_end,
			       struct vballoon_message *message, struct vballoon_reply *reply)
{
	struct vhost_user_config config;

	(void)reply;
	memcpy(&config, message->payload, sizeof(config));
	if (config.size == message->header.size - sizeof(config))
		vballoon_device_config_write(back_end->device, config.offset,
					     message->payload + sizeof(config), config.size);
	return 0;
}

/* A front end that does not read what it was told before will find this change with that
 * one; so what does not fit is left out. */
void vballoon_config_space_changed(struct vballoon_vhost_user *back_end)
{
	const struct vhost_user_header header = {
		.request = VHOST_USER_BACKEND_CONFIG_CHANGE_MSG,
		.flags = VHOST_USER_VERSION,
	};

	if (back_end->requests_socket < 0)
		vballoon_back_end_log(back_end, LOG_WARNING,
				      "the front end cannot be told that the guest is to look: "
				      "it has given no channel for that");
	else if (vballoon_socket_send(back_end->requests_socket, &header, sizeof(header)) < 0 &&
		 errno != EAGAIN)
		vballoon_back_end_log(back_end, LOG_WARNING,
				      "the front end cannot be told that the guest is to look: %s",
				      strerror(errno));
}
