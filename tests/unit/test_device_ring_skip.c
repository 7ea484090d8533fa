/* SPDX-License-Identifier: BSD-3-Clause */
/* A ring that a violation stopped: it stands still, and goes on after the chain is skipped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "device_ring_fixture.h"

#define SIZE FIXTURE_SIZE

/* Stop the ring at a chain whose only descriptor, @head, has no bytes. */
static void stop(struct device_ring_fixture *f, uint16_t head)
{
	fixture_start(f, false);
	fixture_desc(f, head, (struct raw_desc){ FIXTURE_BUFFER, 0, 0, 0 });
	ring_builder_avail(&f->builder, head);
	assert_int_equal(fixture_next(f), VBALLOON_RING_BROKEN);
}

static void a_stopped_ring_stays_at_its_chain(void **state)
{
	struct device_ring_fixture *f = *state;

	stop(f, 3);
	assert_int_equal(f->ring.next_avail, 0);
	assert_int_equal(fixture_next(f), VBALLOON_RING_BROKEN);
	assert_int_equal(f->violation, VBALLOON_DESC_EMPTY);
}

static void a_stopped_ring_is_not_looked_at_again(void **state)
{
	struct device_ring_fixture *f = *state;

	stop(f, 3);
	fixture_desc(f, 3, (struct raw_desc){ FIXTURE_BUFFER, 1, 0, 0 });
	assert_int_equal(fixture_next(f), VBALLOON_RING_BROKEN);
	assert_int_equal(f->violation, VBALLOON_DESC_EMPTY);
}

static void a_start_forgets_the_violation(void **state)
{
	struct device_ring_fixture *f = *state;

	stop(f, 3);
	fixture_desc(f, 3, (struct raw_desc){ FIXTURE_BUFFER, 1, 0, 0 });
	fixture_start(f, false);
	assert_int_equal(fixture_next(f), VBALLOON_RING_CHAIN);
}

static void a_chain_that_is_skipped_goes_back_with_nothing_written(void **state)
{
	struct device_ring_fixture *f = *state;

	stop(f, 3);
	vballoon_device_ring_skip(&f->ring);
	assert_int_equal(ring_builder_used_idx(&f->builder), 1);
	assert_int_equal(ring_builder_used_id(&f->builder, 0), 3);
	assert_int_equal(ring_builder_used_len(&f->builder, 0), 0);
}

static void the_chain_after_one_that_is_skipped_is_taken(void **state)
{
	struct device_ring_fixture *f = *state;

	stop(f, 3);
	fixture_offer(f, 5);
	vballoon_device_ring_skip(&f->ring);
	assert_int_equal(fixture_next(f), VBALLOON_RING_CHAIN);
	assert_int_equal(f->chain.head, 5);
	assert_int_equal(fixture_next(f), VBALLOON_RING_EMPTY);
}

static void a_head_out_of_range_is_skipped_without_a_used_buffer(void **state)
{
	struct device_ring_fixture *f = *state;

	fixture_start(f, false);
	ring_builder_avail(&f->builder, SIZE);
	assert_int_equal(fixture_next(f), VBALLOON_RING_BROKEN);
	vballoon_device_ring_skip(&f->ring);
	assert_int_equal(ring_builder_used_idx(&f->builder), 0);
	fixture_offer(f, 1);
	assert_int_equal(fixture_next(f), VBALLOON_RING_CHAIN);
	assert_int_equal(f->chain.head, 1);
}

static void a_head_out_of_range_after_a_skipped_chain_is_not_used_either(void **state)
{
	struct device_ring_fixture *f = *state;

	stop(f, 3);
	ring_builder_avail(&f->builder, SIZE);
	vballoon_device_ring_skip(&f->ring);
	assert_int_equal(fixture_next(f), VBALLOON_RING_BROKEN);
	assert_int_equal(f->violation, VBALLOON_HEAD_OUT_OF_RANGE);
	vballoon_device_ring_skip(&f->ring);
	assert_int_equal(ring_builder_used_idx(&f->builder), 1);
}

static void after_an_index_jump_all_are_skipped(void **state)
{
	struct device_ring_fixture *f = *state;

	fixture_start(f, false);
	ring_builder_set_avail_idx(&f->builder, 100);
	assert_int_equal(fixture_next(f), VBALLOON_RING_BROKEN);
	vballoon_device_ring_skip(&f->ring);
	assert_int_equal(fixture_next(f), VBALLOON_RING_EMPTY);
	assert_int_equal(f->ring.next_avail, 100);
}

static void after_an_index_jump_the_driver_is_to_kick_for_what_comes_next(void **state)
{
	struct device_ring_fixture *f = *state;

	fixture_start(f, true);
	assert_int_equal(fixture_next(f), VBALLOON_RING_EMPTY);
	ring_builder_set_avail_idx(&f->builder, 100);
	assert_int_equal(fixture_next(f), VBALLOON_RING_BROKEN);
	vballoon_device_ring_skip(&f->ring);
	assert_int_equal(fixture_next(f), VBALLOON_RING_EMPTY);
	assert_int_equal(ring_builder_avail_event(&f->builder), 100);
}

static int fail_all(void *context, struct vballoon_gpa gpa, size_t len)
{
	(void)context;
	(void)gpa;
	(void)len;
	return -1;
}

static const struct vballoon_memory_hooks failing = { .before_read = fail_all };

static void a_ring_that_could_not_be_read_is_tried_again_after_a_skip(void **state)
{
	struct device_ring_fixture *f = *state;

	fixture_start(f, false);
	fixture_offer(f, 2);
	fixture_hook(f, &failing);
	assert_int_equal(fixture_next(f), VBALLOON_RING_BROKEN);
	fixture_hook(f, NULL);
	vballoon_device_ring_skip(&f->ring);
	assert_int_equal(fixture_next(f), VBALLOON_RING_CHAIN);
	assert_int_equal(f->chain.head, 2);
}

static void a_ring_that_was_not_stopped_skips_nothing(void **state)
{
	struct device_ring_fixture *f = *state;

	fixture_start(f, false);
	fixture_offer(f, 2);
	vballoon_device_ring_skip(&f->ring);
	assert_int_equal(ring_builder_used_idx(&f->builder), 0);
	assert_int_equal(fixture_next(f), VBALLOON_RING_CHAIN);
	assert_int_equal(f->chain.head, 2);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_stopped_ring_stays_at_its_chain),
		CASE(a_stopped_ring_is_not_looked_at_again),
		CASE(a_start_forgets_the_violation),
		CASE(a_chain_that_is_skipped_goes_back_with_nothing_written),
		CASE(the_chain_after_one_that_is_skipped_is_taken),
		CASE(a_head_out_of_range_is_skipped_without_a_used_buffer),
		CASE(a_head_out_of_range_after_a_skipped_chain_is_not_used_either),
		CASE(after_an_index_jump_all_are_skipped),
		CASE(after_an_index_jump_the_driver_is_to_kick_for_what_comes_next),
		CASE(a_ring_that_could_not_be_read_is_tried_again_after_a_skip),
		CASE(a_ring_that_was_not_stopped_skips_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
