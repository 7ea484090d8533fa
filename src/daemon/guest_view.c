// SPDX-License-Identifier: BSD-3-Clause
/* What there is to be told of a guest. */
#include <string.h>

#include "daemon/guest.h"
#include "daemon/keeper.h"
#include "daemon/pair.h"

static enum vballoon_state state_of(const struct vballoon_status *device)
{
	if (device->violation != VBALLOON_OK)
		return VBALLOON_STATE_STOPPED;
	if (device->record == VBALLOON_RECORD_NONE)
		return VBALLOON_STATE_NO_DRIVER;
	if (device->record == VBALLOON_RECORD_UNPROVEN)
		return VBALLOON_STATE_PAUSED;
	return VBALLOON_STATE_READY;
}

static uint64_t left_ms(uint64_t due_ms)
{
	uint64_t now_ms = vballoon_loop_now_ms();

	return due_ms > now_ms ? due_ms - now_ms : 0;
}

/* Of one that went with its front end, or with a worker, there is nothing to be told: what was
 * counted before it began was counted by another device. */
static void tell_round(const struct vballoon_guest *guest, struct vballoon_view *view_out)
{
	const struct vballoon_round *round = &guest->round;

	view_out->has_round = round->id != 0;
	if (!view_out->has_round)
		return;
	view_out->round_is_over = view_out->device.report_done_id == round->id;
	view_out->round_reported_pages = view_out->device.reported_pages - round->reported_pages;
	view_out->round_discarded_pages = view_out->device.discarded_pages - round->discarded_pages;
}

void vballoon_guest_glance(const struct vballoon_guest *guest, struct vballoon_view *view_out)
{
	memset(view_out, 0, sizeof(*view_out));
	view_out->device_id = guest->device_id;
	view_out->page_shift = guest->page_shift;
	view_out->other_device_id = guest->other ? guest->other->device_id : 0;
	view_out->features_offered = guest->features;
	view_out->stats_period_ms = guest->stats_period_ms;
	view_out->target_pages = guest->target_pages;
	view_out->supervised = vballoon_keeper_is_there();
	view_out->history = vballoon_keeper_history();
	view_out->recovered_us = guest->recovered_us;
	view_out->work_left = guest->work_left;
	view_out->rules = guest->rules;
	view_out->pressure = guest->pressure.state;
	view_out->pressures = guest->pressure.times;
	view_out->deadline = guest->deadline;
	if (guest->deadline.state == VBALLOON_DEADLINE_RUNNING)
		view_out->deadline_left_ms = left_ms(guest->deadline.due_ms);
	if (!guest->back_end)
		return;
	vballoon_device_status(vballoon_vhost_user_device(guest->back_end), &view_out->device);
	view_out->state = state_of(&view_out->device);
	view_out->other_held_pages = vballoon_pair_other_held(guest);
	view_out->passthrough = guest->interlock.known;
	tell_round(guest, view_out);
	view_out->stats_age_ms = vballoon_loop_now_ms() - guest->reported_ms;
}

void vballoon_guest_view(const struct vballoon_guest *guest, struct vballoon_view *view_out)
{
	vballoon_guest_glance(guest, view_out);
	if (guest->back_end)
		vballoon_vhost_user_status(guest->back_end, &view_out->front_end);
}

void vballoon_guest_waiting(const struct vballoon_guest *guest,
			    struct vballoon_waiting *waiting_out)
{
	memset(waiting_out, 0, sizeof(*waiting_out));
	if (guest->back_end)
		vballoon_device_waiting(vballoon_vhost_user_device(guest->back_end), waiting_out);
}
