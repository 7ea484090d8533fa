/* SPDX-License-Identifier: BSD-3-Clause */
#include "port_machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TURNS_MAX 100000
#define LOOKS_MAX 3
#define HOST_PAGE UINT64_C(4096)

static void device_notify(void *context, unsigned int queue)
{
	struct port_machine *machine = context;

	assert_true(queue < 2);
	machine->interrupted = true;
}

static void device_stopped(void *context, enum vballoon_violation violation, unsigned int queue)
{
	(void)context;
	fail_msg("the device has stopped: %s on queue %u", vballoon_violation_text(violation),
		 queue);
}

static bool are_out(struct port_machine *machine, uint64_t gpa, uint64_t bytes, const char *what)
{
	for (uint64_t at = gpa; at < gpa + bytes; at += HOST_PAGE) {
		if (!port_guest_is_out(&machine->guest, at))
			fail_msg("%#llx is %s and the guest's", (unsigned long long)at, what);
	}
	return true;
}

/* What the device holds, the guest has given. */
static bool is_out(void *context, struct vballoon_gpa gpa, uint64_t pages, bool dropped)
{
	struct port_machine *machine = context;

	return are_out(machine, gpa.value, pages << machine->guest.config.page_shift,
		       dropped ? "dropped" : "held");
}

static int drop(void *context, const struct vballoon_region *region, struct vballoon_bytes offset,
		struct vballoon_bytes len)
{
	struct port_machine *machine = context;

	are_out(machine, region->gpa.value + offset.value, len.value, "dropped");
	memset((unsigned char *)region->host + offset.value, 0, len.value);
	return 0;
}

/* What is discarded is being reported, or the guest's no more. */
static int discard(void *context, const struct vballoon_region *region,
		   struct vballoon_bytes offset, struct vballoon_bytes len)
{
	struct port_machine *machine = context;
	uint64_t gpa = region->gpa.value + offset.value;

	for (uint64_t at = gpa; at < gpa + len.value; at += HOST_PAGE)
		assert_true(port_guest_is_reported(&machine->guest, at));
	memset((unsigned char *)region->host + offset.value, 0, len.value);
	return 0;
}

static void reset(void *side)
{
	struct port_machine *machine = side;

	vballoon_device_reset(machine->device);
}

static int start(void *side, uint64_t features, const struct vballoon_queue queues[2])
{
	struct port_machine *machine = side;

	assert_int_equal(vballoon_device_set_features(machine->device, features), 0);
	memcpy(machine->queues, queues, sizeof(machine->queues));
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(vballoon_device_start_queue(machine->device, i, &queues[i]), 0);
	return 0;
}

static void notify(void *side, unsigned int queue)
{
	struct port_machine *machine = side;

	assert_true(queue < 2);
	machine->kicked = true;
}

static const struct port_side side_ops = { reset, start, notify };

void port_machine_init(struct port_machine *machine, uint64_t features, uint32_t unit_shift)
{
	port_machine_init_shift(machine, features, 12, unit_shift);
}

void port_machine_init_shift(struct port_machine *machine, uint64_t features, uint32_t page_shift,
			     uint32_t unit_shift)
{
	struct vballoon_device_config config = {
		.page_shift = page_shift,
		.features = features,
		.ops = &machine->ops,
		.reclaim = &machine->reclaim,
		.context = machine,
	};
	void *storage = malloc(vballoon_device_bytes());

	memset(machine, 0, sizeof(*machine));
	assert_non_null(storage);
	machine->ops =
		(struct vballoon_device_ops){ .notify = device_notify, .stopped = device_stopped };
	machine->reclaim = (struct vballoon_reclaim_ops){
		.drop = drop,
		.discard = discard,
		.zeroes = true,
	};
	assert_int_equal(vballoon_device_init(storage, &config, &machine->device), 0);
	port_guest_prepare(&machine->guest, vballoon_device_offered(machine->device), unit_shift);
	machine->guest.config.page_shift = page_shift;
	for (unsigned int i = 0; i < machine->guest.memory.memory.count; i++) {
		struct vballoon_region region = machine->guest.memory.memory.regions[i];

		region.page_map_bytes = vballoon_page_map_bytes(region.size, page_shift);
		region.page_map = machine->page_maps[i] = malloc(region.page_map_bytes);
		assert_non_null(region.page_map);
		assert_int_equal(vballoon_device_add_region(machine->device, &region), 0);
	}
}

void port_machine_start(struct port_machine *machine)
{
	port_guest_init(&machine->guest, &side_ops, machine);
	port_machine_settle(machine);
}

void port_machine_destroy(struct port_machine *machine)
{
	for (unsigned int i = 0; i < VBALLOON_MEMORY_REGIONS_MAX; i++)
		free(machine->page_maps[i]);
	free(machine->device);
	port_guest_destroy(&machine->guest);
}

void port_machine_stop_queues(struct port_machine *machine)
{
	for (unsigned int i = 0; i < 2; i++)
		vballoon_device_stop_queue(machine->device, i, &machine->queues[i].next);
}

void port_machine_start_queues(struct port_machine *machine)
{
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(
			vballoon_device_start_queue(machine->device, i, &machine->queues[i]), 0);
}

void port_machine_lose_record(struct port_machine *machine)
{
	uint64_t features = port_guest_status(&machine->guest).features;

	port_machine_stop_queues(machine);
	vballoon_device_reset(machine->device);
	assert_int_equal(vballoon_device_set_features(machine->device, features), 0);
	port_machine_start_queues(machine);
}

void port_machine_check(struct port_machine *machine)
{
	if (port_machine_status(machine).record == VBALLOON_RECORD_PROVEN)
		vballoon_device_each_held(machine->device, is_out, machine);
	port_guest_check(&machine->guest);
}

/* Once around: each side runs when it has been told to, or has said that it is not done. */
static bool turn(struct port_machine *machine)
{
	machine->kicked = machine->interrupted = false;
	if (machine->guest_due) {
		port_guest_step(&machine->guest);
		machine->guest_due = !machine->guest.wait_ms;
	}
	machine->device_due |= machine->kicked;
	if (machine->device_due && !machine->silent)
		machine->device_due = vballoon_device_run(machine->device);
	machine->guest_due |= machine->interrupted;
	return machine->guest_due || (machine->device_due && !machine->silent);
}

void port_machine_settle(struct port_machine *machine)
{
	/* What the test has done is for both to see. */
	machine->guest_due = machine->device_due = true;
	for (unsigned int turns = 0, looks = 0; turns < TURNS_MAX; turns++) {
		if (turn(machine))
			continue;
		/* The driver may have put off a part of what it found. */
		if (machine->guest.wait_ms > 1 || ++looks == LOOKS_MAX) {
			port_machine_check(machine);
			return;
		}
		machine->guest_due = true;
	}
	fail_msg("WEDGED: the machine never comes to rest");
}

void port_machine_pass(struct port_machine *machine, uint64_t ms)
{
	uint64_t end = machine->guest.now_ms + ms;

	port_machine_settle(machine);
	while (machine->guest.wait_ms <= end - machine->guest.now_ms) {
		machine->guest.now_ms += machine->guest.wait_ms;
		port_machine_settle(machine);
	}
	machine->guest.now_ms = end;
}

void port_machine_target(struct port_machine *machine, uint64_t pages)
{
	assert_int_equal(vballoon_device_set_target(machine->device, pages), 0);
	while (vballoon_device_run(machine->device))
		;
	port_machine_settle(machine);
}

struct vballoon_status port_machine_status(const struct port_machine *machine)
{
	struct vballoon_status status;

	vballoon_device_status(machine->device, &status);
	return status;
}

void port_machine_expect(struct port_machine *machine, uint64_t pages)
{
	assert_int_equal(port_guest_status(&machine->guest).state, VBALLOON_GUEST_RUNNING);
	assert_int_equal(port_guest_status(&machine->guest).held_pages, pages);
	assert_int_equal(port_machine_status(machine).held_pages, pages);
	assert_int_equal((uint64_t)machine->guest.out_count << (machine->guest.config.unit_shift -
								machine->guest.config.page_shift),
			 pages);
}
