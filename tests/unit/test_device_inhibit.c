/* SPDX-License-Identifier: BSD-3-Clause */
/* While dropping is inhibited: nothing is dropped, and all else goes on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/le.h"
#include "device_bed.h"

#define AT GIB

/* Proves DEV-MEM-7. */
static void nothing_is_dropped_while_inhibited(void **state)
{
	struct bed *bed = *state;

	vballoon_device_inhibit(bed->device, true);
	bed_add_pages(bed, AT, 100);
	assert_int_equal(bed->call_count, 0);
	assert_int_equal(bed_status(bed).held_pages, 100);
}

static void what_is_held_meanwhile_counts_as_kept_and_not_as_waiting(void **state)
{
	struct vballoon_waiting waiting;
	struct bed *bed = *state;

	bed_add_pages(bed, AT, 10);
	vballoon_device_inhibit(bed->device, true);
	bed_add_pages(bed, AT + MIB, 100);
	assert_int_equal(bed_status(bed).dropped_pages, 10);
	assert_int_equal(bed_status(bed).waiting_pages, 0);
	assert_int_equal(bed_status(bed).kept_pages[VBALLOON_KEEP_INHIBITED], 100);
	vballoon_device_waiting(bed->device, &waiting);
	assert_int_equal(waiting.soon_pages + waiting.partial_pages + waiting.failed_pages, 0);
	vballoon_device_inhibit(bed->device, false);
	assert_int_equal(bed_status(bed).waiting_pages, 100);
	assert_int_equal(bed_status(bed).kept_pages[VBALLOON_KEEP_INHIBITED], 0);
}

static void what_waited_is_dropped_when_the_inhibition_ends(void **state)
{
	struct bed *bed = *state;

	vballoon_device_inhibit(bed->device, true);
	bed_add_pages(bed, AT, 100);
	vballoon_device_inhibit(bed->device, false);
	bed_run(bed);
	assert_int_equal(bed->call_count, 1);
	assert_int_equal(bed->calls[0].gpa, AT);
	assert_int_equal(bed->calls[0].len, 100 * 4096);
}

static void an_inhibition_in_the_midst_of_dropping_stops_it(void **state)
{
	struct bed *bed = *state;

	vballoon_device_inhibit(bed->device, true);
	bed_add_pages(bed, AT, 16384);
	vballoon_device_inhibit(bed->device, false);
	assert_true(vballoon_device_run(bed->device));
	assert_int_equal(bed->call_count, 1);
	vballoon_device_inhibit(bed->device, true);
	assert_false(vballoon_device_run(bed->device));
	assert_int_equal(bed->call_count, 1);
	vballoon_device_inhibit(bed->device, false);
	bed_run(bed);
	assert_int_equal(bed_status(bed).dropped_pages, 16384);
}

static void pages_are_handed_back_while_inhibited(void **state)
{
	struct bed *bed = *state;
	uint64_t entries[4];

	bed_add_pages(bed, AT, 10);
	vballoon_device_inhibit(bed->device, true);
	bed_add_pages(bed, AT + MIB, 10);
	assert_int_equal(bed_withdraw(bed, 20, entries, 4), 2);
	assert_int_equal(bed_entry_gpa(entries[0]), AT + MIB);
	assert_int_equal(bed_entry_gpa(entries[1]), AT);
	assert_int_equal(bed_status(bed).held_pages, 0);
	/* What was dropped before is made usable as ever. */
	assert_int_equal(bed->call_count, 2);
	assert_true(bed->calls[1].restore);
}

static void a_silent_guest_is_not_asked_for_hello_to_drop_nothing(void **state)
{
	struct bed *bed = *state;

	vballoon_device_inhibit(bed->device, true);
	bed_add_pages(bed, AT, 10);
	bed_pause(bed);
	bed_post_request(bed);
	bed_expect_no_request(bed);
	vballoon_device_inhibit(bed->device, false);
	bed_expect_request(bed, VIRTIO_MEMORY_BALLOON_REQ_HELLO, 0);
}

static void a_reset_does_not_end_an_inhibition(void **state)
{
	struct bed *bed = *state;

	vballoon_device_inhibit(bed->device, true);
	vballoon_device_reset(bed->device);
	assert_int_equal(vballoon_device_set_features(bed->device, BED_RUNS | BED_VERSION_1), 0);
	bed_greet(bed, 12);
	bed_add_pages(bed, AT, 10);
	assert_int_equal(bed->call_count, 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, bed_set_up_settled, bed_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(nothing_is_dropped_while_inhibited),
		CASE(what_is_held_meanwhile_counts_as_kept_and_not_as_waiting),
		CASE(what_waited_is_dropped_when_the_inhibition_ends),
		CASE(an_inhibition_in_the_midst_of_dropping_stops_it),
		CASE(pages_are_handed_back_while_inhibited),
		CASE(a_silent_guest_is_not_asked_for_hello_to_drop_nothing),
		CASE(a_reset_does_not_end_an_inhibition),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
