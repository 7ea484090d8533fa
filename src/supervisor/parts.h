/* SPDX-License-Identifier: BSD-3-Clause */
/* What the parts of the supervisor want of each other: its life (supervisor.c), and what workers
 * ask of it (requests.c). */
#ifndef VBALLOON_SUPERVISOR_PARTS_H
#define VBALLOON_SUPERVISOR_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "supervisor/depot.h"
#include "supervisor/front.h"
#include "supervisor/program.h"
#include "supervisor/worker.h"

struct supervisor {
	void (*log)(int priority, const char *format, ...);
	struct vballoon_program program;
	struct vballoon_worker worker;
	bool gives_way; /* the worker, to another program */
	struct vballoon_depot depot;
	struct vballoon_front *front; /* in the depot, */
	struct vballoon_history *history; /* likewise; of workers */
	bool told_error; /* of the depot */
	int signals;
	bool stopping;
	bool over;
	int status; /* to end with, when it is over */
	unsigned int vain; /* in a row */
	uint64_t answered; /* by the worker before */
	uint64_t start_ms; /* when the next one is started */
	uint64_t started_ms; /* when this one was */
};

/* The time, of CLOCK_MONOTONIC. */
uint64_t vballoon_supervisor_now_us(void);

/* Another relay between front end and worker. Returns the worker's end, or a negative errno. */
int vballoon_supervisor_renew_relay(struct supervisor *super);

/* The front end goes. */
void vballoon_supervisor_disconnect(struct supervisor *super);

/* What was tried has shown that it runs. */
void vballoon_supervisor_settle_program(struct supervisor *super);

/* Do what the worker asks for next. Returns whether there was something. */
bool vballoon_supervisor_read_note(struct supervisor *super);

#endif /* VBALLOON_SUPERVISOR_PARTS_H */
