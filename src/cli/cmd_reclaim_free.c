// SPDX-License-Identifier: BSD-3-Clause
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/client.h"
#include "cli/clock.h"
#include "cli/format.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "control/size.h"

/* How often a wait is looked at. */
#define STEP_MS 250

static const char *state_of(const json_t *result)
{
	const char *state = json_string_value(json_object_get(result, "state"));

	return state ? state : "";
}

/* Whether the round is over. Returns its exit code, or -1 when it is not. */
static int judge(const struct vballoon_cli_options *options, const json_t *result,
		 uint64_t waited_ms)
{
	if (json_is_true(json_object_get(result, "done")))
		return VBALLOON_EXIT_OK;
	if (!strcmp(state_of(result), "stopped"))
		return VBALLOON_EXIT_STOPPED;
	if (!strcmp(state_of(result), "no-front-end"))
		return VBALLOON_EXIT_NO_DRIVER;
	return waited_ms >= (uint64_t)options->timeout_s * 1000 ? VBALLOON_EXIT_TIMEOUT : -1;
}

static int tell(const struct vballoon_cli_options *options, const json_t *result, int code)
{
	char reported[VBALLOON_SIZE_TEXT_BYTES], discarded[VBALLOON_SIZE_TEXT_BYTES];

	vballoon_size_format(vballoon_format_bytes_of(result, "reported_bytes"), reported);
	vballoon_size_format(vballoon_format_bytes_of(result, "discarded_bytes"), discarded);
	if (options->json)
		vballoon_format_json(result);
	if (code)
		return vballoon_report_failure(code,
					       "reclaim-free: the guest is not through (%s): it "
					       "reported %s, the host has %s of that back",
					       state_of(result), reported, discarded);
	if (!options->json)
		printf("The guest reported %s free, the host has %s of that back.\n", reported,
		       discarded);
	return code;
}

static int wait_for(const struct vballoon_cli_options *options, struct vballoon_client *client)
{
	uint64_t began_ms = vballoon_clock_ms();
	struct vballoon_progress progress = { .quiet = options->json };
	int code = VBALLOON_EXIT_OK, verdict = -1;
	json_t *result = NULL;

	vballoon_progress_begin(&progress, began_ms, 0,
				"that the guest reported free are given back");
	while (verdict < 0) {
		json_decref(result);
		result = NULL;
		code = vballoon_client_call(client, "reclaim-wait",
					    json_pack("{si}", "timeout_ms", STEP_MS), STEP_MS,
					    &result);
		if (code)
			break;
		verdict = judge(options, result, vballoon_clock_ms() - began_ms);
		if (verdict < 0)
			vballoon_progress_show(&progress, vballoon_clock_ms(),
					       vballoon_format_bytes_of(result, "discarded_bytes"),
					       vballoon_format_bytes_of(result, "reported_bytes"));
	}
	vballoon_progress_end(&progress);
	if (!code)
		code = tell(options, result, verdict);
	json_decref(result);
	return code;
}

int vballoon_cmd_reclaim_free(const struct vballoon_cli_options *options,
			      struct vballoon_client *client)
{
	json_t *result = NULL;
	int code = vballoon_client_call(client, "reclaim-free", NULL, 0, &result);

	if (code)
		return code;
	if (options->wait)
		code = wait_for(options, client);
	else if (options->json)
		vballoon_format_json(result);
	else
		puts("The guest was asked.");
	json_decref(result);
	return code;
}
