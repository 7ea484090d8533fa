/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * What differs between kernel versions, from 6.1 on, and nowhere else.
 */
#ifndef VBALLOON_COMPAT_H
#define VBALLOON_COMPAT_H

#include <linux/err.h>
#include <linux/mm.h>
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
 * Lists of pages that the kernel may move. Until 6.16 a driver may take any page out of
 * one of them; from 7.0 on they are locked by a lock of the kernel's own, and only the
 * list as a whole can be had. What was in between is not supported.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 0, 0)
#include <linux/balloon.h>
#define VBALLOON_CAN_MOVE IS_ENABLED(CONFIG_BALLOON_MIGRATION)
#else
#include <linux/balloon_compaction.h>
#define VBALLOON_CAN_MOVE                                                                          \
	(IS_ENABLED(CONFIG_BALLOON_COMPACTION) && LINUX_VERSION_CODE < KERNEL_VERSION(6, 17, 0))
#endif

/* From 7.0 on pages stay marked until they are free: whoever looks for some that can be
 * moved may just be looking at them.
 */
static inline void vballoon_unmark_offline(struct page *page)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 0, 0)
	if (PageOffline(page))
		__ClearPageOffline(page);
#endif
}

#if VBALLOON_CAN_MOVE && LINUX_VERSION_CODE < KERNEL_VERSION(6, 17, 0)
/* @page is in no list any more. The kernel's own name for that was changed by updates of
 * each of these kernels.
 */
static inline void vballoon_list_forget(struct page *page)
{
	__ClearPageMovable(page);
	set_page_private(page, 0);
	vballoon_unmark_offline(page);
}
#endif

/* Where nothing moves the kernel may have no code for lists at all. */
static inline void vballoon_list_put(struct balloon_dev_info *list, struct page *page)
{
	if (VBALLOON_CAN_MOVE)
		balloon_page_enqueue(list, page);
}

static inline void vballoon_list_put_all(struct balloon_dev_info *list, struct list_head *pages)
{
	if (VBALLOON_CAN_MOVE)
		balloon_page_list_enqueue(list, pages);
}

/* Take @page out of @list into @taken; others may come along. */
static inline void vballoon_list_take(struct balloon_dev_info *list, struct page *page,
				      struct list_head *taken)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 0, 0)
	if (VBALLOON_CAN_MOVE)
		balloon_page_list_dequeue(list, taken, SIZE_MAX);
#elif VBALLOON_CAN_MOVE
	unsigned long flags;

	if (!trylock_page(page))
		return;
	spin_lock_irqsave(&list->pages_lock, flags);
	if (!PageIsolated(page)) {
		vballoon_list_forget(page);
		list_move(&page->lru, taken);
		__count_vm_event(BALLOON_DEFLATE);
	}
	spin_unlock_irqrestore(&list->pages_lock, flags);
	unlock_page(page);
#endif
}

typedef int vballoon_move_t(struct balloon_dev_info *list, struct page *to, struct page *from,
			    enum migrate_mode mode);

static inline void vballoon_list_set_move(struct balloon_dev_info *list, vballoon_move_t *move)
{
#if VBALLOON_CAN_MOVE
	list->migratepage = move;
#endif
}

/* @to is in the balloon in place of @from. Newer kernels do the rest on their own. */
static inline void vballoon_list_moved(struct balloon_dev_info *list, struct page *to,
				       struct page *from)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 17, 0) && VBALLOON_CAN_MOVE
	unsigned long flags;

	get_page(to);
	spin_lock_irqsave(&list->pages_lock, flags);
	balloon_page_insert(list, to);
	list->isolated_pages--;
	__count_vm_event(BALLOON_MIGRATE);
	spin_unlock_irqrestore(&list->pages_lock, flags);
	vballoon_list_forget(from);
	put_page(from);
#endif
}

/*
 * Reset the device, and bring it up again with the features negotiated before: the
 * driver's freeze and restore run inside. The virtio core has this for power
 * management alone.
 */
static inline int vballoon_freeze_device(struct virtio_device *vdev)
{
#ifdef CONFIG_PM_SLEEP
	return virtio_device_freeze(vdev);
#else
	return -EOPNOTSUPP;
#endif
}

static inline int vballoon_thaw_device(struct virtio_device *vdev)
{
#ifdef CONFIG_PM_SLEEP
	return virtio_device_restore(vdev);
#else
	return -EOPNOTSUPP;
#endif
}

#endif /* VBALLOON_COMPAT_H */
