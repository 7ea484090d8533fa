/* SPDX-License-Identifier: BSD-3-Clause */
/* The driver's side of the ring, with a device that breaks the rules: the ring is broken, and
 * stays so until it is started again. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "driver_ring_fixture.h"

#define SIZE DRIVER_SIZE

/* The next used element breaks the ring, and gives nothing back. */
static void expect_broken(struct driver_ring_fixture *f)
{
	uint16_t free_count = f->builder.driver.free_count;

	f->token = 99;
	assert_int_equal(driver_collect(f), VBALLOON_COLLECT_BROKEN);
	assert_int_equal(f->token, 99);
	assert_int_equal(f->builder.driver.free_count, free_count);
	assert_true(f->builder.driver.broken);
}

static void a_used_id_beyond_the_ring_breaks_it(void **state)
{
	struct driver_ring_fixture *f = *state;

	driver_post(f, 4, 1);
	f->builder.slots[SIZE].chain_len = 1; /* what lies behind would pass for a chain */
	ring_builder_use(&f->builder, SIZE, 0);
	expect_broken(f);
}

static void a_used_id_that_is_right_in_its_low_bits_breaks_the_ring(void **state)
{
	struct driver_ring_fixture *f = *state;

	driver_post(f, 4, 1);
	ring_builder_use(&f->builder, 0x10000, 0);
	expect_broken(f);
}

static void a_used_id_that_is_not_outstanding_breaks_the_ring(void **state)
{
	struct driver_ring_fixture *f = *state;

	driver_post(f, 4, 1);
	ring_builder_use(&f->builder, 1, 0);
	expect_broken(f);
}

static void a_used_id_within_a_chain_breaks_the_ring(void **state)
{
	struct driver_ring_fixture *f = *state;
	const struct vballoon_driver_buffer buffers[] = {
		{ { 0x4000 }, 8, false },
		{ { 0x5000 }, 8, true },
	};

	assert_int_equal(vballoon_driver_ring_post(&f->builder.driver, buffers, 2, 1), 0);
	ring_builder_use(&f->builder, 1, 0);
	expect_broken(f);
}

static void a_chain_used_twice_breaks_the_ring(void **state)
{
	struct driver_ring_fixture *f = *state;

	driver_post(f, 4, 1);
	driver_post(f, 4, 2);
	ring_builder_use(&f->builder, 0, 0);
	ring_builder_use(&f->builder, 0, 0);
	assert_int_equal(driver_collect(f), VBALLOON_COLLECT_ONE);
	expect_broken(f);
}

static void a_used_length_beyond_the_writable_bytes_breaks_the_ring(void **state)
{
	struct driver_ring_fixture *f = *state;

	driver_post(f, 4, 1);
	ring_builder_use(&f->builder, 0, 5);
	expect_broken(f);
}

static void a_used_length_for_a_readable_chain_breaks_the_ring(void **state)
{
	struct driver_ring_fixture *f = *state;
	const struct vballoon_driver_buffer buffer = { { 0x4000 }, 8, false };

	assert_int_equal(vballoon_driver_ring_post(&f->builder.driver, &buffer, 1, 1), 0);
	ring_builder_use(&f->builder, 0, 1);
	expect_broken(f);
}

static void a_used_index_beyond_what_is_outstanding_breaks_the_ring(void **state)
{
	struct driver_ring_fixture *f = *state;

	driver_post(f, 4, 1);
	driver_post(f, 4, 2);
	ring_builder_set_used_idx(&f->builder, 3);
	expect_broken(f);
}

static void a_used_index_that_goes_back_breaks_the_ring(void **state)
{
	struct driver_ring_fixture *f = *state;

	driver_post(f, 4, 1);
	ring_builder_use(&f->builder, 0, 0);
	assert_int_equal(driver_collect(f), VBALLOON_COLLECT_ONE);
	ring_builder_set_used_idx(&f->builder, 0);
	expect_broken(f);
}

static void a_used_index_on_an_idle_ring_breaks_it(void **state)
{
	struct driver_ring_fixture *f = *state;

	ring_builder_use(&f->builder, 0, 0);
	expect_broken(f);
}

static void a_broken_ring_stays_broken(void **state)
{
	struct driver_ring_fixture *f = *state;

	driver_post(f, 4, 1);
	ring_builder_set_used_idx(&f->builder, 100);
	expect_broken(f);
	ring_builder_set_used_idx(&f->builder, 0);
	ring_builder_use(&f->builder, 0, 0);
	expect_broken(f);
}

static void a_broken_ring_takes_no_chain(void **state)
{
	struct driver_ring_fixture *f = *state;

	ring_builder_set_used_idx(&f->builder, 1);
	expect_broken(f);
	assert_int_equal(driver_post(f, 4, 1), -EIO);
	assert_int_equal(ring_builder_avail_idx(&f->builder), 0);
}

static void a_broken_ring_is_not_waited_for(void **state)
{
	struct driver_ring_fixture *f = *state;

	ring_builder_set_used_idx(&f->builder, 1);
	expect_broken(f);
	ring_builder_set_used_idx(&f->builder, 0);
	assert_true(vballoon_driver_ring_interrupts(&f->builder.driver, true));
}

static void a_start_mends_a_broken_ring(void **state)
{
	struct driver_ring_fixture *f = *state;

	ring_builder_set_used_idx(&f->builder, 1);
	expect_broken(f);
	vballoon_driver_ring_start(&f->builder.driver);
	assert_int_equal(driver_post(f, 4, 1), 0);
	ring_builder_use(&f->builder, 0, 4);
	assert_int_equal(driver_collect(f), VBALLOON_COLLECT_ONE);
}

static void descriptors_that_the_device_overwrote_change_nothing(void **state)
{
	struct driver_ring_fixture *f = *state;
	const struct vballoon_driver_buffer buffers[] = {
		{ { 0x4000 }, 8, false },
		{ { 0x5000 }, 8, true },
	};

	assert_int_equal(vballoon_driver_ring_post(&f->builder.driver, buffers, 2, 7), 0);
	memset(f->builder.driver.desc, 0xff, SIZE * sizeof(uint64_t[2]));
	ring_builder_use(&f->builder, 0, 8);
	assert_int_equal(driver_collect(f), VBALLOON_COLLECT_ONE);
	assert_int_equal(f->token, 7);
	assert_int_equal(f->builder.driver.free_count, SIZE);
	for (uint64_t token = 0; token < SIZE; token++)
		assert_int_equal(driver_post(f, 1, token), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, driver_setup, driver_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_used_id_beyond_the_ring_breaks_it),
		CASE(a_used_id_that_is_right_in_its_low_bits_breaks_the_ring),
		CASE(a_used_id_that_is_not_outstanding_breaks_the_ring),
		CASE(a_used_id_within_a_chain_breaks_the_ring),
		CASE(a_chain_used_twice_breaks_the_ring),
		CASE(a_used_length_beyond_the_writable_bytes_breaks_the_ring),
		CASE(a_used_length_for_a_readable_chain_breaks_the_ring),
		CASE(a_used_index_beyond_what_is_outstanding_breaks_the_ring),
		CASE(a_used_index_that_goes_back_breaks_the_ring),
		CASE(a_used_index_on_an_idle_ring_breaks_it),
		CASE(a_broken_ring_stays_broken),
		CASE(a_broken_ring_takes_no_chain),
		CASE(a_broken_ring_is_not_waited_for),
		CASE(a_start_mends_a_broken_ring),
		CASE(descriptors_that_the_device_overwrote_change_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
