// SPDX-License-Identifier: BSD-3-Clause
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>

#include "cli/cli.h"
#include "cli/report.h"
#include "control/text.h"

static const struct {
	const char *class; /* in JSON */
	const char *meaning;
} codes[VBALLOON_EXIT_COUNT] = {
	[VBALLOON_EXIT_OK] = { "None", "done; doctor: no problem found" },
	[VBALLOON_EXIT_FAILED] = { "Failed", "failed or refused; doctor: problems found" },
	[VBALLOON_EXIT_USAGE] = { "Usage", "the command line is wrong" },
	[VBALLOON_EXIT_UNREACHABLE] = { "Unreachable",
					"vballoond cannot be reached, or does not answer" },
	[VBALLOON_EXIT_TIMEOUT] = { "Timeout", "not done in time; an order stays" },
	[VBALLOON_EXIT_NO_DRIVER] = { "NoDriver",
				      "no virtual machine, or no driver; an order stays" },
	[VBALLOON_EXIT_STOPPED] = { "Stopped", "the device has stopped: see status, then reset" },
	[VBALLOON_EXIT_CANNOT_MOVE] = { "CannotMove", "features check: the guest cannot move" },
};

static bool told_as_json;

void vballoon_report_as_json(bool as_json)
{
	told_as_json = as_json;
}

int vballoon_report_failure(int code, const char *format, ...)
{
	char text[1024];
	json_t *object;
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (!told_as_json) {
		fprintf(stderr, "vballoonctl: %s\n", text);
		return code;
	}
	vballoon_text_repair(text);
	object = json_pack("{s{sssssi}}", "error", "class", codes[code].class, "desc", text,
			   "exit_status", code);
	json_dumpf(object, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(object);
	return code;
}

int vballoon_report_no_path(const char *command)
{
	return vballoon_report_failure(VBALLOON_EXIT_USAGE,
				       "%s: which vballoond was not said: give --control-path PATH",
				       command);
}

void vballoon_report_print_codes(void)
{
	int code;

	puts("Exit status:");
	for (code = 0; code < VBALLOON_EXIT_COUNT; code++)
		printf("  %d  %-12s %s\n", code, codes[code].class, codes[code].meaning);
}
