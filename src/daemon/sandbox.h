/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The daemon locks itself in before it serves: what a guest or a front end could make of a
 * mistake in it is then little. It opens no file, reaches no network, gains no privilege, runs no
 * program, and makes no system call but those in calls.c. What it still has to know of the host
 * the lookout sees for it (lookout.h).
 */
#ifndef VBALLOON_DAEMON_SANDBOX_H
#define VBALLOON_DAEMON_SANDBOX_H

#include <stdbool.h>

#include "daemon/socket.h"

/* What the operator says about it (--sandbox). */
enum vballoon_sandbox_mode {
	VBALLOON_SANDBOX_AUTO, /* as much as the host permits */
	VBALLOON_SANDBOX_ON, /* all of it, or do not start */
	VBALLOON_SANDBOX_OFF,
};

/* The walls. */
enum vballoon_sandbox_wall {
	VBALLOON_WALL_PRIVILEGES, /* no capability, and no way to one */
	VBALLOON_WALL_USER, /* a user namespace of its own */
	VBALLOON_WALL_NETWORK, /* a network namespace of its own */
	VBALLOON_WALL_FILES, /* Landlock: no file */
	VBALLOON_WALL_CALLS, /* seccomp: a list of system calls */
	VBALLOON_WALLS,
};

/* Returns NULL, or what is wrong with @text. */
const char *vballoon_sandbox_parse(const char *text, enum vballoon_sandbox_mode *mode_out);

/* @return a wall's name in the control protocol. */
const char *vballoon_sandbox_wall_name(enum vballoon_sandbox_wall wall);

/* @return whether a wall stands. */
bool vballoon_sandbox_has(enum vballoon_sandbox_wall wall);

/*
 * Lock this process in, for ever. @sockets, up to a NULL, are unlinked at its end all the same.
 * @front_ends: whether another front end can come, which takes a few calls more than serving the
 * one that is there.
 * Returns 0; -1 when it is on, or nothing can be outside, and it failed, which the log says.
 */
int vballoon_sandbox_enter(enum vballoon_sandbox_mode mode,
			   const struct vballoon_socket *const *sockets, bool front_ends);

#endif /* VBALLOON_DAEMON_SANDBOX_H */
