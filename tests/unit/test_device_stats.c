/* SPDX-License-Identifier: BSD-3-Clause */
/* Statistics: asked for, answered, matched by cookie. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/le.h"
#include "device_bed.h"

struct report {
	struct virtio_memory_balloon_msg msg;
	struct virtio_memory_balloon_stat stats[257];
};

static int setup(void **state)
{
	static struct bed bed;

	bed_init(&bed, BED_RUNS);
	bed_greet(&bed, 12);
	bed_expect_request(&bed, VIRTIO_MEMORY_BALLOON_REQ_RESIZE, 0);
	*state = &bed;
	return 0;
}

static int teardown(void **state)
{
	bed_destroy(*state);
	return 0;
}

/* Ask, and have the request arrive: its cookie. */
static uint32_t ask(struct bed *bed)
{
	struct virtio_memory_balloon_req request;

	vballoon_device_request_stats(bed->device);
	bed_post_request(bed);
	bed_run(bed);
	assert_true(bed_collect_request(bed, &request));
	assert_int_equal(vballoon_le32(request.type), VIRTIO_MEMORY_BALLOON_REQ_STATS);
	return vballoon_le32(request.flags);
}

/* Report @count statistics: tags from @tag on, each with the value @value. */
static void report(struct bed *bed, uint32_t cookie, uint16_t tag, size_t count, uint64_t value)
{
	static struct report message;

	memset(&message, 0, sizeof(message));
	message.msg.type = vballoon_le32(VIRTIO_MEMORY_BALLOON_MSG_STATS);
	message.msg.flags = vballoon_le32(cookie);
	for (size_t i = 0; i < count; i++) {
		message.stats[i].tag = vballoon_le16((uint16_t)(tag + i));
		message.stats[i].value = vballoon_le64(value);
	}
	bed_say(bed, &message, sizeof(message.msg) + count * sizeof(message.stats[0]), NULL, 0);
}

static void an_answer_with_the_cookie_of_the_request_counts(void **state)
{
	struct bed *bed = *state;

	report(bed, ask(bed), VIRTIO_MEMORY_BALLOON_S_MEMFREE, 2, 1234);
	assert_int_equal(bed_status(bed).stats.reports, 1);
	assert_int_equal(bed_status(bed).stats.present,
			 1 << VIRTIO_MEMORY_BALLOON_S_MEMFREE |
				 1 << VIRTIO_MEMORY_BALLOON_S_MEMTOT);
	assert_int_equal(bed_status(bed).stats.value[VIRTIO_MEMORY_BALLOON_S_MEMFREE], 1234);
}

/* Proves DEV-STATS-6. */
static void a_cookie_is_never_0(void **state)
{
	assert_int_not_equal(ask(*state), 0);
}

static void a_report_that_nobody_asked_for_is_ignored(void **state)
{
	struct bed *bed = *state;

	report(bed, 0, VIRTIO_MEMORY_BALLOON_S_MEMFREE, 1, 1);
	assert_int_equal(bed_status(bed).stats.reports, 0);
}

/* Proves DEV-STATS-5. */
static void a_report_for_an_older_request_is_ignored(void **state)
{
	struct bed *bed = *state;
	uint32_t old = ask(bed);

	report(bed, old, VIRTIO_MEMORY_BALLOON_S_MEMFREE, 1, 1);
	assert_int_not_equal(ask(bed), old);
	report(bed, old, VIRTIO_MEMORY_BALLOON_S_MEMFREE, 1, 2);
	assert_int_equal(bed_status(bed).stats.reports, 1);
	assert_int_equal(bed_status(bed).stats.value[VIRTIO_MEMORY_BALLOON_S_MEMFREE], 1);
}

static void asking_again_before_the_answer_repeats_the_cookie(void **state)
{
	struct bed *bed = *state;
	uint32_t cookie = ask(bed);

	assert_int_equal(ask(bed), cookie);
	report(bed, cookie, VIRTIO_MEMORY_BALLOON_S_MEMFREE, 1, 1);
	assert_int_equal(bed_status(bed).stats.reports, 1);
	report(bed, cookie, VIRTIO_MEMORY_BALLOON_S_MEMFREE, 1, 2);
	assert_int_equal(bed_status(bed).stats.reports, 1);
}

static void a_report_replaces_the_one_before_as_a_whole(void **state)
{
	struct bed *bed = *state;

	report(bed, ask(bed), VIRTIO_MEMORY_BALLOON_S_MEMFREE, 1, 1);
	report(bed, ask(bed), VIRTIO_MEMORY_BALLOON_S_MEMTOT, 1, 2);
	assert_int_equal(bed_status(bed).stats.present, 1 << VIRTIO_MEMORY_BALLOON_S_MEMTOT);
	assert_int_equal(bed_status(bed).stats.reports, 2);
}

/* Proves DEV-STATS-1. */
static void unknown_tags_are_ignored(void **state)
{
	struct bed *bed = *state;

	report(bed, ask(bed), VIRTIO_MEMORY_BALLOON_S_COUNT - 1, 3, 1);
	assert_int_equal(bed_status(bed).stats.present, 1 << (VIRTIO_MEMORY_BALLOON_S_COUNT - 1));
	report(bed, ask(bed), UINT16_MAX, 1, 1);
	assert_int_equal(bed_status(bed).stats.present, 0);
	assert_int_equal(bed_status(bed).stats.reports, 2);
}

/* Proves DEV-STATS-8. */
static void of_a_tag_that_comes_twice_the_last_counts(void **state)
{
	struct bed *bed = *state;
	struct report message = { .msg = {
					  vballoon_le32(VIRTIO_MEMORY_BALLOON_MSG_STATS),
					  vballoon_le32(ask(bed)),
				  } };

	message.stats[0].value = vballoon_le64(1);
	message.stats[1].value = vballoon_le64(2);
	bed_say(bed, &message, sizeof(message.msg) + 2 * sizeof(message.stats[0]), NULL, 0);
	assert_int_equal(bed_status(bed).stats.value[0], 2);
}

/* Proves DEV-STATS-2. */
static void statistics_come_in_any_order(void **state)
{
	struct bed *bed = *state;
	struct report message = { .msg = {
					  vballoon_le32(VIRTIO_MEMORY_BALLOON_MSG_STATS),
					  vballoon_le32(ask(bed)),
				  } };

	for (uint16_t i = 0; i < VIRTIO_MEMORY_BALLOON_S_COUNT; i++) {
		message.stats[i].tag = vballoon_le16(VIRTIO_MEMORY_BALLOON_S_COUNT - 1 - i);
		message.stats[i].value = vballoon_le64(i);
	}
	bed_say(bed, &message,
		sizeof(message.msg) + VIRTIO_MEMORY_BALLOON_S_COUNT * sizeof(message.stats[0]),
		NULL, 0);
	for (unsigned int tag = 0; tag < VIRTIO_MEMORY_BALLOON_S_COUNT; tag++)
		assert_int_equal(bed_status(bed).stats.value[tag],
				 VIRTIO_MEMORY_BALLOON_S_COUNT - 1 - tag);
}

/* Proves DEV-STATS-4. */
static void what_is_reserved_in_a_statistic_is_ignored(void **state)
{
	struct bed *bed = *state;
	struct report message = { .msg = {
					  vballoon_le32(VIRTIO_MEMORY_BALLOON_MSG_STATS),
					  vballoon_le32(ask(bed)),
				  } };

	message.stats[0].value = vballoon_le64(5);
	memset(message.stats[0].reserved, 0xff, sizeof(message.stats[0].reserved));
	bed_say(bed, &message, sizeof(message.msg) + sizeof(message.stats[0]), NULL, 0);
	assert_int_equal(bed_status(bed).violation, VBALLOON_OK);
	assert_int_equal(bed_status(bed).stats.value[0], 5);
}

/* A guest that says it has no memory at all. Proves DEV-STATS-7. */
static void what_a_guest_says_of_its_memory_moves_no_page(void **state)
{
	struct bed *bed = *state;
	uint64_t entry;

	bed_add_memory(bed, GIB, MIB, 12);
	bed_add_pages(bed, GIB, 10);
	report(bed, ask(bed), 0, VIRTIO_MEMORY_BALLOON_S_COUNT, 0);
	report(bed, ask(bed), 0, VIRTIO_MEMORY_BALLOON_S_COUNT, UINT64_MAX);
	assert_int_equal(bed_status(bed).held_pages, 10);
	assert_int_equal(bed_withdraw(bed, 10, &entry, 1), 1);
	assert_int_equal(bed_entry_pages(entry), 10);
	assert_int_equal(bed_add_entry(bed, GIB + MIB), VIRTIO_MEMORY_BALLOON_REFUSED);
}

/* Proves DEV-STATS-1: of the project's own tags, too, those that there are count. */
static void the_projects_own_tags_come_behind_the_others(void **state)
{
	const unsigned int first = VIRTIO_MEMORY_BALLOON_S_COUNT;
	const unsigned int count = VIRTIO_MEMORY_BALLOON_S_OWN_COUNT;
	struct bed *bed = *state;
	struct vballoon_stats stats;

	report(bed, ask(bed), VIRTIO_MEMORY_BALLOON_S_OWN_FIRST - 1, count + 2, 7);
	stats = bed_status(bed).stats;
	assert_int_equal(stats.present, ((1U << count) - 1) << first);
	assert_int_equal(sizeof(stats.value) / sizeof(stats.value[0]), first + count);
	assert_int_equal(stats.value[first], 7);
	assert_int_equal(stats.value[first + count - 1], 7);
}

static void a_report_of_256_statistics_is_within_the_limit(void **state)
{
	struct bed *bed = *state;

	report(bed, ask(bed), 1000, 256, 1);
	assert_int_equal(bed_status(bed).violation, VBALLOON_OK);
	assert_int_equal(bed_status(bed).stats.reports, 1);
}

/* Proves DEV-STATS-3. */
static void one_statistic_more_stops_the_device(void **state)
{
	struct bed *bed = *state;
	static struct report message;

	message.msg.type = vballoon_le32(VIRTIO_MEMORY_BALLOON_MSG_STATS);
	bed_post(bed, &message, sizeof(message), 0);
	bed_run(bed);
	assert_int_equal(bed_status(bed).violation, VBALLOON_MESSAGE_LENGTH);
}

static void a_new_guest_is_asked_what_the_one_before_did_not_answer(void **state)
{
	struct bed *bed = *state;
	uint32_t cookie = ask(bed);
	struct virtio_memory_balloon_req request;

	bed_hello(bed, BED_EPOCH + 1, 12, 0);
	bed_expect_request(bed, VIRTIO_MEMORY_BALLOON_REQ_RESIZE, 0);
	bed_post_request(bed);
	bed_run(bed);
	assert_true(bed_collect_request(bed, &request));
	assert_int_equal(request.type, VIRTIO_MEMORY_BALLOON_REQ_STATS);
	assert_int_not_equal(vballoon_le32(request.flags), cookie);
}

static void a_new_guest_does_not_inherit_statistics(void **state)
{
	struct bed *bed = *state;

	report(bed, ask(bed), VIRTIO_MEMORY_BALLOON_S_MEMFREE, 1, 1);
	bed_hello(bed, BED_EPOCH + 1, 12, 0);
	assert_int_equal(bed_status(bed).stats.present, 0);
	assert_int_equal(bed_status(bed).stats.reports, 1);
}

static int push_setup(void **state)
{
	static struct bed bed;

	bed_init(&bed, BED_RUNS | BED_PUSH_STATS);
	bed_greet(&bed, 12);
	bed_expect_request(&bed, VIRTIO_MEMORY_BALLOON_REQ_RESIZE, 0);
	*state = &bed;
	return 0;
}

/* Proves DEV-PUSH-1. */
static void without_the_feature_no_period_is_told(void **state)
{
	struct bed *bed = *state;

	vballoon_device_set_stats_period(bed->device, 5000);
	bed_expect_request(bed, VIRTIO_MEMORY_BALLOON_REQ_STATS, 0);
}

/* Proves DEV-PUSH-2. */
static void a_period_is_told_once(void **state)
{
	struct bed *bed = *state;

	vballoon_device_set_stats_period(bed->device, 5000);
	bed_expect_request(bed, VIRTIO_MEMORY_BALLOON_REQ_STATS, 5000);
	vballoon_device_request_stats(bed->device);
	bed_expect_request(bed, VIRTIO_MEMORY_BALLOON_REQ_STATS,
			   VIRTIO_MEMORY_BALLOON_STATS_PERIOD_SAME);
	vballoon_device_set_stats_period(bed->device, 0);
	bed_expect_request(bed, VIRTIO_MEMORY_BALLOON_REQ_STATS, 0);
	assert_int_equal(bed_status(bed).stats_period_ms, 0);
}

/* Proves DEV-PUSH-3. */
static void an_unasked_report_counts_with_the_feature(void **state)
{
	struct bed *bed = *state;

	report(bed, 0, VIRTIO_MEMORY_BALLOON_S_MEMFREE, 1, 5);
	report(bed, 0, VIRTIO_MEMORY_BALLOON_S_MEMFREE, 1, 6);
	assert_int_equal(bed_status(bed).stats.reports, 2);
	assert_int_equal(bed_status(bed).stats.value[VIRTIO_MEMORY_BALLOON_S_MEMFREE], 6);
}

static void an_unasked_report_is_not_the_answer(void **state)
{
	struct bed *bed = *state;
	uint32_t cookie = ask(bed);

	report(bed, 0, VIRTIO_MEMORY_BALLOON_S_MEMFREE, 1, 5);
	report(bed, cookie, VIRTIO_MEMORY_BALLOON_S_MEMFREE, 1, 6);
	assert_int_equal(bed_status(bed).stats.reports, 2);
}

static void a_wrong_cookie_is_wrong_with_the_feature_too(void **state)
{
	struct bed *bed = *state;

	report(bed, ask(bed) + 1, VIRTIO_MEMORY_BALLOON_S_MEMFREE, 1, 5);
	assert_int_equal(bed_status(bed).stats.reports, 0);
}

/* Proves DEV-PUSH-4. */
static void a_new_guest_is_told_the_period(void **state)
{
	struct bed *bed = *state;

	vballoon_device_set_stats_period(bed->device, 5000);
	bed_expect_request(bed, VIRTIO_MEMORY_BALLOON_REQ_STATS, 5000);
	bed_hello(bed, BED_EPOCH + 1, 12, 0);
	bed_expect_request(bed, VIRTIO_MEMORY_BALLOON_REQ_RESIZE, 0);
	bed_expect_request(bed, VIRTIO_MEMORY_BALLOON_REQ_STATS, 5000);
}

static void a_guest_that_goes_on_is_not_told_again(void **state)
{
	struct bed *bed = *state;

	vballoon_device_set_stats_period(bed->device, 5000);
	bed_expect_request(bed, VIRTIO_MEMORY_BALLOON_REQ_STATS, 5000);
	bed_pause(bed);
	bed_hello(bed, BED_EPOCH, 12, 0);
	bed_post_request(bed);
	bed_expect_no_request(bed);
}

static void a_reset_does_not_end_the_wish(void **state)
{
	struct bed *bed = *state;

	vballoon_device_set_stats_period(bed->device, 5000);
	vballoon_device_reset(bed->device);
	assert_int_equal(vballoon_device_set_features(bed->device, BED_VERSION_1 | BED_PUSH_STATS),
			 0);
	bed_start_queues(bed);
	bed_hello(bed, BED_EPOCH + 1, 12, 0);
	bed_expect_request(bed, VIRTIO_MEMORY_BALLOON_REQ_RESIZE, 0);
	bed_expect_request(bed, VIRTIO_MEMORY_BALLOON_REQ_STATS, 5000);
}

#define PUSH_TEST(name) cmocka_unit_test_setup_teardown(name, push_setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(without_the_feature_no_period_is_told, setup,
						teardown),
		PUSH_TEST(a_period_is_told_once),
		PUSH_TEST(an_unasked_report_counts_with_the_feature),
		PUSH_TEST(an_unasked_report_is_not_the_answer),
		PUSH_TEST(a_wrong_cookie_is_wrong_with_the_feature_too),
		PUSH_TEST(a_new_guest_is_told_the_period),
		PUSH_TEST(a_guest_that_goes_on_is_not_told_again),
		PUSH_TEST(a_reset_does_not_end_the_wish),
		cmocka_unit_test_setup_teardown(an_answer_with_the_cookie_of_the_request_counts,
						setup, teardown),
		cmocka_unit_test_setup_teardown(a_cookie_is_never_0, setup, teardown),
		cmocka_unit_test_setup_teardown(a_report_that_nobody_asked_for_is_ignored, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_report_for_an_older_request_is_ignored, setup,
						teardown),
		cmocka_unit_test_setup_teardown(asking_again_before_the_answer_repeats_the_cookie,
						setup, teardown),
		cmocka_unit_test_setup_teardown(a_report_replaces_the_one_before_as_a_whole, setup,
						teardown),
		cmocka_unit_test_setup_teardown(unknown_tags_are_ignored, setup, teardown),
		cmocka_unit_test_setup_teardown(the_projects_own_tags_come_behind_the_others, setup,
						teardown),
		cmocka_unit_test_setup_teardown(of_a_tag_that_comes_twice_the_last_counts, setup,
						teardown),
		cmocka_unit_test_setup_teardown(statistics_come_in_any_order, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_reserved_in_a_statistic_is_ignored, setup,
						teardown),
		cmocka_unit_test_setup_teardown(what_a_guest_says_of_its_memory_moves_no_page,
						setup, teardown),
		cmocka_unit_test_setup_teardown(a_report_of_256_statistics_is_within_the_limit,
						setup, teardown),
		cmocka_unit_test_setup_teardown(one_statistic_more_stops_the_device, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			a_new_guest_is_asked_what_the_one_before_did_not_answer, setup, teardown),
		cmocka_unit_test_setup_teardown(a_new_guest_does_not_inherit_statistics, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
