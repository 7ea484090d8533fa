// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/access.h"

/* Read and write for this user, or for a group too. */
#define MODE_ALONE 0600
#define MODE_GROUP 0660

static int read_groups(int fd, struct vballoon_peer *peer)
{
	socklen_t len = 0;

	/* unix(7): with too little room it fails and tells how much it takes. */
	if (!getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &len))
		return 0;
	if (errno != ERANGE)
		return -errno;
	peer->groups = malloc(len);
	if (!peer->groups)
		return -ENOMEM;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, peer->groups, &len))
		return -errno;
	peer->groups_count = len / sizeof(*peer->groups);
	return 0;
}

int vballoon_peer_of(int fd, struct vballoon_peer *peer_out)
{
	struct ucred credentials;
	socklen_t len = sizeof(credentials);
	int err;

	memset(peer_out, 0, sizeof(*peer_out));
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &len))
		return -errno;
	peer_out->pid = credentials.pid;
	peer_out->uid = credentials.uid;
	peer_out->gid = credentials.gid;
	err = read_groups(fd, peer_out);
	if (err)
		vballoon_peer_free(peer_out);
	return err;
}

void vballoon_peer_free(struct vballoon_peer *peer)
{
	free(peer->groups);
	peer->groups = NULL;
	peer->groups_count = 0;
}

mode_t vballoon_access_mode(const struct vballoon_access *access)
{
	if (access->mode != VBALLOON_NO_MODE)
		return access->mode;
	return access->group == VBALLOON_NO_GROUP ? MODE_ALONE : MODE_GROUP;
}

bool vballoon_access_permits(const struct vballoon_access *access, uid_t self,
			     const struct vballoon_peer *peer)
{
	size_t i;

	if (peer->uid == 0 || peer->uid == self)
		return true;
	if (access->group == VBALLOON_NO_GROUP)
		return false;
	if (peer->gid == access->group)
		return true;
	for (i = 0; i < peer->groups_count; i++) {
		if (peer->groups[i] == access->group)
			return true;
	}
	return false;
}
