/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sockets that a service manager has made and hands over: sd_listen_fds(3),
 * without its library. They are told apart by their names, FileDescriptorName=
 * of systemd.socket(5): "vhost" and "control".
 */
#ifndef VBALLOON_DAEMON_ACTIVATION_H
#define VBALLOON_DAEMON_ACTIVATION_H

struct vballoon_activation {
	int vhost_fd; /* -1: it was not handed over */
	int control_fd; /* likewise */
};

/* Take what was handed over, if anything was. Returns 0; -1 when it is not
 * usable, which the log then says. */
int vballoon_activation_take(struct vballoon_activation *activation_out);

#endif /* VBALLOON_DAEMON_ACTIVATION_H */
