/* SPDX-License-Identifier: BSD-3-Clause */
/* The traditional balloon in a small world, where a driver lives at random. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guest.h"
#include "host.h"
#include "world.h"

#define STEPS 60

static void run_once(void)
{
	(void)vballoon_device_run(world.bed.device);
	guest_collect();
}

static unsigned int queues(void)
{
	unsigned int mask = TRAD_BOTH;

	mask |= world.stats ? TRAD_QUEUE(world.stats) : 0;
	mask |= world.hint ? TRAD_QUEUE(world.hint) : 0;
	mask |= world.report ? TRAD_QUEUE(world.report) : 0;
	return mask;
}

/* A driver, after a reset: everything is the guest's, with features of its choice. */
static void begin(void)
{
	uint64_t features = BED_VERSION_1;
	bool dense = rng_chance(&world.rng, 50);
	unsigned int next = 2;

	/* The one of the two opposites that is offered. */
	if (rng_chance(&world.rng, 60))
		features |= vballoon_device_offered(world.bed.device) &
			    (TRAD(MUST_TELL_HOST) | TRAD(SILENT_DEFLATE));
	features |= rng_chance(&world.rng, 50) ? TRAD(STATS_VQ) : 0;
	features |= rng_chance(&world.rng, 50) ? TRAD(FREE_PAGE_HINT) : 0;
	features |= rng_chance(&world.rng, 50) ? TRAD(REPORTING) : 0;
	features |= rng_chance(&world.rng, 50) ? UINT64_C(1) << 34 : 0; /* packed rings */
	features |= rng_chance(&world.rng, 50) ? UINT64_C(1) << 29 : 0; /* event indices */
	world.tells = features & TRAD(MUST_TELL_HOST);
	world.silent = features & TRAD(SILENT_DEFLATE);
	world.stats =
		features & TRAD(STATS_VQ) ? next++ : 0; /* the first after the two, either way */
	world.stats_posted = false;
	world.hint = features & TRAD(FREE_PAGE_HINT) ? (dense ? next++ : HINT) : 0;
	world.report = features & TRAD(REPORTING) ? (dense ? next++ : REPORT) : 0;
	memset(world.posted, 0, sizeof(world.posted));
	memset(world.answered, 0, sizeof(world.answered));
	for (uint32_t i = 0; i < PAGES; i++) {
		world.known[i] = false;
		world.told[i] = false;
		world.owners[i] = FREE;
		if (rng_chance(&world.rng, 50))
			world_use(i);
	}
	trad_stop(&world.bed);
	if (vballoon_device_set_features(world.bed.device, features))
		world_wrong("its features are refused", 0);
	trad_start(&world.bed, queues());
	world_check_used();
}

static void reset(void)
{
	trad_stop(&world.bed);
	if (rng_chance(&world.rng, 30))
		vballoon_device_reset(world.bed.device);
	covered.resets++;
	begin();
}

static void pause(void)
{
	trad_stop(&world.bed);
	if (rng_chance(&world.rng, 50))
		run_once();
	trad_go_on(&world.bed, queues());
	covered.pauses++;
}

/* By command: the device forgets, the guest does not. */
static void restart(void)
{
	guest_collect(); /* what was answered until then it forgets */
	vballoon_device_restart(world.bed.device);
	memset(world.known, 0, sizeof(world.known));
	bed_run(&world.bed);
	guest_collect();
}

static void change_policy(void)
{
	struct vballoon_policy policy = { .pages = rng_chance(&world.rng, 50)
							   ? VBALLOON_PAGES_WARM
							   : VBALLOON_PAGES_EAGER };

	vballoon_device_inhibit(world.bed.device, rng_chance(&world.rng, 30));
	(void)vballoon_device_set_policy(world.bed.device, &policy);
	if (rng_chance(&world.rng, 20))
		vballoon_device_drop_now(world.bed.device);
}

static void step(void)
{
	static void (*const steps[])(void) = {
		guest_inflate,
		guest_inflate,
		guest_inflate,
		guest_deflate,
		guest_deflate,
		guest_use_in_silence,
		guest_deflate_what_is_not_held,
		guest_report,
		guest_report,
		run_once,
		run_once,
		run_once,
		guest_hint,
		guest_stats,
		guest_report_what_is_held,
		change_policy,
		world_settle,
		pause,
	};

	world.bed.call_count = 0;
	world_pass_time(rng_below(&world.rng, LINGER_MS));
	if (rng_chance(&world.rng, 2))
		reset();
	else if (rng_chance(&world.rng, 1))
		restart();
	else
		steps[rng_below(&world.rng, sizeof(steps) / sizeof(steps[0]))]();
}

static void live(uint64_t seed)
{
	uint32_t host_page_shift;

	memset(&world, 0, sizeof(world));
	world.seed = seed;
	world.rng.state = rng_mix(seed);
	host_page_shift = rng_chance(&world.rng, 50) ? 12 : rng_between(&world.rng, 13, 16);
	world.host_pages = 1U << (host_page_shift - 12);
	trad_bed_init(&world.bed, vballoon_device_features_of(VIRTIO_BALLOON_ID) &
					  ~(rng_chance(&world.rng, 50) ? TRAD(MUST_TELL_HOST)
								       : TRAD(SILENT_DEFLATE)));
	host_prepare(&world.bed.reclaim);
	bed_add_memory(&world.bed, AT, PAGES * PAGE_BYTES, host_page_shift);
	world.now_ms = rng_chance(&world.rng, 50);
	begin();
	for (unsigned int i = 0; i < STEPS; i++)
		step();
	world_settle();
	bed_destroy(&world.bed);
}

int main(int argc, char **argv)
{
	uint64_t seed = 1, schedules = 1;

	for (int i = 1; i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], "--seed"))
			seed = strtoull(argv[i + 1], NULL, 0);
		else if (!strcmp(argv[i], "--schedules"))
			schedules = strtoull(argv[i + 1], NULL, 0);
	}
	for (uint64_t i = 0; i < schedules; i++)
		live(seed + i);
	printf("%llu schedules: %llu pages dropped, %llu discarded, %llu of them from the balloon, "
	       "%llu used in silence, %llu statistics, %llu resets, %llu pauses, %llu deaths\n",
	       (unsigned long long)schedules, (unsigned long long)covered.drops,
	       (unsigned long long)covered.discards, (unsigned long long)covered.advice,
	       (unsigned long long)covered.silent, (unsigned long long)covered.stats,
	       (unsigned long long)covered.resets, (unsigned long long)covered.pauses,
	       (unsigned long long)covered.deaths);
	/* A life in which something never happened proves nothing about it. */
	return schedules >= 100 &&
	       !(covered.drops && covered.discards && covered.advice && covered.silent &&
		 covered.stats && covered.resets && covered.pauses && covered.deaths);
}
