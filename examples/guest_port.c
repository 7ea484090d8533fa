/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A port of the guest driver: a small kernel with 4 KiB pages and one balloon on
 * virtio-mmio (virtio_mmio.c). All memory is static.
 */
#include "guest_port.h"

#include <vballoon/guest.h>

#include "virtio_mmio.h"

#define PAGE_SHIFT 12
#define MEMORY_MAX (UINT64_C(4) << 30)
#define OOM_PAGES 1024 /* what is asked for at a time when there is no memory */

static uintptr_t base;
static struct vballoon_guest *guest;
static struct vballoon_guest_range range;
static _Alignas(16) unsigned char storage[VBALLOON_GUEST_BYTES];
static _Alignas(4096) unsigned char shared[VBALLOON_GUEST_SHARED_BYTES];
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

static int start(void *context, uint64_t features, const struct vballoon_queue queues[2])
{
	(void)context;
	if (!virtio_mmio_negotiate(base, features))
		return -1;
	for (unsigned int i = 0; i < 2; i++)
		virtio_mmio_start_queue(base, i, &queues[i]);
	virtio_mmio_driver_ok(base);
	return 0;
}

static void notify(void *context, unsigned int queue)
{
	(void)context;
	virtio_mmio_notify(base, queue);
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

	if (virtio_mmio_id(mmio) != VIRTIO_MEMORY_BALLOON_ID || bytes > MEMORY_MAX)
		return false;
	base = mmio;
	config.page_shift = virtio_mmio_config(base, 0);
	config.revision = virtio_mmio_config(base, 4);
	config.offered = virtio_mmio_features(base);
	for (unsigned int i = 0; i < 2; i++)
		config.queue_size[i] = virtio_mmio_queue_size(base, i);
	range = (struct vballoon_guest_range){ vballoon_gpa(memory), vballoon_bytes(bytes), held };
	if (vballoon_guest_init(storage, &config, &guest))
		return false;
	vballoon_guest_start(guest);
	return true;
}

uint64_t guest_port_work(void)
{
	virtio_mmio_interrupt(base);
	if (virtio_mmio_needs_reset(base))
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
