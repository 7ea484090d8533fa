// SPDX-License-Identifier: BSD-3-Clause
#include "life.h"

#include <errno.h>
#include <inttypes.h>

#include <vballoon/abi/memory_balloon.h>
#include <vballoon/abi/traditional_balloon.h>
#include <vballoon/recover.h>

#include "hooks.h"
#include "move.h"
#include "plug.h"

#define F_VERSION_1 32

static void must(struct world *world, const char *what, int result)
{
	trace_event(&world->trace, what, 0, 0);
	if (result)
		trace_fail(&world->trace, "%s: %d", what, result);
	world->device_has_work = true;
}

/* The device may run between any two calls of its transport. */
static void maybe_run(struct world *world)
{
	if (rng_chance(&world->rng, 30))
		world_run_device(world);
}

static struct vballoon_device_config config_of(struct world *world)
{
	return (struct vballoon_device_config){
		.device_id = world->plan.traditional ? VIRTIO_BALLOON_ID : 0,
		.page_shift = world->plan.page_shift,
		.features = world->plan.features,
		.ops = &world->device_ops,
		.reclaim = &world->reclaim_ops,
		.memory_hooks = &world->hooks,
		.context = world,
		.journal = world->journal,
	};
}

void life_new_device(struct world *world)
{
	struct vballoon_device_config config = config_of(world);

	hooks_init(world);
	must(world, "device made", vballoon_device_init(world->storage, &config, &world->device));
	for (unsigned int i = 0; i < world->machine.region_count; i++) {
		struct machine_region *it = &world->machine.regions[i];

		if (it->plugged)
			must(world, "region added",
			     vballoon_device_add_region(world->device, &it->region));
	}
	world->target = 0;
	world->round = 0;
	world->ruling.device = world->device;
	world->ruling.policy = (struct vballoon_policy){ 0 };
}

void life_recover(struct world *world)
{
	struct vballoon_device_config config = config_of(world);

	must(world, "device recovered",
	     vballoon_device_recover(world->storage, &config, &world->device));
	/* Memory may have been unplugged since, which this device does not have yet. */
	must(world, "policy set", vballoon_device_set_policy(world->device, &world->ruling.policy));
	for (unsigned int i = 0; i < world->machine.region_count; i++) {
		struct machine_region *it = &world->machine.regions[i];

		if (it->plugged)
			must(world, "region recovered",
			     vballoon_device_recover_region(world->device, &it->region));
	}
	for (unsigned int i = 0; i < VBALLOON_QUEUES_MAX; i++) {
		struct vballoon_queue place = world->driver.queues[i].place;

		if (world->queue_running[i])
			must(world, "queue recovered",
			     vballoon_device_recover_queue(world->device, i, &place));
	}
}

void life_set_target(struct world *world, uint64_t pages)
{
	trace_event(&world->trace, "target", pages, 0);
	must(world, "target set", vballoon_device_set_target(world->device, pages));
	world->target = pages;
}

static void start_queue(struct world *world, unsigned int index)
{
	struct vballoon_queue place = world->driver.queues[index].place;

	place.next = world->queue_next[index];
	world->queue_running[index] = true;
	oracle_queue(&world->oracle, index, true);
	trace_event(&world->trace, "queue at", index, place.next);
	must(world, "queue started", vballoon_device_start_queue(world->device, index, &place));
	maybe_run(world);
}

static void stop_queue(struct world *world, unsigned int index)
{
	uint32_t expected, next = 0;

	if (!world->queue_running[index])
		return;
	expected = guest_queue_used(&world->driver.queues[index]);
	must(world, "queue stopped", vballoon_device_stop_queue(world->device, index, &next));
	world->queue_running[index] = false;
	world->queue_next[index] = next;
	oracle_queue(&world->oracle, index, false);
	trace_event(&world->trace, "queue at", index, next);
	/* Buffers are used in order, and none is kept over a stop. */
	if (!world->hostile && next != expected)
		trace_fail(&world->trace, "queue %u stops at %#x, but has used %#x", index, next,
			   expected);
	maybe_run(world);
}

static void both_queues(struct world *world, void (*change)(struct world *, unsigned int))
{
	unsigned int count = world->plan.traditional ? VBALLOON_QUEUES_MAX : 2;
	unsigned int first = rng_below(&world->rng, count);

	for (unsigned int i = 0; i < count; i++) {
		if (world->driver.queue_mask >> (first + i) % count & 1)
			change(world, (first + i) % count);
	}
}

void life_load(struct world *world)
{
	struct guest_driver *driver = &world->driver;
	/* A driver accepts what it likes of what is offered. */
	uint64_t offered = vballoon_device_offered(world->device);
	uint64_t features = rng_chance(&world->rng, 60) ? offered : offered & rng_next(&world->rng);
	bool early = rng_chance(&world->rng, 50);

	features |= UINT64_C(1) << F_VERSION_1;
	if (!driver->kind->load(driver, features)) {
		guest_os_free(&world->os, world->machine.frames);
		return;
	}
	trace_event(&world->trace, "driver loaded", features, driver->epoch);
	if (!driver->kind->ready)
		return;
	/* The driver need not wait for the device to notice DRIVER_OK. */
	if (early)
		driver->kind->ready(driver);
	life_start(world, features);
	if (!early)
		driver->kind->ready(driver);
}

void life_start(struct world *world, uint64_t features)
{
	world->oracle.may_stop = false;
	must(world, "features set", vballoon_device_set_features(world->device, features));
	for (unsigned int i = 0; i < VBALLOON_QUEUES_MAX; i++)
		world->queue_next[i] = world->driver.queues[i].place.next;
	both_queues(world, start_queue);
}

void life_reset(struct world *world)
{
	world->reset_asked = false;
	if (rng_chance(&world->rng, 20)) {
		/* A transport that can tell. */
		vballoon_device_reset(world->device);
		world->round = 0;
		world->device_has_work = true;
		for (unsigned int i = 0; i < VBALLOON_QUEUES_MAX; i++) {
			world->queue_running[i] = false;
			oracle_queue(&world->oracle, i, false);
		}
	} else {
		both_queues(world, stop_queue);
	}
	for (unsigned int i = 0; i < VBALLOON_QUEUES_MAX; i++)
		world->interrupt[i] = world->driver.kick[i] = false;
	oracle_reset(&world->oracle);
}

void life_end(struct world *world, bool boot)
{
	trace_event(&world->trace, boot ? "boot" : "reset", 0, 0);
	world->summary.resets++;
	world->paused = false;
	world->crashed = 0;
	if (world->driver.kind->leave && !boot)
		world->driver.kind->leave(&world->driver);
	else
		life_reset(world);
	guest_driver_unload(&world->driver);
	if (boot) {
		guest_os_boot(&world->os);
		if (rng_chance(&world->rng, 20))
			plug_change(world);
	}
	maybe_run(world);
}

void life_reset_wanted(struct world *world)
{
	world->driver.reset_wanted = false;
	if (world->driver.kind->reset)
		world->driver.kind->reset(&world->driver);
	else
		life_end(world, false);
}

void life_pause(struct world *world)
{
	if (world->paused || !world->queue_running[0])
		return;
	trace_event(&world->trace, "pause", 0, 0);
	world->summary.pauses++;
	world->paused = true;
	both_queues(world, stop_queue);
}

static bool is_at_beginning(const struct world *world)
{
	uint32_t first = vballoon_device_queue_first(world->device);

	return world->queue_next[VIRTIO_BALLOON_VQ_INFLATE] == first &&
	       world->queue_next[VIRTIO_BALLOON_VQ_DEFLATE] == first;
}

void life_resume(struct world *world)
{
	if (!world->paused)
		return;
	trace_event(&world->trace, "resume", 0, 0);
	/* A driver of the traditional balloon that has not come anywhere is a new one. */
	if (world->plan.traditional && is_at_beginning(world))
		oracle_lose_count(&world->oracle);
	both_queues(world, start_queue);
	world->paused = false;
}

static void pause_or_resume(struct world *world)
{
	if (world->paused)
		life_resume(world);
	else
		life_pause(world);
}

static void unload(struct world *world)
{
	if (world->driver.loaded && !world->paused && !world->crashed)
		life_end(world, false);
}

static void reboot(struct world *world)
{
	life_end(world, true);
}

/* A kernel that crashed (or is replaced by kexec without a reset) leaves its
 * rings to the device until the next one resets it. */
static void crash(struct world *world)
{
	if (world->paused || world->crashed || !world->driver.loaded)
		return;
	trace_event(&world->trace, "crash", 0, 0);
	world->summary.crashes++;
	world->crashed = rng_between(&world->rng, 1, 40);
}

static void doubt(struct world *world)
{
	if (world->driver.kind->doubt)
		world->driver.kind->doubt(&world->driver);
}

static void restart(struct world *world)
{
	if (!world->driver.loaded)
		return;
	trace_event(&world->trace, "restart", 0, 0);
	world->summary.restarts++;
	vballoon_device_restart(world->device);
	if (world->plan.traditional)
		oracle_lose_count(&world->oracle);
	world->reset_asked = true;
	doubt(world);
	world->device_has_work = true;
}

/* The device's process died; another takes its place, with nothing but what the
 * transport knows. */
static void replace(struct world *world)
{
	struct vballoon_status status;
	bool running = world->queue_running[0];

	if (!world->driver.loaded)
		return;
	trace_event(&world->trace, "replace", 0, 0);
	world->summary.replacements++;
	doubt(world);
	vballoon_device_status(world->device, &status);
	world->summary.violations += status.violations;
	if (running)
		both_queues(world, stop_queue);
	if (!machine_renew_page_maps(&world->machine))
		trace_fail(&world->trace, "out of memory");
	life_new_device(world);
	if (world->plan.traditional)
		oracle_lose_count(&world->oracle);
	must(world, "features set",
	     vballoon_device_set_features(world->device, world->driver.features));
	if (rng_chance(&world->rng, 70))
		life_set_target(world, rng_below(&world->rng,
						 (uint32_t)machine_pages(&world->machine) + 1));
	if (running)
		both_queues(world, start_queue);
}

void life_event(struct world *world)
{
	static void (*const events[])(struct world * world) = {
		pause_or_resume, pause_or_resume, pause_or_resume, unload,
		reboot,		 crash,		  restart,	   replace,
		plug_change,	 plug_change,	  move_machine,	   move_machine,
	};

	events[rng_below(&world->rng, sizeof(events) / sizeof(events[0]))](world);
}
