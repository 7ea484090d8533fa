/* SPDX-License-Identifier: BSD-3-Clause */
/* The program that workers run, and another one that is tried in its place. */
#ifndef VBALLOON_SUPERVISOR_PROGRAM_H
#define VBALLOON_SUPERVISOR_PROGRAM_H

#include <limits.h>
#include <signal.h>
#include <stdbool.h>

/* What all workers have in common. */
struct vballoon_program {
	char **argv;
	char path[PATH_MAX]; /* for a new one */
	int running; /* the executable file that is known to run */
	int next; /* the one that is tried; -1: none */
	bool takes_sockets; /* LISTEN_PID was this process */
	sigset_t signals; /* as they were before the supervisor blocked some */
};

/* The program that this process runs. Returns 0 or a negative errno. */
int vballoon_program_init(struct vballoon_program *program, char **argv);

/* Whether there is something to upgrade to: 0; -ENOEXEC: it is none that the kernel would run; or
 * another negative errno. */
int vballoon_program_look(const struct vballoon_program *program);

/* Workers from now on are of what is installed now: it is tried. Returns as above. */
int vballoon_program_try(struct vballoon_program *program);

/* What is tried runs; or it does not, and the one before goes on. */
void vballoon_program_settle(struct vballoon_program *program);
void vballoon_program_give_up(struct vballoon_program *program);

static inline bool vballoon_program_is_tried(const struct vballoon_program *program)
{
	return program->next >= 0;
}

#endif /* VBALLOON_SUPERVISOR_PROGRAM_H */
