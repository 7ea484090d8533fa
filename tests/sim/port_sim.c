/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vballoon-port-sim: the portable driver and the device through many schedules, each from
 * its own seed: pauses, resets, lost records, a host that fails, a guest short of memory,
 * in any order, with either side running whenever it likes. In the end nothing fails any
 * more, and the balloon must reach its target.
 */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "port_machine.h"
#include "rng.h"

#define STEPS 300
#define CALM_MS 40000 /* longer than every back-off */

static struct port_machine machine;
static struct rng rng;
static uint64_t seed;
static bool traced;
static bool ended; /* all schedules did */
static uint64_t hash;
static bool paused;

/* What happened at all: a simulator that has stopped to reach something must not look like one
 * that finds nothing. */
static uint64_t pauses, losses, resets, stops, ooms, timeouts, pressures, exchanges, reports,
	failures, taken_back;

static const struct counter {
	const char *name;
	const uint64_t *count;
	uint64_t needs; /* a feature of the device, or 0 */
} counters[] = {
	{ "pauses", &pauses, 0 },
	{ "losses", &losses, 0 },
	{ "resets", &resets, 0 },
	{ "stops", &stops, 0 },
	{ "ooms", &ooms, 0 },
	{ "timeouts", &timeouts, 0 },
	{ "pressures", &pressures, 0 },
	{ "exchanges", &exchanges, UINT64_C(1) << VIRTIO_MEMORY_BALLOON_F_EXCHANGE },
	{ "reports", &reports, UINT64_C(1) << VIRTIO_MEMORY_BALLOON_F_REPORTING },
	{ "failures", &failures, 0 },
	{ "taken back", &taken_back, 0 },
};

/* From this many schedules on, each of them must have happened. */
#define COVERED_SCHEDULES 500

static void device_runs(void)
{
	if (!paused)
		vballoon_device_run(machine.device);
}

static void guest_runs(void)
{
	if (!paused)
		port_guest_step(&machine.guest);
}

static void target_changes(void)
{
	uint64_t pages = (uint64_t)port_guest_units(&machine.guest)
			 << (machine.guest.config.unit_shift - 12);

	vballoon_device_set_target(machine.device, rng_below(&rng, (uint32_t)pages + 1));
}

static void time_passes(void)
{
	if (!paused)
		machine.guest.now_ms += rng_below(&rng, 3000);
}

/* The guest comes to need memory, or less of it. */
static void guest_needs(void)
{
	unsigned int free = port_guest_units(&machine.guest) - machine.guest.out_count;

	machine.guest.spare = rng_below(&rng, free + 1);
}

static void guest_is_short(void)
{
	if (paused)
		return;
	pressures++;
	vballoon_guest_pressure(machine.guest.driver, rng_below(&rng, 100), machine.guest.now_ms);
}

static void guest_is_out_of_memory(void)
{
	uint64_t end_ms = machine.guest.now_ms + 1000;
	unsigned int waits = 0;

	if (paused)
		return;
	ooms++;
	if (!vballoon_guest_oom(machine.guest.driver, rng_between(&rng, 1, 64),
				machine.guest.now_ms))
		return;
	while (vballoon_guest_oom_waits(machine.guest.driver, machine.guest.now_ms)) {
		machine.guest.now_ms += rng_below(&rng, 300);
		if (rng_chance(&rng, 30))
			device_runs();
		assert_true(++waits < 10000);
	}
	timeouts += machine.guest.now_ms >= end_ms;
}

static void guest_pauses(void)
{
	bool runs = port_guest_status(&machine.guest).state == VBALLOON_GUEST_RUNNING;

	if (paused)
		port_machine_start_queues(&machine);
	else if (runs)
		port_machine_stop_queues(&machine);
	pauses += !paused && runs;
	paused = !paused && runs;
}

static void device_is_replaced(void)
{
	if (paused || port_guest_status(&machine.guest).state != VBALLOON_GUEST_RUNNING)
		return;
	losses++;
	port_machine_lose_record(&machine);
}

static void operator_resets(void)
{
	resets++;
	vballoon_device_restart(machine.device);
}

static void driver_stops(void)
{
	if (paused)
		return;
	stops++;
	vballoon_guest_stop(machine.guest.driver);
	if (rng_chance(&rng, 80))
		vballoon_guest_start(machine.guest.driver);
}

static void driver_starts(void)
{
	vballoon_guest_start(machine.guest.driver);
}

static void guest_moves_a_page(void)
{
	struct port_guest *guest = &machine.guest;
	unsigned int from = rng_below(&rng, port_guest_units(guest));
	unsigned int to = rng_below(&rng, port_guest_units(guest));
	uint64_t give = port_guest_unit_gpa(guest, to);

	if (paused || !guest->out[from] || guest->out[to] || guest->reported[to] || !guest->spare)
		return;
	if (rng_chance(&rng, 20))
		give = VBALLOON_GUEST_NOTHING;
	exchanges += !port_guest_move(guest, port_guest_unit_gpa(guest, from), give, 1);
}

static void guest_reports(void)
{
	reports += !vballoon_guest_report(machine.guest.driver);
}

static void operator_asks(void)
{
	vballoon_device_request_stats(machine.device);
}

static void host_fails(void)
{
	machine.drops_fail = rng_chance(&rng, 30);
	machine.restores_fail = rng_chance(&rng, 30);
	failures += machine.restores_fail;
}

static void look(void)
{
	port_machine_check(&machine);
}

static const struct step {
	unsigned int weight;
	void (*take)(void);
	const char *name;
} steps[] = {
#define STEP(weight, take)                                                                         \
	{                                                                                          \
		weight, take, #take                                                                \
	}
	STEP(30, device_runs),
	STEP(30, guest_runs),
	STEP(6, target_changes),
	STEP(10, time_passes),
	STEP(6, guest_needs),
	STEP(2, guest_is_short),
	STEP(2, guest_is_out_of_memory),
	STEP(2, guest_pauses),
	STEP(1, device_is_replaced),
	STEP(1, operator_resets),
	STEP(1, driver_stops),
	STEP(1, driver_starts),
	STEP(6, guest_moves_a_page),
	STEP(1, guest_reports),
	STEP(1, operator_asks),
	STEP(2, host_fails),
	STEP(4, look),
#undef STEP
};

static void take_a_step(void)
{
	const struct step *step = steps;
	unsigned int total = 0, at;

	for (unsigned int i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		total += steps[i].weight;
	for (at = rng_below(&rng, total); at >= step->weight; step++)
		at -= step->weight;
	step->take();
	if (traced)
		printf("%s: %u out, %" PRIu64 " held, at %" PRIu64 "\n", step->name,
		       machine.guest.out_count, port_guest_status(&machine.guest).held_pages,
		       machine.guest.now_ms);
	hash = rng_mix(hash ^ (uint64_t)(step - steps) ^ machine.guest.out_count << 8 ^
		       port_guest_status(&machine.guest).held_pages << 32);
}

/* All quiet: nothing fails any more. The balloon must reach its target. */
static void reach(uint64_t units)
{
	uint64_t pages = units << (machine.guest.config.unit_shift - 12);

	assert_int_equal(vballoon_device_set_target(machine.device, pages), 0);
	port_machine_pass(&machine, CALM_MS);
	port_machine_expect(&machine, pages);
}

static void settle(void)
{
	struct port_guest *guest = &machine.guest;

	if (paused)
		guest_pauses();
	machine.drops_fail = machine.restores_fail = false;
	vballoon_guest_start(guest->driver);
	guest->spare = port_guest_units(guest) - guest->out_count;
	port_machine_pass(&machine, CALM_MS);
	reach(rng_below(&rng, port_guest_units(guest) + 1));
	reach(0);
	assert_int_equal(port_machine_status(&machine).violations, 0);
	assert_int_equal(port_guest_status(guest).failures, 0);
	assert_int_equal(port_guest_status(guest).bad_pages, 0);
	taken_back += guest->causes[VBALLOON_GUEST_TAKEN_BACK];
}

static void run_schedule(void)
{
	static const uint32_t unit_shifts[] = { 12, 12, 12, 13, 16 };
	static const unsigned int blocks[] = { 1, 4, 64 };
	uint64_t features;

	rng.state = rng_mix(seed + 1);
	paused = false;
	port_machine_init(&machine, vballoon_device_features_max(),
			  unit_shifts[rng_below(&rng, sizeof(unit_shifts) / sizeof(*unit_shifts))]);
	features = rng_chance(&rng, 50) ? ~UINT64_C(0) : rng_next(&rng);
	machine.guest.config.features = features;
	machine.guest.block = blocks[rng_below(&rng, sizeof(blocks) / sizeof(*blocks))];
	machine.hides_resets = rng_chance(&rng, 70);
	if (rng_chance(&rng, 50))
		port_machine_restores(&machine);
	if (rng_chance(&rng, 30))
		machine.guest.config.queue_size[1] = 8U << rng_below(&rng, 3);
	port_machine_start(&machine);
	for (unsigned int i = 0; i < STEPS; i++)
		take_a_step();
	settle();
	port_machine_destroy(&machine);
}

/* A check that fails ends the process. */
static void tell(void)
{
	if (ended)
		return;
	printf("an assertion failed, see above\nfailed: vballoon-port-sim --seed %" PRIu64 "\n",
	       seed);
	fflush(stdout);
	_exit(EXIT_FAILURE);
}

int main(int argc, char **argv)
{
	uint64_t schedules = 1;
	bool covered = true;

	seed = 1;
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--trace"))
			traced = true;
		else if (!strcmp(argv[i], "--seed") && i + 1 < argc)
			seed = strtoull(argv[++i], NULL, 0);
		else if (!strcmp(argv[i], "--schedules") && i + 1 < argc)
			schedules = strtoull(argv[++i], NULL, 0);
	}
	atexit(tell);
	for (uint64_t i = 0; i < schedules; i++, seed++)
		run_schedule();
	printf("%" PRIu64 " schedules", schedules);
	for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++) {
		const struct counter *counter = &counters[i];

		printf(", %" PRIu64 " %s", *counter->count, counter->name);
		covered &= *counter->count || (counter->needs & ~vballoon_device_features_max());
	}
	printf("\nhash %016" PRIx64 "\n", hash);
	ended = true;
	if (!covered && schedules >= COVERED_SCHEDULES) {
		printf("failed: something never happened\n");
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
