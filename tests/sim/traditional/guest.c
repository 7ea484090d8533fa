/* SPDX-License-Identifier: BSD-3-Clause */
/* The traditional balloon in a small world: a driver that gives pages and takes them back. */
#include "guest.h"
#include "base/le.h"
#include "world.h"

struct list *guest_open_list(unsigned int queue)
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

void guest_inflate(void)
{
	struct list *list = guest_open_list(INFLATE);

	if (!list)
		return;
	/* What was used without a word is given again without one. */
	choose(list, FREE, world.silent && rng_chance(&world.rng, 50) ? SILENT : USED);
	if (list->count)
		post(INFLATE, list);
}

/* First told, then used; or the other way round. */
void guest_deflate(void)
{
	struct list *list = guest_open_list(DEFLATE);

	if (!list)
		return;
	choose(list, HELD, world.tells ? HELD : SILENT);
	if (!list->count)
		return;
	if (!world.tells && rng_chance(&world.rng, 50)) {
		for (unsigned int i = 0; i < list->count; i++) {
			world_use(list->pages[i]);
			world.told[list->pages[i]] = true;
		}
	}
	post(DEFLATE, list);
}

/* Use pages of the balloon, and say so another time. */
void guest_use_in_silence(void)
{
	uint32_t page = rng_below(&world.rng, PAGES);

	for (unsigned int i = 0; i < 8 && !world.tells; i++, page = (page + 1) % PAGES) {
		if (world.owners[page] != HELD)
			continue;
		world_use(page);
		world.owners[page] = SILENT;
		covered.silent++;
	}
}

/* A bad driver's: pages that are not in the balloon. The device must live with it. Of two messages
 * with one page the first that is answered would make it the guest's, to be given again too early. */
void guest_deflate_what_is_not_held(void)
{
	struct list *list = guest_open_list(DEFLATE);
	uint32_t page = rng_below(&world.rng, PAGES);

	if (!list || world.told[page] || (world.owners[page] != USED && world.owners[page] != FREE))
		return;
	list->pages[list->count++] = page;
	world.owners[page] = TAKEN; /* not given meanwhile */
	post(DEFLATE, list);
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
				world_use(page);
		}
	}
	list->count = 0;
}

void guest_collect(void)
{
	static const unsigned int kinds[] = { INFLATE, DEFLATE, REPORT };

	for (unsigned int i = 0; i < 3; i++) {
		unsigned int queue = kinds[i] == REPORT ? world.report : kinds[i];

		while ((queue || kinds[i] != REPORT) &&
		       world.answered[kinds[i]] != world.posted[kinds[i]] &&
		       trad_answered(&world.bed, queue))
			take_answer(kinds[i]);
	}
	guest_collect_hints();
	world_check_used();
}

/* Newer statistics are wanted, and come when those that the device keeps are answered. A deflate
 * that waits for the host holds either up. */
void guest_stats(void)
{
	const struct virtio_balloon_stat stat = { vballoon_le16(VIRTIO_BALLOON_S_MEMFREE),
						  vballoon_le64(covered.stats) };

	if (!world.stats)
		return;
	if (world.stats_posted) {
		vballoon_device_request_stats(world.bed.device);
		world_settle();
		if (!trad_answered(&world.bed, world.stats))
			world_wrong("it keeps statistics and newer ones are wanted", 0);
	}
	trad_post_bytes(&world.bed, world.stats, &stat, sizeof(stat));
	world.stats_posted = true;
	world_settle();
	if (bed_status(&world.bed).stats.value[VIRTIO_BALLOON_S_MEMFREE] != covered.stats)
		world_wrong("its statistics are others", 0);
	covered.stats++;
}
