// SPDX-License-Identifier: BSD-3-Clause
/* vballoon-sim: many schedules, each from its own seed, until one fails. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "death.h"
#include "world.h"

#ifndef SHORT_RUNS /* set where a run of the device does little */
#define SHORT_RUNS false
#endif

static const char *const mutant_names[MUTANT_COUNT] = {
	[MUTANT_NONE] = "none",
	[MUTANT_GUEST_TOUCHES_EARLY] = "guest-touches-early",
	[MUTANT_GUEST_FREES_ACCEPTED] = "guest-frees-accepted",
	[MUTANT_GUEST_SKIPS_HELLO] = "guest-skips-hello",
	[MUTANT_GUEST_REUSES_EPOCH] = "guest-reuses-epoch",
	[MUTANT_GUEST_IGNORES_HELD] = "guest-ignores-held",
	[MUTANT_GUEST_FORGETS_KICK] = "guest-forgets-kick",
	[MUTANT_GUEST_LOSES_PAGE] = "guest-loses-page",
	[MUTANT_GUEST_TAKES_REFUSED] = "guest-takes-refused",
	[MUTANT_GUEST_USES_REPORTED] = "guest-uses-reported",
	[MUTANT_HOST_DROPS_ONE_MORE] = "host-drops-one-more",
};

/* From this many schedules on, each kind of event must have happened. */
#define COVERED_SCHEDULES 1000

static const struct counter {
	const char *name;
	size_t offset;
} counters[] = {
#define COUNTER(name)                                                                              \
	{                                                                                          \
#name, offsetof(struct world_summary, name)                                        \
	}
	COUNTER(exchanged_pages),
	COUNTER(reports),
	COUNTER(discards),
	COUNTER(pushes),
	COUNTER(rounds),
	COUNTER(steps),
	COUNTER(adds),
	COUNTER(withdraws),
	COUNTER(returned_pages),
	COUNTER(full_answers),
	COUNTER(drops),
	COUNTER(drops_failed),
	COUNTER(restores),
	COUNTER(restores_failed),
	COUNTER(reloads),
	COUNTER(pauses),
	COUNTER(resets),
	COUNTER(crashes),
	COUNTER(restarts),
	COUNTER(replacements),
	COUNTER(start_overs),
	COUNTER(plugs),
	COUNTER(unplugs),
	COUNTER(violations),
	COUNTER(rewrites),
	COUNTER(policies),
	COUNTER(drops_asked),
	COUNTER(refusals),
	COUNTER(moves),
	COUNTER(skipped_pages),
	COUNTER(deaths),
	COUNTER(deaths_again),
	COUNTER(losses),
	COUNTER(port_starts),
	COUNTER(port_stops),
	COUNTER(port_pressures),
	COUNTER(port_ooms),
	COUNTER(port_ooms_late),
	COUNTER(port_exchanges),
	COUNTER(port_undone),
	COUNTER(port_reports),
	COUNTER(port_taken_back),
	COUNTER(port_refused),
	COUNTER(clears_failed),
	COUNTER(writes_failed),
	COUNTER(trad_starts),
	COUNTER(trad_taken),
	COUNTER(trad_reports),
	COUNTER(trad_tellings),
#undef COUNTER
};

struct options {
	uint64_t seed;
	uint64_t schedules;
	bool trace;
	bool deaths; /* of the device's process, in the midst of its work */
	enum mutant mutant;
};

static uint64_t *counter_of(struct world_summary *summary, const struct counter *counter)
{
	return (uint64_t *)(void *)((char *)summary + counter->offset);
}

static void add_up(struct world_summary *total, struct world_summary *one)
{
	for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++)
		*counter_of(total, &counters[i]) += *counter_of(one, &counters[i]);
}

static enum mutant mutant_by_name(const char *name)
{
	for (int i = 0; i < MUTANT_COUNT; i++) {
		if (!strcmp(name, mutant_names[i]))
			return (enum mutant)i;
	}
	fprintf(stderr, "vballoon-sim: no mutant %s\n", name);
	exit(2);
}

/* A message may name so much that it takes several runs, between which it may be undone. */
static bool world_is_large(const struct world *world)
{
	return machine_pages(&world->machine) << world->plan.page_shift > UINT64_C(1) << 24;
}

static void parse(struct options *options, int argc, char **argv)
{
	static const struct option known[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "schedules", required_argument, NULL, 'n' },
		{ "trace", no_argument, NULL, 't' },
		{ "deaths", no_argument, NULL, 'd' },
		{ "mutant", required_argument, NULL, 'm' },
		{ 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (option == 's')
			options->seed = strtoull(optarg, NULL, 0);
		else if (option == 'n')
			options->schedules = strtoull(optarg, NULL, 0);
		else if (option == 't')
			options->trace = true;
		else if (option == 'd')
			options->deaths = true;
		else if (option == 'm')
			options->mutant = mutant_by_name(optarg);
		else
			exit(2);
	}
}

/* Returns whether everything that a schedule can meet was met. */
static bool print_summary(struct world_summary *total, uint64_t schedules, uint64_t hash)
{
	bool covered = true;

	printf("%" PRIu64 " schedules", schedules);
	for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++) {
		uint64_t count = *counter_of(total, &counters[i]);

		printf(", %" PRIu64 " %s", count, counters[i].name);
		covered &= count > 0 || !strncmp(counters[i].name, "deaths", strlen("deaths"));
	}
	printf("\nhash %016" PRIx64 "\n", hash);
	/* One of deaths has no mishaps beside them. */
	return schedules < COVERED_SCHEDULES || (total->deaths ? total->deaths_again > 0 : covered);
}

/* What runs a schedule again, by this program. */
static void name_schedule(const struct options *options, uint64_t seed, char *text, size_t size)
{
	const bool planted = options->mutant != MUTANT_NONE;

	snprintf(text, size, "%s%s%s%s --seed %" PRIu64, program_invocation_short_name,
		 options->deaths ? " --deaths" : "", planted ? " --mutant " : "",
		 planted ? mutant_names[options->mutant] : "", seed);
}

/* What is told of a schedule in which a step never ends, which ends this process. */
static char endless[256];

static void tell_endless(int signal)
{
	(void)signal;
	(void)!write(STDOUT_FILENO, endless, strlen(endless));
	_exit(1);
}

/* A schedule takes some milliseconds of the processor. */
static void watch(const char *schedule)
{
	const struct itimerval most = { .it_value.tv_sec = 10 };

	snprintf(endless, sizeof(endless), "a step never ends\nfailed: %s\n", schedule);
	setitimer(ITIMER_PROF, &most, NULL);
}

int main(int argc, char **argv)
{
	static struct world world;
	struct options options = { .seed = 1, .schedules = 1 };
	struct world_summary total = { 0 };
	uint64_t hash = 0;
	char schedule[192];

	parse(&options, argc, argv);
	/* Large guests are mapped for each schedule, not cleared: most stays untouched.
	 * The memory of small ones is kept for the next. */
	mallopt(M_MMAP_THRESHOLD, 2 << 20);
	mallopt(M_TRIM_THRESHOLD, 64 << 20);
	signal(SIGPROF, tell_endless);
	for (uint64_t i = 0; i < options.schedules; i++) {
		name_schedule(&options, options.seed + i, schedule, sizeof(schedule));
		watch(schedule);
		bool has_memory =
			world_init(&world, options.seed + i, options.mutant, options.trace);
		world.oracle.forgets_drops =
			SHORT_RUNS || world.plan.clear_failures || world_is_large(&world);
		if (options.deaths)
			death_plan(&world, options.seed + i);

		if (has_memory)
			world_run(&world);
		else
			trace_fail(&world.trace, "out of memory");
		hash = rng_mix(hash ^ world.trace.hash);
		add_up(&total, &world.summary);
		world_free(&world);
		if (world.trace.failed) {
			trace_print(&world.trace, stdout);
			printf("failed: %s\n", schedule);
			return 1;
		}
	}
	if (!print_summary(&total, options.schedules, hash)) {
		printf("failed: something never happened\n");
		return 1;
	}
	return 0;
}
