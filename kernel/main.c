// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Driver of the memory balloon, virtio device ID 13: the life of a device.
 *
 * Whenever the device is reset, every page is the guest's again.
 */
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/reboot.h>
#include <linux/suspend.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include "compat.h"
#include "vballoon.h"

/* A device that asks for resets again and again gets them this far apart. */
#define RESTART_JIFFIES HZ

/* A guest that slept may wake up with another device; all counts are of pages of its size. */
static bool vballoon_is_the_same(const struct vballoon *b)
{
	u32 revision, page_shift;

	virtio_cread_le(b->vdev, struct virtio_memory_balloon_config, revision, &revision);
	virtio_cread_le(b->vdev, struct virtio_memory_balloon_config, page_shift, &page_shift);
	return revision == VIRTIO_MEMORY_BALLOON_REVISION && page_shift == b->page_shift;
}

/* Take the queues into use. The device has been reset. Keeps DRV-CONF-1, DRV-CONF-5. */
static int vballoon_start(struct vballoon *b)
{
	int err;

	if (!vballoon_is_the_same(b)) {
		dev_err(&b->vdev->dev, "this is another device than before: bind it anew\n");
		return -ENODEV;
	}
	err = vballoon_queues_start(b);
	if (err)
		return err;
	vballoon_adds_start(b);
	vballoon_stats_start(b);
	vballoon_exchange_start(b);
	/* No buffer is made available before DRIVER_OK. */
	virtio_device_ready(b->vdev);
	mutex_lock(&b->lock);
	b->broken = false;
	b->running = true;
	vballoon_queues_post(b);
	vballoon_resize_start(b);
	mutex_unlock(&b->lock);
	vballoon_wake(b);
	vballoon_report_start(b);
	return 0;
}

/* Reset the device. Waits for nobody but our own worker. Keeps DRV-RESET-2. */
static void vballoon_stop(struct vballoon *b)
{
	mutex_lock(&b->lock);
	b->running = false;
	mutex_unlock(&b->lock);

	virtio_reset_device(b->vdev);
	if (b->todevq)
		vballoon_queues_stop(b);
	vballoon_exchange_stop(b);
	/* Not before: until the queues are gone a late interrupt may queue it. */
	cancel_delayed_work_sync(&b->work);
	vballoon_stats_stop(b);
	vballoon_report_stop(b);
}

/* Whoever is moving pages gives up on them, but nobody tells us when.
 * Keeps DRV-RESET-1.
 */
static void vballoon_release(struct vballoon *b)
{
	mutex_lock(&b->lock);
	while (!vballoon_pages_release_all(&b->pages)) {
		mutex_unlock(&b->lock);
		schedule_timeout_uninterruptible(1);
		mutex_lock(&b->lock);
	}
	/* Nor is any of it counted, or asked for. */
	vballoon_decide_init(&b->decide, vballoon_units_to_pages(b, 1));
	mutex_unlock(&b->lock);
}

/* Stop for good: before removal, and before another kernel starts.
 * Keeps DRV-RESET-3, DRV-RESET-4.
 */
static void vballoon_leave(struct vballoon *b)
{
	mutex_lock(&b->lock);
	b->leaving = true;
	mutex_unlock(&b->lock);
	cancel_delayed_work_sync(&b->restart_work);
	vballoon_stop(b);
}

/* Have the device reset, and started again unless it is broken. Under the lock;
 * from here on nothing is sent.
 * Keeps DRV-REQ-12.
 */
void vballoon_restart(struct vballoon *b)
{
	u64 now = get_jiffies_64();
	unsigned long delay = 0;

	if (time_before64(now, b->restart_jiffies))
		delay = b->restart_jiffies - now;
	b->running = false;
	/* Not where work goes on without memory: it waits for work that does not. */
	if (!b->leaving)
		queue_delayed_work(system_freezable_wq, &b->restart_work, delay);
}

/* The device broke its contract: what it says is not to be relied on.
 * Keeps DRV-BAD-6.
 */
void vballoon_fail(struct vballoon *b, const char *why)
{
	dev_err(&b->vdev->dev, "the device is broken, its memory is taken back: %s\n", why);
	b->broken = true;
	vballoon_restart(b);
}

/* Keeps DRV-BAD-7. */
static void vballoon_start_again(struct vballoon *b)
{
	int err;

	b->restart_jiffies = get_jiffies_64() + RESTART_JIFFIES;
	b->account.restarts++;
	if (!b->broken) {
		err = vballoon_freeze_device(b->vdev) ?: vballoon_thaw_device(b->vdev);
		if (!err)
			return;
		dev_err(&b->vdev->dev, "cannot start again: %d\n", err);
	}
	vballoon_stop(b);
	vballoon_release(b);
}

static void vballoon_restart_work(struct work_struct *work)
{
	struct vballoon *b = container_of(to_delayed_work(work), struct vballoon, restart_work);

	/* It is being probed, or removed, which ends this work. */
	if (!device_trylock(&b->vdev->dev)) {
		queue_delayed_work(system_freezable_wq, &b->restart_work, 1);
		return;
	}
	mutex_lock(&b->restart_lock);
	if (b->todevq) /* it has not been stopped meanwhile, to sleep */
		vballoon_start_again(b);
	mutex_unlock(&b->restart_lock);
	device_unlock(&b->vdev->dev);
}

/* Keeps DRV-RESET-3. */
static int vballoon_reboot_notify(struct notifier_block *nb, unsigned long unused, void *cmd)
{
	/* Its memory is not given back: nobody would want it. */
	vballoon_leave(container_of(nb, struct vballoon, reboot));
	return NOTIFY_DONE;
}

/* The size of a balloon page, in bits; or 0. Whoever asks again looks at it again. */
static u32 vballoon_page_shift(struct virtio_device *vdev)
{
	u32 page_shift;

	virtio_cread_le(vdev, struct virtio_memory_balloon_config, page_shift, &page_shift);
	if (page_shift >= VIRTIO_MEMORY_BALLOON_SHIFT_MIN &&
	    page_shift <= PAGE_SHIFT + MAX_PAGE_ORDER)
		return page_shift;
	dev_err(&vdev->dev, "cannot give pages of 2^%u bytes\n", page_shift);
	return 0;
}

/* Keeps DRV-CONF-1, DRV-CONF-2, DRV-FEAT-1, DRV-FEAT-2, DRV-FEAT-6, DRV-REPORT-4,
 * DRV-REPORT-5.
 */
static int vballoon_validate(struct virtio_device *vdev)
{
	u32 revision;

	if (!vdev->config->get)
		return -EINVAL;
	if (!virtio_has_feature(vdev, VIRTIO_F_VERSION_1)) {
		dev_err(&vdev->dev, "a legacy device is none that is known\n");
		return -ENODEV;
	}
	virtio_cread_le(vdev, struct virtio_memory_balloon_config, revision, &revision);
	if (revision != VIRTIO_MEMORY_BALLOON_REVISION) {
		dev_err(&vdev->dev, "unknown revision %u\n", revision);
		return -ENODEV;
	}
	if (!vballoon_page_shift(vdev))
		return -ENODEV;
	/* Withdrawing must not allocate; addresses are the guest's physical ones. */
	__virtio_clear_bit(vdev, VIRTIO_RING_F_INDIRECT_DESC);
	__virtio_clear_bit(vdev, VIRTIO_F_ACCESS_PLATFORM);
	/* The host's zeros are worth their price only where free pages must be zero. */
	if (!want_init_on_free())
		__virtio_clear_bit(vdev, VIRTIO_MEMORY_BALLOON_F_ZEROED);
	/* Nor can we clear what the host has not, where the kernel unmaps what is free. */
	if (!IS_ENABLED(CONFIG_PAGE_REPORTING) || page_poisoning_enabled_static() ||
	    (want_init_on_free() && (debug_pagealloc_enabled_static() ||
				     !__virtio_test_bit(vdev, VIRTIO_MEMORY_BALLOON_F_ZEROED))))
		__virtio_clear_bit(vdev, VIRTIO_MEMORY_BALLOON_F_REPORTING);
	return 0;
}

static int vballoon_init(struct vballoon *b, struct virtio_device *vdev)
{
	b->vdev = vdev;
	vdev->priv = b;
	b->page_shift = vballoon_page_shift(vdev);
	if (!b->page_shift)
		return -ENODEV;
	b->unit_shift = max_t(u32, b->page_shift, PAGE_SHIFT);
	mutex_init(&b->lock);
	mutex_init(&b->restart_lock);
	init_waitqueue_head(&b->answered);
	INIT_DELAYED_WORK(&b->work, vballoon_resize_work);
	INIT_DELAYED_WORK(&b->restart_work, vballoon_restart_work);
	b->restart_jiffies = get_jiffies_64();
	vballoon_pages_init(&b->pages, b->unit_shift - PAGE_SHIFT);
	vballoon_withdraw_init(b);
	vballoon_resize_init(b);
	vballoon_stats_init(b);
	vballoon_report_init(b);
	vballoon_exchange_init(b);
	return vballoon_adds_init(b);
}

static void vballoon_destroy_wq(void *wq)
{
	destroy_workqueue(wq);
}

/* The kernel finds room for what it has to save before it freezes any device: give it
 * what is in the balloon, which need not be saved. If it then does not sleep at all,
 * the device is started again; otherwise it is by then.
 */
static int vballoon_sleep_notify(struct notifier_block *nb, unsigned long event, void *unused)
{
	struct vballoon *b = container_of(nb, struct vballoon, sleep);
	int err = 0;

	mutex_lock(&b->restart_lock);
	if (event == PM_HIBERNATION_PREPARE || event == PM_RESTORE_PREPARE)
		err = vballoon_freeze_device(b->vdev);
	else if ((event == PM_POST_HIBERNATION || event == PM_POST_RESTORE) && !b->todevq &&
		 !b->broken)
		vballoon_thaw_device(b->vdev); /* if not, others have to hear of it all the same */
	mutex_unlock(&b->restart_lock);
	return notifier_from_errno(err);
}

static int vballoon_probe(struct virtio_device *vdev)
{
	struct vballoon *b;
	int err;

	b = devm_kzalloc(&vdev->dev, sizeof(*b), GFP_KERNEL);
	if (!b)
		return -ENOMEM;
	err = vballoon_init(b, vdev);
	if (err)
		return err;
	b->wq = alloc_workqueue("vballoon-%s", WQ_FREEZABLE | WQ_MEM_RECLAIM | WQ_UNBOUND, 0,
				dev_name(&vdev->dev));
	if (!b->wq)
		return -ENOMEM;
	err = devm_add_action_or_reset(&vdev->dev, vballoon_destroy_wq, b->wq);
	if (err)
		return err;
	err = vballoon_start(b);
	if (err)
		return err;
	err = vballoon_pressure_register(b);
	if (err)
		goto stop;
	err = vballoon_exchange_register(b);
	if (err)
		goto unregister_pressure;
	b->reboot.notifier_call = vballoon_reboot_notify;
	err = register_reboot_notifier(&b->reboot);
	if (err)
		goto unregister_exchange;
	b->sleep.notifier_call = vballoon_sleep_notify;
	err = register_pm_notifier(&b->sleep);
	if (err)
		goto unregister_reboot;
	return 0;

unregister_reboot:
	unregister_reboot_notifier(&b->reboot);
unregister_exchange:
	vballoon_exchange_unregister(b);
unregister_pressure:
	vballoon_pressure_unregister(b);
stop:
	vballoon_leave(b);
	vballoon_release(b);
	return err;
}

static void vballoon_remove(struct virtio_device *vdev)
{
	struct vballoon *b = vdev->priv;

	unregister_pm_notifier(&b->sleep);
	unregister_reboot_notifier(&b->reboot);
	vballoon_exchange_unregister(b);
	vballoon_pressure_unregister(b);
	vballoon_leave(b);
	vballoon_release(b);
}

/* Suspend, hibernation and our own restart. */
static int __maybe_unused vballoon_freeze(struct virtio_device *vdev)
{
	vballoon_stop(vdev->priv);
	vballoon_release(vdev->priv);
	return 0;
}

static int __maybe_unused vballoon_restore(struct virtio_device *vdev)
{
	return vballoon_start(vdev->priv);
}

/* In an interrupt. The configuration itself does not change, but the status may have. */
static void vballoon_config_changed(struct virtio_device *vdev)
{
	struct vballoon *b = vdev->priv;

	atomic_set(&b->config_changed, 1);
	vballoon_wake(b);
}

static const struct virtio_device_id vballoon_ids[] = {
	{ VIRTIO_MEMORY_BALLOON_ID, VIRTIO_DEV_ANY_ID },
	{ 0 },
};
MODULE_DEVICE_TABLE(virtio, vballoon_ids);

/* Keeps DRV-FEAT-3, DRV-FEAT-4, DRV-FEAT-5. */
static const unsigned int vballoon_features[] = {
	VIRTIO_MEMORY_BALLOON_F_PAGE_RUNS,	 VIRTIO_MEMORY_BALLOON_F_EXCHANGE,
	VIRTIO_MEMORY_BALLOON_F_WITHDRAW_REASON, VIRTIO_MEMORY_BALLOON_F_PUSH_STATS,
	VIRTIO_MEMORY_BALLOON_F_REPORTING,	 VIRTIO_MEMORY_BALLOON_F_ZEROED, /* see validate */
};

/* Keeps DRV-CONF-3, DRV-CONF-4. */
static struct virtio_driver vballoon_driver = {
	.driver.name = KBUILD_MODNAME,
	.driver.owner = THIS_MODULE,
	.driver.dev_groups = vballoon_account_groups,
	.id_table = vballoon_ids,
	.feature_table = vballoon_features,
	.feature_table_size = ARRAY_SIZE(vballoon_features),
	.validate = vballoon_validate,
	.probe = vballoon_probe,
	.remove = vballoon_remove,
	.config_changed = vballoon_config_changed,
#ifdef CONFIG_PM_SLEEP
	.freeze = vballoon_freeze,
	.restore = vballoon_restore,
#endif
};
module_virtio_driver(vballoon_driver);

MODULE_DESCRIPTION("Virtio memory balloon driver (device ID 13)");
MODULE_LICENSE("Dual BSD/GPL");
