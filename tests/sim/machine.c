// SPDX-License-Identifier: BSD-3-Clause
#include "machine.h"

#include <stdlib.h>
#include <string.h>

#include <vballoon/device.h>

static bool init_region(struct machine *machine, const struct plan_region *plan)
{
	unsigned int index = machine->region_count++;
	struct machine_region *it = &machine->regions[index];
	uint64_t bytes = (uint64_t)plan->pages << machine->page_shift;

	it->first_frame = machine->frames;
	it->frames = plan->pages;
	it->plugged = plan->plugged;
	memset(machine->region_of + machine->frames, (int)index, plan->pages);
	machine->frames += plan->pages;
	it->region = (struct vballoon_region){
		.gpa = vballoon_gpa(plan->gpa),
		.size = vballoon_bytes(bytes),
		/* What is left of another schedule must not tell on this one. */
		.host = calloc(1, bytes),
		.host_page_shift = plan->host_page_shift,
		.reclaimable = plan->reclaimable,
	};
	return it->region.host != NULL;
}

bool machine_init(struct machine *machine, const struct plan *plan)
{
	memset(machine, 0, sizeof(*machine));
	machine->page_shift = plan->page_shift;
	for (unsigned int i = 0; i < plan->region_count; i++) {
		if (!init_region(machine, &plan->regions[i]))
			return false;
	}
	return machine_renew_page_maps(machine);
}

void machine_free(struct machine *machine)
{
	for (unsigned int i = 0; i < machine->region_count; i++) {
		free(machine->regions[i].region.host);
		free(machine->regions[i].region.page_map);
	}
}

bool machine_renew_page_maps(struct machine *machine)
{
	for (unsigned int i = 0; i < machine->region_count; i++) {
		struct vballoon_region *region = &machine->regions[i].region;

		free(region->page_map);
		region->page_map_bytes = vballoon_page_map_bytes(region->size, machine->page_shift);
		region->page_map = malloc(region->page_map_bytes);
		if (!region->page_map)
			return false;
		memset(region->page_map, 0xa5, region->page_map_bytes);
	}
	return true;
}

uint32_t machine_frame(const struct machine *machine, uint64_t gpa)
{
	for (unsigned int i = 0; i < machine->region_count; i++) {
		const struct machine_region *it = &machine->regions[i];
		uint64_t offset = gpa - it->region.gpa.value;

		if (it->plugged && offset < it->region.size.value)
			return it->first_frame + (uint32_t)(offset >> machine->page_shift);
	}
	return MACHINE_NO_FRAME;
}

const struct machine_region *machine_region(const struct machine *machine, uint32_t frame)
{
	const struct machine_region *it = &machine->regions[machine->region_of[frame]];

	return it->plugged ? it : NULL;
}

uint64_t machine_gpa(const struct machine *machine, uint32_t frame)
{
	const struct machine_region *it = &machine->regions[machine->region_of[frame]];

	return it->region.gpa.value + ((uint64_t)(frame - it->first_frame) << machine->page_shift);
}

uint8_t *machine_pointer(const struct machine *machine, uint32_t frame)
{
	const struct machine_region *it = &machine->regions[machine->region_of[frame]];

	return (uint8_t *)it->region.host +
	       ((uint64_t)(frame - it->first_frame) << machine->page_shift);
}

uint64_t machine_pages(const struct machine *machine)
{
	uint64_t pages = 0;

	for (unsigned int i = 0; i < machine->region_count; i++) {
		if (machine->regions[i].plugged)
			pages += machine->regions[i].frames;
	}
	return pages;
}
