// SPDX-License-Identifier: BSD-3-Clause
/* The portable driver of the memory balloon, as it is shipped. */
#include <string.h>

#include "base/le.h"
#include "driver/port/core.h"
#include "guest_port.h"
#include "life.h"
#include "world.h"

#define F_VERSION_1 (UINT64_C(1) << 32)

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
		guest_port_each(port, pair->take, pair->units, guest_port_handed_back);
	else if (gives)
		guest_port_each(port, pair->give, pair->units,
				outcome == VBALLOON_GUEST_UNDONE ? guest_port_back
								 : guest_port_back_untouched);
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
		guest_port_each(port, pair.give, 1, guest_port_given);
	if (vballoon_guest_exchange(port->guest, &pair, 1) &&
	    pair.give.value != VBALLOON_GUEST_NOTHING)
		guest_port_each(port, pair.give, 1, guest_port_back_untouched);
	port->due = true;
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

static bool port_busy(const struct guest_driver *driver)
{
	const struct vballoon_guest *guest = driver->port->guest;

	guest_port_check_peace(driver, guest->bad_pages);
	return guest->in_flight_count || guest->hello.due || guest->withdraw.wanted ||
	       vballoon_guest_pages_any_kept(&guest->pages);
}

static const struct vballoon_decide *port_decide(const struct guest_driver *driver)
{
	return &driver->port->guest->decide;
}

static enum oracle_news port_news(void *driver, uint64_t gpa)
{
	(void)driver;
	(void)gpa;
	return ORACLE_NEWS_NONE;
}

const struct guest_kind guest_balloon = {
	.load = port_load,
	.leave = guest_port_leave,
	.reset = guest_port_reset,
	.interrupt = guest_port_interrupt,
	.work = guest_port_work,
	.wait_ms = guest_port_wait_ms,
	.stir = port_stir,
	.pressure = port_pressure,
	.busy = port_busy,
	.decide = port_decide,
	.news = port_news,
	.answers = port_answers,
};
