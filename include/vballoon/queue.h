/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where a virtqueue lies in guest memory, as the transport learned it from the
 * driver: split or packed, as VIRTIO_F_RING_PACKED was negotiated (virtio 1.3, 2.7 and
 * 2.8).
 */
#ifndef VBALLOON_QUEUE_H
#define VBALLOON_QUEUE_H

#include <stdint.h>

#include <vballoon/types.h>

/** The largest queue, in descriptors, that the device accepts. */
#define VBALLOON_QUEUE_SIZE_MAX 1024

/** The most queues that a device has. */
#define VBALLOON_QUEUES_MAX 5

/** struct vballoon_queue.next of a packed queue that begins anew; a split one's is 0. */
#define VBALLOON_QUEUE_FIRST_PACKED 0x80008000U

/** Where a queue begins, and where it goes on. */
struct vballoon_queue {
	uint32_t size; /**< descriptors: 1 to VBALLOON_QUEUE_SIZE_MAX, a power of two if split */
	struct vballoon_gpa desc; /**< descriptor table, or packed ring; a multiple of 16 */
	struct vballoon_gpa avail; /**< available ring, a multiple of 2; packed: the driver's
					 event suppression, a multiple of 4 */
	struct vballoon_gpa used; /**< used ring; packed: the device's event suppression; a
				       multiple of 4 */
	/**
	 * Where to go on, from a stop, as vhost-user has it; a new queue's is 0, or
	 * VBALLOON_QUEUE_FIRST_PACKED. Split: the index of the next available buffer, below
	 * 65536. Packed: the descriptor of the next available buffer in bits 0 to 14 and the
	 * driver's wrap counter in bit 15, those of the next used buffer in bits 16 to 31.
	 */
	uint32_t next;
};

#endif /* VBALLOON_QUEUE_H */
