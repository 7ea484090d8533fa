// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/client.h"
#include "cli/format.h"
#include "control/size.h"

/* How often a wait is looked at: for the bar, and for a driver that has gone. */
#define STEP_MS 250

/* How long the guest may be without a driver, which a reboot's reset is too. */
#define GRACE_MS 2000

/* What takes less needs no bar. */
#define BAR_AFTER_MS 1000

/* A wait under way. */
struct progress {
	uint64_t began_ms;
	uint64_t able_ms; /* when the guest last had a driver */
	bool drawn;
	uint64_t first_held; /* bytes */
};

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static int bytes_of_percent(struct vballoon_client *client, unsigned int percent,
			    uint64_t *bytes_out)
{
	json_t *status = NULL;
	int code = vballoon_client_call(client, "status", NULL, 0, &status);

	if (code)
		return code;
	*bytes_out = vballoon_format_bytes_of(status, "memory_bytes") / 100 * percent;
	if (!vballoon_format_bytes_of(status, "memory_bytes"))
		code = vballoon_cli_fail(VBALLOON_EXIT_NO_DRIVER,
					 "set: the guest's memory is not known, as no virtual "
					 "machine is connected: give a size rather than %u%%",
					 percent);
	json_decref(status);
	return code;
}

static int read_size(const struct vballoon_cli_options *options, struct vballoon_client *client,
		     uint64_t *bytes_out)
{
	const char *text = options->operand;
	unsigned int percent;

	if (strchr(text, '%')) {
		if (vballoon_size_parse_percent(text, &percent))
			return vballoon_cli_fail(VBALLOON_EXIT_USAGE,
						 "set: \"%s\" is no percentage of the guest's "
						 "memory: give 0%% to 100%%",
						 text);
		return bytes_of_percent(client, percent, bytes_out);
	}
	switch (vballoon_size_parse(text, bytes_out)) {
	case 0:
		return VBALLOON_EXIT_OK;
	case -ERANGE:
		return vballoon_cli_fail(VBALLOON_EXIT_USAGE,
					 "set: \"%s\" is beyond all memory: give a smaller size",
					 text);
	default:
		return vballoon_cli_fail(VBALLOON_EXIT_USAGE, "set: \"%s\" is no size: %s", text,
					 VBALLOON_SIZE_HELP);
	}
}

static void draw(struct progress *progress, const json_t *state)
{
	char held_text[VBALLOON_SIZE_TEXT_BYTES], target_text[VBALLOON_SIZE_TEXT_BYTES];
	uint64_t target = vballoon_format_bytes_of(state, "target_bytes");
	uint64_t held = vballoon_format_bytes_of(state, "held_bytes");
	uint64_t first = progress->first_held;
	char text[128];

	if (!isatty(STDERR_FILENO) || now_ms() - progress->began_ms < BAR_AFTER_MS)
		return;
	snprintf(text, sizeof(text), "%s of %s", vballoon_size_format(held, held_text),
		 vballoon_size_format(target, target_text));
	vballoon_format_bar(held > first ? held - first : first - held,
			    target > first ? target - first : first - target, text);
	progress->drawn = true;
}

/* Tell why a wait is over. Returns its exit code, or -1 when it is not. */
static int judge(struct progress *progress, const struct vballoon_cli_options *options,
		 const json_t *result)
{
	const char *state = json_string_value(json_object_get(result, "state"));
	char held[VBALLOON_SIZE_TEXT_BYTES];

	state = state ? state : "";
	vballoon_size_format(vballoon_format_bytes_of(result, "held_bytes"), held);
	if (json_is_true(json_object_get(result, "reached")))
		return VBALLOON_EXIT_OK;
	if (!strcmp(state, "stopped"))
		return vballoon_cli_fail(VBALLOON_EXIT_STOPPED, "set: the device has stopped: %s",
					 vballoon_format_state(state));
	if (!strcmp(state, "ready"))
		progress->able_ms = now_ms();
	if (now_ms() - progress->able_ms >= GRACE_MS)
		return vballoon_cli_fail(VBALLOON_EXIT_NO_DRIVER,
					 "set: nobody answers (%s), the target is kept: %s", state,
					 vballoon_format_state(state));
	if (now_ms() - progress->began_ms >= (uint64_t)options->timeout_s * 1000)
		return vballoon_cli_fail(VBALLOON_EXIT_TIMEOUT,
					 "set: %s are in the balloon after %u s, the target is "
					 "kept: look at the guest's free memory (vballoonctl "
					 "stats), or give a longer --timeout",
					 held, options->timeout_s);
	return -1;
}

static int wait_for(const struct vballoon_cli_options *options, struct vballoon_client *client,
		    json_t **result_out)
{
	struct progress progress = { .began_ms = now_ms(), .able_ms = now_ms() };
	unsigned int step_ms = 0; /* at first where it begins */
	json_t *result = NULL;
	int code, verdict;

	for (;;) {
		code = vballoon_client_call(client, "wait",
					    json_pack("{si}", "timeout_ms", (int)step_ms), step_ms,
					    &result);
		if (code)
			return code;
		if (!step_ms)
			progress.first_held = vballoon_format_bytes_of(result, "held_bytes");
		if (progress.drawn)
			vballoon_format_bar_end();
		verdict = judge(&progress, options, result);
		if (verdict >= 0) {
			*result_out = result;
			return verdict;
		}
		draw(&progress, result);
		json_decref(result);
		step_ms = STEP_MS;
	}
}

static void print(const struct vballoon_cli_options *options, const json_t *result)
{
	char text[VBALLOON_SIZE_TEXT_BYTES];

	if (options->json) {
		vballoon_format_json(result);
		return;
	}
	if (options->wait)
		printf("%s are in the balloon.\n",
		       vballoon_size_format(vballoon_format_bytes_of(result, "held_bytes"), text));
	else
		printf("The target is %s now.\n",
		       vballoon_size_format(vballoon_format_bytes_of(result, "target_bytes"),
					    text));
}

int vballoon_cmd_set(const struct vballoon_cli_options *options, struct vballoon_client *client)
{
	json_t *result = NULL;
	uint64_t bytes = 0;
	int code = read_size(options, client, &bytes);

	if (code)
		return code;
	if (bytes > INT64_MAX)
		bytes = INT64_MAX; /* as far beyond all memory */
	code = vballoon_client_call(
		client, "set", json_pack("{sI}", "balloon_bytes", (json_int_t)bytes), 0, &result);
	if (code)
		return code;
	if (options->wait) {
		json_decref(result);
		result = NULL;
		code = wait_for(options, client, &result);
	}
	if (result && (!code || options->json))
		print(options, result);
	json_decref(result);
	return code;
}
