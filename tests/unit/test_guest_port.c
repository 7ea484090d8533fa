/* SPDX-License-Identifier: BSD-3-Clause */
/* The example of a port, on registers of virtio-mmio that the device of the library answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <vballoon/device.h>
#include <vballoon/guest.h>
#include <vballoon/traditional_guest.h>

#include "base/le.h"
#include "guest_memory.h"
#include "guest_port.h"
#include "traditional_port.h"

#define MMIO UINT64_C(0x10000000)
#define MMIO_OTHER (MMIO + 0x1000) /* a network card */
#define MEMORY (UINT64_C(1) << 30)
#define BYTES (UINT64_C(4) << 20)
#define PAGES 1024
#define SHARED (UINT64_C(1) << 40)
#define TURNS_MAX 100000

static struct {
	struct vballoon_device *device;
	void *storage;
	void *page_maps[2];
	struct guest_memory memory;
	uint32_t status, feature_half, driver_half, queue;
	uint64_t features;
	struct vballoon_queue queues[VBALLOON_QUEUES_MAX];
	bool interrupt, config_changed;
	bool refuses_features;
	uint32_t id;
	bool out[PAGES];
	uint64_t out_count;
	uint64_t now_ms;
} kernel;

static void notify(void *context, unsigned int queue)
{
	(void)context;
	(void)queue;
	kernel.interrupt = true;
}

static void config_changed(void *context)
{
	(void)context;
	kernel.config_changed = true;
}

static const struct vballoon_device_ops ops = { .notify = notify,
						.config_changed = config_changed };

static void add_region(struct vballoon_region region, unsigned int index)
{
	region.page_map_bytes = vballoon_page_map_bytes(region.size, 12);
	region.page_map = kernel.page_maps[index] = malloc(region.page_map_bytes);
	region.host_page_shift = 12;
	assert_non_null(region.page_map);
	assert_int_equal(vballoon_device_add_region(kernel.device, &region), 0);
}

uint64_t kernel_physical(const void *object)
{
	if (!kernel.page_maps[1])
		add_region((struct vballoon_region){ .gpa = vballoon_gpa(SHARED),
						     .size = vballoon_bytes(
							     VBALLOON_GUEST_SHARED_BYTES),
						     .host = (void *)(uintptr_t)object },
			   1);
	return SHARED;
}

uint64_t kernel_page_alloc(void)
{
	for (unsigned int i = 0; i < PAGES; i++) {
		if (!kernel.out[i]) {
			kernel.out[i] = true;
			kernel.out_count++;
			return MEMORY + i * UINT64_C(4096);
		}
	}
	return 0;
}

void kernel_page_free(uint64_t address)
{
	uint64_t page = (address - MEMORY) / 4096;

	assert_true(page < PAGES && kernel.out[page]);
	kernel.out[page] = false;
	kernel.out_count--;
}

uint64_t kernel_random64(void)
{
	return kernel.now_ms;
}

uint64_t kernel_now_ms(void)
{
	/* Somebody who waits sees the device at work meanwhile. */
	vballoon_device_run(kernel.device);
	return kernel.now_ms;
}

uint32_t kernel_read32(uintptr_t address)
{
	uint32_t config;

	switch (address - MMIO) {
	case 0x008:
		return kernel.id;
	case MMIO_OTHER - MMIO + 0x008:
		return 1;
	case 0x010:
		return (uint32_t)(vballoon_device_offered(kernel.device) >>
				  (32 * kernel.feature_half));
	case 0x034:
		return 128;
	case 0x060:
		return kernel.interrupt | (uint32_t)kernel.config_changed << 1;
	case 0x070:
		return kernel.status;
	case 0x100:
	case 0x104:
		vballoon_device_config_space(kernel.device, (uint32_t)(address - MMIO - 0x100),
					     &config, sizeof(config));
		return vballoon_le32(config);
	}
	fail_msg("register %#llx is read", (unsigned long long)(address - MMIO));
	return 0;
}

static void write_status(uint32_t status)
{
	if (!status)
		vballoon_device_reset(kernel.device);
	if (status & 8 && !(kernel.status & 8)) {
		if (kernel.refuses_features)
			status &= ~8U;
		else
			assert_int_equal(
				vballoon_device_set_features(kernel.device, kernel.features), 0);
	}
	kernel.status = status;
}

static void write_half(uint64_t *value, unsigned int half, uint32_t bits)
{
	*value = half ? (*value & UINT32_MAX) | (uint64_t)bits << 32 : (*value >> 32 << 32) | bits;
}

void kernel_write32(uintptr_t address, uint32_t value)
{
	struct vballoon_queue *queue = &kernel.queues[kernel.queue];
	uint32_t wire = vballoon_le32(value);
	unsigned int half = address & 4 ? 1 : 0;

	switch (address - MMIO) {
	case 0x014:
		kernel.feature_half = value;
		return;
	case 0x020:
		write_half(&kernel.features, kernel.driver_half, value);
		return;
	case 0x024:
		kernel.driver_half = value;
		return;
	case 0x030:
		kernel.queue = value;
		return;
	case 0x038:
		queue->size = value;
		return;
	case 0x044:
		queue->next = vballoon_device_queue_first(kernel.device);
		assert_int_equal(vballoon_device_start_queue(kernel.device, kernel.queue, queue),
				 0);
		return;
	case 0x050:
		assert_true(kernel.status & 4);
		return;
	case 0x064:
		kernel.interrupt = kernel.config_changed = false;
		return;
	case 0x070:
		write_status(value);
		return;
	case 0x080:
	case 0x084:
		write_half(&queue->desc.value, half, value);
		return;
	case 0x090:
	case 0x094:
		write_half(&queue->avail.value, half, value);
		return;
	case 0x0a0:
	case 0x0a4:
		write_half(&queue->used.value, half, value);
		return;
	case 0x104:
		vballoon_device_config_write(kernel.device, 4, &wire, sizeof(wire));
		return;
	}
	fail_msg("register %#llx is written", (unsigned long long)(address - MMIO));
}

/* SILENT_DEFLATE is offered where memory can be given back. */
static int give(void *context, const struct vballoon_region *region, struct vballoon_bytes offset,
		struct vballoon_bytes len)
{
	(void)context;
	(void)region;
	(void)offset;
	(void)len;
	return 0;
}

static const struct vballoon_reclaim_ops reclaim = { .drop = give, .discard = give };

static int set_up_device(uint32_t id, uint64_t features)
{
	struct vballoon_device_config config = {
		.device_id = id,
		.page_shift = 12,
		.features = features,
		.ops = &ops,
		.reclaim = &reclaim,
	};

	memset(&kernel, 0, sizeof(kernel));
	kernel.id = id;
	kernel.now_ms = 5000;
	kernel.storage = malloc(vballoon_device_bytes());
	assert_non_null(kernel.storage);
	assert_int_equal(vballoon_device_init(kernel.storage, &config, &kernel.device), 0);
	guest_memory_init(&kernel.memory);
	guest_memory_add(&kernel.memory, MEMORY, BYTES);
	add_region(kernel.memory.memory.regions[0], 0);
	return 0;
}

static int set_up(void **state)
{
	(void)state;
	return set_up_device(VIRTIO_MEMORY_BALLOON_ID, vballoon_device_features_max());
}

static int set_up_traditional(void **state)
{
	uint64_t features = vballoon_device_features_of(VIRTIO_BALLOON_ID);

	(void)state;
	return set_up_device(VIRTIO_BALLOON_ID,
			     features & ~(UINT64_C(1) << VIRTIO_BALLOON_F_MUST_TELL_HOST));
}

static int tear_down(void **state)
{
	(void)state;
	guest_memory_destroy(&kernel.memory);
	free(kernel.storage);
	free(kernel.page_maps[0]);
	free(kernel.page_maps[1]);
	return 0;
}

static void settle(void)
{
	uint64_t wait_ms;
	unsigned int turns = 0;

	do {
		wait_ms = kernel.id == VIRTIO_BALLOON_ID ? traditional_port_work()
							 : guest_port_work();
		while (vballoon_device_run(kernel.device))
			;
		assert_true(++turns < TURNS_MAX);
	} while (!wait_ms || kernel.interrupt || kernel.config_changed);
}

static uint64_t held(void)
{
	struct vballoon_status status;

	vballoon_device_status(kernel.device, &status);
	assert_int_equal(status.violation, VBALLOON_OK);
	return status.held_pages;
}

static void target(uint64_t pages)
{
	assert_int_equal(vballoon_device_set_target(kernel.device, pages), 0);
	while (vballoon_device_run(kernel.device))
		;
	settle();
}

static void does_the_main_job(void **state)
{
	(void)state;
	assert_true(guest_port_probe(MMIO, MEMORY, BYTES));
	settle();
	target(800);
	assert_int_equal(held(), 800);
	assert_int_equal(kernel.out_count, 800);
	target(100);
	assert_int_equal(held(), 100);
	target(0);
	assert_int_equal(held(), 0);
	assert_int_equal(kernel.out_count, 0);
}

static void gets_memory_when_there_is_none(void **state)
{
	(void)state;
	assert_true(guest_port_probe(MMIO, MEMORY, BYTES));
	settle();
	target(800);
	assert_int_equal(guest_port_out_of_memory(), 800);
	assert_int_equal(kernel.out_count, 0);
	assert_int_equal(guest_port_out_of_memory(), 0);
}

static void shuts_down_with_every_page(void **state)
{
	(void)state;
	assert_true(guest_port_probe(MMIO, MEMORY, BYTES));
	settle();
	target(800);
	guest_port_shutdown();
	assert_int_equal(kernel.status, 0);
	settle();
	assert_int_equal(kernel.out_count, 0);
}

static void starts_again_when_the_device_needs_a_reset(void **state)
{
	(void)state;
	assert_true(guest_port_probe(MMIO, MEMORY, BYTES));
	settle();
	target(800);
	kernel.status |= 64;
	settle();
	assert_int_equal(kernel.out_count, 0);
	kernel.now_ms += 1000;
	settle();
	assert_int_equal(held(), 800);
}

static void leaves_another_device_alone(void **state)
{
	(void)state;
	kernel.id = 5;
	assert_false(guest_port_probe(MMIO, MEMORY, BYTES));
}

/* The kernel goes on to look at its other devices. */
static void another_device_makes_no_difference_to_a_balloon(void **state)
{
	(void)state;
	assert_true(guest_port_probe(MMIO, MEMORY, BYTES));
	assert_false(guest_port_probe(MMIO_OTHER, MEMORY, BYTES));
	settle();
	target(800);
	assert_int_equal(held(), 800);
}

static void another_device_makes_no_difference_to_a_traditional_balloon(void **state)
{
	(void)state;
	assert_true(traditional_port_probe(MMIO, MEMORY, BYTES));
	assert_false(traditional_port_probe(MMIO_OTHER, MEMORY, BYTES));
	settle();
	target(800);
	assert_int_equal(held(), 800);
}

static void leaves_a_device_alone_that_refuses_its_features(void **state)
{
	(void)state;
	kernel.refuses_features = true;
	assert_true(guest_port_probe(MMIO, MEMORY, BYTES));
	settle();
	assert_int_equal(kernel.status & 4, 0);
	assert_int_equal(guest_port_work(), VBALLOON_GUEST_FOREVER);
}

static void drives_the_traditional_balloon(void **state)
{
	(void)state;
	assert_true(traditional_port_probe(MMIO, MEMORY, BYTES));
	settle();
	target(800);
	assert_int_equal(held(), 800);
	assert_int_equal(kernel.out_count, 800);
	target(100);
	assert_int_equal(held(), 100);
	assert_int_equal(kernel.out_count, 100);
	traditional_port_shutdown();
	settle();
	assert_int_equal(kernel.out_count, 0);
}

static void has_a_page_of_the_traditional_balloon_at_once(void **state)
{
	uint64_t page;

	(void)state;
	assert_true(traditional_port_probe(MMIO, MEMORY, BYTES));
	assert_int_equal(traditional_port_page_now(), 0);
	settle();
	target(800);
	page = traditional_port_page_now();
	kernel_page_free(page);
	settle();
	assert_int_equal(kernel.out_count, 799);
	assert_int_equal(held(), 800); /* as far as the device knows */
}

#define PORT_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PORT_TEST(does_the_main_job),
		PORT_TEST(gets_memory_when_there_is_none),
		PORT_TEST(shuts_down_with_every_page),
		PORT_TEST(starts_again_when_the_device_needs_a_reset),
		cmocka_unit_test_setup_teardown(drives_the_traditional_balloon, set_up_traditional,
						tear_down),
		cmocka_unit_test_setup_teardown(has_a_page_of_the_traditional_balloon_at_once,
						set_up_traditional, tear_down),
		PORT_TEST(leaves_another_device_alone),
		PORT_TEST(another_device_makes_no_difference_to_a_balloon),
		cmocka_unit_test_setup_teardown(
			another_device_makes_no_difference_to_a_traditional_balloon,
			set_up_traditional, tear_down),
		PORT_TEST(leaves_a_device_alone_that_refuses_its_features),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
