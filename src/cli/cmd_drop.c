// SPDX-License-Identifier: BSD-3-Clause
#include <stdio.h>

#include "cli/cli.h"
#include "cli/client.h"
#include "cli/format.h"
#include "control/message.h"
#include "control/size.h"

int vballoon_cmd_drop(const struct vballoon_cli_options *options, struct vballoon_client *client)
{
	char held_text[VBALLOON_SIZE_TEXT_BYTES], dropped_text[VBALLOON_SIZE_TEXT_BYTES];
	json_t *result = NULL;
	uint64_t held, dropped;
	int code = vballoon_client_call(client, "drop", NULL, VBALLOON_TIMEOUT_MS_MAX, &result);

	if (code)
		return code;
	held = vballoon_format_bytes_of(result, "held_bytes");
	dropped = vballoon_format_bytes_of(result, "dropped_bytes");
	if (options->json)
		vballoon_format_json(result);
	else
		printf("Of %s in the balloon the host has %s back%s\n",
		       vballoon_size_format(held, held_text),
		       vballoon_size_format(dropped, dropped_text),
		       dropped == held ? "." : ": see vballoonctl why");
	json_decref(result);
	return VBALLOON_EXIT_OK;
}
