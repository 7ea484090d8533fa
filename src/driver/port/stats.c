/* SPDX-License-Identifier: BSD-3-Clause */
/* STATS: what the guest knows of its memory. One is in flight at the most. */
#include "base/le.h"
#include "driver/port/core.h"

void vballoon_guest_stats_requested(struct vballoon_guest *guest,
				    const struct virtio_memory_balloon_req *request)
{
	/* A request beside a report in flight is skipped, not queued. */
	if (guest->in_flight[GUEST_STATS_REPORT])
		return;
	guest->stats.cookie = vballoon_le32(request->flags);
	guest->stats.due = true;
}

void vballoon_guest_stats_send(struct vballoon_guest *guest)
{
	const struct vballoon_guest_ops *ops = guest->config.ops;
	unsigned int count = 0;

	guest->stats.due = false;
	if (ops->stats)
		count = ops->stats(guest->config.context, guest->shared->stats.stats, GUEST_STATS);
	if (count > GUEST_STATS)
		count = GUEST_STATS;
	guest->shared->stats.out = (struct virtio_memory_balloon_msg){
		.type = vballoon_le32(VIRTIO_MEMORY_BALLOON_MSG_STATS),
		.flags = vballoon_le32(guest->stats.cookie),
	};
	vballoon_guest_send(guest, GUEST_STATS_REPORT, &guest->shared->stats.out,
			    sizeof(guest->shared->stats.out) +
				    count * sizeof(guest->shared->stats.stats[0]),
			    NULL, 0);
}

void vballoon_guest_stats_answered(struct vballoon_guest *guest, unsigned int message,
				   uint32_t written)
{
	(void)guest;
	(void)message;
	(void)written;
}
