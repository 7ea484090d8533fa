/* SPDX-License-Identifier: BSD-3-Clause */
/* The driver's side of a packed ring, with a device that breaks the rules: the ring is broken, and
 * stays so until it is started again. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "packed_builder.h"

#define SIZE PACKED_SIZE

static int setup(void **state)
{
	if (packed_setup(state))
		return -1;
	packed_start_driver(*state, (struct vballoon_ring_features){ 0 });
	return 0;
}

/* What is used next breaks the ring, and gives nothing back. */
static void expect_broken(struct packed_fixture *f)
{
	uint16_t free_count = f->driver.free_count;

	f->token = 99;
	assert_int_equal(packed_collect(f), VBALLOON_COLLECT_BROKEN);
	assert_int_equal(f->token, 99);
	assert_int_equal(f->driver.free_count, free_count);
	assert_int_equal(packed_collect(f), VBALLOON_COLLECT_BROKEN);
	assert_int_equal(packed_post(f, 4, 1), -EIO);
	assert_true(vballoon_driver_ring_interrupts(&f->driver, true));
}

static void an_id_beyond_the_ring_breaks_it(void **state)
{
	struct packed_fixture *f = *state;

	packed_post(f, 4, 1);
	f->slots[SIZE].chain_len = 1; /* what lies behind would pass for a chain */
	packed_use(f, 1, 0, SIZE, 0);
	expect_broken(f);
}

static void an_id_that_is_not_outstanding_breaks_the_ring(void **state)
{
	struct packed_fixture *f = *state;

	packed_post(f, 4, 1);
	packed_use(f, 1, 0, 1, 0);
	expect_broken(f);
}

static void an_id_used_twice_breaks_the_ring(void **state)
{
	struct packed_fixture *f = *state;

	packed_post(f, 4, 1);
	packed_post(f, 4, 2);
	packed_use(f, 1, 0, 0, 0);
	packed_use(f, 1, 1, 0, 0);
	assert_int_equal(packed_collect(f), VBALLOON_COLLECT_ONE);
	expect_broken(f);
}

static void a_length_beyond_the_writable_bytes_breaks_the_ring(void **state)
{
	struct packed_fixture *f = *state;

	packed_post(f, 4, 1);
	packed_use(f, 1, 0, 0, 5);
	expect_broken(f);
}

static void a_length_for_a_readable_chain_breaks_the_ring(void **state)
{
	struct packed_fixture *f = *state;
	const struct vballoon_driver_buffer buffer = { { 0x4000 }, 8, false };

	assert_int_equal(vballoon_driver_ring_post(&f->driver, &buffer, 1, 1), 0);
	packed_use(f, 1, 0, 0, 1);
	expect_broken(f);
}

static void a_descriptor_that_is_used_on_an_idle_ring_breaks_it(void **state)
{
	struct packed_fixture *f = *state;

	packed_use(f, 1, 0, 0, 0);
	expect_broken(f);
}

static void a_descriptor_used_in_another_round_is_none(void **state)
{
	struct packed_fixture *f = *state;

	packed_post(f, 4, 1);
	packed_use(f, 0, 0, 0, 4);
	assert_int_equal(packed_collect(f), VBALLOON_COLLECT_NONE);
}

static void a_start_mends_a_broken_ring(void **state)
{
	struct packed_fixture *f = *state;

	packed_use(f, 1, 0, 0, 0);
	expect_broken(f);
	vballoon_driver_ring_start(&f->driver);
	assert_int_equal(packed_post(f, 4, 1), 0);
	packed_use(f, 1, 0, 0, 4);
	assert_int_equal(packed_collect(f), VBALLOON_COLLECT_ONE);
}

static void descriptors_that_the_device_overwrote_change_nothing(void **state)
{
	struct packed_fixture *f = *state;
	const struct vballoon_driver_buffer buffers[] = {
		{ { 0x4000 }, 8, false },
		{ { 0x5000 }, 8, true },
	};

	assert_int_equal(vballoon_driver_ring_post(&f->driver, buffers, 2, 7), 0);
	memset(f->driver.desc, 0x7f, SIZE * sizeof(uint64_t[2]));
	packed_use(f, 1, 0, 0, 8);
	assert_int_equal(packed_collect(f), VBALLOON_COLLECT_ONE);
	assert_int_equal(f->token, 7);
	for (uint64_t token = 0; token < SIZE; token++)
		assert_int_equal(packed_post(f, 1, token), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, packed_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(an_id_beyond_the_ring_breaks_it),
		CASE(an_id_that_is_not_outstanding_breaks_the_ring),
		CASE(an_id_used_twice_breaks_the_ring),
		CASE(a_length_beyond_the_writable_bytes_breaks_the_ring),
		CASE(a_length_for_a_readable_chain_breaks_the_ring),
		CASE(a_descriptor_that_is_used_on_an_idle_ring_breaks_it),
		CASE(a_descriptor_used_in_another_round_is_none),
		CASE(a_start_mends_a_broken_ring),
		CASE(descriptors_that_the_device_overwrote_change_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
