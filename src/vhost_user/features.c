/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <syslog.h>

#include <vballoon/abi/traditional_balloon.h>

#include "vhost_user/back_end.h"
#include "vhost_user/event.h"

#define BIT(n) (UINT64_C(1) << (n))

#define TRANSPORT_FEATURES (BIT(VHOST_F_LOG_ALL) | BIT(VHOST_USER_F_PROTOCOL_FEATURES))

#define PROTOCOL_FEATURES                                                                          \
	(BIT(VHOST_USER_PROTOCOL_F_MQ) | BIT(VHOST_USER_PROTOCOL_F_LOG_SHMFD) |                    \
	 BIT(VHOST_USER_PROTOCOL_F_REPLY_ACK) | BIT(VHOST_USER_PROTOCOL_F_BACKEND_REQ) |           \
	 BIT(VHOST_USER_PROTOCOL_F_CONFIG) | BIT(VHOST_USER_PROTOCOL_F_RESET_DEVICE) |             \
	 BIT(VHOST_USER_PROTOCOL_F_CONFIGURE_MEM_SLOTS) | BIT(VHOST_USER_PROTOCOL_F_STATUS) |      \
	 BIT(VHOST_USER_PROTOCOL_F_DEVICE_STATE))

bool vballoon_features_log(uint64_t features)
{
	return features & BIT(VHOST_F_LOG_ALL);
}

/* Keeps DEV-FEAT-3. */
int vballoon_handle_get_features(struct vballoon_vhost_user *back_end,
				 struct vballoon_message *message, struct vballoon_reply *reply)
{
	(void)message;
	return vballoon_reply_u64(reply,
				  vballoon_device_offered(back_end->device) | TRANSPORT_FEATURES);
}

/*
 * The driver's choice, with the transport's bits among it. A front end that has
 * no protocol features leaves its rings enabled; one that starts a migration
 * repeats the features with LOG_ALL while rings run.
 */
int vballoon_handle_set_features(struct vballoon_vhost_user *back_end,
				 struct vballoon_message *message, struct vballoon_reply *reply)
{
	uint64_t features = vballoon_message_u64(message);
	int ret = vballoon_device_set_features(back_end->device, features & ~TRANSPORT_FEATURES);

	(void)reply;
	if (ret == -EBUSY) {
		vballoon_back_end_log(back_end, LOG_WARNING,
				      "declined other features while a queue runs");
		return VBALLOON_MESSAGE_DECLINED;
	}
	if (ret)
		vballoon_back_end_log(back_end, LOG_WARNING,
				      "the driver's features 0x%llx cannot be used: no queue runs",
				      (unsigned long long)features);
	back_end->features_acked = features;
	back_end->features_usable = !ret;
	back_end->dirty_log.wanted = vballoon_features_log(features);
	vballoon_vrings_refresh(back_end);
	return ret ? VBALLOON_MESSAGE_DECLINED : 0;
}

/*
 * The driver of device 5 writes to the configuration space after each MiB, and where the front end
 * can ask for an answer to that the guest's processor waits for it. Behind a relay what is
 * still to come cannot be seen (memory_is_current()).
 */
static uint64_t protocol_features(const struct vballoon_vhost_user *back_end)
{
	if (back_end->config.device_id == VIRTIO_BALLOON_ID && !back_end->channel.relayed)
		return PROTOCOL_FEATURES & ~BIT(VHOST_USER_PROTOCOL_F_REPLY_ACK);
	return PROTOCOL_FEATURES;
}

int vballoon_handle_get_protocol_features(struct vballoon_vhost_user *back_end,
					  struct vballoon_message *message,
					  struct vballoon_reply *reply)
{
	(void)message;
	return vballoon_reply_u64(reply, protocol_features(back_end));
}

int vballoon_handle_set_protocol_features(struct vballoon_vhost_user *back_end,
					  struct vballoon_message *message,
					  struct vballoon_reply *reply)
{
	uint64_t features = vballoon_message_u64(message);
	uint64_t foreign = features & ~protocol_features(back_end);

	(void)reply;
	if (foreign)
		return vballoon_back_end_refuse(back_end,
						"protocol features 0x%llx that were not offered",
						(unsigned long long)foreign);
	back_end->protocol_features = features;
	return 0;
}

int vballoon_handle_get_queue_num(struct vballoon_vhost_user *back_end,
				  struct vballoon_message *message, struct vballoon_reply *reply)
{
	(void)back_end;
	(void)message;
	return vballoon_reply_u64(reply, back_end->vring_count);
}

int vballoon_handle_set_backend_req_fd(struct vballoon_vhost_user *back_end,
				       struct vballoon_message *message,
				       struct vballoon_reply *reply)
{
	(void)reply;
	vballoon_event_replace(&back_end->requests_socket, vballoon_message_take_fd(message, 0));
	return 0;
}
