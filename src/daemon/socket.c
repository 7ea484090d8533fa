// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/keeper.h"
#include "daemon/log.h"
#include "daemon/lookout.h"
#include "daemon/socket.h"

#define BACKLOG 16

/* How long another daemon's start in the same directory is waited for. */
#define LOCK_TRIES 200
#define LOCK_TRY_US 10000

static int socket_option(int fd, int option, int *value_out)
{
	socklen_t len = sizeof(*value_out);

	return getsockopt(fd, SOL_SOCKET, option, value_out, &len) ? -errno : 0;
}

int vballoon_socket_probe(int fd, bool *listens_out)
{
	int domain = 0, type = 0, listens = 0;
	int err = socket_option(fd, SO_DOMAIN, &domain);

	if (!err)
		err = socket_option(fd, SO_TYPE, &type);
	if (!err)
		err = socket_option(fd, SO_ACCEPTCONN, &listens);
	*listens_out = listens;
	if (!err && (domain != AF_UNIX || type != SOCK_STREAM))
		err = -ESOCKTNOSUPPORT;
	return err;
}

void vballoon_socket_init(struct vballoon_socket *sock)
{
	memset(sock, 0, sizeof(*sock));
	sock->fd = -1;
	sock->spare = -1;
}

void vballoon_socket_adopt(struct vballoon_socket *sock, int fd)
{
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	sock->fd = fd;
	sock->spare = fcntl(sock->fd, F_DUPFD_CLOEXEC, 0);
}

static void directory_of(const char *path, struct sockaddr_un *scratch, const char **directory_out)
{
	memcpy(scratch->sun_path, path, strlen(path) + 1);
	*directory_out = dirname(scratch->sun_path);
}

/*
 * Two daemons that start at once could both find the same dead socket, and the
 * second unlink what the first has just made: hence one at a time in a directory.
 * Anybody who can read the directory can hold this lock, so it is not waited for
 * without end.
 */
static int lock_directory(const char *path)
{
	struct sockaddr_un scratch;
	const char *directory;
	int tries = 0;
	int fd;

	directory_of(path, &scratch, &directory);
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	while (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) && tries++ < LOCK_TRIES)
		usleep(LOCK_TRY_US);
	return fd;
}

/* What a person is to do about an errno; %s is the directory. */
static const struct {
	int err;
	const char *advice;
} advices[] = {
	{ EADDRINUSE, "another process serves it: stop that one, or give another path" },
	{ ENOENT, "the directory is not there: create %s first" },
	{ ENOTDIR, "%s is no directory: give another path" },
	{ ENOTSOCK, "something is there that is no socket: remove it, or give another path" },
	{ EACCES, "permission denied: let this user write to %s, or give another path" },
	{ EPERM, "permission denied: let this user write to %s, or give another path" },
	{ EROFS, "the file system is read-only: give a path in another than %s" },
};

static int fail(const char *path, int err)
{
	struct sockaddr_un scratch;
	const char *directory;
	const char *advice;
	char text[512];
	size_t i;

	directory_of(path, &scratch, &directory);
	for (i = 0; i < sizeof(advices) / sizeof(advices[0]); i++) {
		if (advices[i].err == err)
			break;
	}
	if (i < sizeof(advices) / sizeof(advices[0])) {
		advice = advices[i].advice;
		snprintf(text, sizeof(text), advice, directory);
	} else {
		snprintf(text, sizeof(text), "%s", strerror(err));
	}
	vballoon_log(LOG_ERR, "cannot listen at %s: %s", path, text);
	return -1;
}

/* Unlink a socket that nobody serves. Returns 0 when the path is free now, else
 * an errno that says why not. */
static int clear_path(const struct sockaddr_un *address)
{
	struct stat file;
	int fd, err;

	if (lstat(address->sun_path, &file))
		return errno == ENOENT ? 0 : errno;
	if (!S_ISSOCK(file.st_mode))
		return ENOTSOCK;
	/* A datagram socket cannot connect to a stream socket, but it is told
	 * whether there is one, and whoever serves it is not troubled. */
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return errno;
	err = connect(fd, (const struct sockaddr *)address, sizeof(*address)) ? errno : EADDRINUSE;
	close(fd);
	if (err == ECONNREFUSED)
		return unlink(address->sun_path) ? errno : 0;
	return err == EPROTOTYPE ? EADDRINUSE : err;
}

static int bind_and_listen(struct vballoon_socket *sock, const struct sockaddr_un *address,
			   mode_t mask)
{
	struct stat file;
	mode_t before;
	int err;

	before = umask(mask);
	err = bind(sock->fd, (const struct sockaddr *)address, sizeof(*address)) ? errno : 0;
	umask(before);
	if (err)
		return err;
	if (listen(sock->fd, BACKLOG) || stat(address->sun_path, &file))
		return errno;
	sock->dev = file.st_dev;
	sock->ino = file.st_ino;
	return 0;
}

/* The socket of a worker before, with the path that is in the file system for it. */
static bool adopt_kept(struct vballoon_socket *sock, const char *path, const char *name)
{
	struct stat file;
	int fd = vballoon_keeper_find(name);

	if (fd < 0)
		return false;
	vballoon_socket_adopt(sock, fd);
	if (!stat(path, &file)) {
		sock->path = path;
		sock->dev = file.st_dev;
		sock->ino = file.st_ino;
	}
	return true;
}

int vballoon_socket_listen(struct vballoon_socket *sock, const char *path, mode_t mask,
			   const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int lock, err, fd;

	if (adopt_kept(sock, path, name))
		return 1;
	if (strlen(path) >= sizeof(address.sun_path)) {
		vballoon_log(LOG_ERR,
			     "cannot listen at %s: the path is longer than %zu bytes: "
			     "give a shorter one",
			     path, sizeof(address.sun_path) - 1);
		return -1;
	}
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (fd < 0)
		return fail(path, errno);
	vballoon_socket_adopt(sock, fd);
	lock = lock_directory(path);
	err = clear_path(&address);
	if (!err)
		err = bind_and_listen(sock, &address, mask);
	if (lock >= 0)
		close(lock);
	if (!err) {
		sock->path = path;
		(void)vballoon_keeper_keep(name, sock->fd);
		return 0;
	}
	vballoon_socket_close(sock);
	return fail(path, err);
}

int vballoon_socket_accept(struct vballoon_socket *sock)
{
	int fd = accept4(sock->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd >= 0 || (errno != EMFILE && errno != ENFILE)) {
		sock->is_full = sock->is_full && fd < 0;
		return fd;
	}
	close(sock->spare);
	fd = accept4(sock->fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0)
		close(fd);
	sock->spare = fcntl(sock->fd, F_DUPFD_CLOEXEC, 0);
	/* Whoever comes again and again fills no log. */
	if (!sock->is_full)
		vballoon_log(LOG_ERR, "a connection was turned away: too many open files: "
				      "raise the limit (ulimit -n)");
	sock->is_full = true;
	return -1;
}

void vballoon_socket_close(struct vballoon_socket *sock)
{
	if (sock->path)
		vballoon_lookout_unlink(sock);
	if (sock->fd >= 0)
		close(sock->fd);
	if (sock->spare >= 0)
		close(sock->spare);
	vballoon_socket_init(sock);
}
