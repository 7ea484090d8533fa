/* SPDX-License-Identifier: BSD-3-Clause */
/* What procfs tells of a process to everybody: its file `status`. */
#ifndef VBALLOON_DAEMON_PROC_STATUS_H
#define VBALLOON_DAEMON_PROC_STATUS_H

#include <stddef.h>
#include <sys/types.h>

/*
 * Read what follows a name ("VmPin:") in the status of @process, a number or "self".
 * @proc is where procfs is mounted. Returns 0; -ENODATA when the status has no such
 * line, as that of a process which has ended; -errno when it cannot be read.
 */
int vballoon_proc_status_read(const char *proc, const char *process, const char *name, char *text,
			      size_t len);

#endif /* VBALLOON_DAEMON_PROC_STATUS_H */
