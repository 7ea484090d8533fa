/* SPDX-License-Identifier: BSD-3-Clause */
/* Kicks and interrupts: who asks for them when, on the device's side. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "device_ring_fixture.h"

/* Take one chain of one buffer and give it back. */
static void serve(struct device_ring_fixture *f)
{
	assert_int_equal(fixture_next(f), VBALLOON_RING_CHAIN);
	assert_int_equal(vballoon_device_ring_use(&f->ring, &f->chain), 0);
}

static void the_driver_need_not_kick_while_chains_come(void **state)
{
	struct device_ring_fixture *f = *state;

	fixture_start(f, false);
	fixture_offer(f, 0);
	serve(f);
	assert_int_equal(ring_builder_used_flags(&f->builder), RAW_NO_NOTIFY);
	assert_int_equal(fixture_next(f), VBALLOON_RING_EMPTY);
	assert_int_equal(ring_builder_used_flags(&f->builder), 0);
}

static void an_empty_ring_asks_for_a_kick_at_the_next_chain(void **state)
{
	struct device_ring_fixture *f = *state;

	fixture_start(f, true);
	fixture_offer(f, 0);
	fixture_offer(f, 1);
	serve(f);
	serve(f);
	assert_int_equal(ring_builder_avail_event(&f->builder), 0);
	assert_int_equal(fixture_next(f), VBALLOON_RING_EMPTY);
	assert_int_equal(ring_builder_avail_event(&f->builder), 2);
}

static void with_event_indices_the_flags_stay_clear(void **state)
{
	struct device_ring_fixture *f = *state;

	fixture_start(f, true);
	assert_int_equal(fixture_next(f), VBALLOON_RING_EMPTY);
	fixture_offer(f, 0);
	serve(f);
	assert_int_equal(ring_builder_used_flags(&f->builder), 0);
}

static void a_start_clears_the_flags_that_an_earlier_device_left(void **state)
{
	struct device_ring_fixture *f = *state;

	ring_builder_set_used_flags(&f->builder, RAW_NO_NOTIFY);
	fixture_start(f, true);
	assert_int_equal(ring_builder_used_flags(&f->builder), 0);
}

/* A driver that makes a chain available just when the device asks for kicks, too
 * early to see it. */
static void offer_late(void *context, struct vballoon_gpa gpa, size_t len)
{
	struct device_ring_fixture *f = context;

	(void)gpa;
	(void)len;
	f->guest.memory.hooks = NULL;
	fixture_offer(f, 3);
}

static const struct vballoon_memory_hooks late_driver = { .after_write = offer_late };

static void a_chain_that_comes_while_kicks_are_enabled_by_flag_is_taken(void **state)
{
	struct device_ring_fixture *f = *state;

	fixture_start(f, false);
	fixture_offer(f, 0);
	serve(f);
	fixture_hook(f, &late_driver);
	assert_int_equal(fixture_next(f), VBALLOON_RING_CHAIN);
	assert_int_equal(f->chain.head, 3);
}

static void a_chain_that_comes_while_kicks_are_enabled_by_index_is_taken(void **state)
{
	struct device_ring_fixture *f = *state;

	fixture_start(f, true);
	fixture_hook(f, &late_driver);
	assert_int_equal(fixture_next(f), VBALLOON_RING_CHAIN);
	assert_int_equal(f->chain.head, 3);
}

static void no_write_is_expected(void *context, struct vballoon_gpa gpa, size_t len)
{
	(void)context;
	fail_msg("%zu bytes written at %llx", len, (unsigned long long)gpa.value);
}

static const struct vballoon_memory_hooks no_writes = { .after_write = no_write_is_expected };

static void looking_at_an_empty_ring_again_writes_nothing(void **state)
{
	struct device_ring_fixture *f = *state;

	fixture_start(f, true);
	assert_int_equal(fixture_next(f), VBALLOON_RING_EMPTY);
	fixture_hook(f, &no_writes);
	assert_int_equal(fixture_next(f), VBALLOON_RING_EMPTY);
}

static int no_read_is_expected(void *context, struct vballoon_gpa gpa, size_t len)
{
	(void)context;
	fail_msg("%zu bytes read at %llx", len, (unsigned long long)gpa.value);
	return 0;
}

static const struct vballoon_memory_hooks no_access = {
	.before_read = no_read_is_expected,
	.after_write = no_write_is_expected,
};

static void a_ring_that_does_not_run_is_not_touched(void **state)
{
	struct device_ring_fixture *f = *state;

	fixture_start(f, false);
	fixture_offer(f, 0);
	f->ring.running = false;
	fixture_hook(f, &no_access);
	assert_int_equal(fixture_next(f), VBALLOON_RING_EMPTY);
	assert_int_equal(f->violation, VBALLOON_OK);
}

static bool should_notify(struct device_ring_fixture *f)
{
	return vballoon_device_ring_should_notify(&f->ring);
}

static void the_first_answer_after_a_start_is_an_interrupt(void **state)
{
	struct device_ring_fixture *f = *state;

	fixture_start(f, true);
	assert_true(should_notify(f));
	assert_false(should_notify(f));
}

static void an_interrupt_is_for_what_was_used_since_the_last(void **state)
{
	struct device_ring_fixture *f = *state;

	fixture_start(f, false);
	should_notify(f);
	fixture_offer(f, 0);
	serve(f);
	assert_true(should_notify(f));
	assert_false(should_notify(f));
}

static void a_driver_that_wants_no_interrupt_gets_none(void **state)
{
	struct device_ring_fixture *f = *state;

	fixture_start(f, false);
	should_notify(f);
	ring_builder_set_avail_flags(&f->builder, RAW_NO_INTERRUPT);
	fixture_offer(f, 0);
	serve(f);
	assert_false(should_notify(f));
}

static void an_interrupt_comes_when_the_event_index_is_used(void **state)
{
	struct device_ring_fixture *f = *state;

	fixture_start(f, true);
	should_notify(f);
	ring_builder_set_used_event(&f->builder, 1);
	fixture_offer(f, 0);
	fixture_offer(f, 1);
	serve(f);
	assert_false(should_notify(f));
	serve(f);
	assert_true(should_notify(f));
}

static void the_flag_is_ignored_when_there_is_an_event_index(void **state)
{
	struct device_ring_fixture *f = *state;

	fixture_start(f, true);
	should_notify(f);
	ring_builder_set_avail_flags(&f->builder, RAW_NO_INTERRUPT);
	fixture_offer(f, 0);
	serve(f);
	assert_true(should_notify(f));
}

static void an_event_index_is_passed_across_the_wrap(void **state)
{
	struct device_ring_fixture *f = *state;

	f->builder.queue.next = UINT16_MAX;
	ring_builder_set_avail_idx(&f->builder, UINT16_MAX);
	ring_builder_set_used_idx(&f->builder, UINT16_MAX);
	fixture_start(f, true);
	should_notify(f);
	ring_builder_set_used_event(&f->builder, 0);
	fixture_offer(f, 0);
	fixture_offer(f, 1);
	serve(f);
	assert_false(should_notify(f));
	serve(f);
	assert_true(should_notify(f));
}

static void a_whole_round_of_used_chains_is_not_taken_for_none(void **state)
{
	struct device_ring_fixture *f = *state;

	fixture_start(f, true);
	should_notify(f);
	for (unsigned int i = 0; i <= UINT16_MAX; i++) {
		fixture_offer(f, 0);
		serve(f);
	}
	assert_int_equal(ring_builder_used_idx(&f->builder), 0);
	assert_true(should_notify(f));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(the_driver_need_not_kick_while_chains_come),
		CASE(an_empty_ring_asks_for_a_kick_at_the_next_chain),
		CASE(with_event_indices_the_flags_stay_clear),
		CASE(a_start_clears_the_flags_that_an_earlier_device_left),
		CASE(a_chain_that_comes_while_kicks_are_enabled_by_flag_is_taken),
		CASE(a_chain_that_comes_while_kicks_are_enabled_by_index_is_taken),
		CASE(looking_at_an_empty_ring_again_writes_nothing),
		CASE(a_ring_that_does_not_run_is_not_touched),
		CASE(the_first_answer_after_a_start_is_an_interrupt),
		CASE(an_interrupt_is_for_what_was_used_since_the_last),
		CASE(a_driver_that_wants_no_interrupt_gets_none),
		CASE(an_interrupt_comes_when_the_event_index_is_used),
		CASE(the_flag_is_ignored_when_there_is_an_event_index),
		CASE(an_event_index_is_passed_across_the_wrap),
		CASE(a_whole_round_of_used_chains_is_not_taken_for_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
