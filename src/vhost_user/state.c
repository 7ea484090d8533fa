/* SPDX-License-Identifier: BSD-3-Clause */
/* A saved state that the device is to go on with, from when it came until the queues start. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "vhost_user/back_end.h"

static void forget(struct vballoon_vhost_user *back_end)
{
	free(back_end->state);
	back_end->state = NULL;
	back_end->state_len = 0;
}

void vballoon_state_close(struct vballoon_vhost_user *back_end)
{
	vballoon_transfer_close(&back_end->transfer);
	forget(back_end);
}

/* Each reason why, for the log. */
static void tell(struct vballoon_vhost_user *back_end, int priority,
		 const struct vballoon_saved_check *check)
{
	vballoon_back_end_log(back_end, priority, "%s", vballoon_saved_fault_text(check->fault));
	for (unsigned int i = 0; i < VBALLOON_OBSTACLE_COUNT; i++) {
		if (check->migration.obstacles >> i & 1)
			vballoon_back_end_log(back_end, priority, "%s",
					      vballoon_obstacle_text(1U << i));
	}
}

/* What the device knows is of a guest that is not there any more: nobody may skip, save or prove
 * it, whatever becomes of what has come. */
static void forget_record(struct vballoon_vhost_user *back_end)
{
	struct vballoon_status status;

	vballoon_device_status(back_end->device, &status);
	if (status.record != VBALLOON_RECORD_NONE)
		vballoon_device_restart(back_end->device);
}

static uint64_t target_of(const struct vballoon_vhost_user *back_end)
{
	struct vballoon_status status;

	vballoon_device_status(back_end->device, &status);
	return status.target_pages;
}

int vballoon_vhost_user_load(struct vballoon_vhost_user *back_end, const void *state, size_t len,
			     struct vballoon_saved_check *check_out)
{
	void *copy;

	if (vballoon_vrings_any_runs(back_end)) {
		vballoon_back_end_log(back_end, LOG_WARNING,
				      "declined to load a state: a queue runs");
		return -EBUSY;
	}
	if (vballoon_device_load_check(back_end->device, state, len, check_out)) {
		tell(back_end, LOG_ERR, check_out);
		return -EINVAL;
	}
	copy = malloc(len);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, state, len);
	forget(back_end);
	forget_record(back_end);
	back_end->state = copy;
	back_end->state_len = len;
	back_end->state_target = target_of(back_end);
	return 0;
}

/* Of a guest whose queues have not started here the device knows nothing but orders. */
int vballoon_vhost_user_save(const struct vballoon_vhost_user *back_end, void *to, size_t room,
			     size_t *len_out)
{
	if (!back_end->state || target_of(back_end) != back_end->state_target)
		return vballoon_device_save(back_end->device, to, room, len_out);
	*len_out = back_end->state_len;
	if (*len_out > room)
		return -ENOSPC;
	memcpy(to, back_end->state, *len_out);
	return 0;
}

/* Whether the queues may start without it. */
static bool goes_without(struct vballoon_vhost_user *back_end,
			 const struct vballoon_saved_check *check)
{
	if (!back_end->config.start_empty) {
		vballoon_back_end_refuse(back_end, "memory that the saved state is not of: %s",
					 vballoon_saved_fault_text(check->fault));
		return false;
	}
	tell(back_end, LOG_WARNING, check);
	vballoon_back_end_log(back_end, LOG_WARNING, "the balloon begins empty");
	return true;
}

bool vballoon_state_settle(struct vballoon_vhost_user *back_end)
{
	struct vballoon_saved_check check;
	bool settled = true;
	int ret;

	if (back_end->turned_away || !back_end->state)
		return !back_end->turned_away;
	ret = vballoon_device_load(back_end->device, back_end->state, back_end->state_len, &check);
	if (ret)
		settled = goes_without(back_end, &check);
	else if (check.fault)
		tell(back_end, LOG_WARNING, &check);
	forget(back_end);
	back_end->turned_away = !settled;
	return settled;
}
