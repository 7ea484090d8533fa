/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A list of the system calls that a process may make from now on; the kernel kills it at any
 * other (seccomp(2)). Calls are told apart by one argument where that matters.
 */
#ifndef VBALLOON_DAEMON_CALL_FILTER_H
#define VBALLOON_DAEMON_CALL_FILTER_H

#include <stddef.h>
#include <stdint.h>

/* What is asked of an argument, by its lower 32 bits: the kernel takes all that are asked about
 * for an int, or has no bit that matters above. */
enum vballoon_call_test {
	VBALLOON_CALL_ANY, /* nothing */
	VBALLOON_CALL_IS, /* that it is the value */
	VBALLOON_CALL_HAS_NONE, /* that it has none of the value's bits */
};

/* One call that is allowed. The same call may be in a list more than once. */
struct vballoon_call {
	const char *name; /* for people */
	int number;
	enum vballoon_call_test test;
	unsigned int argument; /* from 0 on */
	uint32_t value;
};

/* The most that a list can have. */
#define VBALLOON_CALLS_MAX 64

/*
 * What the daemon needs while it serves, first those calls that it needs only where another front
 * end can come; and what the lookout needs.
 */
extern const struct vballoon_call vballoon_daemon_calls[];
extern const size_t vballoon_daemon_calls_count;
extern const size_t vballoon_connect_calls_count;
extern const struct vballoon_call vballoon_lookout_calls[];
extern const size_t vballoon_lookout_calls_count;

/* Allow these calls, by this process for ever, and no others. It must have no_new_privs. Returns
 * 0 or a negative errno: -EINVAL where the kernel has no filters. */
int vballoon_call_filter_install(const struct vballoon_call *calls, size_t count);

#endif /* VBALLOON_DAEMON_CALL_FILTER_H */
