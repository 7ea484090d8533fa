/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A vring: a queue as the front end describes it, message by message, until it
 * can run.
 *
 * It runs while it has been kicked off (SET_VRING_KICK), is enabled, and its
 * rings lie in the guest memory that is there. Much of this is the guest's
 * choice, passed on unchecked; so a ring that cannot run is said to and does
 * not run, and the connection lives on.
 */
#ifndef VBALLOON_VHOST_USER_VRINGS_H
#define VBALLOON_VHOST_USER_VRINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "vhost_user/protocol.h"
#include <vballoon/device.h>

#define VBALLOON_VRINGS_MAX VBALLOON_QUEUES_MAX

struct vballoon_vhost_user;

/* Whose kicks wake us. */
enum vballoon_hearing {
	VBALLOON_HEARS_ALL, /* as in the beginning */
	VBALLOON_HEARS_FROMDEV, /* the device has stopped, and is to tell the driver */
	VBALLOON_HEARS_NONE, /* it has stopped */
};

struct vballoon_vring {
	struct vhost_user_vring_addr addr;
	bool addr_given;
	bool base_given; /* queue.next is the front end's, or from a stop */
	bool kick_given; /* SET_VRING_KICK came, be it to say that there is none */
	bool enabled; /* by SET_VRING_ENABLE */
	bool outside_memory; /* it would run, but its rings are not in guest memory */
	int kick, call, err; /* owned; -1: none */
	bool running;
	uint64_t kicks; /* since the start, until the memory is proven */
	struct vballoon_queue queue; /* as it runs; size and next, if given, also before */
};

void vballoon_vrings_init(struct vballoon_vhost_user *back_end);

/* Have another kick descriptor, or -1. @fd is the vring's from now on, also on
 * failure: 0, or what epoll_ctl() gave. */
int vballoon_vring_set_kick(struct vballoon_vhost_user *back_end, unsigned int index, int fd);

/* Have these kicks wake us; those of others that come meanwhile wake us afterwards. */
void vballoon_vrings_listen(struct vballoon_vhost_user *back_end, enum vballoon_hearing hearing);

/* A device whose queues all stand still may change its record for another. */
bool vballoon_vrings_any_runs(const struct vballoon_vhost_user *back_end);

/* Whether the queues are packed, as the front end has negotiated. */
bool vballoon_vrings_packed(const struct vballoon_vhost_user *back_end);

/* Where a ring goes on, or begins: struct vballoon_queue.next. */
uint32_t vballoon_vring_base(const struct vballoon_vhost_user *back_end,
			     const struct vballoon_vring *vring);

/* Start what can run, stop what cannot. To be called after every change. */
void vballoon_vrings_refresh(struct vballoon_vhost_user *back_end);

/* Have a ring go on where another process was with it, if it @ran there. */
void vballoon_vring_recover(struct vballoon_vhost_user *back_end, unsigned int index, bool ran);

/* Stop a ring; it stays ready to go on where it was. */
void vballoon_vring_stop(struct vballoon_vhost_user *back_end, unsigned int index);

/* Stop every ring, and take it for disabled. */
void vballoon_vrings_disable(struct vballoon_vhost_user *back_end);

/* The driver has kicked a queue. */
void vballoon_vring_kicked(struct vballoon_vhost_user *back_end, unsigned int index);

void vballoon_vrings_close(struct vballoon_vhost_user *back_end);

/* Where the log has the bytes at @gpa if they are of a used ring that is logged
 * apart: true, and the address in *logged_out. */
bool vballoon_vrings_logged(const struct vballoon_vhost_user *back_end, struct vballoon_gpa gpa,
			    struct vballoon_gpa *logged_out);

#endif /* VBALLOON_VHOST_USER_VRINGS_H */
