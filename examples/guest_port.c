/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A port of the guest driver: a small kernel with 4 KiB pages and one balloon on
 * virtio-mmio (virtio 1.3, 4.2). All memory is static.
 */
#include "guest_port.h"

#include <vballoon/guest.h>

#define PAGE_SHIFT 12
#define MEMORY_MAX (UINT64_C(4) << 30)
#define OOM_PAGES 1024 /* what is asked for at a time when there is no memory */

/* Registers of virtio-mmio. */
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

static uintptr_t base;
static struct vballoon_guest *guest;
static struct vballoon_guest_range range;
static _Alignas(16) unsigned char storage[VBALLOON_GUEST_BYTES];
static _Alignas(4096) unsigned char shared[VBALLOON_GUEST_SHARED_BYTES];
static uint64_t held[(MEMORY_MAX >> PAGE_SHIFT) / 64];

static uint32_t read_register(unsigned int offset)
{
	return kernel_read32(base + offset);
}

static void write_register(unsigned int offset, uint32_t value)
{
	kernel_write32(base + offset, value);
}

static void write_address(unsigned int offset, struct vballoon_gpa gpa)
{
	write_register(offset, (uint32_t)gpa.value);
	write_register(offset + 4, (uint32_t)(gpa.value >> 32));
}

static uint64_t get_page(void *context, uint64_t most, struct vballoon_gpa *gpa_out)
{
	(void)context;
	(void)most;
	*gpa_out = vballoon_gpa(kernel_page_alloc());
	return gpa_out->value ? 1 : 0;
}

static void return_page(void *context, struct vballoon_gpa gpa, uint64_t units,
			enum vballoon_guest_cause cause)
{
	(void)context;
	(void)cause;
	while (units--)
		kernel_page_free(gpa.value + (units << PAGE_SHIFT));
}

static void reset(void *context)
{
	(void)context;
	write_register(STATUS, 0);
	while (read_register(STATUS))
		;
}

static void start_queue(unsigned int index, const struct vballoon_queue *queue)
{
	write_register(QUEUE_SEL, index);
	write_register(QUEUE_SIZE, queue->size);
	write_address(QUEUE_DESC, queue->desc);
	write_address(QUEUE_DRIVER, queue->avail);
	write_address(QUEUE_DEVICE, queue->used);
	write_register(QUEUE_READY, 1);
}

static int start(void *context, uint64_t features, const struct vballoon_queue queues[2])
{
	(void)context;
	write_register(STATUS, ACKNOWLEDGE | DRIVER);
	for (unsigned int half = 0; half < 2; half++) {
		write_register(DRIVER_FEATURES_SEL, half);
		write_register(DRIVER_FEATURES, (uint32_t)(features >> (32 * half)));
	}
	write_register(STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK);
	if (!(read_register(STATUS) & FEATURES_OK))
		return -1;
	for (unsigned int i = 0; i < 2; i++)
		start_queue(i, &queues[i]);
	write_register(STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK);
	return 0;
}

static void notify(void *context, unsigned int queue)
{
	(void)context;
	write_register(QUEUE_NOTIFY, queue);
}

static uint64_t random64(void *context)
{
	(void)context;
	return kernel_random64();
}

static const struct vballoon_guest_ops ops = {
	.get_page = get_page,
	.return_page = return_page,
	.reset = reset,
	.start = start,
	.notify = notify,
	.random64 = random64,
};

bool guest_port_probe(uintptr_t mmio, uint64_t memory, uint64_t bytes)
{
	struct vballoon_guest_config config = {
		.ops = &ops,
		.features = ~UINT64_C(0),
		.unit_shift = PAGE_SHIFT,
		.ranges = &range,
		.range_count = 1,
		.shared = shared,
		.shared_gpa = vballoon_gpa(kernel_physical(shared)),
	};

	base = mmio;
	if (read_register(DEVICE_ID) != VIRTIO_MEMORY_BALLOON_ID || bytes > MEMORY_MAX)
		return false;
	config.page_shift = read_register(CONFIG);
	config.revision = read_register(CONFIG + 4);
	for (unsigned int i = 0; i < 2; i++) {
		write_register(DEVICE_FEATURES_SEL, i);
		config.offered |= (uint64_t)read_register(DEVICE_FEATURES) << (32 * i);
		write_register(QUEUE_SEL, i);
		config.queue_size[i] = read_register(QUEUE_SIZE_MAX);
	}
	range = (struct vballoon_guest_range){ vballoon_gpa(memory), vballoon_bytes(bytes), held };
	if (vballoon_guest_init(storage, &config, &guest))
		return false;
	vballoon_guest_start(guest);
	return true;
}

uint64_t guest_port_work(void)
{
	write_register(INTERRUPT_ACK, read_register(INTERRUPT_STATUS));
	if (read_register(STATUS) & NEEDS_RESET)
		vballoon_guest_restart(guest);
	return vballoon_guest_run(guest, kernel_now_ms());
}

uint64_t guest_port_out_of_memory(void)
{
	struct vballoon_guest_status before, after;

	vballoon_guest_status(guest, &before);
	if (vballoon_guest_oom(guest, OOM_PAGES, kernel_now_ms()))
		while (vballoon_guest_oom_waits(guest, kernel_now_ms()))
			;
	vballoon_guest_status(guest, &after);
	return after.returned_pages - before.returned_pages;
}

void guest_port_shutdown(void)
{
	vballoon_guest_stop(guest);
}
