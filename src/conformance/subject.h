/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The program under test: started here, a process for each topic, or one that listens
 * already. It is watched from outside, as far as /proc shows it: whether it lives, sleeps
 * when nothing happens, and keeps its descriptors and its memory.
 */
#ifndef VBALLOON_CONFORMANCE_SUBJECT_H
#define VBALLOON_CONFORMANCE_SUBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct vballoon_subject {
	char *const *command; /* its words, %s in some of them; NULL: it listens already */
	const char *round_command; /* for the shell, with %s: has it begin a round; or NULL */
	char directory[64]; /* of the socket; empty: it is not ours */
	char path[108]; /* of the socket */
	char log_path[108]; /* what it writes to standard error; empty: it is not ours */
	pid_t pid; /* 0: it does not run, or which process it is is unknown */
	bool owned; /* started here */
	bool connects; /* to its socket, which is not its own */
};

/* Begin with a command, or with the path of a socket. Returns 0 or a negative errno. */
int vballoon_subject_init(struct vballoon_subject *subject, char *const *command, const char *path);
void vballoon_subject_deinit(struct vballoon_subject *subject);

/* Start it unless it runs. Returns 0 or a negative errno. */
int vballoon_subject_start(struct vballoon_subject *subject);

/* End it, if it was started here. */
void vballoon_subject_stop(struct vballoon_subject *subject);

/* End it without warning, if it was started here. */
void vballoon_subject_kill(struct vballoon_subject *subject);

/* Run the command that has it begin a round of hints. Returns 0, -EOPNOTSUPP when there is none, -EIO
 * when it fails, or another negative errno. */
int vballoon_subject_begin_round(struct vballoon_subject *subject);

/* Connect to it, once it listens: a socket, or a negative errno after @timeout_ms, or
 * -ECHILD when it has ended. */
int vballoon_subject_connect(struct vballoon_subject *subject, int timeout_ms);

/* Whether it lives; otherwise @why_out says how it ended. */
bool vballoon_subject_lives(struct vballoon_subject *subject, char *why_out, size_t size);

/* Whether all its threads, and those of the processes that it has started, sleep within
 * @timeout_ms; true where that cannot be seen. */
bool vballoon_subject_sleeps(const struct vballoon_subject *subject, int timeout_ms);

/* Its open descriptors, and its memory in KiB without the guest's; 0: unknown. */
unsigned int vballoon_subject_descriptors(const struct vballoon_subject *subject);
uint64_t vballoon_subject_memory_kib(const struct vballoon_subject *subject);

/* The last line that it has written to standard error; empty when unknown. */
void vballoon_subject_last_words(const struct vballoon_subject *subject, char *text, size_t size);

#endif /* VBALLOON_CONFORMANCE_SUBJECT_H */
