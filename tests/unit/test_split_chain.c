/* SPDX-License-Identifier: BSD-3-Clause */
/* Chains that a driver must not make: each stops the ring, and is told apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "device_ring_fixture.h"

#define BUFFER FIXTURE_BUFFER
#define TABLE FIXTURE_TABLE
#define SIZE FIXTURE_SIZE
#define MEMORY_END FIXTURE_MEMORY_END

/* The chain at descriptor 0 stops the ring because of @violation. */
static void expect(struct device_ring_fixture *f, enum vballoon_violation violation)
{
	fixture_start(f, false);
	ring_builder_avail(&f->builder, 0);
	assert_int_equal(fixture_next(f), VBALLOON_RING_BROKEN);
	assert_int_equal(f->violation, violation);
	assert_int_equal(ring_builder_used_idx(&f->builder), 0);
}

/* Proves DEV-RING-8. */
static void a_next_beyond_the_table_stops_the_ring(void **state)
{
	struct device_ring_fixture *f = *state;

	fixture_desc(f, 0, (struct raw_desc){ BUFFER, 1, RAW_NEXT, SIZE });
	expect(f, VBALLOON_NEXT_OUT_OF_RANGE);
}

/* Proves DEV-RING-8. */
static void a_next_beyond_an_indirect_table_stops_the_ring(void **state)
{
	struct device_ring_fixture *f = *state;

	fixture_desc(f, 0, (struct raw_desc){ TABLE, 2 * 16, RAW_INDIRECT, 0 });
	fixture_table_desc(f, 0, (struct raw_desc){ BUFFER, 1, RAW_NEXT, 2 });
	expect(f, VBALLOON_NEXT_OUT_OF_RANGE);
}

/* Proves DEV-RING-9. */
static void a_chain_that_loops_stops_the_ring(void **state)
{
	struct device_ring_fixture *f = *state;

	fixture_desc(f, 0, (struct raw_desc){ BUFFER, 1, RAW_NEXT, 1 });
	fixture_desc(f, 1, (struct raw_desc){ BUFFER, 1, RAW_NEXT, 0 });
	expect(f, VBALLOON_CHAIN_TOO_LONG);
}

static void a_descriptor_that_goes_on_with_itself_stops_the_ring(void **state)
{
	struct device_ring_fixture *f = *state;

	fixture_desc(f, 0, (struct raw_desc){ BUFFER, 1, RAW_WRITE | RAW_NEXT, 0 });
	expect(f, VBALLOON_CHAIN_TOO_LONG);
}

static void an_indirect_table_that_loops_stops_the_ring(void **state)
{
	struct device_ring_fixture *f = *state;

	fixture_desc(f, 0, (struct raw_desc){ TABLE, 2 * 16, RAW_INDIRECT, 0 });
	fixture_table_desc(f, 0, (struct raw_desc){ BUFFER, 1, RAW_NEXT, 1 });
	fixture_table_desc(f, 1, (struct raw_desc){ BUFFER, 1, RAW_NEXT, 0 });
	expect(f, VBALLOON_CHAIN_TOO_LONG);
}

static void a_loop_is_not_told_as_what_its_second_round_would_be(void **state)
{
	struct device_ring_fixture *f = *state;

	fixture_desc(f, 0, (struct raw_desc){ TABLE, 2 * 16, RAW_INDIRECT, 0 });
	fixture_table_desc(f, 0, (struct raw_desc){ BUFFER, 1, RAW_NEXT, 1 });
	fixture_table_desc(f, 1, (struct raw_desc){ BUFFER, 1, RAW_WRITE | RAW_NEXT, 0 });
	expect(f, VBALLOON_CHAIN_TOO_LONG);
}

/* Proves DEV-RING-9. */
static void a_chain_and_its_table_longer_than_the_queue_stop_the_ring(void **state)
{
	struct device_ring_fixture *f = *state;

	fixture_desc(f, 0, (struct raw_desc){ BUFFER, 1, RAW_NEXT, 1 });
	fixture_desc(f, 1, (struct raw_desc){ TABLE, SIZE * 16, RAW_INDIRECT, 0 });
	for (uint16_t i = 0; i < SIZE; i++)
		fixture_table_desc(f, i,
				   (struct raw_desc){ BUFFER, 1, i + 1 < SIZE ? RAW_NEXT : 0,
						      (uint16_t)(i + 1) });
	expect(f, VBALLOON_CHAIN_TOO_LONG);
}

/* Proves DEV-RING-10. */
static void a_descriptor_of_no_bytes_stops_the_ring(void **state)
{
	struct device_ring_fixture *f = *state;

	fixture_desc(f, 0, (struct raw_desc){ BUFFER, 0, 0, 0 });
	expect(f, VBALLOON_DESC_EMPTY);
}

/* Proves DEV-RING-11. */
static void a_buffer_one_byte_beyond_memory_stops_the_ring(void **state)
{
	struct device_ring_fixture *f = *state;

	fixture_desc(f, 0, (struct raw_desc){ MEMORY_END - 7, 8, RAW_WRITE, 0 });
	expect(f, VBALLOON_DESC_OUTSIDE_MEMORY);
}

/* Proves DEV-RING-11. */
static void a_buffer_that_wraps_stops_the_ring(void **state)
{
	struct device_ring_fixture *f = *state;

	fixture_desc(f, 0, (struct raw_desc){ UINT64_MAX - 3, 8, 0, 0 });
	expect(f, VBALLOON_DESC_OUTSIDE_MEMORY);
}

static void a_buffer_that_wraps_between_regions_stops_the_ring(void **state)
{
	struct device_ring_fixture *f = *state;

	/* Memory at both ends of the address space: the last page but one, and from 0 on. */
	guest_memory_add(&f->guest, UINT64_MAX - 0x1fff, 0x1000);
	fixture_desc(f, 0, (struct raw_desc){ UINT64_MAX - 0x1fff, 0x3000, 0, 0 });
	expect(f, VBALLOON_DESC_OUTSIDE_MEMORY);
}

static void a_buffer_as_long_as_can_be_said_stops_the_ring(void **state)
{
	struct device_ring_fixture *f = *state;

	fixture_desc(f, 0, (struct raw_desc){ BUFFER, UINT32_MAX, 0, 0 });
	expect(f, VBALLOON_DESC_OUTSIDE_MEMORY);
}

/* Proves DEV-RING-11. */
static void a_buffer_over_a_hole_stops_the_ring(void **state)
{
	struct device_ring_fixture *f = *state;

	guest_memory_add(&f->guest, MEMORY_END + 0x1000, 0x1000);
	fixture_desc(f, 0, (struct raw_desc){ MEMORY_END - 1, 0x1002, 0, 0 });
	expect(f, VBALLOON_DESC_OUTSIDE_MEMORY);
}

/* Proves DEV-RING-12. */
static void a_readable_buffer_after_a_writable_one_stops_the_ring(void **state)
{
	struct device_ring_fixture *f = *state;

	fixture_desc(f, 0, (struct raw_desc){ BUFFER, 1, RAW_WRITE | RAW_NEXT, 1 });
	fixture_desc(f, 1, (struct raw_desc){ BUFFER, 1, 0, 0 });
	expect(f, VBALLOON_DESC_ORDER);
}

static void a_readable_buffer_in_a_table_after_a_writable_one_stops_the_ring(void **state)
{
	struct device_ring_fixture *f = *state;

	fixture_desc(f, 0, (struct raw_desc){ BUFFER, 1, RAW_WRITE | RAW_NEXT, 1 });
	fixture_desc(f, 1, (struct raw_desc){ TABLE, 16, RAW_INDIRECT, 0 });
	fixture_table_desc(f, 0, (struct raw_desc){ BUFFER, 1, 0, 0 });
	expect(f, VBALLOON_DESC_ORDER);
}

/* Proves DEV-RING-13. */
static void a_chain_of_more_than_four_gibibytes_stops_the_ring(void **state)
{
	struct device_ring_fixture *f = *state;
	const uint64_t base = UINT64_C(1) << 32;
	const uint32_t half = UINT32_C(1) << 31;

	guest_memory_add(&f->guest, base, half);
	fixture_desc(f, 0, (struct raw_desc){ base, half, RAW_NEXT, 1 });
	fixture_desc(f, 1, (struct raw_desc){ base, half, RAW_NEXT | RAW_WRITE, 2 });
	fixture_desc(f, 2, (struct raw_desc){ base, 1, RAW_WRITE, 0 });
	expect(f, VBALLOON_CHAIN_TOO_LARGE);
}

/* Proves DEV-RING-14. */
static void an_indirect_descriptor_without_the_feature_stops_the_ring(void **state)
{
	struct device_ring_fixture *f = *state;

	assert_int_equal(vballoon_device_ring_start(&f->ring, &f->guest.memory, &f->builder.queue,
						    &(struct vballoon_ring_features){ 0 }),
			 0);
	fixture_desc(f, 0, (struct raw_desc){ TABLE, 16, RAW_INDIRECT, 0 });
	fixture_table_desc(f, 0, (struct raw_desc){ BUFFER, 1, 0, 0 });
	ring_builder_avail(&f->builder, 0);
	assert_int_equal(fixture_next(f), VBALLOON_RING_BROKEN);
	assert_int_equal(f->violation, VBALLOON_INDIRECT_NOT_NEGOTIATED);
}

/* Proves DEV-RING-15. */
static void an_indirect_table_in_an_indirect_table_stops_the_ring(void **state)
{
	struct device_ring_fixture *f = *state;

	fixture_desc(f, 0, (struct raw_desc){ TABLE, 16, RAW_INDIRECT, 0 });
	fixture_table_desc(f, 0, (struct raw_desc){ TABLE, 16, RAW_INDIRECT, 0 });
	expect(f, VBALLOON_INDIRECT_MALFORMED);
}

/* Proves DEV-RING-15. */
static void an_indirect_descriptor_that_goes_on_stops_the_ring(void **state)
{
	struct device_ring_fixture *f = *state;

	fixture_desc(f, 0, (struct raw_desc){ TABLE, 16, RAW_INDIRECT | RAW_NEXT, 1 });
	fixture_table_desc(f, 0, (struct raw_desc){ BUFFER, 1, 0, 0 });
	expect(f, VBALLOON_INDIRECT_MALFORMED);
}

/* Proves DEV-RING-15. */
static void an_indirect_table_of_part_of_a_descriptor_stops_the_ring(void **state)
{
	struct device_ring_fixture *f = *state;

	fixture_desc(f, 0, (struct raw_desc){ TABLE, 16 + 15, RAW_INDIRECT, 0 });
	expect(f, VBALLOON_INDIRECT_MALFORMED);
}

/* Proves DEV-RING-15. */
static void an_empty_indirect_table_stops_the_ring(void **state)
{
	struct device_ring_fixture *f = *state;

	fixture_desc(f, 0, (struct raw_desc){ TABLE, 0, RAW_INDIRECT, 0 });
	expect(f, VBALLOON_INDIRECT_MALFORMED);
}

static void an_indirect_table_longer_than_the_queue_stops_the_ring(void **state)
{
	struct device_ring_fixture *f = *state;

	fixture_desc(f, 0, (struct raw_desc){ TABLE, (SIZE + 1) * 16, RAW_INDIRECT, 0 });
	fixture_table_desc(f, 0, (struct raw_desc){ BUFFER, 1, 0, 0 });
	expect(f, VBALLOON_INDIRECT_MALFORMED);
}

static void an_indirect_table_that_leaves_memory_stops_the_ring(void **state)
{
	struct device_ring_fixture *f = *state;

	fixture_desc(f, 0, (struct raw_desc){ MEMORY_END - 16, 32, RAW_INDIRECT, 0 });
	fixture_table_desc(f, 0, (struct raw_desc){ BUFFER, 1, 0, 0 });
	expect(f, VBALLOON_DESC_OUTSIDE_MEMORY);
}

static void an_indirect_table_that_wraps_stops_the_ring(void **state)
{
	struct device_ring_fixture *f = *state;

	fixture_desc(f, 0, (struct raw_desc){ UINT64_MAX - 15, 32, RAW_INDIRECT, 0 });
	expect(f, VBALLOON_DESC_OUTSIDE_MEMORY);
}

static void an_indirect_table_at_an_odd_address_is_read(void **state)
{
	struct device_ring_fixture *f = *state;

	fixture_start(f, false);
	fixture_desc(f, 0, (struct raw_desc){ TABLE + 1, 16, RAW_INDIRECT, 0 });
	memset(guest_memory_at(&f->guest, TABLE + 1, 16), 0, 16);
	*(unsigned char *)guest_memory_at(&f->guest, TABLE + 1 + 8, 1) = 1;
	ring_builder_avail(&f->builder, 0);
	assert_int_equal(fixture_next(f), VBALLOON_RING_CHAIN);
	assert_int_equal(f->chain.readable_len, 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_next_beyond_the_table_stops_the_ring),
		CASE(a_next_beyond_an_indirect_table_stops_the_ring),
		CASE(a_chain_that_loops_stops_the_ring),
		CASE(a_descriptor_that_goes_on_with_itself_stops_the_ring),
		CASE(an_indirect_table_that_loops_stops_the_ring),
		CASE(a_loop_is_not_told_as_what_its_second_round_would_be),
		CASE(a_chain_and_its_table_longer_than_the_queue_stop_the_ring),
		CASE(a_descriptor_of_no_bytes_stops_the_ring),
		CASE(a_buffer_one_byte_beyond_memory_stops_the_ring),
		CASE(a_buffer_that_wraps_stops_the_ring),
		CASE(a_buffer_that_wraps_between_regions_stops_the_ring),
		CASE(a_buffer_as_long_as_can_be_said_stops_the_ring),
		CASE(a_buffer_over_a_hole_stops_the_ring),
		CASE(a_readable_buffer_after_a_writable_one_stops_the_ring),
		CASE(a_readable_buffer_in_a_table_after_a_writable_one_stops_the_ring),
		CASE(a_chain_of_more_than_four_gibibytes_stops_the_ring),
		CASE(an_indirect_descriptor_without_the_feature_stops_the_ring),
		CASE(an_indirect_table_in_an_indirect_table_stops_the_ring),
		CASE(an_indirect_descriptor_that_goes_on_stops_the_ring),
		CASE(an_indirect_table_of_part_of_a_descriptor_stops_the_ring),
		CASE(an_empty_indirect_table_stops_the_ring),
		CASE(an_indirect_table_longer_than_the_queue_stops_the_ring),
		CASE(an_indirect_table_that_leaves_memory_stops_the_ring),
		CASE(an_indirect_table_that_wraps_stops_the_ring),
		CASE(an_indirect_table_at_an_odd_address_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
