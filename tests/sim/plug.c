// SPDX-License-Identifier: BSD-3-Clause
#include "plug.h"

static void plug(struct world *world, unsigned int index)
{
	struct machine_region *it = &world->machine.regions[index];
	int error = vballoon_device_add_region(world->device, &it->region);

	trace_event(&world->trace, "plug", it->region.gpa.value, it->frames);
	if (error)
		trace_fail(&world->trace, "plug: %d", error);
	it->plugged = true;
	guest_os_plug(&world->os, index);
	world->device_has_work = true;
	world->summary.plugs++;
}

static uint32_t balloon_frames(const struct world *world, const struct machine_region *region)
{
	uint32_t frames = 0;

	for (uint32_t i = 0; i < region->frames; i++)
		frames += world->os.owner[region->first_frame + i] == PAGE_BALLOON;
	return frames;
}

static bool is_reported(const struct world *world, const struct machine_region *region)
{
	for (uint32_t i = 0; i < region->frames; i++) {
		if (world->os.owner[region->first_frame + i] == PAGE_REPORTED)
			return true;
	}
	return false;
}

/* The guest gives a region up: where pages of it are in the balloon, only with
 * nothing in flight, and then both sides forget them. A unit that crosses into
 * another region could not be forgotten by half. */
static bool may_unplug(const struct world *world, const struct machine_region *region)
{
	if (is_reported(world, region))
		return false;
	if (!balloon_frames(world, region))
		return true;
	return !world->plan.portable && world->plan.unit_shift == world->plan.page_shift &&
	       world->driver.loaded && !world->driver.orphan_count &&
	       !world->driver.kind->busy(&world->driver);
}

static void unplug(struct world *world, unsigned int index)
{
	struct machine_region *it = &world->machine.regions[index];
	uint32_t forgotten = balloon_frames(world, it);
	int error;

	if (!may_unplug(world, it))
		return;
	trace_event(&world->trace, "unplug", it->region.gpa.value, forgotten);
	for (uint32_t i = 0; i < it->frames; i++)
		oracle_forgotten(&world->oracle, it->first_frame + i);
	world->driver.decide.held -= forgotten;
	guest_os_unplug(&world->os, index);
	error = vballoon_device_remove_region(world->device, it->region.gpa);
	if (error)
		trace_fail(&world->trace, "unplug: %d", error);
	it->plugged = false;
	world->device_has_work = true;
	world->summary.unplugs++;
}

void plug_change(struct world *world)
{
	unsigned int index = rng_between(&world->rng, 1, world->machine.region_count - 1);

	if (world->paused || world->crashed)
		return;
	if (world->machine.regions[index].plugged)
		unplug(world, index);
	else
		plug(world, index);
}
