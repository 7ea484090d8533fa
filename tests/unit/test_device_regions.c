/* SPDX-License-Identifier: BSD-3-Clause */
/* Guest memory that comes and goes while the queues run. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/le.h"
#include "device_bed.h"

#define AT GIB
#define APART 200 /* pages, none next to another: more than a run of the device drops */

static int setup(void **state)
{
	static struct bed bed;

	bed_init(&bed, BED_RUNS);
	bed_add_memory(&bed, AT, 16 * MIB, 12);
	bed_add_memory(&bed, AT + 16 * MIB, 16 * MIB, 12);
	bed_greet(&bed, 12);
	*state = &bed;
	return 0;
}

static int teardown(void **state)
{
	bed_destroy(*state);
	return 0;
}

/* Proves DEV-MEM-4. */
static void a_removed_region_takes_its_pages_off_the_record(void **state)
{
	struct bed *bed = *state;
	uint64_t entries[4];

	bed_add_pages(bed, AT + 16 * MIB - 4096, 2);
	assert_int_equal(vballoon_device_remove_region(bed->device, vballoon_gpa(AT)), 0);
	assert_int_equal(bed_status(bed).held_pages, 1);
	assert_int_equal(bed_withdraw(bed, 10, entries, 4), 1);
	assert_int_equal(entries[0], AT + 16 * MIB);
}

/* Proves DEV-HELLO-13. */
static void a_driver_whose_pages_went_with_a_region_is_asked_for_hello_once(void **state)
{
	struct bed *bed = *state;
	uint64_t entries[4];

	bed_expect_request(bed, VIRTIO_MEMORY_BALLOON_REQ_RESIZE, 0);
	bed_add_pages(bed, AT, 1);
	bed_add_pages(bed, AT + 16 * MIB, 1);
	assert_int_equal(vballoon_device_remove_region(bed->device, vballoon_gpa(AT)), 0);
	assert_int_equal(bed_withdraw(bed, 0, entries, 4), 0);
	bed_expect_request(bed, VIRTIO_MEMORY_BALLOON_REQ_HELLO, 0);
	assert_int_equal(bed_withdraw(bed, 0, entries, 4), 0);
	bed_post_request(bed);
	bed_expect_no_request(bed);
	assert_int_equal(bed_hello(bed, BED_EPOCH, 12, 0), 1);
	bed_expect_no_request(bed);
}

static void a_region_without_pages_of_the_balloon_goes_without_a_question(void **state)
{
	struct bed *bed = *state;

	bed_expect_request(bed, VIRTIO_MEMORY_BALLOON_REQ_RESIZE, 0);
	bed_add_pages(bed, AT + 16 * MIB, 1);
	assert_int_equal(vballoon_device_remove_region(bed->device, vballoon_gpa(AT)), 0);
	bed_post_request(bed);
	bed_expect_no_request(bed);
}

/* Proves DEV-ADD-3, DEV-MEM-4. */
static void pages_of_a_removed_region_cannot_be_added(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(vballoon_device_remove_region(bed->device, vballoon_gpa(AT)), 0);
	assert_int_equal(bed_add_entry(bed, AT), VIRTIO_MEMORY_BALLOON_REFUSED);
}

static void only_the_address_of_a_whole_region_removes_it(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(vballoon_device_remove_region(bed->device, vballoon_gpa(AT + 4096)),
			 -ENOENT);
	assert_int_equal(vballoon_device_remove_region(bed->device, vballoon_gpa(0)), -ENOENT);
}

static void a_region_below_others_shifts_them_and_loses_nothing(void **state)
{
	struct bed *bed = *state;
	uint64_t entries[4];

	bed_add_pages(bed, AT, 5);
	bed_add_memory(bed, 16 * MIB, 16 * MIB, 12);
	assert_int_equal(bed_withdraw(bed, 10, entries, 4), 1);
	assert_int_equal(entries[0], AT | 4);
}

/* Proves DEV-MEM-3. */
static void pages_of_a_new_region_begin_in_the_guest(void **state)
{
	struct bed *bed = *state;

	bed_add_memory(bed, 16 * MIB, 16 * MIB, 12);
	assert_int_equal(bed_status(bed).held_pages, 0);
	assert_int_equal(bed_status(bed).memory_pages, BED_WINDOW_PAGES + 3 * 4096);
}

/* A region that is valid but for what the test breaks, at an address of its own. */
static struct vballoon_region sound_region(void)
{
	static uint64_t page_map[1024];

	return (struct vballoon_region){
		.gpa = vballoon_gpa(16 * MIB),
		.size = vballoon_bytes(MIB),
		.host_page_shift = 12,
		.page_map = page_map,
		.page_map_bytes = sizeof(page_map),
	};
}

static void a_region_that_is_no_whole_number_of_pages_is_refused(void **state)
{
	struct bed *bed = *state;
	struct vballoon_region region = sound_region();

	region.size.value -= 512;
	assert_int_equal(vballoon_device_add_region(bed->device, &region), -EINVAL);
	region.size.value = 0;
	assert_int_equal(vballoon_device_add_region(bed->device, &region), -EINVAL);
	region = sound_region();
	region.gpa.value += 512;
	assert_int_equal(vballoon_device_add_region(bed->device, &region), -EINVAL);
}

static void a_page_map_that_is_missing_small_or_misaligned_is_refused(void **state)
{
	struct bed *bed = *state;
	struct vballoon_region region = sound_region();

	region.page_map_bytes = vballoon_page_map_bytes(region.size, 12) - 1;
	assert_int_equal(vballoon_device_add_region(bed->device, &region), -EINVAL);
	region = sound_region();
	region.page_map = (char *)region.page_map + 4;
	assert_int_equal(vballoon_device_add_region(bed->device, &region), -EINVAL);
	region.page_map = NULL;
	assert_int_equal(vballoon_device_add_region(bed->device, &region), -EINVAL);
}

static void a_host_page_that_cannot_be_is_refused(void **state)
{
	struct bed *bed = *state;
	struct vballoon_region region = sound_region();

	region.host_page_shift = 11;
	assert_int_equal(vballoon_device_add_region(bed->device, &region), -EINVAL);
	region.host_page_shift = 64;
	assert_int_equal(vballoon_device_add_region(bed->device, &region), -EINVAL);
}

static void a_region_that_overlaps_is_refused_and_its_page_map_left_alone(void **state)
{
	struct bed *bed = *state;
	struct vballoon_region region = sound_region();
	uint64_t *page_map = region.page_map;

	region.gpa.value = AT + MIB;
	page_map[0] = 42;
	assert_int_equal(vballoon_device_add_region(bed->device, &region), -EEXIST);
	assert_int_equal(page_map[0], 42);
}

static void a_page_map_has_no_size_for_what_is_no_region(void **state)
{
	(void)state;
	assert_int_equal(vballoon_page_map_bytes(vballoon_bytes(GIB), 12), 64 * 1024 + 64);
	assert_int_equal(vballoon_page_map_bytes(vballoon_bytes(0), 12), 0);
	assert_int_equal(vballoon_page_map_bytes(vballoon_bytes(4097), 12), 0);
	assert_int_equal(vballoon_page_map_bytes(vballoon_bytes(GIB), 11), 0);
	assert_int_equal(vballoon_page_map_bytes(vballoon_bytes(GIB), 31), 0);
}

static int set_reclaimable(struct bed *bed, uint64_t gpa, enum vballoon_reclaimable reclaimable)
{
	return vballoon_device_set_reclaimable(bed->device, vballoon_gpa(gpa), reclaimable);
}

static void what_can_be_given_back_after_all_is_and_stays_on_the_record(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(set_reclaimable(bed, AT, VBALLOON_KEEP_NOT_SHARED), 0);
	bed_add_pages(bed, AT, 8);
	bed_add_pages(bed, AT + 16 * MIB, 4);
	assert_int_equal(bed_status(bed).dropped_pages, 4);
	assert_int_equal(bed_status(bed).kept_pages[VBALLOON_KEEP_NOT_SHARED], 8);
	assert_int_equal(set_reclaimable(bed, AT, VBALLOON_RECLAIMABLE), 0);
	bed_run(bed);
	assert_int_equal(bed_status(bed).held_pages, 12);
	assert_int_equal(bed_status(bed).dropped_pages, 12);
}

/* In the midst of what it looks through. */
static void a_drop_goes_no_further_in_memory_that_is_to_be_kept(void **state)
{
	__le64 message[1 + APART] = { VIRTIO_MEMORY_BALLOON_MSG_ADD };
	struct bed *bed = *state;
	uint64_t dropped;

	for (unsigned int i = 0; i < APART; i++)
		message[1 + i] = vballoon_le64(AT + i * 8192);
	bed_post(bed, message, sizeof(message), APART);
	assert_true(vballoon_device_run(bed->device));
	dropped = bed_status(bed).dropped_pages;
	assert_true(dropped > 0 && dropped < APART);
	assert_int_equal(set_reclaimable(bed, AT, VBALLOON_KEEP_FILE), 0);
	bed_run(bed);
	assert_int_equal(bed_status(bed).dropped_pages, dropped);
	assert_int_equal(bed_status(bed).kept_pages[VBALLOON_KEEP_FILE], APART - dropped);
	assert_int_equal(bed_status(bed).waiting_pages, 0);
}

static void what_is_no_region_or_no_reason_changes_nothing(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(set_reclaimable(bed, AT + 4096, VBALLOON_KEEP_FILE), -ENOENT);
	assert_int_equal(set_reclaimable(bed, AT + 32 * MIB, VBALLOON_KEEP_FILE), -ENOENT);
	assert_int_equal(set_reclaimable(bed, AT, VBALLOON_RECLAIMABLE_COUNT), -EINVAL);
	bed_add_pages(bed, AT, 1);
	assert_int_equal(bed_status(bed).dropped_pages, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_removed_region_takes_its_pages_off_the_record,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_driver_whose_pages_went_with_a_region_is_asked_for_hello_once, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			a_region_without_pages_of_the_balloon_goes_without_a_question, setup,
			teardown),
		cmocka_unit_test_setup_teardown(pages_of_a_removed_region_cannot_be_added, setup,
						teardown),
		cmocka_unit_test_setup_teardown(only_the_address_of_a_whole_region_removes_it,
						setup, teardown),
		cmocka_unit_test_setup_teardown(a_region_below_others_shifts_them_and_loses_nothing,
						setup, teardown),
		cmocka_unit_test_setup_teardown(pages_of_a_new_region_begin_in_the_guest, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			a_region_that_is_no_whole_number_of_pages_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_page_map_that_is_missing_small_or_misaligned_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(a_host_page_that_cannot_be_is_refused, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			a_region_that_overlaps_is_refused_and_its_page_map_left_alone, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			what_can_be_given_back_after_all_is_and_stays_on_the_record, setup,
			teardown),
		cmocka_unit_test_setup_teardown(a_drop_goes_no_further_in_memory_that_is_to_be_kept,
						setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_no_region_or_no_reason_changes_nothing,
						setup, teardown),
		cmocka_unit_test(a_page_map_has_no_size_for_what_is_no_region),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
