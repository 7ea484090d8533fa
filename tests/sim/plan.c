// SPDX-License-Identifier: BSD-3-Clause
#include "plan.h"

#include <string.h>

#include <vballoon/abi/memory_balloon.h>
#include <vballoon/abi/traditional_balloon.h>
#include <vballoon/device.h>

/* Page sizes that meet in the field, and a guest just large enough for them. */
static const struct geometry {
	unsigned int weight;
	uint32_t page_shift, unit_shift, host_page_shift;
	uint32_t boot_pages, more_pages;
} geometries[] = {
	{ 20, 12, 12, 12, 48, 16 }, /* all of one size */
	{ 8, 12, 12, 16, 96, 48 }, /* a host with 64 KiB pages */
	{ 6, 12, 13, 12, 48, 16 }, /* units that often lie across two regions */
	{ 6, 12, 16, 12, 192, 64 }, /* a guest with 64 KiB pages */
	{ 6, 12, 16, 16, 192, 64 },   { 4, 16, 16, 12, 24, 8 }, /* a coarse balloon */
	{ 8, 13, 15, 14, 64, 24 }, /* three sizes */
	{ 1, 21, 21, 12, 14, 6 }, /* more to drop than is dropped at once */
	{ 1, 12, 12, 21, 1100, 520 }, /* hugetlb under small pages */
	{ 1, 12, 21, 21, 2048, 512 }, /* a balloon of huge pages */
};

static const struct geometry *pick_geometry(struct rng *rng)
{
	unsigned int total = 0, at;
	const struct geometry *geometry = geometries;

	for (unsigned int i = 0; i < sizeof(geometries) / sizeof(geometries[0]); i++)
		total += geometries[i].weight;
	for (at = rng_below(rng, total); at >= geometry->weight; geometry++)
		at -= geometry->weight;
	return geometry;
}

static void draw_region(struct plan_region *region, const struct geometry *geometry,
			struct rng *rng, uint64_t gpa, uint32_t pages)
{
	region->gpa = gpa;
	region->pages = pages + rng_below(rng, 4);
	region->host_page_shift = geometry->host_page_shift;
	region->reclaimable = rng_chance(rng, 12) ? VBALLOON_KEEP_NOT_SHARED : VBALLOON_RECLAIMABLE;
	region->plugged = rng_chance(rng, 50);
}

/* Boot memory; a neighbour that touches it; one beyond a hole; one far above. */
static void draw_regions(struct plan *plan, const struct geometry *geometry, struct rng *rng)
{
	uint64_t page = UINT64_C(1) << plan->page_shift;
	struct plan_region *boot = &plan->regions[0];
	struct plan_region *neighbour = &plan->regions[1];
	uint64_t far_gpa[] = { UINT64_C(1) << 32, (UINT64_C(1) << 47) + 3 * page,
			       (UINT64_C(1) << 63) + page };

	plan->region_count = PLAN_REGIONS_MAX;
	draw_region(boot, geometry, rng, rng_below(rng, 3) * page, geometry->boot_pages);
	boot->plugged = true;
	draw_region(neighbour, geometry, rng, boot->gpa + boot->pages * page, geometry->more_pages);
	draw_region(&plan->regions[2], geometry, rng,
		    neighbour->gpa + (neighbour->pages + rng_between(rng, 1, 8)) * page,
		    geometry->more_pages);
	draw_region(&plan->regions[3], geometry, rng, far_gpa[rng_below(rng, 3)],
		    geometry->more_pages);
}

void plan_draw(struct plan *plan, struct rng *rng)
{
	/* Of its own: what else happens is as without. */
	struct rng losses = { .state = rng_mix(rng->state) };
	const struct geometry *geometry = pick_geometry(rng);

	memset(plan, 0, sizeof(*plan));
	plan->losses = rng_chance(&losses, 12) ? rng_between(&losses, 1, 40) : 0;
	plan->page_shift = geometry->page_shift;
	plan->unit_shift = geometry->unit_shift;
	draw_regions(plan, geometry, rng);
	plan->portable = rng_chance(rng, 50);
	plan->traditional = plan->portable && plan->page_shift == VIRTIO_BALLOON_PFN_SHIFT &&
			    rng_chance(rng, 50);
	plan->features = vballoon_device_features_of(plan->traditional ? VIRTIO_BALLOON_ID
								       : VIRTIO_MEMORY_BALLOON_ID);
	/* Page numbers do not reach further. */
	if (plan->traditional)
		plan->regions[3].gpa = UINT64_C(1) << 32;
	/* Else a device that may wait for the driver's word would always do so. */
	if (plan->traditional && rng_chance(rng, 50))
		plan->features &= ~(UINT64_C(1) << VIRTIO_BALLOON_F_MUST_TELL_HOST);
	if (rng_chance(rng, 30))
		plan->features &= rng_next(rng);
	plan->zeroes = rng_chance(rng, 70);
	plan->restore = geometry->host_page_shift == 21 || rng_chance(rng, 25);
	plan->drop_failures = rng_chance(rng, 20) ? 30 : 0;
	/* What the guest takes back by itself it has, whatever the host has. */
	plan->restore_failures =
		plan->restore && !plan->traditional && rng_chance(rng, 60) ? 40 : 0;
	plan->clear_failures = rng_chance(rng, 20) ? 30 : 0;
	plan->failing_write = rng_chance(rng, 20) ? rng_between(rng, 1, 400) : 0;
	plan->hostile = rng_chance(rng, 15);
	plan->rewrites = rng_chance(rng, 50) ? 1 : 10;
	plan->unrest = rng_below(rng, 5);
	plan->steps = rng_between(rng, 150, 500);
}
