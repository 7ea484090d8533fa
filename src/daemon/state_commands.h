/* SPDX-License-Identifier: BSD-3-Clause */
/* What goes to another host: the saved state and the skip map, in pieces that fit a line. */
#ifndef VBALLOON_DAEMON_STATE_COMMANDS_H
#define VBALLOON_DAEMON_STATE_COMMANDS_H

#include <jansson.h>
#include <stdint.h>

#include "control/message.h"
#include "daemon/guest.h"

/* A piece of the saved state of a guest that stands still. From @offset 0 on it is that of
 * now, and its later pieces are of the same. Each returns the answer, a new reference, or
 * NULL with @error. */
json_t *vballoon_state_piece(struct vballoon_guest *guest, uint64_t offset,
			     struct vballoon_error *error);

/* A piece of the skip map, from a guest address on; of the zero map. */
json_t *vballoon_skip_piece(const struct vballoon_guest *guest, uint64_t from,
			    struct vballoon_error *error);
json_t *vballoon_zero_piece(const struct vballoon_guest *guest, uint64_t from,
			    struct vballoon_error *error);

#endif /* VBALLOON_DAEMON_STATE_COMMANDS_H */
