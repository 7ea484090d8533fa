// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "daemon/loop.h"

int vballoon_loop_init(struct vballoon_loop *loop)
{
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	return loop->epoll < 0 ? -errno : 0;
}

void vballoon_loop_deinit(struct vballoon_loop *loop)
{
	close(loop->epoll);
	loop->epoll = -1;
}

int vballoon_loop_add(struct vballoon_loop *loop, struct vballoon_source *source)
{
	struct epoll_event event = { .events = source->events, .data.ptr = source };

	return epoll_ctl(loop->epoll, EPOLL_CTL_ADD, source->fd, &event) ? -errno : 0;
}

void vballoon_loop_modify(struct vballoon_loop *loop, struct vballoon_source *source,
			  uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = source };

	if (events == source->events)
		return;
	source->events = events;
	epoll_ctl(loop->epoll, EPOLL_CTL_MOD, source->fd, &event);
}

void vballoon_loop_remove(struct vballoon_loop *loop, struct vballoon_source *source)
{
	epoll_ctl(loop->epoll, EPOLL_CTL_DEL, source->fd, NULL);
}

int vballoon_loop_dispatch(struct vballoon_loop *loop, int timeout_ms)
{
	struct vballoon_source *source;
	struct epoll_event event;
	int count = epoll_wait(loop->epoll, &event, 1, timeout_ms);

	if (count < 0)
		return errno == EINTR ? 0 : -errno;
	if (count) {
		source = event.data.ptr;
		source->ready(source->context, event.events);
	}
	return 0;
}

uint64_t vballoon_loop_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}
