/* SPDX-License-Identifier: BSD-3-Clause */
/* Tell the service manager how the daemon is: sd_notify(3), without its library. */
#ifndef VBALLOON_DAEMON_NOTIFY_H
#define VBALLOON_DAEMON_NOTIFY_H

/* Connect to $NOTIFY_SOCKET, once: later it may be out of reach. */
void vballoon_notify_open(void);

/* Send @state, lines such as "READY=1", there. Without one nothing happens; a
 * manager that does not listen is no reason to fail. */
void vballoon_notify(const char *state);

#endif /* VBALLOON_DAEMON_NOTIFY_H */
