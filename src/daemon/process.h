/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A process, as procfs shows it to this user. Its files are kept open: to look again takes
 * few calls, and is never a look at another process that has got its number.
 */
#ifndef VBALLOON_DAEMON_PROCESS_H
#define VBALLOON_DAEMON_PROCESS_H

#include <dirent.h>
#include <stdint.h>
#include <sys/types.h>

struct vballoon_process {
	pid_t pid; /* 0: none */
	int status; /* its status; a negative errno: it cannot be read */
	int directory; /* of its descriptors, to see how many; a negative errno: it cannot be had */
	DIR *descriptors; /* the same, to see each of them, or NULL */
	int descriptors_error; /* why NULL: a negative errno */
};

/* No process yet. */
void vballoon_process_init(struct vballoon_process *process);

/*
 * Open what there is to see of process @pid, in place of what was seen before. @proc is where
 * procfs is mounted. Returns 0, also when parts of it are hidden; -ESRCH when numbers mean
 * other processes there than here, or @pid is none.
 */
int vballoon_process_open(struct vballoon_process *process, const char *proc, pid_t pid);

/* See of process @pid what @status and @directory show, which become the callee's; a negative
 * errno: there is none. Its descriptors are counted then, and not seen. */
void vballoon_process_take(struct vballoon_process *process, pid_t pid, int status, int directory);

/* @return the directory of its descriptors anew, the caller's, of which nothing can be asked but how
 *         many it has; a negative errno. */
int vballoon_process_directory(const struct vballoon_process *process);

/* See nothing more of it. */
void vballoon_process_close(struct vballoon_process *process);

/*
 * How much of its memory the host counts as locked or pinned, in KiB; a negative errno when
 * it does not tell. VFIO counts what it pins as locked, the others as pinned.
 */
int64_t vballoon_process_pinned_kib(const struct vballoon_process *process);

/* How many descriptors it has, as the kernel counts them. 0: an old kernel (before 6.2),
 * which does not, or they are hidden. */
uint64_t vballoon_process_descriptor_count(const struct vballoon_process *process);

#endif /* VBALLOON_DAEMON_PROCESS_H */
