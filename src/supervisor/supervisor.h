/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The supervisor: a process that does next to nothing, so that it has next to no reason to die.
 * It holds what the worker, the daemon proper, would take with it, and starts another worker when
 * one is killed. It knows nothing of balloons, guests or vhost-user but where a message ends.
 */
#ifndef VBALLOON_SUPERVISOR_SUPERVISOR_H
#define VBALLOON_SUPERVISOR_SUPERVISOR_H

/*
 * Run workers, this program with these arguments, until one ends by itself or the supervisor is
 * told to by SIGTERM or SIGINT. @log has a line for the operator; priority as for syslog().
 * Returns the exit status to end with.
 */
int vballoon_supervisor_run(char **argv, void (*log)(int priority, const char *format, ...));

#endif /* VBALLOON_SUPERVISOR_SUPERVISOR_H */
