// SPDX-License-Identifier: BSD-3-Clause
/*
 * The traditional balloon is saved, and another goes on in its place: that it is the same
 * driver shows in where its queues go on.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "state/checksum.h"
#include "state/saved.h"
#include "trad_bed.h"

#define AT GIB
#define AT_BITS (104 + 60) /* docs/state-format.md */
#define TELLS TRAD(MUST_TELL_HOST)

static struct bed bed;
static uint8_t saved[4096];
static size_t len;

static void begin(uint64_t features)
{
	trad_begin(&bed, features, 12, TRAD_BOTH);
	trad_say_up(&bed, INFLATE, AT, 40);
}

static int teardown(void **state)
{
	(void)state;
	bed_destroy(&bed);
	return 0;
}

/* Another device takes the place of this one, with the same memory and the same driver. */
static void replace(void)
{
	struct vballoon_saved_check check;

	trad_stop(&bed);
	assert_int_equal(vballoon_device_save(bed.device, saved, sizeof(saved), &len), 0);
	assert_int_equal(vballoon_device_load(bed.device, saved, len, &check), 0);
	assert_int_equal(check.fault, VBALLOON_SAVED_OK);
	assert_int_equal(bed_status(&bed).dropped_pages, 0);
}

static void a_driver_that_goes_on_keeps_its_balloon(void **state)
{
	(void)state;
	begin(TELLS);
	trad_config_write(&bed, TRAD_FIELD(actual), 40);
	replace();
	assert_int_equal(bed_status(&bed).record, VBALLOON_RECORD_UNPROVEN);
	assert_int_equal(bed_status(&bed).held_pages, 40);
	assert_int_equal(trad_config(&bed, TRAD_FIELD(actual)), 40);
	trad_go_on(&bed, TRAD_BOTH);
	bed_run(&bed);
	assert_int_equal(bed_status(&bed).record, VBALLOON_RECORD_PROVEN);
	assert_int_equal(bed_status(&bed).held_pages, 40);
	assert_int_equal(bed_status(&bed).dropped_pages, 40);
	assert_int_equal(bed_status(&bed).resets_seen, 0);
}

/* It has taken all of it back without a word since, and has no reason to say so again. */
static void a_balloon_that_is_said_to_be_empty_is_so_there_too(void **state)
{
	(void)state;
	begin(TRAD(SILENT_DEFLATE));
	assert_int_equal(bed_status(&bed).balloon_pages, 40);
	trad_config_write(&bed, TRAD_FIELD(actual), 0);
	assert_int_equal(bed_status(&bed).balloon_pages, 0);
	replace();
	trad_go_on(&bed, TRAD_BOTH);
	bed_run(&bed);
	assert_int_equal(bed_status(&bed).held_pages, 40);
	assert_int_equal(bed_status(&bed).balloon_pages, 0);
}

static void of_a_driver_that_has_not_said_all_that_is_held_is_the_balloon(void **state)
{
	(void)state;
	begin(TRAD(SILENT_DEFLATE));
	replace();
	assert_int_equal(bed_status(&bed).balloon_pages, 40);
}

/* The message that was held was once lost with the state, elsewhere, and statistics for ever. */
static void statistics_that_the_device_had_kept_are_asked_for_there(void **state)
{
	const unsigned int queues = TRAD_BOTH | TRAD_QUEUE(STATS);

	(void)state;
	begin(TELLS | TRAD(STATS_VQ));
	trad_start(&bed, queues);
	trad_say_up(&bed, INFLATE, AT, 1);
	trad_post_stat(&bed, VIRTIO_BALLOON_S_MEMFREE, 1);
	replace();
	trad_go_on(&bed, queues);
	bed_run(&bed);
	assert_int_equal(bed_status(&bed).held_pages, 1);
	assert_false(trad_answered(&bed, STATS));
	vballoon_device_request_stats(bed.device);
	bed_run(&bed);
	assert_true(trad_answered(&bed, STATS));
	trad_post_stat(&bed, VIRTIO_BALLOON_S_MEMFREE, 2);
	assert_int_equal(bed_status(&bed).stats.value[VIRTIO_BALLOON_S_MEMFREE], 2);
}

static void a_driver_that_begins_anew_has_an_empty_balloon(void **state)
{
	(void)state;
	begin(TELLS);
	replace();
	trad_start(&bed, TRAD_BOTH);
	bed_run(&bed);
	assert_int_equal(bed_status(&bed).held_pages, 0);
}

/* It had begun anew before it was saved, and nobody had heard it. */
static void a_driver_that_was_not_heard_is_new_there_too(void **state)
{
	(void)state;
	begin(TELLS);
	trad_stop(&bed);
	ring_builder_init(&bed.rings[INFLATE], &bed.guest, bed.rings[INFLATE].queue.desc.value,
			  BED_QUEUE_SIZE);
	ring_builder_start_driver(&bed.rings[INFLATE], (struct vballoon_ring_features){ 0 });
	trad_go_on(&bed, TRAD_QUEUE(INFLATE));
	replace();
	trad_go_on(&bed, TRAD_BOTH);
	bed_run(&bed);
	assert_int_equal(bed_status(&bed).held_pages, 0);
}

static void the_target_is_the_same_there(void **state)
{
	(void)state;
	begin(TELLS);
	assert_int_equal(vballoon_device_set_target(bed.device, 77), 0);
	replace();
	assert_int_equal(trad_config(&bed, TRAD_FIELD(num_pages)), 77);
}

/* What the driver is asked for by a host that holds its balloon to a pace, once the state is there. */
static uint32_t asked_at_a_pace(void)
{
	const struct vballoon_policy policy = { .inflate_rate = 100 * 4096 };
	struct vballoon_saved_check check;
	struct bed there;
	uint32_t asked;

	trad_stop(&bed);
	assert_int_equal(vballoon_device_save(bed.device, saved, sizeof(saved), &len), 0);
	trad_bed_init(&there, TELLS);
	bed_add_memory(&there, AT, 64 * MIB, 12);
	vballoon_device_set_time(there.device, 1000);
	assert_int_equal(vballoon_device_set_policy(there.device, &policy), 0);
	assert_int_equal(vballoon_device_load(there.device, saved, len, &check), 0);
	assert_int_equal(check.fault, VBALLOON_SAVED_OK);
	asked = trad_config(&there, TRAD_FIELD(num_pages));
	bed_destroy(&there);
	return asked;
}

/* The first step was once one from an empty balloon: the guest had to take all the rest back. */
static void a_pace_there_begins_with_what_the_driver_has(void **state)
{
	(void)state;
	begin(TELLS);
	assert_int_equal(vballoon_device_set_target(bed.device, 2000), 0);
	trad_config_write(&bed, TRAD_FIELD(actual), 1024);
	assert_int_equal(asked_at_a_pace(), 1024 + 512);
}

static void or_with_what_it_was_asked_for_where_it_has_said_nothing(void **state)
{
	(void)state;
	begin(TELLS);
	assert_int_equal(vballoon_device_set_target(bed.device, 1024), 0);
	bed_run(&bed);
	assert_int_equal(asked_at_a_pace(), 1024);
}

static bool count(void *context, struct vballoon_gpa gpa, uint64_t pages, bool dropped)
{
	(void)gpa;
	(void)dropped;
	*(uint64_t *)context += pages;
	return true;
}

static void a_driver_that_tells_first_has_pages_that_need_not_travel(void **state)
{
	uint64_t pages = 0;

	(void)state;
	begin(TELLS);
	trad_stop(&bed);
	assert_int_equal(vballoon_device_each_skippable(bed.device, vballoon_gpa(0), count, &pages),
			 0);
	assert_int_equal(pages, 40);
}

/* What it has told of only when it was paused it may be using already. */
static void of_a_driver_that_does_not_all_travels(void **state)
{
	uint64_t pages = 0;

	(void)state;
	begin(0);
	trad_stop(&bed);
	assert_int_equal(vballoon_device_each_skippable(bed.device, vballoon_gpa(0), count, &pages),
			 -EOPNOTSUPP);
	assert_int_equal(pages, 0);
}

/* The device offers to be told first, and does without. */
static void a_driver_that_did_not_agree_to_tell_first_goes_on(void **state)
{
	(void)state;
	begin(TELLS);
	trad_stop(&bed);
	assert_int_equal(vballoon_device_set_features(bed.device, BED_VERSION_1), 0);
	trad_start(&bed, TRAD_BOTH);
	trad_say_up(&bed, INFLATE, AT, 10);
	replace();
	assert_int_equal(bed_status(&bed).held_pages, 10);
}

static void a_state_of_the_other_device_is_refused(void **state)
{
	struct vballoon_saved_check check;
	struct bed other;

	(void)state;
	begin(TELLS);
	trad_stop(&bed);
	assert_int_equal(vballoon_device_save(bed.device, saved, sizeof(saved), &len), 0);
	bed_init(&other, 0);
	bed_add_memory(&other, AT, 64 * MIB, 12);
	assert_int_equal(vballoon_device_load(other.device, saved, len, &check), -EINVAL);
	assert_int_equal(check.fault, VBALLOON_SAVED_CANNOT_MOVE);
	assert_true(check.migration.obstacles & VBALLOON_OBSTACLE_DEVICE);
	bed_destroy(&other);
}

static void a_bit_that_this_device_does_not_know_is_refused(void **state)
{
	struct vballoon_saved_check check;

	(void)state;
	begin(TELLS);
	trad_stop(&bed);
	assert_int_equal(vballoon_device_save(bed.device, saved, sizeof(saved), &len), 0);
	vballoon_saved_store32(saved + AT_BITS, 1 << 6);
	vballoon_saved_store32(saved + len - 4, vballoon_checksum(saved, len - 4));
	assert_int_equal(vballoon_device_load(bed.device, saved, len, &check), -EINVAL);
	assert_int_equal(check.fault, VBALLOON_SAVED_CORRUPT);
	assert_int_equal(bed_status(&bed).held_pages, 40);
}

#define TEST(name) cmocka_unit_test_teardown(name, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_driver_that_goes_on_keeps_its_balloon),
		TEST(a_balloon_that_is_said_to_be_empty_is_so_there_too),
		TEST(of_a_driver_that_has_not_said_all_that_is_held_is_the_balloon),
		TEST(statistics_that_the_device_had_kept_are_asked_for_there),
		TEST(a_driver_that_begins_anew_has_an_empty_balloon),
		TEST(a_driver_that_was_not_heard_is_new_there_too),
		TEST(the_target_is_the_same_there),
		TEST(a_pace_there_begins_with_what_the_driver_has),
		TEST(or_with_what_it_was_asked_for_where_it_has_said_nothing),
		TEST(a_driver_that_tells_first_has_pages_that_need_not_travel),
		TEST(of_a_driver_that_does_not_all_travels),
		TEST(a_driver_that_did_not_agree_to_tell_first_goes_on),
		TEST(a_state_of_the_other_device_is_refused),
		TEST(a_bit_that_this_device_does_not_know_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
