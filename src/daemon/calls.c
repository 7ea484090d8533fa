// SPDX-License-Identifier: BSD-3-Clause
/* Which system calls who needs. A test counts the daemon's, and sees each of them made. */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "daemon/call_filter.h"

#define ANY(its_name)                                                                              \
	{                                                                                          \
		.name = #its_name, .number = __NR_##its_name, .test = VBALLOON_CALL_ANY            \
	}
#define IS(its_name, its_argument, its_value)                                                      \
	{                                                                                          \
#its_name, __NR_##its_name, VBALLOON_CALL_IS, its_argument, its_value              \
	}
#define HAS_NONE(its_name, its_argument, its_value)                                                \
	{                                                                                          \
#its_name, __NR_##its_name, VBALLOON_CALL_HAS_NONE, its_argument, its_value        \
	}

/* Kernels of one architecture have the old call, those of another only the new. */
#ifdef __NR_epoll_wait
#define EPOLL_WAIT ANY(epoll_wait)
#else
#define EPOLL_WAIT ANY(epoll_pwait)
#endif

const struct vballoon_call vballoon_daemon_calls[] = {
	/* A new front end. */
	ANY(epoll_create1),
	IS(setsockopt, 2, SO_PASSCRED),
	/* The loop, and who speaks to it. */
	EPOLL_WAIT,
	ANY(epoll_ctl),
	ANY(accept4),
	ANY(recvmsg),
	ANY(sendmsg),
	ANY(read),
	ANY(write),
	ANY(preadv2),
	ANY(ppoll), /* a poll() in a process that is stopped goes on as restart_syscall() */
	ANY(close),
	IS(fcntl, 1, F_GETFL),
	IS(fcntl, 1, F_SETFL),
	IS(fcntl, 1, F_SETFD),
	IS(fcntl, 1, F_DUPFD_CLOEXEC),
	ANY(clock_gettime), /* where the host's clock cannot be read without */
	/* The guest's memory: what it is, mapping it, and giving it back. */
	ANY(fstat), /* and not fstat(), see host/fd_stat.h: no call takes a path */
	ANY(fstatfs),
	IS(fcntl, 1, F_GET_SEALS),
	HAS_NONE(mmap, 2, PROT_EXEC),
	ANY(munmap),
	ANY(lseek), /* where there is none of it */
	IS(madvise, 2, MADV_DONTDUMP),
	IS(madvise, 2, MADV_POPULATE_WRITE),
	IS(fallocate, 1, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE),
	IS(fallocate, 1, FALLOC_FL_KEEP_SIZE), /* hugetlb and the like: to bring it back */
	/* The record of it, in files that have all of theirs at once, and other memory. */
	IS(memfd_create, 1, MFD_CLOEXEC | MFD_ALLOW_SEALING),
	ANY(ftruncate),
	IS(fcntl, 1, F_ADD_SEALS),
	ANY(brk),
	ANY(exit_group),
};
const size_t vballoon_daemon_calls_count =
	sizeof(vballoon_daemon_calls) / sizeof(vballoon_daemon_calls[0]);

const size_t vballoon_connect_calls_count = 2;

/* To read, in procfs mostly; and to unlink the daemon's sockets at its end. */
#define WRITES (O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | (O_TMPFILE & ~O_DIRECTORY))

const struct vballoon_call vballoon_lookout_calls[] = {
	ANY(recvmsg),
	ANY(sendmsg),
	HAS_NONE(openat, 2, WRITES),
	ANY(read),
	ANY(preadv2),
	ANY(write), /* a trigger of pressure; nothing else is open for it */
	ANY(lseek),
	ANY(close),
	IS(fcntl, 1, F_DUPFD_CLOEXEC),
	ANY(fstat),
#ifdef __NR_newfstatat
	ANY(newfstatat),
#endif
	ANY(getdents64),
	ANY(readlinkat),
	ANY(getsockopt),
	ANY(geteuid),
#ifdef __NR_unlink
	ANY(unlink),
#else
	ANY(unlinkat),
#endif
	ANY(brk), /* and mmap() never: see prepare_libraries() */
	ANY(exit_group),
};
const size_t vballoon_lookout_calls_count =
	sizeof(vballoon_lookout_calls) / sizeof(vballoon_lookout_calls[0]);
