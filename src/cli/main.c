// SPDX-License-Identifier: BSD-3-Clause
/* vballoonctl: orders for vballoond, over its control socket. */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/client.h"

#define TIMEOUT_S 60
#define TIMEOUT_S_MAX 86400

static const struct command {
	const char *name;
	const char *operand; /* NULL: it takes none */
	int (*run)(const struct vballoon_cli_options *options, struct vballoon_client *client);
	const char *help;
} commands[] = {
	{ "set", "SIZE", vballoon_cmd_set,
	  "ask the guest to give up SIZE: 1536M, 2G, 25%, 0 for nothing" },
	{ "status", NULL, vballoon_cmd_status, "show what was asked, done and given back" },
	{ "stats", NULL, vballoon_cmd_stats, "ask the guest how its memory is used" },
	{ "reset", NULL, vballoon_cmd_reset, "bring a device back that has stopped" },
};

static const char help_tail[] =
	"\n"
	"  --control-path PATH  the socket that vballoond was given with this option\n"
	"  --wait               set: until the guest has done it\n"
	"  --timeout SECONDS    set --wait, stats: wait at most so long; default 60, and\n"
	"                       stats waits at most 60\n"
	"  --json               print the daemon's own objects, one a line\n"
	"  --help, --version    print that and exit\n"
	"\n"
	"SIZE is the size of the balloon, what the guest gives up and not what it keeps:\n"
	"bytes, or with K, M, G or T (powers of 1024), or a percentage of its memory.\n"
	"\n"
	"Exit status:\n"
	"  0  done                        4  not done in time\n"
	"  1  failed                      5  the guest has no driver, or is not connected\n"
	"  2  wrong command line          6  the device has stopped, see status\n"
	"  3  vballoond is not reachable\n";

enum {
	OPT_CONTROL_PATH = 1,
	OPT_WAIT,
	OPT_TIMEOUT,
	OPT_JSON,
	OPT_HELP,
	OPT_VERSION,
};

static const struct option long_options[] = {
	{ "control-path", required_argument, NULL, OPT_CONTROL_PATH },
	{ "wait", no_argument, NULL, OPT_WAIT },
	{ "timeout", required_argument, NULL, OPT_TIMEOUT },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 },
};

int vballoon_cli_fail(int code, const char *format, ...)
{
	va_list args;

	fputs("vballoonctl: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return code;
}

static void print_help(void)
{
	size_t i;

	puts("Usage: vballoonctl --control-path PATH COMMAND [OPTION]...\n\nCommands:");
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		printf("  %-7s%-6s %s\n", commands[i].name,
		       commands[i].operand ? commands[i].operand : "", commands[i].help);
	fputs(help_tail, stdout);
}

static int take_timeout(struct vballoon_cli_options *options, const char *text)
{
	char *end;
	long seconds = strtol(text, &end, 10);

	if (end == text || *end || seconds < 0 || seconds > TIMEOUT_S_MAX)
		return vballoon_cli_fail(VBALLOON_EXIT_USAGE,
					 "--timeout: \"%s\" is no number of seconds: "
					 "give 0 to %d",
					 text, TIMEOUT_S_MAX);
	options->timeout_s = (unsigned int)seconds;
	return -1;
}

/* Take one option. Returns an exit code, or -1 to go on. */
static int take_option(int option, char **argv, struct vballoon_cli_options *options)
{
	switch (option) {
	case OPT_CONTROL_PATH:
		options->control_path = optarg;
		return -1;
	case OPT_WAIT:
		options->wait = true;
		return -1;
	case OPT_TIMEOUT:
		return take_timeout(options, optarg);
	case OPT_JSON:
		options->json = true;
		return -1;
	case OPT_HELP:
		print_help();
		return VBALLOON_EXIT_OK;
	case OPT_VERSION:
		puts("vballoonctl " VBALLOON_VERSION);
		return VBALLOON_EXIT_OK;
	case ':':
		return vballoon_cli_fail(VBALLOON_EXIT_USAGE,
					 "%s: a value is missing: see vballoonctl --help",
					 argv[optind - 1]);
	default:
		return vballoon_cli_fail(VBALLOON_EXIT_USAGE,
					 "%s: there is no such option: see vballoonctl --help",
					 argv[optind - 1]);
	}
}

static const struct command *find_command(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (!strcmp(name, commands[i].name))
			return &commands[i];
	}
	return NULL;
}

static int check(const struct command *command, const struct vballoon_cli_options *options,
		 int operands)
{
	if (operands != (command->operand ? 1 : 0))
		return vballoon_cli_fail(VBALLOON_EXIT_USAGE,
					 "%s: it takes %s: see vballoonctl "
					 "--help",
					 command->name,
					 command->operand ? command->operand : "no argument");
	if (options->wait && command->run != vballoon_cmd_set)
		return vballoon_cli_fail(VBALLOON_EXIT_USAGE,
					 "%s: --wait belongs to set: leave it out", command->name);
	if (!options->control_path)
		return vballoon_cli_fail(
			VBALLOON_EXIT_USAGE,
			"%s: which vballoond was not said: give --control-path PATH",
			command->name);
	return -1;
}

int main(int argc, char **argv)
{
	struct vballoon_cli_options options = { .timeout_s = TIMEOUT_S };
	const struct command *command;
	struct vballoon_client client;
	int option, code;

	opterr = 0;
	while ((option = getopt_long(argc, argv, ":", long_options, NULL)) != -1) {
		code = take_option(option, argv, &options);
		if (code >= 0)
			return code;
	}
	if (optind == argc)
		return vballoon_cli_fail(VBALLOON_EXIT_USAGE,
					 "no command was given: see vballoonctl --help");
	command = find_command(argv[optind]);
	if (!command)
		return vballoon_cli_fail(VBALLOON_EXIT_USAGE,
					 "%s: there is no such command: see vballoonctl --help",
					 argv[optind]);
	code = check(command, &options, argc - optind - 1);
	if (code >= 0)
		return code;
	options.operand = argv[optind + 1];
	vballoon_client_init(&client, options.control_path);
	code = command->run(&options, &client);
	vballoon_client_close(&client);
	return code;
}
