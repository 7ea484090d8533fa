/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include <vballoon/policy.h>

static const char *const state_names[] = {
	[VBALLOON_DEADLINE_NONE] = "none",	   [VBALLOON_DEADLINE_RUNNING] = "running",
	[VBALLOON_DEADLINE_MET] = "met",	   [VBALLOON_DEADLINE_KEPT] = "kept",
	[VBALLOON_DEADLINE_REVERTED] = "reverted",
};

const char *vballoon_deadline_state_name(enum vballoon_deadline_state state)
{
	return state_names[state];
}

int vballoon_deadline_begin(struct vballoon_deadline *deadline, uint64_t now_ms, uint64_t within_ms,
			    bool reverts, uint64_t previous_pages)
{
	if (!within_ms || within_ms > VBALLOON_DEADLINE_MS_MAX)
		return -ERANGE;
	*deadline = (struct vballoon_deadline){
		.state = VBALLOON_DEADLINE_RUNNING,
		.reverts = reverts,
		.due_ms = now_ms + within_ms,
		.previous_pages = previous_pages,
	};
	return 0;
}

bool vballoon_deadline_look(struct vballoon_deadline *deadline, uint64_t now_ms,
			    uint64_t target_pages, uint64_t held_pages, uint64_t *target_out)
{
	if (deadline->state != VBALLOON_DEADLINE_RUNNING)
		return false;
	if (held_pages == target_pages) {
		deadline->state = VBALLOON_DEADLINE_MET;
		return false;
	}
	if (now_ms < deadline->due_ms)
		return false;
	deadline->state = deadline->reverts ? VBALLOON_DEADLINE_REVERTED : VBALLOON_DEADLINE_KEPT;
	*target_out = deadline->reverts ? deadline->previous_pages : held_pages;
	return true;
}

uint64_t vballoon_deadline_due_ms(const struct vballoon_deadline *deadline)
{
	return deadline->state == VBALLOON_DEADLINE_RUNNING ? deadline->due_ms : VBALLOON_NEVER;
}
