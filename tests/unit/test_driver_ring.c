/* SPDX-License-Identifier: BSD-3-Clause */
/* The driver's side of the ring, with a device that keeps the rules. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "driver_ring_fixture.h"

#define SIZE DRIVER_SIZE
#define TABLE DRIVER_TABLE

static const struct vballoon_driver_buffer message[] = {
	{ { 0x4000 }, 8, false },
	{ { 0x5000 }, 24, false },
	{ { 0x6000 }, 3, true },
};

static const struct vballoon_ring_features event_idx = { .event_idx = true };

static int post(struct driver_ring_fixture *f, unsigned int count, uint64_t token)
{
	return vballoon_driver_ring_post(&f->builder.driver, message, count, token);
}

static int post_indirect(struct driver_ring_fixture *f, unsigned int count, uint64_t token)
{
	return vballoon_driver_ring_post_indirect(&f->builder.driver, message, count,
						  guest_memory_at(&f->guest, TABLE, 16 * count),
						  vballoon_gpa(TABLE), token);
}

static bool should_kick(struct driver_ring_fixture *f)
{
	return vballoon_driver_ring_should_kick(&f->builder.driver);
}

static bool interrupts(struct driver_ring_fixture *f, bool on)
{
	return vballoon_driver_ring_interrupts(&f->builder.driver, on);
}

static void expect_desc(struct driver_ring_fixture *f, uint64_t table, uint16_t index,
			struct raw_desc expected)
{
	struct raw_desc desc = ring_builder_read_desc(&f->builder, table, index);

	assert_int_equal(desc.addr, expected.addr);
	assert_int_equal(desc.len, expected.len);
	assert_int_equal(desc.flags, expected.flags);
	assert_int_equal(desc.next, expected.next);
}

static void a_chain_is_laid_out_in_the_descriptor_table(void **state)
{
	struct driver_ring_fixture *f = *state;
	uint64_t table = f->builder.queue.desc.value;

	assert_int_equal(post(f, 3, 1), 0);
	expect_desc(f, table, 0, (struct raw_desc){ 0x4000, 8, RAW_NEXT, 1 });
	expect_desc(f, table, 1, (struct raw_desc){ 0x5000, 24, RAW_NEXT, 2 });
	expect_desc(f, table, 2, (struct raw_desc){ 0x6000, 3, RAW_WRITE, 0 });
	assert_int_equal(ring_builder_avail_head(&f->builder, 0), 0);
	assert_int_equal(ring_builder_avail_idx(&f->builder), 1);
}

static void an_indirect_chain_is_laid_out_in_the_callers_table(void **state)
{
	struct driver_ring_fixture *f = *state;
	uint64_t table = f->builder.queue.desc.value;

	assert_int_equal(post(f, 1, 1), 0);
	assert_int_equal(post_indirect(f, 3, 2), 0);
	expect_desc(f, table, 1, (struct raw_desc){ TABLE, 3 * 16, RAW_INDIRECT, 0 });
	expect_desc(f, TABLE, 0, (struct raw_desc){ 0x4000, 8, RAW_NEXT, 1 });
	expect_desc(f, TABLE, 1, (struct raw_desc){ 0x5000, 24, RAW_NEXT, 2 });
	expect_desc(f, TABLE, 2, (struct raw_desc){ 0x6000, 3, RAW_WRITE, 0 });
	assert_int_equal(ring_builder_avail_head(&f->builder, 1), 1);
}

static void a_used_chain_comes_back_with_its_token_and_length(void **state)
{
	struct driver_ring_fixture *f = *state;

	assert_int_equal(post(f, 1, 11), 0);
	assert_int_equal(post(f, 3, 22), 0);
	assert_int_equal(driver_collect(f), VBALLOON_COLLECT_NONE);
	ring_builder_use(&f->builder, 1, 3);
	assert_int_equal(driver_collect(f), VBALLOON_COLLECT_ONE);
	assert_int_equal(f->token, 22);
	assert_int_equal(f->written, 3);
	assert_int_equal(driver_collect(f), VBALLOON_COLLECT_NONE);
}

static void chains_may_be_used_in_any_order(void **state)
{
	struct driver_ring_fixture *f = *state;

	for (uint64_t token = 0; token < SIZE; token++)
		assert_int_equal(driver_post(f, 1, token), 0);
	for (uint32_t id = SIZE; id-- > 0;)
		ring_builder_use(&f->builder, id, 0);
	for (uint64_t token = SIZE; token-- > 0;) {
		assert_int_equal(driver_collect(f), VBALLOON_COLLECT_ONE);
		assert_int_equal(f->token, token);
	}
}

static void a_full_ring_takes_no_more(void **state)
{
	struct driver_ring_fixture *f = *state;

	assert_int_equal(post(f, 3, 1), 0);
	assert_int_equal(post(f, 3, 2), 0);
	assert_int_equal(post(f, 3, 3), -ENOSPC);
	assert_int_equal(post(f, 2, 4), 0);
	assert_int_equal(post_indirect(f, 3, 5), -ENOSPC);
	assert_int_equal(ring_builder_avail_idx(&f->builder), 3);
}

static void a_chain_that_came_back_makes_room_for_one_as_long(void **state)
{
	struct driver_ring_fixture *f = *state;

	assert_int_equal(post(f, 3, 1), 0);
	assert_int_equal(post(f, 3, 2), 0);
	ring_builder_use(&f->builder, 0, 0);
	assert_int_equal(driver_collect(f), VBALLOON_COLLECT_ONE);
	assert_int_equal(post(f, 3, 3), 0);
	assert_int_equal(post(f, 2, 4), 0);
	assert_int_equal(f->builder.driver.free_count, 0);
}

static void a_chain_of_no_buffers_is_refused(void **state)
{
	struct driver_ring_fixture *f = *state;

	assert_int_equal(post(f, 0, 1), -EINVAL);
}

static void a_readable_buffer_after_a_writable_one_is_refused(void **state)
{
	struct driver_ring_fixture *f = *state;
	const struct vballoon_driver_buffer buffers[] = { message[2], message[0] };

	assert_int_equal(vballoon_driver_ring_post(&f->builder.driver, buffers, 2, 1), -EINVAL);
	assert_int_equal(ring_builder_avail_idx(&f->builder), 0);
}

static void an_empty_buffer_is_refused(void **state)
{
	struct driver_ring_fixture *f = *state;

	assert_int_equal(driver_post(f, 0, 1), -EINVAL);
}

static void more_buffers_than_the_queue_has_descriptors_are_refused(void **state)
{
	struct driver_ring_fixture *f = *state;
	struct vballoon_driver_buffer buffers[SIZE + 1];

	for (unsigned int i = 0; i < SIZE + 1; i++)
		buffers[i] = message[0];
	assert_int_equal(vballoon_driver_ring_post(&f->builder.driver, buffers, SIZE + 1, 1),
			 -EINVAL);
	assert_int_equal(vballoon_driver_ring_post(&f->builder.driver, buffers, SIZE, 1), 0);
}

static void more_than_four_gibibytes_are_refused(void **state)
{
	struct driver_ring_fixture *f = *state;
	struct vballoon_driver_buffer buffers[] = {
		{ { 0 }, UINT32_MAX, false },
		{ { 0 }, 2, true },
	};

	assert_int_equal(vballoon_driver_ring_post(&f->builder.driver, buffers, 2, 1), -EINVAL);
	buffers[1].len = 1;
	assert_int_equal(vballoon_driver_ring_post(&f->builder.driver, buffers, 2, 1), 0);
}

static void a_kick_is_for_what_was_posted_since_the_last(void **state)
{
	struct driver_ring_fixture *f = *state;

	assert_false(should_kick(f));
	driver_post(f, 1, 1);
	assert_true(should_kick(f));
	assert_false(should_kick(f));
}

static void a_device_that_wants_no_kick_gets_none(void **state)
{
	struct driver_ring_fixture *f = *state;

	ring_builder_set_used_flags(&f->builder, RAW_NO_NOTIFY);
	driver_post(f, 1, 1);
	assert_false(should_kick(f));
}

static void a_kick_comes_when_the_event_index_is_posted(void **state)
{
	struct driver_ring_fixture *f = *state;

	ring_builder_start_driver(&f->builder, event_idx);
	ring_builder_set_avail_event(&f->builder, 1);
	driver_post(f, 1, 1);
	assert_false(should_kick(f));
	driver_post(f, 1, 2);
	assert_true(should_kick(f));
	driver_post(f, 1, 3);
	assert_false(should_kick(f));
}

static void a_kick_comes_when_a_batch_passes_the_event_index(void **state)
{
	struct driver_ring_fixture *f = *state;

	ring_builder_start_driver(&f->builder, event_idx);
	ring_builder_set_used_flags(&f->builder, RAW_NO_NOTIFY);
	for (uint64_t token = 0; token < SIZE; token++)
		driver_post(f, 1, token);
	assert_true(should_kick(f));
}

static void a_whole_round_of_posts_is_not_taken_for_none(void **state)
{
	struct driver_ring_fixture *f = *state;

	ring_builder_start_driver(&f->builder, event_idx);
	for (unsigned int i = 0; i <= UINT16_MAX; i++) {
		driver_post(f, 1, i);
		ring_builder_use(&f->builder, 0, 0);
		assert_int_equal(driver_collect(f), VBALLOON_COLLECT_ONE);
	}
	assert_int_equal(ring_builder_avail_idx(&f->builder), 0);
	ring_builder_set_avail_event(&f->builder, UINT16_MAX);
	assert_true(should_kick(f));
}

static void interrupts_are_switched_by_the_flag(void **state)
{
	struct driver_ring_fixture *f = *state;

	assert_int_equal(ring_builder_avail_flags(&f->builder), 0);
	assert_false(interrupts(f, false));
	assert_int_equal(ring_builder_avail_flags(&f->builder), RAW_NO_INTERRUPT);
	assert_false(interrupts(f, true));
	assert_int_equal(ring_builder_avail_flags(&f->builder), 0);
}

static void interrupts_are_switched_by_the_event_index(void **state)
{
	struct driver_ring_fixture *f = *state;

	ring_builder_start_driver(&f->builder, event_idx);
	driver_post(f, 1, 1);
	ring_builder_use(&f->builder, 0, 0);
	assert_int_equal(driver_collect(f), VBALLOON_COLLECT_ONE);
	assert_false(interrupts(f, true));
	assert_int_equal(ring_builder_used_event(&f->builder), 1);
	assert_false(interrupts(f, false));
	assert_int_equal(ring_builder_used_event(&f->builder), 1 + 0x8000);
	assert_int_equal(ring_builder_avail_flags(&f->builder), 0);
}

static void a_chain_used_before_interrupts_were_on_is_told(void **state)
{
	struct driver_ring_fixture *f = *state;

	driver_post(f, 1, 1);
	interrupts(f, false);
	ring_builder_use(&f->builder, 0, 0);
	assert_true(interrupts(f, true));
}

static void a_start_forgets_what_was_outstanding(void **state)
{
	struct driver_ring_fixture *f = *state;

	assert_int_equal(post(f, 3, 1), 0);
	ring_builder_use(&f->builder, 0, 0);
	vballoon_driver_ring_start(&f->builder.driver);
	assert_int_equal(driver_collect(f), VBALLOON_COLLECT_NONE);
	assert_int_equal(f->builder.driver.free_count, SIZE);
	assert_int_equal(ring_builder_avail_idx(&f->builder), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, driver_setup, driver_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_chain_is_laid_out_in_the_descriptor_table),
		CASE(an_indirect_chain_is_laid_out_in_the_callers_table),
		CASE(a_used_chain_comes_back_with_its_token_and_length),
		CASE(chains_may_be_used_in_any_order),
		CASE(a_full_ring_takes_no_more),
		CASE(a_chain_that_came_back_makes_room_for_one_as_long),
		CASE(a_chain_of_no_buffers_is_refused),
		CASE(a_readable_buffer_after_a_writable_one_is_refused),
		CASE(an_empty_buffer_is_refused),
		CASE(more_buffers_than_the_queue_has_descriptors_are_refused),
		CASE(more_than_four_gibibytes_are_refused),
		CASE(a_kick_is_for_what_was_posted_since_the_last),
		CASE(a_device_that_wants_no_kick_gets_none),
		CASE(a_kick_comes_when_the_event_index_is_posted),
		CASE(a_kick_comes_when_a_batch_passes_the_event_index),
		CASE(a_whole_round_of_posts_is_not_taken_for_none),
		CASE(interrupts_are_switched_by_the_flag),
		CASE(interrupts_are_switched_by_the_event_index),
		CASE(a_chain_used_before_interrupts_were_on_is_told),
		CASE(a_start_forgets_what_was_outstanding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
