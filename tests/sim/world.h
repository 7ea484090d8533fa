/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One guest, one device, one host, and the transport between them, in one
 * process; what happens next is drawn from the seed.
 *
 * The transport is one that a device in another process sees: a pause, a reset
 * and a driver's end all look the same (queues stop), notifications may come
 * late or too often; in some schedules some are lost, until all has to come right.
 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>

#include <vballoon/device.h>

#include "guest_driver.h"
#include "guest_os.h"
#include "guest_port.h"
#include "host.h"
#include "machine.h"
#include "mutant.h"
#include "oracle.h"
#include "plan.h"
#include "rng.h"
#include "ruling.h"
#include "trace.h"

/* What happened at all, over all schedules: a simulator that has stopped to
 * reach something must not look like one that finds nothing. */
struct world_summary {
	uint64_t steps, drops, drops_failed, restores, restores_failed, adds, withdraws;
	uint64_t returned_pages, full_answers, start_overs, reloads, pauses, resets, crashes;
	uint64_t restarts, replacements, exchanged_pages, reports, discards, pushes, rounds, plugs,
		unplugs, violations, rewrites;
	uint64_t policies, drops_asked, refusals;
	uint64_t moves, skipped_pages, deaths, deaths_again, losses;
	uint64_t port_starts, port_stops, port_pressures, port_ooms, port_ooms_late;
	uint64_t port_exchanges, port_undone, port_reports, port_taken_back, port_refused;
	uint64_t clears_failed, writes_failed;
	uint64_t trad_starts, trad_taken, trad_reports, trad_tellings;
};

struct world {
	struct rng rng;
	struct plan plan;
	struct trace trace;
	struct machine machine;
	struct oracle oracle;
	struct host host;
	struct guest_os os;
	struct guest_driver driver;
	struct guest_port port;
	struct ruling ruling;
	struct vballoon_device_ops device_ops;
	struct vballoon_reclaim_ops reclaim_ops;
	struct vballoon_memory_hooks hooks;
	void *storage; /* the device's */
	void *journal; /* likewise, and it outlives it */
	struct vballoon_device *device;

	bool device_has_work; /* run() is due */
	bool device_runs; /* now */
	bool mortal; /* now */
	bool recovers; /* what has died */
	struct rng death_rng; /* of its own: what else happens is as without */
	uint32_t deaths; /* it dies once in so many of its steps, at the most; 0: never */
	uint32_t death_in; /* so many steps; 0: not drawn yet */
	jmp_buf death;
	unsigned int writes; /* of rings and messages */
	bool reset_asked; /* by the device, perhaps: the driver may do it at any time */
	bool interrupt[VBALLOON_QUEUES_MAX]; /* on its way to the driver */
	bool config_changed; /* on its way to the driver, too */
	bool queue_running[VBALLOON_QUEUES_MAX];
	uint32_t queue_next[VBALLOON_QUEUES_MAX]; /* where a stopped queue goes on */
	bool paused; /* no vCPU runs */
	unsigned int crashed; /* steps until the crashed kernel is replaced */
	bool hostile; /* now */
	bool guest_runs; /* its vCPUs, while the device does */
	bool settling; /* the guest wants no more memory */
	uint64_t target; /* what the device was last told */
	uint64_t round; /* of reports, that has to end; 0: none */
	struct world_summary summary;
};

/* Returns whether there was memory enough. Undone by world_free(), also then. */
bool world_init(struct world *world, uint64_t seed, enum mutant mutant, bool echo);
void world_free(struct world *world);

/* The steps of the schedule, in good and in bad times; then world_settle(). */
void world_run(struct world *world);

/* All quiet: nothing fails any more. The balloon must reach its target. */
void world_settle(struct world *world);

/* Let the device run once, if it has something to do; a guest whose vCPUs run
 * may act between any two accesses of the device. */
bool world_run_device(struct world *world);
/* What the guest may do then. */
void world_interleave(struct world *world);
/* Bring on its way what kicks and interrupts there are. */
bool world_deliver_kick(struct world *world, unsigned int queue);
bool world_deliver_interrupt(struct world *world, unsigned int queue);
bool world_deliver_config(struct world *world);

#endif /* SIM_WORLD_H */
