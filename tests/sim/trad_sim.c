/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The traditional balloon in a small world: a driver that lives at random - gives pages, takes
 * them back in either discipline, reports, hints, is paused, reset, outlives the device - and an
 * account of its own of who owns each page. Whatever the device has the host do with a page that
 * is not its own ends the run, and so does a record that is not what the guest says when all is
 * quiet.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/le.h"
#include "rng.h"
#include "trad_bed.h"

#define AT GIB
#define PAGES 256U
#define PAGE_BYTES 4096U
#define LIST_MAX 24
#define IN_FLIGHT_MAX 4
#define STEPS 60
#define PATIENCE 20
#define LINGER_MS 20 /* that pages wait for the others of their block */

enum owner {
	USED, /* the guest's, with something in it */
	FREE, /* the guest's */
	GIVEN, /* in a message to inflateq that is not answered */
	HELD, /* in the balloon */
	SILENT, /* used again, and the host is not told yet */
	TAKEN, /* in a message to deflateq that is not answered */
	REPORTED, /* in a message to reporting_vq that is not answered */
};

struct list {
	uint32_t pages[LIST_MAX];
	unsigned int count;
};

struct world {
	struct bed bed;
	struct rng rng;
	enum owner owners[PAGES];
	bool known[PAGES]; /* held, and the device has not been made to forget it */
	bool told[PAGES]; /* used again, in a deflate that is not answered: not given meanwhile */
	uint64_t tags[PAGES]; /* what a used page begins with */
	struct list lists[VBALLOON_QUEUES_MAX][IN_FLIGHT_MAX]; /* in flight, by queue */
	unsigned int posted[VBALLOON_QUEUES_MAX], answered[VBALLOON_QUEUES_MAX];
	bool tells; /* MUST_TELL_HOST is negotiated */
	bool silent; /* SILENT_DEFLATE is */
	unsigned int stats, hint, report; /* the driver's queues; 0: none */
	bool stats_posted; /* the device keeps them until it wants newer ones */
	uint32_t host_pages; /* of the host's page */
	uint64_t now_ms; /* 0: the device is not told the time */
	uint64_t seed;
};

static struct world world;
static uint64_t covered_drops, covered_discards, covered_resets, covered_pauses, covered_silent;
static uint64_t covered_advice, covered_stats, covered_deaths;

static void wrong(const char *what, uint32_t page)
{
	printf("page %u: %s\nreplay: --seed %llu --schedules 1\n", page, what,
	       (unsigned long long)world.seed);
	exit(1);
}

static uint32_t *at(uint32_t page)
{
	return guest_memory_at(&world.bed.guest, AT + page * UINT64_C(4096), PAGE_BYTES);
}

static void use_page(uint32_t page)
{
	world.owners[page] = USED;
	world.tags[page] = rng_next(&world.rng);
	memcpy(at(page), &world.tags[page], sizeof(world.tags[page]));
}

static void check_used(void)
{
	for (uint32_t i = 0; i < PAGES; i++) {
		if ((world.owners[i] == USED || world.owners[i] == SILENT) &&
		    memcmp(at(i), &world.tags[i], sizeof(world.tags[i])))
			wrong("what the guest has written is gone", i);
	}
}

/* Only what is the device's may be dropped; of a guest that need not tell that is nothing
 * once it was answered. */
static bool may_drop(uint32_t page)
{
	switch (world.owners[page]) {
	case GIVEN:
		return true;
	case HELD:
	case TAKEN:
		return world.tells && world.known[page];
	default:
		return false;
	}
}

/* Of a guest that may use a page without a word the host may not miss one: it is advised. */
static bool may_go(uint32_t page, bool discards)
{
	if (discards && world.owners[page] == REPORTED)
		return true;
	return discards == world.silent && may_drop(page);
}

static int host_act(const struct vballoon_region *region, struct vballoon_bytes offset,
		    struct vballoon_bytes len, bool discards)
{
	uint32_t first = (uint32_t)(offset.value / PAGE_BYTES);
	uint32_t count = (uint32_t)(len.value / PAGE_BYTES);

	if (region->gpa.value != AT || first % world.host_pages || count % world.host_pages)
		wrong("a part of a host page is dropped", first);
	if (rng_chance(&world.rng, 3))
		return -5;
	for (uint32_t i = first; i < first + count; i++) {
		if (!may_go(i, discards))
			wrong("it is dropped and is not the device's", i);
		covered_advice += discards && world.owners[i] != REPORTED;
		memset(at(i), 0, PAGE_BYTES);
	}
	*(discards ? &covered_discards : &covered_drops) += count;
	return 0;
}

static int drop(void *context, const struct vballoon_region *region, struct vballoon_bytes offset,
		struct vballoon_bytes len)
{
	(void)context;
	return host_act(region, offset, len, false);
}

static int discard(void *context, const struct vballoon_region *region,
		   struct vballoon_bytes offset, struct vballoon_bytes len)
{
	(void)context;
	return host_act(region, offset, len, true);
}

static int restore(void *context, const struct vballoon_region *region,
		   struct vballoon_bytes offset, struct vballoon_bytes len)
{
	(void)context;
	(void)region;
	if (!rng_chance(&world.rng, 5))
		return 0;
	/* What it has got of several host pages it gives back, whatever is in them by now. */
	if (len.value > world.host_pages * PAGE_BYTES)
		memset(at((uint32_t)(offset.value / PAGE_BYTES)), 0, len.value);
	return -28;
}

/* The next list of a queue, if there is room; as trad_post() has slots for. */
static struct list *open_list(unsigned int queue)
{
	struct list *list;

	if (world.posted[queue] - world.answered[queue] >= IN_FLIGHT_MAX)
		return NULL;
	list = &world.lists[queue][world.posted[queue] % IN_FLIGHT_MAX];
	list->count = 0;
	return list;
}

/* Pages of one kind: neighbours in either direction, or any. */
static void choose(struct list *list, enum owner kind, enum owner other)
{
	unsigned int most = rng_between(&world.rng, 1, LIST_MAX);
	uint32_t page = rng_below(&world.rng, PAGES);
	uint32_t step = rng_chance(&world.rng, 50) ? PAGES - 1 : 1;
	bool runs = rng_chance(&world.rng, 80);

	for (unsigned int tries = 0; tries < 3 * LIST_MAX && list->count < most; tries++) {
		if (!world.told[page] &&
		    (world.owners[page] == kind || world.owners[page] == other)) {
			list->pages[list->count++] = page;
			world.owners[page] = kind == HELD ? TAKEN : GIVEN;
		}
		page = runs ? (page + step) % PAGES : rng_below(&world.rng, PAGES);
	}
}

static void post(unsigned int queue, const struct list *list)
{
	uint32_t pfns[2 * LIST_MAX];
	size_t count = list->count;

	for (size_t i = 0; i < count; i++)
		pfns[i] = (uint32_t)(AT / PAGE_BYTES) + list->pages[i];
	if (rng_chance(&world.rng, 10))
		pfns[count++] = pfns[0]; /* named twice */
	if (rng_chance(&world.rng, 5))
		pfns[count++] = 3; /* no memory */
	trad_post(&world.bed, queue, pfns, count);
	world.posted[queue]++;
}

static void inflate(void)
{
	struct list *list = open_list(INFLATE);

	if (!list)
		return;
	/* What was used without a word is given again without one. */
	choose(list, FREE, world.silent && rng_chance(&world.rng, 50) ? SILENT : USED);
	if (list->count)
		post(INFLATE, list);
}

/* First told, then used; or the other way round. */
static void deflate(void)
{
	struct list *list = open_list(DEFLATE);

	if (!list)
		return;
	choose(list, HELD, world.tells ? HELD : SILENT);
	if (!list->count)
		return;
	if (!world.tells && rng_chance(&world.rng, 50)) {
		for (unsigned int i = 0; i < list->count; i++) {
			use_page(list->pages[i]);
			world.told[list->pages[i]] = true;
		}
	}
	post(DEFLATE, list);
}

/* Use pages of the balloon, and say so another time. */
static void use_in_silence(void)
{
	uint32_t page = rng_below(&world.rng, PAGES);

	for (unsigned int i = 0; i < 8 && !world.tells; i++, page = (page + 1) % PAGES) {
		if (world.owners[page] != HELD)
			continue;
		use_page(page);
		world.owners[page] = SILENT;
		covered_silent++;
	}
}

/* A bad driver's: pages that are not in the balloon. The device must live with it. */
static void deflate_what_is_not_held(void)
{
	struct list *list = open_list(DEFLATE);
	uint32_t page = rng_below(&world.rng, PAGES);

	if (!list || (world.owners[page] != USED && world.owners[page] != FREE))
		return;
	list->pages[list->count++] = page;
	world.owners[page] = TAKEN; /* not given meanwhile */
	post(DEFLATE, list);
}

/* A stretch of free pages; returns how many there are from a random one on. */
static uint32_t free_stretch(uint32_t *first_out)
{
	uint32_t first = rng_below(&world.rng, PAGES), count = 0;

	while (first + count < PAGES && count < 64 && world.owners[first + count] == FREE)
		count++;
	*first_out = first;
	return count;
}

static void report(void)
{
	struct list *list = open_list(REPORT);
	uint32_t first, count = world.report && list ? free_stretch(&first) : 0;
	uint64_t stretch[1][2];

	if (!count)
		return;
	if (count > LIST_MAX)
		count = LIST_MAX;
	for (uint32_t i = 0; i < count; i++) {
		world.owners[first + i] = REPORTED;
		list->pages[list->count++] = first + i;
	}
	stretch[0][0] = AT + first * UINT64_C(4096);
	stretch[0][1] = count * UINT64_C(4096);
	trad_post_free(&world.bed, world.report, stretch, 1);
	world.posted[REPORT]++;
}

static void collect_hints(void)
{
	while (world.hint && trad_answered(&world.bed, world.hint))
		world.answered[HINT]++;
}

/* A round of hints, of pages that are used at once; the device may die of it. */
static void hint(void)
{
	bool idle = world.posted[HINT] == world.answered[HINT];
	uint32_t first, count = world.hint && idle ? free_stretch(&first) : 0;
	const uint32_t stop = VIRTIO_BALLOON_CMD_ID_STOP;
	uint64_t stretch[1][2], id;
	uint32_t command;

	if (!count || vballoon_device_request_report(world.bed.device, &id))
		return;
	vballoon_device_run(world.bed.device);
	command = trad_config(&world.bed, TRAD_FIELD(free_page_hint_cmd_id));
	trad_post(&world.bed, world.hint, &command, 1);
	stretch[0][0] = AT + first * UINT64_C(4096);
	stretch[0][1] = count * UINT64_C(4096);
	trad_post_free(&world.bed, world.hint, stretch, 1);
	trad_post(&world.bed, world.hint, &stop, 1);
	world.posted[HINT] += 3;
	for (uint32_t i = 0; i < count; i++)
		use_page(first + i);
	covered_deaths += bed_run_and_die(&world.bed, rng_below(&world.rng, 12));
	check_used();
	collect_hints();
	if (world.posted[HINT] == world.answered[HINT] &&
	    trad_config(&world.bed, TRAD_FIELD(free_page_hint_cmd_id)) !=
		    VIRTIO_BALLOON_CMD_ID_DONE)
		wrong("it was hinted in a round that does not end", first);
}

/* One message came back: whose its pages are now. */
static void take_answer(unsigned int queue)
{
	struct list *list = &world.lists[queue][world.answered[queue]++ % IN_FLIGHT_MAX];

	for (unsigned int i = 0; i < list->count; i++) {
		uint32_t page = list->pages[i];

		world.told[page] = false;
		if (queue == INFLATE && world.owners[page] == GIVEN) {
			world.owners[page] = HELD;
			world.known[page] = true;
		} else if (world.owners[page] == TAKEN || world.owners[page] == REPORTED) {
			world.owners[page] = FREE;
			if (rng_chance(&world.rng, 50))
				use_page(page);
		}
	}
	list->count = 0;
}

static void collect(void)
{
	static const unsigned int kinds[] = { INFLATE, DEFLATE, REPORT };

	for (unsigned int i = 0; i < 3; i++) {
		unsigned int queue = kinds[i] == REPORT ? world.report : kinds[i];

		while ((queue || kinds[i] != REPORT) &&
		       world.answered[kinds[i]] != world.posted[kinds[i]] &&
		       trad_answered(&world.bed, queue))
			take_answer(kinds[i]);
	}
	collect_hints();
	check_used();
}

/* Another thing that a bad driver may do. Not while a deflate waits for the host: it may be of that page, which is the guest's then. */
static void report_what_is_held(void)
{
	struct list *list = open_list(REPORT);
	uint32_t page = rng_below(&world.rng, PAGES);
	const uint64_t stretch[1][2] = { { AT + page * UINT64_C(4096), PAGE_BYTES } };

	if (!world.report || !list || !world.known[page] || world.owners[page] != HELD ||
	    world.posted[DEFLATE] != world.answered[DEFLATE])
		return;
	trad_post_free(&world.bed, world.report, stretch, 1);
	world.posted[REPORT]++;
	bed_run(&world.bed);
	collect();
}

static void run_once(void)
{
	(void)vballoon_device_run(world.bed.device);
	collect();
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
			use_page(i);
	}
	trad_stop(&world.bed);
	if (vballoon_device_set_features(world.bed.device, features))
		wrong("its features are refused", 0);
	trad_start(&world.bed, queues());
	check_used();
}

static void reset(void)
{
	trad_stop(&world.bed);
	if (rng_chance(&world.rng, 30))
		vballoon_device_reset(world.bed.device);
	covered_resets++;
	begin();
}

static void pause(void)
{
	trad_stop(&world.bed);
	if (rng_chance(&world.rng, 50))
		run_once();
	trad_go_on(&world.bed, queues());
	covered_pauses++;
}

/* By command: the device forgets, the guest does not. */
static void restart(void)
{
	collect(); /* what was answered until then it forgets */
	vballoon_device_restart(world.bed.device);
	memset(world.known, 0, sizeof(world.known));
	bed_run(&world.bed);
	collect();
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

/* When nothing is under way, guest and device agree on every page. */
static bool same_as_held(void *context, struct vballoon_gpa gpa, uint64_t pages, bool dropped)
{
	uint64_t *count = context;

	(void)dropped;
	for (uint32_t i = 0; i < pages; i++) {
		uint32_t page = (uint32_t)((gpa.value - AT) / PAGE_BYTES) + i;

		if (!world.known[page] ||
		    (world.owners[page] != HELD && world.owners[page] != SILENT))
			wrong("it is on the record and not in the balloon", page);
	}
	*count += pages;
	return true;
}

static void pass_time(uint64_t ms)
{
	if (!world.now_ms)
		return;
	world.now_ms += ms;
	vballoon_device_set_time(world.bed.device, world.now_ms);
}

static void settle(void)
{
	uint64_t recorded = 0, held = 0;

	/* Now and then the host has no memory, and a deflate waits until it has. */
	for (unsigned int i = 0; i < PATIENCE; i++) {
		pass_time(LINGER_MS);
		bed_run(&world.bed);
		collect();
	}
	if (bed_status(&world.bed).violation)
		wrong("the device has stopped", 0);
	if (bed_status(&world.bed).drop_lingers)
		wrong("something waits for its neighbours for ever", 0);
	for (unsigned int queue = 0; queue < VBALLOON_QUEUES_MAX; queue++) {
		if (world.posted[queue] != world.answered[queue])
			wrong("a message is not answered", queue);
	}
	vballoon_device_each_held(world.bed.device, same_as_held, &recorded);
	for (uint32_t i = 0; i < PAGES; i++)
		held += world.known[i] && (world.owners[i] == HELD || world.owners[i] == SILENT);
	if (recorded != held)
		wrong("pages of the balloon are not on the record", 0);
}

/* Newer statistics are wanted, and come when those that the device keeps are answered. A deflate
 * that waits for the host holds either up. */
static void stats(void)
{
	const struct virtio_balloon_stat stat = { vballoon_le16(VIRTIO_BALLOON_S_MEMFREE),
						  vballoon_le64(covered_stats) };

	if (!world.stats)
		return;
	if (world.stats_posted) {
		vballoon_device_request_stats(world.bed.device);
		settle();
		if (!trad_answered(&world.bed, world.stats))
			wrong("it keeps statistics and newer ones are wanted", 0);
	}
	trad_post_bytes(&world.bed, world.stats, &stat, sizeof(stat));
	world.stats_posted = true;
	settle();
	if (bed_status(&world.bed).stats.value[VIRTIO_BALLOON_S_MEMFREE] != covered_stats)
		wrong("its statistics are others", 0);
	covered_stats++;
}

static void step(void)
{
	static void (*const steps[])(void) = {
		inflate,
		inflate,
		inflate,
		deflate,
		deflate,
		use_in_silence,
		deflate_what_is_not_held,
		report,
		report,
		run_once,
		run_once,
		run_once,
		hint,
		stats,
		report_what_is_held,
		change_policy,
		settle,
		pause,
	};

	world.bed.call_count = 0;
	pass_time(rng_below(&world.rng, LINGER_MS));
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
	world.bed.reclaim.drop = drop;
	world.bed.reclaim.discard = discard;
	world.bed.reclaim.restore = restore;
	bed_add_memory(&world.bed, AT, PAGES * PAGE_BYTES, host_page_shift);
	world.now_ms = rng_chance(&world.rng, 50);
	begin();
	for (unsigned int i = 0; i < STEPS; i++)
		step();
	settle();
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
	       (unsigned long long)schedules, (unsigned long long)covered_drops,
	       (unsigned long long)covered_discards, (unsigned long long)covered_advice,
	       (unsigned long long)covered_silent, (unsigned long long)covered_stats,
	       (unsigned long long)covered_resets, (unsigned long long)covered_pauses,
	       (unsigned long long)covered_deaths);
	/* A life in which something never happened proves nothing about it. */
	return schedules >= 100 &&
	       !(covered_drops && covered_discards && covered_advice && covered_silent &&
		 covered_stats && covered_resets && covered_pauses && covered_deaths);
}
