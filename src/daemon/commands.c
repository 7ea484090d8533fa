// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <string.h>
#include <vballoon/abi/memory_balloon.h>
#include <vballoon/abi/traditional_balloon.h>

#include "base/checked.h"
#include "control/feature_set.h"
#include "control/rule.h"
#include "control/size.h"
#include "daemon/commands.h"
#include "daemon/keeper.h"
#include "daemon/log.h"
#include "daemon/pair.h"
#include "daemon/state_commands.h"
#include "daemon/status_json.h"
#include "supervisor/relay.h"

/* Sizes are signed on the wire; this leaves room to round up. */
#define BALLOON_BYTES_MAX (UINT64_C(1) << 62)

struct vballoon_command {
	const char *name;
	struct vballoon_argument argument;
	/* Called once; may fill in call->error and call->deadline_ms. @arguments may be NULL,
	 * as begin may. */
	void (*begin)(struct vballoon_call *call, const json_t *arguments);
	/* Called with call->view, at once and whenever it may have changed, until it
	 * returns a value, fills in call->error, or the deadline has passed. */
	json_t *(*poll)(struct vballoon_call *call);
};

static bool is_deadline_argument(const char *name)
{
	return !strcmp(name, "deadline_ms") || !strcmp(name, "then");
}

/* Read the deadline that a `set` may have. @within_ms_out is 0 when it has none. */
static int read_deadline(const json_t *arguments, uint64_t *within_ms_out, bool *reverts_out,
			 struct vballoon_error *error)
{
	const json_t *within = json_object_get(arguments, "deadline_ms");
	const char *then = json_string_value(json_object_get(arguments, "then"));

	*within_ms_out = 0;
	if (!within && !json_object_get(arguments, "then"))
		return 0;
	if (!json_is_integer(within) || !then || (strcmp(then, "keep") && strcmp(then, "revert"))) {
		vballoon_error_set(
			error, VBALLOON_ERROR_BAD_REQUEST,
			"a deadline needs \"deadline_ms\", a whole number, and \"then\", "
			"keep or revert");
		return -EINVAL;
	}
	if (json_integer_value(within) < 1 ||
	    (uint64_t)json_integer_value(within) > VBALLOON_DEADLINE_MS_MAX) {
		vballoon_error_set(error, VBALLOON_ERROR_OUT_OF_RANGE,
				   "a deadline is from 1 ms to a day");
		return -ERANGE;
	}
	*within_ms_out = (uint64_t)json_integer_value(within);
	*reverts_out = !strcmp(then, "revert");
	return 0;
}

static void begin_set(struct vballoon_call *call, const json_t *arguments)
{
	struct vballoon_guest *guest = call->guest;
	uint64_t within_ms;
	bool reverts;
	int err;
	char asked[VBALLOON_SIZE_TEXT_BYTES], memory[VBALLOON_SIZE_TEXT_BYTES];
	uint64_t pages = vballoon_align_up(call->argument, guest->page_shift);
	struct vballoon_view view;

	vballoon_size_format(call->argument, asked);
	if (read_deadline(arguments, &within_ms, &reverts, &call->error))
		return;
	pages >>= guest->page_shift;
	err = within_ms ? vballoon_guest_set_target_within(guest, pages, within_ms, reverts)
			: vballoon_guest_set_target(guest, pages);
	if (!err) {
		vballoon_log(LOG_INFO, "the target is %s now", asked);
		return;
	}
	vballoon_guest_view(guest, &view);
	vballoon_size_format(vballoon_view_bytes(&view, view.device.memory_pages), memory);
	vballoon_error_set(&call->error, VBALLOON_ERROR_OUT_OF_RANGE,
			   "a balloon of %s is more than the guest's memory, %s", asked, memory);
}

static json_t *poll_set(struct vballoon_call *call)
{
	uint64_t bytes = vballoon_view_bytes(call->view, call->view->target_pages);

	return json_pack("{sI}", "target_bytes", (json_int_t)bytes);
}

static void begin_wait(struct vballoon_call *call, const json_t *arguments)
{
	(void)arguments;
	call->deadline_ms = vballoon_loop_now_ms() + call->argument;
}

static json_t *poll_wait(struct vballoon_call *call)
{
	bool reached = vballoon_view_is_settled(call->view);

	if (!reached && !call->expired && call->view->state != VBALLOON_STATE_STOPPED)
		return NULL;
	return vballoon_status_json_wait(call->view, reached);
}

static void begin_status(struct vballoon_call *call, const json_t *arguments)
{
	(void)arguments;
	vballoon_guest_look(call->guest);
}

static json_t *poll_status(struct vballoon_call *call)
{
	struct vballoon_waiting waiting;

	vballoon_guest_waiting(call->guest, &waiting);
	return vballoon_status_json(call->view, &waiting);
}

/* Fill in why a guest in this state cannot be asked; nothing when it can. */
static void check_state(struct vballoon_call *call, enum vballoon_state state)
{
	static const struct vballoon_error unable[] = {
		[VBALLOON_STATE_NO_FRONT_END] = { VBALLOON_ERROR_NO_FRONT_END,
						  "no virtual machine monitor is connected" },
		[VBALLOON_STATE_NO_DRIVER] = { VBALLOON_ERROR_NO_DRIVER,
					       "the guest has no driver for the device, "
					       "or none yet" },
		[VBALLOON_STATE_PAUSED] = { VBALLOON_ERROR_NO_DRIVER,
					    "the guest is paused, resetting, or has no driver "
					    "loaded: a back end cannot tell" },
		[VBALLOON_STATE_READY] = { VBALLOON_ERROR_NONE, "" },
		[VBALLOON_STATE_STOPPED] = { VBALLOON_ERROR_DEVICE_STOPPED,
					     "the device has stopped; reset brings it back" },
	};

	call->error = unable[state];
}

/* Device 13 has them without a feature. */
static bool has_statistics(const struct vballoon_view *view)
{
	return view->device_id != VIRTIO_BALLOON_ID ||
	       view->device.features >> VIRTIO_BALLOON_F_STATS_VQ & 1;
}

static void begin_stats(struct vballoon_call *call, const json_t *arguments)
{
	struct vballoon_view view;

	(void)arguments;
	if (!call->argument)
		return;
	vballoon_guest_view(call->guest, &view);
	check_state(call, view.state);
	if (call->error.class != VBALLOON_ERROR_NONE)
		return;
	if (!has_statistics(&view)) {
		vballoon_error_set(&call->error, VBALLOON_ERROR_NOT_NEGOTIATED,
				   "the guest's driver reports no statistics: \"stats-vq\" was not "
				   "negotiated");
		return;
	}
	call->reports = view.device.stats.reports;
	call->deadline_ms = vballoon_loop_now_ms() + call->argument;
	vballoon_guest_request_stats(call->guest);
}

static json_t *poll_stats(struct vballoon_call *call)
{
	if (!call->argument || call->view->device.stats.reports > call->reports)
		return vballoon_status_json_guest(call->view);
	check_state(call, call->view->state);
	if (call->expired && call->error.class == VBALLOON_ERROR_NONE)
		vballoon_error_set(&call->error, VBALLOON_ERROR_TIMEOUT,
				   "the guest's driver did not answer in time");
	return NULL;
}

static void begin_stats_period(struct vballoon_call *call, const json_t *arguments)
{
	(void)arguments;
	if (call->argument && call->argument < VBALLOON_STATS_PERIOD_MS_MIN) {
		vballoon_error_set(&call->error, VBALLOON_ERROR_OUT_OF_RANGE,
				   "a guest does not report more often than every %d ms",
				   VBALLOON_STATS_PERIOD_MS_MIN);
		return;
	}
	vballoon_guest_set_stats_period(call->guest, (uint32_t)call->argument);
}

static json_t *poll_stats_period(struct vballoon_call *call)
{
	return json_pack("{sIsb}", "stats_period_ms", (json_int_t)call->view->stats_period_ms,
			 "negotiated", (int)call->view->device.stats_periodic);
}

static void begin_reclaim_free(struct vballoon_call *call, const json_t *arguments)
{
	struct vballoon_view view;

	(void)arguments;
	vballoon_guest_view(call->guest, &view);
	check_state(call, view.state);
	if (call->error.class == VBALLOON_ERROR_NONE && vballoon_guest_begin_round(call->guest))
		vballoon_error_set(&call->error, VBALLOON_ERROR_NOT_NEGOTIATED,
				   "the guest's driver does not report free memory: \"%s\" was not "
				   "negotiated",
				   view.device_id == VIRTIO_BALLOON_ID ? "free-page-hint"
								       : "reporting");
}

static json_t *poll_reclaim_free(struct vballoon_call *call)
{
	return vballoon_status_json_round(call->view);
}

static json_t *poll_reclaim_wait(struct vballoon_call *call)
{
	const struct vballoon_view *view = call->view;

	/* Also of a round that went with its front end, or was the other device's: whoever asks
	 * until it is over is not to ask all the time. */
	if (!view->round_is_over && !call->expired && view->state != VBALLOON_STATE_STOPPED &&
	    view->state != VBALLOON_STATE_NO_FRONT_END)
		return NULL;
	return vballoon_status_json_round(view);
}

static void begin_reset(struct vballoon_call *call, const json_t *arguments)
{
	(void)arguments;
	if (!vballoon_guest_is_connected(call->guest)) {
		check_state(call, VBALLOON_STATE_NO_FRONT_END);
		return;
	}
	vballoon_log(LOG_NOTICE, "the device was reset by command");
	vballoon_guest_restart(call->guest);
}

static json_t *poll_reset(struct vballoon_call *call)
{
	(void)call;
	return json_object();
}

static void begin_upgrade(struct vballoon_call *call, const json_t *arguments)
{
	char fault[VBALLOON_KEEPER_ANSWER_BYTES];

	(void)arguments;
	if (!vballoon_keeper_is_there())
		vballoon_error_set(
			&call->error, VBALLOON_ERROR_BAD_REQUEST,
			"nothing outlives this vballoond: start it with --supervise yes");
	else if (!vballoon_keeper_has_program(fault, sizeof(fault)))
		vballoon_error_set(&call->error, VBALLOON_ERROR_BAD_REQUEST, "%s", fault);
	else
		call->guest->upgrades = true;
}

static json_t *poll_upgrade(struct vballoon_call *call)
{
	return vballoon_status_json_supervisor(call->view);
}

static void begin_policy(struct vballoon_call *call, const json_t *arguments)
{
	struct vballoon_rules rules = call->guest->rules;
	enum vballoon_policy_fault fault;

	if (!json_object_size(arguments) || vballoon_rules_change(&rules, arguments, &call->error))
		return;
	fault = vballoon_guest_set_rules(call->guest, &rules);
	if (fault)
		vballoon_error_set(&call->error, VBALLOON_ERROR_OUT_OF_RANGE, "%s",
				   vballoon_policy_fault_text(fault));
	else
		vballoon_log(LOG_INFO, "the policy has changed");
}

static json_t *poll_policy(struct vballoon_call *call)
{
	return vballoon_rules_json(&call->view->rules);
}

static void begin_drop(struct vballoon_call *call, const json_t *arguments)
{
	(void)arguments;
	if (!vballoon_guest_is_connected(call->guest)) {
		check_state(call, VBALLOON_STATE_NO_FRONT_END);
		return;
	}
	call->deadline_ms = vballoon_loop_now_ms() + VBALLOON_TIMEOUT_MS_MAX;
	vballoon_guest_drop(call->guest);
}

/* Until nothing is left to do about it, which a guest that stands still may put off. */
static json_t *poll_drop(struct vballoon_call *call)
{
	const struct vballoon_view *view = call->view;

	if (view->work_left && !call->expired)
		return NULL;
	return json_pack("{sIsI}", "held_bytes",
			 (json_int_t)vballoon_view_bytes(view, view->device.held_pages),
			 "dropped_bytes",
			 (json_int_t)vballoon_view_bytes(view, view->device.dropped_pages));
}

static json_t *features_json(const struct vballoon_view *view)
{
	struct vballoon_feature_set set = vballoon_view_features(view);

	return vballoon_feature_set_json(&set);
}

/* A guest that is still to come may be one for the other device. */
static json_t *poll_features(struct vballoon_call *call)
{
	json_t *object = features_json(call->view);
	struct vballoon_view other;

	if (!call->guest->other)
		return object;
	vballoon_guest_glance(call->guest->other, &other);
	json_object_set_new(object, "other", features_json(&other));
	return object;
}

static json_t *poll_save_state(struct vballoon_call *call)
{
	return vballoon_state_piece(call->guest, call->argument, &call->error);
}

static json_t *poll_skip_map(struct vballoon_call *call)
{
	return vballoon_skip_piece(call->guest, call->argument, &call->error);
}

static json_t *poll_zero_map(struct vballoon_call *call)
{
	return vballoon_zero_piece(call->guest, call->argument, &call->error);
}

/* What has been so far is the answer, what comes then are events. */
static json_t *poll_events(struct vballoon_call *call)
{
	call->subscribes = true;
	return poll_status(call);
}

static const struct vballoon_command commands[] = {
	{ "set",
	  { "balloon_bytes", BALLOON_BYTES_MAX, is_deadline_argument },
	  begin_set,
	  poll_set },
	{ "wait", { "timeout_ms", VBALLOON_TIMEOUT_MS_MAX, NULL }, begin_wait, poll_wait },
	{ "policy", { NULL, 0, vballoon_rule_is_key }, begin_policy, poll_policy },
	{ "drop", { NULL, 0, NULL }, begin_drop, poll_drop },
	{ "status", { NULL, 0, NULL }, begin_status, poll_status },
	{ "stats", { "timeout_ms", VBALLOON_TIMEOUT_MS_MAX, NULL }, begin_stats, poll_stats },
	{ "stats-period",
	  { "period_ms", VBALLOON_STATS_PERIOD_MS_MAX, NULL },
	  begin_stats_period,
	  poll_stats_period },
	{ "reclaim-free", { NULL, 0, NULL }, begin_reclaim_free, poll_reclaim_free },
	{ "reclaim-wait",
	  { "timeout_ms", VBALLOON_TIMEOUT_MS_MAX, NULL },
	  begin_wait,
	  poll_reclaim_wait },
	{ "reset", { NULL, 0, NULL }, begin_reset, poll_reset },
	{ "upgrade", { NULL, 0, NULL }, begin_upgrade, poll_upgrade },
	{ "features", { NULL, 0, NULL }, NULL, poll_features },
	{ "save-state", { "offset", BALLOON_BYTES_MAX, NULL }, NULL, poll_save_state },
	{ "skip-map", { "from", BALLOON_BYTES_MAX, NULL }, NULL, poll_skip_map },
	{ "zero-map", { "from", BALLOON_BYTES_MAX, NULL }, NULL, poll_zero_map },
	{ "events", { NULL, 0, NULL }, NULL, poll_events },
};

static void begin(struct vballoon_call *call, const struct vballoon_request *request)
{
	const struct vballoon_command *command = NULL;
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (!strcmp(request->command, commands[i].name))
			command = &commands[i];
	}
	if (!command) {
		vballoon_error_set(&call->error, VBALLOON_ERROR_UNKNOWN_COMMAND,
				   "there is no command \"%.64s\"", request->command);
		return;
	}
	if (vballoon_request_argument(request, &command->argument, &call->argument, &call->error))
		return;
	call->command = command;
	if (command->begin)
		command->begin(call, request->arguments);
}

/* The call is over: its answer is @value, or else its error. */
static int finish(struct vballoon_call *call, json_t *value, json_t **answer_out)
{
	bool subscribes;

	*answer_out = value ? vballoon_message_return(value, call->id)
			    : vballoon_message_error(&call->error, call->id);
	subscribes = call->subscribes;
	vballoon_call_cancel(call);
	return subscribes ? VBALLOON_CALL_SUBSCRIBES : VBALLOON_CALL_DONE;
}

int vballoon_call_begin(struct vballoon_call *call, struct vballoon_guest *guest, const char *line,
			size_t len, json_t **answer_out)
{
	struct vballoon_request request;
	struct vballoon_view view;
	int err;

	memset(call, 0, sizeof(*call));
	guest = vballoon_pair_served(guest);
	call->guest = guest;
	err = vballoon_request_parse(line, len, &request, &call->error);
	call->id = json_incref(request.id);
	if (!err)
		begin(call, &request);
	vballoon_request_free(&request);
	if (call->error.class != VBALLOON_ERROR_NONE)
		return finish(call, NULL, answer_out);
	vballoon_guest_view(guest, &view);
	return vballoon_call_continue(call, &view, vballoon_loop_now_ms(), answer_out);
}

int vballoon_call_continue(struct vballoon_call *call, const struct vballoon_view *view,
			   uint64_t now_ms, json_t **answer_out)
{
	json_t *value;

	call->view = view;
	call->expired = now_ms >= call->deadline_ms;
	value = call->command->poll(call);
	if (!value && call->error.class == VBALLOON_ERROR_NONE && !call->expired)
		return VBALLOON_CALL_WAITS;
	return finish(call, value, answer_out);
}

bool vballoon_call_is_waiting(const struct vballoon_call *call)
{
	return call->command;
}

void vballoon_call_cancel(struct vballoon_call *call)
{
	json_decref(call->id);
	memset(call, 0, sizeof(*call));
}
