// SPDX-License-Identifier: BSD-3-Clause
/*
 * statsq: the driver leaves a message with the device, which gives it back when it wants
 * newer statistics. Meanwhile the message stays in the queue: it is read, and put back
 * unused, so that nothing of it is lost when the queue stops. What the guest says of its
 * memory is shown, never relied on.
 */
#include <vballoon/abi/traditional_balloon.h>

#include "base/le.h"
#include "device/traditional/traditional.h"

#define ENTRIES_MAX 256

/* Each has a place of its own, by its tag, and a name. */
_Static_assert(VIRTIO_BALLOON_S_NR == VIRTIO_MEMORY_BALLOON_S_COUNT,
	       "both balloons have the same statistics");

static bool has_stats(const struct vballoon_device *device)
{
	return vballoon_device_has(device, VBALLOON_TRAD(STATS_VQ));
}

/* Tags that are not known are passed over, and so is what is no whole entry at the end. */
static enum vballoon_violation read_stats(struct vballoon_device *device,
					  struct vballoon_chain *chain)
{
	struct vballoon_stats stats = { .reports = device->counters.stats.reports + 1 };
	uint64_t count = chain->readable_len / sizeof(struct virtio_balloon_stat);
	struct virtio_balloon_stat stat;

	if (!chain->readable_len)
		return VBALLOON_MESSAGE_DIRECTION;
	if (count > ENTRIES_MAX)
		return VBALLOON_MESSAGE_LENGTH;
	while (count--) {
		if (vballoon_chain_read(&device->memory, chain, &stat, sizeof(stat)))
			return VBALLOON_DESC_OUTSIDE_MEMORY;
		if (vballoon_le16(stat.tag) < VIRTIO_BALLOON_S_NR)
			vballoon_stats_set(&stats, vballoon_le16(stat.tag),
					   vballoon_le64(stat.val));
	}
	device->counters.stats = stats;
	device->traditional.stats_seen = true;
	device->requests.stats_asked = false;
	return VBALLOON_OK;
}

static bool is_wanted(const struct vballoon_device *device)
{
	return device->requests.stats || device->now_ms >= vballoon_trad_stats_due_ms(device);
}

/* Newer ones have been asked for. */
static void asked(struct vballoon_device *device)
{
	struct vballoon_traditional *trad = &device->traditional;

	trad->stats_seen = false;
	trad->stats_due_ms = device->now_ms + device->stats_period_ms;
	device->requests.stats = false;
	device->requests.stats_asked = true;
}

void vballoon_trad_stats_run(struct vballoon_device *device)
{
	unsigned int index = vballoon_trad_queue(device, VIRTIO_BALLOON_VQ_STATS);
	struct vballoon_traditional *trad = &device->traditional;
	enum vballoon_violation violation;
	struct vballoon_chain *chain;

	if (index == VBALLOON_TRAD_NONE || (trad->stats_seen && !is_wanted(device)))
		return;
	chain = vballoon_device_chain(device, index);
	while (vballoon_device_next(device, index)) {
		violation = trad->stats_seen ? VBALLOON_OK : read_stats(device, chain);
		if (violation) {
			vballoon_device_refuse(device, index, violation);
			return;
		}
		if (!is_wanted(device)) {
			vballoon_device_ring_put_back(&device->rings[index]);
			return;
		}
		if (vballoon_device_use(device, index))
			return;
		asked(device);
	}
}

uint64_t vballoon_trad_stats_due_ms(const struct vballoon_device *device)
{
	const struct vballoon_traditional *trad = &device->traditional;

	return device->stats_period_ms && has_stats(device) && trad->stats_seen &&
			       device->proof == VBALLOON_RECORD_PROVEN && !device->violation
		       ? trad->stats_due_ms
		       : VBALLOON_NEVER;
}
