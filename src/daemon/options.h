/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line of vballoond. */
#ifndef VBALLOON_DAEMON_OPTIONS_H
#define VBALLOON_DAEMON_OPTIONS_H

#include <stdint.h>

struct vballoon_options {
	const char *socket_path; /* NULL: there is a descriptor */
	int fd; /* -1: there is a path */
	const char *control_path; /* NULL: no control socket */
	uint32_t page_shift;
};

/* The outcomes of vballoon_options_parse(). */
enum {
	VBALLOON_OPTIONS_RUN,
	VBALLOON_OPTIONS_EXIT, /* all that was asked for has been printed */
	VBALLOON_OPTIONS_WRONG, /* the log says what is */
};

/* Read the command line. Returns VBALLOON_OPTIONS_*. */
int vballoon_options_parse(int argc, char **argv, struct vballoon_options *options_out);

#endif /* VBALLOON_DAEMON_OPTIONS_H */
