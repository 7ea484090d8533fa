/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a traditional balloon changes while a migration watches: the guest's memory before and
 * after each turn of the device, beside the log.
 */
#include <vballoon/abi/traditional_balloon.h>

#include "base/le.h"
#include "logged.h"
#include "proto_test.h"

#define BIT(n) (UINT64_C(1) << (n))
#define TELLS BIT(VIRTIO_BALLOON_F_MUST_TELL_HOST)
#define PACKED VBALLOON_F_RING_PACKED
#define EVENTS VBALLOON_F_EVENT_IDX
#define LOG_ALL BIT(VHOST_F_LOG_ALL)
#define PATTERN 0x5a
#define PAGES 64
#define FREE (GUEST_BALLOON + (UINT64_C(1) << 20)) /* what is reported or hinted */
#define RING_PAGES (GUEST_RING_BYTES / GUEST_PAGE) /* that a device can write to */

static struct logged logged;
static uint64_t features;
static unsigned int given; /* pages in the balloon, from GUEST_BALLOON on */

static int set_up(void **state)
{
	const uint64_t *more = *state;

	features = FRONT_END_FEATURES | BIT(VIRTIO_BALLOON_F_STATS_VQ) |
		   BIT(VIRTIO_BALLOON_F_FREE_PAGE_HINT) | BIT(VIRTIO_BALLOON_F_REPORTING) | *more;
	given = 0;
	front_end_open_device(&logged.front_end, VIRTIO_BALLOON_ID, VIRTIO_BALLOON_VQ_MAX);
	memset(logged.front_end.memory, PATTERN, GUEST_BYTES);
	front_end_negotiate(&logged.front_end, features);
	logged_open(&logged);
	for (unsigned int i = 0; i < VIRTIO_BALLOON_VQ_MAX; i++) {
		front_end_new_ring(&logged.front_end, i);
		front_end_start_queue(&logged.front_end, i,
				      vballoon_front_end_first_base(&logged.front_end.wire));
	}
	front_end_set_u64(&logged.front_end, VHOST_USER_SET_FEATURES, features | LOG_ALL);
	front_end_pump(&logged.front_end);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	logged_close(&logged);
	front_end_close(&logged.front_end);
	return 0;
}

/* Post a message, and let the device have its turn. Returns how many pages that has changed,
 * apart from what is in the balloon. */
static unsigned int post(unsigned int queue, const struct vballoon_driver_buffer *buffers,
			 unsigned int count)
{
	struct front_end *front_end = &logged.front_end;

	assert_int_equal(
		vballoon_driver_ring_post(&front_end->queues[queue].driver, buffers, count, 1), 0);
	logged_begin(&logged);
	front_end_kick(front_end, queue);
	front_end_pump(front_end);
	assert_false(front_end_refused(front_end));
	assert_int_equal(device_status(front_end).violation, VBALLOON_OK);
	return logged_changed(&logged, GUEST_BALLOON, given);
}

static void collect(unsigned int queue)
{
	uint32_t written;

	assert_int_equal(front_end_collect(&logged.front_end, queue, &written),
			 VBALLOON_COLLECT_ONE);
	assert_int_equal(written, 0);
}

static struct vballoon_driver_buffer readable(const void *bytes, uint32_t len)
{
	memcpy(vballoon_front_end_at(&logged.front_end.wire, GUEST_MESSAGES), bytes, len);
	return (struct vballoon_driver_buffer){ vballoon_gpa(GUEST_MESSAGES), len, false };
}

/* All pages of the balloon. Returns as post(). */
static unsigned int say_pages(unsigned int queue)
{
	struct vballoon_driver_buffer buffer;
	unsigned int changed;
	__le32 pfns[PAGES];

	for (uint32_t i = 0; i < PAGES; i++)
		pfns[i] = vballoon_le32((uint32_t)(GUEST_BALLOON / GUEST_PAGE) + PAGES - 1 - i);
	buffer = readable(pfns, sizeof(pfns));
	changed = post(queue, &buffer, 1);
	collect(queue);
	return changed;
}

/* Two stretches that do not adjoin. */
static const struct vballoon_driver_buffer stretches[2] = {
	{ { FREE }, PAGES *GUEST_PAGE, true },
	{ { FREE + 2 * PAGES * GUEST_PAGE }, PAGES *GUEST_PAGE, true },
};

static unsigned char first_byte(uint64_t gpa)
{
	return *(unsigned char *)vballoon_front_end_at(&logged.front_end.wire, gpa);
}

static void inflating_and_deflating_marks_what_it_changes(void **state)
{
	unsigned int changed;

	(void)state;
	for (unsigned int round = 0; round < 2; round++) {
		given = PAGES;
		changed = say_pages(VIRTIO_BALLOON_VQ_INFLATE);
		assert_in_range(changed, 1, RING_PAGES);
		assert_int_equal(first_byte(GUEST_BALLOON), 0);
		given = 0;
		changed = say_pages(VIRTIO_BALLOON_VQ_DEFLATE);
		assert_in_range(changed, 1, RING_PAGES);
		assert_int_equal(device_status(&logged.front_end).held_pages, 0);
		memset(vballoon_front_end_at(&logged.front_end.wire, GUEST_BALLOON), PATTERN,
		       PAGES * GUEST_PAGE);
	}
}

/* A reported page is the guest's, which may rely on the zeros that it has from then on. */
static void what_is_reported_and_dropped_is_marked(void **state)
{
	(void)state;
	assert_in_range(post(VIRTIO_BALLOON_VQ_REPORTING, stretches, 2), 2 * PAGES + 1,
			2 * PAGES + RING_PAGES);
	collect(VIRTIO_BALLOON_VQ_REPORTING);
	assert_int_equal(first_byte(FREE), 0);
	assert_int_equal(first_byte(FREE + PAGES * GUEST_PAGE), PATTERN);
	assert_false(logged_marks(&logged, FREE + PAGES * GUEST_PAGE));
}

static uint32_t round_id(void)
{
	struct {
		struct vhost_user_config head;
		struct virtio_balloon_config config;
	} message = { .head = { .size = sizeof(message.config) } };

	front_end_send(&logged.front_end, VHOST_USER_GET_CONFIG, 0, &message, sizeof(message), NULL,
		       0);
	assert_int_equal(front_end_receive(&logged.front_end, VHOST_USER_GET_CONFIG, &message,
					   sizeof(message)),
			 sizeof(message));
	return vballoon_le32(message.config.free_page_hint_cmd_id);
}

static void a_round_of_hints_changes_its_ring_alone(void **state)
{
	struct vballoon_device *device = vballoon_vhost_user_device(logged.front_end.back_end);
	const unsigned int queue = VIRTIO_BALLOON_VQ_FREE_PAGE;
	const __le32 stop = vballoon_le32(VIRTIO_BALLOON_CMD_ID_STOP);
	struct vballoon_driver_buffer buffer;
	uint64_t id;
	__le32 round;

	(void)state;
	assert_int_equal(vballoon_device_request_report(device, &id), 0);
	front_end_pump(&logged.front_end);
	round = vballoon_le32(round_id());
	buffer = readable(&round, sizeof(round));
	assert_in_range(post(queue, &buffer, 1), 1, RING_PAGES);
	collect(queue);
	assert_in_range(post(queue, stretches, 2), 1, RING_PAGES);
	collect(queue);
	buffer = readable(&stop, sizeof(stop));
	assert_in_range(post(queue, &buffer, 1), 1, RING_PAGES);
	collect(queue);
	assert_int_equal(device_status(&logged.front_end).report_done_id, id);
	assert_int_equal(device_status(&logged.front_end).reported_pages, 2 * PAGES);
	assert_int_equal(first_byte(FREE), PATTERN);
}

/* The message stays with the device until it wants another. */
static void statistics_change_their_ring_when_they_are_wanted(void **state)
{
	struct vballoon_device *device = vballoon_vhost_user_device(logged.front_end.back_end);
	const struct virtio_balloon_stat stat = { vballoon_le16(VIRTIO_BALLOON_S_MEMFREE),
						  vballoon_le64(77) };
	struct vballoon_driver_buffer buffer = readable(&stat, sizeof(stat));

	(void)state;
	for (unsigned int round = 0; round < 2; round++) {
		assert_in_range(post(VIRTIO_BALLOON_VQ_STATS, &buffer, 1), 0, RING_PAGES);
		assert_int_equal(device_status(&logged.front_end).stats.reports, round + 1);
		logged_begin(&logged);
		vballoon_device_request_stats(device);
		front_end_pump(&logged.front_end);
		assert_in_range(logged_changed(&logged, 0, 0), 1, RING_PAGES);
		collect(VIRTIO_BALLOON_VQ_STATS);
	}
}

#define ELSEWHERE UINT64_C(0x5000)

static void a_used_ring_is_marked_where_the_front_end_says(void **state)
{
	const unsigned int queue = VIRTIO_BALLOON_VQ_REPORTING;
	struct vhost_user_vring_addr addr = vballoon_front_end_vring_addr(
		&logged.front_end.wire, queue, VHOST_USER_VRING_F_LOG);

	(void)state;
	addr.log = ELSEWHERE;
	front_end_send(&logged.front_end, VHOST_USER_SET_VRING_ADDR, 0, &addr, sizeof(addr), NULL,
		       0);
	post(queue, stretches, 2);
	collect(queue);
	assert_true(logged_marks(&logged, ELSEWHERE));
	given = PAGES;
	say_pages(VIRTIO_BALLOON_VQ_INFLATE);
	assert_false(logged_marks(&logged, ELSEWHERE));
}

/* Both rings, and both of what a driver may do before it uses a page. */
static const uint64_t split = TELLS, silent = 0, packed = TELLS | PACKED,
		      silent_packed = PACKED | EVENTS;

#define TEST(name, more)                                                                           \
	{                                                                                          \
#name ": " #more, name, set_up, tear_down, (void *)(uintptr_t) & (more)            \
	}
#define EACH(name)                                                                                 \
	TEST(name, split), TEST(name, silent), TEST(name, packed), TEST(name, silent_packed)

int main(void)
{
	const struct CMUnitTest tests[] = {
		EACH(inflating_and_deflating_marks_what_it_changes),
		EACH(what_is_reported_and_dropped_is_marked),
		EACH(a_round_of_hints_changes_its_ring_alone),
		EACH(statistics_change_their_ring_when_they_are_wanted),
		TEST(a_used_ring_is_marked_where_the_front_end_says, split),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
