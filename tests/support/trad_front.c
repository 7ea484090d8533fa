/* SPDX-License-Identifier: BSD-3-Clause */
#include "trad_front.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/le.h"
#include "port_front.h"

#define AWAIT_MS 20000
#define SPACE_BYTES sizeof(struct virtio_balloon_config)

static uint64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void greet(struct trad_front *front)
{
	const uint64_t protocol = UINT64_C(1) << VHOST_USER_PROTOCOL_F_MQ |
				  UINT64_C(1) << VHOST_USER_PROTOCOL_F_CONFIG |
				  UINT64_C(1) << VHOST_USER_PROTOCOL_F_DEVICE_STATE;
	struct vballoon_link *link = &front->wire.link;

	assert_int_equal(vballoon_link_send(link, VHOST_USER_SET_OWNER, 0, NULL, 0, NULL, 0), 0);
	assert_int_equal(vballoon_link_get_u64(link, VHOST_USER_GET_FEATURES, &front->offered), 0);
	assert_int_equal(vballoon_front_end_set_u64(&front->wire, VHOST_USER_SET_PROTOCOL_FEATURES,
						    protocol),
			 0);
}

static void share(struct trad_front *front)
{
	assert_int_equal(
		vballoon_front_end_set_u64(&front->wire, VHOST_USER_SET_FEATURES, front->features),
		0);
	assert_int_equal(vballoon_front_end_share_memory(&front->wire), 0);
}

void trad_front_pause(struct trad_front *front)
{
	for (unsigned int i = 0; i < TRAD_QUEUES; i++) {
		if (front->started >> i & 1)
			assert_int_equal(vballoon_front_end_stop_queue(&front->wire, i,
								       &front->queues[i].next),
					 0);
	}
}

void trad_front_attach(struct trad_front *front, int socket)
{
	close(front->wire.link.socket);
	front->wire.link.socket = socket;
	greet(front);
}

void trad_front_arrive(struct trad_front *front)
{
	share(front);
	for (unsigned int i = 0; i < TRAD_QUEUES; i++) {
		if (!(front->started >> i & 1))
			continue;
		port_front_start_queue(&front->wire, i, &front->queues[i]);
		assert_int_equal(vballoon_front_end_kick(&front->wire, i), 0);
	}
}

static void reset(void *side)
{
	struct trad_front *front = side;

	trad_front_pause(front);
	front->started = 0;
}

static int start(void *side, uint64_t features,
		 const struct vballoon_traditional_guest_queue *queues, unsigned int count)
{
	struct trad_front *front = side;

	if (front->guest.port.starts == 1) {
		front->features = features | UINT64_C(1) << VHOST_USER_F_PROTOCOL_FEATURES;
		share(front);
	}
	for (unsigned int i = 0; i < count; i++) {
		front->queues[queues[i].index] = queues[i].queue;
		port_front_start_queue(&front->wire, queues[i].index, &queues[i].queue);
		front->started |= 1U << queues[i].index;
	}
	return 0;
}

static void notify(void *side, unsigned int index)
{
	struct trad_front *front = side;

	assert_int_equal(vballoon_front_end_kick(&front->wire, index), 0);
}

static const struct trad_side side_ops = { reset, start, notify };

/* GET_CONFIG and SET_CONFIG: offset, size, flags, and the bytes. */
struct config_message {
	uint32_t offset, size, flags;
	unsigned char bytes[SPACE_BYTES];
};

static uint32_t num_pages(void *context)
{
	struct trad_guest *guest = context;
	struct trad_front *front = guest->side;
	struct config_message message = { 0, SPACE_BYTES, 0, { 0 } };
	__le32 pages;

	assert_int_equal(vballoon_link_send(&front->wire.link, VHOST_USER_GET_CONFIG, 0, &message,
					    sizeof(message), NULL, 0),
			 0);
	assert_int_equal(vballoon_link_receive(&front->wire.link, VHOST_USER_GET_CONFIG, &message,
					       sizeof(message)),
			 sizeof(message));
	memcpy(&pages, message.bytes, sizeof(pages));
	return vballoon_le32(pages);
}

static void set_actual(void *context, uint32_t pages)
{
	struct trad_guest *guest = context;
	struct trad_front *front = guest->side;
	struct {
		uint32_t offset, size, flags;
		__le32 actual;
	} message = { offsetof(struct virtio_balloon_config, actual), sizeof(__le32), 0,
		      vballoon_le32(pages) };

	guest->actual = pages;
	assert_int_equal(vballoon_link_send(&front->wire.link, VHOST_USER_SET_CONFIG, 0, &message,
					    sizeof(message), NULL, 0),
			 0);
}

void trad_front_open(struct trad_front *front, int socket)
{
	const struct vhost_user_region regions[] = {
		{ PORT_SHARED, PORT_RANGE_BYTES, 0, 0 },
		{ PORT_LOW, 2 * PORT_RANGE_BYTES, 0, PORT_RANGE_BYTES },
		{ PORT_HIGH, PORT_RANGE_BYTES, 0, 3 * PORT_RANGE_BYTES },
	};

	memset(front, 0, sizeof(*front));
	assert_int_equal(vballoon_front_end_open(&front->wire, socket, regions, 3, TRAD_QUEUES), 0);
	front->wire.link.timeout_ms = AWAIT_MS;
	greet(front);
	trad_guest_prepare_at(&front->guest, front->offered, 12, front->wire.memory);
	front->guest.ops.num_pages = num_pages;
	front->guest.ops.set_actual = set_actual;
	front->guest.port.block = 16;
	front->guest.port.now_ms = clock_ms();
}

void trad_front_start(struct trad_front *front)
{
	trad_guest_init(&front->guest, &side_ops, front);
}

void trad_front_close(struct trad_front *front)
{
	vballoon_front_end_close(&front->wire);
	trad_guest_destroy(&front->guest);
}

/* Let the guest run, and sleep until an interrupt. The front end has no channel on which it
 * would hear of the configuration space, so the guest looks each time. */
static bool turn(struct trad_front *front, uint64_t longest_ms)
{
	struct pollfd calls[TRAD_QUEUES];
	bool raised = false;
	uint64_t wait_ms;

	front->guest.port.now_ms = clock_ms();
	vballoon_traditional_guest_changed(front->guest.driver);
	trad_guest_run(&front->guest);
	wait_ms = front->guest.port.wait_ms;
	for (unsigned int i = 0; i < TRAD_QUEUES; i++)
		calls[i] = (struct pollfd){ .fd = front->wire.queues[i].call, .events = POLLIN };
	assert_true(poll(calls, TRAD_QUEUES, (int)(wait_ms < longest_ms ? wait_ms : longest_ms)) >=
		    0);
	for (unsigned int i = 0; i < TRAD_QUEUES; i++)
		raised |= vballoon_front_end_event_raised(calls[i].fd);
	return raised;
}

void trad_front_await_that(struct trad_front *front, bool (*holds)(struct trad_front *front))
{
	uint64_t end_ms = clock_ms() + AWAIT_MS;
	bool raised;

	do {
		raised = turn(front, holds(front) ? 0 : 20);
		if (clock_ms() >= end_ms)
			fail_msg("WEDGED: what was waited for does not happen");
	} while (raised || !holds(front));
	port_guest_check(&front->guest.port);
}

static uint64_t awaited;

static bool has_what_was_awaited(struct trad_front *front)
{
	return trad_guest_status(&front->guest).held_pages == awaited;
}

void trad_front_await(struct trad_front *front, uint64_t held)
{
	awaited = held;
	trad_front_await_that(front, has_what_was_awaited);
	assert_int_equal(front->guest.port.out_count, held);
}

uint64_t trad_front_host_pages(const struct trad_front *front)
{
	return vballoon_front_end_memory_held(&front->wire) / 4096;
}
