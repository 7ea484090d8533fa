// SPDX-License-Identifier: BSD-3-Clause
#include <stdio.h>
#include <time.h>

#include "cli/cli.h"
#include "cli/client.h"
#include "cli/format.h"
#include "cli/report.h"

#define TRIES 500
#define TRY_MS 20

/* A program that ends before it has served for half a second is given up (supervisor/pace.h). */
#define TRIAL_MS 600

static json_int_t number(const json_t *status, const char *name)
{
	return json_integer_value(json_object_get(json_object_get(status, "supervisor"), name));
}

static void let_pass(long ms)
{
	const struct timespec pause = { .tv_nsec = ms * 1000000L };

	nanosleep(&pause, NULL);
}

/* Ask until another worker answers than @before. NULL: none did. */
static json_t *await_other(struct vballoon_client *client, json_int_t before)
{
	json_t *status = NULL;

	for (unsigned int i = 0; i < TRIES; i++) {
		vballoon_client_close(client);
		if (!vballoon_client_try(client, "status", NULL, 0, &status)) {
			if (number(status, "worker") != before)
				return status;
			json_decref(status);
		}
		let_pass(TRY_MS);
	}
	return NULL;
}

/* The same, and which one it is when the new program is no longer on trial. */
static json_t *await_successor(struct vballoon_client *client, const json_t *before)
{
	json_int_t worker = json_integer_value(json_object_get(before, "worker"));
	json_t *status = await_other(client, worker);

	if (!status ||
	    number(status, "upgrades") == json_integer_value(json_object_get(before, "upgrades")))
		return status;
	json_decref(status);
	let_pass(TRIAL_MS);
	return await_other(client, worker);
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
	status = await_successor(client, before);
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
