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

#include <vballoon/traditional_guest.h>

#include "driver/port/life.h"
#include "machine.h"

struct guest_driver;
struct world;
struct world_summary;

struct guest_port {
	struct world *world;
	_Alignas(16) unsigned char storage[VBALLOON_GUEST_BYTES];
	struct vballoon_guest *guest; /* in there */
	struct vballoon_traditional_guest *trad; /* or this one */
	struct vballoon_guest_life *life; /* of either */
	struct vballoon_guest_range ranges[PLAN_REGIONS_MAX];
	uint64_t bitmaps[PLAN_REGIONS_MAX][MACHINE_FRAMES_MAX / 64];
	bool due; /* run() is */
	uint64_t due_ms; /* and then in any case */
	bool starts_over; /* when it had last run */
	uint32_t answers; /* changes with each message that is answered */
	uint32_t used; /* where todevq was when that was looked at */
	uint64_t starts, stops, pressures, ooms, ooms_late, exchanges, undone, reports;
	uint64_t taken_back, refused; /* pages */
	uint64_t trad_starts, taken, tellings; /* of the traditional balloon */
};

/* Memory of the guest's for either of the portable drivers: struct vballoon_guest_ops, with the
 * port as context. */
uint64_t guest_port_get_page(void *context, uint64_t most, struct vballoon_gpa *gpa_out);
void guest_port_return_page(void *context, struct vballoon_gpa gpa, uint64_t units,
			    enum vballoon_guest_cause cause);
uint64_t guest_port_free_next(void *context, bool first, uint64_t most,
			      struct vballoon_gpa *gpa_out);
void guest_port_free_done(void *context, struct vballoon_gpa gpa, uint64_t units, bool zeroed);
void guest_port_notify(void *context, unsigned int queue);
void guest_port_reset_device(void *context);

/* All the memory that there may ever be, in whole units, those that adjoin in one range: how
 * many ranges. */
unsigned int guest_port_lay_out(struct guest_port *port);

/* Call @act for each balloon page of @units at @gpa. */
void guest_port_each(struct guest_port *port, struct vballoon_gpa gpa, uint64_t units,
		     void (*act)(struct world *world, uint64_t gpa, uint32_t frame));
/* For that: a page goes to the driver; it comes back, by the device's word with or without it
 * having had the page; or without a word. */
void guest_port_given(struct world *world, uint64_t gpa, uint32_t frame);
void guest_port_handed_back(struct world *world, uint64_t gpa, uint32_t frame);
void guest_port_back_untouched(struct world *world, uint64_t gpa, uint32_t frame);
void guest_port_back(struct world *world, uint64_t gpa, uint32_t frame);

/* The driver was made, or not. */
void guest_port_loaded(struct guest_driver *driver, struct vballoon_guest_life *life,
		       uint64_t features, int error);

/* struct guest_kind, of both. */
void guest_port_interrupt(struct guest_driver *driver, unsigned int queue);
bool guest_port_work(struct guest_driver *driver);
uint64_t guest_port_wait_ms(const struct guest_driver *driver);
void guest_port_leave(struct guest_driver *driver);
void guest_port_reset(struct guest_driver *driver);

/* What either may do at any time. */
void guest_port_start_or_stop(struct guest_driver *driver);
/* Somebody waits for memory, and the device may work meanwhile. */
void guest_port_wait_for_memory(struct guest_driver *driver,
				bool (*waits)(struct guest_port *port));

/* In the end it must have no complaint. */
void guest_port_check_peace(const struct guest_driver *driver, uint64_t bad_pages);

/* What happened to it at all. */
void guest_port_summary(const struct guest_port *port, struct world_summary *summary);

#endif /* SIM_GUEST_PORT_H */
