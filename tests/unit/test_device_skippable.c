// SPDX-License-Identifier: BSD-3-Clause
/* Which pages need not travel, and when that may be said (docs/spec/state.md). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "device_bed.h"

#define AT GIB

static int setup(void **state)
{
	static struct bed bed;

	bed_init(&bed, BED_RUNS | BED_REPORTING);
	bed_add_memory(&bed, AT, 64 * MIB, 12);
	bed_greet(&bed, 12);
	*state = &bed;
	return 0;
}

static int teardown(void **state)
{
	bed_destroy(*state);
	return 0;
}

static void stop(struct bed *bed)
{
	vballoon_device_stop_queue(bed->device, FROMDEV, NULL);
	vballoon_device_stop_queue(bed->device, TODEV, NULL);
}

static bool sum(void *context, struct vballoon_gpa gpa, uint64_t pages, bool dropped)
{
	uint64_t *sums = context;

	(void)gpa;
	(void)dropped;
	sums[0] += pages;
	sums[1]++;
	return true;
}

/* Pages that need not travel, from an address on; or a negative errno. */
static int64_t skippable(struct bed *bed, uint64_t from)
{
	uint64_t sums[2] = { 0 };
	int ret = vballoon_device_each_skippable(bed->device, vballoon_gpa(from), sum, sums);

	if (ret)
		assert_int_equal(sums[1], 0);
	return ret ? ret : (int64_t)sums[0];
}

/* Proves DEV-STATE-7. */
static void held_pages_need_not_travel_once_the_guest_stands_still(void **state)
{
	struct bed *bed = *state;

	bed_add_pages(bed, AT, 100);
	assert_int_equal(skippable(bed, 0), -EBUSY);
	vballoon_device_stop_queue(bed->device, TODEV, NULL);
	assert_int_equal(skippable(bed, 0), -EBUSY);
	vballoon_device_stop_queue(bed->device, FROMDEV, NULL);
	assert_int_equal(skippable(bed, 0), 100);
}

/* Whoever began and said nothing may be another kernel. Proves DEV-STATE-7. */
static void a_guest_that_did_not_speak_before_it_stopped_keeps_all(void **state)
{
	struct bed *bed = *state;

	bed_add_pages(bed, AT, 100);
	bed_pause(bed);
	stop(bed);
	assert_int_equal(skippable(bed, 0), -EAGAIN);
}

static void one_queue_that_starts_is_doubt_enough(void **state)
{
	struct bed *bed = *state;

	bed_add_pages(bed, AT, 100);
	stop(bed);
	assert_int_equal(vballoon_device_start_queue(bed->device, FROMDEV, &bed->rings[0].queue),
			 0);
	vballoon_device_stop_queue(bed->device, FROMDEV, NULL);
	assert_int_equal(skippable(bed, 0), -EAGAIN);
}

static void a_guest_that_spoke_again_is_told_of_again(void **state)
{
	struct bed *bed = *state;

	bed_add_pages(bed, AT, 100);
	bed_pause(bed);
	bed_hello(bed, BED_EPOCH, 12, 0);
	stop(bed);
	assert_int_equal(skippable(bed, 0), 100);
}

static void a_reset_that_is_known_as_one_ends_it(void **state)
{
	struct bed *bed = *state;

	bed_add_pages(bed, AT, 100);
	vballoon_device_reset(bed->device);
	assert_int_equal(skippable(bed, 0), -EAGAIN);
}

static void a_guest_that_broke_the_rules_keeps_all(void **state)
{
	static const uint32_t unknown[] = { 77, 0 };
	struct bed *bed = *state;

	bed_add_pages(bed, AT, 100);
	bed_post(bed, unknown, sizeof(unknown), 8);
	bed_run(bed);
	assert_int_not_equal(bed_status(bed).violation, VBALLOON_OK);
	stop(bed);
	assert_int_equal(skippable(bed, 0), -EAGAIN);
}

/* Proves DEV-STATE-8. */
static void what_was_reported_as_free_travels(void **state)
{
	const uint64_t run = (AT + 16 * MIB) | 255;
	struct bed *bed = *state;

	bed_add_pages(bed, AT, 100);
	bed_report(bed, &run, 1);
	assert_int_equal(bed_status(bed).discarded_pages, 256);
	stop(bed);
	assert_int_equal(skippable(bed, 0), 100);
	assert_int_equal(skippable(bed, AT + 16 * MIB), 0);
}

static void it_goes_on_from_anywhere(void **state)
{
	struct bed *bed = *state;

	bed_add_pages(bed, AT, 100);
	bed_add_pages(bed, AT + 8 * MIB, 7);
	stop(bed);
	assert_int_equal(skippable(bed, AT + 40 * 4096), 67);
	assert_int_equal(skippable(bed, AT + 100 * 4096), 7);
	assert_int_equal(skippable(bed, AT + 64 * MIB), 0);
	assert_int_equal(skippable(bed, UINT64_MAX), 0);
}

/* Another device goes on from the journal of one that died. Proves DEV-STATE-7. */
static void what_need_not_travel_the_next_device_knows(void **state)
{
	struct bed *bed = *state;

	bed_add_pages(bed, AT, 100);
	stop(bed);
	bed_die(bed);
	assert_int_equal(skippable(bed, 0), 100);
	bed_die(bed);
	assert_int_equal(skippable(bed, 0), 100);
}

/* Proves DEV-STATE-7. */
static void of_a_guest_that_did_not_speak_the_next_device_keeps_all(void **state)
{
	struct bed *bed = *state;

	bed_add_pages(bed, AT, 100);
	bed_pause(bed);
	stop(bed);
	bed_die(bed);
	assert_int_equal(skippable(bed, 0), -EAGAIN);
}

/* What it was in the midst of nobody knows, though the other queue had stopped before. */
static void a_queue_that_ran_when_its_device_died_is_doubt_enough(void **state)
{
	struct bed *bed = *state;

	bed_add_pages(bed, AT, 100);
	vballoon_device_stop_queue(bed->device, FROMDEV, NULL);
	bed_die(bed);
	vballoon_device_stop_queue(bed->device, TODEV, NULL);
	assert_int_equal(skippable(bed, 0), -EAGAIN);
}

/* Its guest has not spoken here. */
static void what_was_loaded_travels(void **state)
{
	struct vballoon_saved_check check;
	struct bed *bed = *state;
	uint8_t saved[4096];
	size_t len;

	bed_add_pages(bed, AT, 100);
	stop(bed);
	assert_int_equal(vballoon_device_save(bed->device, saved, sizeof(saved), &len), 0);
	assert_int_equal(vballoon_device_load(bed->device, saved, len, &check), 0);
	assert_int_equal(skippable(bed, 0), -EAGAIN);
}

/* A state is loaded, or its device dies at a step of that, from 1 on; then another goes on. Returns
 * whether it died. */
static bool load_and_die(struct bed *bed, const uint8_t *saved, size_t len, unsigned int step)
{
	struct vballoon_saved_check check;

	bed->dies_in = step;
	if (setjmp(bed->death)) {
		bed_die(bed);
		return true;
	}
	assert_int_equal(vballoon_device_load(bed->device, saved, len, &check), 0);
	bed->dies_in = 0;
	bed_die(bed);
	return false;
}

/* That the guest had spoken before is not true of what was loaded then. Proves DEV-STATE-7. */
static void what_was_loaded_travels_whenever_that_kills(void **state)
{
	struct bed *bed = *state;
	unsigned int step = 0;
	uint8_t saved[4096];
	size_t len;
	bool died;

	bed_add_pages(bed, AT, 100);
	bed_stop(bed);
	assert_int_equal(vballoon_device_save(bed->device, saved, sizeof(saved), &len), 0);
	do {
		bed_go_on(bed);
		bed_hello(bed, BED_EPOCH, 12, 0);
		bed_add_pages(bed, AT, 100);
		bed_stop(bed);
		assert_int_equal(skippable(bed, 0), 100);
		died = load_and_die(bed, saved, len, ++step);
		assert_int_equal(skippable(bed, 0), -EAGAIN);
	} while (died);
	assert_true(step > 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(held_pages_need_not_travel_once_the_guest_stands_still),
		TEST(a_guest_that_did_not_speak_before_it_stopped_keeps_all),
		TEST(one_queue_that_starts_is_doubt_enough),
		TEST(a_guest_that_spoke_again_is_told_of_again),
		TEST(a_reset_that_is_known_as_one_ends_it),
		TEST(a_guest_that_broke_the_rules_keeps_all),
		TEST(what_was_reported_as_free_travels),
		TEST(it_goes_on_from_anywhere),
		TEST(what_was_loaded_travels),
		TEST(what_was_loaded_travels_whenever_that_kills),
		TEST(what_need_not_travel_the_next_device_knows),
		TEST(of_a_guest_that_did_not_speak_the_next_device_keeps_all),
		TEST(a_queue_that_ran_when_its_device_died_is_doubt_enough),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
