/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The other driver: the portable one, as it is shipped, with the simulated kernel's
 * memory. What passes on its queues is not looked at: a page is in the balloon from the
 * moment that the driver gets it until it gives it back, and the oracle holds driver and
 * device to that.
 */
#ifndef SIM_GUEST_PORT_H
#define SIM_GUEST_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include <vballoon/guest.h>

#include "machine.h"

struct world;
struct world_summary;

struct guest_port {
	struct world *world;
	_Alignas(16) unsigned char storage[VBALLOON_GUEST_BYTES];
	struct vballoon_guest *guest; /* in there */
	struct vballoon_guest_range ranges[PLAN_REGIONS_MAX];
	uint64_t bitmaps[PLAN_REGIONS_MAX][MACHINE_FRAMES_MAX / 64];
	bool due; /* run() is */
	uint64_t due_ms; /* and then in any case */
	uint32_t answers; /* changes with each message that is answered */
	uint32_t used; /* where todevq was when that was looked at */
	uint64_t starts, stops, pressures, ooms, ooms_late, exchanges, undone, reports;
	uint64_t taken_back, refused; /* pages */
};

/* What happened to it at all. */
void guest_port_summary(const struct guest_port *port, struct world_summary *summary);

#endif /* SIM_GUEST_PORT_H */
