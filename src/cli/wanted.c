// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <string.h>

#include "cli/client.h"
#include "cli/format.h"
#include "cli/report.h"
#include "cli/wanted.h"
#include "control/size.h"

uint64_t vballoon_wanted_part(uint64_t memory_bytes, unsigned int percent)
{
	return memory_bytes / 100 * percent + memory_bytes % 100 * percent / 100;
}

uint64_t vballoon_wanted_balloon(const struct vballoon_wanted_memory *memory, uint64_t kept_bytes)
{
	uint64_t bytes = memory->memory_bytes - kept_bytes;

	return bytes - bytes % memory->page_bytes;
}

/* A monitor need not tell of the memory before there is a driver. */
static int tell_unknown(bool is_connected)
{
	return vballoon_report_failure(
		VBALLOON_EXIT_NO_DRIVER,
		"set: the guest's memory is not known, as %s, or give the balloon's size in bytes",
		is_connected ? "the virtual machine has shared none that holds a balloon page: "
			       "load the driver in its guest"
			     : "no virtual machine is connected: start it");
}

static int ask_memory(struct vballoon_client *client, struct vballoon_wanted_memory *memory_out)
{
	json_t *status = NULL;
	int code = vballoon_client_call(client, "status", NULL, 0, &status);
	const char *state;
	bool is_connected;

	if (code)
		return code;
	memory_out->memory_bytes = vballoon_format_bytes_of(status, "memory_bytes");
	memory_out->page_bytes = vballoon_format_bytes_of(status, "page_bytes");
	state = json_string_value(json_object_get(status, "state"));
	is_connected = state && strcmp(state, "no-front-end") != 0;
	json_decref(status);
	if (memory_out->memory_bytes && memory_out->page_bytes)
		return VBALLOON_EXIT_OK;
	return tell_unknown(is_connected);
}

/* Returns VBALLOON_EXIT_OK and either a percentage or, when it is none, bytes. */
static int read_text(const char *text, unsigned int *percent_out, uint64_t *bytes_out)
{
	if (strchr(text, '%')) {
		if (!vballoon_size_parse_percent(text, percent_out))
			return VBALLOON_EXIT_OK;
		return vballoon_report_failure(VBALLOON_EXIT_USAGE,
					       "set: \"%s\" is no percentage of the guest's "
					       "memory: give 0%% to 100%%",
					       text);
	}
	switch (vballoon_size_parse(text, bytes_out)) {
	case 0:
		return VBALLOON_EXIT_OK;
	case -ERANGE:
		return vballoon_report_failure(VBALLOON_EXIT_USAGE,
					       "set: \"%s\" is beyond all memory: give a smaller "
					       "size",
					       text);
	default:
		return vballoon_report_failure(VBALLOON_EXIT_USAGE, "set: \"%s\" is no size: %s",
					       text, VBALLOON_SIZE_HELP);
	}
}

static int turn_round(const struct vballoon_wanted_memory *memory, uint64_t *bytes)
{
	char kept[VBALLOON_SIZE_TEXT_BYTES], all[VBALLOON_SIZE_TEXT_BYTES];

	if (*bytes > memory->memory_bytes)
		return vballoon_report_failure(VBALLOON_EXIT_FAILED,
					       "set: the guest cannot keep %s, it has %s in all: "
					       "give a smaller size",
					       vballoon_size_format(*bytes, kept),
					       vballoon_size_format(memory->memory_bytes, all));
	*bytes = vballoon_wanted_balloon(memory, *bytes);
	return VBALLOON_EXIT_OK;
}

int vballoon_wanted_read(const struct vballoon_cli_options *options, struct vballoon_client *client,
			 uint64_t *bytes_out)
{
	bool is_part = strchr(options->operand, '%');
	struct vballoon_wanted_memory memory = { 0 };
	unsigned int percent = 0;
	int code;

	code = read_text(options->operand, &percent, bytes_out);
	if (!code && (is_part || options->guest_size))
		code = ask_memory(client, &memory);
	if (!code && is_part)
		*bytes_out = vballoon_wanted_part(memory.memory_bytes, percent);
	if (!code && options->guest_size)
		code = turn_round(&memory, bytes_out);
	return code;
}
