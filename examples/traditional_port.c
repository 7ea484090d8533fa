/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A port of the driver for the traditional balloon, with SILENT_DEFLATE: the same kernel as in
 * guest_port.c. traditional_port_page_now() has a page of the balloon back at once: with
 * DEFLATE_ON_OOM any, otherwise one that the device does not want there.
 */
#include "traditional_port.h"

#include <vballoon/traditional_guest.h>

#include "guest_port.h"
#include "virtio_mmio.h"

#define PAGE_SHIFT 12
#define MEMORY_MAX (UINT64_C(4) << 30)
/* Fields of struct virtio_balloon_config. */
#define NUM_PAGES 0
#define ACTUAL 4

static uintptr_t base;
static struct vballoon_traditional_guest *guest;
static struct vballoon_guest_range range;
static _Alignas(16) unsigned char storage[VBALLOON_TRADITIONAL_GUEST_BYTES];
static _Alignas(4096) unsigned char shared[VBALLOON_TRADITIONAL_GUEST_SHARED_BYTES];
static uint64_t held[(MEMORY_MAX >> PAGE_SHIFT) / 64];

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
	virtio_mmio_reset(base);
}

static int start(void *context, uint64_t features,
		 const struct vballoon_traditional_guest_queue *queues, unsigned int count)
{
	(void)context;
	if (!virtio_mmio_negotiate(base, features))
		return -1;
	for (unsigned int i = 0; i < count; i++)
		virtio_mmio_start_queue(base, queues[i].index, &queues[i].queue);
	virtio_mmio_driver_ok(base);
	return 0;
}

static void notify(void *context, unsigned int index)
{
	(void)context;
	virtio_mmio_notify(base, index);
}

static uint32_t queue_size(void *context, unsigned int index)
{
	(void)context;
	return virtio_mmio_queue_size(base, index);
}

static uint32_t num_pages(void *context)
{
	(void)context;
	return virtio_mmio_config(base, NUM_PAGES);
}

static void set_actual(void *context, uint32_t pages)
{
	(void)context;
	virtio_mmio_set_config(base, ACTUAL, pages);
}

static const struct vballoon_traditional_guest_ops ops = {
	.get_page = get_page,
	.get_reserve = get_page, /* this kernel has one kind of pages */
	.return_page = return_page,
	.reset = reset,
	.start = start,
	.notify = notify,
	.queue_size = queue_size,
	.num_pages = num_pages,
	.set_actual = set_actual,
};

bool traditional_port_probe(uintptr_t mmio, uint64_t memory, uint64_t bytes)
{
	struct vballoon_traditional_guest_config config = {
		.ops = &ops,
		.features = ~UINT64_C(0),
		.unit_shift = PAGE_SHIFT,
		.ranges = &range,
		.range_count = 1,
		.shared = shared,
		.shared_gpa = vballoon_gpa(kernel_physical(shared)),
	};

	if (virtio_mmio_id(mmio) != VIRTIO_BALLOON_ID || bytes > MEMORY_MAX)
		return false;
	base = mmio;
	config.offered = virtio_mmio_features(base);
	range = (struct vballoon_guest_range){ vballoon_gpa(memory), vballoon_bytes(bytes), held };
	if (vballoon_traditional_guest_init(storage, &config, &guest))
		return false;
	vballoon_traditional_guest_start(guest);
	return true;
}

uint64_t traditional_port_work(void)
{
	if (virtio_mmio_interrupt(base) & VIRTIO_MMIO_CONFIG)
		vballoon_traditional_guest_changed(guest);
	if (virtio_mmio_needs_reset(base))
		vballoon_traditional_guest_restart(guest);
	return vballoon_traditional_guest_run(guest, kernel_now_ms());
}

uint64_t traditional_port_page_now(void)
{
	struct vballoon_gpa gpa;

	return vballoon_traditional_guest_take(guest, 1, &gpa) ? gpa.value : 0;
}

void traditional_port_shutdown(void)
{
	vballoon_traditional_guest_stop(guest);
}
