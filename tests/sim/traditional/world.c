/* SPDX-License-Identifier: BSD-3-Clause */
/* The traditional balloon in a small world: the account of its pages. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guest.h"
#include "world.h"

#define PATIENCE 20

struct world world;
struct covered covered;

void world_wrong(const char *what, uint32_t page)
{
	printf("page %u: %s\nreplay: --seed %llu --schedules 1\n", page, what,
	       (unsigned long long)world.seed);
	exit(1);
}

uint32_t *world_page(uint32_t page)
{
	return guest_memory_at(&world.bed.guest, AT + page * UINT64_C(4096), PAGE_BYTES);
}

void world_use(uint32_t page)
{
	world.owners[page] = USED;
	world.tags[page] = rng_next(&world.rng);
	memcpy(world_page(page), &world.tags[page], sizeof(world.tags[page]));
}

void world_check_used(void)
{
	for (uint32_t i = 0; i < PAGES; i++) {
		if ((world.owners[i] == USED || world.owners[i] == SILENT) &&
		    memcmp(world_page(i), &world.tags[i], sizeof(world.tags[i])))
			world_wrong("what the guest has written is gone", i);
	}
}

void world_pass_time(uint64_t ms)
{
	if (!world.now_ms)
		return;
	world.now_ms += ms;
	vballoon_device_set_time(world.bed.device, world.now_ms);
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
			world_wrong("it is on the record and not in the balloon", page);
	}
	*count += pages;
	return true;
}

void world_settle(void)
{
	uint64_t recorded = 0, held = 0;

	/* Now and then the host has no memory, and a deflate waits until it has. */
	for (unsigned int i = 0; i < PATIENCE; i++) {
		world_pass_time(LINGER_MS);
		bed_run(&world.bed);
		guest_collect();
	}
	if (bed_status(&world.bed).violation)
		world_wrong("the device has stopped", 0);
	if (bed_status(&world.bed).drop_lingers)
		world_wrong("something waits for its neighbours for ever", 0);
	for (unsigned int queue = 0; queue < VBALLOON_QUEUES_MAX; queue++) {
		if (world.posted[queue] != world.answered[queue])
			world_wrong("a message is not answered", queue);
	}
	vballoon_device_each_held(world.bed.device, same_as_held, &recorded);
	for (uint32_t i = 0; i < PAGES; i++)
		held += world.known[i] && (world.owners[i] == HELD || world.owners[i] == SILENT);
	if (recorded != held)
		world_wrong("pages of the balloon are not on the record", 0);
}
