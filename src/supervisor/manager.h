/* SPDX-License-Identifier: BSD-3-Clause */
/* The service manager, as sd_notify(3) of systemd has it. */
#ifndef VBALLOON_SUPERVISOR_MANAGER_H
#define VBALLOON_SUPERVISOR_MANAGER_H

#include <stddef.h>

/* A descriptor to write to it, which belongs to the caller; -ENODATA: there is none; or a negative
 * errno. */
int vballoon_manager_open(void);

/* Have it store @fd, which stays the caller's, under a name, or store it no more; it is waited for
 * as long as that makes sense. 0 or a negative errno. */
int vballoon_manager_store(const char *name, int fd);
int vballoon_manager_unstore(const char *name);

/* Tell the manager, if there is one: 0 or a negative errno. */
int vballoon_manager_tell(const char *text, size_t len);

#endif /* VBALLOON_SUPERVISOR_MANAGER_H */
