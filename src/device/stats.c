/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * STATS: what the guest says of its memory. Shown, never relied on.
 *
 * Only a report that echoes the cookie of the request under way counts, or with
 * F_PUSH_STATS one without a cookie; one for an older request is ignored, so that old
 * numbers never pass for new. Of a tag that comes twice, which it must not, the last
 * counts.
 */
#include "base/le.h"
#include "device/core.h"

void vballoon_stats_set(struct vballoon_stats *stats, unsigned int place, uint64_t value)
{
	if (place >= sizeof(stats->value) / sizeof(stats->value[0]))
		return;
	stats->present |= UINT32_C(1) << place;
	stats->value[place] = value;
}

/* Keeps DEV-STATS-1, DEV-STATS-2, DEV-STATS-4, DEV-STATS-8. */
static void take(struct vballoon_stats *stats, const struct virtio_memory_balloon_stat *stat)
{
	unsigned int place = vballoon_le16(stat->tag);

	if (place >= VIRTIO_MEMORY_BALLOON_S_OWN_FIRST)
		place -= VIRTIO_MEMORY_BALLOON_S_OWN_FIRST - VIRTIO_MEMORY_BALLOON_S_COUNT;
	else if (place >= VIRTIO_MEMORY_BALLOON_S_COUNT)
		return;
	vballoon_stats_set(stats, place, vballoon_le64(stat->value));
}

/* Keeps DEV-STATS-5, DEV-STATS-7, DEV-PUSH-3. */
enum vballoon_violation vballoon_message_stats(struct vballoon_device *device, uint32_t flags)
{
	struct vballoon_chain *chain = &device->chain;
	struct vballoon_stats stats = { .reports = device->counters.stats.reports + 1 };
	bool pushed = !flags && vballoon_device_has(device, VBALLOON_F(PUSH_STATS));
	bool asked = device->requests.stats_asked && flags == device->requests.cookie;
	struct virtio_memory_balloon_stat stat;

	if (device->proof == VBALLOON_RECORD_NONE || !(pushed || asked))
		return VBALLOON_OK;
	while (chain->read_done < chain->readable_len) {
		if (vballoon_chain_read(&device->memory, chain, &stat, sizeof(stat)))
			return VBALLOON_DESC_OUTSIDE_MEMORY;
		vballoon_work_charge_entry(&device->work, 0);
		take(&stats, &stat);
	}
	if (asked)
		device->requests.stats_asked = false;
	device->counters.stats = stats;
	return VBALLOON_OK;
}
