/* SPDX-License-Identifier: BSD-3-Clause */
/* A front end that goes, at any byte, leaves nothing behind. */
#include "holdings.h"
#include "proto_test.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#define EPOCH 71

/* A message of the conversation below, as bytes and what goes with them. */
struct step {
	uint8_t bytes[sizeof(struct vhost_user_header) + 128];
	size_t len;
	int fd; /* -1: none */
};

static struct step step_of(uint32_t request, const void *payload, uint32_t size, int fd)
{
	struct vhost_user_header header = { request, VHOST_USER_VERSION, size };
	struct step step = { .len = sizeof(header) + size, .fd = fd };

	memcpy(step.bytes, &header, sizeof(header));
	if (size)
		memcpy(step.bytes + sizeof(header), payload, size);
	return step;
}

#define STEPS 12U

/* What a front end says until a queue runs, every kind of descriptor among it. */
static void conversation(struct front_end *front_end, struct step steps[STEPS])
{
	const uint64_t features = FRONT_END_FEATURES | UINT64_C(1) << VHOST_F_LOG_ALL;
	const uint64_t protocol = FRONT_END_PROTOCOL_FEATURES, index = 1;
	const struct vhost_user_vring_state size = { 1, FRONT_END_QUEUE_SIZE }, enable = { 1, 1 };
	const uint64_t ring = (uintptr_t)front_end->queues[1].ring;
	const struct vhost_user_vring_addr addr = { 1, 0, ring, ring + 4096, ring + 1024, 0 };
	const struct vhost_user_log log = { GUEST_PAGE, 0 };
	struct {
		struct vhost_user_mem_table head;
		struct vhost_user_region region;
	} table = { .head.count = 1, .region = front_end->region };
	struct vballoon_front_queue *queue = &front_end->queues[1];
	int memory = front_end->memory_fd;

	steps[0] = step_of(VHOST_USER_SET_OWNER, NULL, 0, -1);
	steps[1] = step_of(VHOST_USER_SET_PROTOCOL_FEATURES, &protocol, sizeof(protocol), -1);
	steps[2] = step_of(VHOST_USER_SET_FEATURES, &features, sizeof(features), -1);
	steps[3] = step_of(VHOST_USER_SET_BACKEND_REQ_FD, NULL, 0, queue->err);
	steps[4] = step_of(VHOST_USER_SET_MEM_TABLE, &table, sizeof(table), memory);
	steps[5] = step_of(VHOST_USER_SET_LOG_BASE, &log, sizeof(log), memory);
	steps[6] = step_of(VHOST_USER_SET_VRING_NUM, &size, sizeof(size), -1);
	steps[7] = step_of(VHOST_USER_SET_VRING_ADDR, &addr, sizeof(addr), -1);
	steps[8] = step_of(VHOST_USER_SET_VRING_CALL, &index, sizeof(index), queue->call);
	steps[9] = step_of(VHOST_USER_SET_VRING_ERR, &index, sizeof(index), queue->err);
	steps[10] = step_of(VHOST_USER_SET_VRING_KICK, &index, sizeof(index), queue->kick);
	steps[11] = step_of(VHOST_USER_SET_VRING_ENABLE, &enable, sizeof(enable), -1);
}

static void send_bytes(struct front_end *front_end, const void *bytes, size_t len, int fd)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec part = { (void *)(uintptr_t)bytes, len };
	struct msghdr msg = { .msg_iov = &part, .msg_iovlen = 1 };

	if (fd >= 0) {
		struct cmsghdr *rights;

		msg.msg_control = control;
		msg.msg_controllen = sizeof(control);
		rights = CMSG_FIRSTHDR(&msg);
		rights->cmsg_level = SOL_SOCKET;
		rights->cmsg_type = SCM_RIGHTS;
		rights->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(rights), &fd, sizeof(fd));
	}
	assert_int_equal(sendmsg(front_end->socket, &msg, MSG_NOSIGNAL), len);
	front_end_pump(front_end);
}

static size_t conversation_bytes(const struct step steps[STEPS])
{
	size_t bytes = 0;

	for (unsigned int i = 0; i < STEPS; i++)
		bytes += steps[i].len;
	return bytes;
}

/* Send the first @bytes of the conversation and go. */
static void leave_after(size_t bytes)
{
	struct front_end front_end;
	struct step steps[STEPS];

	front_end_open(&front_end);
	conversation(&front_end, steps);
	for (unsigned int i = 0; i < STEPS && bytes; i++) {
		size_t len = bytes < steps[i].len ? bytes : steps[i].len;

		send_bytes(&front_end, steps[i].bytes, len, steps[i].fd);
		assert_int_equal(front_end.outcome, 0);
		bytes -= len;
	}
	shutdown(front_end.socket, SHUT_RDWR);
	front_end_pump(&front_end);
	assert_int_equal(front_end.outcome, -ECONNRESET);
	front_end_close(&front_end);
}

static void a_front_end_may_go_after_any_byte(void **state)
{
	struct holdings before = holdings_now();
	struct step steps[STEPS];
	struct front_end front_end;
	size_t bytes;

	(void)state;
	front_end_open(&front_end);
	conversation(&front_end, steps);
	bytes = conversation_bytes(steps);
	front_end_close(&front_end);
	for (size_t i = 0; i <= bytes; i++) {
		leave_after(i);
		holdings_assert(before);
	}
}

/* The descriptor travels with the first byte of its message. */
static void a_conversation_byte_by_byte_is_the_same(void **state)
{
	struct front_end front_end;
	struct step steps[STEPS];

	(void)state;
	front_end_open(&front_end);
	conversation(&front_end, steps);
	for (unsigned int i = 0; i < STEPS; i++) {
		for (size_t at = 0; at < steps[i].len; at++)
			send_bytes(&front_end, steps[i].bytes + at, 1, at ? -1 : steps[i].fd);
	}
	assert_int_equal(back_end_status(&front_end).messages, STEPS);
	assert_true(device_status(&front_end).queue_running[1]);
	front_end_close(&front_end);
}

static void a_front_end_that_goes_with_a_balloon_leaves_nothing(void **state)
{
	struct holdings before = holdings_now();
	struct front_end front_end;

	(void)state;
	front_end_open(&front_end);
	front_end_start(&front_end);
	balloon_driver_hello(&front_end, EPOCH, 0);
	balloon_driver_add(&front_end, 0, 64);
	front_end_close(&front_end);
	holdings_assert(before);
}

static void descriptors_that_are_sent_again_replace_the_first(void **state)
{
	struct front_end *front_end = *state;
	struct holdings before;

	front_end_set_event(front_end, VHOST_USER_SET_VRING_ERR, 0, front_end->queues[0].err);
	before = holdings_now();
	for (unsigned int i = 0; i < 2; i++) {
		struct vballoon_front_queue *queue = &front_end->queues[i];

		front_end_set_event(front_end, VHOST_USER_SET_VRING_KICK, i, queue->kick);
		front_end_set_event(front_end, VHOST_USER_SET_VRING_CALL, i, queue->call);
		front_end_set_event(front_end, VHOST_USER_SET_VRING_ERR, i, queue->err);
	}
	front_end_set_mem_table(front_end, &front_end->region, &front_end->memory_fd, 1);
	holdings_assert(before);
}

static void a_message_that_is_refused_leaves_no_descriptor(void **state)
{
	struct front_end *front_end = *state;
	struct holdings before = holdings_now();
	struct {
		struct vhost_user_mem_table head;
		struct vhost_user_region regions[2];
	} table = { .head.count = 2, .regions = { front_end->region, front_end->region } };
	int fds[] = { front_end->memory_fd, front_end->memory_fd };

	front_end_send(front_end, VHOST_USER_SET_MEM_TABLE, 0, &table, sizeof(table), fds, 2);
	assert_int_equal(front_end->outcome, -EPROTO);
	holdings_assert(before);
}

static void a_back_end_without_a_device_to_make_closes_the_socket(void **state)
{
	struct holdings before = holdings_now();
	struct vballoon_vhost_user_config config = { .page_shift = 5 };
	struct vballoon_vhost_user *back_end;
	int ends[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(vballoon_vhost_user_new(&config, ends[1], &back_end), -EINVAL);
	close(ends[0]);
	holdings_assert(before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_front_end_may_go_after_any_byte),
		cmocka_unit_test(a_conversation_byte_by_byte_is_the_same),
		cmocka_unit_test(a_front_end_that_goes_with_a_balloon_leaves_nothing),
		RUNNING_TEST(descriptors_that_are_sent_again_replace_the_first),
		RUNNING_TEST(a_message_that_is_refused_leaves_no_descriptor),
		cmocka_unit_test(a_back_end_without_a_device_to_make_closes_the_socket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
