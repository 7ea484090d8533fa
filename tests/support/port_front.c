/* SPDX-License-Identifier: BSD-3-Clause */
#include "port_front.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/le.h"

#define AWAIT_MS 20000
#define PROCESS_MAX 100000

static uint64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* A back end in this process has its turn. */
void port_front_pump(struct port_front *front)
{
	unsigned int turns = 0;

	while (front->back_end && vballoon_vhost_user_process(front->back_end) > 0)
		assert_true(++turns < PROCESS_MAX);
}

static void sent(void *context)
{
	port_front_pump(context);
}

static void reset(void *side)
{
	struct port_front *front = side;

	if (!front->guest.starts)
		return;
	for (unsigned int i = 0; i < 2; i++) {
		uint32_t base;

		assert_int_equal(vballoon_front_end_stop_queue(&front->wire, i, &base), 0);
	}
}

/* Where the host sees a part of a queue. */
static uint64_t host_at(struct vballoon_front_end *wire, struct vballoon_gpa gpa)
{
	return (uintptr_t)vballoon_front_end_at(wire, gpa.value);
}

void port_front_start_queue(struct vballoon_front_end *wire, unsigned int index,
			    const struct vballoon_queue *queue)
{
	const struct vhost_user_vring_addr addr = {
		.index = index,
		.desc = host_at(wire, queue->desc),
		.avail = host_at(wire, queue->avail),
		.used = host_at(wire, queue->used),
	};

	assert_int_equal(
		vballoon_front_end_set_state(wire, VHOST_USER_SET_VRING_NUM, index, queue->size),
		0);
	assert_int_equal(
		vballoon_front_end_set_state(wire, VHOST_USER_SET_VRING_BASE, index, queue->next),
		0);
	assert_int_equal(vballoon_link_send(&wire->link, VHOST_USER_SET_VRING_ADDR, 0, &addr,
					    sizeof(addr), NULL, 0),
			 0);
	assert_int_equal(vballoon_front_end_set_event(wire, VHOST_USER_SET_VRING_KICK, index,
						      wire->queues[index].kick),
			 0);
	assert_int_equal(vballoon_front_end_set_event(wire, VHOST_USER_SET_VRING_CALL, index,
						      wire->queues[index].call),
			 0);
	assert_int_equal(vballoon_front_end_set_state(wire, VHOST_USER_SET_VRING_ENABLE, index, 1),
			 0);
}

void port_front_share(struct port_front *front)
{
	assert_int_equal(
		vballoon_front_end_set_u64(&front->wire, VHOST_USER_SET_FEATURES, front->features),
		0);
	assert_int_equal(vballoon_front_end_share_memory(&front->wire), 0);
}

static int start(void *side, uint64_t features, const struct vballoon_queue queues[2])
{
	struct port_front *front = side;

	front->features = features | UINT64_C(1) << VHOST_USER_F_PROTOCOL_FEATURES;
	memcpy(front->queues, queues, sizeof(front->queues));
	if (front->guest.starts == 1)
		port_front_share(front);
	for (unsigned int i = 0; i < 2; i++)
		port_front_start_queue(&front->wire, i, &queues[i]);
	return 0;
}

static void notify(void *side, unsigned int queue)
{
	struct port_front *front = side;

	assert_int_equal(vballoon_front_end_kick(&front->wire, queue), 0);
}

static const struct port_side side_ops = { reset, start, notify };

void port_front_greet(struct port_front *front)
{
	const uint64_t protocol = UINT64_C(1) << VHOST_USER_PROTOCOL_F_MQ |
				  UINT64_C(1) << VHOST_USER_PROTOCOL_F_CONFIG |
				  UINT64_C(1) << VHOST_USER_PROTOCOL_F_DEVICE_STATE;

	assert_int_equal(
		vballoon_link_send(&front->wire.link, VHOST_USER_SET_OWNER, 0, NULL, 0, NULL, 0),
		0);
	assert_int_equal(
		vballoon_link_get_u64(&front->wire.link, VHOST_USER_GET_FEATURES, &front->offered),
		0);
	assert_int_equal(vballoon_front_end_set_u64(&front->wire, VHOST_USER_SET_PROTOCOL_FEATURES,
						    protocol),
			 0);
}

void port_front_open(struct port_front *front, int socket, struct vballoon_vhost_user *back_end)
{
	const struct vhost_user_region regions[] = {
		{ PORT_SHARED, PORT_RANGE_BYTES, 0, 0 },
		{ PORT_LOW, 2 * PORT_RANGE_BYTES, 0, PORT_RANGE_BYTES },
		{ PORT_HIGH, PORT_RANGE_BYTES, 0, 3 * PORT_RANGE_BYTES },
	};
	memset(front, 0, sizeof(*front));
	front->back_end = back_end;
	assert_int_equal(vballoon_front_end_open(&front->wire, socket, regions, 3, 2), 0);
	front->wire.link.timeout_ms = AWAIT_MS;
	front->wire.link.sent = sent;
	front->wire.link.context = front;
	port_front_greet(front);
	port_guest_prepare_at(&front->guest, front->offered, 12, front->wire.memory);
	front->guest.block = 16;
	front->guest.now_ms = clock_ms();
}

void port_front_open_pair(struct port_front *front)
{
	struct vballoon_vhost_user_config config = {
		.page_shift = 12,
		.features = vballoon_device_features_max(),
	};
	struct vballoon_vhost_user *back_end;
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(vballoon_vhost_user_new(&config, ends[1], &back_end), 0);
	port_front_open(front, ends[0], back_end);
}

void port_front_start(struct port_front *front)
{
	port_guest_init(&front->guest, &side_ops, front);
}

void port_front_reconnect(struct port_front *front, int socket)
{
	close(front->wire.link.socket);
	front->wire.link.socket = socket;
	port_front_greet(front);
	port_front_share(front);
	for (unsigned int i = 0; i < 2; i++) {
		const uint16_t *used =
			vballoon_front_end_at(&front->wire, front->queues[i].used.value);

		/* All that was taken had been used. */
		front->queues[i].next = vballoon_le16(used[1]);
		port_front_start_queue(&front->wire, i, &front->queues[i]);
		assert_int_equal(vballoon_front_end_kick(&front->wire, i), 0);
	}
}

void port_front_close(struct port_front *front)
{
	vballoon_vhost_user_free(front->back_end);
	vballoon_front_end_close(&front->wire);
	port_guest_destroy(&front->guest);
}

bool port_front_sleep(struct port_front *front, uint64_t longest_ms)
{
	struct pollfd calls[2];
	bool raised = false;

	for (unsigned int i = 0; i < 2; i++)
		calls[i] = (struct pollfd){ .fd = front->wire.queues[i].call, .events = POLLIN };
	assert_true(poll(calls, 2, (int)longest_ms) >= 0);
	for (unsigned int i = 0; i < 2; i++)
		raised |= vballoon_front_end_event_raised(calls[i].fd);
	front->guest.now_ms = clock_ms();
	return raised;
}

bool port_front_turn(struct port_front *front, uint64_t longest_ms)
{
	uint64_t wait_ms;

	front->guest.now_ms = clock_ms();
	port_guest_run(&front->guest);
	wait_ms = front->guest.wait_ms;
	return port_front_sleep(front, wait_ms < longest_ms ? wait_ms : longest_ms);
}

void port_front_await_that(struct port_front *front, bool (*holds)(struct port_front *front))
{
	uint64_t end_ms = clock_ms() + AWAIT_MS;
	bool raised;

	do {
		sent(front);
		raised = port_front_turn(front, holds(front) ? 0 : 100);
		if (clock_ms() >= end_ms)
			fail_msg("WEDGED: what was waited for does not happen");
	} while (raised || !holds(front));
	port_guest_check(&front->guest);
}

static bool has_what_was_expected(struct port_front *front)
{
	return port_guest_status(&front->guest).held_pages == front->expected;
}

void port_front_await(struct port_front *front, uint64_t held)
{
	front->expected = held;
	port_front_await_that(front, has_what_was_expected);
	assert_int_equal(front->guest.out_count, held);
}

uint64_t port_front_host_pages(const struct port_front *front)
{
	return vballoon_front_end_memory_held(&front->wire) / 4096;
}

struct vballoon_device *port_front_device(const struct port_front *front)
{
	return vballoon_vhost_user_device(front->back_end);
}

struct vballoon_status port_front_status(const struct port_front *front)
{
	struct vballoon_status status;

	vballoon_device_status(port_front_device(front), &status);
	return status;
}

void port_front_reach(struct port_front *front, uint64_t target)
{
	assert_int_equal(vballoon_device_set_target(port_front_device(front), target), 0);
	port_front_await(front, target);
	assert_int_equal(port_front_status(front).held_pages, target);
	assert_int_equal(port_front_status(front).violation, VBALLOON_OK);
}
