/* SPDX-License-Identifier: BSD-3-Clause */
/* What the device writes while a migration watches: all of it is marked. */
#include "logged.h"
#include "proto_test.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#define EPOCH 41
#define LOG_ALL (FRONT_END_FEATURES | UINT64_C(1) << VHOST_F_LOG_ALL)
#define PACKED (UINT64_C(1) << VIRTIO_F_RING_PACKED)
#define GUEST_PAGES (GUEST_BYTES / GUEST_PAGE)

/* Both queues run, as @features have them, and a log is there that nobody wants yet. */
static int log_set_up_with(void **state, uint64_t features)
{
	static struct logged logged;

	front_end_open(&logged.front_end);
	front_end_start_with(&logged.front_end, features);
	logged_open(&logged);
	*state = &logged;
	return 0;
}

static int log_set_up(void **state)
{
	return log_set_up_with(state, FRONT_END_FEATURES);
}

static int packed_log_set_up(void **state)
{
	return log_set_up_with(state, FRONT_END_FEATURES | PACKED);
}

static int log_tear_down(void **state)
{
	struct logged *logged = *state;

	logged_close(logged);
	front_end_close(&logged->front_end);
	return 0;
}

static void want_log(struct logged *logged)
{
	front_end_set_u64(&logged->front_end, VHOST_USER_SET_FEATURES, LOG_ALL);
	logged_begin(logged);
}

/* A conversation in which the device writes requests, verdicts and pages. */
static void converse(struct front_end *front_end)
{
	uint64_t pages[8];

	vballoon_device_set_target(vballoon_vhost_user_device(front_end->back_end), 8);
	balloon_driver_post_request(front_end);
	balloon_driver_hello(front_end, EPOCH, 0);
	balloon_driver_add(front_end, 0, 8);
	balloon_driver_withdraw(front_end, 8, pages, 8);
}

static void nothing_is_marked_while_nobody_wants_it(void **state)
{
	converse(*state);
	assert_false(logged_marks_any(*state));
}

/* The pages that changed but for what the driver itself wrote are the device's. */
static void every_page_that_the_device_writes_is_marked(void **state)
{
	struct logged *logged = *state;
	unsigned int changed = 0;

	want_log(logged);
	converse(&logged->front_end);
	for (uint64_t page = 0; page < GUEST_PAGES; page++) {
		uint64_t gpa = GUEST_BASE + page * GUEST_PAGE;
		bool drivers = page == 0 || page == 2 || gpa == GUEST_MESSAGES;
		size_t at = page * GUEST_PAGE;

		if (drivers ||
		    !memcmp(logged->before + at, logged->front_end.memory + at, GUEST_PAGE))
			continue;
		changed++;
		assert_true(logged_marks(logged, gpa));
	}
	assert_true(changed >= 4); /* two used rings, answers, requests */
}

static void what_the_device_only_reads_is_not_marked(void **state)
{
	struct logged *logged = *state;

	want_log(logged);
	balloon_driver_hello(&logged->front_end, EPOCH, 0);
	assert_false(logged_marks(logged, GUEST_MESSAGES));
	assert_false(logged_marks(logged, GUEST_BASE));
}

static void marking_ends_with_the_wish(void **state)
{
	struct logged *logged = *state;

	want_log(logged);
	front_end_set_u64(&logged->front_end, VHOST_USER_SET_FEATURES, FRONT_END_FEATURES);
	converse(&logged->front_end);
	assert_false(logged_marks_any(logged));
}

static void a_used_ring_is_marked_where_the_front_end_says(void **state)
{
	struct logged *logged = *state;
	uint64_t ring = (uintptr_t)logged->front_end.queues[1].ring;
	struct vhost_user_vring_addr addr = {
		.index = 1,
		.flags = VHOST_USER_VRING_F_LOG,
		.desc = ring,
		.avail = ring + 1024,
		.used = ring + 4096,
		.log = 0x5000,
	};

	want_log(logged);
	front_end_send(&logged->front_end, VHOST_USER_SET_VRING_ADDR, 0, &addr, sizeof(addr), NULL,
		       0);
	assert_true(device_status(&logged->front_end).queue_running[1]);
	balloon_driver_hello(&logged->front_end, EPOCH, 0);
	assert_true(logged_marks(logged, 0x5000));
	/* The answer is no part of the used ring, however far from it. */
	assert_true(logged_marks(logged, GUEST_BASE + 0x14000));
	assert_false(logged_marks(logged, 0x5000 + 0x14000 - 0x3000));
}

/* The ring itself is marked where it lies, the device's event where the front end says. */
static void a_packed_ring_and_its_event_are_marked(void **state)
{
	struct logged *logged = *state;
	struct vhost_user_vring_addr addr =
		vballoon_front_end_vring_addr(&logged->front_end.wire, 1, VHOST_USER_VRING_F_LOG);

	addr.log = 0x5000;
	front_end_set_u64(&logged->front_end, VHOST_USER_SET_FEATURES, LOG_ALL | PACKED);
	front_end_send(&logged->front_end, VHOST_USER_SET_VRING_ADDR, 0, &addr, sizeof(addr), NULL,
		       0);
	assert_true(device_status(&logged->front_end).queue_running[1]);
	balloon_driver_hello(&logged->front_end, EPOCH, 0);
	assert_true(logged_marks(logged, GUEST_BASE + GUEST_RING_BYTES));
	assert_true(logged_marks(logged, 0x5000));
	assert_false(logged_marks(logged, GUEST_BASE));
}

static void the_front_end_is_told_that_something_was_marked(void **state)
{
	struct logged *logged = *state;
	int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	want_log(logged);
	front_end_send(&logged->front_end, VHOST_USER_SET_LOG_FD, 0, NULL, 0, &event, 1);
	assert_false(front_end_event_raised(event));
	balloon_driver_hello(&logged->front_end, EPOCH, 0);
	assert_true(front_end_event_raised(event));
	close(event);
}

static void a_page_beyond_the_log_is_left_out(void **state)
{
	struct logged *logged = *state;

	assert_int_equal(logged_send(&logged->front_end, logged->fd, 16, LOGGED_OFFSET), 0);
	want_log(logged);
	converse(&logged->front_end);
	assert_false(logged_marks_any(logged));
	assert_false(front_end_refused(&logged->front_end));
}

static void a_log_larger_than_its_file_ends_the_connection(void **state)
{
	struct logged *logged = *state;

	logged_send(&logged->front_end, logged->fd, LOGGED_BYTES + 1, LOGGED_OFFSET);
	assert_int_equal(logged->front_end.outcome, -EPROTO);
}

static void a_log_that_wraps_ends_the_connection(void **state)
{
	struct logged *logged = *state;

	logged_send(&logged->front_end, logged->fd, GUEST_PAGE, UINT64_MAX - 16);
	assert_int_equal(logged->front_end.outcome, -EPROTO);
}

/* Guests see the bit, too, and one that takes it must do no harm. */
static void a_wish_without_a_log_is_harmless(void **state)
{
	struct front_end *front_end = *state;

	front_end_set_u64(front_end, VHOST_USER_SET_FEATURES, LOG_ALL);
	converse(front_end);
	assert_false(front_end_refused(front_end));
}

#define ZEROED (UINT64_C(1) << VIRTIO_MEMORY_BALLOON_F_ZEROED)
#define PAGES 4

static int zeroed_log_set_up(void **state)
{
	return log_set_up_with(state, FRONT_END_FEATURES | ZEROED);
}

/* The guest has pages in the balloon that were dropped, or, if @warm, were not; what is
 * changed from here on is to be marked. */
static void fill(struct logged *logged, bool warm, uint64_t features)
{
	const struct vballoon_policy policy = {
		.pages = warm ? VBALLOON_PAGES_WARM : VBALLOON_PAGES_EAGER,
	};
	struct front_end *front_end = &logged->front_end;
	struct vballoon_device *device = vballoon_vhost_user_device(front_end->back_end);
	struct vballoon_status status;

	assert_int_equal(vballoon_device_set_policy(device, &policy), 0);
	balloon_driver_hello(front_end, EPOCH, 0);
	memset(balloon_driver_page(front_end, 0), 0xa5, PAGES * GUEST_PAGE);
	assert_int_equal(balloon_driver_add(front_end, 0, PAGES), PAGES);
	front_end_pump(front_end);
	vballoon_device_status(device, &status);
	assert_int_equal(status.dropped_pages, warm ? 0 : PAGES);
	front_end_set_u64(front_end, VHOST_USER_SET_FEATURES, LOG_ALL | features);
}

/* They are withdrawn. Returns how many of them are marked. */
static unsigned int marked_of_returned(struct logged *logged)
{
	uint64_t pages[PAGES];
	unsigned int count = 0;

	assert_int_equal(balloon_driver_withdraw(&logged->front_end, PAGES, pages, PAGES), PAGES);
	for (unsigned int i = 0; i < PAGES; i++)
		count += logged_marks(logged, pages[i]);
	return count;
}

/* F_ZEROED: pages whose contents the device has changed, by its own hand. */
static void what_is_cleared_for_the_guest_is_marked(void **state)
{
	struct logged *logged = *state;

	fill(logged, true, ZEROED);
	assert_int_equal(marked_of_returned(logged), PAGES);
	assert_int_equal(*balloon_driver_page(&logged->front_end, 0), 0);
}

/* Or by the host's. */
static void what_was_dropped_and_reads_as_zeros_is_marked(void **state)
{
	struct logged *logged = *state;

	fill(logged, false, ZEROED);
	assert_int_equal(marked_of_returned(logged), PAGES);
	assert_int_equal(*balloon_driver_page(&logged->front_end, 0), 0);
}

/* Contents that nobody relies on are not worth a copy. */
static void what_comes_back_without_a_promise_is_not_marked(void **state)
{
	struct logged *logged = *state;

	fill(logged, false, 0);
	assert_int_equal(marked_of_returned(logged), 0);
}

#define LOG_TEST(name) cmocka_unit_test_setup_teardown(name, log_set_up, log_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOG_TEST(nothing_is_marked_while_nobody_wants_it),
		LOG_TEST(every_page_that_the_device_writes_is_marked),
		LOG_TEST(what_the_device_only_reads_is_not_marked),
		LOG_TEST(marking_ends_with_the_wish),
		LOG_TEST(a_used_ring_is_marked_where_the_front_end_says),
		cmocka_unit_test_setup_teardown(a_packed_ring_and_its_event_are_marked,
						packed_log_set_up, log_tear_down),
		cmocka_unit_test_setup_teardown(what_is_cleared_for_the_guest_is_marked,
						zeroed_log_set_up, log_tear_down),
		cmocka_unit_test_setup_teardown(what_was_dropped_and_reads_as_zeros_is_marked,
						zeroed_log_set_up, log_tear_down),
		LOG_TEST(what_comes_back_without_a_promise_is_not_marked),
		LOG_TEST(the_front_end_is_told_that_something_was_marked),
		LOG_TEST(a_page_beyond_the_log_is_left_out),
		LOG_TEST(a_log_larger_than_its_file_ends_the_connection),
		LOG_TEST(a_log_that_wraps_ends_the_connection),
		RUNNING_TEST(a_wish_without_a_log_is_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
