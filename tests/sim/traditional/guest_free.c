/* SPDX-License-Identifier: BSD-3-Clause */
/* The traditional balloon in a small world: what a driver says of memory that it has free. */
#include "guest.h"
#include "world.h"

/* A stretch of free pages; returns how many there are from a random one on. */
static uint32_t free_stretch(uint32_t *first_out)
{
	uint32_t first = rng_below(&world.rng, PAGES), count = 0;

	while (first + count < PAGES && count < 64 && world.owners[first + count] == FREE)
		count++;
	*first_out = first;
	return count;
}

void guest_report(void)
{
	struct list *list = guest_open_list(REPORT);
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

/* Another thing that a bad driver may do. Not while a deflate waits for the host: it may be of that page, which is the guest's then. */
void guest_report_what_is_held(void)
{
	struct list *list = guest_open_list(REPORT);
	uint32_t page = rng_below(&world.rng, PAGES);
	const uint64_t stretch[1][2] = { { AT + page * UINT64_C(4096), PAGE_BYTES } };

	if (!world.report || !list || !world.known[page] || world.owners[page] != HELD ||
	    world.posted[DEFLATE] != world.answered[DEFLATE])
		return;
	trad_post_free(&world.bed, world.report, stretch, 1);
	world.posted[REPORT]++;
	bed_run(&world.bed);
	guest_collect();
}

void guest_collect_hints(void)
{
	while (world.hint && trad_answered(&world.bed, world.hint))
		world.answered[HINT]++;
}

/* A round of hints, of pages that are used at once; the device may die of it. */
void guest_hint(void)
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
		world_use(first + i);
	covered.deaths += bed_run_and_die(&world.bed, rng_below(&world.rng, 12));
	world_check_used();
	guest_collect_hints();
	if (world.posted[HINT] == world.answered[HINT] &&
	    trad_config(&world.bed, TRAD_FIELD(free_page_hint_cmd_id)) !=
		    VIRTIO_BALLOON_CMD_ID_DONE)
		world_wrong("it was hinted in a round that does not end", first);
}
