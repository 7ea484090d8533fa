// SPDX-License-Identifier: BSD-3-Clause
#include <string.h>

#include "control/rule.h"
#include "control/size.h"

#define RATE_BYTES_MAX 64

static const char *parse_word(const char *text, json_t **value_out)
{
	*value_out = json_string(text);
	return *value_out ? NULL : "it is no word";
}

static const char *parse_size(const char *text, json_t **value_out)
{
	uint64_t bytes = 0;

	if (vballoon_size_parse(text, &bytes) || bytes > INT64_MAX)
		return "it is no size: " VBALLOON_SIZE_HELP;
	*value_out = json_integer((json_int_t)bytes);
	return NULL;
}

/* A size, with "/s" or without; or "none". */
static const char *parse_rate(const char *text, json_t **value_out)
{
	size_t len = strlen(text);
	char size[RATE_BYTES_MAX];

	if (!strcmp(text, "none"))
		return parse_size("0", value_out);
	if (len >= sizeof(size))
		return "it is no rate: give bytes a second, such as 200M/s, or none";
	memcpy(size, text, len + 1);
	if (len > 2 && !strcmp(size + len - 2, "/s"))
		size[len - 2] = '\0';
	if (parse_size(size, value_out))
		return "it is no rate: give bytes a second, such as 200M/s, or none";
	return NULL;
}

static const char *parse_percent(const char *text, json_t **value_out)
{
	unsigned int percent = 0;

	if (strcmp(text, "off") && vballoon_size_parse_percent(text, &percent))
		return "it is no share of time: give a percentage, such as 10%, or off";
	*value_out = json_integer((json_int_t)percent);
	return NULL;
}

const struct vballoon_rule vballoon_rules_known[VBALLOON_RULES_COUNT] = {
	{ "pages", "pages", parse_word, "eager or warm" },
	{ "withdraw-target", "withdraw_target", parse_word, "grant, floor or refuse" },
	{ "withdraw-pressure", "withdraw_pressure", parse_word, "grant, floor or refuse" },
	{ "withdraw-oom", "withdraw_oom", parse_word, "grant, floor or refuse" },
	{ "floor", "floor_bytes", parse_size, "a size, such as 512M" },
	{ "inflate-rate", "inflate_bytes_per_s", parse_rate, "a rate, such as 200M/s, or none" },
	{ "host-pressure", "host_pressure_percent", parse_percent, "a percentage, or off" },
};

const struct vballoon_rule *vballoon_rule_find(const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < VBALLOON_RULES_COUNT; i++) {
		if (!strncmp(vballoon_rules_known[i].name, name, len) &&
		    !vballoon_rules_known[i].name[len])
			return &vballoon_rules_known[i];
	}
	return NULL;
}

bool vballoon_rule_is_key(const char *key)
{
	size_t i;

	for (i = 0; i < VBALLOON_RULES_COUNT; i++) {
		if (!strcmp(vballoon_rules_known[i].key, key))
			return true;
	}
	return false;
}
