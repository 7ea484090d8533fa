// SPDX-License-Identifier: BSD-3-Clause
/* Rounds of REPORT: asked for, and ended with REPORT_DONE. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/le.h"
#include "device_bed.h"

#define AT UINT64_C(0x10000000)

static struct bed bed;

static void set_up_with(uint64_t features)
{
	bed_init(&bed, features);
	bed_add_memory(&bed, AT, 64 * MIB, 12);
	bed_greet(&bed, 12);
}

static int set_up(void **state)
{
	(void)state;
	set_up_with(BED_RUNS | BED_REPORTING);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	bed_destroy(&bed);
	return 0;
}

static uint64_t begin_round(void)
{
	uint64_t id = 0;

	assert_int_equal(vballoon_device_request_report(bed.device, &id), 0);
	assert_int_not_equal(id, 0);
	return id;
}

static void say_done(uint64_t id)
{
	const struct virtio_memory_balloon_report_done done = {
		.msg.type = VIRTIO_MEMORY_BALLOON_MSG_REPORT_DONE,
		.id = vballoon_le64(id),
	};

	bed_say(&bed, &done, sizeof(done), NULL, 0);
}

static void a_round_is_asked_for_and_ends_with_its_id(void **state)
{
	uint64_t id = begin_round();

	(void)state;
	bed_expect_request(&bed, VIRTIO_MEMORY_BALLOON_REQ_RESIZE, 0);
	bed_expect_request(&bed, VIRTIO_MEMORY_BALLOON_REQ_REPORT, id);
	assert_int_equal(bed_status(&bed).report_done_id, 0);
	say_done(id);
	assert_int_equal(bed_status(&bed).report_done_id, id);
	bed_expect_no_request(&bed);
}

/* Proves DEV-REPORT-7. */
static void the_end_of_an_older_round_is_ignored(void **state)
{
	uint64_t first = begin_round(), second;

	(void)state;
	bed_expect_request(&bed, VIRTIO_MEMORY_BALLOON_REQ_RESIZE, 0);
	bed_expect_request(&bed, VIRTIO_MEMORY_BALLOON_REQ_REPORT, first);
	second = begin_round();
	assert_int_not_equal(first, second);
	say_done(first);
	say_done(second); /* of which the driver cannot know yet */
	assert_int_equal(bed_status(&bed).report_done_id, 0);
	bed_expect_request(&bed, VIRTIO_MEMORY_BALLOON_REQ_REPORT, second);
	say_done(second);
	assert_int_equal(bed_status(&bed).report_done_id, second);
}

static void a_new_guest_is_asked_what_the_one_before_did_not_end(void **state)
{
	uint64_t id = begin_round();

	(void)state;
	bed_expect_request(&bed, VIRTIO_MEMORY_BALLOON_REQ_RESIZE, 0);
	bed_expect_request(&bed, VIRTIO_MEMORY_BALLOON_REQ_REPORT, id);
	bed_hello(&bed, BED_EPOCH + 1, 12, 0);
	bed_expect_request(&bed, VIRTIO_MEMORY_BALLOON_REQ_RESIZE, 0);
	bed_expect_request(&bed, VIRTIO_MEMORY_BALLOON_REQ_REPORT, id);
}

/* Proves DEV-REQ-7. */
static void an_unproven_record_is_not_asked(void **state)
{
	struct virtio_memory_balloon_req request;

	(void)state;
	bed_expect_request(&bed, VIRTIO_MEMORY_BALLOON_REQ_RESIZE, 0);
	bed_pause(&bed);
	begin_round();
	bed_post_request(&bed);
	bed_run(&bed);
	assert_true(bed_collect_request(&bed, &request));
	assert_int_equal(vballoon_le32(request.type), VIRTIO_MEMORY_BALLOON_REQ_HELLO);
	bed_expect_no_request(&bed);
}

/* Proves DEV-FEAT-7. */
static void a_guest_without_the_feature_is_not_asked(void **state)
{
	uint64_t id = 0;

	(void)state;
	bed_destroy(&bed);
	set_up_with(BED_RUNS);
	assert_int_equal(vballoon_device_request_report(bed.device, &id), -EOPNOTSUPP);
	bed_expect_request(&bed, VIRTIO_MEMORY_BALLOON_REQ_RESIZE, 0);
	bed_post_request(&bed);
	bed_expect_no_request(&bed);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_round_is_asked_for_and_ends_with_its_id),
		TEST(the_end_of_an_older_round_is_ignored),
		TEST(a_new_guest_is_asked_what_the_one_before_did_not_end),
		TEST(an_unproven_record_is_not_asked),
		TEST(a_guest_without_the_feature_is_not_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
