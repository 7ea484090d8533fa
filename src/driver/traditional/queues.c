/* SPDX-License-Identifier: BSD-3-Clause */
/* The virtqueues: what goes out on each, and what becomes of what comes back. */
#include "driver/traditional/core.h"

_Static_assert(sizeof(struct vballoon_traditional_shared) <=
		       VBALLOON_TRADITIONAL_GUEST_SHARED_BYTES,
	       "as told");

/* By VIRTIO_BALLOON_VQ_*: the feature that a queue needs, and what takes what was used. */
static const struct role {
	uint64_t feature;
	void (*answered)(struct vballoon_traditional_guest *guest, uint64_t token);
} roles[TRADITIONAL_QUEUES] = {
	[VIRTIO_BALLOON_VQ_INFLATE] = { 0, vballoon_traditional_inflate_answered },
	[VIRTIO_BALLOON_VQ_DEFLATE] = { 0, vballoon_traditional_deflate_answered },
	[VIRTIO_BALLOON_VQ_STATS] = { UINT64_C(1) << VIRTIO_BALLOON_F_STATS_VQ,
				      vballoon_traditional_stats_used },
	[VIRTIO_BALLOON_VQ_FREE_PAGE] = { UINT64_C(1) << VIRTIO_BALLOON_F_FREE_PAGE_HINT, NULL },
	[VIRTIO_BALLOON_VQ_REPORTING] = { UINT64_C(1) << VIRTIO_BALLOON_F_REPORTING,
					  vballoon_traditional_report_answered },
};

bool vballoon_traditional_queues_find(struct vballoon_traditional_guest *guest)
{
	unsigned int next = 0;

	for (unsigned int i = 0; i < TRADITIONAL_QUEUES; i++) {
		if (roles[i].feature & ~guest->features)
			continue;
		guest->queue_index[i] = guest->config.fixed_queues ? i : next++;
		guest->queue_size[i] =
			guest->config.ops->queue_size(guest->config.context, guest->queue_index[i]);
		if (!guest->queue_size[i])
			return false;
	}
	return true;
}

static struct vballoon_gpa gpa_of(const struct vballoon_traditional_guest *guest,
				  const void *shared)
{
	size_t offset =
		(size_t)((const unsigned char *)shared - (const unsigned char *)guest->shared);

	return vballoon_gpa(guest->config.shared_gpa.value + offset);
}

unsigned int vballoon_traditional_queues_prepare(
	struct vballoon_traditional_guest *guest,
	struct vballoon_traditional_guest_queue queues[TRADITIONAL_QUEUES])
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < TRADITIONAL_QUEUES; i++) {
		unsigned char *memory = guest->shared->rings[i];

		if (!guest->queue_size[i])
			continue;
		queues[count].index = guest->queue_index[i];
		vballoon_guest_ring_prepare(&guest->rings[i], memory, gpa_of(guest, memory),
					    guest->queue_size[i], guest->features,
					    &queues[count++].queue);
	}
	return count;
}

/* Take what one queue has, no more than there can be. */
static void poll(struct vballoon_traditional_guest *guest, unsigned int role)
{
	struct vballoon_driver_ring *ring = &guest->rings[role].ring;
	int outcome = VBALLOON_COLLECT_ONE;
	uint32_t written;
	uint64_t token;

	for (unsigned int i = 0; i < ring->size && outcome == VBALLOON_COLLECT_ONE; i++) {
		outcome = vballoon_driver_ring_collect(ring, &token, &written);
		if (outcome == VBALLOON_COLLECT_ONE)
			roles[role].answered(guest, token);
		if (guest->life.state != VBALLOON_GUEST_RUNNING)
			return;
	}
	if (outcome == VBALLOON_COLLECT_BROKEN)
		vballoon_traditional_fail(guest, VBALLOON_GUEST_BAD_RING);
}

void vballoon_traditional_answers_poll(struct vballoon_traditional_guest *guest)
{
	for (unsigned int i = 0; i < TRADITIONAL_QUEUES; i++) {
		if (guest->queue_size[i] && guest->life.state == VBALLOON_GUEST_RUNNING)
			poll(guest, i);
	}
}

bool vballoon_traditional_queues_settle(struct vballoon_traditional_guest *guest)
{
	bool more = false;

	for (unsigned int i = 0; i < TRADITIONAL_QUEUES; i++) {
		struct vballoon_driver_ring *ring = &guest->rings[i].ring;

		if (!guest->queue_size[i])
			continue;
		if (vballoon_driver_ring_should_kick(ring))
			guest->config.ops->notify(guest->config.context, guest->queue_index[i]);
		more |= vballoon_driver_ring_interrupts(ring, true);
	}
	return more;
}

void vballoon_traditional_post(struct vballoon_traditional_guest *guest, unsigned int role,
			       const struct vballoon_driver_buffer *buffers, unsigned int count,
			       uint64_t token)
{
	/* There is room: only the device can have spoilt the ring. */
	if (vballoon_driver_ring_post(&guest->rings[role].ring, buffers, count, token))
		vballoon_traditional_fail(guest, VBALLOON_GUEST_BAD_RING);
}

void vballoon_traditional_send(struct vballoon_traditional_guest *guest, unsigned int role,
			       const void *out, size_t len, uint64_t token)
{
	const struct vballoon_driver_buffer buffer = { gpa_of(guest, out), (uint32_t)len, false };

	vballoon_traditional_post(guest, role, &buffer, 1, token);
}
