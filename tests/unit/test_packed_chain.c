/* SPDX-License-Identifier: BSD-3-Clause */
/* Packed chains that a driver must not make: each stops the ring, and is told apart. After a skip
 * the ring goes on behind the chain, which goes back if its end tells what it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "packed_builder.h"

#define SIZE PACKED_SIZE
#define BUFFER PACKED_BUFFER
#define TABLE PACKED_TABLE
#define END PACKED_MEMORY_END
#define FREE AVAILABLE(1)

/* The chain at descriptor 0 stops the ring because of @violation, and nothing is used. */
static void expect(struct packed_fixture *f, enum vballoon_violation violation)
{
	uint16_t flags = packed_read(f, 0).flags;

	packed_start(f, false);
	assert_int_equal(packed_next(f), VBALLOON_RING_BROKEN);
	assert_int_equal(f->violation, violation);
	assert_int_equal(packed_read(f, 0).flags, flags);
	assert_int_equal(packed_next(f), VBALLOON_RING_BROKEN);
	assert_int_equal(vballoon_device_ring_base(&f->device), VBALLOON_QUEUE_FIRST_PACKED);
}

/* After a skip the buffer @id is used with nothing written, and what is at @index is next. */
static void expect_given_back(struct packed_fixture *f, uint16_t id, uint16_t index)
{
	vballoon_device_ring_skip(&f->device);
	assert_int_equal(packed_read(f, 0).flags, USED(1));
	assert_int_equal(packed_read(f, 0).id, id);
	packed_offer(f, 1, index, 9);
	assert_int_equal(packed_next(f), VBALLOON_RING_CHAIN);
	assert_int_equal(f->chain.head, 9);
	assert_int_equal(vballoon_device_ring_use(&f->device, &f->chain), 0);
	assert_int_equal(packed_read(f, index).flags, USED(1));
}

/* Make descriptors @first to @last one chain of a byte each, which ends there or goes on. */
static void link(struct packed_fixture *f, uint16_t first, uint16_t last, bool ends)
{
	for (uint16_t i = first; i <= last; i++) {
		uint16_t next = i < last || !ends ? RAW_NEXT : 0;

		packed_desc(f, i, (struct raw_packed){ BUFFER, 1, 3, (uint16_t)(FREE | next) });
	}
}

/* What is known of the one is not what the other goes by. */
static void the_same_id_twice_in_flight_is_two_chains(void **state)
{
	struct packed_fixture *f = *state;

	packed_offer(f, 1, 0, 5);
	packed_start(f, false);
	assert_int_equal(packed_next(f), VBALLOON_RING_CHAIN);
	packed_desc(f, 1, (struct raw_packed){ BUFFER, 2, 5, FREE | RAW_WRITE });
	assert_int_equal(f->chain.readable_len, 16);
	assert_int_equal(vballoon_device_ring_use(&f->device, &f->chain), 0);
	assert_int_equal(packed_next(f), VBALLOON_RING_CHAIN);
	assert_int_equal(f->chain.readable_len, 0);
	assert_int_equal(f->chain.writable_len, 2);
	assert_int_equal(vballoon_device_ring_use(&f->device, &f->chain), 0);
	for (uint16_t i = 0; i < 2; i++) {
		assert_int_equal(packed_read(f, i).flags, USED(1));
		assert_int_equal(packed_read(f, i).id, 5);
	}
	assert_int_equal(packed_next(f), VBALLOON_RING_EMPTY);
}

/* Proves DEV-RING-17. */
static void a_chain_that_goes_on_in_a_descriptor_not_available_stops_the_ring(void **state)
{
	struct packed_fixture *f = *state;

	link(f, 0, 1, false);
	expect(f, VBALLOON_DESC_NOT_AVAILABLE);
	vballoon_device_ring_skip(&f->device);
	assert_int_equal(packed_read(f, 0).flags, FREE | RAW_NEXT);
	packed_offer(f, 1, 2, 9);
	assert_int_equal(packed_next(f), VBALLOON_RING_CHAIN);
}

/* Proves DEV-RING-17. */
static void a_chain_that_goes_on_in_a_used_descriptor_stops_the_ring(void **state)
{
	struct packed_fixture *f = *state;

	link(f, 0, 0, false);
	packed_desc(f, 1, (struct raw_packed){ BUFFER, 1, 3, USED(1) });
	expect(f, VBALLOON_DESC_NOT_AVAILABLE);
}

/* Proves DEV-RING-9. */
static void a_chain_longer_than_the_queue_stops_the_ring(void **state)
{
	struct packed_fixture *f = *state;

	link(f, 0, SIZE - 1, false);
	expect(f, VBALLOON_CHAIN_TOO_LONG);
	vballoon_device_ring_skip(&f->device);
	assert_int_equal(packed_next(f), VBALLOON_RING_EMPTY);
	assert_int_equal((uint16_t)vballoon_device_ring_base(&f->device), PLACE(0, 0));
}

/* Proves DEV-RING-10. */
static void a_descriptor_of_no_bytes_stops_the_ring(void **state)
{
	struct packed_fixture *f = *state;

	link(f, 0, 2, true);
	packed_desc(f, 1, (struct raw_packed){ BUFFER, 0, 3, FREE | RAW_NEXT });
	expect(f, VBALLOON_DESC_EMPTY);
	expect_given_back(f, 3, 3);
}

/* Proves DEV-RING-11. */
static void a_buffer_outside_memory_stops_the_ring(void **state)
{
	struct packed_fixture *f = *state;

	packed_desc(f, 0, (struct raw_packed){ END - 1, 2, 5, FREE });
	expect(f, VBALLOON_DESC_OUTSIDE_MEMORY);
	expect_given_back(f, 5, 1);
}

/* Proves DEV-RING-11. */
static void a_buffer_that_wraps_the_address_space_stops_the_ring(void **state)
{
	struct packed_fixture *f = *state;

	packed_desc(f, 0, (struct raw_packed){ UINT64_MAX, 2, 5, FREE });
	expect(f, VBALLOON_DESC_OUTSIDE_MEMORY);
}

/* Proves DEV-RING-12. */
static void readable_after_writable_stops_the_ring(void **state)
{
	struct packed_fixture *f = *state;

	packed_desc(f, 0, (struct raw_packed){ BUFFER, 1, 6, FREE | RAW_WRITE | RAW_NEXT });
	packed_desc(f, 1, (struct raw_packed){ BUFFER, 1, 7, FREE });
	expect(f, VBALLOON_DESC_ORDER);
	expect_given_back(f, 7, 2);
}

/* Proves DEV-RING-13. */
static void more_than_four_gibibytes_stop_the_ring(void **state)
{
	struct packed_fixture *f = *state;
	const uint64_t base = UINT64_C(1) << 32;
	const uint32_t half = UINT32_C(1) << 31;

	guest_memory_add(&f->guest, base, half);
	packed_desc(f, 0, (struct raw_packed){ base, half, 1, FREE | RAW_NEXT });
	packed_desc(f, 1, (struct raw_packed){ base, half, 1, FREE | RAW_NEXT });
	packed_desc(f, 2, (struct raw_packed){ BUFFER, 1, 1, FREE });
	expect(f, VBALLOON_CHAIN_TOO_LARGE);
}

/* Proves DEV-RING-14. */
static void an_indirect_descriptor_without_the_feature_stops_the_ring(void **state)
{
	struct packed_fixture *f = *state;
	const struct vballoon_ring_features features = { .packed = true };

	packed_desc(f, 0, (struct raw_packed){ TABLE, 16, 1, FREE | RAW_INDIRECT });
	packed_table_desc(f, 0, (struct raw_packed){ BUFFER, 1, 0, 0 });
	assert_int_equal(
		vballoon_device_ring_start(&f->device, &f->guest.memory, &f->queue, &features), 0);
	assert_int_equal(packed_next(f), VBALLOON_RING_BROKEN);
	assert_int_equal(f->violation, VBALLOON_INDIRECT_NOT_NEGOTIATED);
}

/* Proves DEV-RING-15. */
static void a_table_that_begins_a_list_stops_the_ring(void **state)
{
	struct packed_fixture *f = *state;

	packed_table_desc(f, 0, (struct raw_packed){ BUFFER, 1, 0, 0 });
	packed_desc(f, 0, (struct raw_packed){ TABLE, 16, 1, FREE | RAW_INDIRECT | RAW_NEXT });
	packed_desc(f, 1, (struct raw_packed){ BUFFER, 1, 2, FREE });
	expect(f, VBALLOON_INDIRECT_MALFORMED);
	expect_given_back(f, 2, 2);
}

static void a_table_in_a_list_stops_the_ring(void **state)
{
	struct packed_fixture *f = *state;

	packed_table_desc(f, 0, (struct raw_packed){ BUFFER, 1, 0, 0 });
	link(f, 0, 0, false);
	packed_desc(f, 1, (struct raw_packed){ TABLE, 16, 1, FREE | RAW_INDIRECT });
	expect(f, VBALLOON_INDIRECT_MALFORMED);
}

/* Proves DEV-RING-15. */
static void a_table_of_no_whole_descriptors_stops_the_ring(void **state)
{
	struct packed_fixture *f = *state;

	packed_desc(f, 0, (struct raw_packed){ TABLE, 31, 1, FREE | RAW_INDIRECT });
	expect(f, VBALLOON_INDIRECT_MALFORMED);
}

/* Proves DEV-RING-15. */
static void a_table_of_no_descriptors_stops_the_ring(void **state)
{
	struct packed_fixture *f = *state;

	packed_desc(f, 0, (struct raw_packed){ TABLE, 0, 1, FREE | RAW_INDIRECT });
	expect(f, VBALLOON_INDIRECT_MALFORMED);
}

static void a_table_longer_than_the_queue_stops_the_ring(void **state)
{
	struct packed_fixture *f = *state;

	packed_desc(f, 0, (struct raw_packed){ TABLE, (SIZE + 1) * 16, 1, FREE | RAW_INDIRECT });
	expect(f, VBALLOON_INDIRECT_MALFORMED);
}

/* Proves DEV-RING-11. */
static void a_table_outside_memory_stops_the_ring(void **state)
{
	struct packed_fixture *f = *state;

	packed_desc(f, 0, (struct raw_packed){ END - 16, 32, 1, FREE | RAW_INDIRECT });
	expect(f, VBALLOON_DESC_OUTSIDE_MEMORY);
}

static void a_bad_buffer_in_a_table_stops_the_ring(void **state)
{
	struct packed_fixture *f = *state;

	packed_table_desc(f, 0, (struct raw_packed){ BUFFER, 1, 0, RAW_WRITE });
	packed_table_desc(f, 1, (struct raw_packed){ BUFFER, 1, 0, 0 });
	packed_desc(f, 0, (struct raw_packed){ TABLE, 32, 1, FREE | RAW_INDIRECT });
	expect(f, VBALLOON_DESC_ORDER);
	expect_given_back(f, 1, 1);
}

/* Fail the read of whatever is as long as a whole descriptor. */
static int fail_descriptors(void *context, struct vballoon_gpa gpa, size_t len)
{
	(void)context;
	(void)gpa;
	return len == 16 ? -1 : 0;
}

static const struct vballoon_memory_hooks failing = { .before_read = fail_descriptors };

static void a_chain_that_cannot_be_read_stops_the_ring_and_is_tried_again(void **state)
{
	struct packed_fixture *f = *state;

	link(f, 0, 1, true);
	packed_hook(f, &failing);
	expect(f, VBALLOON_RING_UNREADABLE);
	packed_hook(f, NULL);
	vballoon_device_ring_skip(&f->device);
	assert_int_equal(packed_next(f), VBALLOON_RING_CHAIN);
	assert_int_equal(f->chain.count, 2);
}

static void a_table_that_cannot_be_read_stops_the_ring(void **state)
{
	struct packed_fixture *f = *state;

	packed_desc(f, 0, (struct raw_packed){ TABLE, 16, 1, FREE | RAW_INDIRECT });
	packed_hook(f, &failing);
	expect(f, VBALLOON_DESC_OUTSIDE_MEMORY);
}

static void a_message_that_is_refused_stands_at_its_whole_chain(void **state)
{
	struct packed_fixture *f = *state;

	link(f, 0, 2, true);
	packed_start(f, false);
	assert_int_equal(packed_next(f), VBALLOON_RING_CHAIN);
	vballoon_device_ring_refuse(&f->device, &f->chain, VBALLOON_MESSAGE_TYPE);
	assert_int_equal(packed_next(f), VBALLOON_RING_BROKEN);
	assert_int_equal(f->violation, VBALLOON_MESSAGE_TYPE);
	assert_int_equal(vballoon_device_ring_base(&f->device), VBALLOON_QUEUE_FIRST_PACKED);
	expect_given_back(f, 3, 3);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, packed_setup, packed_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(the_same_id_twice_in_flight_is_two_chains),
		CASE(a_chain_that_goes_on_in_a_descriptor_not_available_stops_the_ring),
		CASE(a_chain_that_goes_on_in_a_used_descriptor_stops_the_ring),
		CASE(a_chain_longer_than_the_queue_stops_the_ring),
		CASE(a_descriptor_of_no_bytes_stops_the_ring),
		CASE(a_buffer_outside_memory_stops_the_ring),
		CASE(a_buffer_that_wraps_the_address_space_stops_the_ring),
		CASE(readable_after_writable_stops_the_ring),
		CASE(more_than_four_gibibytes_stop_the_ring),
		CASE(an_indirect_descriptor_without_the_feature_stops_the_ring),
		CASE(a_table_that_begins_a_list_stops_the_ring),
		CASE(a_table_in_a_list_stops_the_ring),
		CASE(a_table_of_no_whole_descriptors_stops_the_ring),
		CASE(a_table_of_no_descriptors_stops_the_ring),
		CASE(a_table_longer_than_the_queue_stops_the_ring),
		CASE(a_table_outside_memory_stops_the_ring),
		CASE(a_bad_buffer_in_a_table_stops_the_ring),
		CASE(a_chain_that_cannot_be_read_stops_the_ring_and_is_tried_again),
		CASE(a_table_that_cannot_be_read_stops_the_ring),
		CASE(a_message_that_is_refused_stands_at_its_whole_chain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
