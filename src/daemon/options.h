/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line of vballoond, and what else it is set up by: configuration files
 * and sockets that a service manager hands over. */
#ifndef VBALLOON_DAEMON_OPTIONS_H
#define VBALLOON_DAEMON_OPTIONS_H

#include "daemon/settings.h"

/* The outcomes of vballoon_options_parse(). */
enum {
	VBALLOON_OPTIONS_RUN,
	VBALLOON_OPTIONS_EXIT, /* all that was asked for has been printed */
	VBALLOON_OPTIONS_WRONG, /* the log says what is */
};

/* Find out what is asked for. Returns VBALLOON_OPTIONS_*; vballoon_settings_free() is
 * due in any case. */
int vballoon_options_parse(int argc, char **argv, struct vballoon_settings *settings_out);

#endif /* VBALLOON_DAEMON_OPTIONS_H */
