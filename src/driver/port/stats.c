/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * STATS: what the guest knows of its memory, when the device asks, and with
 * F_PUSH_STATS every period. One is in flight at the most; what comes beside it is skipped.
 */
#include <string.h>

#include "base/le.h"
#include "driver/port/core.h"

#define PERIOD_MIN_MS 250

/* Keeps DRV-PUSH-1, DRV-PUSH-3. */
static void set_period(struct vballoon_guest *guest, uint32_t period_ms)
{
	struct vballoon_guest_stats *stats = &guest->stats;

	if (period_ms == VIRTIO_MEMORY_BALLOON_STATS_PERIOD_SAME)
		return;
	stats->period_ms = period_ms && period_ms < PERIOD_MIN_MS ? PERIOD_MIN_MS : period_ms;
	stats->push_ms = guest->life.now_ms + stats->period_ms;
}

/* Keeps DRV-STATS-1. */
void vballoon_guest_stats_requested(struct vballoon_guest *guest,
				    const struct virtio_memory_balloon_req *request)
{
	if (vballoon_guest_has(guest, VIRTIO_MEMORY_BALLOON_F_PUSH_STATS))
		set_period(guest, (uint32_t)vballoon_le64(request->value));
	if (guest->in_flight[GUEST_STATS_REPORT])
		return;
	guest->stats.cookie = vballoon_le32(request->flags);
	guest->stats.due = true;
}

/* @cookie 0: nobody has asked.
 * Keeps DRV-STATS-5, DRV-STATS-6. */
static void send(struct vballoon_guest *guest, uint32_t cookie)
{
	const struct vballoon_guest_ops *ops = guest->config.ops;
	unsigned int count = 0;

	memset(guest->shared->stats.stats, 0, sizeof(guest->shared->stats.stats));
	if (ops->stats)
		count = ops->stats(guest->config.context, guest->shared->stats.stats, GUEST_STATS);
	if (count > GUEST_STATS)
		count = GUEST_STATS;
	guest->shared->stats.out = (struct virtio_memory_balloon_msg){
		.type = vballoon_le32(VIRTIO_MEMORY_BALLOON_MSG_STATS),
		.flags = vballoon_le32(cookie),
	};
	vballoon_guest_send(guest, GUEST_STATS_REPORT, &guest->shared->stats.out,
			    sizeof(guest->shared->stats.out) +
				    count * sizeof(guest->shared->stats.stats[0]),
			    NULL, 0);
}

/* Keeps DRV-STATS-4, DRV-PUSH-2, DRV-PUSH-4. */
uint64_t vballoon_guest_stats_step(struct vballoon_guest *guest)
{
	struct vballoon_guest_stats *stats = &guest->stats;
	bool push = stats->period_ms && guest->life.now_ms >= stats->push_ms;

	if (push)
		stats->push_ms = guest->life.now_ms + stats->period_ms;
	if (!guest->in_flight[GUEST_STATS_REPORT] && (stats->due || push)) {
		send(guest, stats->due ? stats->cookie : 0);
		stats->due = false;
	}
	return stats->period_ms ? stats->push_ms - guest->life.now_ms : VBALLOON_GUEST_FOREVER;
}

void vballoon_guest_ignore_answer(struct vballoon_guest *guest, unsigned int message,
				  uint32_t written)
{
	(void)guest;
	(void)message;
	(void)written;
}
