/* SPDX-License-Identifier: BSD-3-Clause */
#include "nth.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>

#define OWNED_MAX 1024U

bool (*nth_may_fail)(unsigned int number, const char *name);

static unsigned int number, calls, depth;
static enum nth_mode mode;
static const char *failed;
/* What was allocated and is not free yet. */
static void *owned[OWNED_MAX];

void nth_arm(unsigned int the_number, enum nth_mode the_mode)
{
	number = the_number;
	mode = the_mode;
	calls = 0;
	failed = NULL;
}

void nth_enter(void)
{
	depth++;
}

void nth_leave(void)
{
	depth--;
}

unsigned int nth_calls(void)
{
	return calls;
}

const char *nth_failed(void)
{
	return failed;
}

long nth_allocated(void)
{
	long count = 0;

	for (unsigned int i = 0; i < OWNED_MAX; i++)
		count += owned[i] != NULL;
	return count;
}

/* Whether this call is to fail. */
static bool fails(const char *name)
{
	bool is_it;

	if (!depth)
		return false;
	calls++;
	is_it = number && (calls == number || (calls > number && mode == NTH_FROM_THEN_ON));
	if (is_it && !failed) {
		failed = name;
		return !nth_may_fail || nth_may_fail(calls, name);
	}
	return is_it;
}

/* In the place of @old, which may be NULL. */
static void own(void *old, void *memory)
{
	for (unsigned int i = 0; i < OWNED_MAX; i++) {
		if (owned[i] != old)
			continue;
		owned[i] = memory;
		return;
	}
	if (!old)
		abort(); /* there is no room to remember it in */
}

static void *owned_now(void *old, void *memory)
{
	if (depth && memory)
		own(old, memory);
	return memory;
}

/* The call itself, and what is called instead. The build takes the names from these lines. */
#define WRAP_WHERE(type, name, condition, error, failure, parameters, arguments)                   \
	type __real_##name parameters;                                                             \
	type __wrap_##name parameters;                                                             \
	type __wrap_##name parameters                                                              \
	{                                                                                          \
		if ((condition) && fails(#name)) {                                                 \
			errno = error;                                                             \
			return failure;                                                            \
		}                                                                                  \
		return __real_##name arguments;                                                    \
	}

#define WRAP(type, name, error, failure, parameters, arguments)                                    \
	WRAP_WHERE(type, name, true, error, failure, parameters, arguments)

#define WRAP_ALLOCATION(name, old, parameters, arguments)                                          \
	void *__real_##name parameters;                                                            \
	void *__wrap_##name parameters;                                                            \
	void *__wrap_##name parameters                                                             \
	{                                                                                          \
		if (fails(#name)) {                                                                \
			errno = ENOMEM;                                                            \
			return NULL;                                                               \
		}                                                                                  \
		return owned_now(old, __real_##name arguments);                                    \
	}

WRAP_ALLOCATION(malloc, NULL, (size_t size), (size))
WRAP_ALLOCATION(calloc, NULL, (size_t count, size_t size), (count, size))
WRAP_ALLOCATION(realloc, old, (void *old, size_t size), (old, size))

void __real_free(void *memory);
void __wrap_free(void *memory);
void __wrap_free(void *memory)
{
	if (depth && memory)
		own(memory, NULL);
	__real_free(memory);
}

/* Names as they are where a file's length has 64 bits. */
WRAP(void *, mmap64, ENOMEM, (void *)-1,
     (void *at, size_t len, int protection, int flags, int fd, off_t offset),
     (at, len, protection, flags, fd, offset))
WRAP(int, madvise, ENOMEM, -1, (void *at, size_t len, int advice), (at, len, advice))
WRAP(int, memfd_create, EMFILE, -1, (const char *name, unsigned int flags), (name, flags))
WRAP(int, ftruncate64, ENOSPC, -1, (int fd, off_t len), (fd, len))
/* To have a descriptor closed, or kept, when another program runs can fail for a mistake alone. */
WRAP_WHERE(int, fcntl64, command != F_SETFD, EPERM, -1, (int fd, int command, long argument),
	   (fd, command, argument))
/* As many arguments as one can have. To look at what is not open fails by itself. */
WRAP_WHERE(long, syscall, call != SYS_fstat || !__real_syscall(call, a, b, c, d, e, f), EIO, -1,
	   (long call, long a, long b, long c, long d, long e, long f), (call, a, b, c, d, e, f))
WRAP(int, fstatfs64, EIO, -1, (int fd, struct statfs *fs), (fd, fs))
WRAP(off_t, lseek64, EIO, -1, (int fd, off_t offset, int from), (fd, offset, from))
WRAP(int, fallocate64, ENOSPC, -1, (int fd, int how, off_t offset, off_t len),
     (fd, how, offset, len))
WRAP(int, epoll_create1, EMFILE, -1, (int flags), (flags))
/* To add takes memory; to change what is there, or take it out, can fail for a mistake alone. */
WRAP_WHERE(int, epoll_ctl, op == EPOLL_CTL_ADD, ENOSPC, -1,
	   (int epoll, int op, int fd, struct epoll_event *event), (epoll, op, fd, event))
WRAP(int, epoll_wait, EINTR, -1, (int epoll, struct epoll_event *events, int most, int timeout),
     (epoll, events, most, timeout))
WRAP(int, ppoll, ENOMEM, -1,
     (struct pollfd * fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask),
     (fds, count, timeout, mask))
WRAP(int, setsockopt, EPERM, -1, (int fd, int level, int option, const void *value, socklen_t len),
     (fd, level, option, value, len))
WRAP(ssize_t, recvmsg, ENOMEM, -1, (int fd, struct msghdr *message, int flags),
     (fd, message, flags))
WRAP(ssize_t, read, EIO, -1, (int fd, void *bytes, size_t len), (fd, bytes, len))
WRAP(ssize_t, write, EIO, -1, (int fd, const void *bytes, size_t len), (fd, bytes, len))
/* What a daemon calls besides. */
WRAP(char *, strdup, ENOMEM, NULL, (const char *text), (text))
WRAP(int, open64, EACCES, -1, (const char *path, int flags, mode_t rights), (path, flags, rights))
WRAP(FILE *, fopen64, EACCES, NULL, (const char *path, const char *how), (path, how))
WRAP(DIR *, opendir, EACCES, NULL, (const char *path), (path))
WRAP(FILE *, fmemopen, ENOMEM, NULL, (void *bytes, size_t len, const char *how), (bytes, len, how))
WRAP(int, openat64, EACCES, -1, (int fd, const char *path, int flags, mode_t rights),
     (fd, path, flags, rights))
WRAP(int, scandir64, EACCES, -1,
     (const char *path, struct dirent ***entries, int (*choose)(const struct dirent *),
      int (*order)(const struct dirent **, const struct dirent **)),
     (path, entries, choose, order))
WRAP(int, stat64, EACCES, -1, (const char *path, struct stat *st), (path, st))
WRAP(int, lstat64, EACCES, -1, (const char *path, struct stat *st), (path, st))
WRAP(ssize_t, readlinkat, EACCES, -1, (int fd, const char *path, char *text, size_t len),
     (fd, path, text, len))
WRAP(int, socket, EMFILE, -1, (int family, int type, int protocol), (family, type, protocol))
WRAP(int, socketpair, EMFILE, -1, (int family, int type, int protocol, int ends[2]),
     (family, type, protocol, ends))
WRAP(int, bind, EACCES, -1, (int fd, const struct sockaddr *to, socklen_t len), (fd, to, len))
WRAP(int, listen, EADDRINUSE, -1, (int fd, int backlog), (fd, backlog))
WRAP(int, connect, ENOMEM, -1, (int fd, const struct sockaddr *to, socklen_t len), (fd, to, len))
WRAP(int, flock, ENOLCK, -1, (int fd, int operation), (fd, operation))
WRAP(int, lchown, EPERM, -1, (const char *path, uid_t user, gid_t group), (path, user, group))
WRAP(int, unlink, EACCES, -1, (const char *path), (path))
WRAP(int, getsockopt, ENOMEM, -1, (int fd, int level, int option, void *value, socklen_t *len),
     (fd, level, option, value, len))
WRAP(int, accept4, EMFILE, -1, (int fd, struct sockaddr *from, socklen_t *len, int flags),
     (fd, from, len, flags))
WRAP(ssize_t, sendmsg, ENOMEM, -1, (int fd, const struct msghdr *message, int flags),
     (fd, message, flags))
WRAP(int, fork, EAGAIN, -1, (void), ())
WRAP(int, unshare, EPERM, -1, (int what), (what))
WRAP(int, close_range, EINVAL, -1, (unsigned int first, unsigned int last, int flags),
     (first, last, flags))
WRAP(int, prctl, EPERM, -1, (int what, long a, long b, long c, long d), (what, a, b, c, d))
WRAP(int, signalfd, EMFILE, -1, (int fd, const sigset_t *mask, int flags), (fd, mask, flags))
WRAP(int, sigprocmask, EINVAL, -1, (int how, const sigset_t *mask, sigset_t *before),
     (how, mask, before))
/* What looks out for one. */
WRAP(int, poll, ENOMEM, -1, (struct pollfd * fds, nfds_t count, int timeout), (fds, count, timeout))
WRAP(ssize_t, send, ENOBUFS, -1, (int fd, const void *bytes, size_t len, int flags),
     (fd, bytes, len, flags))
WRAP(ssize_t, recv, ENOMEM, -1, (int fd, void *bytes, size_t len, int flags),
     (fd, bytes, len, flags))
WRAP(ssize_t, readlink, EACCES, -1, (const char *path, char *text, size_t len), (path, text, len))
WRAP(int, access, EACCES, -1, (const char *path, int rights), (path, rights))
WRAP(ssize_t, pread64, EIO, -1, (int fd, void *bytes, size_t len, off_t offset),
     (fd, bytes, len, offset))
WRAP(int, setenv, ENOMEM, -1, (const char *name, const char *value, int replaces),
     (name, value, replaces))
WRAP(int, fexecve, ENOMEM, -1, (int fd, char *const *words, char *const *environment),
     (fd, words, environment))
/* What both do. */
WRAP(int, dup2, EMFILE, -1, (int from, int to), (from, to))
WRAP(ssize_t, preadv64v2, ENOMEM, -1,
     (int fd, const struct iovec *parts, int count, off_t offset, int flags),
     (fd, parts, count, offset, flags))

void nth_write_error(const char *text, size_t len)
{
	ssize_t ignored = __real_write(2, text, len);

	(void)ignored; /* who looks out for the daemon has nothing open to write to */
}
