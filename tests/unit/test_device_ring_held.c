/* SPDX-License-Identifier: BSD-3-Clause */
/* A queue that runs never lies in the balloon. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "device_bed.h"

#define AT GIB
#define PAGE UINT64_C(4096)
/* Each part of the queue in a page of its own. */
#define TABLE_AT (AT + 64 * PAGE)
#define AVAIL_AT (TABLE_AT + PAGE)
#define USED_AT (AVAIL_AT + PAGE)

/* Move fromdevq into the memory that balloon pages come from. */
static void move_fromdevq(struct bed *bed)
{
	const struct vballoon_queue queue = {
		.size = BED_QUEUE_SIZE,
		.desc = vballoon_gpa(TABLE_AT),
		.avail = vballoon_gpa(AVAIL_AT),
		.used = vballoon_gpa(USED_AT),
	};

	assert_int_equal(vballoon_device_stop_queue(bed->device, FROMDEV, NULL), 0);
	assert_int_equal(vballoon_device_start_queue(bed->device, FROMDEV, &queue), 0);
}

static void assert_refused(struct bed *bed, uint64_t entry)
{
	uint64_t before = bed_status(bed).refused_entries[VBALLOON_REFUSED_RING];

	assert_int_equal(bed_add_entry(bed, entry), VIRTIO_MEMORY_BALLOON_REFUSED);
	assert_int_equal(bed_status(bed).refused_entries[VBALLOON_REFUSED_RING], before + 1);
	assert_int_equal(bed_status(bed).held_pages, 0);
}

/* Proves DEV-ADD-5. */
static void the_page_of_a_descriptor_table_is_refused(void **state)
{
	move_fromdevq(*state);
	assert_refused(*state, TABLE_AT);
}

/* Proves DEV-ADD-5. */
static void the_page_of_an_available_ring_is_refused(void **state)
{
	move_fromdevq(*state);
	assert_refused(*state, AVAIL_AT);
}

/* Proves DEV-ADD-5. */
static void the_page_of_a_used_ring_is_refused(void **state)
{
	move_fromdevq(*state);
	assert_refused(*state, USED_AT);
}

/* Proves DEV-ADD-5, DEV-RUNS-4. */
static void a_run_that_ends_in_a_queue_is_refused_as_a_whole(void **state)
{
	move_fromdevq(*state);
	assert_refused(*state, (TABLE_AT - 4 * PAGE) | 4);
}

static void pages_beside_a_queue_are_accepted(void **state)
{
	struct bed *bed = *state;

	move_fromdevq(bed);
	bed_add_pages(bed, TABLE_AT - PAGE, 1);
	bed_add_pages(bed, USED_AT + PAGE, 1);
	assert_int_equal(bed_status(bed).violation, VBALLOON_OK);
}

static void the_pages_of_a_queue_that_was_stopped_are_accepted(void **state)
{
	struct bed *bed = *state;

	move_fromdevq(bed);
	assert_int_equal(vballoon_device_stop_queue(bed->device, FROMDEV, NULL), 0);
	bed_add_pages(bed, TABLE_AT, 3);
}

static void assert_stopped(struct bed *bed)
{
	bed->call_count = 0;
	bed_run(bed);
	assert_int_equal(bed_status(bed).violation, VBALLOON_RING_HELD);
	assert_int_equal(bed_status(bed).violation_queue, TODEV);
	assert_int_not_equal(bed_status(bed).record, VBALLOON_RECORD_PROVEN);
	assert_int_equal(bed->call_count, 0);
	assert_true(bed_silent(bed));
}

static const struct virtio_memory_balloon_msg nothing_added = {
	.type = VIRTIO_MEMORY_BALLOON_MSG_ADD
};

/* Proves DEV-STOP-8. */
static void a_guest_that_goes_on_with_a_queue_in_the_balloon_is_stopped(void **state)
{
	struct bed *bed = *state;

	bed_add_pages(bed, USED_AT, 1);
	move_fromdevq(bed);
	bed_post(bed, &nothing_added, sizeof(nothing_added), 0);
	assert_stopped(bed);
}

/* Proves DEV-STOP-8. */
static void a_hello_of_the_same_epoch_does_not_help(void **state)
{
	const struct virtio_memory_balloon_hello hello = {
		.epoch = BED_EPOCH,
		.unit_shift = 12,
	};
	struct bed *bed = *state;

	bed_add_pages(bed, TABLE_AT, 1);
	move_fromdevq(bed);
	bed_post(bed, &hello, sizeof(hello), 8);
	assert_stopped(bed);
}

/* Proves DEV-STOP-3. */
static void nothing_is_handed_back_before_the_record_is_proven(void **state)
{
	struct bed *bed = *state;
	const struct virtio_memory_balloon_withdraw withdraw = {
		.msg = { .type = VIRTIO_MEMORY_BALLOON_MSG_WITHDRAW },
		.most = 16,
	};

	bed_add_pages(bed, USED_AT, 1);
	bed_add_pages(bed, AT, 8);
	move_fromdevq(bed);
	bed_post(bed, &withdraw, sizeof(withdraw), 128);
	assert_stopped(bed);
	assert_int_equal(bed_status(bed).held_pages, 9);
	assert_int_equal(bed_status(bed).returned_pages, 0);
}

/* It knows nothing of what the one before had given up. */
static void another_guest_may_have_its_queue_there(void **state)
{
	struct bed *bed = *state;

	bed_add_pages(bed, TABLE_AT, 3);
	move_fromdevq(bed);
	assert_int_equal(bed_hello(bed, BED_EPOCH + 1, 12, 0), 0);
	assert_int_equal(bed_status(bed).violation, VBALLOON_OK);
	assert_refused(bed, TABLE_AT);
}

static void a_record_that_was_forgotten_brings_it_back(void **state)
{
	struct bed *bed = *state;

	bed_add_pages(bed, USED_AT, 1);
	move_fromdevq(bed);
	bed_post(bed, &nothing_added, sizeof(nothing_added), 0);
	assert_stopped(bed);
	bed_start_queues(bed);
	assert_int_equal(bed_hello(bed, BED_EPOCH + 1, 12, 0), 0);
	assert_int_equal(bed_status(bed).violation, VBALLOON_OK);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, bed_set_up_settled, bed_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(the_page_of_a_descriptor_table_is_refused),
		CASE(the_page_of_an_available_ring_is_refused),
		CASE(the_page_of_a_used_ring_is_refused),
		CASE(a_run_that_ends_in_a_queue_is_refused_as_a_whole),
		CASE(pages_beside_a_queue_are_accepted),
		CASE(the_pages_of_a_queue_that_was_stopped_are_accepted),
		CASE(a_guest_that_goes_on_with_a_queue_in_the_balloon_is_stopped),
		CASE(a_hello_of_the_same_epoch_does_not_help),
		CASE(nothing_is_handed_back_before_the_record_is_proven),
		CASE(another_guest_may_have_its_queue_there),
		CASE(a_record_that_was_forgotten_brings_it_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
