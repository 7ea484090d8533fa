/* SPDX-License-Identifier: BSD-3-Clause */
#include <syslog.h>

#include "vhost_user/back_end.h"

/* virtio 1.3, 2.1 Device Status Field */
#define VIRTIO_STATUS_NEEDS_RESET 0x40U

/* As before the first features and queues: the target stays, and nothing else. */
static void device_forget(struct vballoon_vhost_user *back_end)
{
	vballoon_vrings_disable(back_end);
	vballoon_device_reset(back_end->device);
	for (unsigned int i = 0; i < back_end->vring_count; i++)
		back_end->vrings[i].base_given = false;
	back_end->features_usable = false;
	back_end->device_status = 0;
}

/*
 * The beginning of what a front end has to say. On a connection that had one it is
 * another: of a device that was pulled out and is plugged in again, which knows of
 * no memory and no queue that came before. What protocol it speaks it has said already.
 */
int vballoon_handle_set_owner(struct vballoon_vhost_user *back_end,
			      struct vballoon_message *message, struct vballoon_reply *reply)
{
	(void)message;
	(void)reply;
	if (!back_end->owned) {
		back_end->owned = true;
		return 0;
	}
	vballoon_back_end_log(back_end, LOG_NOTICE, "the front end begins anew");
	device_forget(back_end);
	for (unsigned int i = 0; i < back_end->vring_count; i++)
		back_end->vrings[i].addr_given = false;
	vballoon_memory_table_clear(&back_end->memory);
	back_end->memory.not_shared = false;
	back_end->memory_proven = false;
	back_end->driver_heard = false;
	back_end->features_acked = 0;
	back_end->dirty_log.wanted = false;
	return 0;
}

/* It once meant "disable all rings"; whoever still sends it means that. */
int vballoon_handle_reset_owner(struct vballoon_vhost_user *back_end,
				struct vballoon_message *message, struct vballoon_reply *reply)
{
	(void)message;
	(void)reply;
	vballoon_vrings_disable(back_end);
	return 0;
}

int vballoon_handle_reset_device(struct vballoon_vhost_user *back_end,
				 struct vballoon_message *message, struct vballoon_reply *reply)
{
	(void)message;
	(void)reply;
	device_forget(back_end);
	return 0;
}

/*
 * A status of 0 is a reset to virtio, but front ends also send it when a virtual
 * machine is paused. So it stops the rings and no more: the record is unproven
 * then, and the guest's first message tells which of the two it was.
 */
int vballoon_handle_set_status(struct vballoon_vhost_user *back_end,
			       struct vballoon_message *message, struct vballoon_reply *reply)
{
	uint64_t status = vballoon_message_u64(message);

	(void)reply;
	if (status > UINT8_MAX)
		return vballoon_back_end_refuse(back_end, "a device status of 0x%llx",
						(unsigned long long)status);
	/* Who adds a bit sets what was read before, and that bit is not the front end's to say. */
	back_end->device_status = (uint8_t)(status & ~VIRTIO_STATUS_NEEDS_RESET);
	if (!status)
		vballoon_vrings_disable(back_end);
	return 0;
}

/* Keeps DEV-BAD-4. */
int vballoon_handle_get_status(struct vballoon_vhost_user *back_end,
			       struct vballoon_message *message, struct vballoon_reply *reply)
{
	uint64_t status = back_end->device_status;
	struct vballoon_status device;

	(void)message;
	vballoon_device_status(back_end->device, &device);
	if (device.violation != VBALLOON_OK)
		status |= VIRTIO_STATUS_NEEDS_RESET;
	return vballoon_reply_u64(reply, status);
}
