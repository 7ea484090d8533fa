/* SPDX-License-Identifier: BSD-3-Clause */
/* WITHDRAW where the driver's unit is larger than the balloon page. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "device_bed.h"

#define UNIT UINT64_C(65536)
#define UNIT_PAGES 16

static int setup(void **state)
{
	static struct bed bed;

	bed_init(&bed, BED_RUNS);
	*state = &bed;
	return 0;
}

static int teardown(void **state)
{
	bed_destroy(*state);
	return 0;
}

/* Proves DEV-WITHDRAW-4. */
static void only_whole_units_come_back(void **state)
{
	struct bed *bed = *state;
	uint64_t entries[4];

	bed_add_memory(bed, GIB, MIB, 12);
	bed_greet(bed, 16);
	assert_int_equal(bed_add_entry(bed, GIB | 3), 1);
	assert_int_equal(bed_withdraw(bed, 2 * UNIT_PAGES + 15, entries, 4), 1);
	assert_int_equal(entries[0], GIB | 1);
	assert_int_equal(bed_status(bed).held_pages, 2 * UNIT_PAGES);
	assert_int_equal(bed_withdraw(bed, UNIT_PAGES - 1, entries, 4), 0);
}

/* Proves DEV-WITHDRAW-4. */
static void units_are_aligned_by_address_not_by_region(void **state)
{
	struct bed *bed = *state;
	uint64_t entries[4];

	bed_add_memory(bed, GIB + 4096, 4 * UNIT, 12);
	bed_greet(bed, 16);
	assert_int_equal(bed_add_entry(bed, GIB + UNIT), 1);
	assert_int_equal(bed_add_entry(bed, GIB + 2 * UNIT), 1);
	assert_int_equal(bed_withdraw(bed, 1000, entries, 4), 1);
	assert_int_equal(entries[0], (GIB + UNIT) | 1);
}

static void a_unit_that_spans_three_regions_comes_back(void **state)
{
	struct bed *bed = *state;
	uint64_t entries[4];

	bed_add_memory(bed, GIB, UNIT + 4096, 12);
	bed_add_memory(bed, GIB + UNIT + 4096, 4096, 12);
	bed_add_memory(bed, GIB + UNIT + 8192, 2 * UNIT - 8192, 12);
	bed_greet(bed, 16);
	assert_int_equal(bed_add_entry(bed, GIB + UNIT), 1);
	assert_int_equal(bed_status(bed).held_pages, UNIT_PAGES);
	assert_int_equal(bed_withdraw(bed, 1000, entries, 4), 1);
	assert_int_equal(entries[0], GIB + UNIT);
	assert_int_equal(bed_status(bed).held_pages, 0);
}

static void what_is_left_of_a_unit_whose_region_went_stays(void **state)
{
	struct bed *bed = *state;
	uint64_t entry;

	bed_add_memory(bed, GIB, UNIT + 4096, 12);
	bed_add_memory(bed, GIB + UNIT + 4096, UNIT - 4096, 12);
	bed_greet(bed, 16);
	assert_int_equal(bed_add_entry(bed, GIB + UNIT), 1);
	assert_int_equal(
		vballoon_device_remove_region(bed->device, vballoon_gpa(GIB + UNIT + 4096)), 0);
	assert_int_equal(bed_withdraw(bed, 1000, &entry, 1), 0);
	assert_int_equal(bed_status(bed).held_pages, 1);
}

static void what_is_left_of_a_unit_is_forgotten_with_the_record(void **state)
{
	struct bed *bed = *state;
	uint64_t entry;

	bed_add_memory(bed, GIB, UNIT + 4096, 12);
	bed_add_memory(bed, GIB + UNIT + 4096, UNIT - 4096, 12);
	bed_greet(bed, 16);
	assert_int_equal(bed_add_entry(bed, GIB + UNIT), 1);
	assert_int_equal(vballoon_device_remove_region(bed->device, vballoon_gpa(GIB)), 0);
	assert_int_equal(bed_withdraw(bed, 1000, &entry, 1), 0);
	assert_int_equal(bed_status(bed).held_pages, UNIT_PAGES - 1);
	assert_int_equal(bed_hello(bed, BED_EPOCH + 1, 16, 0), 0);
	assert_int_equal(bed_status(bed).dropped_pages, 0);
}

static void behind_what_is_left_of_a_unit_whole_ones_are_found(void **state)
{
	struct bed *bed = *state;
	uint64_t entry;

	bed_add_memory(bed, GIB, 4096, 12);
	bed_add_memory(bed, GIB + 4096, 2 * UNIT - 4096, 12);
	bed_greet(bed, 16);
	assert_int_equal(bed_add_entry(bed, GIB | 1), 1);
	assert_int_equal(vballoon_device_remove_region(bed->device, vballoon_gpa(GIB)), 0);
	assert_int_equal(bed_withdraw(bed, UNIT_PAGES, &entry, 1), 1);
	assert_int_equal(entry, GIB + UNIT);
}

/* The host has memory for a unit and one page; the last unit lies half in memory
 * that needs none. */
static void a_unit_comes_back_only_when_all_of_it_has_memory(void **state)
{
	struct bed *bed = *state;
	uint64_t entry;

	bed_add_memory(bed, GIB, 2 * UNIT + 4096, 12);
	bed_add_kept_memory(bed, GIB + 2 * UNIT + 4096, UNIT - 4096, VBALLOON_KEEP_ASKED);
	bed_greet(bed, 16);
	assert_int_equal(bed_add_entry(bed, GIB | 2), 1);
	bed->restore_bytes_left = UNIT + 4096;
	assert_int_equal(bed_withdraw(bed, 1000, &entry, 1), 1);
	assert_int_equal(entry, GIB);
	assert_int_equal(bed_status(bed).held_pages, 2 * UNIT_PAGES);
}

/* It would ask at once, and again what there is would be restored, and dropped: for ever.
 * Proves DEV-REQ-9. */
static void a_driver_is_not_told_of_memory_for_less_than_a_unit(void **state)
{
	struct bed *bed = *state;
	uint64_t entry;

	bed_add_memory(bed, GIB, 2 * UNIT, 12);
	bed_greet(bed, 16);
	bed_expect_request(bed, VIRTIO_MEMORY_BALLOON_REQ_RESIZE, 0);
	assert_int_equal(bed_add_entry(bed, GIB | 1), 1);
	bed_post_request(bed);
	for (unsigned int i = 0; i < 3; i++) {
		bed->restore_bytes_left = UNIT - 4096;
		assert_int_equal(bed_withdraw(bed, UNIT_PAGES, &entry, 1), 0);
		bed_expect_no_request(bed);
		assert_int_equal(bed_status(bed).dropped_pages, 2 * UNIT_PAGES);
	}
	bed->restore_bytes_left = UNIT;
	assert_int_equal(bed_withdraw(bed, UNIT_PAGES, &entry, 1), 1);
	bed_expect_request(bed, VIRTIO_MEMORY_BALLOON_REQ_RESIZE, 0);
}

static void a_unit_whose_other_half_is_new_memory_does_not_come_back(void **state)
{
	static uint64_t page_map[16];
	struct vballoon_region region = {
		.gpa = vballoon_gpa(GIB + UNIT + 4096),
		.size = vballoon_bytes(UNIT - 4096),
		.host_page_shift = 12,
		.page_map = page_map,
		.page_map_bytes = sizeof(page_map),
	};
	struct bed *bed = *state;
	uint64_t entry;

	bed_add_memory(bed, GIB, UNIT + 4096, 12);
	bed_add_memory(bed, GIB + UNIT + 4096, UNIT - 4096, 12);
	bed_greet(bed, 16);
	assert_int_equal(bed_add_entry(bed, GIB + UNIT), 1);
	assert_int_equal(
		vballoon_device_remove_region(bed->device, vballoon_gpa(GIB + UNIT + 4096)), 0);
	region.host = guest_memory_at(&bed->guest, GIB + UNIT + 4096, 1);
	assert_int_equal(vballoon_device_add_region(bed->device, &region), 0);
	assert_int_equal(bed_withdraw(bed, 1000, &entry, 1), 0);
	assert_int_equal(bed_status(bed).held_pages, 1);
}

/* Host pages count from the start of their region, units from address 0. */
static void a_unit_in_the_midst_of_a_host_page_restores_all_of_it(void **state)
{
	struct bed *bed = *state;
	uint64_t entry;

	bed_add_memory(bed, GIB, 4096, 12);
	bed_add_memory(bed, GIB + 4096, 4 * MIB - 4096, 21);
	bed_greet(bed, 16);
	assert_int_equal(bed_add_entry(bed, GIB | 32), 1);
	assert_int_equal(vballoon_device_remove_region(bed->device, vballoon_gpa(GIB)), 0);
	bed->call_count = 0;
	assert_int_equal(bed_withdraw(bed, UNIT_PAGES, &entry, 1), 1);
	assert_int_equal(entry, GIB + UNIT);
	assert_int_equal(bed->call_count, 1);
	assert_true(bed->calls[0].restore);
	assert_int_equal(bed->calls[0].gpa, GIB + 4096);
	assert_int_equal(bed->calls[0].len, 2 * MIB);
}

static void a_gigantic_unit_larger_than_a_chunk_comes_back(void **state)
{
	struct bed *bed = *state;
	uint64_t entries[4];

	bed_add_memory(bed, 4 * GIB - 4096, GIB + 8192, 12);
	bed_greet(bed, 30);
	assert_int_equal(bed_add_entry(bed, 4 * GIB), 1);
	assert_int_equal(bed_withdraw(bed, UINT64_MAX, entries, 4), 1);
	assert_int_equal(entries[0], 4 * GIB);
	assert_int_equal(bed_status(bed).held_pages, 0);
}

static void a_run_of_units_is_limited_by_the_bits_for_its_count(void **state)
{
	struct bed *bed = *state;
	uint64_t entries[4];

	bed_add_memory(bed, 4 * GIB, 512 * MIB, 12);
	bed_greet(bed, 16);
	assert_int_equal(bed_add_entry(bed, (4 * GIB) | 4095), 1);
	assert_int_equal(bed_add_entry(bed, (4 * GIB + 256 * MIB) | 4095), 1);
	assert_int_equal(bed_withdraw(bed, UINT64_MAX, entries, 4), 2);
	assert_int_equal(entries[0], (4 * GIB) | 4095);
	assert_int_equal(entries[1], (4 * GIB + 256 * MIB) | 4095);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(only_whole_units_come_back, setup, teardown),
		cmocka_unit_test_setup_teardown(units_are_aligned_by_address_not_by_region, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_unit_that_spans_three_regions_comes_back, setup,
						teardown),
		cmocka_unit_test_setup_teardown(what_is_left_of_a_unit_whose_region_went_stays,
						setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_left_of_a_unit_is_forgotten_with_the_record,
						setup, teardown),
		cmocka_unit_test_setup_teardown(behind_what_is_left_of_a_unit_whole_ones_are_found,
						setup, teardown),
		cmocka_unit_test_setup_teardown(a_unit_comes_back_only_when_all_of_it_has_memory,
						setup, teardown),
		cmocka_unit_test_setup_teardown(a_driver_is_not_told_of_memory_for_less_than_a_unit,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_unit_whose_other_half_is_new_memory_does_not_come_back, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_unit_in_the_midst_of_a_host_page_restores_all_of_it, setup, teardown),
		cmocka_unit_test_setup_teardown(a_gigantic_unit_larger_than_a_chunk_comes_back,
						setup, teardown),
		cmocka_unit_test_setup_teardown(a_run_of_units_is_limited_by_the_bits_for_its_count,
						setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
