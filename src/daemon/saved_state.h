/* SPDX-License-Identifier: BSD-3-Clause */
/* A saved state in the daemon's memory: read from a file for a guest that is to come, or
 * taken of the guest that is there. */
#ifndef VBALLOON_DAEMON_SAVED_STATE_H
#define VBALLOON_DAEMON_SAVED_STATE_H

#include <stddef.h>
#include <stdint.h>

#include <vballoon/device.h>
#include <vballoon/vhost_user.h>

/* Zero-initialised: there is none. */
struct vballoon_saved_state {
	void *bytes; /* owned */
	size_t len;
};

/* Read the file at @path. Returns 0; -1 when there is no state in it, and the log says why. */
int vballoon_saved_state_read(struct vballoon_saved_state *state, const char *path,
			      struct vballoon_saved_info *info_out);

/* Whether a device like @here can go on with what was read. Returns 0; -1, likewise. */
int vballoon_saved_state_check(const struct vballoon_saved_info *info, const char *path,
			       const struct vballoon_feature_set *here);

/* Take that of a guest. Returns 0; -ENOMEM; as vballoon_vhost_user_save(). */
int vballoon_saved_state_take(struct vballoon_saved_state *state,
			      const struct vballoon_vhost_user *back_end);

void vballoon_saved_state_free(struct vballoon_saved_state *state);

#endif /* VBALLOON_DAEMON_SAVED_STATE_H */
