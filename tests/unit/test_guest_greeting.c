/* SPDX-License-Identifier: BSD-3-Clause */
/* How the portable driver and a device greet each other, and find that they count otherwise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "port_liar.h"

#define RUNS (UINT64_C(1) << VIRTIO_MEMORY_BALLOON_F_PAGE_RUNS)
#define MSG(name) VIRTIO_MEMORY_BALLOON_MSG_##name
#define REQ(name) VIRTIO_MEMORY_BALLOON_REQ_##name

static struct port_liar liar;

static int set_up(void **state)
{
	port_liar_init(&liar, RUNS, 12);
	*state = &liar;
	return 0;
}

static int tear_down(void **state)
{
	port_liar_destroy(*state);
	return 0;
}

/* Proves DRV-HELLO-1, DRV-HELLO-5, DRV-HELLO-9. */
static void hello_is_the_first_message(void **state)
{
	struct liar_message hello = port_liar_take(*state, MSG(HELLO));

	assert_int_equal(hello.flags, 0);
	assert_int_not_equal(hello.word, 0);
	assert_int_equal(hello.entries[1], 12);
	assert_int_equal(hello.writable_len, 8);
	assert_true(port_liar_is_idle(*state));
}

/* Proves DRV-HELLO-6. */
static void says_nothing_before_hello_is_answered(void **state)
{
	struct port_liar *l = *state;

	port_liar_take(l, MSG(HELLO));
	port_liar_request(l, REQ(RESIZE), 0, 100);
	port_liar_request(l, REQ(STATS), 1, 0);
	l->guest.now_ms += 3600000;
	port_guest_run(&l->guest);
	assert_true(port_liar_is_idle(l));
	port_liar_expect_running(l);
}

/* Proves DRV-BAD-10. */
static void a_short_answer_to_hello_is_a_failure(void **state)
{
	const uint32_t held = 0;

	port_liar_take(*state, MSG(HELLO));
	port_liar_answer(*state, &held, sizeof(held));
	port_liar_expect_failure(*state, VBALLOON_GUEST_HELLO_SHORT);
}

/* Proves DRV-HELLO-3, DRV-HELLO-7. */
static void starts_over_when_the_device_counts_otherwise(void **state)
{
	uint64_t held = 5, epoch = port_liar_take(*state, MSG(HELLO)).word;
	struct liar_message again;

	port_liar_answer(*state, &held, sizeof(held));
	again = port_liar_take(*state, MSG(HELLO));
	assert_int_equal(again.flags, VIRTIO_MEMORY_BALLOON_HELLO_START_OVER);
	assert_int_equal(again.word, epoch);
	held = 0;
	port_liar_answer(*state, &held, sizeof(held));
	port_liar_request(*state, REQ(RESIZE), 0, 1);
	port_liar_take(*state, MSG(ADD));
	port_liar_expect_running(*state);
}

/* The device has forgotten a hundred pages and is told to start over. */
static void forgotten(struct port_liar *l)
{
	const uint64_t held = 0;

	port_liar_fill(l, 100);
	port_liar_request(l, REQ(HELLO), 0, 0);
	port_liar_take(l, MSG(HELLO));
	port_liar_answer(l, &held, sizeof(held));
	assert_int_equal(port_liar_take(l, MSG(HELLO)).flags,
			 VIRTIO_MEMORY_BALLOON_HELLO_START_OVER);
}

/* Proves DRV-HELLO-8. */
static void what_may_not_be_added_again_yet_is_the_guests(void **state)
{
	struct port_liar *l = *state;
	const uint64_t held = 0;

	forgotten(l);
	vballoon_guest_pressure(l->guest.driver, 0, l->guest.now_ms);
	port_guest_run(&l->guest);
	assert_int_equal(l->guest.out_count, 100);
	port_liar_answer(l, &held, sizeof(held));
	assert_true(port_liar_is_idle(l));
	assert_int_equal(l->guest.causes[VBALLOON_GUEST_TAKEN_BACK], 100);
	assert_int_equal(l->guest.out_count, 0);
	port_liar_expect_running(l);
}

/* Proves DRV-HELLO-8. */
static void what_was_forgotten_is_had_back_at_once_without_memory(void **state)
{
	struct port_liar *l = *state;
	const uint64_t held = 0;

	forgotten(l);
	/* Until that is answered it may be the device's. */
	assert_false(vballoon_guest_oom(l->guest.driver, 10, l->guest.now_ms));
	assert_int_equal(l->guest.out_count, 100);
	assert_int_equal(
		vballoon_chain_write(&l->guest.memory.memory, &l->chains[1], &held, sizeof(held)),
		0);
	assert_int_equal(vballoon_device_ring_use(&l->rings[1], &l->chains[1]), 0);
	assert_false(vballoon_guest_oom(l->guest.driver, 10, l->guest.now_ms));
	assert_int_equal(port_guest_status(&l->guest).returned_pages, 100);
	assert_int_equal(l->guest.out_count, 0);
	port_liar_expect_running(l);
}

/* Proves DRV-BAD-11. */
static void a_device_that_does_not_start_over_is_a_failure(void **state)
{
	const uint64_t held = 5;

	port_liar_take(*state, MSG(HELLO));
	port_liar_answer(*state, &held, sizeof(held));
	port_liar_take(*state, MSG(HELLO));
	port_liar_answer(*state, &held, sizeof(held));
	port_liar_expect_failure(*state, VBALLOON_GUEST_HELLO_HELD);
}

/* Proves DRV-REQ-10. */
static void asked_for_hello_it_drains_first(void **state)
{
	const uint8_t verdicts[256] = { 0 };
	struct port_liar *l = *state;
	struct liar_message hello;
	uint64_t epoch = port_liar_take(l, MSG(HELLO)).word, held = 0;

	port_liar_answer(l, &held, sizeof(held));
	port_liar_request(l, REQ(RESIZE), 0, 1);
	port_liar_take(l, MSG(ADD));
	port_liar_request(l, REQ(HELLO), 0, 0);
	port_liar_request(l, REQ(STATS), 1, 0);
	port_liar_answer(l, verdicts, 1);
	hello = port_liar_take(l, MSG(HELLO));
	assert_int_equal(hello.word, epoch);
	assert_int_equal(hello.flags, 0);
	port_liar_answer(l, &held, sizeof(held));
	port_liar_take(l, MSG(STATS));
	port_liar_expect_running(l);
}

/* Proves DRV-HELLO-2, DRV-REQ-11. */
static void its_epoch_is_new_after_a_reset(void **state)
{
	struct port_liar *l = *state;
	uint64_t epoch = port_liar_take(l, MSG(HELLO)).word;

	port_liar_request(l, REQ(RESET), 0, 0);
	l->guest.now_ms += 1000;
	port_guest_run(&l->guest);
	assert_int_not_equal(port_liar_take(l, MSG(HELLO)).word, epoch);
}

static void a_greeting_that_was_not_written_is_no_count(void **state)
{
	const uint64_t held = 0;
	struct port_liar *l = *state;

	port_liar_take(l, MSG(HELLO));
	port_liar_answer(l, &held, sizeof(held));
	port_liar_request(l, REQ(HELLO), 0, 0);
	port_liar_take(l, MSG(HELLO));
	/* Of its answer only the length is told. */
	l->chains[1].written = 8;
	port_liar_answer(l, NULL, 0);
	assert_int_equal(port_liar_take(l, MSG(HELLO)).flags,
			 VIRTIO_MEMORY_BALLOON_HELLO_START_OVER);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(hello_is_the_first_message),
		TEST(says_nothing_before_hello_is_answered),
		TEST(a_short_answer_to_hello_is_a_failure),
		TEST(starts_over_when_the_device_counts_otherwise),
		TEST(what_may_not_be_added_again_yet_is_the_guests),
		TEST(what_was_forgotten_is_had_back_at_once_without_memory),
		TEST(a_device_that_does_not_start_over_is_a_failure),
		TEST(asked_for_hello_it_drains_first),
		TEST(its_epoch_is_new_after_a_reset),
		TEST(a_greeting_that_was_not_written_is_no_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
