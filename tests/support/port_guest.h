/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A guest for the portable driver: memory whose pages it can tell apart, a clock, and
 * an account of who owns what, which fails the test when a page comes back that was
 * not out, twice, or changed although nobody may have touched it.
 *
 * What the driver asks of its transport goes to the other side, a real device
 * (port_machine.h) or one that lies (port_liar.h).
 */
#ifndef VBALLOON_TESTS_PORT_GUEST_H
#define VBALLOON_TESTS_PORT_GUEST_H

#include <stdbool.h>
#include <stdint.h>

#include <vballoon/guest.h>

#include "guest_memory.h"

/* Two ranges that adjoin and one that does not; and one for what is shared. */
#define PORT_RANGES 3
#define PORT_SHARED (UINT64_C(1) << 40)
#define PORT_SHARED_BYTES (UINT64_C(64) << 10)
#define PORT_LOW (UINT64_C(1) << 30)
#define PORT_HIGH (UINT64_C(1) << 32)
#define PORT_RANGE_BYTES (UINT64_C(1) << 20)
#define PORT_BYTES ((1 + PORT_RANGES) * PORT_RANGE_BYTES)
#define PORT_UNITS_MAX 768 /* of 4 KiB, in the three */
#define PORT_VERSION_1 (UINT64_C(1) << 32)

struct port_guest;

/* The other side. */
struct port_side {
	void (*reset)(void *side);
	int (*start)(void *side, uint64_t features, const struct vballoon_queue queues[2]);
	void (*notify)(void *side, unsigned int queue);
};

struct port_guest {
	struct guest_memory memory;
	const struct port_side *side_ops;
	void *side;
	struct vballoon_guest_config config; /* a test may change it before port_guest_init() */
	_Alignas(16) unsigned char storage[VBALLOON_GUEST_BYTES];
	struct vballoon_guest *driver;
	struct vballoon_guest_range ranges[PORT_RANGES];
	uint64_t bitmaps[PORT_RANGES][PORT_RANGE_BYTES / 4096 / 64];
	bool out[PORT_UNITS_MAX];
	unsigned int out_count;
	unsigned int spare; /* units that the guest can do without */
	unsigned int block; /* units that it finds in a row, at the most */
	struct vballoon_gpa misfit; /* if not 0, what get_page() answers once */
	unsigned int causes[3]; /* units that came back, by cause */
	bool reported[PORT_UNITS_MAX]; /* set aside, named to the device */
	unsigned int reports, report_next; /* units: named ever; where to go on */
	unsigned int zeroed; /* units that came back from a report as zeros */
	unsigned int swapped, unswapped; /* pairs that were told of */
	unsigned int gets, resets, starts;
	int start_error;
	bool device_lies; /* its promises are not looked at */
	uint64_t epochs; /* random enough */
	uint64_t now_ms;
	uint64_t wait_ms; /* what the driver said last */
};

/* Memory, and a configuration for a device that offers @offered, with units of
 * 2^@unit_shift bytes. No driver yet. */
void port_guest_prepare(struct port_guest *guest, uint64_t offered, uint32_t unit_shift);
/* The same in memory of the caller's, PORT_BYTES of it: what is shared, then the ranges. */
void port_guest_prepare_at(struct port_guest *guest, uint64_t offered, uint32_t unit_shift,
			   void *host);
/* Make and start the driver of what is configured. */
void port_guest_init(struct port_guest *guest, const struct port_side *ops, void *side);
void port_guest_destroy(struct port_guest *guest);

/* Let the driver run once, or until it wants to wait: never more than a bounded number
 * of times. */
void port_guest_step(struct port_guest *guest);
void port_guest_run(struct port_guest *guest);

/* Fail unless each page that the guest owns is as it left it. */
void port_guest_check(struct port_guest *guest);

struct vballoon_guest_status port_guest_status(const struct port_guest *guest);

/* Have units moved from @from, which are in the balloon, to @to, which are the guest's:
 * as vballoon_guest_exchange(). @to VBALLOON_GUEST_NOTHING: take only. */
int port_guest_move(struct port_guest *guest, uint64_t from, uint64_t to, uint64_t units);

/* Units in all ranges, and the address of each. */
unsigned int port_guest_units(const struct port_guest *guest);
uint64_t port_guest_unit_gpa(const struct port_guest *guest, unsigned int unit);
/* Whether a unit is out of the guest's hands; or its own and free, but being reported. */
bool port_guest_is_out(const struct port_guest *guest, uint64_t gpa);
bool port_guest_is_reported(const struct port_guest *guest, uint64_t gpa);

#endif /* VBALLOON_TESTS_PORT_GUEST_H */
