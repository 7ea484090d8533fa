/* SPDX-License-Identifier: BSD-3-Clause */
/* A worker process, and what it is started with. */
#ifndef VBALLOON_SUPERVISOR_WORKER_H
#define VBALLOON_SUPERVISOR_WORKER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "supervisor/program.h"
#include "supervisor/store.h"

struct vballoon_worker {
	pid_t pid; /* 0: none */
	int keeper; /* owned; -1: none */
	bool ready;
	uint64_t ready_ms; /* since when */
};

/* What the workers before it have come to. */
struct vballoon_history {
	unsigned int starts, deaths, upgrades;
	uint64_t ended_us; /* when the last one ended, of CLOCK_MONOTONIC */
};

/* Start a worker. @relay is its end of the relay, -1: there is no front end; closed here.
 * Returns 0 or a negative errno. */
int vballoon_worker_start(struct vballoon_worker *worker, const struct vballoon_program *program,
			  const struct vballoon_store *store, int relay,
			  const struct vballoon_history *history);

/* Give it its end of the relay to a front end that has come, closed here; -1: there is none. */
void vballoon_worker_give_relay(const struct vballoon_worker *worker, int relay);

/* Answer it. */
void vballoon_worker_tell(const struct vballoon_worker *worker, const char *text);

#endif /* VBALLOON_SUPERVISOR_WORKER_H */
