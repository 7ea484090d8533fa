/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The machine's memory: regions that are plugged or not, in frames of one
 * balloon page, numbered through all regions whether plugged or not.
 */
#ifndef SIM_MACHINE_H
#define SIM_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#include "plan.h"

#define MACHINE_FRAMES_MAX 4096
#define MACHINE_NO_FRAME UINT32_MAX

struct machine_region {
	struct vballoon_region region; /* as the device is told */
	uint32_t first_frame;
	uint32_t frames;
	bool plugged;
};

struct machine {
	uint32_t page_shift;
	unsigned int region_count;
	struct machine_region regions[PLAN_REGIONS_MAX];
	uint32_t frames;
	uint8_t region_of[MACHINE_FRAMES_MAX];
};

/* Returns whether there was memory enough. Undone by machine_free(). */
bool machine_init(struct machine *machine, const struct plan *plan);
void machine_free(struct machine *machine);

/* New page maps, full of rubbish: a device's record dies with its page maps. */
bool machine_renew_page_maps(struct machine *machine);

static inline uint64_t machine_page_bytes(const struct machine *machine)
{
	return UINT64_C(1) << machine->page_shift;
}

/* The frame of plugged memory that @gpa lies in, or MACHINE_NO_FRAME. */
uint32_t machine_frame(const struct machine *machine, uint64_t gpa);
/* The plugged region that @frame lies in, or NULL. */
const struct machine_region *machine_region(const struct machine *machine, uint32_t frame);
uint64_t machine_gpa(const struct machine *machine, uint32_t frame);
uint8_t *machine_pointer(const struct machine *machine, uint32_t frame);

/* Balloon pages of all plugged regions. */
uint64_t machine_pages(const struct machine *machine);

#endif /* SIM_MACHINE_H */
