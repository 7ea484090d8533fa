// SPDX-License-Identifier: BSD-3-Clause
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <vballoon/abi/memory_balloon.h>

#include "control/feature_set.h"
#include "daemon/names.h"
#include "daemon/sandbox.h"
#include "daemon/status_json.h"

#define COUNTER(name)                                                                              \
	{                                                                                          \
#name, offsetof(struct vballoon_status, name)                                      \
	}

static const struct {
	const char *name;
	size_t offset; /* of a uint64_t */
} counters[] = {
	COUNTER(hellos),
	COUNTER(resets_seen),
	COUNTER(violations),
	COUNTER(added_pages),
	COUNTER(already_held_pages),
	COUNTER(returned_pages),
	COUNTER(exchanged_pages),
	COUNTER(reported_pages),
	COUNTER(discarded_pages),
	COUNTER(discard_failures),
	COUNTER(report_done_id),
	COUNTER(drop_calls),
	COUNTER(drop_failures),
	COUNTER(restore_calls),
	COUNTER(restore_failures),
	COUNTER(loads),
};

static const char *const refusals[VBALLOON_REFUSAL_COUNT] = {
	[VBALLOON_REFUSED_OUTSIDE_MEMORY] = "outside-memory",
	[VBALLOON_REFUSED_MISALIGNED] = "misaligned",
	[VBALLOON_REFUSED_NO_RECORD] = "no-record",
	[VBALLOON_REFUSED_NO_HOST_MEMORY] = "no-host-memory",
	[VBALLOON_REFUSED_RING] = "ring",
	[VBALLOON_REFUSED_HELD] = "held",
	[VBALLOON_REFUSED_NOT_HELD] = "not-held",
	[VBALLOON_REFUSED_UNEQUAL] = "unequal",
	[VBALLOON_REFUSED_POLICY] = "policy",
	[VBALLOON_REFUSED_TOO_MANY] = "too-many",
};

/* JSON integers are signed here; no guest has more memory than that. */
static json_t *number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static json_t *pages(const struct vballoon_view *view, uint64_t count)
{
	return number(vballoon_view_bytes(view, count));
}

static json_t *by_reason(const uint64_t counts[VBALLOON_WITHDRAW_REASONS])
{
	json_t *object = json_object();
	unsigned int reason;

	for (reason = 0; reason < VBALLOON_WITHDRAW_REASONS; reason++)
		json_object_set_new(
			object,
			vballoon_withdraw_reason_name((enum vballoon_withdraw_reason)reason),
			number(counts[reason]));
	return object;
}

static json_t *counters_json(const struct vballoon_status *device)
{
	json_t *refused = json_object();
	json_t *object = json_object();
	size_t i;

	for (i = 0; i < sizeof(counters) / sizeof(counters[0]); i++) {
		const void *counter = (const char *)device + counters[i].offset;

		json_object_set_new(object, counters[i].name, number(*(const uint64_t *)counter));
	}
	for (i = 0; i < VBALLOON_REFUSAL_COUNT; i++)
		json_object_set_new(refused, refusals[i], number(device->refused_entries[i]));
	json_object_set_new(object, "refused_entries", refused);
	json_object_set_new(object, "withdraws", by_reason(device->withdraws));
	json_object_set_new(object, "withdraws_refused", by_reason(device->withdraws_refused));
	json_object_set_new(object, "last_drop_error", json_integer(device->last_drop_error));
	return object;
}

static json_t *kept_json(const struct vballoon_view *view)
{
	json_t *object = json_object();
	int cause;

	for (cause = VBALLOON_RECLAIMABLE + 1; cause < VBALLOON_RECLAIMABLE_COUNT; cause++)
		json_object_set_new(object, vballoon_reclaimable_name(cause),
				    pages(view, view->device.kept_pages[cause]));
	return object;
}

json_t *vballoon_status_json_reason(const struct vballoon_view *view)
{
	if (view->state != VBALLOON_STATE_STOPPED)
		return json_null();
	return json_pack("{sssssi}", "name", vballoon_violation_name(view->device.violation),
			 "text", vballoon_violation_text(view->device.violation), "queue",
			 (int)view->device.violation_queue);
}

json_t *vballoon_status_json_epoch(const struct vballoon_view *view)
{
	const struct vballoon_status *device = &view->device;
	char text[17];

	if (device->record == VBALLOON_RECORD_NONE)
		return json_null();
	snprintf(text, sizeof(text), "%016" PRIx64, device->epoch);
	return json_string(text);
}

json_t *vballoon_status_json_guest(const struct vballoon_view *view)
{
	const struct vballoon_stats *stats = &view->device.stats;
	json_t *values;
	unsigned int place;

	if (!stats->reports)
		return json_null();
	values = json_object();
	for (place = 0; place < VBALLOON_NAMES_STATISTICS; place++) {
		if (stats->present >> place & 1)
			json_object_set_new(values, vballoon_names_statistic(place),
					    number(stats->value[place]));
	}
	return json_pack("{sosbso}", "age_ms", number(view->stats_age_ms), "late",
			 vballoon_view_is_late(view), "stats", values);
}

json_t *vballoon_status_json_round(const struct vballoon_view *view)
{
	return json_pack("{sbsososs}", "done", view->round_is_over, "reported_bytes",
			 pages(view, view->round_reported_pages), "discarded_bytes",
			 pages(view, view->round_discarded_pages), "state",
			 vballoon_view_state_name(view));
}

json_t *vballoon_status_json_wait(const struct vballoon_view *view, bool reached)
{
	return json_pack("{sbsososossss}", "reached", reached, "target_bytes",
			 pages(view, view->target_pages), "held_bytes",
			 pages(view, view->device.held_pages), "dropped_bytes",
			 pages(view, view->device.dropped_pages), "state",
			 vballoon_view_state_name(view), "deadline",
			 vballoon_deadline_state_name(view->deadline.state));
}

json_t *vballoon_status_json_deadline(const struct vballoon_view *view)
{
	const struct vballoon_deadline *deadline = &view->deadline;

	if (deadline->state == VBALLOON_DEADLINE_NONE)
		return json_null();
	return json_pack("{sssssoso}", "state", vballoon_deadline_state_name(deadline->state),
			 "then", deadline->reverts ? "revert" : "keep", "left_ms",
			 number(view->deadline_left_ms), "previous_bytes",
			 pages(view, deadline->previous_pages));
}

json_t *vballoon_status_json_supervisor(const struct vballoon_view *view)
{
	if (!view->supervised)
		return json_null();
	return json_pack("{sisIsIsI}", "worker", (int)view->history.worker, "deaths",
			 (json_int_t)view->history.deaths, "upgrades",
			 (json_int_t)view->history.upgrades, "recovery_us",
			 (json_int_t)view->recovered_us);
}

json_t *vballoon_status_json_pressure(const struct vballoon_view *view)
{
	return json_pack("{ssso}", "watched", vballoon_pressure_name(view->pressure), "times",
			 number(view->pressures));
}

json_t *vballoon_status_json_passthrough(const struct vballoon_view *view)
{
	const struct vballoon_passthrough *passthrough = &view->passthrough;

	if (view->state == VBALLOON_STATE_NO_FRONT_END)
		return json_null();
	return json_pack("{ssss?}", "state", vballoon_passthrough_name(passthrough->state), "text",
			 *passthrough->text ? passthrough->text : NULL);
}

json_t *vballoon_status_json_sandbox(void)
{
	json_t *object = json_object();

	for (unsigned int wall = 0; wall < VBALLOON_WALLS; wall++)
		json_object_set_new(object, vballoon_sandbox_wall_name(wall),
				    json_boolean(vballoon_sandbox_has(wall)));
	return object;
}

static json_t *waiting_json(const struct vballoon_view *view,
			    const struct vballoon_waiting *waiting)
{
	return json_pack("{sososo}", "soon", pages(view, waiting->soon_pages), "partial",
			 pages(view, waiting->partial_pages), "failed",
			 pages(view, waiting->failed_pages));
}

/* The other device of the same machine. */
static json_t *other_json(const struct vballoon_view *view)
{
	if (!view->other_device_id)
		return json_null();
	return json_pack("{siso}", "device_id", (int)view->other_device_id, "held_bytes",
			 pages(view, view->other_held_pages));
}

json_t *vballoon_status_json(const struct vballoon_view *view,
			     const struct vballoon_waiting *waiting)
{
	const struct vballoon_status *device = &view->device;
	json_t *object = json_object();

	json_object_set_new(object, "state", json_string(vballoon_view_state_name(view)));
	json_object_set_new(object, "reason", vballoon_status_json_reason(view));
	json_object_set_new(object, "device_id", json_integer(view->device_id));
	json_object_set_new(object, "other", other_json(view));
	json_object_set_new(object, "page_bytes", pages(view, 1));
	json_object_set_new(object, "target_bytes", pages(view, view->target_pages));
	json_object_set_new(object, "asked_bytes", pages(view, vballoon_view_asked_pages(view)));
	json_object_set_new(object, "held_bytes", pages(view, device->held_pages));
	json_object_set_new(object, "claimed_bytes", pages(view, device->claimed_pages));
	json_object_set_new(object, "dropped_bytes", pages(view, device->dropped_pages));
	json_object_set_new(object, "waiting_bytes", pages(view, device->waiting_pages));
	json_object_set_new(object, "waiting", waiting_json(view, waiting));
	json_object_set_new(object, "kept_bytes", kept_json(view));
	json_object_set_new(object, "memory_bytes", pages(view, device->memory_pages));
	json_object_set_new(object, "backing_bytes", number(view->front_end.backing_bytes));
	json_object_set_new(object, "discarded_bytes", pages(view, device->discarded_pages));
	json_object_set_new(object, "memory_problem",
			    json_pack("s?", view->front_end.memory_problem));
	json_object_set_new(object, "passthrough", vballoon_status_json_passthrough(view));
	json_object_set_new(object, "sandbox", vballoon_status_json_sandbox());
	json_object_set_new(object, "policy", vballoon_rules_json(&view->rules));
	json_object_set_new(object, "deadline", vballoon_status_json_deadline(view));
	json_object_set_new(object, "host_pressure", vballoon_status_json_pressure(view));
	json_object_set_new(object, "supervisor", vballoon_status_json_supervisor(view));
	json_object_set_new(object, "features_offered",
			    vballoon_feature_set_names(view->device_id, view->features_offered));
	json_object_set_new(object, "features",
			    vballoon_feature_set_names(view->device_id, device->features));
	json_object_set_new(object, "epoch", vballoon_status_json_epoch(view));
	json_object_set_new(object, "counters", counters_json(device));
	json_object_set_new(object, "stats_period_ms", number(view->stats_period_ms));
	json_object_set_new(object, "guest", vballoon_status_json_guest(view));
	return object;
}
