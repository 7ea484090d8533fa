// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * What the guest can see of its balloon, in sysfs: so that nobody wonders where the
 * memory is. Pages are balloon pages.
 */
#include <linux/device.h>
#include <linux/sysfs.h>

#include "compat.h"
#include "vballoon.h"

static struct vballoon *of_device(struct device *dev)
{
	return dev_to_virtio(dev)->priv;
}

/* A count that others may be changing is good enough for being looked at. */
#define COUNT_ATTR(name, value)                                                                    \
	static ssize_t name##_show(struct device *dev, struct device_attribute *attr, char *buf)   \
	{                                                                                          \
		struct vballoon *b = of_device(dev);                                               \
		return sysfs_emit(buf, "%llu\n", (value));                                         \
	}                                                                                          \
	static DEVICE_ATTR_RO(name)
#define UNITS(units) vballoon_units_to_pages(b, READ_ONCE(units))

COUNT_ATTR(held_pages, READ_ONCE(b->decide.held));
COUNT_ATTR(target_pages, READ_ONCE(b->decide.target));
COUNT_ATTR(page_bytes, 1ULL << b->page_shift);
COUNT_ATTR(added_pages, UNITS(b->account.added));
COUNT_ATTR(refused_pages, UNITS(b->account.refused));
COUNT_ATTR(returned_for_target_pages,
	   UNITS(b->account.returned[VIRTIO_MEMORY_BALLOON_WITHDRAW_TARGET]));
COUNT_ATTR(returned_for_pressure_pages,
	   UNITS(b->account.returned[VIRTIO_MEMORY_BALLOON_WITHDRAW_PRESSURE]));
COUNT_ATTR(returned_for_oom_pages, UNITS(b->account.returned[VIRTIO_MEMORY_BALLOON_WITHDRAW_OOM]));
COUNT_ATTR(taken_pages, UNITS(b->account.taken));
COUNT_ATTR(moved_pages, UNITS(b->account.moved));
COUNT_ATTR(short_answers, READ_ONCE(b->account.short_answers));
COUNT_ATTR(reported_pages, UNITS(b->account.reported));
COUNT_ATTR(restarts, READ_ONCE(b->account.restarts));

/* A line for each order: of how many pages of the kernel, how many blocks. */
static ssize_t blocks_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct vballoon *b = of_device(dev);
	unsigned int order;
	int len = 0;

	for (order = b->pages.unit_order; order <= MAX_PAGE_ORDER; order++)
		len += sysfs_emit_at(buf, len, "%lu %ld\n", 1UL << order,
				     atomic_long_read(&b->pages.blocks[order]));
	return len;
}
static DEVICE_ATTR_RO(blocks);

static ssize_t state_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct vballoon *b = of_device(dev);
	const char *state = "running";

	mutex_lock(&b->lock);
	if (b->broken)
		state = "broken";
	else if (!b->running)
		state = "stopped";
	else if (!b->decide.greeted)
		state = "greeting";
	else if (vballoon_pressure_left_ms(b, VBALLOON_DECIDE_PRESSURE_MS) &&
		 b->decide.add_after_ms > vballoon_now_ms()) /* and RESIZE has not ended it */
		state = "sparing";
	mutex_unlock(&b->lock);
	return sysfs_emit(buf, "%s\n", state);
}
static DEVICE_ATTR_RO(state);

/* The kernel does not tell modules of pressure stalls: somebody else has to. */
static ssize_t memory_pressure_store(struct device *dev, struct device_attribute *attr,
				     const char *buf, size_t count)
{
	struct vballoon *b = of_device(dev);
	int err;

	mutex_lock(&b->lock);
	err = vballoon_psi_parse(&b->stats.psi, buf);
	mutex_unlock(&b->lock);
	return err ?: count;
}
static DEVICE_ATTR_WO(memory_pressure);

static struct attribute *balloon_attrs[] = {
	&dev_attr_state.attr,
	&dev_attr_page_bytes.attr,
	&dev_attr_held_pages.attr,
	&dev_attr_target_pages.attr,
	&dev_attr_blocks.attr,
	&dev_attr_memory_pressure.attr,
	NULL,
};

static const struct attribute_group balloon_group = { .attrs = balloon_attrs };

static struct attribute *account_attrs[] = {
	&dev_attr_added_pages.attr,
	&dev_attr_refused_pages.attr,
	&dev_attr_returned_for_target_pages.attr,
	&dev_attr_returned_for_pressure_pages.attr,
	&dev_attr_returned_for_oom_pages.attr,
	&dev_attr_taken_pages.attr,
	&dev_attr_moved_pages.attr,
	&dev_attr_short_answers.attr,
	&dev_attr_reported_pages.attr,
	&dev_attr_restarts.attr,
	NULL,
};

static const struct attribute_group account_group = { .name = "account", .attrs = account_attrs };

const struct attribute_group *vballoon_account_groups[] = {
	&balloon_group,
	&account_group,
	NULL,
};
