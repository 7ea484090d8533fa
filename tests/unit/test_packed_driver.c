/* SPDX-License-Identifier: BSD-3-Clause */
/* The driver's side of a packed ring, with a device that keeps the rules. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "packed_builder.h"

#define SIZE PACKED_SIZE
#define TABLE PACKED_TABLE

static const struct vballoon_driver_buffer message[] = {
	{ { 0x4000 }, 8, false },
	{ { 0x5000 }, 24, false },
	{ { 0x6000 }, 3, true },
};

static int setup(void **state)
{
	if (packed_setup(state))
		return -1;
	packed_start_driver(*state, (struct vballoon_ring_features){ 0 });
	return 0;
}

static int post(struct packed_fixture *f, unsigned int count, uint64_t token)
{
	return vballoon_driver_ring_post(&f->driver, message, count, token);
}

static int post_indirect(struct packed_fixture *f, unsigned int count, uint64_t token)
{
	return vballoon_driver_ring_post_indirect(&f->driver, message, count,
						  guest_memory_at(&f->guest, TABLE, 16 * count),
						  vballoon_gpa(TABLE), token);
}

static void expect_desc(struct raw_packed desc, struct raw_packed expected)
{
	assert_int_equal(desc.addr, expected.addr);
	assert_int_equal(desc.len, expected.len);
	assert_int_equal(desc.id, expected.id);
	assert_int_equal(desc.flags, expected.flags);
}

static void a_chain_lies_in_the_ring_one_behind_the_other(void **state)
{
	struct packed_fixture *f = *state;

	assert_int_equal(post(f, 3, 1), 0);
	assert_int_equal(post(f, 1, 2), 0);
	expect_desc(packed_read(f, 0),
		    (struct raw_packed){ 0x4000, 8, 0, AVAILABLE(1) | RAW_NEXT });
	expect_desc(packed_read(f, 1),
		    (struct raw_packed){ 0x5000, 24, 0, AVAILABLE(1) | RAW_NEXT });
	expect_desc(packed_read(f, 2),
		    (struct raw_packed){ 0x6000, 3, 0, AVAILABLE(1) | RAW_WRITE });
	expect_desc(packed_read(f, 3), (struct raw_packed){ 0x4000, 8, 1, AVAILABLE(1) });
	assert_int_equal(packed_read(f, 4).flags, 0);
}

static void an_indirect_chain_lies_in_the_callers_table(void **state)
{
	struct packed_fixture *f = *state;

	assert_int_equal(post(f, 1, 1), 0);
	assert_int_equal(post_indirect(f, 3, 2), 0);
	expect_desc(packed_read(f, 1),
		    (struct raw_packed){ TABLE, 3 * 16, 1, AVAILABLE(1) | RAW_INDIRECT });
	expect_desc(packed_read_table(f, 0), (struct raw_packed){ 0x4000, 8, 0, 0 });
	expect_desc(packed_read_table(f, 1), (struct raw_packed){ 0x5000, 24, 0, 0 });
	expect_desc(packed_read_table(f, 2), (struct raw_packed){ 0x6000, 3, 0, RAW_WRITE });
}

static void a_used_chain_comes_back_with_its_token_and_length(void **state)
{
	struct packed_fixture *f = *state;

	assert_int_equal(post(f, 3, 11), 0);
	assert_int_equal(packed_collect(f), VBALLOON_COLLECT_NONE);
	packed_use(f, 1, 0, 0, 3);
	assert_int_equal(packed_collect(f), VBALLOON_COLLECT_ONE);
	assert_int_equal(f->token, 11);
	assert_int_equal(f->written, 3);
	assert_int_equal(packed_collect(f), VBALLOON_COLLECT_NONE);
	assert_int_equal(f->driver.free_count, SIZE);
}

static void a_length_without_the_flag_is_ignored(void **state)
{
	struct packed_fixture *f = *state;

	assert_int_equal(post(f, 3, 11), 0);
	packed_desc(f, 0, (struct raw_packed){ 0, 3, 0, USED(1) });
	assert_int_equal(packed_collect(f), VBALLOON_COLLECT_ONE);
	assert_int_equal(f->written, 0);
}

static void chains_may_be_used_in_any_order(void **state)
{
	struct packed_fixture *f = *state;

	assert_int_equal(post(f, 3, 33), 0);
	assert_int_equal(post(f, 1, 11), 0);
	assert_int_equal(post(f, 2, 22), 0);
	packed_use(f, 1, 0, 1, 0); /* in the first place that is left, and as long as it was */
	packed_use(f, 1, 1, 2, 0);
	packed_use(f, 1, 3, 0, 0);
	assert_int_equal(packed_collect(f), VBALLOON_COLLECT_ONE);
	assert_int_equal(f->token, 11);
	assert_int_equal(packed_collect(f), VBALLOON_COLLECT_ONE);
	assert_int_equal(f->token, 22);
	assert_int_equal(packed_collect(f), VBALLOON_COLLECT_ONE);
	assert_int_equal(f->token, 33);
	assert_int_equal(packed_collect(f), VBALLOON_COLLECT_NONE);
}

static void an_id_is_not_given_again_while_it_is_out(void **state)
{
	struct packed_fixture *f = *state;

	for (uint64_t token = 0; token < SIZE; token++)
		assert_int_equal(packed_post(f, 1, token), 0);
	packed_use(f, 1, 0, 5, 0);
	assert_int_equal(packed_collect(f), VBALLOON_COLLECT_ONE);
	assert_int_equal(packed_post(f, 1, 99), 0);
	expect_desc(packed_read(f, 0),
		    (struct raw_packed){ PACKED_BUFFER, 1, 5, AVAILABLE(0) | RAW_WRITE });
}

static void a_full_ring_takes_no_more(void **state)
{
	struct packed_fixture *f = *state;

	assert_int_equal(post(f, 3, 1), 0);
	assert_int_equal(post(f, 3, 2), 0);
	assert_int_equal(post(f, 3, 3), -ENOSPC);
	assert_int_equal(post(f, 2, 4), 0);
	assert_int_equal(post_indirect(f, 3, 5), -ENOSPC);
}

static void a_chain_goes_round_the_end_of_the_ring(void **state)
{
	struct packed_fixture *f = *state;

	assert_int_equal(post(f, 3, 1), 0);
	assert_int_equal(post(f, 3, 2), 0);
	packed_use(f, 1, 0, 0, 0);
	assert_int_equal(packed_collect(f), VBALLOON_COLLECT_ONE);
	assert_int_equal(post(f, 3, 3), 0);
	assert_int_equal(packed_read(f, 7).flags, AVAILABLE(1) | RAW_NEXT);
	assert_int_equal(packed_read(f, 0).flags, AVAILABLE(0) | RAW_WRITE);
	packed_use(f, 1, 3, 1, 0);
	packed_use(f, 1, 6, 0, 0);
	assert_int_equal(packed_collect(f), VBALLOON_COLLECT_ONE);
	assert_int_equal(packed_collect(f), VBALLOON_COLLECT_ONE);
	assert_int_equal(f->token, 3);
	assert_int_equal(packed_collect(f), VBALLOON_COLLECT_NONE);
}

static void a_start_forgets_what_was_outstanding(void **state)
{
	struct packed_fixture *f = *state;

	assert_int_equal(post(f, 3, 1), 0);
	packed_use(f, 1, 0, 0, 0);
	vballoon_driver_ring_start(&f->driver);
	assert_int_equal(packed_collect(f), VBALLOON_COLLECT_NONE);
	assert_int_equal(f->driver.free_count, SIZE);
	assert_int_equal(packed_read(f, 0).flags, 0);
}

static void a_device_finds_the_chain_as_it_was_posted(void **state)
{
	struct packed_fixture *f = *state;

	assert_int_equal(post(f, 3, 1), 0);
	packed_start(f, false);
	assert_int_equal(packed_next(f), VBALLOON_RING_CHAIN);
	assert_int_equal(f->chain.readable_len, 32);
	assert_int_equal(f->chain.writable_len, 3);
	assert_int_equal(f->chain.places, 3);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, packed_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_chain_lies_in_the_ring_one_behind_the_other),
		CASE(an_indirect_chain_lies_in_the_callers_table),
		CASE(a_used_chain_comes_back_with_its_token_and_length),
		CASE(a_length_without_the_flag_is_ignored),
		CASE(chains_may_be_used_in_any_order),
		CASE(an_id_is_not_given_again_while_it_is_out),
		CASE(a_full_ring_takes_no_more),
		CASE(a_chain_goes_round_the_end_of_the_ring),
		CASE(a_start_forgets_what_was_outstanding),
		CASE(a_device_finds_the_chain_as_it_was_posted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
