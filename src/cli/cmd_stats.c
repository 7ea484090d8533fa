// SPDX-License-Identifier: BSD-3-Clause
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/format.h"
#include "control/message.h"

int vballoon_cmd_stats(const struct vballoon_cli_options *options, struct vballoon_client *client)
{
	unsigned int timeout_ms = VBALLOON_TIMEOUT_MS_MAX;
	json_t *guest = NULL;
	int code;

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
