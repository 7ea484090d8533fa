/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * What differs between kernel versions, from 6.1 on, and nowhere else.
 */
#ifndef VBALLOON_COMPAT_H
#define VBALLOON_COMPAT_H

#include <linux/err.h>
#include <linux/mmzone.h>
#include <linux/shrinker.h>
#include <linux/slab.h>
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

typedef unsigned long vballoon_shrink_t(struct shrinker *shrinker, struct shrink_control *sc);

/* Before 6.7 a shrinker was the driver's own, and had no data of its own. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 7, 0)
struct vballoon_shrinker {
	struct shrinker shrinker;
	void *data;
};

static inline void *vballoon_shrinker_data(struct shrinker *shrinker)
{
	return container_of(shrinker, struct vballoon_shrinker, shrinker)->data;
}

static inline struct shrinker *vballoon_shrinker_register(void *data, const char *name,
							  vballoon_shrink_t *count,
							  vballoon_shrink_t *scan, long batch)
{
	struct vballoon_shrinker *s = kzalloc(sizeof(*s), GFP_KERNEL);
	int err;

	if (!s)
		return ERR_PTR(-ENOMEM);
	s->data = data;
	s->shrinker.count_objects = count;
	s->shrinker.scan_objects = scan;
	s->shrinker.batch = batch;
	s->shrinker.seeks = DEFAULT_SEEKS;
	err = register_shrinker(&s->shrinker, "%s", name);
	if (err) {
		kfree(s);
		return ERR_PTR(err);
	}
	return &s->shrinker;
}

static inline void vballoon_shrinker_unregister(struct shrinker *shrinker)
{
	unregister_shrinker(shrinker);
	kfree(container_of(shrinker, struct vballoon_shrinker, shrinker));
}
#else
static inline void *vballoon_shrinker_data(struct shrinker *shrinker)
{
	return shrinker->private_data;
}

static inline struct shrinker *vballoon_shrinker_register(void *data, const char *name,
							  vballoon_shrink_t *count,
							  vballoon_shrink_t *scan, long batch)
{
	struct shrinker *shrinker = shrinker_alloc(0, "%s", name);

	if (!shrinker)
		return ERR_PTR(-ENOMEM);
	shrinker->private_data = data;
	shrinker->count_objects = count;
	shrinker->scan_objects = scan;
	shrinker->batch = batch;
	shrinker_register(shrinker);
	return shrinker;
}

static inline void vballoon_shrinker_unregister(struct shrinker *shrinker)
{
	shrinker_free(shrinker);
}
#endif

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
