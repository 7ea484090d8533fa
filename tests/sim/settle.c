// SPDX-License-Identifier: BSD-3-Clause
/* How a schedule ends: nothing fails any more, and then everything must come
 * right by itself, with no kick or interrupt but those that are due. */
#include <inttypes.h>

#include <vballoon/abi/memory_balloon.h>

#include "life.h"
#include "world.h"

/* Far more rounds than any schedule needs: a guest of two thousand pages that are all apart
 * reports each in a message, which takes some rounds. */
#define ROUNDS_MAX 12000
/* Enough for every reset that is still due. */
#define ROUNDS_TO_CALM_DOWN 200

/* One round of all that is due. Returns whether anything was. */
static bool do_round(struct world *world)
{
	bool busy = false;

	world->trace.step++;
	if (world->driver.reset_wanted) {
		life_reset_wanted(world);
		return true;
	}
	if (!world->driver.loaded) {
		life_load(world);
		return true;
	}
	busy |= world_deliver_config(world);
	for (unsigned int queue = 0; queue < VBALLOON_QUEUES_MAX; queue++) {
		busy |= world_deliver_kick(world, queue);
		busy |= world_deliver_interrupt(world, queue);
	}
	world->guest_runs = true;
	busy |= world_run_device(world);
	world->guest_runs = false;
	busy |= world->driver.kind->work(&world->driver);
	return busy;
}

/* Let the time pass until something is due. Returns whether anything ever is. */
static bool wait(struct world *world)
{
	uint64_t now_ms = world->driver.now_ms;
	uint64_t wait_ms = world->driver.kind->wait_ms(&world->driver);
	uint64_t due_ms = vballoon_device_due_ms(world->device);

	if (due_ms != VBALLOON_NEVER && (due_ms <= now_ms || due_ms - now_ms < wait_ms)) {
		wait_ms = due_ms > now_ms ? due_ms - now_ms : 0;
		world->device_has_work = true;
	}
	if (wait_ms == VBALLOON_DECIDE_FOREVER)
		return false;
	world->driver.now_ms += wait_ms;
	return true;
}

/* Until nothing is due, now or at any time to come. Returns whether that came to be. */
static bool become_quiet(struct world *world, unsigned int rounds)
{
	while (rounds-- && !world->trace.failed) {
		if (!do_round(world) && !wait(world))
			return true;
	}
	return false;
}

static void check_quiet(struct world *world)
{
	const struct guest_driver *driver = &world->driver;
	uint64_t held = driver->kind->decide(driver)->held;
	struct vballoon_status status;
	uint64_t off;

	if (world->trace.failed)
		return;
	vballoon_device_status(world->device, &status);
	guest_os_check(&world->os);
	oracle_check(&world->oracle, world->device, true);
	/* Without the driver's word a device drops what one message names, and no more. */
	if (status.record == VBALLOON_RECORD_PROVEN && !world->host.drops_failed &&
	    !world->plan.traditional)
		oracle_check_dropped(&world->oracle);
	off = held > world->target ? held - world->target : world->target - held;
	if (held != status.balloon_pages && !world->oracle.uncounted)
		trace_fail(&world->trace, "the driver counts %" PRIu64 " held, the device %" PRIu64,
			   held, status.balloon_pages);
	else if (driver->kind->busy(driver))
		trace_fail(&world->trace, "a message is never answered, or never sent");
	else if (world->round && status.report_done_id != world->round &&
		 guest_driver_has(driver, VIRTIO_MEMORY_BALLOON_F_REPORTING))
		trace_fail(&world->trace, "round %" PRIu64 " of reports never ends", world->round);
	else if (off >= guest_driver_unit_pages(driver))
		trace_fail(&world->trace, "stuck at %" PRIu64 " of %" PRIu64 " pages", held,
			   world->target);
}

/* Before it is told another: the driver knows the target, or a step towards it. */
static void check_target(struct world *world)
{
	uint64_t target = world->driver.kind->decide(&world->driver)->target;
	struct vballoon_status status;

	vballoon_device_status(world->device, &status);
	if (!world->trace.failed && target != status.asked_pages)
		trace_fail(&world->trace, "the driver was told %" PRIu64 " of %" PRIu64 " pages",
			   target, status.asked_pages);
}

/* A hostile guest has destroyed itself: its memory begins anew, and the device
 * has to serve it as if nothing had been. */
static void forgive(struct world *world)
{
	if (!world->hostile)
		return;
	life_end(world, true);
	world->hostile = false;
	world->oracle.lenient = false;
	world->os.canaries = true;
}

static void reach(struct world *world, uint64_t target)
{
	life_set_target(world, target);
	/* Another driver, which has to be told as well. Where its memory lies it may
	 * be in the way of larger units. */
	if (guest_driver_unit_pages(&world->driver) == 1 && rng_chance(&world->rng, 20))
		life_end(world, false);
	if (become_quiet(world, ROUNDS_MAX))
		check_quiet(world);
	else
		trace_fail(&world->trace, "no end to it");
}

void world_settle(struct world *world)
{
	uint32_t unit_pages = guest_driver_unit_pages(&world->driver);
	uint64_t most;

	trace_event(&world->trace, "settle", 0, 0);
	world->settling = true;
	forgive(world);
	world->host.drop_failures = 0;
	world->host.restore_failures = 0;
	ruling_calm_down(&world->ruling, &world->rng, machine_pages(&world->machine),
			 world->plan.page_shift);
	/* Statistics that are pushed would have no end. */
	vballoon_device_set_stats_period(world->device, 0);
	world->device_has_work = true;
	if (world->crashed)
		life_end(world, true);
	life_resume(world);
	/* In place of those that were lost. */
	for (unsigned int queue = 0; queue < VBALLOON_QUEUES_MAX; queue++)
		world->interrupt[queue] |= world->plan.losses && world->queue_running[queue];
	/* With a target that may be out of reach it need not become quiet yet. */
	if (become_quiet(world, ROUNDS_TO_CALM_DOWN))
		check_target(world);
	guest_os_free(&world->os, world->machine.frames);
	most = (uint64_t)guest_os_units(&world->os, unit_pages) * unit_pages;
	reach(world, rng_below(&world->rng, (uint32_t)most + 1));
	if (!world->trace.failed)
		reach(world, 0);
}
