/* SPDX-License-Identifier: BSD-3-Clause */
#include "virtio_mmio.h"

#include "guest_port.h"

enum {
	DEVICE_ID = 0x008,
	DEVICE_FEATURES = 0x010,
	DEVICE_FEATURES_SEL = 0x014,
	DRIVER_FEATURES = 0x020,
	DRIVER_FEATURES_SEL = 0x024,
	QUEUE_SEL = 0x030,
	QUEUE_SIZE_MAX = 0x034,
	QUEUE_SIZE = 0x038,
	QUEUE_READY = 0x044,
	QUEUE_NOTIFY = 0x050,
	INTERRUPT_STATUS = 0x060,
	INTERRUPT_ACK = 0x064,
	STATUS = 0x070,
	QUEUE_DESC = 0x080,
	QUEUE_DRIVER = 0x090,
	QUEUE_DEVICE = 0x0a0,
	CONFIG = 0x100,
};

/* Bits of STATUS. */
enum { ACKNOWLEDGE = 1, DRIVER = 2, DRIVER_OK = 4, FEATURES_OK = 8, NEEDS_RESET = 64 };

static void write_address(uintptr_t address, struct vballoon_gpa gpa)
{
	kernel_write32(address, (uint32_t)gpa.value);
	kernel_write32(address + 4, (uint32_t)(gpa.value >> 32));
}

uint32_t virtio_mmio_id(uintptr_t base)
{
	return kernel_read32(base + DEVICE_ID);
}

uint64_t virtio_mmio_features(uintptr_t base)
{
	uint64_t features = 0;

	for (unsigned int half = 0; half < 2; half++) {
		kernel_write32(base + DEVICE_FEATURES_SEL, half);
		features |= (uint64_t)kernel_read32(base + DEVICE_FEATURES) << (32 * half);
	}
	return features;
}

uint32_t virtio_mmio_queue_size(uintptr_t base, unsigned int index)
{
	kernel_write32(base + QUEUE_SEL, index);
	return kernel_read32(base + QUEUE_SIZE_MAX);
}

uint32_t virtio_mmio_config(uintptr_t base, unsigned int offset)
{
	return kernel_read32(base + CONFIG + offset);
}

void virtio_mmio_set_config(uintptr_t base, unsigned int offset, uint32_t value)
{
	kernel_write32(base + CONFIG + offset, value);
}

void virtio_mmio_reset(uintptr_t base)
{
	kernel_write32(base + STATUS, 0);
	while (kernel_read32(base + STATUS))
		;
}

bool virtio_mmio_negotiate(uintptr_t base, uint64_t features)
{
	kernel_write32(base + STATUS, ACKNOWLEDGE | DRIVER);
	for (unsigned int half = 0; half < 2; half++) {
		kernel_write32(base + DRIVER_FEATURES_SEL, half);
		kernel_write32(base + DRIVER_FEATURES, (uint32_t)(features >> (32 * half)));
	}
	kernel_write32(base + STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK);
	return kernel_read32(base + STATUS) & FEATURES_OK;
}

void virtio_mmio_start_queue(uintptr_t base, unsigned int index, const struct vballoon_queue *queue)
{
	kernel_write32(base + QUEUE_SEL, index);
	kernel_write32(base + QUEUE_SIZE, queue->size);
	write_address(base + QUEUE_DESC, queue->desc);
	write_address(base + QUEUE_DRIVER, queue->avail);
	write_address(base + QUEUE_DEVICE, queue->used);
	kernel_write32(base + QUEUE_READY, 1);
}

void virtio_mmio_driver_ok(uintptr_t base)
{
	kernel_write32(base + STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK);
}

void virtio_mmio_notify(uintptr_t base, unsigned int index)
{
	kernel_write32(base + QUEUE_NOTIFY, index);
}

uint32_t virtio_mmio_interrupt(uintptr_t base)
{
	uint32_t about = kernel_read32(base + INTERRUPT_STATUS);

	kernel_write32(base + INTERRUPT_ACK, about);
	return about;
}

bool virtio_mmio_needs_reset(uintptr_t base)
{
	return kernel_read32(base + STATUS) & NEEDS_RESET;
}
