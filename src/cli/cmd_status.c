// SPDX-License-Identifier: BSD-3-Clause
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/format.h"

int vballoon_cmd_status(const struct vballoon_cli_options *options, struct vballoon_client *client)
{
	json_t *status = NULL;
	int code = vballoon_client_call(client, "status", NULL, 0, &status);

	if (code)
		return code;
	if (options->json)
		vballoon_format_json(status);
	else
		vballoon_format_status(status);
	json_decref(status);
	return VBALLOON_EXIT_OK;
}
