// SPDX-License-Identifier: BSD-3-Clause
#include <inttypes.h>
#include <stdio.h>

#include "cli/cli.h"
#include "cli/client.h"
#include "cli/format.h"
#include "control/message.h"

/* Set how often the guest reports by itself. */
static int set_period(const struct vballoon_cli_options *options, struct vballoon_client *client)
{
	json_t *result = NULL;
	int code = vballoon_client_call(
		client, "stats-period",
		json_pack("{sI}", "period_ms", (json_int_t)options->period_ms), 0, &result);

	if (code)
		return code;
	if (options->json)
		vballoon_format_json(result);
	else if (!options->period_ms)
		puts("The guest reports when it is asked.");
	else
		printf("The guest reports every %" PRIu64 " ms%s.\n", options->period_ms,
		       json_is_true(json_object_get(result, "negotiated"))
			       ? ""
			       : ", once there is one that can (push-stats, stats-vq)");
	json_decref(result);
	return VBALLOON_EXIT_OK;
}

int vballoon_cmd_stats(const struct vballoon_cli_options *options, struct vballoon_client *client)
{
	unsigned int timeout_ms = VBALLOON_TIMEOUT_MS_MAX;
	json_t *guest = NULL;
	int code;

	if (options->has_period)
		return set_period(options, client);
	if (options->timeout_s < timeout_ms / 1000)
		timeout_ms = options->timeout_s * 1000;
	code = vballoon_client_call(client, "stats",
				    json_pack("{si}", "timeout_ms", (int)timeout_ms), timeout_ms,
				    &guest);
	if (code)
		return code;
	if (options->json)
		vballoon_format_json(guest);
	else
		vballoon_format_guest(guest);
	json_decref(guest);
	return VBALLOON_EXIT_OK;
}
