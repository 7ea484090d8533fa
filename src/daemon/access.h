/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who may give orders: root, the user that the daemon runs as, and the members
 * of a group. The socket's mode decides who reaches it; this asks the kernel who
 * it is, because a mode changes easily and a descriptor can be passed on.
 */
#ifndef VBALLOON_DAEMON_ACCESS_H
#define VBALLOON_DAEMON_ACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define VBALLOON_NO_MODE ((mode_t)-1)
#define VBALLOON_NO_GROUP ((gid_t)-1)

struct vballoon_access {
	mode_t mode; /* of the control socket; VBALLOON_NO_MODE: as the group asks for */
	gid_t group; /* whose members may; VBALLOON_NO_GROUP: none */
};

/* A process, as the kernel knows it from when it connected. */
struct vballoon_peer {
	pid_t pid;
	uid_t uid;
	gid_t gid;
	gid_t *groups; /* supplementary; to be freed */
	size_t groups_count;
};

/* Find out who is at the other end of a connection. Returns 0 or a negative errno. */
int vballoon_peer_of(int fd, struct vballoon_peer *peer_out);
void vballoon_peer_free(struct vballoon_peer *peer);

/* The mode to make the control socket with. */
mode_t vballoon_access_mode(const struct vballoon_access *access);

/* Whether @peer may give orders to a daemon that runs as @self. */
bool vballoon_access_permits(const struct vballoon_access *access, uid_t self,
			     const struct vballoon_peer *peer);

#endif /* VBALLOON_DAEMON_ACCESS_H */
