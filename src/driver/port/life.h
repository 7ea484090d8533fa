/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The life of a driver. Whenever the device is reset, every page is the guest's again:
 * they are returned in bounded steps, and only then is it started again.
 */
#ifndef VBALLOON_DRIVER_PORT_LIFE_H
#define VBALLOON_DRIVER_PORT_LIFE_H

#include <vballoon/guest.h>

/* What is returned in one step: runs of pages, and units in all of them. */
#define GUEST_RETURN_RUNS 64
#define GUEST_RETURN_UNITS 65536

struct vballoon_guest_life;

/* What is different from driver to driver. */
struct vballoon_guest_life_ops {
	/* Reset the device: from here on every page is the guest's. */
	void (*leave)(struct vballoon_guest_life *life);
	/* Return the next of what is kept, at most @most units in a row: how many; 0 when
	 * nothing is left. */
	uint64_t (*return_next)(struct vballoon_guest_life *life, uint64_t most);
	/* Reset the device, prepare everything, and start it: 0, or it cannot be. */
	int (*start)(struct vballoon_guest_life *life);
	/* It runs: the first messages. */
	void (*begin)(struct vballoon_guest_life *life);
	/* Look after the device that runs: how long the next step can wait. */
	uint64_t (*serve)(struct vballoon_guest_life *life);
};

/* The first member of each driver. */
struct vballoon_guest_life {
	const struct vballoon_guest_life_ops *ops;
	enum vballoon_guest_state state;
	enum vballoon_guest_failure failure;
	bool inside; /* an operation may be under way */
	uint64_t now_ms;
	uint64_t restart_ms; /* not before */
	uint64_t starts, failures;
};

/* The device broke its contract. Resets it; nothing that it said since counts. */
void vballoon_guest_life_fail(struct vballoon_guest_life *life,
			      enum vballoon_guest_failure failure);

/* Return some of what is kept, a bounded number of pages. True: more may be left. */
bool vballoon_guest_life_return_kept(struct vballoon_guest_life *life);

/* As in <vballoon/guest.h>. */
void vballoon_guest_life_start(struct vballoon_guest_life *life);
void vballoon_guest_life_stop(struct vballoon_guest_life *life);
void vballoon_guest_life_restart(struct vballoon_guest_life *life);
uint64_t vballoon_guest_life_run(struct vballoon_guest_life *life, uint64_t now_ms);

#endif /* VBALLOON_DRIVER_PORT_LIFE_H */
