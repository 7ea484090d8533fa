// SPDX-License-Identifier: BSD-3-Clause
#include <stdio.h>
#include <time.h>

#include "cli/cli.h"
#include "cli/client.h"
#include "cli/format.h"
#include "cli/report.h"

#define TRIES 500
#define TRY_MS 20

static json_int_t number(const json_t *status, const char *name)
{
	return json_integer_value(json_object_get(json_object_get(status, "supervisor"), name));
}

/* Ask until another worker answers than @before. NULL: none did. */
static json_t *await_other(struct vballoon_client *client, json_int_t before)
{
	const struct timespec pause = { .tv_nsec = TRY_MS * 1000000L };
	json_t *status = NULL;

	for (unsigned int i = 0; i < TRIES; i++) {
		vballoon_client_close(client);
		if (!vballoon_client_try(client, "status", NULL, 0, &status)) {
			if (number(status, "worker") != before)
				return status;
			json_decref(status);
		}
		nanosleep(&pause, NULL);
	}
	return NULL;
}

static int tell(const struct vballoon_cli_options *options, json_t *status, json_int_t upgrades)
{
	if (number(status, "upgrades") == upgrades)
		return vballoon_report_failure(VBALLOON_EXIT_FAILED,
					       "the new program does not run: the one before goes "
					       "on: see the log of vballoond");
	if (options->json)
		vballoon_format_json(json_object_get(status, "supervisor"));
	else if (number(status, "recovery_us"))
		printf("Upgraded: the guest was without vballoond for %.1f ms.\n",
		       (double)number(status, "recovery_us") / 1000);
	else
		puts("Upgraded.");
	return VBALLOON_EXIT_OK;
}

int vballoon_cmd_upgrade(const struct vballoon_cli_options *options, struct vballoon_client *client)
{
	json_t *before = NULL, *status;
	int code = vballoon_client_call(client, "upgrade", NULL, 0, &before);

	if (code)
		return code;
	status = await_other(client, json_integer_value(json_object_get(before, "worker")));
	if (status)
		code = tell(options, status,
			    json_integer_value(json_object_get(before, "upgrades")));
	else
		code = vballoon_report_failure(VBALLOON_EXIT_UNREACHABLE,
					       "vballoond has not come back");
	json_decref(status);
	json_decref(before);
	return code;
}
