// SPDX-License-Identifier: BSD-3-Clause
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/client.h"
#include "cli/doctor.h"
#include "cli/format.h"
#include "control/text.h"

/* How long the guest has to answer, and the balloon to move. */
#define ANSWER_MS 1000
#define MOVE_MS 3000

static const char *read_shmem_enabled(char *text, int len)
{
	FILE *file = fopen("/sys/kernel/mm/transparent_hugepage/shmem_enabled", "re");
	const char *line = file ? fgets(text, len, file) : NULL;

	if (file)
		fclose(file);
	return line;
}

static bool is_ready(const json_t *status)
{
	const char *state = json_string_value(json_object_get(status, "state"));

	return state && !strcmp(state, "ready");
}

static int call_patiently(struct vballoon_client *client, const char *command, unsigned int ms,
			  json_t **value_out)
{
	return vballoon_client_try(client, command, json_pack("{si}", "timeout_ms", (int)ms), ms,
				   value_out);
}

/* What the daemon says, and the guest, and the daemon again when the balloon has
 * not its size. The facts point into @client and into what is returned. */
static void ask(struct vballoon_client *client, struct vballoon_doctor_facts *facts,
		json_t **status_out, json_t **later_out)
{
	json_t *value = NULL;
	int code;

	if (vballoon_client_try(client, "status", NULL, 0, status_out)) {
		facts->failure = client->failure;
		return;
	}
	facts->status = *status_out;
	if (!is_ready(facts->status))
		return;
	code = call_patiently(client, "wait", MOVE_MS, &value);
	json_decref(value);
	value = NULL;
	if (!code)
		code = vballoon_client_try(client, "status", NULL, 0, later_out);
	if (code) {
		facts->failure = client->failure;
		return;
	}
	facts->later = *later_out;
	code = call_patiently(client, "stats", ANSWER_MS, &value);
	json_decref(value);
	/* Who does not answer, the daemon or the guest? */
	if (code == VBALLOON_EXIT_UNREACHABLE)
		facts->failure = client->failure;
	else if (code)
		facts->silence = client->failure;
}

static void print(const struct vballoon_doctor_finding *finding)
{
	printf("%-8s %-11s %s.\n", vballoon_doctor_level_name(finding->level), finding->check,
	       finding->text);
	if (finding->remedy)
		printf("%-8s %-11s -> %s.\n", "", "", finding->remedy);
}

static json_t *finding_json(struct vballoon_doctor_finding *finding)
{
	vballoon_text_repair(finding->text);
	return json_pack("{ssssssss?}", "check", finding->check, "level",
			 vballoon_doctor_level_name(finding->level), "text", finding->text,
			 "remedy", finding->remedy);
}

int vballoon_cmd_doctor(const struct vballoon_cli_options *options, struct vballoon_client *client)
{
	struct vballoon_doctor_facts facts = { 0 };
	struct vballoon_doctor_finding finding;
	json_t *status = NULL, *later = NULL, *findings = json_array();
	unsigned int next = 0, problems = 0;
	char shmem_enabled[256];

	facts.shmem_enabled = read_shmem_enabled(shmem_enabled, sizeof(shmem_enabled));
	ask(client, &facts, &status, &later);
	while (vballoon_doctor_next(&facts, &next, &finding)) {
		problems += finding.level == VBALLOON_DOCTOR_PROBLEM;
		if (options->json)
			json_array_append_new(findings, finding_json(&finding));
		else
			print(&finding);
	}
	if (options->json) {
		json_t *object =
			json_pack("{sisO}", "problems", (int)problems, "findings", findings);

		vballoon_format_json(object);
		json_decref(object);
	} else {
		printf("%u problem%s\n", problems, problems == 1 ? "" : "s");
	}
	json_decref(findings);
	json_decref(status);
	json_decref(later);
	return problems ? VBALLOON_EXIT_FAILED : VBALLOON_EXIT_OK;
}
