/* SPDX-License-Identifier: BSD-3-Clause */
#include "driver/port/life.h"

/* A device that asks for resets again and again gets them this far apart. */
#define RESTART_MS 1000

static void leave(struct vballoon_guest_life *life, enum vballoon_guest_state state)
{
	bool was_running = life->state == VBALLOON_GUEST_RUNNING;

	life->state = state;
	if (was_running)
		life->ops->leave(life);
}

/* Keeps DRV-BAD-7. */
void vballoon_guest_life_fail(struct vballoon_guest_life *life, enum vballoon_guest_failure failure)
{
	/* Whoever found it may go on to what fails for the same reason. */
	if (life->state != VBALLOON_GUEST_RUNNING)
		return;
	life->failure = failure;
	life->failures++;
	leave(life, VBALLOON_GUEST_FAILED);
}

void vballoon_guest_life_start(struct vballoon_guest_life *life)
{
	if (life->state != VBALLOON_GUEST_RUNNING)
		life->state = VBALLOON_GUEST_RESTARTING;
}

/* Keeps DRV-RESET-3, DRV-RESET-4. */
void vballoon_guest_life_stop(struct vballoon_guest_life *life)
{
	leave(life, VBALLOON_GUEST_STOPPED);
}

void vballoon_guest_life_restart(struct vballoon_guest_life *life)
{
	if (life->state == VBALLOON_GUEST_RUNNING)
		leave(life, VBALLOON_GUEST_RESTARTING);
}

bool vballoon_guest_life_return_kept(struct vballoon_guest_life *life)
{
	uint64_t left = GUEST_RETURN_UNITS;

	for (unsigned int i = 0; i < GUEST_RETURN_RUNS && left; i++) {
		uint64_t units = life->ops->return_next(life, left);

		if (!units)
			return false;
		left -= units;
	}
	return true;
}

/* The first steps: nothing is in the balloon, nothing in flight.
 * Keeps DRV-CONF-5, DRV-HELLO-1. */
static void start(struct vballoon_guest_life *life)
{
	life->restart_ms = life->now_ms + RESTART_MS;
	life->starts++;
	life->state = VBALLOON_GUEST_RUNNING;
	if (life->ops->start(life))
		vballoon_guest_life_fail(life, VBALLOON_GUEST_CANNOT_START);
	else
		life->ops->begin(life);
}

/* While the device is reset: how long the next step can wait.
 * Keeps DRV-REQ-12. */
static uint64_t recover(struct vballoon_guest_life *life)
{
	if (vballoon_guest_life_return_kept(life))
		return 0;
	if (life->state != VBALLOON_GUEST_RESTARTING)
		return VBALLOON_GUEST_FOREVER;
	if (life->now_ms < life->restart_ms)
		return life->restart_ms - life->now_ms;
	start(life);
	return life->state == VBALLOON_GUEST_RUNNING ? VBALLOON_GUEST_FOREVER : 0;
}

uint64_t vballoon_guest_life_run(struct vballoon_guest_life *life, uint64_t now_ms)
{
	uint64_t wait_ms = 0;

	if (life->inside)
		return VBALLOON_GUEST_FOREVER;
	life->inside = true;
	life->now_ms = now_ms;
	if (life->state != VBALLOON_GUEST_RUNNING)
		wait_ms = recover(life);
	if (life->state == VBALLOON_GUEST_RUNNING)
		wait_ms = life->ops->serve(life);
	life->inside = false;
	return wait_ms;
}
