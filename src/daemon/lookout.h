/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the daemon wants to know of the host once it has locked itself in (sandbox.h): a process
 * of its own stays outside and looks. It gives a few fixed answers, and understands nothing else.
 *
 * Without a sandbox there is no such process, and the same functions look for themselves. When
 * the process has ended nothing is known any more: then nobody is permitted anything, and a
 * device is taken to be passed through.
 */
#ifndef VBALLOON_DAEMON_LOOKOUT_H
#define VBALLOON_DAEMON_LOOKOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "daemon/access.h"
#include "daemon/interlock.h"
#include "daemon/passthrough.h"
#include "daemon/socket.h"

/* What can be asked. */
enum vballoon_lookout_question {
	VBALLOON_LOOKOUT_PASSTHROUGH,
	VBALLOON_LOOKOUT_STATUS,
	VBALLOON_LOOKOUT_DESCRIPTORS,
	VBALLOON_LOOKOUT_PRESSURE,
	VBALLOON_LOOKOUT_MEMORY,
	VBALLOON_LOOKOUT_ACCESS,
	VBALLOON_LOOKOUT_NAME,
	VBALLOON_LOOKOUT_UNLINK,
	VBALLOON_LOOKOUT_QUESTIONS,
};

struct vballoon_lookout_request {
	enum vballoon_lookout_question question;
	pid_t pid; /* PASSTHROUGH, STATUS, DESCRIPTORS */
	uint64_t now_ms; /* PASSTHROUGH */
	unsigned int percent; /* PRESSURE */
	struct vballoon_access access; /* ACCESS */
	dev_t dev; /* UNLINK: of the socket */
	ino_t ino;
};

struct vballoon_lookout_answer {
	int outcome; /* 0, or a negative errno */
	bool yes; /* MEMORY: it is short; ACCESS: it may */
	pid_t pid; /* ACCESS, NAME: of the peer */
	uid_t uid; /* ACCESS */
	char name[64]; /* NAME */
	struct vballoon_passthrough passthrough; /* PASSTHROUGH */
};

/* Answer, wherever this is called. @fd is what the request is about, the caller's, or -1;
 * @sockets are those that may be unlinked, up to a NULL. @fd_out is the answer's descriptor, or
 * -1. */
void vballoon_lookout_answer(const struct vballoon_lookout_request *request, int fd,
			     const struct vballoon_socket *const *sockets,
			     struct vballoon_lookout_answer *answer_out, int *fd_out);

/* Start the process; @sockets, up to a NULL, are what it will unlink. It ends when this process
 * does. Returns 0 or a negative errno. */
int vballoon_lookout_start(const struct vballoon_socket *const *sockets);

/* As vballoon_interlock_look() and vballoon_interlock_check(). Of what the lookout keeps open of a
 * process it hands out the status, to be read here, and the directory of its descriptors, to be
 * counted here: so it is asked only when either has changed, and each second. */
bool vballoon_lookout_look(struct vballoon_interlock *interlock, pid_t pid, uint64_t now_ms);
bool vballoon_lookout_check(struct vballoon_interlock *interlock, pid_t pid, uint64_t now_ms);

/* A trigger of memory pressure, as pressure.h has it: a descriptor to poll, or a negative errno. */
int vballoon_lookout_pressure(unsigned int percent);

/* Whether the host is short of memory. Returns 0; a negative errno when that cannot be seen. */
int vballoon_lookout_memory(bool *short_out);

/* Whether who has connected at @fd may give orders. @peer_out has its process and its user.
 * Returns 0; a negative errno when it cannot be found out, and then it may not. */
int vballoon_lookout_access(int fd, const struct vballoon_access *access,
			    struct vballoon_peer *peer_out, bool *permitted_out);

/* The process that has connected at @fd, "1234 (qemu-system-x86)", for the log. */
void vballoon_lookout_name(int fd, char *text, size_t len);

/* Unlink the path of a socket, if that is still this socket's. */
void vballoon_lookout_unlink(const struct vballoon_socket *sock);

#endif /* VBALLOON_DAEMON_LOOKOUT_H */
