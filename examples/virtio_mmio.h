/* SPDX-License-Identifier: BSD-3-Clause */
/* A device on virtio-mmio (virtio 1.3, 4.2), by the address of its registers: the transport of
 * the example ports. */
#ifndef VBALLOON_EXAMPLES_VIRTIO_MMIO_H
#define VBALLOON_EXAMPLES_VIRTIO_MMIO_H

#include <stdbool.h>
#include <stdint.h>

#include <vballoon/queue.h>

uint32_t virtio_mmio_id(uintptr_t base);
uint64_t virtio_mmio_features(uintptr_t base);
/* The most descriptors of a queue; 0: there is none. */
uint32_t virtio_mmio_queue_size(uintptr_t base, unsigned int index);
uint32_t virtio_mmio_config(uintptr_t base, unsigned int offset);
void virtio_mmio_set_config(uintptr_t base, unsigned int offset, uint32_t value);

/* Comes back when the device is reset. */
void virtio_mmio_reset(uintptr_t base);
/* Whether the device can do with these; the queues follow, and then DRIVER_OK. */
bool virtio_mmio_negotiate(uintptr_t base, uint64_t features);
void virtio_mmio_start_queue(uintptr_t base, unsigned int index,
			     const struct vballoon_queue *queue);
void virtio_mmio_driver_ok(uintptr_t base);
void virtio_mmio_notify(uintptr_t base, unsigned int index);

/* Take the interrupt: what it is about. */
enum { VIRTIO_MMIO_USED = 1, VIRTIO_MMIO_CONFIG = 2 };
uint32_t virtio_mmio_interrupt(uintptr_t base);
bool virtio_mmio_needs_reset(uintptr_t base);

#endif /* VBALLOON_EXAMPLES_VIRTIO_MMIO_H */
