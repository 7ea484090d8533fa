// SPDX-License-Identifier: BSD-3-Clause
#include <stdio.h>
#include <string.h>

#include "cli/client.h"
#include "cli/clock.h"
#include "cli/format.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "cli/wanted.h"
#include "control/size.h"

/* How often a wait is looked at: for the bar, and for a driver that has gone. */
#define STEP_MS 250

/* How long nobody may be there who could answer, before it is no use to wait. */
#define GRACE_MS 2000

/* A wait under way, and how it ended. */
struct wait {
	const struct vballoon_cli_options *options;
	uint64_t began_ms;
	uint64_t able_ms; /* when there last was somebody who may answer */
	const char *state;
	char held[VBALLOON_SIZE_TEXT_BYTES];
	char failure[512];
};

/* A guest that is paused, or restarts, comes back when it comes back. */
static bool may_answer(const char *state)
{
	return !strcmp(state, "ready") || !strcmp(state, "paused");
}

static bool is_late(const struct wait *wait, uint64_t now_ms)
{
	return now_ms - wait->began_ms >= (uint64_t)wait->options->timeout_s * 1000;
}

/* What becomes of an order that is not waited for any longer. */
static const char *stays(const struct wait *wait)
{
	return wait->options->deadline_ms ? "the target is kept until the deadline"
					  : "the target is kept";
}

static int end_without_driver(struct wait *wait)
{
	snprintf(wait->failure, sizeof(wait->failure), "set: nobody answers (%s), %s: %s",
		 wait->state, stays(wait), vballoon_format_state(wait->state));
	return VBALLOON_EXIT_NO_DRIVER;
}

static int end_late(struct wait *wait)
{
	if (strcmp(wait->state, "ready"))
		return end_without_driver(wait);
	snprintf(wait->failure, sizeof(wait->failure),
		 "set: %s are in the balloon after %u s, %s: see vballoonctl why, or give a longer "
		 "--timeout",
		 wait->held, wait->options->timeout_s, stays(wait));
	return VBALLOON_EXIT_TIMEOUT;
}

/* The order is no more; the daemon has a target of its own. */
static int end_at_deadline(struct wait *wait, const json_t *result, bool kept)
{
	char target[VBALLOON_SIZE_TEXT_BYTES];

	vballoon_size_format(vballoon_format_bytes_of(result, "target_bytes"), target);
	snprintf(wait->failure, sizeof(wait->failure),
		 "set: the deadline has passed with %s in the balloon, the target is %s now, %s: "
		 "see "
		 "vballoonctl why, or give a longer --deadline",
		 wait->held, target, kept ? "what was reached" : "as it was before");
	return VBALLOON_EXIT_TIMEOUT;
}

/* Whether a wait is over. Returns its exit code, or -1 when it is not. */
static int judge(struct wait *wait, const json_t *result)
{
	const char *state = json_string_value(json_object_get(result, "state"));
	uint64_t now_ms = vballoon_clock_ms();
	const char *deadline;

	wait->state = state ? state : "";
	vballoon_size_format(vballoon_format_bytes_of(result, "held_bytes"), wait->held);
	deadline = json_string_value(json_object_get(result, "deadline"));
	if (deadline && (!strcmp(deadline, "kept") || !strcmp(deadline, "reverted")))
		return end_at_deadline(wait, result, !strcmp(deadline, "kept"));
	if (json_is_true(json_object_get(result, "reached")))
		return VBALLOON_EXIT_OK;
	if (!strcmp(wait->state, "stopped")) {
		snprintf(wait->failure, sizeof(wait->failure), "set: the device has stopped: %s",
			 vballoon_format_state(wait->state));
		return VBALLOON_EXIT_STOPPED;
	}
	if (may_answer(wait->state))
		wait->able_ms = now_ms;
	if (now_ms - wait->able_ms >= GRACE_MS)
		return end_without_driver(wait);
	return is_late(wait, now_ms) ? end_late(wait) : -1;
}

/* Held is ownership: whether the host has the memory is another matter. */
static void tell_held(const struct wait *wait, const json_t *result)
{
	uint64_t dropped = vballoon_format_bytes_of(result, "dropped_bytes");
	char text[VBALLOON_SIZE_TEXT_BYTES];

	if (dropped == vballoon_format_bytes_of(result, "held_bytes"))
		printf("%s are in the balloon.\n", wait->held);
	else
		printf("%s are in the balloon, but the host has only %s of them back: see "
		       "vballoonctl why\n",
		       wait->held, vballoon_size_format(dropped, text));
}

/* What is known when it ends comes first, why it ended badly after that. */
static int tell(const struct wait *wait, int code, const json_t *result)
{
	if (wait->options->json)
		vballoon_format_json(result);
	else if (!code)
		tell_held(wait, result);
	return code ? vballoon_report_failure(code, "%s", wait->failure) : code;
}

static int wait_for(const struct vballoon_cli_options *options, struct vballoon_client *client)
{
	uint64_t now_ms = vballoon_clock_ms();
	struct wait wait = { .options = options, .began_ms = now_ms, .able_ms = now_ms };
	struct vballoon_progress progress = { .quiet = options->json };
	unsigned int step_ms = 0; /* at first where it begins */
	int code, verdict = -1;
	json_t *result = NULL;

	while (verdict < 0) {
		json_decref(result);
		result = NULL;
		code = vballoon_client_call(client, "wait",
					    json_pack("{si}", "timeout_ms", (int)step_ms), step_ms,
					    &result);
		if (code)
			return code;
		if (!step_ms)
			vballoon_progress_begin(&progress, now_ms,
						vballoon_format_bytes_of(result, "held_bytes"),
						"are in the balloon");
		step_ms = STEP_MS;
		verdict = judge(&wait, result);
		if (verdict < 0)
			vballoon_progress_show(&progress, vballoon_clock_ms(),
					       vballoon_format_bytes_of(result, "held_bytes"),
					       vballoon_format_bytes_of(result, "target_bytes"));
	}
	vballoon_progress_end(&progress);
	code = tell(&wait, verdict, result);
	json_decref(result);
	return code;
}

static json_t *arguments(const struct vballoon_cli_options *options, uint64_t bytes)
{
	json_t *object = json_pack("{sI}", "balloon_bytes", (json_int_t)bytes);

	if (options->deadline_ms) {
		json_object_set_new(object, "deadline_ms",
				    json_integer((json_int_t)options->deadline_ms));
		json_object_set_new(object, "then",
				    json_string(options->keeps ? "keep" : "revert"));
	}
	return object;
}

int vballoon_cmd_set(const struct vballoon_cli_options *options, struct vballoon_client *client)
{
	char text[VBALLOON_SIZE_TEXT_BYTES];
	json_t *result = NULL;
	uint64_t bytes = 0;
	int code = vballoon_wanted_read(options, client, &bytes);

	if (code)
		return code;
	if (bytes > INT64_MAX)
		bytes = INT64_MAX; /* as far beyond all memory */
	code = vballoon_client_call(client, "set", arguments(options, bytes), 0, &result);
	if (code)
		return code;
	if (options->wait)
		code = wait_for(options, client);
	else if (options->json)
		vballoon_format_json(result);
	else
		printf("The target is %s now.\n",
		       vballoon_size_format(vballoon_format_bytes_of(result, "target_bytes"),
					    text));
	json_decref(result);
	return code;
}
