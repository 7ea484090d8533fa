// SPDX-License-Identifier: BSD-3-Clause
/* vballoonctl: orders for vballoond, over its control socket. */
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>

#include "cli/client.h"
#include "cli/command.h"
#include "cli/option.h"
#include "cli/report.h"

/* See that the options and operands are this command's. Returns -1 to go on. */
static int check(const struct vballoon_command *command, const struct vballoon_cli_options *options,
		 unsigned int given, int operands)
{
	unsigned int alien = given & ~(command->options | VBALLOON_OPTIONS_COMMON);

	if (!command->takes_many && operands != (command->operand ? 1 : 0))
		return vballoon_report_failure(
			VBALLOON_EXIT_USAGE, "%s: it takes %s: see vballoonctl %s --help",
			command->name, command->operand ? command->operand : "no argument",
			command->name);
	if (alien)
		return vballoon_report_failure(
			VBALLOON_EXIT_USAGE,
			"%s: --%s is no option of it: see vballoonctl %s --help", command->name,
			vballoon_option_name(alien), command->name);
	if ((given & VBALLOON_OPTION_BIT(TIMEOUT)) &&
	    command->options & VBALLOON_OPTION_BIT(WAIT) && !options->wait)
		return vballoon_report_failure(VBALLOON_EXIT_USAGE,
					       "%s: --timeout says nothing without --wait: give "
					       "both, or neither",
					       command->name);
	if (options->keeps + options->reverts != (options->deadline_ms != 0))
		return vballoon_report_failure(
			VBALLOON_EXIT_USAGE,
			"%s: a --deadline needs to know what then: give it and "
			"one of --keep and --revert",
			command->name);
	if (!options->control_path && !command->without_path)
		return vballoon_report_no_path(command->name);
	return -1;
}

static int run(const struct vballoon_command *command, const struct vballoon_cli_options *options)
{
	struct vballoon_client client;
	int code;

	vballoon_client_init(&client, options->control_path);
	code = command->run(options, &client);
	vballoon_client_close(&client);
	return code;
}

static int answer(int argc, char **argv)
{
	const struct vballoon_command *command = NULL;
	struct vballoon_cli_options options;
	unsigned int given;
	int code;

	code = vballoon_option_read(argc, argv, &options, &given);
	if (code >= 0)
		return code;
	if (optind < argc) {
		command = vballoon_command_find(argv[optind]);
		if (!command)
			return vballoon_report_failure(
				VBALLOON_EXIT_USAGE,
				"%s: there is no such command: see vballoonctl --help",
				argv[optind]);
	}
	if (options.help) {
		vballoon_command_help(command);
		return VBALLOON_EXIT_OK;
	}
	if (!command)
		return vballoon_report_failure(VBALLOON_EXIT_USAGE,
					       "no command was given: see vballoonctl --help");
	code = check(command, &options, given, argc - optind - 1);
	if (code >= 0)
		return code;
	options.operand = argv[optind + 1];
	options.operands = argv + optind + 1;
	options.operand_count = argc - optind - 1;
	return run(command, &options);
}

/* Whether what was printed is there: a program that reads it believes the exit status. */
static int end(int code)
{
	bool written = !fflush(stdout) && !ferror(stdout);

	if (written || code)
		return code;
	return vballoon_report_failure(
		VBALLOON_EXIT_FAILED,
		"what there is to tell cannot be written: make room, or write it elsewhere");
}

int main(int argc, char **argv)
{
	/* A file that may not become so long is one that cannot be written. */
	signal(SIGXFSZ, SIG_IGN);
	return end(answer(argc, argv));
}
