/* SPDX-License-Identifier: BSD-3-Clause */
/* The conversation: one message at a time, by a table of what each may be. */
#ifndef VBALLOON_VHOST_USER_SESSION_H
#define VBALLOON_VHOST_USER_SESSION_H

struct vballoon_vhost_user;

/* Read and deal with a bounded number of messages. Returns 0; 1 when there may
 * be more; -ECONNRESET or -EPROTO when the connection is over. */
int vballoon_session_process(struct vballoon_vhost_user *back_end);

#endif /* VBALLOON_VHOST_USER_SESSION_H */
