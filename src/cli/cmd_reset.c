// SPDX-License-Identifier: BSD-3-Clause
#include <stdio.h>

#include "cli/cli.h"
#include "cli/client.h"
#include "cli/format.h"

int vballoon_cmd_reset(const struct vballoon_cli_options *options, struct vballoon_client *client)
{
	json_t *nothing = NULL;
	int code = vballoon_client_call(client, "reset", NULL, 0, &nothing);

	if (code)
		return code;
	if (options->json)
		vballoon_format_json(nothing);
	else
		puts("The device starts again: the balloon is empty, and its driver is asked to "
		     "reset it.");
	json_decref(nothing);
	return VBALLOON_EXIT_OK;
}
