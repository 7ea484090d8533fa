// SPDX-License-Identifier: BSD-3-Clause
/*
 * The portable driver of the traditional balloon, as it is shipped. Its messages are looked at
 * for one thing: whether the device may still drop a page that they name, or may not any
 * more.
 */
#include <inttypes.h>
#include <string.h>

#include "base/le.h"
#include "driver/traditional/core.h"
#include "guest_port.h"
#include "life.h"
#include "world.h"

#define HAS(features, name) ((features) >> VIRTIO_BALLOON_F_##name & 1)

static int start(void *context, uint64_t features,
		 const struct vballoon_traditional_guest_queue *queues, unsigned int count)
{
	struct guest_port *port = context;
	struct guest_driver *driver = &port->world->driver;

	trace_event(driver->trace, "driver starts", features, count);
	port->trad_starts++;
	driver->features = features;
	driver->oracle->silent = HAS(features, SILENT_DEFLATE);
	driver->queue_mask = 0;
	for (unsigned int i = 0, role = 0; i < count; i++, role++) {
		struct guest_queue *queue = &driver->queues[queues[i].index];

		while (!port->trad->queue_size[role])
			role++;
		queue->ring = &port->trad->rings[role].ring;
		queue->place = queues[i].queue;
		guest_queue_remember(queue);
		driver->queue_mask |= 1U << queues[i].index;
	}
	life_start(port->world, features);
	return 0;
}

static uint32_t queue_size(void *context, unsigned int index)
{
	struct guest_port *port = context;

	return index < VBALLOON_QUEUES_MAX ? 1U << rng_below(&port->world->rng, 7) : 0;
}

static uint32_t num_pages(void *context)
{
	struct guest_port *port = context;
	__le32 pages;

	vballoon_device_config_space(port->world->device,
				     offsetof(struct virtio_balloon_config, num_pages), &pages,
				     sizeof(pages));
	port->world->device_has_work = true;
	return vballoon_le32(pages);
}

static void set_actual(void *context, uint32_t pages)
{
	struct guest_port *port = context;
	__le32 actual = vballoon_le32(pages);

	vballoon_device_config_write(port->world->device,
				     offsetof(struct virtio_balloon_config, actual), &actual,
				     sizeof(actual));
	port->world->device_has_work = true;
}

static unsigned int stats(void *context, struct virtio_balloon_stat *stats, unsigned int room)
{
	struct guest_port *port = context;

	(void)room;
	port->tellings++;
	stats[0] = (struct virtio_balloon_stat){
		.tag = vballoon_le16(VIRTIO_BALLOON_S_MEMFREE),
		.val = vballoon_le64(port->world->os.count[PAGE_FREE]),
	};
	return 1;
}

static const struct vballoon_traditional_guest_ops ops = {
	.get_page = guest_port_get_page,
	.get_reserve = guest_port_get_page,
	.return_page = guest_port_return_page,
	.reset = guest_port_reset_device,
	.start = start,
	.notify = guest_port_notify,
	.queue_size = queue_size,
	.num_pages = num_pages,
	.set_actual = set_actual,
	.stats = stats,
	.free_next = guest_port_free_next,
	.free_done = guest_port_free_done,
};

static bool trad_load(struct guest_driver *driver, uint64_t features)
{
	struct guest_port *port = driver->port;
	struct world *world = port->world;
	struct vballoon_traditional_guest_config config = {
		.ops = &ops,
		.context = port,
		.offered = vballoon_device_offered(world->device),
		.features = features,
		.fixed_queues = rng_chance(&world->rng, 50),
		.unit_shift = world->plan.unit_shift,
		.ranges = port->ranges,
	};
	int error;

	if (!guest_os_take_kernel_memory(driver->os))
		return false;
	config.range_count = guest_port_lay_out(port);
	config.shared = machine_pointer(&world->machine, driver->os->kernel_first);
	config.shared_gpa = vballoon_gpa(machine_gpa(&world->machine, driver->os->kernel_first));
	error = vballoon_traditional_guest_init(port->storage, &config, &port->trad);
	guest_port_loaded(driver, &port->trad->life, features, error);
	return true;
}

static void taken(struct world *world, uint64_t gpa, uint32_t frame)
{
	if (world->oracle.must_restore && world->oracle.dropped[frame])
		trace_fail(&world->trace, "used %#" PRIx64 ", whose memory is gone", gpa);
	guest_port_back(world, gpa, frame);
	guest_os_use_frame(&world->os, frame);
}

/* From any context, at any moment. */
static void take(struct guest_driver *driver)
{
	struct guest_port *port = driver->port;
	struct vballoon_gpa gpa;
	uint64_t units =
		vballoon_traditional_guest_take(port->trad, rng_between(driver->rng, 1, 8), &gpa);

	if (!units)
		return;
	trace_event(driver->trace, "taken", gpa.value, units);
	port->taken += units;
	port->due = true;
	guest_port_each(port, gpa, units, taken);
}

static bool trad_work(struct guest_driver *driver)
{
	if (driver->loaded && !driver->port->world->settling && rng_chance(driver->rng, 20))
		take(driver);
	return guest_port_work(driver);
}

static void trad_stir(struct guest_driver *driver)
{
	if (!driver->loaded)
		return;
	if (rng_chance(driver->rng, 50))
		take(driver);
	else if (rng_chance(driver->rng, 60))
		vballoon_traditional_guest_report(driver->port->trad);
	else
		guest_port_start_or_stop(driver);
	driver->port->due = true;
}

static bool oom_waits(struct guest_port *port)
{
	return vballoon_traditional_guest_oom_waits(port->trad, port->world->driver.now_ms);
}

static void trad_pressure(struct guest_driver *driver, uint64_t pages)
{
	struct guest_port *port = driver->port;

	if (!driver->loaded)
		return;
	if (rng_chance(driver->rng, 50))
		vballoon_traditional_guest_pressure(port->trad, pages, driver->now_ms);
	else if (vballoon_traditional_guest_oom(port->trad, pages, driver->now_ms))
		guest_port_wait_for_memory(driver, oom_waits);
	port->due = true;
}

static void trad_config_changed(struct guest_driver *driver)
{
	if (!driver->loaded)
		return;
	vballoon_traditional_guest_changed(driver->port->trad);
	guest_port_interrupt(driver, 0);
}

static bool trad_busy(const struct guest_driver *driver)
{
	const struct vballoon_traditional_guest *trad = driver->port->trad;
	bool busy = trad->deflate.message.in_flight || trad->deflate.wanted ||
		    trad->report.in_flight || trad->changed;

	guest_port_check_peace(driver, trad->bad_pages);
	for (unsigned int i = 0; i < TRADITIONAL_INFLATES; i++)
		busy |= trad->inflates[i].in_flight;
	return busy;
}

static const struct vballoon_decide *trad_decide(const struct guest_driver *driver)
{
	return &driver->port->trad->decide;
}

static enum oracle_news trad_news(void *driver, uint64_t gpa)
{
	(void)driver;
	(void)gpa;
	return ORACLE_NEWS_NONE;
}

static uint32_t trad_answers(void *driver)
{
	(void)driver;
	return 0;
}

static bool names(const struct vballoon_traditional_guest *trad,
		  const struct vballoon_traditional_message *message, uint64_t gpa)
{
	uint64_t pfn = gpa >> VIRTIO_BALLOON_PFN_SHIFT;

	for (uint32_t i = 0; message->in_flight && i < message->count; i++) {
		if (pfn >= message->pfns[i] &&
		    pfn - message->pfns[i] < vballoon_traditional_unit_pages(trad))
			return true;
	}
	return false;
}

/* Until it has answered the inflate, the device may have anything that it names; from then on
 * only with a driver that tells before it uses a page, and until that is answered. */
static bool trad_may_drop(void *context, uint64_t gpa)
{
	const struct guest_driver *driver = context;
	const struct vballoon_traditional_guest *trad = driver->port->trad;
	bool must_tell = HAS(driver->features, MUST_TELL_HOST);
	uint32_t written;

	for (unsigned int i = 0; i < TRADITIONAL_INFLATES; i++) {
		if (names(trad, &trad->inflates[i], gpa))
			return must_tell ||
			       !guest_queue_published(&driver->queues[VIRTIO_BALLOON_VQ_INFLATE], i,
						      &written);
	}
	if (names(trad, &trad->deflate.message, gpa))
		return must_tell &&
		       !guest_queue_published(&driver->queues[VIRTIO_BALLOON_VQ_DEFLATE], 0,
					      &written);
	return must_tell;
}

const struct guest_kind guest_trad = {
	.load = trad_load,
	.leave = guest_port_leave,
	.reset = guest_port_reset,
	.interrupt = guest_port_interrupt,
	.work = trad_work,
	.wait_ms = guest_port_wait_ms,
	.stir = trad_stir,
	.pressure = trad_pressure,
	.busy = trad_busy,
	.decide = trad_decide,
	.config_changed = trad_config_changed,
	.news = trad_news,
	.answers = trad_answers,
	.may_drop = trad_may_drop,
};
