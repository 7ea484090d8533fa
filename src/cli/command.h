/* SPDX-License-Identifier: BSD-3-Clause */
/* The commands of vballoonctl: one table, from which --help is printed. */
#ifndef VBALLOON_CLI_COMMAND_H
#define VBALLOON_CLI_COMMAND_H

#include "cli/cli.h"

struct vballoon_command {
	const char *name;
	const char *operand; /* NULL: it takes none */
	bool takes_many; /* as many as are given; else one */
	bool without_path; /* it may do without --control-path, and sees to that itself */
	unsigned int options; /* bits of those that are its own, by enum vballoon_option_id */
	int (*run)(const struct vballoon_cli_options *options, struct vballoon_client *client);
	const char *summary;
	const char *about; /* lines for its own --help */
};

/* Returns NULL when there is no such command. */
const struct vballoon_command *vballoon_command_find(const char *name);

/* Print the help of a command, or with NULL that of them all. */
void vballoon_command_help(const struct vballoon_command *command);

#endif /* VBALLOON_CLI_COMMAND_H */
