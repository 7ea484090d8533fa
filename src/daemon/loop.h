/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The event loop: epoll, one callback a descriptor.
 *
 * One event is taken at a time, so a callback may remove and free any source,
 * its own too: no event of it can still be waiting in user space. The kernel
 * serves ready descriptors in turn, so a busy one starves nobody.
 */
#ifndef VBALLOON_DAEMON_LOOP_H
#define VBALLOON_DAEMON_LOOP_H

#include <stdint.h>

struct vballoon_loop {
	int epoll;
};

/* A descriptor and what to call when it is ready. It belongs to whoever made
 * it, and stays where it is while it is in the loop. */
struct vballoon_source {
	int fd;
	uint32_t events; /* of epoll(7) */
	void (*ready)(void *context, uint32_t events);
	void *context;
};

/* Returns 0 or a negative errno. */
int vballoon_loop_init(struct vballoon_loop *loop);
void vballoon_loop_deinit(struct vballoon_loop *loop);

/* Watch @source for @source->events. Returns 0 or a negative errno. */
int vballoon_loop_add(struct vballoon_loop *loop, struct vballoon_source *source);

/* Watch a source that is in the loop for other events. */
void vballoon_loop_modify(struct vballoon_loop *loop, struct vballoon_source *source,
			  uint32_t events);

/* To be called before the descriptor is closed. */
void vballoon_loop_remove(struct vballoon_loop *loop, struct vballoon_source *source);

/* Wait for one event and call for it. @timeout_ms as for epoll_wait(2): -1 waits
 * for ever, without a single wakeup. Returns 0, also when nothing came; a
 * negative errno. */
int vballoon_loop_dispatch(struct vballoon_loop *loop, int timeout_ms);

/* @return milliseconds of a clock that only goes forward. */
uint64_t vballoon_loop_now_ms(void);

#endif /* VBALLOON_DAEMON_LOOP_H */
