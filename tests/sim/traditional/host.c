/* SPDX-License-Identifier: BSD-3-Clause */
/* The traditional balloon in a small world: the host, which drops only what is the device's. */
#include <string.h>

#include "host.h"
#include "world.h"

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
		world_wrong("a part of a host page is dropped", first);
	if (rng_chance(&world.rng, 3))
		return -5;
	for (uint32_t i = first; i < first + count; i++) {
		if (!may_go(i, discards))
			world_wrong("it is dropped and is not the device's", i);
		covered.advice += discards && world.owners[i] != REPORTED;
		memset(world_page(i), 0, PAGE_BYTES);
	}
	*(discards ? &covered.discards : &covered.drops) += count;
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
		memset(world_page((uint32_t)(offset.value / PAGE_BYTES)), 0, len.value);
	return -28;
}

void host_prepare(struct vballoon_reclaim_ops *reclaim)
{
	reclaim->drop = drop;
	reclaim->discard = discard;
	reclaim->restore = restore;
}
