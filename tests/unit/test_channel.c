/* SPDX-License-Identifier: BSD-3-Clause */
/* Whole messages, and the descriptors with them, over a socket that cuts as it likes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vhost_user/channel.h"

struct fixture {
	int peer;
	struct vballoon_channel channel;
	const char *fault;
};

static int set_up(void **state)
{
	static struct fixture fixture;
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	fixture.peer = ends[0];
	fixture.fault = NULL;
	vballoon_channel_init(&fixture.channel, ends[1]);
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	vballoon_channel_close(&fixture->channel);
	if (fixture->peer >= 0)
		close(fixture->peer);
	return 0;
}

struct u64_message {
	struct vhost_user_header header;
	uint64_t value;
} __attribute__((packed));

static const struct u64_message set_features = {
	.header = { VHOST_USER_SET_FEATURES, VHOST_USER_VERSION, sizeof(uint64_t) },
	.value = 0x123456789abcdef0,
};

static void peer_send(struct fixture *fixture, const void *bytes, size_t len, const int *fds,
		      unsigned int fd_count)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(16 * sizeof(int))] = { 0 };
	struct iovec part = { (void *)(uintptr_t)bytes, len };
	struct msghdr msg = { .msg_iov = &part, .msg_iovlen = 1 };

	if (fd_count) {
		struct cmsghdr *rights;

		msg.msg_control = control;
		msg.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
		rights = CMSG_FIRSTHDR(&msg);
		rights->cmsg_level = SOL_SOCKET;
		rights->cmsg_type = SCM_RIGHTS;
		rights->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		memcpy(CMSG_DATA(rights), fds, fd_count * sizeof(int));
	}
	assert_int_equal(sendmsg(fixture->peer, &msg, 0), len);
}

static int receive(struct fixture *fixture)
{
	return vballoon_channel_receive(&fixture->channel, &fixture->fault);
}

static unsigned int open_descriptors(void)
{
	unsigned int count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void a_message_that_comes_at_once_is_whole(void **state)
{
	struct fixture *fixture = *state;

	peer_send(fixture, &set_features, sizeof(set_features), NULL, 0);
	assert_int_equal(receive(fixture), VBALLOON_CHANNEL_MESSAGE);
	assert_int_equal(fixture->channel.message.header.request, VHOST_USER_SET_FEATURES);
	assert_int_equal(vballoon_message_u64(&fixture->channel.message), set_features.value);
}

static void a_message_that_comes_byte_by_byte_is_whole_at_its_last(void **state)
{
	struct fixture *fixture = *state;
	const char *bytes = (const char *)&set_features;

	for (size_t i = 0; i < sizeof(set_features) - 1; i++) {
		peer_send(fixture, bytes + i, 1, NULL, 0);
		assert_int_equal(receive(fixture), VBALLOON_CHANNEL_WAIT);
	}
	peer_send(fixture, bytes + sizeof(set_features) - 1, 1, NULL, 0);
	assert_int_equal(receive(fixture), VBALLOON_CHANNEL_MESSAGE);
	assert_int_equal(vballoon_message_u64(&fixture->channel.message), set_features.value);
}

static void two_messages_in_one_piece_are_read_one_after_the_other(void **state)
{
	struct fixture *fixture = *state;
	struct u64_message two[] = { set_features, set_features };

	two[1].value = 7;
	peer_send(fixture, two, sizeof(two), NULL, 0);
	assert_int_equal(receive(fixture), VBALLOON_CHANNEL_MESSAGE);
	assert_int_equal(vballoon_message_u64(&fixture->channel.message), set_features.value);
	vballoon_channel_next(&fixture->channel);
	assert_int_equal(receive(fixture), VBALLOON_CHANNEL_MESSAGE);
	assert_int_equal(vballoon_message_u64(&fixture->channel.message), 7);
}

static void what_was_read_of_the_next_message_is_not_read_twice(void **state)
{
	struct fixture *fixture = *state;
	struct u64_message three[] = { set_features, set_features, set_features };
	const char *bytes = (const char *)three;
	const size_t cut = sizeof(three[0]) + 5;

	three[1].value = 7;
	three[2].value = 8;
	peer_send(fixture, bytes, cut, NULL, 0);
	assert_int_equal(receive(fixture), VBALLOON_CHANNEL_MESSAGE);
	assert_true(vballoon_channel_is_ahead(&fixture->channel));
	vballoon_channel_next(&fixture->channel);
	assert_int_equal(receive(fixture), VBALLOON_CHANNEL_WAIT);
	peer_send(fixture, bytes + cut, sizeof(three) - cut, NULL, 0);
	assert_int_equal(receive(fixture), VBALLOON_CHANNEL_MESSAGE);
	assert_int_equal(vballoon_message_u64(&fixture->channel.message), 7);
	/* Else who cuts as it likes would have whoever empties this be busy with it for ever. */
	assert_false(vballoon_channel_is_ahead(&fixture->channel));
	vballoon_channel_next(&fixture->channel);
	assert_int_equal(receive(fixture), VBALLOON_CHANNEL_MESSAGE);
	assert_int_equal(vballoon_message_u64(&fixture->channel.message), 8);
}

static void a_message_without_a_payload_is_whole_with_its_header(void **state)
{
	struct fixture *fixture = *state;
	struct vhost_user_header header = { VHOST_USER_SET_OWNER, VHOST_USER_VERSION, 0 };

	peer_send(fixture, &header, sizeof(header), NULL, 0);
	assert_int_equal(receive(fixture), VBALLOON_CHANNEL_MESSAGE);
}

static void a_bad_header_is_a_fault_before_its_payload_comes(void **state)
{
	struct fixture *fixture = *state;
	struct vhost_user_header header = { VHOST_USER_SET_FEATURES, VHOST_USER_VERSION, 1 << 30 };

	peer_send(fixture, &header, sizeof(header), NULL, 0);
	assert_int_equal(receive(fixture), -EPROTO);
	assert_non_null(fixture->fault);
}

static void the_other_side_going_within_a_message_is_told(void **state)
{
	struct fixture *fixture = *state;

	peer_send(fixture, &set_features, 5, NULL, 0);
	close(fixture->peer);
	fixture->peer = -1;
	assert_int_equal(receive(fixture), -ECONNRESET);
	assert_null(fixture->fault);
}

static void a_descriptor_that_was_taken_is_the_takers(void **state)
{
	struct fixture *fixture = *state;
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	int taken;

	peer_send(fixture, &set_features, sizeof(set_features), &fd, 1);
	assert_int_equal(receive(fixture), VBALLOON_CHANNEL_MESSAGE);
	taken = vballoon_message_take_fd(&fixture->channel.message, 0);
	vballoon_channel_next(&fixture->channel);
	assert_int_equal(fcntl(taken, F_GETFD), FD_CLOEXEC);
	close(taken);
	close(fd);
}

static void a_descriptor_that_nobody_took_is_closed_with_its_message(void **state)
{
	struct fixture *fixture = *state;
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	unsigned int before = open_descriptors();

	peer_send(fixture, &set_features, sizeof(set_features), &fd, 1);
	assert_int_equal(receive(fixture), VBALLOON_CHANNEL_MESSAGE);
	assert_int_equal(open_descriptors(), before + 1);
	vballoon_channel_next(&fixture->channel);
	assert_int_equal(open_descriptors(), before);
	close(fd);
}

static void descriptors_that_come_in_pieces_belong_to_one_message(void **state)
{
	struct fixture *fixture = *state;
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	const char *bytes = (const char *)&set_features;

	peer_send(fixture, bytes, 4, &fd, 1);
	assert_int_equal(receive(fixture), VBALLOON_CHANNEL_WAIT);
	peer_send(fixture, bytes + 4, sizeof(set_features) - 4, &fd, 1);
	assert_int_equal(receive(fixture), VBALLOON_CHANNEL_MESSAGE);
	assert_int_equal(fixture->channel.message.fd_count, 2);
	close(fd);
}

static void a_descriptor_may_come_with_the_header_alone(void **state)
{
	struct fixture *fixture = *state;
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	const char *bytes = (const char *)&set_features;
	const size_t header = sizeof(set_features.header);

	for (unsigned int i = 0; i < 3; i++) {
		peer_send(fixture, bytes, header, &fd, 1);
		peer_send(fixture, bytes + header, sizeof(set_features) - header, NULL, 0);
	}
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(receive(fixture), VBALLOON_CHANNEL_MESSAGE);
		assert_int_equal(fixture->channel.message.fd_count, 1);
		vballoon_channel_next(&fixture->channel);
	}
	close(fd);
}

static void descriptors_behind_other_messages_belong_to_the_last(void **state)
{
	struct fixture *fixture = *state;
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	const struct u64_message two[] = { set_features, set_features };

	peer_send(fixture, two, sizeof(two), NULL, 0);
	peer_send(fixture, &set_features, sizeof(set_features), &fd, 1);
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(receive(fixture), VBALLOON_CHANNEL_MESSAGE);
		assert_int_equal(fixture->channel.message.fd_count, i == 2);
		vballoon_channel_next(&fixture->channel);
	}
	close(fd);
}

static void a_descriptor_whose_message_was_not_taken_up_is_closed_in_the_end(void **state)
{
	struct fixture *fixture = *state;
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	unsigned int before = open_descriptors();

	peer_send(fixture, &set_features, sizeof(set_features), NULL, 0);
	peer_send(fixture, &set_features, sizeof(set_features), &fd, 1);
	assert_int_equal(receive(fixture), VBALLOON_CHANNEL_MESSAGE);
	assert_int_equal(open_descriptors(), before + 1);
	vballoon_channel_close(&fixture->channel);
	assert_int_equal(open_descriptors(), before - 1);
	close(fd);
}

static void more_descriptors_than_a_message_can_have_are_closed(void **state)
{
	struct fixture *fixture = *state;
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	int fds[VHOST_USER_FDS_MAX + 2];
	unsigned int before = open_descriptors();

	for (unsigned int i = 0; i < VHOST_USER_FDS_MAX + 2; i++)
		fds[i] = fd;
	peer_send(fixture, &set_features, sizeof(set_features), fds, VHOST_USER_FDS_MAX + 2);
	assert_int_equal(receive(fixture), -EPROTO);
	assert_string_equal(fixture->fault, "a message with too many descriptors");
	vballoon_channel_next(&fixture->channel);
	assert_int_equal(open_descriptors(), before);
	close(fd);
}

/* Have the parent take no descriptor from that on which it tells, until it has tried. From here, as
 * what a process sets of its own valgrind keeps from the kernel. Returns 0 when all went well. */
static int limit_parent(pid_t parent, int parent_end)
{
	struct rlimit before, none;
	char tried;
	bool well;
	int first;

	if (read(parent_end, &first, sizeof(first)) != sizeof(first) ||
	    prlimit(parent, RLIMIT_NOFILE, NULL, &before))
		return 1;
	none = before;
	none.rlim_cur = (rlim_t)first;
	if (prlimit(parent, RLIMIT_NOFILE, &none, NULL))
		return 1;
	well = write(parent_end, "", 1) == 1 && read(parent_end, &tried, 1) == 1;
	return prlimit(parent, RLIMIT_NOFILE, &before, NULL) || !well;
}

static void descriptors_that_the_host_does_not_let_us_have_are_no_surplus(void **state)
{
	struct fixture *fixture = *state;
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	const pid_t self = getpid();
	int ends[2], lowest, result, status;
	pid_t child;
	char limited;

	peer_send(fixture, &set_features, sizeof(set_features), &fd, 1);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		close(ends[0]);
		_exit(limit_parent(self, ends[1]));
	}
	close(ends[1]);
	lowest = fcntl(fd, F_DUPFD_CLOEXEC, 0); /* that is free */
	close(lowest);
	assert_int_equal(write(ends[0], &lowest, sizeof(lowest)), sizeof(lowest));
	assert_int_equal(read(ends[0], &limited, 1), 1);
	result = receive(fixture);
	assert_int_equal(write(ends[0], "", 1), 1);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(result, -EPROTO);
	assert_non_null(strstr(fixture->fault, "limit of open files"));
	close(ends[0]);
	close(fd);
}

static void surplus_descriptors_that_come_in_pieces_are_closed(void **state)
{
	struct fixture *fixture = *state;
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	int fds[VHOST_USER_FDS_MAX];
	const char *bytes = (const char *)&set_features;
	unsigned int before = open_descriptors();

	for (unsigned int i = 0; i < VHOST_USER_FDS_MAX; i++)
		fds[i] = fd;
	peer_send(fixture, bytes, 4, fds, VHOST_USER_FDS_MAX);
	assert_int_equal(receive(fixture), VBALLOON_CHANNEL_WAIT);
	peer_send(fixture, bytes + 4, 4, fds, 1);
	assert_int_equal(receive(fixture), -EPROTO);
	vballoon_channel_next(&fixture->channel);
	assert_int_equal(open_descriptors(), before);
	close(fd);
}

static void an_answer_names_the_request(void **state)
{
	struct fixture *fixture = *state;
	struct u64_message answer;
	uint64_t value = 42;

	peer_send(fixture, &set_features, sizeof(set_features), NULL, 0);
	assert_int_equal(receive(fixture), VBALLOON_CHANNEL_MESSAGE);
	assert_int_equal(vballoon_channel_reply(&fixture->channel, &value, sizeof(value)), 0);
	assert_int_equal(recv(fixture->peer, &answer, sizeof(answer), 0), sizeof(answer));
	assert_int_equal(answer.header.request, VHOST_USER_SET_FEATURES);
	assert_int_equal(answer.header.flags, VHOST_USER_VERSION | VHOST_USER_REPLY);
	assert_int_equal(answer.header.size, sizeof(value));
	assert_int_equal(answer.value, 42);
}

static void an_answer_that_the_socket_does_not_take_is_sent_later(void **state)
{
	struct fixture *fixture = *state;
	char filler[4096] = { 0 };
	uint64_t value = 42;

	while (send(fixture->channel.socket, filler, sizeof(filler), MSG_DONTWAIT) > 0)
		continue;
	assert_int_equal(vballoon_channel_reply(&fixture->channel, &value, sizeof(value)), 0);
	assert_true(vballoon_channel_sending(&fixture->channel));
	while (recv(fixture->peer, filler, sizeof(filler), MSG_DONTWAIT) > 0)
		continue;
	assert_int_equal(vballoon_channel_flush(&fixture->channel), 0);
	assert_false(vballoon_channel_sending(&fixture->channel));
	assert_int_equal(recv(fixture->peer, filler, sizeof(filler), MSG_DONTWAIT),
			 sizeof(struct u64_message));
}

static void an_answer_to_nobody_is_no_signal(void **state)
{
	struct fixture *fixture = *state;
	uint64_t value = 42;

	close(fixture->peer);
	fixture->peer = -1;
	assert_int_equal(vballoon_channel_reply(&fixture->channel, &value, sizeof(value)),
			 -ECONNRESET);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static void the_sender_is_told_whoever_made_the_sockets(void **state)
{
	struct fixture *fixture = *state;
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (!child) {
		ssize_t sent = send(fixture->peer, &set_features, sizeof(set_features), 0);

		_exit(sent == sizeof(set_features) ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(receive(fixture), VBALLOON_CHANNEL_MESSAGE);
	assert_int_equal(fixture->channel.peer, child);
	vballoon_channel_next(&fixture->channel);
	peer_send(fixture, &set_features, sizeof(set_features), NULL, 0);
	assert_int_equal(receive(fixture), VBALLOON_CHANNEL_MESSAGE);
	assert_int_equal(fixture->channel.peer, getpid());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_sender_is_told_whoever_made_the_sockets),
		TEST(a_message_that_comes_at_once_is_whole),
		TEST(a_message_that_comes_byte_by_byte_is_whole_at_its_last),
		TEST(two_messages_in_one_piece_are_read_one_after_the_other),
		TEST(what_was_read_of_the_next_message_is_not_read_twice),
		TEST(a_message_without_a_payload_is_whole_with_its_header),
		TEST(a_bad_header_is_a_fault_before_its_payload_comes),
		TEST(the_other_side_going_within_a_message_is_told),
		TEST(a_descriptor_that_was_taken_is_the_takers),
		TEST(a_descriptor_that_nobody_took_is_closed_with_its_message),
		TEST(descriptors_that_come_in_pieces_belong_to_one_message),
		TEST(a_descriptor_may_come_with_the_header_alone),
		TEST(descriptors_behind_other_messages_belong_to_the_last),
		TEST(a_descriptor_whose_message_was_not_taken_up_is_closed_in_the_end),
		TEST(more_descriptors_than_a_message_can_have_are_closed),
		TEST(descriptors_that_the_host_does_not_let_us_have_are_no_surplus),
		TEST(surplus_descriptors_that_come_in_pieces_are_closed),
		TEST(an_answer_names_the_request),
		TEST(an_answer_that_the_socket_does_not_take_is_sent_later),
		TEST(an_answer_to_nobody_is_no_signal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
