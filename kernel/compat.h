/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * What differs between kernel versions, from 6.1 on, and nowhere else.
 */
#ifndef VBALLOON_COMPAT_H
#define VBALLOON_COMPAT_H

#include <linux/mmzone.h>
#include <linux/version.h>
#include <linux/virtio_config.h>

/* Until 6.4 MAX_ORDER was one more than the largest order; 6.8 renamed it. */
#ifndef MAX_PAGE_ORDER
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 4, 0)
#define MAX_PAGE_ORDER (MAX_ORDER - 1)
#else
#define MAX_PAGE_ORDER MAX_ORDER
#endif
#endif

static inline int vballoon_find_two_vqs(struct virtio_device *vdev, struct virtqueue *vqs[2],
					vq_callback_t *callbacks[2], const char *const names[2])
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 11, 0)
	return virtio_find_vqs(vdev, 2, vqs, callbacks, names, NULL);
#else
	struct virtqueue_info info[] = {
		{ .name = names[0], .callback = callbacks[0] },
		{ .name = names[1], .callback = callbacks[1] },
	};

	return virtio_find_vqs(vdev, 2, vqs, info, NULL);
#endif
}

/*
 * Reset the device and bring it up again with the features negotiated before:
 * the driver's freeze and restore run inside. The virtio core has this for
 * power management alone.
 */
static inline int vballoon_restart_device(struct virtio_device *vdev)
{
#ifdef CONFIG_PM_SLEEP
	int err = virtio_device_freeze(vdev);

	return err ? err : virtio_device_restore(vdev);
#else
	return -EOPNOTSUPP;
#endif
}

#endif /* VBALLOON_COMPAT_H */
