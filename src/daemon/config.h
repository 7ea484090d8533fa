/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Configuration files: lines "name = value", with the names of the long options.
 * Blank lines and those that begin with # say nothing.
 */
#ifndef VBALLOON_DAEMON_CONFIG_H
#define VBALLOON_DAEMON_CONFIG_H

#include "daemon/settings.h"

/* All return 0; -1 when a file is wrong, which the log then says, with its line. */
int vballoon_config_read_file(const char *path, struct vballoon_settings *settings);

/* Read vballoond.conf in @directory, then conf.d/ beside it, the files named *.conf
 * in the order of their names, what there is of them. What is read later counts. */
int vballoon_config_read_directory(const char *directory, struct vballoon_settings *settings);

/* Read again what was read before, as it is in settings->lines then. */
int vballoon_config_read_lines(const char *lines, struct vballoon_settings *settings);

#endif /* VBALLOON_DAEMON_CONFIG_H */
