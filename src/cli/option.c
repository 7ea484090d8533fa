// SPDX-License-Identifier: BSD-3-Clause
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/option.h"
#include "cli/report.h"
#include "control/message.h"
#include "control/misread.h"
#include "control/span.h"

#define TIMEOUT_S 60
#define SECONDS_MAX 86400
#define HELP_COLUMN 24
#define DEADLINE_MS_MAX (UINT64_C(24) * 3600 * 1000) /* of vballoond */

static int take_control_path(struct vballoon_cli_options *options, const char *text)
{
	options->control_path = text;
	return -1;
}

static int take_seconds(const char *name, long least, const char *text, unsigned int *seconds_out)
{
	char *end;
	long seconds = strtol(text, &end, 10);

	if (end == text || *end || seconds < least || seconds > SECONDS_MAX)
		return vballoon_report_failure(
			VBALLOON_EXIT_USAGE, "--%s: \"%s\" is no number of seconds: give %ld to %d",
			name, text, least, SECONDS_MAX);
	*seconds_out = (unsigned int)seconds;
	return -1;
}

static int take_timeout(struct vballoon_cli_options *options, const char *text)
{
	return take_seconds("timeout", 0, text, &options->timeout_s);
}

static int take_interval(struct vballoon_cli_options *options, const char *text)
{
	return take_seconds("interval", 1, text, &options->interval_s);
}

static int take_json(struct vballoon_cli_options *options, const char *text)
{
	(void)text;
	options->json = true;
	return -1;
}

static int take_help(struct vballoon_cli_options *options, const char *text)
{
	(void)text;
	options->help = true;
	return -1;
}

static int take_version(struct vballoon_cli_options *options, const char *text)
{
	(void)options;
	(void)text;
	puts("vballoonctl " VBALLOON_VERSION);
	return VBALLOON_EXIT_OK;
}

static int take_guest_size(struct vballoon_cli_options *options, const char *text)
{
	(void)text;
	options->guest_size = true;
	return -1;
}

static int take_wait(struct vballoon_cli_options *options, const char *text)
{
	(void)text;
	options->wait = true;
	return -1;
}

static int take_once(struct vballoon_cli_options *options, const char *text)
{
	(void)text;
	options->once = true;
	return -1;
}

static int take_no_color(struct vballoon_cli_options *options, const char *text)
{
	(void)text;
	options->no_color = true;
	return -1;
}

static int take_period(struct vballoon_cli_options *options, const char *text)
{
	options->has_period = true;
	if (!strcmp(text, "off") || (!vballoon_span_parse(text, &options->period_ms) &&
				     options->period_ms >= VBALLOON_STATS_PERIOD_MS_MIN &&
				     options->period_ms <= VBALLOON_STATS_PERIOD_MS_MAX))
		return -1;
	return vballoon_report_failure(
		VBALLOON_EXIT_USAGE,
		"--period: \"%s\" is no time from 250ms to 24h, nor off: " VBALLOON_SPAN_HELP,
		text);
}

static int take_deadline(struct vballoon_cli_options *options, const char *text)
{
	if (!vballoon_span_parse(text, &options->deadline_ms) && options->deadline_ms &&
	    options->deadline_ms <= DEADLINE_MS_MAX)
		return -1;
	return vballoon_report_failure(
		VBALLOON_EXIT_USAGE,
		"--deadline: \"%s\" is no time from 1ms to 24h: " VBALLOON_SPAN_HELP, text);
}

static int take_keep(struct vballoon_cli_options *options, const char *text)
{
	(void)text;
	options->keeps = true;
	return -1;
}

static int take_revert(struct vballoon_cli_options *options, const char *text)
{
	(void)text;
	options->reverts = true;
	return -1;
}

static int take_bitmap(struct vballoon_cli_options *options, const char *text)
{
	options->bitmap = text;
	return -1;
}

static int take_zeros(struct vballoon_cli_options *options, const char *text)
{
	(void)text;
	options->zeros = true;
	return -1;
}

/* A newline in a help goes on below it. */
static const struct option_info {
	const char *name;
	const char *argument; /* NULL: it takes none */
	int (*take)(struct vballoon_cli_options *options, const char *text);
	const char *help;
} infos[VBALLOON_OPTION_COUNT] = {
	[VBALLOON_OPTION_CONTROL_PATH] = { "control-path", "PATH", take_control_path,
					   "the socket that vballoond was given with this option" },
	[VBALLOON_OPTION_JSON] = { "json", NULL, take_json,
				   "print JSON, one object a line, failures too" },
	[VBALLOON_OPTION_HELP] = { "help", NULL, take_help,
				   "print this, or after a command its own help, and exit" },
	[VBALLOON_OPTION_VERSION] = { "version", NULL, take_version, "print that and exit" },
	[VBALLOON_OPTION_GUEST_SIZE] = { "guest-size", NULL, take_guest_size,
					 "SIZE is what the guest keeps, not what it gives up" },
	[VBALLOON_OPTION_WAIT] = { "wait", NULL, take_wait, "return when the guest has done it" },
	[VBALLOON_OPTION_TIMEOUT] = { "timeout", "SECONDS", take_timeout,
				      "wait at most so long, 0 to 86400; default 60" },
	[VBALLOON_OPTION_INTERVAL] = { "interval", "SECONDS", take_interval,
				       "look again after so long, 1 to 86400; default 1" },
	[VBALLOON_OPTION_ONCE] = { "once", NULL, take_once, "look once, and exit" },
	[VBALLOON_OPTION_NO_COLOR] = { "no-color", NULL, take_no_color,
				       "no colours, as with NO_COLOR in the environment" },
	[VBALLOON_OPTION_DEADLINE] = { "deadline", "TIME", take_deadline,
				       "give the order so long, such as 10s or 5m, up to 24h" },
	[VBALLOON_OPTION_KEEP] = { "keep", NULL, take_keep,
				   "at the deadline what was reached becomes the target" },
	[VBALLOON_OPTION_REVERT] = { "revert", NULL, take_revert,
				     "at the deadline the target before comes back" },
	[VBALLOON_OPTION_PERIOD] = { "period", "TIME", take_period,
				     "have the guest report so often, such as 5s, or off" },
	[VBALLOON_OPTION_BITMAP] = { "bitmap", "FILE", take_bitmap,
				     "write a bit for each page of the guest there" },
	[VBALLOON_OPTION_ZEROS] = { "zeros", NULL, take_zeros,
				    "tell instead what the host has nothing of" },
};

/* getopt_long()'s table; an option's value is its id and 1, as 0 means a flag. */
static void fill(struct option *table)
{
	int id;

	memset(table, 0, sizeof(*table) * (VBALLOON_OPTION_COUNT + 1));
	for (id = 0; id < VBALLOON_OPTION_COUNT; id++) {
		table[id].name = infos[id].name;
		table[id].has_arg = infos[id].argument ? required_argument : no_argument;
		table[id].val = id + 1;
	}
}

/* Before anything else is read, since what is wrong is told accordingly. */
static bool wants_json(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc && strcmp(argv[i], "--"); i++) {
		if (!strcmp(argv[i], "--json"))
			return true;
	}
	return false;
}

int vballoon_option_read(int argc, char **argv, struct vballoon_cli_options *options_out,
			 unsigned int *given_out)
{
	struct option table[VBALLOON_OPTION_COUNT + 1];
	char letter[3];
	int value, code;

	memset(options_out, 0, sizeof(*options_out));
	options_out->timeout_s = TIMEOUT_S;
	options_out->interval_s = 1;
	*given_out = 0;
	vballoon_report_as_json(wants_json(argc, argv));
	fill(table);
	opterr = 0;
	while ((value = getopt_long(argc, argv, ":", table, NULL)) != -1) {
		if (value == ':' || value == '?')
			return vballoon_report_failure(
				VBALLOON_EXIT_USAGE, "%s: %s: see vballoonctl --help",
				vballoon_misread_option(argv, letter),
				value == ':' ? "a value is missing" : "there is no such option");
		code = infos[value - 1].take(options_out, optarg);
		if (code >= 0)
			return code;
		*given_out |= 1U << (value - 1);
	}
	return -1;
}

const char *vballoon_option_name(unsigned int bits)
{
	return infos[__builtin_ctz(bits)].name;
}

void vballoon_option_help(unsigned int bits)
{
	char left[HELP_COLUMN];
	int id;

	for (id = 0; id < VBALLOON_OPTION_COUNT; id++) {
		if (!(bits >> id & 1))
			continue;
		snprintf(left, sizeof(left), "--%s %s", infos[id].name,
			 infos[id].argument ? infos[id].argument : "");
		printf("  %-*s%s\n", HELP_COLUMN, left, infos[id].help);
	}
}
