// SPDX-License-Identifier: BSD-3-Clause
#include "daemon/interlock.h"

/* At every descriptor, while nothing has changed; how often it is asked how many there are, and
 * how much is pinned: a step of the device takes longer than that. */
#define LOOK_PERIOD_MS 1000
#define COUNT_PERIOD_MS 10
#define PINS_PERIOD_MS 2

void vballoon_interlock_init(struct vballoon_interlock *interlock, const char *proc,
			     enum vballoon_passthrough_mode mode)
{
	interlock->proc = proc;
	interlock->mode = mode;
	vballoon_process_init(&interlock->process);
	vballoon_interlock_begin(interlock);
}

void vballoon_interlock_begin(struct vballoon_interlock *interlock)
{
	vballoon_passthrough_begin(interlock->mode, &interlock->known);
	interlock->looked_ms = 0;
}

void vballoon_interlock_end(struct vballoon_interlock *interlock)
{
	vballoon_process_close(&interlock->process);
}

bool vballoon_interlock_is_open(const struct vballoon_interlock *interlock)
{
	return interlock->known.state == VBALLOON_PASSTHROUGH_ABSENT;
}

bool vballoon_interlock_take(struct vballoon_interlock *interlock,
			     const struct vballoon_passthrough *found, uint64_t now_ms)
{
	bool changed = !interlock->looked_ms || interlock->known.state != found->state;

	interlock->known = *found;
	interlock->looked_ms = interlock->counted_ms = interlock->pins_ms = now_ms;
	return changed;
}

bool vballoon_interlock_look(struct vballoon_interlock *interlock, pid_t pid, uint64_t now_ms)
{
	struct vballoon_process *process = &interlock->process;
	struct vballoon_passthrough found;

	if (interlock->mode != VBALLOON_PASSTHROUGH_DETECT)
		return false;
	/* What is hidden, or has gone, may be there to see by now. */
	if (process->pid != pid || !process->descriptors || !vballoon_interlock_is_open(interlock))
		vballoon_process_open(process, interlock->proc, pid);
	vballoon_passthrough_look(process, &found);
	return vballoon_interlock_take(interlock, &found, now_ms);
}

/* Whether as many descriptors are open as were looked at. */
static bool is_count_same(struct vballoon_interlock *interlock, uint64_t now_ms)
{
	uint64_t count;

	if (interlock->known.by_pins || now_ms - interlock->counted_ms < COUNT_PERIOD_MS)
		return true;
	interlock->counted_ms = now_ms;
	count = vballoon_process_descriptor_count(&interlock->process);
	return count && count == interlock->known.descriptors;
}

/* Whether as much is pinned. Where that is all that can be seen it is asked each time. */
static bool are_pins_same(struct vballoon_interlock *interlock, uint64_t now_ms)
{
	int64_t kib;

	if (!interlock->known.by_pins && now_ms - interlock->pins_ms < PINS_PERIOD_MS)
		return true;
	interlock->pins_ms = now_ms;
	kib = vballoon_process_pinned_kib(&interlock->process);
	return kib >= 0 && kib == interlock->known.pinned_kib;
}

/* A device is opened before it pins memory, and does no harm before it does. */
bool vballoon_interlock_holds(struct vballoon_interlock *interlock, pid_t pid, uint64_t now_ms)
{
	if (!interlock->looked_ms || interlock->process.pid != pid)
		return false;
	/* Nothing is given back meanwhile. */
	if (!vballoon_interlock_is_open(interlock))
		return now_ms - interlock->looked_ms < COUNT_PERIOD_MS;
	return now_ms - interlock->looked_ms < LOOK_PERIOD_MS && are_pins_same(interlock, now_ms) &&
	       is_count_same(interlock, now_ms);
}

bool vballoon_interlock_check(struct vballoon_interlock *interlock, pid_t pid, uint64_t now_ms)
{
	if (interlock->mode != VBALLOON_PASSTHROUGH_DETECT ||
	    vballoon_interlock_holds(interlock, pid, now_ms))
		return false;
	return vballoon_interlock_look(interlock, pid, now_ms);
}
