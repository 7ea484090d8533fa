/* SPDX-License-Identifier: BSD-3-Clause */
/* The options of vballoonctl: one table, for reading them and for --help. */
#ifndef VBALLOON_CLI_OPTION_H
#define VBALLOON_CLI_OPTION_H

#include "cli/cli.h"

enum vballoon_option_id {
	VBALLOON_OPTION_CONTROL_PATH,
	VBALLOON_OPTION_JSON,
	VBALLOON_OPTION_HELP,
	VBALLOON_OPTION_VERSION,
	VBALLOON_OPTION_GUEST_SIZE,
	VBALLOON_OPTION_WAIT,
	VBALLOON_OPTION_TIMEOUT,
	VBALLOON_OPTION_INTERVAL,
	VBALLOON_OPTION_ONCE,
	VBALLOON_OPTION_NO_COLOR,
	VBALLOON_OPTION_DEADLINE,
	VBALLOON_OPTION_KEEP,
	VBALLOON_OPTION_REVERT,
	VBALLOON_OPTION_PERIOD,
	VBALLOON_OPTION_BITMAP,
	VBALLOON_OPTION_ZEROS,
	VBALLOON_OPTION_COUNT,
};

#define VBALLOON_OPTION_BIT(name) (1U << VBALLOON_OPTION_##name)

/* What every command takes. */
#define VBALLOON_OPTIONS_COMMON                                                                    \
	(VBALLOON_OPTION_BIT(CONTROL_PATH) | VBALLOON_OPTION_BIT(JSON) |                           \
	 VBALLOON_OPTION_BIT(HELP) | VBALLOON_OPTION_BIT(VERSION))

/* Read the options out of a command line, which is permuted: what is none of them
 * begins at argv[optind] then. @given_out has the bits of those that were there.
 * Returns -1 to go on, or an exit code, having said why. */
int vballoon_option_read(int argc, char **argv, struct vballoon_cli_options *options_out,
			 unsigned int *given_out);

/* @return the name of the first option in @bits, without its dashes. */
const char *vballoon_option_name(unsigned int bits);

/* Print a line or more for each option in @bits. */
void vballoon_option_help(unsigned int bits);

#endif /* VBALLOON_CLI_OPTION_H */
