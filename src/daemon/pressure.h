/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Word of the host being short of memory: a trigger of the kernel's pressure stall
 * information (PSI). The kernel wakes us at most once in two seconds, and only while
 * there is pressure.
 *
 * Where that cannot be had it is looked at how much memory is available instead, now
 * and then, for as long as there is something that could be done about it.
 */
#ifndef VBALLOON_DAEMON_PRESSURE_H
#define VBALLOON_DAEMON_PRESSURE_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/loop.h"

/* What tells. */
#define VBALLOON_PRESSURE_TRIGGER "/proc/pressure/memory"
#define VBALLOON_PRESSURE_MEMINFO "/proc/meminfo"

/* How often available memory is looked at, and from which share on it is short. */
#define VBALLOON_PRESSURE_LOOK_MS 5000
#define VBALLOON_PRESSURE_AVAILABLE_PERCENT 5

enum vballoon_pressure_state {
	VBALLOON_PRESSURE_OFF, /* nobody asked */
	VBALLOON_PRESSURE_PSI,
	VBALLOON_PRESSURE_LOOKS, /* at available memory: there is no PSI */
	VBALLOON_PRESSURE_BLIND, /* there is neither */
};

struct vballoon_pressure {
	struct vballoon_loop *loop;
	struct vballoon_source source; /* fd -1: no trigger */
	enum vballoon_pressure_state state;
	unsigned int percent; /* of the trigger that is there */
	uint64_t looked_ms;
	uint64_t times; /* that there was pressure */
	void (*felt)(void *context);
	void *context;
};

/* @felt is called when there is pressure. */
void vballoon_pressure_init(struct vballoon_pressure *pressure, struct vballoon_loop *loop,
			    void (*felt)(void *context), void *context);

/* Listen for processes that wait for memory at least @percent of the time, 1 to 100; 0:
 * not at all. */
void vballoon_pressure_listen(struct vballoon_pressure *pressure, unsigned int percent);

/* When to look; VBALLOON_NEVER. @wanted: whether there is something to be done. */
uint64_t vballoon_pressure_due_ms(const struct vballoon_pressure *pressure, bool wanted);

/* Look, if it is time. */
void vballoon_pressure_look(struct vballoon_pressure *pressure, uint64_t now_ms, bool wanted);

/* @return its name in the control protocol. */
const char *vballoon_pressure_name(enum vballoon_pressure_state state);

/* Whether the host is short, from the lines of /proc/meminfo. */
bool vballoon_pressure_is_short(const char *meminfo);

#endif /* VBALLOON_DAEMON_PRESSURE_H */
