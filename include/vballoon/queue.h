/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where a virtqueue lies in guest memory, as the transport learned it from the
 * driver (virtio 1.3, 2.7 Split Virtqueues).
 */
#ifndef VBALLOON_QUEUE_H
#define VBALLOON_QUEUE_H

#include <stdint.h>

#include <vballoon/types.h>

/** The largest queue, in descriptors, that the device accepts. */
#define VBALLOON_QUEUE_SIZE_MAX 1024

/** Where a queue begins, and where it goes on. */
struct vballoon_queue {
	uint32_t size; /**< descriptors: a power of two, at most VBALLOON_QUEUE_SIZE_MAX */
	struct vballoon_gpa desc; /**< descriptor table; a multiple of 16 */
	struct vballoon_gpa avail; /**< available ring; a multiple of 2 */
	struct vballoon_gpa used; /**< used ring; a multiple of 4 */
	uint16_t next; /**< the index of the next available buffer, from a stop or 0 */
};

#endif /* VBALLOON_QUEUE_H */
