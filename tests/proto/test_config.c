/* SPDX-License-Identifier: BSD-3-Clause */
/* The configuration space, as a front end reads and writes it for a driver. */
#include "proto_test.h"

struct config_message {
	struct vhost_user_config head;
	uint8_t bytes[VHOST_USER_CONFIG_MAX];
};

static int negotiated_set_up(void **state)
{
	connect_set_up(state);
	front_end_negotiate(*state, FRONT_END_FEATURES);
	return 0;
}

#define CONFIG_TEST(name) cmocka_unit_test_setup_teardown(name, negotiated_set_up, proto_tear_down)

static int read_config(struct front_end *front_end, uint32_t offset, uint32_t size,
		       struct config_message *message)
{
	*message = (struct config_message){ .head = { .offset = offset, .size = size } };
	front_end_send(front_end, VHOST_USER_GET_CONFIG, 0, message, sizeof(message->head) + size,
		       NULL, 0);
	return front_end_receive(front_end, VHOST_USER_GET_CONFIG, message, sizeof(*message));
}

static void assert_is_the_balloons(struct front_end *front_end)
{
	struct config_message message;
	struct virtio_memory_balloon_config config;

	assert_int_equal(read_config(front_end, 0, sizeof(config), &message),
			 sizeof(message.head) + sizeof(config));
	memcpy(&config, message.bytes, sizeof(config));
	assert_int_equal(config.page_shift, 12);
	assert_int_equal(config.revision, VIRTIO_MEMORY_BALLOON_REVISION);
}

/* Proves DEV-CONF-2. */
static void it_holds_the_page_size_and_the_revision(void **state)
{
	assert_is_the_balloons(*state);
}

static void a_part_of_it_can_be_read(void **state)
{
	struct config_message message;

	assert_int_equal(read_config(*state, 4, 4, &message), sizeof(message.head) + 4);
	assert_int_equal(message.head.offset, 4);
	assert_int_equal(message.head.size, 4);
	assert_int_equal(message.bytes[0], VIRTIO_MEMORY_BALLOON_REVISION);
}

static void what_lies_beyond_it_reads_as_zero(void **state)
{
	struct config_message message;

	assert_int_equal(read_config(*state, 8, 8, &message), sizeof(message.head) + 8);
	for (unsigned int i = 0; i < 8; i++)
		assert_int_equal(message.bytes[i], 0);
}

static void a_range_that_no_space_has_is_answered_by_nothing(void **state)
{
	struct config_message message;

	assert_int_equal(read_config(*state, UINT32_MAX - 3, 8, &message), 0);
	assert_is_the_balloons(*state);
}

/* Proves DEV-CONF-5, DEV-CONF-6. */
static void a_write_of_the_whole_changes_nothing(void **state)
{
	struct front_end *front_end = *state;
	struct config_message message = { .head = { .size = 8 } };

	memset(message.bytes, 0xff, 8);
	assert_int_equal(front_end_ask(front_end, VHOST_USER_SET_CONFIG, &message,
				       sizeof(message.head) + 8, NULL, 0),
			 0);
	assert_is_the_balloons(front_end);
}

static void a_write_without_need_of_a_reply_is_not_answered(void **state)
{
	struct front_end *front_end = *state;
	struct config_message message = { .head = { .size = 8 } };

	front_end_send(front_end, VHOST_USER_SET_CONFIG, 0, &message, sizeof(message.head) + 8,
		       NULL, 0);
	assert_int_equal(
		front_end_receive(front_end, VHOST_USER_SET_CONFIG, &message, sizeof(message)), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CONFIG_TEST(it_holds_the_page_size_and_the_revision),
		CONFIG_TEST(a_part_of_it_can_be_read),
		CONFIG_TEST(what_lies_beyond_it_reads_as_zero),
		CONFIG_TEST(a_range_that_no_space_has_is_answered_by_nothing),
		CONFIG_TEST(a_write_of_the_whole_changes_nothing),
		CONFIG_TEST(a_write_without_need_of_a_reply_is_not_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
