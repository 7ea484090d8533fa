/* SPDX-License-Identifier: BSD-3-Clause */
/* A Unix stream socket that listens at a path, and goes away with the daemon. */
#ifndef VBALLOON_DAEMON_SOCKET_H
#define VBALLOON_DAEMON_SOCKET_H

#include <stdbool.h>
#include <sys/types.h>

struct vballoon_socket {
	int fd; /* -1: there is none */
	int spare; /* a descriptor to give up when there is no other */
	bool is_full; /* since somebody was turned away, nobody could be let in */
	const char *path; /* NULL: it was handed over, nothing to unlink */
	dev_t dev; /* of the path, so that a successor's socket is not unlinked */
	ino_t ino;
};

/* Find out whether @fd listens or is connected. Returns 0; -ESOCKTNOSUPPORT when it is
 * no Unix stream socket; what getsockopt() gave. */
int vballoon_socket_probe(int fd, bool *listens_out);

/* Make @sock one that listens at nothing. */
void vballoon_socket_init(struct vballoon_socket *sock);

/* Take over a descriptor that listens already. */
void vballoon_socket_adopt(struct vballoon_socket *sock, int fd);

/*
 * Listen at @path, which must outlive the socket. A socket that a dead daemon
 * left behind is replaced; one that a living daemon serves is not.
 * @mask is the umask(2) to make it under. A worker's is kept as @name, and found there by the next.
 * Returns 0; 1 when it was found, and is as the worker before has left it; -1 when it failed, which
 * the log then says, with what to do.
 */
int vballoon_socket_listen(struct vballoon_socket *sock, const char *path, mode_t mask,
			   const char *name);

/* Accept a connection: non-blocking, close-on-exec. Returns the descriptor; -1
 * when there is none. When the process is out of descriptors the connection is
 * turned away rather than left waiting, where it would wake the daemon for ever. */
int vballoon_socket_accept(struct vballoon_socket *sock);

/* Close it and unlink its path, if that is still this socket's. */
void vballoon_socket_close(struct vballoon_socket *sock);

#endif /* VBALLOON_DAEMON_SOCKET_H */
