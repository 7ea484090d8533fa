/* SPDX-License-Identifier: BSD-3-Clause */
/* A line of text with a descriptor or without, over a Unix socket. */
#ifndef VBALLOON_SUPERVISOR_PARCEL_H
#define VBALLOON_SUPERVISOR_PARCEL_H

#include <stddef.h>

/* Send it once, with @flags as for sendmsg(); no signal is raised. @fd stays the caller's, -1: none.
 * Returns 0 or a negative errno. */
int vballoon_parcel_send(int socket, const char *text, size_t len, int fd, int flags);

#endif /* VBALLOON_SUPERVISOR_PARCEL_H */
