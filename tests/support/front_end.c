/* SPDX-License-Identifier: BSD-3-Clause */
#include "front_end.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <cmocka.h>
#include <vballoon/abi/memory_balloon.h>

#define PUMP_MAX 100000 /* a back end that never comes to an end fails the test */
#define AWAIT_MS 20000 /* nor does one in another process take longer */

static void log_line(void *context, int priority, const char *text)
{
	struct front_end *front_end = context;

	(void)priority;
	front_end->log_lines++;
	snprintf(front_end->last_log, sizeof(front_end->last_log), "%s", text);
}

/* Take over what the wire has, for short. */
static void take_over(struct front_end *front_end)
{
	front_end->socket = front_end->wire.link.socket;
	front_end->memory_fd = front_end->wire.memory_fd;
	front_end->memory = front_end->wire.memory;
	front_end->queues = front_end->wire.queues;
	front_end->region = front_end->wire.regions[0];
}

static void pump(void *context)
{
	front_end_pump(context);
}

void front_end_open_queues(struct front_end *front_end, int socket, unsigned int queues)
{
	const struct vhost_user_region region = { .guest_addr = GUEST_BASE, .size = GUEST_BYTES };

	memset(front_end, 0, sizeof(*front_end));
	assert_int_equal(vballoon_front_end_open(&front_end->wire, socket, &region, 1, queues), 0);
	front_end->wire.link.timeout_ms = AWAIT_MS;
	take_over(front_end);
}

void front_end_open_socket(struct front_end *front_end, int socket)
{
	front_end_open_queues(front_end, socket, VIRTIO_MEMORY_BALLOON_VQ_COUNT);
}

void front_end_open(struct front_end *front_end)
{
	front_end_open_device(front_end, VIRTIO_MEMORY_BALLOON_ID, VIRTIO_MEMORY_BALLOON_VQ_COUNT);
}

void front_end_open_device(struct front_end *front_end, uint32_t device_id, unsigned int queues)
{
	struct vballoon_vhost_user_config config = {
		.device_id = device_id,
		.page_shift = 12,
		.features = vballoon_device_features_of(device_id),
		.log = log_line,
		.context = front_end,
	};
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	front_end_open_queues(front_end, ends[0], queues);
	assert_int_equal(vballoon_vhost_user_new(&config, ends[1], &front_end->back_end), 0);
	front_end->wire.link.timeout_ms = 0; /* pumped: an answer is there, or none comes */
	front_end->wire.link.sent = pump;
	front_end->wire.link.context = front_end;
}

void front_end_unshare_memory(struct front_end *front_end)
{
	assert_int_equal(vballoon_front_end_map(&front_end->wire, MAP_PRIVATE), 0);
	take_over(front_end);
}

void front_end_close(struct front_end *front_end)
{
	vballoon_vhost_user_free(front_end->back_end);
	front_end->back_end = NULL;
	vballoon_front_end_close(&front_end->wire);
}

void front_end_pump(struct front_end *front_end)
{
	if (!front_end->back_end)
		return;
	for (unsigned int i = 0; i < PUMP_MAX; i++) {
		front_end->outcome = vballoon_vhost_user_process(front_end->back_end);
		if (front_end->outcome <= 0)
			return;
	}
	fail_msg("the back end never comes to an end");
}

void front_end_send(struct front_end *front_end, uint32_t request, uint32_t flags,
		    const void *payload, uint32_t size, const int *fds, unsigned int fd_count)
{
	assert_int_equal(vballoon_link_send(&front_end->wire.link, request, flags, payload, size,
					    fds, fd_count),
			 0);
}

int front_end_receive(struct front_end *front_end, uint32_t request, void *payload,
		      uint32_t capacity)
{
	int ret = vballoon_link_receive(&front_end->wire.link, request, payload, capacity);

	assert_true(ret >= 0 || ret == -ECONNRESET || (ret == -EAGAIN && front_end->back_end));
	return ret < 0 ? -1 : ret;
}

bool front_end_refused(const struct front_end *front_end)
{
	return front_end->outcome < 0;
}

static void assert_served(const struct front_end *front_end)
{
	if (front_end_refused(front_end))
		fail_msg("%s", vballoon_vhost_user_reason(front_end->back_end));
}

void front_end_set_u64(struct front_end *front_end, uint32_t request, uint64_t value)
{
	assert_int_equal(vballoon_front_end_set_u64(&front_end->wire, request, value), 0);
	assert_served(front_end);
}

uint64_t front_end_get_u64(struct front_end *front_end, uint32_t request)
{
	uint64_t value;

	assert_int_equal(vballoon_link_get_u64(&front_end->wire.link, request, &value), 0);
	return value;
}

uint64_t front_end_ask(struct front_end *front_end, uint32_t request, const void *payload,
		       uint32_t size, const int *fds, unsigned int fd_count)
{
	uint64_t answer;

	assert_int_equal(vballoon_link_ask(&front_end->wire.link, request, payload, size, fds,
					   fd_count, &answer),
			 0);
	return answer;
}

void front_end_set_state(struct front_end *front_end, uint32_t request, uint32_t index,
			 uint32_t num)
{
	assert_int_equal(vballoon_front_end_set_state(&front_end->wire, request, index, num), 0);
	assert_served(front_end);
}

void front_end_set_event(struct front_end *front_end, uint32_t request, unsigned int index, int fd)
{
	assert_int_equal(vballoon_front_end_set_event(&front_end->wire, request, index, fd), 0);
	assert_served(front_end);
}

void front_end_set_mem_table(struct front_end *front_end, const struct vhost_user_region *regions,
			     const int *fds, unsigned int count)
{
	assert_int_equal(vballoon_front_end_set_mem_table(&front_end->wire, regions, fds, count),
			 0);
}

void front_end_set_vring_addr(struct front_end *front_end, unsigned int index, uint32_t flags)
{
	front_end->wire.regions[0] = front_end->region; /* as the test may have changed it */
	assert_int_equal(vballoon_front_end_set_vring_addr(&front_end->wire, index, flags), 0);
	assert_served(front_end);
}

uint32_t front_end_get_vring_base(struct front_end *front_end, unsigned int index)
{
	uint32_t base = 0;

	assert_int_equal(vballoon_front_end_get_vring_base(&front_end->wire, index, &base), 0);
	return base;
}

void front_end_negotiate(struct front_end *front_end, uint64_t features)
{
	const uint64_t offered = front_end_get_u64(front_end, VHOST_USER_GET_PROTOCOL_FEATURES);

	front_end_send(front_end, VHOST_USER_SET_OWNER, 0, NULL, 0, NULL, 0);
	front_end_set_u64(front_end, VHOST_USER_SET_PROTOCOL_FEATURES,
			  FRONT_END_PROTOCOL_FEATURES & offered);
	front_end_set_u64(front_end, VHOST_USER_SET_FEATURES, features);
	front_end->wire.ring_features = vballoon_ring_features(features);
	front_end_set_mem_table(front_end, &front_end->region, &front_end->memory_fd, 1);
	assert_served(front_end);
}

void front_end_new_ring(struct front_end *front_end, unsigned int index)
{
	vballoon_front_end_new_ring(&front_end->wire, index);
}

void front_end_start_queue(struct front_end *front_end, unsigned int index, uint32_t base)
{
	front_end->wire.regions[0] = front_end->region; /* as the test may have changed it */
	assert_int_equal(vballoon_front_end_start_queue(&front_end->wire, index, base), 0);
	assert_served(front_end);
}

uint32_t front_end_stop_queue(struct front_end *front_end, unsigned int index)
{
	front_end_set_state(front_end, VHOST_USER_SET_VRING_ENABLE, index, 0);
	return front_end_get_vring_base(front_end, index);
}

void front_end_start_with(struct front_end *front_end, uint64_t features)
{
	front_end_negotiate(front_end, features);
	for (unsigned int i = 0; i < 2; i++) {
		front_end_new_ring(front_end, i);
		front_end_start_queue(front_end, i,
				      vballoon_front_end_first_base(&front_end->wire));
	}
}

void front_end_start(struct front_end *front_end)
{
	front_end_start_with(front_end, FRONT_END_FEATURES);
}

void front_end_kick(struct front_end *front_end, unsigned int index)
{
	assert_int_equal(vballoon_front_end_kick(&front_end->wire, index), 0);
}

bool front_end_event_raised(int fd)
{
	return vballoon_front_end_event_raised(fd);
}

/* Whether to look at a queue once more, for the call that has come. */
static bool wait_for_call(struct front_end *front_end, unsigned int index)
{
	struct pollfd events[] = {
		{ .fd = front_end->queues[index].call, .events = POLLIN },
		{ .fd = front_end->queues[index].err, .events = POLLIN },
	};

	if (front_end->back_end)
		return false;
	assert_true(poll(events, 2, AWAIT_MS) > 0);
	return front_end_event_raised(events[0].fd);
}

int front_end_collect(struct front_end *front_end, unsigned int index, uint32_t *written_out)
{
	uint64_t token;
	int outcome;

	do {
		outcome = vballoon_driver_ring_collect(&front_end->queues[index].driver, &token,
						       written_out);
	} while (outcome == VBALLOON_COLLECT_NONE && wait_for_call(front_end, index));
	return outcome;
}

uint64_t front_end_memory_held(const struct front_end *front_end)
{
	return vballoon_front_end_memory_held(&front_end->wire);
}
