// SPDX-License-Identifier: BSD-3-Clause
#include "guest_port.h"

#include <inttypes.h>
#include <string.h>

#include "driver/port/core.h"
#include "life.h"
#include "world.h"

/* Steps in which it must have returned everything. */
#define STEPS_MAX 10000

void guest_port_each(struct guest_port *port, struct vballoon_gpa gpa, uint64_t units,
		     void (*act)(struct world *world, uint64_t gpa, uint32_t frame))
{
	struct world *world = port->world;
	uint64_t pages = units * guest_driver_unit_pages(&world->driver);

	for (; pages; pages--, gpa.value += machine_page_bytes(&world->machine)) {
		uint32_t frame = machine_frame(&world->machine, gpa.value);

		if (frame == MACHINE_NO_FRAME)
			trace_fail(&world->trace, "the driver has %#" PRIx64 ", which is no memory",
				   gpa.value);
		else
			act(world, gpa.value, frame);
	}
}

void guest_port_given(struct world *world, uint64_t gpa, uint32_t frame)
{
	guest_os_stamp(&world->os, frame);
	oracle_add(&world->oracle, gpa);
	oracle_add_answered(&world->oracle, gpa, true);
}

void guest_port_back(struct world *world, uint64_t gpa, uint32_t frame)
{
	(void)gpa;
	oracle_forgotten(&world->oracle, frame);
	guest_os_deflate(&world->os, frame);
}

void guest_port_back_untouched(struct world *world, uint64_t gpa, uint32_t frame)
{
	guest_os_check_stamp(&world->os, frame);
	guest_port_back(world, gpa, frame);
}

void guest_port_handed_back(struct world *world, uint64_t gpa, uint32_t frame)
{
	oracle_returned(&world->oracle, gpa);
	if (!world->plan.traditional && !world->hostile &&
	    guest_driver_has(&world->driver, VIRTIO_MEMORY_BALLOON_F_ZEROED))
		guest_os_check_zeros(&world->os, frame);
	guest_os_deflate(&world->os, frame);
}

/* What is free memory may be looked for at will, in blocks. */
static uint32_t block(struct guest_port *port, uint64_t most)
{
	uint32_t units = rng_chance(&port->world->rng, 50) ? 1 : 16;

	return most < units ? (uint32_t)most : units;
}

uint64_t guest_port_get_page(void *context, uint64_t most, struct vballoon_gpa *gpa_out)
{
	struct guest_port *port = context;
	uint32_t units =
		guest_os_inflate(&port->world->os, guest_driver_unit_pages(&port->world->driver),
				 block(port, most), &gpa_out->value);

	guest_port_each(port, *gpa_out, units, guest_port_given);
	return units;
}

void guest_port_return_page(void *context, struct vballoon_gpa gpa, uint64_t units,
			    enum vballoon_guest_cause cause)
{
	struct guest_port *port = context;

	trace_event(&port->world->trace, "page returned", gpa.value, cause);
	port->taken_back += cause == VBALLOON_GUEST_TAKEN_BACK ? units : 0;
	port->refused += cause == VBALLOON_GUEST_REFUSED ? units : 0;
	if (cause == VBALLOON_GUEST_REFUSED)
		guest_port_each(port, gpa, units, guest_port_back_untouched);
	else
		guest_port_each(port, gpa, units,
				cause == VBALLOON_GUEST_HANDED_BACK ? guest_port_handed_back
								    : guest_port_back);
}

void guest_port_reset_device(void *context)
{
	struct guest_port *port = context;

	trace_event(&port->world->trace, "driver resets", 0, 0);
	if (port->world->device_runs)
		trace_fail(&port->world->trace, "reset while the device runs");
	life_reset(port->world);
}

void guest_port_notify(void *context, unsigned int queue)
{
	struct guest_port *port = context;

	port->world->driver.kick[queue] = true;
}

static void named(struct world *world, uint64_t gpa, uint32_t frame)
{
	(void)frame;
	oracle_report(&world->oracle, gpa);
}

uint64_t guest_port_free_next(void *context, bool first, uint64_t most,
			      struct vballoon_gpa *gpa_out)
{
	struct guest_port *port = context;
	uint32_t units =
		guest_os_isolate(&port->world->os, guest_driver_unit_pages(&port->world->driver),
				 block(port, most), &gpa_out->value);

	(void)first;
	guest_port_each(port, *gpa_out, units, named);
	return units;
}

static void usable(struct world *world, uint64_t gpa, uint32_t frame)
{
	/* After a reset nothing is being reported. */
	if (world->oracle.owner[frame] == ORACLE_REPORTED)
		oracle_reported(&world->oracle, gpa);
	guest_os_return(&world->os, frame);
}

static void usable_and_zero(struct world *world, uint64_t gpa, uint32_t frame)
{
	if (!world->hostile)
		guest_os_check_zeros(&world->os, frame);
	usable(world, gpa, frame);
}

void guest_port_free_done(void *context, struct vballoon_gpa gpa, uint64_t units, bool zeroed)
{
	struct guest_port *port = context;

	port->reports++;
	guest_port_each(port, gpa, units, zeroed ? usable_and_zero : usable);
}

unsigned int guest_port_lay_out(struct guest_port *port)
{
	const struct machine *machine = &port->world->machine;
	uint64_t unit = UINT64_C(1) << port->world->plan.unit_shift;
	unsigned int count = 0;

	for (unsigned int i = 0; i < machine->region_count; i++) {
		uint64_t first = machine->regions[i].region.gpa.value;
		uint64_t end = first + machine->regions[i].region.size.value;

		while (i + 1 < machine->region_count &&
		       machine->regions[i + 1].region.gpa.value == end)
			end += machine->regions[++i].region.size.value;
		first = (first + unit - 1) & ~(unit - 1);
		end &= ~(unit - 1);
		if (first >= end)
			continue;
		port->ranges[count] = (struct vballoon_guest_range){ vballoon_gpa(first),
								     vballoon_bytes(end - first),
								     port->bitmaps[count] };
		count++;
	}
	return count;
}

void guest_port_loaded(struct guest_driver *driver, struct vballoon_guest_life *life,
		       uint64_t features, int error)
{
	struct guest_port *port = driver->port;

	if (error)
		trace_fail(driver->trace, "the driver cannot be made: %d", error);
	port->life = life;
	port->starts_over = false;
	vballoon_guest_life_start(life);
	for (unsigned int i = 0; i < VBALLOON_QUEUES_MAX; i++)
		driver->queues[i].ring = NULL; /* not yet */
	driver->loaded = true;
	driver->lives++;
	driver->features = features;
	port->due = true;
}

/* The device is in another process, which answers no reset while it runs. */
static bool can_run(const struct guest_driver *driver)
{
	const struct world *world = driver->port->world;

	if (!driver->loaded || world->paused || world->crashed)
		return false;
	return !world->device_runs || (driver->port->life->state == VBALLOON_GUEST_RUNNING &&
				       !world->hostile && !world->reset_asked);
}

static void run(struct guest_driver *driver)
{
	struct guest_port *port = driver->port;
	bool started_over = port->starts_over;
	uint64_t wait_ms = vballoon_guest_life_run(port->life, driver->now_ms);

	/* The device has forgotten what it had dropped. Who waits for memory may have seen its
	 * answer already. */
	port->starts_over = port->guest && port->guest->hello.start_over;
	if (started_over && !port->starts_over)
		memset(driver->oracle->dropped, 0, sizeof(driver->oracle->dropped));
	trace_event(&port->world->trace, "driver ran", wait_ms, driver->kind->decide(driver)->held);
	port->due = !wait_ms;
	port->due_ms = wait_ms == VBALLOON_GUEST_FOREVER ? wait_ms : driver->now_ms + wait_ms;
	driver->kind->answers(driver);
}

void guest_port_interrupt(struct guest_driver *driver, unsigned int queue)
{
	(void)queue;
	if (can_run(driver))
		run(driver);
	else
		driver->port->due = true;
}

/* As a port has to: when it is due. In bad times a port may do more. */
bool guest_port_work(struct guest_driver *driver)
{
	struct guest_port *port = driver->port;

	if (!can_run(driver))
		return false;
	if (port->world->settling && port->life->state != VBALLOON_GUEST_RUNNING &&
	    port->life->state != VBALLOON_GUEST_RESTARTING) {
		vballoon_guest_life_start(port->life);
		port->due = true;
	}
	if (port->world->settling && !port->due && driver->now_ms < port->due_ms)
		return false;
	run(driver);
	return true;
}

uint64_t guest_port_wait_ms(const struct guest_driver *driver)
{
	const struct guest_port *port = driver->port;

	if (port->due || port->due_ms <= driver->now_ms)
		return 0;
	return port->due_ms == VBALLOON_GUEST_FOREVER ? port->due_ms
						      : port->due_ms - driver->now_ms;
}

static void check_nothing_kept(struct guest_driver *driver)
{
	const struct guest_os *os = driver->os;

	if (os->count[PAGE_BALLOON] || os->count[PAGE_REPORTED])
		trace_fail(driver->trace, "the driver has stopped and keeps %" PRIu32 " pages",
			   os->count[PAGE_BALLOON] + os->count[PAGE_REPORTED]);
}

void guest_port_leave(struct guest_driver *driver)
{
	unsigned int steps = 0;

	if (!driver->loaded)
		return;
	vballoon_guest_life_stop(driver->port->life);
	do
		run(driver);
	while (driver->port->due && steps++ < STEPS_MAX);
	check_nothing_kept(driver);
}

void guest_port_reset(struct guest_driver *driver)
{
	vballoon_guest_life_restart(driver->port->life);
	driver->port->due = true;
}

void guest_port_start_or_stop(struct guest_driver *driver)
{
	struct guest_port *port = driver->port;

	if (port->life->state != VBALLOON_GUEST_RUNNING || rng_chance(driver->rng, 70)) {
		vballoon_guest_life_start(port->life);
	} else {
		port->stops++;
		vballoon_guest_life_stop(port->life);
	}
}

void guest_port_wait_for_memory(struct guest_driver *driver, bool (*waits)(struct guest_port *port))
{
	struct guest_port *port = driver->port;
	uint64_t end_ms = driver->now_ms + 1000;

	while (waits(port)) {
		driver->now_ms += rng_below(driver->rng, 300);
		for (unsigned int queue = 0; queue < VBALLOON_QUEUES_MAX; queue++)
			world_deliver_kick(port->world, queue);
		if (rng_chance(driver->rng, 30))
			world_run_device(port->world);
	}
	port->ooms_late += driver->now_ms >= end_ms;
}

void guest_port_check_peace(const struct guest_driver *driver, uint64_t bad_pages)
{
	const struct vballoon_guest_life *life = driver->port->life;

	/* A device that could not write an answer is to blame for it. */
	if ((life->failures && !driver->plan->failing_write) || bad_pages)
		trace_fail(driver->trace, "the driver says of the device: %s",
			   vballoon_guest_failure_text(life->failure));
}

void guest_port_summary(const struct guest_port *port, struct world_summary *summary)
{
	summary->trad_starts = port->trad_starts;
	summary->trad_taken = port->taken;
	summary->trad_tellings = port->tellings;
	summary->trad_reports = port->trad ? port->reports : 0;
	summary->port_starts = port->starts;
	summary->port_stops = port->stops;
	summary->port_pressures = port->pressures;
	summary->port_ooms = port->ooms;
	summary->port_ooms_late = port->ooms_late;
	summary->port_exchanges = port->exchanges;
	summary->port_undone = port->undone;
	summary->port_reports = port->reports;
	summary->port_taken_back = port->taken_back;
	summary->port_refused = port->refused;
}
