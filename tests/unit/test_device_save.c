// SPDX-License-Identifier: BSD-3-Clause
/* A device is saved, and another goes on in its place (docs/spec/state.md). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "device_bed.h"
#include "state/checksum.h"
#include "state/saved.h"

#define AT GIB
#define MEMORY (64 * MIB)
#define FEATURES (BED_RUNS | BED_PUSH_STATS | BED_REPORTING)
#define ROOM 65536

/* The guest is here, and goes there. */
struct move {
	struct bed here, there;
	uint8_t state[ROOM];
	size_t len;
};

static struct move move;

static void greet_here(uint64_t features)
{
	bed_init(&move.here, features);
	bed_add_memory(&move.here, AT, MEMORY, 12);
	bed_greet(&move.here, 12);
	bed_post_request(&move.here);
	bed_expect_request(&move.here, VIRTIO_MEMORY_BALLOON_REQ_RESIZE, 0);
}

static int setup(void **state)
{
	greet_here(FEATURES);
	bed_init(&move.there, FEATURES);
	bed_add_memory(&move.there, AT, MEMORY, 12);
	*state = &move;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	bed_destroy(&move.here);
	bed_destroy(&move.there);
	return 0;
}

static void stop(struct bed *bed)
{
	vballoon_device_stop_queue(bed->device, FROMDEV, NULL);
	vballoon_device_stop_queue(bed->device, TODEV, NULL);
}

static void save(void)
{
	stop(&move.here);
	assert_int_equal(
		vballoon_device_save(move.here.device, move.state, sizeof(move.state), &move.len),
		0);
}

static enum vballoon_saved_fault load(void)
{
	struct vballoon_saved_check check;
	int ret = vballoon_device_load(move.there.device, move.state, move.len, &check);

	assert_int_equal(ret,
			 check.fault && check.fault != VBALLOON_SAVED_OTHER_DRIVER ? -EINVAL : 0);
	return check.fault;
}

static void save_and_load(void)
{
	save();
	assert_int_equal(load(), VBALLOON_SAVED_OK);
}

/* The guest goes on there. */
static void go_on(void)
{
	save_and_load();
	bed_start_queues(&move.there);
}

static bool count_run(void *context, struct vballoon_gpa gpa, uint64_t pages, bool dropped)
{
	uint64_t *sums = context;

	assert_false(dropped);
	sums[0] += pages;
	sums[1] += gpa.value;
	sums[2]++;
	return true;
}

/* Proves DEV-STATE-1. */
static void what_is_held_here_is_held_there(void **state)
{
	uint64_t there[3] = { 0 };

	(void)state;
	bed_add_pages(&move.here, AT, 100);
	bed_add_pages(&move.here, AT + MIB, 1);
	bed_add_pages(&move.here, AT + MEMORY - 4096, 1);
	save_and_load();
	vballoon_device_each_held(move.there.device, count_run, there);
	assert_int_equal(there[0], 102);
	assert_int_equal(there[1], AT + AT + MIB + AT + MEMORY - 4096);
	assert_int_equal(there[2], 3);
}

/* Proves DEV-STATE-1. */
static void target_epoch_and_unit_go_along(void **state)
{
	struct vballoon_status status;

	(void)state;
	vballoon_device_set_target(move.here.device, 77);
	save_and_load();
	status = bed_status(&move.there);
	assert_int_equal(status.target_pages, 77);
	assert_int_equal(status.asked_pages, 77);
	assert_int_equal(status.epoch, BED_EPOCH);
	assert_int_equal(status.unit_shift, 12);
}

/* Proves DEV-HELLO-13, DEV-STATE-1. */
static void a_driver_whose_pages_went_here_is_asked_for_hello_there(void **state)
{
	uint64_t entries[4];

	(void)state;
	bed_add_pages(&move.here, AT, 100);
	stop(&move.here);
	bed_recut_memory(&move.here, AT);
	go_on();
	assert_int_equal(bed_withdraw(&move.there, 0, entries, 4), 0);
	bed_expect_request(&move.there, VIRTIO_MEMORY_BALLOON_REQ_HELLO, 0);
	assert_int_equal(bed_hello(&move.there, BED_EPOCH, 12, 0), 0);
	bed_expect_no_request(&move.there);
}

/* Proves DEV-STATE-2. */
static void nothing_is_saved_while_a_queue_runs(void **state)
{
	(void)state;
	assert_int_equal(
		vballoon_device_save(move.here.device, move.state, sizeof(move.state), &move.len),
		-EBUSY);
	vballoon_device_stop_queue(move.here.device, TODEV, NULL);
	assert_int_equal(
		vballoon_device_save(move.here.device, move.state, sizeof(move.state), &move.len),
		-EBUSY);
	vballoon_device_stop_queue(move.here.device, FROMDEV, NULL);
	assert_int_equal(
		vballoon_device_save(move.here.device, move.state, sizeof(move.state), &move.len),
		0);
}

static void nothing_is_loaded_while_a_queue_runs(void **state)
{
	struct vballoon_saved_check check;

	(void)state;
	save();
	bed_start_queues(&move.there);
	assert_int_equal(vballoon_device_load(move.there.device, move.state, move.len, &check),
			 -EBUSY);
}

/* Proves DEV-STATE-6. */
static void the_record_is_unproven_there_and_nothing_is_dropped(void **state)
{
	(void)state;
	bed_add_pages(&move.here, AT, 100);
	save_and_load();
	assert_int_equal(bed_status(&move.there).record, VBALLOON_RECORD_UNPROVEN);
	bed_start_queues(&move.there);
	bed_run(&move.there);
	assert_int_equal(bed_status(&move.there).record, VBALLOON_RECORD_UNPROVEN);
	assert_int_equal(move.there.call_count, 0);
}

static void the_guest_that_goes_on_proves_it_and_is_dropped_from(void **state)
{
	(void)state;
	bed_add_pages(&move.here, AT, 100);
	assert_int_equal(bed_status(&move.here).dropped_pages, 100);
	go_on();
	assert_int_equal(bed_hello(&move.there, BED_EPOCH, 12, 0), 100);
	bed_run(&move.there);
	assert_int_equal(bed_status(&move.there).dropped_pages, 100);
}

static void another_guest_begins_empty(void **state)
{
	(void)state;
	bed_add_pages(&move.here, AT, 100);
	go_on();
	assert_int_equal(bed_hello(&move.there, BED_EPOCH + 1, 12, 0), 0);
	bed_run(&move.there);
	assert_int_equal(move.there.call_count, 0);
}

static void a_silent_guest_is_asked_who_it_is(void **state)
{
	(void)state;
	bed_add_pages(&move.here, AT, 100);
	go_on();
	bed_post_request(&move.there);
	bed_run(&move.there);
	bed_expect_request(&move.there, VIRTIO_MEMORY_BALLOON_REQ_HELLO, 0);
}

/* Proves DEV-STATE-1. */
static void what_was_to_be_asked_is_asked_there(void **state)
{
	uint64_t id;

	(void)state;
	vballoon_device_set_target(move.here.device, 5);
	assert_int_equal(vballoon_device_request_report(move.here.device, &id), 0);
	go_on();
	bed_hello(&move.there, BED_EPOCH, 12, 0);
	bed_post_request(&move.there);
	bed_run(&move.there);
	bed_expect_request(&move.there, VIRTIO_MEMORY_BALLOON_REQ_RESIZE, 5);
	bed_post_request(&move.there);
	bed_run(&move.there);
	bed_expect_request(&move.there, VIRTIO_MEMORY_BALLOON_REQ_REPORT, id);
}

static void what_was_asked_is_not_asked_again(void **state)
{
	(void)state;
	go_on();
	bed_hello(&move.there, BED_EPOCH, 12, 0);
	bed_post_request(&move.there);
	bed_run(&move.there);
	bed_expect_no_request(&move.there);
}

static void a_period_goes_along_unless_there_is_another(void **state)
{
	(void)state;
	vballoon_device_set_stats_period(move.here.device, 5000);
	save_and_load();
	assert_int_equal(bed_status(&move.there).stats_period_ms, 5000);
	vballoon_device_set_stats_period(move.there.device, 1000);
	assert_int_equal(load(), VBALLOON_SAVED_OK);
	assert_int_equal(bed_status(&move.there).stats_period_ms, 1000);
}

/* Memory in other pieces is the same memory. */
static void regions_may_be_cut_otherwise(void **state)
{
	(void)state;
	bed_add_pages(&move.here, AT + MIB - 4096 * 10, 20);
	save();
	bed_destroy(&move.there);
	bed_init(&move.there, FEATURES);
	bed_add_memory(&move.there, AT + MIB, MEMORY - MIB, 12);
	bed_add_memory(&move.there, AT, MIB, 12);
	assert_int_equal(load(), VBALLOON_SAVED_OK);
	assert_int_equal(bed_status(&move.there).held_pages, 20);
	bed_start_queues(&move.there);
	assert_int_equal(bed_hello(&move.there, BED_EPOCH, 12, 0), 20);
}

/* There are other bits where there is other hardware. */
static void assert_refused(enum vballoon_saved_fault fault)
{
	struct vballoon_status before = bed_status(&move.there), after;

	assert_int_equal(load(), fault);
	after = bed_status(&move.there);
	assert_int_equal(after.record, before.record);
	assert_int_equal(after.held_pages, before.held_pages);
	assert_int_equal(after.target_pages, before.target_pages);
}

static void a_guest_of_another_size_is_refused(void **state)
{
	(void)state;
	save();
	bed_add_memory(&move.there, 2 * GIB, MIB, 12);
	assert_refused(VBALLOON_SAVED_OTHER_MEMORY);
}

static void a_guest_with_less_memory_is_refused(void **state)
{
	(void)state;
	bed_add_memory(&move.here, 2 * GIB, MIB, 12);
	save();
	assert_refused(VBALLOON_SAVED_OTHER_MEMORY);
}

static void memory_elsewhere_is_other_memory(void **state)
{
	(void)state;
	save();
	assert_int_equal(vballoon_device_remove_region(move.there.device, vballoon_gpa(AT)), 0);
	bed_add_memory(&move.there, 3 * GIB, MEMORY, 12);
	assert_refused(VBALLOON_SAVED_OTHER_MEMORY);
}

/* Proves DEV-STATE-3. */
static void a_state_with_another_page_is_refused(void **state)
{
	struct vballoon_saved_check check;

	(void)state;
	save();
	bed_destroy(&move.there);
	bed_init_shift(&move.there, FEATURES, 16);
	assert_int_equal(vballoon_device_load(move.there.device, move.state, move.len, &check),
			 -EINVAL);
	assert_int_equal(check.fault, VBALLOON_SAVED_CANNOT_MOVE);
	assert_int_equal(check.migration.obstacles, VBALLOON_OBSTACLE_PAGE);
}

/* A state with one field changed and its checksum right. */
static void change32(size_t at, uint32_t value)
{
	vballoon_saved_store32(move.state + at, value);
	vballoon_saved_store32(move.state + move.len - 4,
			       vballoon_checksum(move.state, move.len - 4));
}

/* Proves DEV-STATE-3. */
static void a_state_of_another_revision_or_device_is_refused(void **state)
{
	struct vballoon_saved_check check;

	(void)state;
	save();
	change32(40 + 48, 2);
	assert_int_equal(vballoon_device_load(move.there.device, move.state, move.len, &check),
			 -EINVAL);
	assert_int_equal(check.migration.obstacles, VBALLOON_OBSTACLE_REVISION);
	change32(40 + 48, 1);
	change32(12, 5);
	assert_refused(VBALLOON_SAVED_CANNOT_MOVE);
}

/* Proves DEV-STATE-4, DEV-STATE-5. */
static void a_feature_that_is_not_offered_is_named(void **state)
{
	struct vballoon_saved_check check;

	(void)state;
	save();
	bed_destroy(&move.there);
	bed_init(&move.there, BED_RUNS);
	bed_add_memory(&move.there, AT, MEMORY, 12);
	assert_int_equal(vballoon_device_load(move.there.device, move.state, move.len, &check),
			 -EINVAL);
	assert_int_equal(check.fault, VBALLOON_SAVED_CANNOT_MOVE);
	assert_int_equal(check.migration.missing, BED_PUSH_STATS | BED_REPORTING);
}

static void a_driver_that_negotiated_anew_begins_empty_with_the_target(void **state)
{
	(void)state;
	bed_add_pages(&move.here, AT, 100);
	vballoon_device_set_target(move.here.device, 200);
	save();
	assert_int_equal(vballoon_device_set_features(move.there.device, BED_RUNS | BED_VERSION_1),
			 0);
	assert_int_equal(load(), VBALLOON_SAVED_OTHER_DRIVER);
	assert_int_equal(bed_status(&move.there).record, VBALLOON_RECORD_NONE);
	assert_int_equal(bed_status(&move.there).held_pages, 0);
	assert_int_equal(bed_status(&move.there).target_pages, 200);
}

/* Whoever waits for a round waits for that of the next driver. */
static void what_the_driver_before_did_not_answer_is_asked_again(void **state)
{
	uint64_t id;

	(void)state;
	assert_int_equal(vballoon_device_request_report(move.here.device, &id), 0);
	bed_post_request(&move.here);
	bed_run(&move.here);
	bed_expect_request(&move.here, VIRTIO_MEMORY_BALLOON_REQ_REPORT, id);
	save();
	assert_int_equal(vballoon_device_set_features(move.there.device,
						      BED_RUNS | BED_REPORTING | BED_VERSION_1),
			 0);
	assert_int_equal(load(), VBALLOON_SAVED_OTHER_DRIVER);
	bed_start_queues(&move.there);
	bed_hello(&move.there, BED_EPOCH + 1, 12, 0);
	bed_post_request(&move.there);
	bed_run(&move.there);
	bed_expect_request(&move.there, VIRTIO_MEMORY_BALLOON_REQ_RESIZE, 0);
	bed_post_request(&move.there);
	bed_run(&move.there);
	bed_expect_request(&move.there, VIRTIO_MEMORY_BALLOON_REQ_REPORT, id);
}

static void an_own_part_of_another_length_is_refused(void **state)
{
	(void)state;
	save();
	change32(32, 24);
	assert_refused(VBALLOON_SAVED_CORRUPT);
}

/* It would be lost, and the driver would wait for it. */
static void a_request_that_this_device_does_not_know_is_refused(void **state)
{
	(void)state;
	save();
	change32(104, 1 << 7);
	assert_refused(VBALLOON_SAVED_CORRUPT);
}

/* As when a machine goes back to a snapshot of itself. */
static void what_is_loaded_takes_the_place_of_a_record(void **state)
{
	struct vballoon_saved_check check;

	(void)state;
	bed_add_pages(&move.here, AT, 100);
	save();
	bed_start_queues(&move.here);
	bed_hello(&move.here, BED_EPOCH, 12, 0);
	bed_add_pages(&move.here, AT + MIB, 50);
	stop(&move.here);
	assert_int_equal(vballoon_device_load(move.here.device, move.state, move.len, &check), 0);
	assert_int_equal(bed_status(&move.here).held_pages, 100);
	assert_int_equal(bed_status(&move.here).dropped_pages, 0);
}

static void a_guest_without_a_driver_takes_its_target_along(void **state)
{
	(void)state;
	vballoon_device_reset(move.here.device);
	vballoon_device_set_target(move.here.device, 9);
	save_and_load();
	assert_int_equal(bed_status(&move.there).record, VBALLOON_RECORD_NONE);
	assert_int_equal(bed_status(&move.there).target_pages, 9);
}

/* Its monitor had not told of its memory yet, or there is more by the time that a driver comes. */
static void a_guest_without_a_driver_has_no_memory_that_could_be_another(void **state)
{
	(void)state;
	bed_destroy(&move.here);
	bed_init(&move.here, FEATURES);
	vballoon_device_set_target(move.here.device, 9);
	save_and_load();
	assert_int_equal(bed_status(&move.there).target_pages, 9);
	bed_start_queues(&move.there);
	assert_int_equal(bed_hello(&move.there, BED_EPOCH, 12, 0), 0);
	bed_expect_request(&move.there, VIRTIO_MEMORY_BALLOON_REQ_RESIZE, 9);
}

/* Half of the pages, one and one: the longest that a record gets. */
static void a_record_of_single_pages_goes_along(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 1000; i++)
		bed_add_pages(&move.here, AT + i * 8192, 1);
	go_on();
	assert_int_equal(bed_hello(&move.there, BED_EPOCH, 12, 0), 1000);
}

static void what_is_withdrawn_there_is_what_was_added_here(void **state)
{
	uint64_t entries[4];

	(void)state;
	bed_add_pages(&move.here, AT + 5 * MIB, 3);
	go_on();
	bed_hello(&move.there, BED_EPOCH, 12, 0);
	assert_int_equal(bed_withdraw(&move.there, 10, entries, 4), 1);
	assert_int_equal(bed_entry_gpa(entries[0]), AT + 5 * MIB);
	assert_int_equal(bed_entry_pages(entries[0]), 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_held_here_is_held_there),
		TEST(target_epoch_and_unit_go_along),
		TEST(a_driver_whose_pages_went_here_is_asked_for_hello_there),
		TEST(nothing_is_saved_while_a_queue_runs),
		TEST(nothing_is_loaded_while_a_queue_runs),
		TEST(the_record_is_unproven_there_and_nothing_is_dropped),
		TEST(the_guest_that_goes_on_proves_it_and_is_dropped_from),
		TEST(another_guest_begins_empty),
		TEST(a_silent_guest_is_asked_who_it_is),
		TEST(what_was_to_be_asked_is_asked_there),
		TEST(what_was_asked_is_not_asked_again),
		TEST(a_period_goes_along_unless_there_is_another),
		TEST(regions_may_be_cut_otherwise),
		TEST(a_guest_of_another_size_is_refused),
		TEST(a_guest_with_less_memory_is_refused),
		TEST(memory_elsewhere_is_other_memory),
		TEST(a_state_with_another_page_is_refused),
		TEST(a_state_of_another_revision_or_device_is_refused),
		TEST(a_feature_that_is_not_offered_is_named),
		TEST(a_driver_that_negotiated_anew_begins_empty_with_the_target),
		TEST(what_the_driver_before_did_not_answer_is_asked_again),
		TEST(an_own_part_of_another_length_is_refused),
		TEST(a_request_that_this_device_does_not_know_is_refused),
		TEST(what_is_loaded_takes_the_place_of_a_record),
		TEST(a_guest_without_a_driver_takes_its_target_along),
		TEST(a_guest_without_a_driver_has_no_memory_that_could_be_another),
		TEST(a_record_of_single_pages_goes_along),
		TEST(what_is_withdrawn_there_is_what_was_added_here),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
