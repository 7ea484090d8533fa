/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The interlock between giving memory back and a device that is passed through: what is known
 * of one, and how often it has to be looked for, so that none is overlooked.
 *
 * A look at every descriptor of the front end takes a call for each. Between two of them it is
 * seen in two calls whether another is due: see decision 27. Whoever has another process look
 * makes those two by itself: see decisions 42 and 48.
 */
#ifndef VBALLOON_DAEMON_INTERLOCK_H
#define VBALLOON_DAEMON_INTERLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/passthrough.h"

struct vballoon_interlock {
	const char *proc; /* where procfs is mounted */
	enum vballoon_passthrough_mode mode;
	struct vballoon_passthrough known;
	struct vballoon_process process; /* the front end's, as it was last looked at */
	uint64_t looked_ms; /* when, or when another process was asked; 0: not yet */
	uint64_t counted_ms; /* when it was last seen how many descriptors there are */
	uint64_t pins_ms; /* and how much is pinned */
};

/* @proc stays the caller's. */
void vballoon_interlock_init(struct vballoon_interlock *interlock, const char *proc,
			     enum vballoon_passthrough_mode mode);

/* A front end has come: nothing is known of it. */
void vballoon_interlock_begin(struct vballoon_interlock *interlock);

/* It has gone. */
void vballoon_interlock_end(struct vballoon_interlock *interlock);

/* Whether memory may be given back, by what is known. */
bool vballoon_interlock_is_open(const struct vballoon_interlock *interlock);

/*
 * Look at process @pid, the front end's (0: one that cannot be seen from here), unless the operator has
 * spoken. @now_ms is vballoon_loop_now_ms(). Returns whether something else is known now
 * than before, as it is after the first look.
 */
bool vballoon_interlock_look(struct vballoon_interlock *interlock, pid_t pid, uint64_t now_ms);

/* For who has another process look: what that one found at @now_ms. Returns as
 * vballoon_interlock_look(). */
bool vballoon_interlock_take(struct vballoon_interlock *interlock,
			     const struct vballoon_passthrough *found, uint64_t now_ms);

/* Whether a look at process @pid would find what the last one found, as far as can be seen in two
 * calls: it is not old, and as many descriptors are open and as much memory is pinned as then. */
bool vballoon_interlock_holds(struct vballoon_interlock *interlock, pid_t pid, uint64_t now_ms);

/* Memory may be given back next: look as far as that takes. Returns the same. */
bool vballoon_interlock_check(struct vballoon_interlock *interlock, pid_t pid, uint64_t now_ms);

#endif /* VBALLOON_DAEMON_INTERLOCK_H */
