// SPDX-License-Identifier: BSD-3-Clause
#include "cli/account.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/format.h"

int vballoon_cmd_why(const struct vballoon_cli_options *options, struct vballoon_client *client)
{
	struct vballoon_account account;
	json_t *status = NULL, *object;
	int code = vballoon_client_call(client, "status", NULL, 0, &status);

	if (code)
		return code;
	vballoon_account_make(&account, status);
	if (options->json) {
		object = vballoon_account_json(&account);
		vballoon_format_json(object);
		json_decref(object);
	} else {
		vballoon_account_print(&account);
	}
	json_decref(status);
	return VBALLOON_EXIT_OK;
}
