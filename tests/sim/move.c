// SPDX-License-Identifier: BSD-3-Clause
#include "move.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <vballoon/abi/traditional_balloon.h>

#include "life.h"

/* What is found at the destination where contents did not travel. */
#define GARBAGE 0x6b

struct saved {
	void *bytes;
	size_t len;
};

static bool save(struct world *world, struct saved *saved)
{
	int error = vballoon_device_save(world->device, NULL, 0, &saved->len);

	saved->bytes = malloc(saved->len);
	if (error == -ENOSPC && saved->bytes)
		error = vballoon_device_save(world->device, saved->bytes, saved->len, &saved->len);
	trace_event(&world->trace, "saved", saved->len, 0);
	if (error)
		trace_fail(&world->trace, "save: %d", error);
	return !error;
}

static bool leave_out(void *context, struct vballoon_gpa gpa, uint64_t pages, bool dropped)
{
	struct world *world = context;
	uint64_t page = machine_page_bytes(&world->machine);

	(void)dropped;
	for (uint64_t i = 0; i < pages; i++) {
		uint64_t at = gpa.value + i * page;
		uint32_t frame = machine_frame(&world->machine, at);

		oracle_skip(&world->oracle, at);
		if (world->trace.failed)
			return false;
		memset(machine_pointer(&world->machine, frame), GARBAGE, page);
		world->summary.skipped_pages++;
	}
	return true;
}

/* Whoever moves a machine knows whether a driver ran when it was paused; only then may
 * what is in the balloon be left out. */
static void copy_memory(struct world *world)
{
	int error;

	if (world->paused && world->driver.loaded && !world->crashed) {
		error = vballoon_device_each_skippable(world->device, vballoon_gpa(0), leave_out,
						       world);
		/* What may be used in silence travels. */
		if (error && error != -EAGAIN && !(error == -EOPNOTSUPP && world->plan.traditional))
			trace_fail(&world->trace, "skip map: %d", error);
	}
	oracle_copied(&world->oracle);
}

/* The transport there knows what was negotiated, unless there is no driver any more. */
static void negotiate(struct world *world, uint64_t features)
{
	if (features && (world->paused || rng_chance(&world->rng, 50)))
		vballoon_device_set_features(world->device, features);
}

/* Another device, on another host, with another policy. */
static void go_on(struct world *world, const struct saved *saved,
		  const struct vballoon_status *before)
{
	const uint64_t target = world->target;
	/* Whether one is over is a counter's matter, which begins anew. */
	const uint64_t round = before->report_done_id == world->round ? 0 : world->round;
	struct vballoon_saved_check check;
	struct vballoon_status status;
	int error;

	if (!machine_renew_page_maps(&world->machine))
		trace_fail(&world->trace, "out of memory");
	life_new_device(world);
	negotiate(world, before->features);
	error = vballoon_device_load(world->device, saved->bytes, saved->len, &check);
	trace_event(&world->trace, "loaded", check.fault, 0);
	if (error || (check.fault && world->paused))
		trace_fail(&world->trace, "load: %d, %s", error,
			   vballoon_saved_fault_name(check.fault));
	world->target = target;
	world->round = round;
	world->device_has_work = true;
	vballoon_device_status(world->device, &status);
	if (status.target_pages != target)
		trace_fail(&world->trace, "the target is lost on the way");
}

/* A driver that has left MUST_TELL_HOST out cannot move to a device that offers it. */
static bool may_move(const struct world *world)
{
	const uint64_t must_tell = UINT64_C(1) << VIRTIO_BALLOON_F_MUST_TELL_HOST;
	struct vballoon_status status;

	vballoon_device_status(world->device, &status);
	return !world->plan.traditional || !status.features || status.features & must_tell ||
	       !(world->plan.features & must_tell);
}

void move_machine(struct world *world)
{
	struct saved saved = { .bytes = NULL };
	bool was_paused = world->paused;
	struct vballoon_status status;

	if (!may_move(world))
		return;
	trace_event(&world->trace, "move", 0, 0);
	world->summary.moves++;
	life_pause(world);
	vballoon_device_status(world->device, &status);
	world->summary.violations += status.violations;
	if (save(world, &saved)) {
		copy_memory(world);
		if (!world->trace.failed)
			go_on(world, &saved, &status);
	}
	free(saved.bytes);
	if (!was_paused && !world->trace.failed)
		life_resume(world);
}
