/* SPDX-License-Identifier: BSD-3-Clause */
/* What an inflated balloon is worth to the host, measured in the memory's file. */
#include "proto_test.h"

#define EPOCH 21
#define PAGES 512U
#define PATTERN 0xa5

/* A guest that has used all of the memory that it gives up. */
static int used_set_up(void **state)
{
	running_set_up(state);
	memset(balloon_driver_page(*state, 0), PATTERN, (PAGES + 1) * GUEST_PAGE);
	memset(((struct front_end *)*state)->memory + (GUEST_MESSAGES - GUEST_BASE), 0, 0x10000);
	balloon_driver_hello(*state, EPOCH, 0);
	return 0;
}

#define USED_TEST(name) cmocka_unit_test_setup_teardown(name, used_set_up, proto_tear_down)

static void the_host_gets_back_what_the_guest_gives_up(void **state)
{
	struct front_end *front_end = *state;
	uint64_t before = front_end_memory_held(front_end);

	assert_int_equal(balloon_driver_add(front_end, 0, PAGES), PAGES);
	assert_int_equal(before - front_end_memory_held(front_end), PAGES * GUEST_PAGE);
	assert_int_equal(device_status(front_end).dropped_pages, PAGES);
}

static void pages_given_up_one_by_one_come_back_as_well(void **state)
{
	struct front_end *front_end = *state;
	uint64_t before = front_end_memory_held(front_end);

	for (unsigned int i = 0; i < 16; i++)
		assert_int_equal(balloon_driver_add(front_end, i * 2, 1), 1);
	assert_int_equal(before - front_end_memory_held(front_end), 16 * GUEST_PAGE);
}

/* Proves DEV-MEM-1. */
static void the_page_after_the_last_is_not_touched(void **state)
{
	struct front_end *front_end = *state;

	balloon_driver_add(front_end, 0, PAGES);
	for (unsigned int i = 0; i < GUEST_PAGE; i++)
		assert_int_equal(balloon_driver_page(front_end, PAGES)[i], PATTERN);
}

/* Proves DEV-WITHDRAW-15. */
static void a_page_that_was_handed_back_stays_with_the_guest(void **state)
{
	struct front_end *front_end = *state;
	uint64_t pages[PAGES];

	balloon_driver_add(front_end, 0, PAGES);
	assert_int_equal(balloon_driver_withdraw(front_end, PAGES, pages, PAGES), PAGES);
	memset(balloon_driver_page(front_end, 0), PATTERN, PAGES * GUEST_PAGE);
	front_end_pump(front_end);
	for (unsigned int i = 0; i < PAGES * GUEST_PAGE; i++)
		assert_int_equal(balloon_driver_page(front_end, 0)[i], PATTERN);
}

/* The guest's memory is there again, with nothing in it. Proves DEV-MEM-8. */
static void a_guest_that_touches_what_it_gave_up_harms_nobody(void **state)
{
	struct front_end *front_end = *state;
	uint64_t pages[PAGES];

	balloon_driver_add(front_end, 0, PAGES);
	memset(balloon_driver_page(front_end, 0), PATTERN, PAGES * GUEST_PAGE);
	assert_int_equal(device_status(front_end).violation, VBALLOON_OK);
	assert_int_equal(device_status(front_end).held_pages, PAGES);
	assert_int_equal(balloon_driver_withdraw(front_end, PAGES, pages, PAGES), PAGES);
	assert_int_equal(balloon_driver_add(front_end, 0, PAGES), PAGES);
	assert_int_equal(device_status(front_end).dropped_pages, PAGES);
}

static void the_back_end_tells_what_the_host_holds(void **state)
{
	struct front_end *front_end = *state;
	struct vballoon_vhost_user_status status = back_end_status(front_end);

	assert_int_equal(status.backing_bytes, front_end_memory_held(front_end));
	assert_int_equal(status.memory_bytes, GUEST_BYTES);
	assert_null(status.memory_problem);
}

static void a_target_reaches_the_driver(void **state)
{
	struct front_end *front_end = *state;
	struct virtio_memory_balloon_req request;

	balloon_driver_post_request(front_end);
	while (balloon_driver_next_request(front_end, &request))
		balloon_driver_post_request(front_end);
	assert_int_equal(
		vballoon_device_set_target(vballoon_vhost_user_device(front_end->back_end), 99), 0);
	front_end_pump(front_end);
	assert_true(balloon_driver_next_request(front_end, &request));
	assert_int_equal(request.type, VIRTIO_MEMORY_BALLOON_REQ_RESIZE);
	assert_int_equal(request.value, 99);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		USED_TEST(the_host_gets_back_what_the_guest_gives_up),
		USED_TEST(pages_given_up_one_by_one_come_back_as_well),
		USED_TEST(the_page_after_the_last_is_not_touched),
		USED_TEST(a_page_that_was_handed_back_stays_with_the_guest),
		USED_TEST(a_guest_that_touches_what_it_gave_up_harms_nobody),
		USED_TEST(the_back_end_tells_what_the_host_holds),
		USED_TEST(a_target_reaches_the_driver),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
