/* SPDX-License-Identifier: BSD-3-Clause */
#include "driver/port/ring.h"

/* Where the parts of a ring lie in its memory. */
#define RING_AVAIL ((size_t)GUEST_QUEUE_SIZE * 16)
#define RING_USED (RING_AVAIL + 128)

_Static_assert(RING_USED + 6 + (size_t)GUEST_QUEUE_SIZE * 8 <= GUEST_RING_BYTES, "a ring fits");

/* The largest power of two that both sides can do. */
static uint16_t queue_size(uint32_t greatest)
{
	uint16_t size = GUEST_QUEUE_SIZE;

	while (size > greatest)
		size /= 2;
	return size;
}

void vballoon_guest_ring_prepare(struct vballoon_guest_ring *queue, unsigned char *memory,
				 struct vballoon_gpa gpa, uint32_t greatest, uint64_t features,
				 struct vballoon_queue *queue_out)
{
	queue->ring = (struct vballoon_driver_ring){
		.size = queue_size(greatest),
		.desc = memory,
		.avail = memory + RING_AVAIL,
		.used = memory + RING_USED,
		.slots = queue->slots,
		.links = queue->links,
		.features = vballoon_ring_features(features),
	};
	vballoon_driver_ring_start(&queue->ring);
	*queue_out = (struct vballoon_queue){
		.size = queue->ring.size,
		.desc = gpa,
		.avail = vballoon_gpa(gpa.value + RING_AVAIL),
		.used = vballoon_gpa(gpa.value + RING_USED),
		.next = queue->ring.features.packed ? VBALLOON_QUEUE_FIRST_PACKED : 0,
	};
}
