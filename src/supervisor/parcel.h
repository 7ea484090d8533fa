/* SPDX-License-Identifier: BSD-3-Clause */
/* Bytes with descriptors or without, over a Unix socket. */
#ifndef VBALLOON_SUPERVISOR_PARCEL_H
#define VBALLOON_SUPERVISOR_PARCEL_H

#include <stddef.h>
#include <sys/types.h>

#include "supervisor/relay.h"

#define VBALLOON_PARCEL_FDS_MAX VBALLOON_RELAY_FDS_MAX

/* Send them once, with @flags as for sendmsg(); no signal is raised. The @fd_count descriptors,
 * VBALLOON_PARCEL_FDS_MAX at the most, stay the caller's. Returns 0 or a negative errno. */
int vballoon_parcel_send(int socket, const void *bytes, size_t len, const int *fds,
			 unsigned int fd_count, int flags);

/* The same with one descriptor; -1: none. */
static inline int vballoon_parcel_send_one(int socket, const void *bytes, size_t len, int fd,
					   int flags)
{
	return vballoon_parcel_send(socket, bytes, len, &fd, fd >= 0, flags);
}

/* Receive them once, with @flags as for recvmsg(), and the first descriptor of them, which is the
 * caller's; -1: there was none. Returns how many bytes, or a negative errno. */
ssize_t vballoon_parcel_receive_one(int socket, void *bytes, size_t len, int *fd_out, int flags);

#endif /* VBALLOON_SUPERVISOR_PARCEL_H */
