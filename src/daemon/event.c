// SPDX-License-Identifier: BSD-3-Clause
#include <string.h>
#include <time.h>

#include "daemon/event.h"
#include "daemon/status_json.h"

static json_t *bytes(const struct vballoon_view *view, uint64_t pages)
{
	return json_integer((json_int_t)vballoon_view_bytes(view, pages));
}

static bool is_connected(const struct vballoon_view *view)
{
	return view->state != VBALLOON_STATE_NO_FRONT_END;
}

static bool front_end_connected(const struct vballoon_view *before, const struct vballoon_view *now)
{
	return !is_connected(before) && is_connected(now);
}

static bool front_end_gone(const struct vballoon_view *before, const struct vballoon_view *now)
{
	return is_connected(before) && !is_connected(now);
}

static json_t *no_data(const struct vballoon_view *now)
{
	(void)now;
	return json_object();
}

static bool target_changed(const struct vballoon_view *before, const struct vballoon_view *now)
{
	return before->target_pages != now->target_pages;
}

static json_t *target_data(const struct vballoon_view *now)
{
	return json_pack("{so}", "target_bytes", bytes(now, now->target_pages));
}

static bool device_stopped(const struct vballoon_view *before, const struct vballoon_view *now)
{
	return now->device.violations > before->device.violations;
}

/* By command, by the transport, or as a HELLO shows that there was one. */
static bool device_reset(const struct vballoon_view *before, const struct vballoon_view *now)
{
	if (!is_connected(before) || !is_connected(now))
		return false;
	return now->device.resets_seen > before->device.resets_seen ||
	       (before->device.record != VBALLOON_RECORD_NONE &&
		now->device.record == VBALLOON_RECORD_NONE) ||
	       (before->state == VBALLOON_STATE_STOPPED && now->state != VBALLOON_STATE_STOPPED);
}

static bool driver_hello(const struct vballoon_view *before, const struct vballoon_view *now)
{
	return now->device.hellos > before->device.hellos;
}

static json_t *hello_data(const struct vballoon_view *now)
{
	return json_pack("{soso}", "epoch", vballoon_status_json_epoch(now), "held_bytes",
			 bytes(now, now->device.held_pages));
}

static bool state_changed(const struct vballoon_view *before, const struct vballoon_view *now)
{
	return before->state != now->state;
}

static json_t *state_data(const struct vballoon_view *now)
{
	return json_pack("{ss}", "state", vballoon_view_state_name(now));
}

static bool stats_reported(const struct vballoon_view *before, const struct vballoon_view *now)
{
	return now->device.stats.reports > before->device.stats.reports;
}

static bool held_changed(const struct vballoon_view *before, const struct vballoon_view *now)
{
	return before->device.held_pages != now->device.held_pages ||
	       before->device.dropped_pages != now->device.dropped_pages;
}

static json_t *held_data(const struct vballoon_view *now)
{
	return json_pack("{sososo}", "held_bytes", bytes(now, now->device.held_pages),
			 "dropped_bytes", bytes(now, now->device.dropped_pages), "waiting_bytes",
			 bytes(now, now->device.waiting_pages));
}

static bool passthrough_changed(const struct vballoon_view *before, const struct vballoon_view *now)
{
	return is_connected(now) && before->passthrough.state != now->passthrough.state;
}

static bool policy_changed(const struct vballoon_view *before, const struct vballoon_view *now)
{
	return memcmp(&before->rules.policy, &now->rules.policy, sizeof(now->rules.policy)) != 0 ||
	       before->rules.host_pressure_percent != now->rules.host_pressure_percent;
}

static json_t *policy_data(const struct vballoon_view *now)
{
	return vballoon_rules_json(&now->rules);
}

/* In vain: that a balloon got there, held-changed tells. */
static bool deadline_passed(const struct vballoon_view *before, const struct vballoon_view *now)
{
	return before->deadline.state != now->deadline.state &&
	       (now->deadline.state == VBALLOON_DEADLINE_KEPT ||
		now->deadline.state == VBALLOON_DEADLINE_REVERTED);
}

static bool host_pressed(const struct vballoon_view *before, const struct vballoon_view *now)
{
	return before->pressures != now->pressures;
}

const struct vballoon_event_kind vballoon_event_kinds[] = {
	{ "front-end-connected", front_end_connected, no_data },
	{ "front-end-gone", front_end_gone, no_data },
	{ "target-changed", target_changed, target_data },
	{ "device-stopped", device_stopped, vballoon_status_json_reason },
	{ "device-reset", device_reset, no_data },
	{ "driver-hello", driver_hello, hello_data },
	{ "state-changed", state_changed, state_data },
	{ "passthrough-changed", passthrough_changed, vballoon_status_json_passthrough },
	{ "policy-changed", policy_changed, policy_data },
	{ "deadline-passed", deadline_passed, vballoon_status_json_deadline },
	{ "host-pressure", host_pressed, vballoon_status_json_pressure },
	{ "stats", stats_reported, vballoon_status_json_guest },
	{ NULL, NULL, NULL },
};

const struct vballoon_event_kind vballoon_event_held = { "held-changed", held_changed, held_data };

json_t *vballoon_event_new(const char *name, json_t *data)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return json_pack("{sssIso}", "event", name, "time_ms",
			 (json_int_t)now.tv_sec * 1000 + now.tv_nsec / 1000000, "data", data);
}
