/* SPDX-License-Identifier: BSD-3-Clause */
/* When a message is answered: exactly once, and only when the front end waits. */
#include "proto_test.h"

#include <errno.h>

static const uint64_t features = FRONT_END_FEATURES;

static int answers(struct front_end *front_end, uint32_t request)
{
	uint64_t answer[34];
	int count = 0;

	while (front_end_receive(front_end, request, answer, sizeof(answer)) >= 0)
		count++;
	return count;
}

static void a_message_that_needs_a_reply_gets_a_zero(void **state)
{
	front_end_negotiate(*state, FRONT_END_FEATURES);
	assert_int_equal(front_end_ask(*state, VHOST_USER_SET_FEATURES, &features, sizeof(features),
				       NULL, 0),
			 0);
	assert_int_equal(answers(*state, VHOST_USER_SET_FEATURES), 0);
}

static void a_message_that_needs_none_gets_none(void **state)
{
	front_end_negotiate(*state, FRONT_END_FEATURES);
	front_end_set_u64(*state, VHOST_USER_SET_FEATURES, features);
	assert_int_equal(answers(*state, VHOST_USER_SET_FEATURES), 0);
}

static void need_reply_means_nothing_before_it_is_negotiated(void **state)
{
	front_end_send(*state, VHOST_USER_SET_FEATURES, VHOST_USER_NEED_REPLY, &features,
		       sizeof(features), NULL, 0);
	assert_int_equal(answers(*state, VHOST_USER_SET_FEATURES), 0);
}

static void the_message_that_negotiates_it_is_not_answered(void **state)
{
	uint64_t protocol = FRONT_END_PROTOCOL_FEATURES;

	front_end_send(*state, VHOST_USER_SET_PROTOCOL_FEATURES, VHOST_USER_NEED_REPLY, &protocol,
		       sizeof(protocol), NULL, 0);
	assert_int_equal(answers(*state, VHOST_USER_SET_PROTOCOL_FEATURES), 0);
}

static void a_question_is_answered_once_though_it_needs_a_reply(void **state)
{
	front_end_negotiate(*state, FRONT_END_FEATURES);
	assert_int_equal(front_end_ask(*state, VHOST_USER_GET_QUEUE_NUM, NULL, 0, NULL, 0), 2);
	assert_int_equal(answers(*state, VHOST_USER_GET_QUEUE_NUM), 0);
}

static void an_unknown_message_that_needs_a_reply_is_declined(void **state)
{
	struct front_end *front_end = *state;

	front_end_negotiate(front_end, FRONT_END_FEATURES);
	assert_int_not_equal(front_end_ask(front_end, 200, NULL, 0, NULL, 0), 0);
	assert_false(front_end_refused(front_end));
	assert_int_equal(front_end_get_u64(front_end, VHOST_USER_GET_QUEUE_NUM), 2);
}

static void an_unknown_message_that_needs_none_ends_the_connection(void **state)
{
	struct front_end *front_end = *state;

	front_end_negotiate(front_end, FRONT_END_FEATURES);
	front_end_send(front_end, 200, 0, NULL, 0, NULL, 0);
	assert_int_equal(front_end->outcome, -EPROTO);
	assert_non_null(strstr(vballoon_vhost_user_reason(front_end->back_end), "200"));
}

static void a_message_that_is_refused_is_answered_before_the_end(void **state)
{
	struct front_end *front_end = *state;
	struct vhost_user_vring_state third = { 2, 64 };

	front_end_negotiate(front_end, FRONT_END_FEATURES);
	assert_int_not_equal(
		front_end_ask(front_end, VHOST_USER_SET_VRING_NUM, &third, sizeof(third), NULL, 0),
		0);
	assert_int_equal(front_end->outcome, -EPROTO);
}

static void an_unknown_request_number_is_looked_up_nowhere(void **state)
{
	struct front_end *front_end = *state;

	front_end_negotiate(front_end, FRONT_END_FEATURES);
	assert_int_not_equal(front_end_ask(front_end, UINT32_MAX, NULL, 0, NULL, 0), 0);
	assert_int_not_equal(front_end_ask(front_end, 0, NULL, 0, NULL, 0), 0);
}

static void a_payload_of_another_size_ends_the_connection(void **state)
{
	struct front_end *front_end = *state;

	front_end_send(front_end, VHOST_USER_SET_FEATURES, 0, &features, 4, NULL, 0);
	assert_int_equal(front_end->outcome, -EPROTO);
	assert_non_null(strstr(vballoon_vhost_user_reason(front_end->back_end), "SET_FEATURES"));
}

static void a_descriptor_that_belongs_to_no_message_ends_the_connection(void **state)
{
	struct front_end *front_end = *state;

	front_end_send(front_end, VHOST_USER_SET_FEATURES, 0, &features, sizeof(features),
		       &front_end->memory_fd, 1);
	assert_int_equal(front_end->outcome, -EPROTO);
}

static void a_descriptor_that_is_missing_ends_the_connection(void **state)
{
	struct front_end *front_end = *state;

	front_end_negotiate(front_end, FRONT_END_FEATURES);
	front_end_send(front_end, VHOST_USER_SET_BACKEND_REQ_FD, 0, NULL, 0, NULL, 0);
	assert_int_equal(front_end->outcome, -EPROTO);
}

static void a_connection_that_has_ended_stays_ended(void **state)
{
	struct front_end *front_end = *state;

	front_end_send(front_end, 200, 0, NULL, 0, NULL, 0);
	front_end_send(front_end, VHOST_USER_GET_FEATURES, 0, NULL, 0, NULL, 0);
	assert_int_equal(front_end->outcome, -EPROTO);
	assert_int_equal(answers(front_end, VHOST_USER_GET_FEATURES), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CONNECTED_TEST(a_message_that_needs_a_reply_gets_a_zero),
		CONNECTED_TEST(a_message_that_needs_none_gets_none),
		CONNECTED_TEST(need_reply_means_nothing_before_it_is_negotiated),
		CONNECTED_TEST(the_message_that_negotiates_it_is_not_answered),
		CONNECTED_TEST(a_question_is_answered_once_though_it_needs_a_reply),
		CONNECTED_TEST(an_unknown_message_that_needs_a_reply_is_declined),
		CONNECTED_TEST(an_unknown_message_that_needs_none_ends_the_connection),
		CONNECTED_TEST(a_message_that_is_refused_is_answered_before_the_end),
		CONNECTED_TEST(an_unknown_request_number_is_looked_up_nowhere),
		CONNECTED_TEST(a_payload_of_another_size_ends_the_connection),
		CONNECTED_TEST(a_descriptor_that_belongs_to_no_message_ends_the_connection),
		CONNECTED_TEST(a_descriptor_that_is_missing_ends_the_connection),
		CONNECTED_TEST(a_connection_that_has_ended_stays_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
