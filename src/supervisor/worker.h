/* SPDX-License-Identifier: BSD-3-Clause */
/* A worker process, and what it is started with. */
#ifndef VBALLOON_SUPERVISOR_WORKER_H
#define VBALLOON_SUPERVISOR_WORKER_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "supervisor/store.h"

struct vballoon_worker {
	pid_t pid; /* 0: none */
	int keeper; /* owned; -1: none */
	bool ready;
	uint64_t ready_ms; /* since when */
};

/* What all workers have in common. */
struct vballoon_worker_program {
	char **argv;
	const char *path; /* for a new one */
	int running; /* the executable file that runs now */
	int next; /* the one to try; -1: none */
	bool takes_sockets; /* LISTEN_PID was this process */
	sigset_t signals; /* as they were before the supervisor blocked some */
};

/* What the workers before it have come to. */
struct vballoon_history {
	unsigned int starts, deaths, upgrades;
	uint64_t ended_us; /* when the last one ended, of CLOCK_MONOTONIC */
};

/* Start a worker. @relay is its end of the relay, -1: there is no front end; closed here.
 * Returns 0 or a negative errno. */
int vballoon_worker_start(struct vballoon_worker *worker,
			  const struct vballoon_worker_program *program,
			  const struct vballoon_store *store, int relay,
			  const struct vballoon_history *history);

#endif /* VBALLOON_SUPERVISOR_WORKER_H */
