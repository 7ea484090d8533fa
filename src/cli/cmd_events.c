// SPDX-License-Identifier: BSD-3-Clause
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/format.h"

/* An event is an object in either way of telling: programs read this. It ends when
 * the daemon does, or by a signal. */
int vballoon_cmd_events(const struct vballoon_cli_options *options, struct vballoon_client *client)
{
	json_t *object = NULL;
	int code = vballoon_client_call(client, "events", NULL, 0, &object);

	(void)options;
	while (!code) {
		json_decref(object);
		object = NULL;
		code = vballoon_client_next(client, &object);
		if (!code)
			vballoon_format_json(object);
	}
	return code;
}
