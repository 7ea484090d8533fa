// SPDX-License-Identifier: BSD-3-Clause
#include "guest_port.h"

#include <inttypes.h>
#include <string.h>

#include "base/le.h"
#include "driver/port/core.h"
#include "life.h"
#include "world.h"

#define F_VERSION_1 (UINT64_C(1) << 32)
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

static void given(struct world *world, uint64_t gpa, uint32_t frame)
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

static void back_untouched(struct world *world, uint64_t gpa, uint32_t frame)
{
	guest_os_check_stamp(&world->os, frame);
	guest_port_back(world, gpa, frame);
}

static void handed_back(struct world *world, uint64_t gpa, uint32_t frame)
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

	guest_port_each(port, *gpa_out, units, given);
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
		guest_port_each(port, gpa, units, back_untouched);
	else
		guest_port_each(port, gpa, units,
				cause == VBALLOON_GUEST_HANDED_BACK ? handed_back
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

static int start(void *context, uint64_t features, const struct vballoon_queue queues[2])
{
	struct guest_port *port = context;
	struct guest_driver *driver = &port->world->driver;

	trace_event(&port->world->trace, "driver starts", features, 0);
	port->starts++;
	driver->features = features;
	driver->queue_mask = 3;
	for (unsigned int i = 0; i < 2; i++) {
		driver->queues[i].ring = &port->guest->rings[i].ring;
		driver->queues[i].place = queues[i];
		guest_queue_remember(&driver->queues[i]);
	}
	life_start(port->world, features);
	return 0;
}

void guest_port_notify(void *context, unsigned int queue)
{
	struct guest_port *port = context;

	port->world->driver.kick[queue] = true;
}

/* The epoch of the HELLO that follows. */
static uint64_t random64(void *context)
{
	struct guest_port *port = context;
	uint64_t epoch = rng_next(&port->world->rng) | 1;

	oracle_hello(&port->world->oracle, epoch);
	return epoch;
}

static unsigned int stats(void *context, struct virtio_memory_balloon_stat *stats,
			  unsigned int room)
{
	const struct guest_port *port = context;

	(void)room;
	stats[0] = (struct virtio_memory_balloon_stat){
		.tag = vballoon_le16(VIRTIO_MEMORY_BALLOON_S_MEMFREE),
		.value = vballoon_le64(port->world->os.count[PAGE_FREE]),
	};
	return 1;
}

static void exchanged(void *context, const struct vballoon_guest_pair *pair,
		      enum vballoon_guest_outcome outcome)
{
	struct guest_port *port = context;
	bool gives = pair->give.value != VBALLOON_GUEST_NOTHING;

	trace_event(&port->world->trace, "exchanged", pair->take.value, outcome);
	port->exchanges += outcome == VBALLOON_GUEST_SWAPPED;
	port->undone += outcome == VBALLOON_GUEST_UNDONE;
	if (outcome == VBALLOON_GUEST_SWAPPED)
		guest_port_each(port, pair->take, pair->units, handed_back);
	else if (gives)
		guest_port_each(port, pair->give, pair->units,
				outcome == VBALLOON_GUEST_UNDONE ? guest_port_back
								 : back_untouched);
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

static const struct vballoon_guest_ops ops = {
	.get_page = guest_port_get_page,
	.return_page = guest_port_return_page,
	.reset = guest_port_reset_device,
	.start = start,
	.notify = guest_port_notify,
	.random64 = random64,
	.stats = stats,
	.exchanged = exchanged,
	.free_next = guest_port_free_next,
	.free_done = guest_port_free_done,
};

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

static bool port_load(struct guest_driver *driver, uint64_t features)
{
	struct guest_port *port = driver->port;
	struct world *world = port->world;
	struct vballoon_guest_config config = {
		.ops = &ops,
		.context = port,
		.page_shift = world->plan.page_shift,
		.revision = VIRTIO_MEMORY_BALLOON_REVISION,
		.offered = vballoon_device_offered(world->device) | F_VERSION_1,
		.features = features,
		.queue_size = { 1U << rng_below(&world->rng, 7), 8U << rng_below(&world->rng, 4) },
		.unit_shift = world->plan.unit_shift,
		.ranges = port->ranges,
	};
	int error;

	if (!guest_os_take_kernel_memory(driver->os))
		return false;
	config.range_count = guest_port_lay_out(port);
	config.shared = machine_pointer(&world->machine, driver->os->kernel_first);
	config.shared_gpa = vballoon_gpa(machine_gpa(&world->machine, driver->os->kernel_first));
	error = vballoon_guest_init(port->storage, &config, &port->guest);
	guest_port_loaded(driver, &port->guest->life, features, error);
	return true;
}

void guest_port_loaded(struct guest_driver *driver, struct vballoon_guest_life *life,
		       uint64_t features, int error)
{
	struct guest_port *port = driver->port;

	if (error)
		trace_fail(driver->trace, "the driver cannot be made: %d", error);
	port->life = life;
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

static uint32_t port_answers(void *driver)
{
	const struct guest_driver *this = driver;
	struct guest_port *port = this->port;
	uint32_t used;

	if (!this->loaded || !this->queues[TODEV].ring)
		return 0;
	used = guest_queue_used(&this->queues[TODEV]);
	port->answers += used != port->used;
	port->used = used;
	return port->answers;
}

static void run(struct guest_driver *driver)
{
	struct guest_port *port = driver->port;
	bool starts_over = port->guest && port->guest->hello.start_over;
	uint64_t wait_ms = vballoon_guest_life_run(port->life, driver->now_ms);

	/* The device has forgotten what it had dropped. */
	if (starts_over && !port->guest->hello.start_over)
		memset(driver->oracle->dropped, 0, sizeof(driver->oracle->dropped));
	trace_event(&port->world->trace, "driver ran", wait_ms, driver->kind->held(driver));
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

/* One unit in the balloon is moved, or taken. */
static void move(struct guest_driver *driver)
{
	struct guest_port *port = driver->port;
	struct guest_os *os = driver->os;
	uint64_t unit = UINT64_C(1) << port->world->plan.unit_shift;
	uint32_t frame = rng_below(driver->rng, os->machine->frames);
	struct vballoon_guest_pair pair = { .units = 1 };

	pair.give = vballoon_gpa(VBALLOON_GUEST_NOTHING);
	pair.take = vballoon_gpa(machine_gpa(os->machine, frame) & ~(unit - 1));
	if (rng_chance(driver->rng, 70) &&
	    guest_os_inflate(os, guest_driver_unit_pages(driver), 1, &pair.give.value))
		guest_port_each(port, pair.give, 1, given);
	if (vballoon_guest_exchange(port->guest, &pair, 1) &&
	    pair.give.value != VBALLOON_GUEST_NOTHING)
		guest_port_each(port, pair.give, 1, back_untouched);
	port->due = true;
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

static void port_stir(struct guest_driver *driver)
{
	struct guest_port *port = driver->port;

	if (!driver->loaded)
		return;
	if (rng_chance(driver->rng, 60))
		move(driver);
	else if (rng_chance(driver->rng, 60))
		vballoon_guest_report(port->guest);
	else
		guest_port_start_or_stop(driver);
	port->due = true;
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

static bool oom_waits(struct guest_port *port)
{
	return vballoon_guest_oom_waits(port->guest, port->world->driver.now_ms);
}

static void port_pressure(struct guest_driver *driver, uint64_t pages)
{
	struct guest_port *port = driver->port;

	if (!driver->loaded)
		return;
	if (rng_chance(driver->rng, 50)) {
		port->ooms++;
		if (vballoon_guest_oom(port->guest, pages, driver->now_ms))
			guest_port_wait_for_memory(driver, oom_waits);
	} else {
		port->pressures++;
		vballoon_guest_pressure(port->guest, pages, driver->now_ms);
	}
	port->due = true;
}

void guest_port_check_peace(const struct guest_driver *driver, uint64_t bad_pages)
{
	const struct vballoon_guest_life *life = driver->port->life;

	/* A device that could not write an answer is to blame for it. */
	if ((life->failures && !driver->plan->failing_write) || bad_pages)
		trace_fail(driver->trace, "the driver says of the device: %s",
			   vballoon_guest_failure_text(life->failure));
}

static bool port_busy(const struct guest_driver *driver)
{
	const struct vballoon_guest *guest = driver->port->guest;

	guest_port_check_peace(driver, guest->bad_pages);
	return guest->in_flight_count || guest->hello.due || guest->withdraw.wanted ||
	       vballoon_guest_pages_any_kept(&guest->pages);
}

static uint64_t port_held(const struct guest_driver *driver)
{
	return driver->port->guest->decide.held;
}

static enum oracle_news port_news(void *driver, uint64_t gpa)
{
	(void)driver;
	(void)gpa;
	return ORACLE_NEWS_NONE;
}

const struct guest_kind guest_port = {
	.load = port_load,
	.leave = guest_port_leave,
	.reset = guest_port_reset,
	.interrupt = guest_port_interrupt,
	.work = guest_port_work,
	.wait_ms = guest_port_wait_ms,
	.stir = port_stir,
	.pressure = port_pressure,
	.busy = port_busy,
	.held = port_held,
	.news = port_news,
	.answers = port_answers,
};

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
