// SPDX-License-Identifier: BSD-3-Clause
/*
 * The transport of a balloon, as the bed's monitor has it, but for one thing: it can say that the
 * device needs a reset. No monitor says so for a device that it does not implement itself.
 *
 * Write to the parameter `now` to have it said. The reset takes it back.
 */
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>
#include <uapi/linux/virtio_ids.h>

#define VENDOR 0x1af4
#define DEVICE (0x1040 + 13)

static struct virtio_device *vdev;
static const struct virtio_config_ops *real;
static struct virtio_config_ops ours;
static bool broken;

static u8 get_status(struct virtio_device *dev)
{
	return real->get_status(dev) | (READ_ONCE(broken) ? VIRTIO_CONFIG_S_NEEDS_RESET : 0);
}

static void reset(struct virtio_device *dev)
{
	real->reset(dev);
	WRITE_ONCE(broken, false);
}

static int now_set(const char *value, const struct kernel_param *param)
{
	if (!vdev)
		return -ENODEV;
	WRITE_ONCE(broken, true);
	virtio_config_changed(vdev);
	return 0;
}

static const struct kernel_param_ops now_ops = { .set = now_set };
module_param_cb(now, &now_ops, NULL, 0200);
MODULE_PARM_DESC(now, "written: the device needs a reset");

static int __init needs_reset_init(void)
{
	struct pci_dev *pci = pci_get_device(VENDOR, DEVICE, NULL);

	if (!pci || !pci_get_drvdata(pci))
		return -ENODEV;
	/* What virtio_pci keeps of a device begins with it. */
	vdev = pci_get_drvdata(pci);
	real = vdev->config;
	ours = *real;
	ours.get_status = get_status;
	ours.reset = reset;
	vdev->config = &ours;
	pci_dev_put(pci);
	return 0;
}

static void __exit needs_reset_exit(void)
{
	vdev->config = real;
}

module_init(needs_reset_init);
module_exit(needs_reset_exit);
MODULE_DESCRIPTION("A virtio transport whose device can need a reset");
MODULE_LICENSE("Dual BSD/GPL");
