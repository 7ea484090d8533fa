/* SPDX-License-Identifier: BSD-3-Clause */
/* Kicks and interrupts of a packed ring: who asks for them when, on either side. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "packed_builder.h"

#define SIZE PACKED_SIZE
#define DRIVER PACKED_DRIVER_EVENT
#define DEVICE PACKED_DEVICE_EVENT
#define BUFFER PACKED_BUFFER

/* Take one chain and give it back. */
static void serve(struct packed_fixture *f)
{
	assert_int_equal(packed_next(f), VBALLOON_RING_CHAIN);
	assert_int_equal(vballoon_device_ring_use(&f->device, &f->chain), 0);
}

static bool should_notify(struct packed_fixture *f)
{
	return vballoon_device_ring_should_notify(&f->device);
}

/* Start the device's ring, and have the interrupt that follows a start behind us. */
static void start(struct packed_fixture *f, bool event_idx)
{
	packed_start(f, event_idx);
	assert_true(should_notify(f));
}

static void the_driver_need_not_kick_while_chains_come(void **state)
{
	struct packed_fixture *f = *state;

	start(f, false);
	packed_offer(f, 1, 0, 0);
	serve(f);
	assert_int_equal(packed_event_flags(f, DEVICE), RAW_DISABLE);
	assert_int_equal(packed_next(f), VBALLOON_RING_EMPTY);
	assert_int_equal(packed_event_flags(f, DEVICE), RAW_ENABLE);
}

static void an_empty_ring_asks_for_a_kick_at_the_next_place(void **state)
{
	struct packed_fixture *f = *state;

	start(f, true);
	packed_offer(f, 1, 0, 0);
	serve(f);
	assert_int_equal(packed_event_flags(f, DEVICE), RAW_ENABLE);
	assert_int_equal(packed_next(f), VBALLOON_RING_EMPTY);
	assert_int_equal(packed_event_flags(f, DEVICE), RAW_DESC);
	assert_int_equal(packed_event_place(f, DEVICE), PLACE(1, 1));
}

static void a_kick_is_asked_for_in_the_next_round_too(void **state)
{
	struct packed_fixture *f = *state;

	start(f, true);
	for (uint16_t i = 0; i < SIZE; i++) {
		packed_offer(f, 1, i, i);
		serve(f);
	}
	assert_int_equal(packed_next(f), VBALLOON_RING_EMPTY);
	assert_int_equal(packed_event_place(f, DEVICE), PLACE(0, 0));
}

static void a_start_enables_kicks_that_an_earlier_device_disabled(void **state)
{
	struct packed_fixture *f = *state;

	packed_set_event(f, DEVICE, 0, RAW_DISABLE);
	packed_start(f, true);
	assert_int_equal(packed_event_flags(f, DEVICE), RAW_ENABLE);
}

/* A driver that makes a chain available just when the device asks for kicks, too early to see it. */
static void offer_late(void *context, struct vballoon_gpa gpa, size_t len)
{
	struct packed_fixture *f = context;

	(void)gpa;
	(void)len;
	f->guest.memory.hooks = NULL;
	packed_offer(f, 1, f->device.next_avail & 7, 5);
}

static const struct vballoon_memory_hooks late_driver = { .after_write = offer_late };

static void a_chain_that_comes_while_kicks_are_enabled_is_taken(void **state)
{
	struct packed_fixture *f = *state;

	start(f, false);
	packed_offer(f, 1, 0, 0);
	serve(f);
	packed_hook(f, &late_driver);
	assert_int_equal(packed_next(f), VBALLOON_RING_CHAIN);
	assert_int_equal(f->chain.head, 5);
}

static void a_chain_that_comes_while_a_place_is_told_is_taken(void **state)
{
	struct packed_fixture *f = *state;

	start(f, true);
	packed_hook(f, &late_driver);
	assert_int_equal(packed_next(f), VBALLOON_RING_CHAIN);
	assert_int_equal(f->chain.head, 5);
}

/* What was written where, in order. */
static uint64_t written[4];
static unsigned int writes;

static void note_write(void *context, struct vballoon_gpa gpa, size_t len)
{
	(void)context;
	(void)len;
	assert_true(writes < 4);
	written[writes++] = gpa.value;
}

static const struct vballoon_memory_hooks noting = { .after_write = note_write };

static void a_place_is_written_before_the_flags_that_speak_of_it(void **state)
{
	struct packed_fixture *f = *state;

	start(f, true);
	writes = 0;
	packed_hook(f, &noting);
	assert_int_equal(packed_next(f), VBALLOON_RING_EMPTY);
	assert_int_equal(writes, 2);
	assert_int_equal(written[0], DEVICE);
	assert_int_equal(written[1], DEVICE + 2);
	assert_int_equal(packed_next(f), VBALLOON_RING_EMPTY);
	assert_int_equal(writes, 2); /* looking again writes nothing */
}

/* A process that died in between would leave the length of what was used in a descriptor that
 * is still available. */
static void a_used_descriptor_is_written_at_once(void **state)
{
	struct packed_fixture *f = *state;

	start(f, true);
	packed_offer(f, 1, 0, 0);
	assert_int_equal(packed_next(f), VBALLOON_RING_CHAIN);
	writes = 0;
	packed_hook(f, &noting);
	assert_int_equal(vballoon_device_ring_use(&f->device, &f->chain), 0);
	assert_int_equal(writes, 1);
	assert_int_equal(written[0], PACKED_RING + 8);
}

static void an_interrupt_is_for_what_was_used_since_the_last(void **state)
{
	struct packed_fixture *f = *state;

	start(f, false);
	assert_false(should_notify(f));
	packed_offer(f, 1, 0, 0);
	serve(f);
	assert_true(should_notify(f));
	assert_false(should_notify(f));
}

static void a_driver_that_wants_no_interrupt_gets_none(void **state)
{
	struct packed_fixture *f = *state;

	start(f, true);
	packed_set_event(f, DRIVER, PLACE(1, 0), RAW_DISABLE);
	packed_offer(f, 1, 0, 0);
	serve(f);
	assert_false(should_notify(f));
}

static void a_driver_that_wants_them_all_gets_one(void **state)
{
	struct packed_fixture *f = *state;

	start(f, true);
	packed_set_event(f, DRIVER, PLACE(1, 5), RAW_ENABLE);
	packed_offer(f, 1, 0, 0);
	serve(f);
	assert_true(should_notify(f));
}

static void an_interrupt_comes_when_the_place_is_used(void **state)
{
	struct packed_fixture *f = *state;

	start(f, true);
	packed_set_event(f, DRIVER, PLACE(1, 1), RAW_DESC);
	for (uint16_t i = 0; i < 3; i++)
		packed_offer(f, 1, i, i);
	serve(f);
	assert_false(should_notify(f));
	serve(f);
	assert_true(should_notify(f));
	serve(f);
	assert_false(should_notify(f));
}

static void a_place_within_a_chain_is_passed_with_the_chain(void **state)
{
	struct packed_fixture *f = *state;

	start(f, true);
	packed_set_event(f, DRIVER, PLACE(1, 2), RAW_DESC);
	for (uint16_t i = 0; i < 3; i++) {
		uint16_t flags = (uint16_t)(AVAILABLE(1) | (i < 2 ? RAW_NEXT : 0));

		packed_desc(f, i, (struct raw_packed){ BUFFER, 1, 0, flags });
	}
	serve(f);
	assert_true(should_notify(f));
}

static void a_place_of_another_round_is_not_passed_before_its_time(void **state)
{
	struct packed_fixture *f = *state;

	start(f, true);
	packed_set_event(f, DRIVER, PLACE(0, 1), RAW_DESC);
	for (unsigned int i = 0; i < SIZE + 2; i++) {
		uint16_t index = i % SIZE;

		packed_offer(f, i < SIZE, index, index);
		serve(f);
		assert_int_equal(should_notify(f), i == SIZE + 1);
	}
}

static void a_place_that_is_a_lie_asks_for_nothing(void **state)
{
	struct packed_fixture *f = *state;

	start(f, true);
	packed_set_event(f, DRIVER, PLACE(1, 0x7fff), RAW_DESC);
	packed_offer(f, 1, 0, 0);
	serve(f);
	assert_false(should_notify(f));
}

static void without_event_indices_a_place_means_all(void **state)
{
	struct packed_fixture *f = *state;

	start(f, false);
	packed_set_event(f, DRIVER, PLACE(1, 5), RAW_DESC);
	packed_offer(f, 1, 0, 0);
	serve(f);
	assert_true(should_notify(f));
}

static const struct vballoon_ring_features flags_only = { 0 };
static const struct vballoon_ring_features event_idx = { .event_idx = true };

static bool should_kick(struct packed_fixture *f)
{
	return vballoon_driver_ring_should_kick(&f->driver);
}

static void a_kick_is_for_what_was_posted_since_the_last(void **state)
{
	struct packed_fixture *f = *state;

	packed_start_driver(f, flags_only);
	assert_false(should_kick(f));
	packed_post(f, 1, 1);
	assert_true(should_kick(f));
	assert_false(should_kick(f));
}

static void a_device_that_wants_no_kick_gets_none(void **state)
{
	struct packed_fixture *f = *state;

	packed_start_driver(f, event_idx);
	packed_set_event(f, DEVICE, PLACE(1, 0), RAW_DISABLE);
	packed_post(f, 1, 1);
	assert_false(should_kick(f));
}

static void a_kick_comes_when_the_place_is_posted(void **state)
{
	struct packed_fixture *f = *state;

	packed_start_driver(f, event_idx);
	packed_set_event(f, DEVICE, PLACE(1, 1), RAW_DESC);
	packed_post(f, 1, 1);
	assert_false(should_kick(f));
	packed_post(f, 1, 2);
	assert_true(should_kick(f));
	packed_post(f, 1, 3);
	assert_false(should_kick(f));
}

static void a_kick_comes_when_a_batch_passes_the_place(void **state)
{
	struct packed_fixture *f = *state;

	packed_start_driver(f, event_idx);
	packed_set_event(f, DEVICE, PLACE(1, 3), RAW_DESC);
	for (uint64_t token = 0; token < SIZE; token++)
		packed_post(f, 1, token);
	assert_true(should_kick(f));
}

static void without_event_indices_a_device_that_names_a_place_is_kicked(void **state)
{
	struct packed_fixture *f = *state;

	packed_start_driver(f, flags_only);
	packed_set_event(f, DEVICE, PLACE(1, 5), RAW_DESC);
	packed_post(f, 1, 1);
	assert_true(should_kick(f));
}

static bool interrupts(struct packed_fixture *f, bool on)
{
	return vballoon_driver_ring_interrupts(&f->driver, on);
}

static void interrupts_are_switched_by_the_flags(void **state)
{
	struct packed_fixture *f = *state;

	packed_start_driver(f, flags_only);
	assert_int_equal(packed_event_flags(f, DRIVER), RAW_ENABLE);
	assert_false(interrupts(f, false));
	assert_int_equal(packed_event_flags(f, DRIVER), RAW_DISABLE);
	assert_false(interrupts(f, true));
	assert_int_equal(packed_event_flags(f, DRIVER), RAW_ENABLE);
}

static void interrupts_are_asked_for_at_the_place_to_be_used_next(void **state)
{
	struct packed_fixture *f = *state;

	packed_start_driver(f, event_idx);
	packed_post(f, 1, 1);
	packed_use(f, 1, 0, 0, 0);
	assert_int_equal(packed_collect(f), VBALLOON_COLLECT_ONE);
	assert_false(interrupts(f, true));
	assert_int_equal(packed_event_place(f, DRIVER), PLACE(1, 1));
	assert_int_equal(packed_event_flags(f, DRIVER), RAW_DESC);
	assert_false(interrupts(f, false));
	assert_int_equal(packed_event_flags(f, DRIVER), RAW_DISABLE);
}

static void a_chain_used_before_interrupts_were_on_is_told(void **state)
{
	struct packed_fixture *f = *state;

	packed_start_driver(f, event_idx);
	packed_post(f, 1, 1);
	interrupts(f, false);
	packed_use(f, 1, 0, 0, 0);
	assert_true(interrupts(f, true));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, packed_setup, packed_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(the_driver_need_not_kick_while_chains_come),
		CASE(an_empty_ring_asks_for_a_kick_at_the_next_place),
		CASE(a_kick_is_asked_for_in_the_next_round_too),
		CASE(a_start_enables_kicks_that_an_earlier_device_disabled),
		CASE(a_chain_that_comes_while_kicks_are_enabled_is_taken),
		CASE(a_chain_that_comes_while_a_place_is_told_is_taken),
		CASE(a_place_is_written_before_the_flags_that_speak_of_it),
		CASE(a_used_descriptor_is_written_at_once),
		CASE(an_interrupt_is_for_what_was_used_since_the_last),
		CASE(a_driver_that_wants_no_interrupt_gets_none),
		CASE(a_driver_that_wants_them_all_gets_one),
		CASE(an_interrupt_comes_when_the_place_is_used),
		CASE(a_place_within_a_chain_is_passed_with_the_chain),
		CASE(a_place_of_another_round_is_not_passed_before_its_time),
		CASE(a_place_that_is_a_lie_asks_for_nothing),
		CASE(without_event_indices_a_place_means_all),
		CASE(a_kick_is_for_what_was_posted_since_the_last),
		CASE(a_device_that_wants_no_kick_gets_none),
		CASE(a_kick_comes_when_the_place_is_posted),
		CASE(a_kick_comes_when_a_batch_passes_the_place),
		CASE(without_event_indices_a_device_that_names_a_place_is_kicked),
		CASE(interrupts_are_switched_by_the_flags),
		CASE(interrupts_are_asked_for_at_the_place_to_be_used_next),
		CASE(a_chain_used_before_interrupts_were_on_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
