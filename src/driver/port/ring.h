/* SPDX-License-Identifier: BSD-3-Clause */
/* One virtqueue of a driver, with memory that is as large as it ever is. */
#ifndef VBALLOON_DRIVER_PORT_RING_H
#define VBALLOON_DRIVER_PORT_RING_H

#include <vballoon/queue.h>

#include "ring/driver_ring.h"

/* The largest queue that is used, whatever the device offers. */
#define GUEST_QUEUE_SIZE 32
/* What one takes of the memory that the device reaches; aligned to 16. */
#define GUEST_RING_BYTES 1024

struct vballoon_guest_ring {
	struct vballoon_driver_ring ring;
	struct vballoon_driver_slot slots[GUEST_QUEUE_SIZE];
	uint16_t links[GUEST_QUEUE_SIZE];
};

/* A new ring in @memory, which the device finds at @gpa, of at most @greatest descriptors,
 * with the ring features among @features. */
void vballoon_guest_ring_prepare(struct vballoon_guest_ring *queue, unsigned char *memory,
				 struct vballoon_gpa gpa, uint32_t greatest, uint64_t features,
				 struct vballoon_queue *queue_out);

#endif /* VBALLOON_DRIVER_PORT_RING_H */
