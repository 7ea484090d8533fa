/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The host fails vballoond: each of its calls in turn, from its first on, while it serves one front
 * end. It says so and ends, or goes on without; it never dies of it, and nobody waits for it in
 * vain.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <vballoon/abi/memory_balloon.h>

#include "base/le.h"
#include "front_end.h"
#include "nth.h"
#include "process.h"

#define BEYOND 10U /* lives in a row that made fewer calls: then there are no more */
#define CALLS_MIN 60U
#define CALLS_MAX 2000U

/* What both need to go on. */
struct life {
	struct process daemon;
	struct vballoon_front_end wire;
	bool answered; /* the driver's HELLO was */
};

static void start_daemon(struct life *life, unsigned int number)
{
	static const char *const words[] = {
		VBALLOOND_NTH, "--no-config", "--fd", "3", "--passthrough", "absent", NULL,
	};
	const struct vhost_user_region region = { .guest_addr = GUEST_BASE, .size = GUEST_BYTES };
	char text[16];
	int ends[2];

	memset(life, 0, sizeof(*life));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	snprintf(text, sizeof(text), "%u", number);
	setenv(NTH_VARIABLE, text, 1);
	process_start(&life->daemon, words, ends[1]);
	close(ends[1]);
	assert_int_equal(vballoon_front_end_open(&life->wire, ends[0], &region, 1, 2), 0);
	life->wire.link.timeout_ms = PROCESS_PATIENCE_MS;
}

/* Whether the queue has moved, or the daemon is gone; else the test fails. */
static void await_something(struct life *life, unsigned int index)
{
	struct pollfd events[] = {
		{ .fd = life->wire.queues[index].call, .events = POLLIN },
		{ .fd = life->wire.queues[0].err, .events = POLLIN },
		{ .fd = life->wire.queues[1].err, .events = POLLIN },
		{ .fd = life->wire.link.socket, .events = POLLIN },
	};

	if (poll(events, 4, PROCESS_PATIENCE_MS) > 0)
		return;
	process_stop(&life->daemon, SIGKILL);
	fail_msg("nobody answers: %s", life->daemon.err.text);
}

static void say_hello(struct life *life)
{
	const uint64_t at = GUEST_MESSAGES;
	const struct virtio_memory_balloon_hello hello = {
		.msg.type = vballoon_le32(VIRTIO_MEMORY_BALLOON_MSG_HELLO),
		.epoch = vballoon_le64(5),
		.unit_shift = vballoon_le32(12),
	};
	const struct vballoon_driver_buffer buffers[] = {
		{ vballoon_gpa(at), sizeof(hello), false },
		{ vballoon_gpa(at + 0x400), sizeof(struct virtio_memory_balloon_hello_answer),
		  true },
	};
	const unsigned int todev = VIRTIO_MEMORY_BALLOON_VQ_TODEV;
	struct vballoon_driver_ring *ring = &life->wire.queues[todev].driver;
	uint64_t token;
	uint32_t written;

	memcpy(vballoon_front_end_at(&life->wire, at), &hello, sizeof(hello));
	assert_int_equal(vballoon_driver_ring_post(ring, buffers, 2, 1), 0);
	vballoon_front_end_kick(&life->wire, todev);
	await_something(life, todev);
	life->answered =
		vballoon_driver_ring_collect(ring, &token, &written) == VBALLOON_COLLECT_ONE;
}

/* As far as it comes. */
static void converse(struct life *life)
{
	struct vballoon_front_end *wire = &life->wire;
	uint64_t features;

	if (vballoon_link_get_u64(&wire->link, VHOST_USER_GET_FEATURES, &features))
		return;
	vballoon_front_end_set_u64(wire, VHOST_USER_SET_PROTOCOL_FEATURES,
				   FRONT_END_PROTOCOL_FEATURES);
	vballoon_front_end_set_u64(wire, VHOST_USER_SET_FEATURES, FRONT_END_FEATURES);
	wire->ring_features = vballoon_ring_features(FRONT_END_FEATURES);
	vballoon_front_end_share_memory(wire);
	for (unsigned int i = 0; i < 2; i++) {
		vballoon_front_end_new_ring(wire, i);
		if (vballoon_front_end_start_queue(wire, i, vballoon_front_end_first_base(wire)))
			return;
	}
	/* The queues run, or the connection is over. */
	if (!vballoon_link_get_u64(&wire->link, VHOST_USER_GET_FEATURES, &features))
		say_hello(life);
}

/* One life. Returns whether there was a call with this number. */
static bool live(unsigned int number, struct life *life)
{
	int status;

	start_daemon(life, number);
	converse(life);
	vballoon_front_end_close(&life->wire);
	status = process_wait(&life->daemon);
	if (status < 0 || strstr(life->daemon.err.text, "Sanitizer"))
		fail_msg("call %u: %s", number, life->daemon.err.text);
	return strstr(life->daemon.err.text, "call ");
}

static void without_a_failure_it_serves_and_ends_well(void **state)
{
	static struct life life;

	(void)state;
	assert_false(live(0, &life));
	assert_true(life.answered);
}

/* How often it looks for work, and so how many calls it makes, is a matter of time. */
static void whatever_fails_it_ends_well_or_goes_on(void **state)
{
	static struct life life;
	unsigned int failed = 0, answered = 0, beyond = 0;

	(void)state;
	for (unsigned int number = 1; beyond < BEYOND; number++) {
		assert_true(number < CALLS_MAX);
		if (!live(number, &life)) {
			beyond++;
			continue;
		}
		beyond = 0;
		failed++;
		answered += life.answered;
	}
	print_message("%u calls have failed; after %u the driver was answered\n", failed, answered);
	assert_true(failed > CALLS_MIN);
	assert_true(answered > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_failure_it_serves_and_ends_well),
		cmocka_unit_test(whatever_fails_it_ends_well_or_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
