/* SPDX-License-Identifier: BSD-3-Clause */
#include "driver/traditional/core.h"

/* There always is one, as the device asks by using it; but none of a guest that knows nothing. */
void vballoon_traditional_stats_send(struct vballoon_traditional_guest *guest)
{
	struct virtio_balloon_stat *stats = guest->shared->stats;
	unsigned int count;

	if (!vballoon_traditional_has(guest, VIRTIO_BALLOON_F_STATS_VQ))
		return;
	count = guest->config.ops->stats(guest->config.context, stats, VIRTIO_BALLOON_S_NR);
	if (count > VIRTIO_BALLOON_S_NR)
		count = VIRTIO_BALLOON_S_NR;
	if (count)
		vballoon_traditional_send(guest, VIRTIO_BALLOON_VQ_STATS, stats,
					  count * sizeof(stats[0]), 0);
}

void vballoon_traditional_stats_used(struct vballoon_traditional_guest *guest, uint64_t token)
{
	(void)token;
	vballoon_traditional_stats_send(guest);
}
