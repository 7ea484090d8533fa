// SPDX-License-Identifier: BSD-3-Clause
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/client.h"
#include "cli/format.h"
#include "cli/report.h"
#include "control/rule.h"
#include "control/size.h"

static int complain(const char *operand, const char *what)
{
	return vballoon_report_failure(VBALLOON_EXIT_USAGE, "policy: %s: %s", operand, what);
}

static int unknown(const char *operand)
{
	char names[256] = "";
	size_t len = 0;
	size_t i;

	for (i = 0; i < VBALLOON_RULES_COUNT && len < sizeof(names); i++)
		len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%s", i ? ", " : "",
					vballoon_rules_known[i].name);
	return vballoon_report_failure(VBALLOON_EXIT_USAGE,
				       "policy: %s: there is no such rule: there are %s", operand,
				       names);
}

/* Read "name=value" into @changes. */
static int take(const char *operand, json_t *changes)
{
	const char *value = strchr(operand, '=');
	const struct vballoon_rule *rule;
	const char *complaint;
	json_t *json = NULL;

	if (!value)
		return complain(operand, "give NAME=VALUE, such as pages=warm");
	rule = vballoon_rule_find(operand, (size_t)(value - operand));
	if (!rule)
		return unknown(operand);
	if (json_object_get(changes, rule->key))
		return complain(operand, "it was given twice: give it once");
	complaint = rule->parse(value + 1, &json);
	if (complaint)
		return complain(operand, complaint);
	json_object_set_new(changes, rule->key, json);
	return VBALLOON_EXIT_OK;
}

static void print_word(const json_t *policy, const char *name, const char *key, const char *about)
{
	const char *word = json_string_value(json_object_get(policy, key));

	printf("%-22s%-14s%s\n", name, word ? word : "", about);
}

static void print_bytes(const json_t *policy, const char *name, const char *key, const char *none,
			const char *about)
{
	uint64_t bytes = vballoon_format_bytes_of(policy, key);
	char text[VBALLOON_SIZE_TEXT_BYTES];

	printf("%-22s%-14s%s\n", name, bytes ? vballoon_size_format(bytes, text) : none, about);
}

static void print(const json_t *policy)
{
	json_int_t percent = json_integer_value(json_object_get(policy, "host_pressure_percent"));
	char text[16];

	print_word(policy, "pages", "pages",
		   "what becomes of memory in the balloon: given back at once, or kept warm");
	print_word(policy, "withdraw-target", "withdraw_target",
		   "the guest may take memory back to follow the target");
	print_word(policy, "withdraw-pressure", "withdraw_pressure",
		   "or because its memory is under pressure");
	print_word(policy, "withdraw-oom", "withdraw_oom", "or because it is out of memory");
	print_bytes(policy, "floor", "floor_bytes", "0", "what stays in the balloon then");
	print_bytes(policy, "inflate-rate", "inflate_bytes_per_s", "none",
		    "a second, how fast the balloon grows");
	snprintf(text, sizeof(text), "%d%%", (int)percent);
	printf("%-22s%-14s%s\n", "host-pressure", percent ? text : "off",
	       "of its time waiting for memory, and warm memory is given back");
}

int vballoon_cmd_policy(const struct vballoon_cli_options *options, struct vballoon_client *client)
{
	json_t *changes = json_object(), *policy = NULL;
	int i, code = VBALLOON_EXIT_OK;

	for (i = 0; i < options->operand_count && !code; i++)
		code = take(options->operands[i], changes);
	if (code) {
		json_decref(changes);
		return code;
	}
	code = vballoon_client_call(client, "policy", changes, 0, &policy);
	if (code)
		return code;
	if (options->json)
		vballoon_format_json(policy);
	else
		print(policy);
	json_decref(policy);
	return VBALLOON_EXIT_OK;
}
