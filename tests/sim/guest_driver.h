/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A driver of the balloon as a guest would have it, between a simulated kernel and the
 * device. There are two: the simulator's own, with the real decisions (driver/decide)
 * and the real ring code, which does all that a driver may; and the portable driver
 * (guest_port.h), as it is shipped.
 */
#ifndef SIM_GUEST_DRIVER_H
#define SIM_GUEST_DRIVER_H

#include <stdbool.h>
#include <stdint.h>

#include "driver/decide/decide.h"
#include "guest_message.h"
#include "guest_os.h"
#include "guest_queue.h"
#include "mutant.h"
#include "oracle.h"
#include "plan.h"
#include "trace.h"

#define GUEST_DRIVER_REQUESTS 8

/* Ring features (virtio 1.3, 6 Reserved Feature Bits). */
#define GUEST_F_INDIRECT_DESC 28

struct guest_driver;

/* What makes the two different. */
struct guest_kind {
	/* Set up in fresh memory; false when there is none. */
	bool (*load)(struct guest_driver *driver, uint64_t features);
	/* The queues run: make available what there is. NULL: it starts the device by itself. */
	void (*ready)(struct guest_driver *driver);
	/* Let go of the device, which is not reset yet. NULL: whoever unloads it resets. */
	void (*leave)(struct guest_driver *driver);
	/* The device wants a reset (reset_wanted). NULL: load it again. */
	void (*reset)(struct guest_driver *driver);
	/* An interrupt for @queue: collect what was used. */
	void (*interrupt)(struct guest_driver *driver, unsigned int queue);
	/* Send what is to be sent. Returns whether anything was. */
	bool (*work)(struct guest_driver *driver);
	/* When work() has something to do again if nothing happens. */
	uint64_t (*wait_ms)(const struct guest_driver *driver);
	/* The device may have lost its record. NULL: it does not mind. */
	void (*doubt)(struct guest_driver *driver);
	/* Something that nobody has asked for: an exchange, a report. */
	void (*stir)(struct guest_driver *driver);
	/* The guest is short of memory and wants @pages back. */
	void (*pressure)(struct guest_driver *driver, uint64_t pages);
	/* Whether there is a message that is not answered, not collected, or to be sent. */
	bool (*busy)(const struct guest_driver *driver);
	/* What it counts, and what it was told. */
	const struct vballoon_decide *(*decide)(const struct guest_driver *driver);
	/* The configuration space has changed. NULL: it never does. */
	void (*config_changed)(struct guest_driver *driver);
	/* The oracle's view of what the device has published (struct oracle_wire). */
	enum oracle_news (*news)(void *driver, uint64_t gpa);
	uint32_t (*answers)(void *driver);
	bool (*may_drop)(void *driver, uint64_t gpa);
};

extern const struct guest_kind guest_own, guest_balloon, guest_trad;

struct guest_driver {
	const struct guest_kind *kind;
	struct guest_port *port; /* of that kind */
	struct guest_os *os;
	struct oracle *oracle;
	struct trace *trace;
	struct rng *rng;
	const struct plan *plan;
	enum mutant mutant;
	uint64_t now_ms; /* kept by the caller */

	bool loaded;
	uint64_t features;
	uint64_t epoch;
	struct guest_queue queues[VBALLOON_QUEUES_MAX]; /* by number */
	unsigned int queue_mask; /* those that it has */
	struct guest_buffer requests[GUEST_DRIVER_REQUESTS];
	unsigned int request_count; /* posted on fromdevq */
	struct guest_message messages[MESSAGE_COUNT];
	struct vballoon_decide decide;
	bool hello_wanted;
	bool start_over; /* the HELLO that is wanted begins with an empty balloon */
	bool stats_wanted;
	uint32_t stats_cookie;
	uint32_t period_ms; /* statistics are pushed so often; 0: never */
	uint64_t push_due_ms;
	bool no_record; /* the device may have none: it passes over what is reported */
	uint64_t round; /* of reports, as it was asked for; 0: none */
	unsigned int round_left; /* messages that it may still take */
	uint64_t ask_after_ms; /* a WITHDRAW was answered short: no other before */
	bool reset_wanted; /* the driver will not go on */
	bool kick
		[VBALLOON_QUEUES_MAX]; /* wants the device's attention; cleared by who delivers it */

	/* After starting over: taken from the guest, but no longer in the balloon. */
	bool orphan[MACHINE_FRAMES_MAX];
	uint32_t orphan_count;

	/* For the summary. */
	uint64_t lives, adds, withdraws, returned_pages, start_overs, full_answers;
	uint64_t exchanges, reports, pushes;
};

/* The device was reset: every page is the guest's. */
void guest_driver_unload(struct guest_driver *driver);

/* Ask what the device holds, or let it forget all; as any driver may at any time. */
void guest_driver_greet(struct guest_driver *driver, bool start_over);

/* Whether a todevq message is not answered, or answered and not collected. */
bool guest_driver_busy(const struct guest_driver *driver);

/* For the driver's parts: something was made available on @queue. */
void guest_driver_kick(struct guest_driver *driver, unsigned int queue);
bool guest_driver_has(const struct guest_driver *driver, unsigned int feature);
uint32_t guest_driver_unit_pages(const struct guest_driver *driver);

#endif /* SIM_GUEST_DRIVER_H */
