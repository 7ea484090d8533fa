// SPDX-License-Identifier: BSD-3-Clause
#include "death.h"

#include "life.h"

/* One that goes on dies within so many steps, if it takes as many. */
#define RECOVERY_STEPS_MAX 40

void death_step(struct world *world)
{
	if (!world->mortal || --world->death_in)
		return;
	trace_event(&world->trace, "death", world->recovers, 0);
	world->summary.deaths++;
	world->summary.deaths_again += world->recovers;
	longjmp(world->death, 1);
}

static void recover(struct world *world)
{
	struct vballoon_status status;

	/* Of the counters alone, which are not in the journal; of one that goes on nothing is told yet. */
	if (!world->recovers) {
		vballoon_device_status(world->device, &status);
		world->summary.violations += status.violations;
		if (status.report_done_id == world->round)
			world->round = 0;
	}
	/* It may die of that as well. */
	world->recovers = true;
	world->death_in = rng_between(&world->death_rng, 1, RECOVERY_STEPS_MAX);
	life_recover(world);
	world->recovers = world->mortal = false;
	world->death_in = 0;
}

void death_plan(struct world *world, uint64_t seed)
{
	world->death_rng.state = rng_mix(~seed);
	world->deaths = rng_between(&world->death_rng, 2, 600);
	/* One kind of mishap at a time. */
	world->plan.failing_write = 0;
	world->plan.restore_failures = world->host.restore_failures = 0;
	/* What was being dropped or restored then may be either for all that is known. */
	world->oracle.dies = world->oracle.forgets_drops = true;
}

bool death_run(struct world *world)
{
	if (!world->death_in)
		world->death_in = rng_between(&world->death_rng, 1, world->deaths);
	if (setjmp(world->death)) {
		recover(world);
		return false;
	}
	world->mortal = true;
	world->device_has_work = vballoon_device_run(world->device);
	world->mortal = false;
	return true;
}
