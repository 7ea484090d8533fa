/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What an open file is: fstat(), by a system call that a filter can know. The C library takes this
 * one or newfstatat(), by its version, and that one can be asked about any path.
 */
#ifndef VBALLOON_HOST_FD_STAT_H
#define VBALLOON_HOST_FD_STAT_H

#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Returns 0; -1 with errno. */
static inline int vballoon_fd_stat(int fd, struct stat *st_out)
{
	/* Where there is a filter, the kernel's struct stat is the C library's. */
#if defined(__LP64__) && (defined(__x86_64__) || defined(__aarch64__))
	return (int)syscall(SYS_fstat, fd, st_out);
#else
	return fstat(fd, st_out);
#endif
}

#endif /* VBALLOON_HOST_FD_STAT_H */
