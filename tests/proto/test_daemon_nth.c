/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The host fails vballoond, or who supervises it: each of its calls in turn, from its first on, while it
 * serves one front end and takes orders. It says so and ends, or goes on without; it never dies of it,
 * and nobody waits for it in vain.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <vballoon/abi/memory_balloon.h>

#include "base/le.h"
#include "control.h"
#include "front_end.h"
#include "nth.h"
#include "process.h"
#include "temporary.h"

#define BEYOND 10U /* lives in a row that made fewer calls: then there are no more */
#define CALLS_MIN 60U
#define OBEYED 9U /* of the orders: a guest that runs is not saved */
#define CALLS_MAX 2000U

/* What both need to go on. */
struct life {
	bool supervised; /* it is the supervisor that is failed */
	struct sockaddr_un control; /* where orders are taken */
	struct process daemon;
	struct vballoon_front_end wire;
	bool answered; /* the driver's HELLO was */
	unsigned int obeyed; /* orders that were answered */
	bool followed; /* the worker after the first one has answered */
};

static void start_daemon(struct life *life, unsigned int number)
{
	const char *const words[] = {
		VBALLOOND_NTH,
		"--no-config",
		"--fd",
		"3",
		"--passthrough",
		"absent",
		"--control-path",
		life->control.sun_path,
		life->supervised ? "--supervise" : NULL,
		"yes",
		NULL,
	};
	const struct vhost_user_region region = { .guest_addr = GUEST_BASE, .size = GUEST_BYTES };
	char text[16];
	int ends[2];

	life->answered = life->followed = false;
	life->obeyed = 0;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	snprintf(text, sizeof(text), "%u", number);
	setenv(NTH_VARIABLE, text, 1);
	process_start(&life->daemon, words, ends[1]);
	close(ends[1]);
	assert_int_equal(vballoon_front_end_open(&life->wire, ends[0], &region, 1, 2), 0);
	life->wire.link.timeout_ms = PROCESS_PATIENCE_MS;
}

/* Something happens to one of these; else the test fails. */
static void await_one(struct life *life, struct pollfd *events, unsigned int count)
{
	if (poll(events, count, PROCESS_PATIENCE_MS) > 0)
		return;
	process_stop(&life->daemon, SIGKILL);
	fail_msg("nobody answers: %s", life->daemon.err.text);
}

/* Whether the queue has moved, or the daemon is gone. */
static void await_queue(struct life *life, unsigned int index)
{
	struct pollfd events[] = {
		{ .fd = life->wire.queues[index].call, .events = POLLIN },
		{ .fd = life->wire.queues[0].err, .events = POLLIN },
		{ .fd = life->wire.queues[1].err, .events = POLLIN },
		{ .fd = life->wire.link.socket, .events = POLLIN },
	};

	await_one(life, events, 4);
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
	await_queue(life, todev);
	life->answered =
		vballoon_driver_ring_collect(ring, &token, &written) == VBALLOON_COLLECT_ONE;
}

/* The next answer to an order; NULL: none comes. */
static json_t *hear(struct life *life, struct control *control)
{
	struct pollfd event = { .fd = control->fd, .events = POLLIN };

	if (control_is_silent(control))
		await_one(life, &event, 1);
	return control_receive(control);
}

/* Orders, as far as they are taken. The last is to tell what happens. */
static void give_orders(struct life *life)
{
	static const char *const orders[] = {
		"{\"execute\":\"features\"}",
		"{\"execute\":\"policy\",\"arguments\":{\"pages\":\"warm\"}}",
		"{\"execute\":\"set\",\"arguments\":{\"balloon_bytes\":65536}}",
		"{\"execute\":\"wait\",\"arguments\":{\"timeout_ms\":1}}",
		"{\"execute\":\"drop\"}",
		"{\"execute\":\"stats\",\"arguments\":{\"timeout_ms\":0}}",
		"{\"execute\":\"skip-map\",\"arguments\":{\"from\":0}}",
		"{\"execute\":\"save-state\",\"arguments\":{\"offset\":0}}",
		"{\"execute\":\"status\"}",
		"{\"execute\":\"reset\"}",
		"{\"execute\":\"events\"}",
	};
	struct control control = { .fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) };
	json_t *answer = NULL;

	assert_true(control.fd >= 0);
	vballoon_line_init(&control.reader);
	if (!connect(control.fd, (struct sockaddr *)&life->control, sizeof(life->control)))
		answer = hear(life, &control);
	for (unsigned int i = 0; answer && i < sizeof(orders) / sizeof(orders[0]); i++) {
		life->obeyed += !!json_object_get(answer, "return");
		json_decref(answer);
		answer = NULL;
		if (send(control.fd, orders[i], strlen(orders[i]), MSG_NOSIGNAL) > 0 &&
		    send(control.fd, "\n", 1, MSG_NOSIGNAL) > 0)
			answer = hear(life, &control);
	}
	life->obeyed += !!json_object_get(answer, "return");
	json_decref(answer);
	control_close(&control);
}

/* Whether it answers the front end; else it has hung up on it. */
static bool answers(struct life *life)
{
	uint64_t features;
	int err = vballoon_link_get_u64(&life->wire.link, VHOST_USER_GET_FEATURES, &features);

	if (err == -EAGAIN) {
		process_stop(&life->daemon, SIGKILL);
		fail_msg("the front end waits in vain: %s", life->daemon.err.text);
	}
	return !err;
}

/* As far as it comes. */
static void converse(struct life *life)
{
	struct vballoon_front_end *wire = &life->wire;

	if (!answers(life))
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
	if (answers(life))
		say_hello(life);
	give_orders(life);
}

/* Another one is to go on where the first one was. */
static void kill_worker(struct life *life)
{
	pid_t worker = process_child(&life->daemon);

	if (!worker)
		return;
	kill(worker, SIGKILL);
	life->followed = answers(life);
}

/* One life. Returns whether there was a call with this number. */
static bool live(unsigned int number, struct life *life)
{
	int status;

	start_daemon(life, number);
	converse(life);
	if (life->supervised)
		kill_worker(life);
	vballoon_front_end_close(&life->wire);
	status = process_wait(&life->daemon);
	unlink(life->control.sun_path); /* where it could not */
	if (status < 0 || strstr(life->daemon.err.text, "Sanitizer"))
		fail_msg("call %u: %s", number, life->daemon.err.text);
	return strstr(life->daemon.err.text, "call ");
}

static void without_a_failure_it_serves_and_ends_well(void **state)
{
	struct life *life = *state;

	for (unsigned int i = 0; i < 2; i++) {
		life->supervised = i;
		assert_false(live(0, life));
		assert_true(life->answered);
		assert_int_equal(life->obeyed, OBEYED);
		assert_int_equal(life->followed, life->supervised);
	}
}

/* How often it looks for work, and so how many calls it makes, is a matter of time. */
static void fail_each(struct life *life)
{
	unsigned int failed = 0, answered = 0, obeyed = 0, followed = 0, beyond = 0;

	for (unsigned int number = 1; beyond < BEYOND; number++) {
		assert_true(number < CALLS_MAX);
		if (!live(number, life)) {
			beyond++;
			continue;
		}
		beyond = 0;
		failed++;
		answered += life->answered;
		obeyed += life->obeyed == OBEYED;
		followed += life->followed;
	}
	print_message(
		"%u calls have failed; after %u the driver was answered, after %u all orders, "
		"after %u another worker has followed\n",
		failed, answered, obeyed, followed);
	assert_true(failed > CALLS_MIN);
	assert_true(answered > 0 && obeyed > 0);
	assert_int_equal(followed > 0, life->supervised);
}

static void whatever_fails_it_ends_well_or_goes_on(void **state)
{
	struct life *life = *state;

	life->supervised = false;
	fail_each(life);
}

static void whatever_fails_a_supervisor_it_ends_well_or_goes_on(void **state)
{
	struct life *life = *state;

	life->supervised = true;
	fail_each(life);
}

static char directory[80];

static int set_up(void **state)
{
	static struct life life = { .control.sun_family = AF_UNIX };

	*state = &life;
	assert_int_equal(temporary_directory(directory, sizeof(directory), "vballoond-nth"), 0);
	snprintf(life.control.sun_path, sizeof(life.control.sun_path), "%s/control", directory);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	return rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_failure_it_serves_and_ends_well),
		cmocka_unit_test(whatever_fails_it_ends_well_or_goes_on),
		cmocka_unit_test(whatever_fails_a_supervisor_it_ends_well_or_goes_on),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
