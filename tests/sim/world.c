// SPDX-License-Identifier: BSD-3-Clause
#include "world.h"

#include <stdlib.h>
#include <string.h>

#include <vballoon/recover.h>

#include "death.h"
#include "hooks.h"
#include "life.h"

static void init_parts(struct world *world, enum mutant mutant)
{
	const struct guest_kind *kind = world->plan.traditional ? &guest_trad
					: world->plan.portable	? &guest_balloon
								: &guest_own;

	world->oracle.machine = &world->machine;
	world->oracle.trace = &world->trace;
	world->oracle.wire =
		(struct oracle_wire){ kind->news, kind->answers, kind->may_drop, &world->driver };
	world->oracle.must_restore = world->plan.restore;
	world->host.oracle = &world->oracle;
	world->host.trace = &world->trace;
	world->host.rng = &world->rng;
	world->host.mutant = mutant;
	world->host.zeroes = world->plan.zeroes;
	world->host.limited = world->plan.restore;
	world->host.drop_failures = world->plan.drop_failures;
	world->host.restore_failures = world->plan.restore_failures;
	world->os.machine = &world->machine;
	world->os.oracle = &world->oracle;
	world->os.trace = &world->trace;
	world->os.rng = &world->rng;
	world->os.canaries = true;
	world->driver.kind = kind;
	world->driver.port = &world->port;
	world->driver.os = &world->os;
	world->driver.oracle = &world->oracle;
	world->driver.trace = &world->trace;
	world->driver.rng = &world->rng;
	world->driver.plan = &world->plan;
	world->driver.mutant = mutant;
	world->port.world = world;
	world->ruling.trace = &world->trace;
	world->ruling.gives_always = world->plan.traditional;
}

bool world_init(struct world *world, uint64_t seed, enum mutant mutant, bool echo)
{
	memset(world, 0, sizeof(*world));
	world->rng.state = rng_mix(seed + 1);
	trace_begin(&world->trace, echo);
	plan_draw(&world->plan, &world->rng);
	init_parts(world, mutant);
	world->storage = malloc(vballoon_device_bytes());
	world->journal = malloc(vballoon_journal_bytes());
	if (!machine_init(&world->machine, &world->plan) || !world->storage || !world->journal)
		return false;
	oracle_init(&world->oracle);
	guest_os_init(&world->os);
	guest_os_boot(&world->os);
	life_new_device(world);
	world->hostile = world->plan.hostile;
	world->oracle.lenient = world->hostile;
	world->os.canaries = !world->hostile;
	return true;
}

void world_free(struct world *world)
{
	machine_free(&world->machine);
	free(world->storage);
	free(world->journal);
}

bool world_run_device(struct world *world)
{
	bool survived = true;

	if (!world->device_has_work)
		return false;
	vballoon_device_set_time(world->device, world->driver.now_ms);
	ruling_begin(&world->ruling);
	world->device_runs = true;
	if (world->deaths && !world->settling)
		survived = death_run(world);
	else
		world->device_has_work = vballoon_device_run(world->device);
	world->device_runs = false;
	if (survived)
		ruling_end(&world->ruling, world->device_has_work);
	trace_event(&world->trace, "device ran", world->device_has_work, 0);
	return true;
}

/* What is on its way does not arrive. */
static bool is_lost(struct world *world)
{
	if (world->settling || !world->plan.losses || !rng_chance(&world->rng, world->plan.losses))
		return false;
	world->summary.losses++;
	return true;
}

bool world_deliver_kick(struct world *world, unsigned int queue)
{
	if (!world->driver.kick[queue] || !world->queue_running[queue])
		return false;
	world->driver.kick[queue] = false;
	if (is_lost(world))
		return true;
	world->device_has_work = true;
	trace_event(&world->trace, "kick", queue, 0);
	return true;
}

static void interrupt(struct world *world, unsigned int queue)
{
	world->driver.kind->interrupt(&world->driver, queue);
}

static bool work(struct world *world)
{
	return world->driver.kind->work(&world->driver);
}

bool world_deliver_interrupt(struct world *world, unsigned int queue)
{
	if (!world->interrupt[queue])
		return false;
	world->interrupt[queue] = false;
	if (is_lost(world))
		return true;
	trace_event(&world->trace, "interrupt", queue, 0);
	interrupt(world, queue);
	return true;
}

bool world_deliver_config(struct world *world)
{
	if (!world->config_changed)
		return false;
	world->config_changed = false;
	trace_event(&world->trace, "config changed", 0, 0);
	if (world->driver.kind->config_changed)
		world->driver.kind->config_changed(&world->driver);
	return true;
}

/* Any of the queues that a device has. */
static unsigned int any_queue(struct world *world)
{
	return rng_below(&world->rng, world->plan.traditional ? VBALLOON_QUEUES_MAX : 2);
}

/* The steps. A guest's step happens only while its vCPUs run its kernel. */

static void step_device(struct world *world)
{
	world->guest_runs = world->driver.loaded && !world->paused && !world->crashed;
	world_run_device(world);
	world->guest_runs = false;
}

static void step_kick(struct world *world)
{
	world_deliver_kick(world, any_queue(world));
}

static void step_interrupt(struct world *world)
{
	if (rng_chance(&world->rng, 30))
		world_deliver_config(world);
	world_deliver_interrupt(world, any_queue(world));
}

static void step_driver(struct world *world)
{
	if (world->driver.reset_wanted)
		life_reset_wanted(world);
	else if (!world->driver.loaded && rng_chance(&world->rng, 30))
		life_load(world);
	else
		work(world);
}

static void interleaved_driver(struct world *world)
{
	work(world);
}

/* A driver may look into its used ring without being told to. */
static void interleaved_interrupt(struct world *world)
{
	interrupt(world, any_queue(world));
}

static void step_use(struct world *world)
{
	guest_os_use(&world->os, rng_between(&world->rng, 1, 8));
}

static void step_free(struct world *world)
{
	guest_os_free(&world->os, rng_between(&world->rng, 1, 8));
}

static void step_pressure(struct world *world)
{
	world->driver.kind->pressure(&world->driver, rng_between(&world->rng, 1, 64));
}

static void step_greet(struct world *world)
{
	if (!world->plan.portable && rng_chance(&world->rng, 20))
		guest_driver_greet(&world->driver, rng_chance(&world->rng, 50));
}

/* A kick or an interrupt that nobody needed. */
static void step_spurious(struct world *world)
{
	if (rng_chance(&world->rng, 50))
		world->device_has_work = true;
	else
		interrupt(world, any_queue(world));
}

static void step_target(struct world *world)
{
	uint32_t pages = (uint32_t)machine_pages(&world->machine);

	life_set_target(world, rng_below(&world->rng, pages + 1));
}

static void step_policy(struct world *world)
{
	if (rng_chance(&world->rng, 30))
		ruling_drop(&world->ruling);
	else
		ruling_change(&world->ruling, &world->rng, machine_pages(&world->machine),
			      world->plan.page_shift);
	world->device_has_work = true;
}

static void step_period(struct world *world)
{
	uint32_t period_ms = rng_chance(&world->rng, 30) ? 0 : rng_between(&world->rng, 1, 5000);

	vballoon_device_set_stats_period(world->device, period_ms);
	world->device_has_work = true;
}

static void step_round(struct world *world)
{
	uint64_t id;

	if (world->plan.traditional || vballoon_device_request_report(world->device, &id))
		return;
	world->round = id;
	world->summary.rounds++;
	world->device_has_work = true;
}

static void step_stir(struct world *world)
{
	world->driver.kind->stir(&world->driver);
}

static void step_stats(struct world *world)
{
	vballoon_device_request_stats(world->device);
	world->device_has_work = true;
}

static void step_time(struct world *world)
{
	world->driver.now_ms += rng_below(&world->rng, 3000);
	world->device_has_work |= vballoon_device_due_ms(world->device) <= world->driver.now_ms;
}

static void step_check(struct world *world)
{
	guest_os_check(&world->os);
	oracle_check(&world->oracle, world->device, false);
}

static void step_life(struct world *world)
{
	if (rng_chance(&world->rng, world->plan.unrest * 20))
		life_event(world);
}

static const struct step {
	unsigned int weight;
	bool of_guest;
	void (*take)(struct world *world);
} steps[] = {
	{ 24, false, step_device }, { 16, false, step_kick },  { 16, true, step_interrupt },
	{ 20, true, step_driver },  { 7, true, step_use },     { 7, true, step_free },
	{ 8, true, step_stir },	    { 1, false, step_period }, { 1, false, step_round },
	{ 2, true, step_pressure }, { 2, true, step_greet },   { 2, false, step_spurious },
	{ 3, false, step_target },  { 2, false, step_policy }, { 1, false, step_stats },
	{ 4, true, step_time },	    { 4, false, step_check },  { 6, false, step_life },
};

void world_interleave(struct world *world)
{
	static void (*const acts[])(struct world * world) = { interleaved_driver,
							      interleaved_interrupt, step_use,
							      step_free };
	uint32_t count = world->settling ? 2 : 4;

	bool mortal = world->mortal;

	world->guest_runs = world->mortal = false; /* one at a time, and only the device dies */
	trace_event(&world->trace, "meanwhile", 0, 0);
	acts[rng_below(&world->rng, count)](world);
	world->guest_runs = true;
	world->mortal = mortal;
}

static const struct step *pick_step(struct rng *rng)
{
	const struct step *step = steps;
	unsigned int total = 0, at;

	for (unsigned int i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		total += steps[i].weight;
	for (at = rng_below(rng, total); at >= step->weight; step++)
		at -= step->weight;
	return step;
}

static void add_summary(struct world *world)
{
	struct world_summary *summary = &world->summary;
	struct vballoon_status status;

	vballoon_device_status(world->device, &status);
	summary->steps = world->trace.step;
	summary->drops = world->host.drops;
	summary->drops_failed = world->host.drops_failed;
	summary->restores = world->host.restores;
	summary->restores_failed = world->host.restores_failed;
	summary->adds = world->driver.adds;
	summary->withdraws = world->driver.withdraws;
	summary->returned_pages = world->driver.returned_pages;
	summary->full_answers = world->driver.full_answers;
	summary->start_overs = world->driver.start_overs;
	summary->reloads = world->driver.lives;
	guest_port_summary(&world->port, summary);
	summary->exchanged_pages += status.exchanged_pages;
	summary->discards = world->host.discards;
	summary->reports = world->driver.reports;
	summary->pushes = world->driver.pushes;
	summary->policies = world->ruling.changes;
	summary->drops_asked = world->ruling.drops_asked;
	summary->refusals = world->ruling.refusals;
	summary->violations += status.violations;
}

void world_run(struct world *world)
{
	while (world->trace.step < world->plan.steps && !world->trace.failed) {
		const struct step *step = pick_step(&world->rng);

		world->trace.step++;
		if (world->crashed && !--world->crashed)
			life_end(world, true);
		if (!step->of_guest || (!world->paused && !world->crashed))
			step->take(world);
	}
	if (!world->trace.failed)
		world_settle(world);
	add_summary(world);
}
