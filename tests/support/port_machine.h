/* SPDX-License-Identifier: BSD-3-Clause */
/* The portable driver and the device of the library, in one process; the host drops what
 * it is told to, so that a page with two owners shows. */
#ifndef VBALLOON_TESTS_PORT_MACHINE_H
#define VBALLOON_TESTS_PORT_MACHINE_H

#include <vballoon/device.h>

#include "port_guest.h"

struct port_machine {
	struct port_guest guest;
	struct vballoon_device *device;
	struct vballoon_device_ops ops;
	struct vballoon_reclaim_ops reclaim;
	void *page_maps[VBALLOON_MEMORY_REGIONS_MAX];
	struct vballoon_queue queues[2]; /* as the driver last started them */
	bool kicked, interrupted; /* in this turn */
	bool device_due, guest_due; /* to run */
	bool silent; /* the device does not run */
};

/* A device that offers @features, balloon pages of 4 KiB, a guest with units of
 * 2^@unit_shift bytes. Changes to machine->guest.config come before port_machine_start(). */
void port_machine_init(struct port_machine *machine, uint64_t features, uint32_t unit_shift);
/* The same with balloon pages of 2^@page_shift bytes. */
void port_machine_init_shift(struct port_machine *machine, uint64_t features, uint32_t page_shift,
			     uint32_t unit_shift);
void port_machine_start(struct port_machine *machine);
void port_machine_destroy(struct port_machine *machine);

/* The guest is paused, and goes on. */
void port_machine_stop_queues(struct port_machine *machine);
void port_machine_start_queues(struct port_machine *machine);
/* The device has lost its record, as one that was replaced under a running guest. */
void port_machine_lose_record(struct port_machine *machine);

/* Fail when a page has two owners, or one that the guest owns has changed. */
void port_machine_check(struct port_machine *machine);

/* Run both sides until neither has anything to do before time passes; or for @ms of the
 * guest's time. Checks each time that no page has two owners. */
void port_machine_settle(struct port_machine *machine);
void port_machine_pass(struct port_machine *machine, uint64_t ms);

/* Ask for a target and settle. */
void port_machine_target(struct port_machine *machine, uint64_t pages);

struct vballoon_status port_machine_status(const struct port_machine *machine);

/* Fail unless both sides have @pages in the balloon, and the guest has none besides. */
void port_machine_expect(struct port_machine *machine, uint64_t pages);

#endif /* VBALLOON_TESTS_PORT_MACHINE_H */
