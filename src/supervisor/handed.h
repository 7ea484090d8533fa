/* SPDX-License-Identifier: BSD-3-Clause */
/* What the service manager has stored, and hands over to a process that it starts again
 * (sd_listen_fds(3)): behind the sockets, which are the worker's. */
#ifndef VBALLOON_SUPERVISOR_HANDED_H
#define VBALLOON_SUPERVISOR_HANDED_H

#include <stdint.h>

#include "supervisor/store.h"

/* What ours are called: this and a number. */
#define VBALLOON_HANDED_PREFIX "kept-"

/* A name with the manager. */
void vballoon_handed_name(char name[VBALLOON_STORE_NAME_BYTES], uint32_t number);

/* Take what is handed to this process; workers hear of their sockets alone. */
void vballoon_handed_take(struct vballoon_store *handed);

/* A copy of one of these, the caller's; -1: it is not there. */
int vballoon_handed_find(const struct vballoon_store *handed, uint32_t number);

#endif /* VBALLOON_SUPERVISOR_HANDED_H */
