/* SPDX-License-Identifier: BSD-3-Clause */
/* Many messages in one piece: each is dealt with in its turn, and nothing waits for ever. */
#include "proto_test.h"

#include <poll.h>
#include <sys/socket.h>

#include "vhost_user/channel.h"

#define COUNT 1000U
#define TURN 32U /* messages that are dealt with before others get their turn */

static const struct vhost_user_header set_owner = { VHOST_USER_SET_OWNER, VHOST_USER_VERSION, 0 };

/* So many, as far as there is room read at once. */
static void send_all(struct front_end *front_end, const void *message, size_t len,
		     unsigned int count)
{
	static unsigned char piece[COUNT * 64];

	assert_true(len <= 64 && count <= COUNT);
	for (unsigned int i = 0; i < count; i++)
		memcpy(piece + i * len, message, len);
	assert_int_equal(send(front_end->socket, piece, count * len, MSG_DONTWAIT), count * len);
}

/* How many are dealt with at the most when they are @len bytes each: those that were begun, and what
 * was read behind the last. */
static unsigned int turn_of(size_t len)
{
	return TURN + VBALLOON_AHEAD_MAX / (unsigned int)len + 1;
}

static void a_flood_waits_for_others(struct front_end *front_end, const void *message, size_t len)
{
	uint64_t before = back_end_status(front_end).messages, done = 0, turn;
	unsigned int turns = 0;

	send_all(front_end, message, len, COUNT);
	while (done < COUNT) {
		turn = done;
		assert_true(vballoon_vhost_user_process(front_end->back_end) >= 0);
		done = back_end_status(front_end).messages - before;
		assert_in_range(done - turn, 1, turn_of(len));
		turns++;
	}
	assert_in_range(turns, COUNT / turn_of(len), COUNT / TURN + 1);
}

static void a_flood_of_headers_waits_for_others(void **state)
{
	a_flood_waits_for_others(*state, &set_owner, sizeof(set_owner));
}

static void a_flood_of_numbers_waits_for_others(void **state)
{
	const struct {
		struct vhost_user_header header;
		struct vhost_user_vring_state num;
	} __attribute__((packed)) message = {
		{ VHOST_USER_SET_VRING_NUM, VHOST_USER_VERSION, sizeof(message.num) },
		{ 0, 64 },
	};

	a_flood_waits_for_others(*state, &message, sizeof(message));
}

/* Once, as a loop does that hears only when the descriptor says so. Returns whether there was anything
 * to do. */
static bool serve(struct front_end *front_end)
{
	struct pollfd events = { .fd = vballoon_vhost_user_fd(front_end->back_end),
				 .events = POLLIN };

	if (poll(&events, 1, 0) == 1)
		front_end->outcome = vballoon_vhost_user_process(front_end->back_end);
	else if (front_end->outcome == 1)
		front_end->outcome = vballoon_vhost_user_work(front_end->back_end);
	else
		return false;
	assert_false(front_end_refused(front_end));
	return true;
}

static void nothing_that_was_read_waits_for_more(void **state)
{
	struct front_end *front_end = *state;
	uint64_t before = 0;

	for (unsigned int count = 1; count < 3 * TURN; count++) {
		send_all(front_end, &set_owner, sizeof(set_owner), count);
		while (serve(front_end))
			continue;
		assert_int_equal(back_end_status(front_end).messages - before, count);
		before += count;
	}
}

/* How many answers there are now. */
static unsigned int read_answers(struct front_end *front_end)
{
	unsigned char answer[sizeof(struct vhost_user_header) + sizeof(uint64_t)];
	unsigned int count = 0;

	while (recv(front_end->socket, answer, sizeof(answer), MSG_DONTWAIT) == sizeof(answer))
		count++;
	return count;
}

/* Though the answers fill the socket, with questions that were read behind the one at hand. */
static void questions_in_one_piece_are_all_answered(void **state)
{
	const struct vhost_user_header header = { VHOST_USER_GET_FEATURES, VHOST_USER_VERSION, 0 };
	struct front_end *front_end = *state;
	unsigned int answers = 0, more;

	send_all(front_end, &header, sizeof(header), COUNT);
	do {
		while (serve(front_end))
			continue;
		more = read_answers(front_end);
		answers += more;
	} while (more);
	assert_int_equal(answers, COUNT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CONNECTED_TEST(a_flood_of_headers_waits_for_others),
		CONNECTED_TEST(a_flood_of_numbers_waits_for_others),
		CONNECTED_TEST(nothing_that_was_read_waits_for_more),
		CONNECTED_TEST(questions_in_one_piece_are_all_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
