/* SPDX-License-Identifier: BSD-3-Clause */
/* The portable driver of the traditional balloon: its work, message by message. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/le.h"
#include "trad_liar.h"

#define INFLATE VIRTIO_BALLOON_VQ_INFLATE
#define DEFLATE VIRTIO_BALLOON_VQ_DEFLATE
#define RING_PACKED (UINT64_C(1) << 34)
#define IN_ORDER (UINT64_C(1) << 35)
#define EVENT_IDX (UINT64_C(1) << 29)

static struct trad_liar liar;

static int set_up(void **state)
{
	trad_liar_init(&liar, 0);
	*state = &liar;
	return 0;
}

static int set_up_packed(void **state)
{
	trad_liar_init(&liar, RING_PACKED | IN_ORDER | EVENT_IDX);
	*state = &liar;
	return 0;
}

static int set_up_oom(void **state)
{
	trad_liar_init(&liar, TRAD_BIT(DEFLATE_ON_OOM) | TRAD_BIT(MUST_TELL_HOST));
	*state = &liar;
	trad_liar_fill(&liar, 100);
	return 0;
}

static int set_up_units(void **state)
{
	trad_liar_prepare(&liar, 0, 16);
	trad_liar_start(&liar);
	*state = &liar;
	return 0;
}

static int tear_down(void **state)
{
	trad_liar_destroy(*state);
	return 0;
}

static void want(struct trad_liar *l, uint32_t pages)
{
	trad_guest_want(&l->guest, pages);
	trad_guest_run(&l->guest);
}

static void pass(struct trad_liar *l, uint64_t ms)
{
	l->guest.port.now_ms += ms;
	trad_guest_run(&l->guest);
}

/* Each page of @message is out of the guest's hands, and named once. */
static void expect_out(struct trad_liar *l, const struct trad_message *message)
{
	for (unsigned int i = 0; i < message->count; i++) {
		assert_true(port_guest_is_out(&l->guest.port, (uint64_t)message->pfns[i] << 12));
		for (unsigned int j = 0; j < i; j++)
			assert_int_not_equal(message->pfns[i], message->pfns[j]);
	}
}

static void names_pages_to_inflate_and_waits_for_the_answer(void **state)
{
	struct trad_liar *l = *state;
	struct trad_message message;

	want(l, 100);
	message = trad_liar_take(l, INFLATE);
	assert_int_equal(message.count, 100);
	assert_int_equal(message.readable_len, 400);
	assert_int_equal(message.writable_len, 0);
	expect_out(l, &message);
	assert_true(trad_liar_is_idle(l, DEFLATE));
	assert_int_equal(l->kicks[INFLATE], 1);
	assert_int_equal(trad_guest_status(&l->guest).held_pages, 0);
	assert_int_equal(l->guest.actual_writes, 1); /* of 0, when it began */
	assert_int_equal(l->guest.actual, 0);
	trad_liar_answer(l, INFLATE);
	assert_int_equal(trad_guest_status(&l->guest).held_pages, 100);
	assert_int_equal(l->guest.actual, 100);
	assert_int_equal(l->guest.port.wait_ms, VBALLOON_GUEST_FOREVER);
	port_guest_check(&l->guest.port);
}

static void has_several_messages_in_flight_and_none_too_long(void **state)
{
	struct trad_liar *l = *state;

	want(l, 700);
	assert_int_equal(trad_liar_take(l, INFLATE).count, 512);
	assert_int_equal(trad_liar_take(l, INFLATE).count, 188);
	assert_true(trad_liar_is_idle(l, INFLATE));
}

static void a_guest_without_memory_is_asked_again_after_a_second(void **state)
{
	struct trad_liar *l = *state;

	l->guest.port.spare = 10;
	want(l, 30);
	assert_int_equal(trad_liar_take(l, INFLATE).count, 10);
	assert_int_equal(l->guest.port.wait_ms, 1000);
	trad_liar_answer(l, INFLATE);
	l->guest.port.spare = 100;
	pass(l, 999);
	assert_true(trad_liar_is_idle(l, INFLATE));
	pass(l, 1);
	assert_int_equal(trad_liar_take(l, INFLATE).count, 20);
}

static void tells_the_device_before_pages_are_used(void **state)
{
	struct trad_liar *l = *state;
	struct trad_message message;

	trad_liar_fill(l, 100);
	want(l, 40);
	message = trad_liar_take(l, DEFLATE);
	assert_int_equal(message.count, 60);
	assert_int_equal(message.writable_len, 0);
	expect_out(l, &message);
	assert_int_equal(l->guest.port.out_count, 100);
	trad_liar_answer(l, DEFLATE);
	assert_int_equal(l->guest.port.out_count, 40);
	assert_int_equal(l->guest.port.causes[VBALLOON_GUEST_HANDED_BACK], 60);
	assert_int_equal(l->guest.actual, 40);
	assert_int_equal(trad_guest_status(&l->guest).returned_pages, 60);
	assert_true(trad_liar_is_idle(l, DEFLATE));
	assert_true(trad_liar_is_idle(l, INFLATE));
}

static void deflates_in_one_message_at_a_time(void **state)
{
	struct trad_liar *l = *state;

	trad_liar_fill(l, 768);
	want(l, 0);
	assert_int_equal(trad_liar_take(l, DEFLATE).count, 512);
	assert_true(trad_liar_is_idle(l, DEFLATE));
	trad_liar_answer(l, DEFLATE);
	assert_int_equal(trad_liar_take(l, DEFLATE).count, 256);
	trad_liar_answer(l, DEFLATE);
	assert_int_equal(l->guest.port.out_count, 0);
	assert_int_equal(l->guest.actual, 0);
}

/* What an inflate in flight names could not be told of before it is answered. */
static void a_target_that_changes_its_mind_waits_for_what_is_in_flight(void **state)
{
	struct trad_liar *l = *state;

	want(l, 100);
	trad_liar_take(l, INFLATE);
	want(l, 0);
	assert_true(trad_liar_is_idle(l, DEFLATE));
	assert_int_equal(l->guest.port.wait_ms, VBALLOON_GUEST_FOREVER);
	trad_liar_answer(l, INFLATE);
	assert_int_equal(trad_liar_take(l, DEFLATE).count, 100);
}

static void a_unit_is_named_by_all_its_pages(void **state)
{
	struct trad_liar *l = *state;
	struct trad_message message;

	want(l, 40);
	message = trad_liar_take(l, INFLATE);
	assert_int_equal(message.count, 32);
	for (unsigned int i = 0; i < 32; i++)
		assert_int_equal(message.pfns[i], (PORT_LOW >> 12) + i);
	trad_liar_answer(l, INFLATE);
	/* Half a unit is never moved, nor asked for again and again. */
	assert_int_equal(l->guest.port.wait_ms, VBALLOON_GUEST_FOREVER);
	want(l, 20);
	assert_true(trad_liar_is_idle(l, DEFLATE));
	want(l, 15);
	assert_int_equal(trad_liar_take(l, DEFLATE).count, 16);
	trad_liar_answer(l, DEFLATE);
	assert_true(trad_liar_is_idle(l, DEFLATE));
	assert_true(trad_liar_is_idle(l, INFLATE));
	assert_int_equal(l->guest.actual, 16);
}

/* The guest has no page, then the balloon has none. */
static void a_message_of_no_page_is_not_sent(void **state)
{
	struct trad_liar *l = *state;

	l->guest.port.spare = 0;
	want(l, 130);
	assert_true(trad_liar_is_idle(l, INFLATE));
	want(l, 0);
	assert_int_equal(trad_liar_take(l, DEFLATE).count, 100);
	trad_liar_answer(l, DEFLATE);
	vballoon_traditional_guest_pressure(l->guest.driver, 10, l->guest.port.now_ms);
	trad_guest_run(&l->guest);
	assert_true(trad_liar_is_idle(l, DEFLATE));
	assert_false(vballoon_traditional_guest_oom(l->guest.driver, 10, l->guest.port.now_ms));
	assert_true(trad_liar_is_idle(l, DEFLATE));
	assert_true(trad_liar_is_idle(l, INFLATE));
	assert_int_equal(trad_guest_status(&l->guest).failure, VBALLOON_GUEST_OK);
}

static void pressure_needs_the_leave_of_the_device(void **state)
{
	struct trad_liar *l = *state;

	trad_liar_fill(l, 100);
	vballoon_traditional_guest_pressure(l->guest.driver, 10, l->guest.port.now_ms);
	trad_guest_run(&l->guest);
	assert_true(trad_liar_is_idle(l, DEFLATE));
	assert_false(vballoon_traditional_guest_oom(l->guest.driver, 10, l->guest.port.now_ms));
	assert_true(trad_liar_is_idle(l, DEFLATE));
}

/* Which it has for what it does not want any more. */
static void and_no_more_comes_back_than_the_device_leaves(void **state)
{
	struct trad_liar *l = *state;

	trad_liar_fill(l, 100);
	trad_guest_want(&l->guest, 90);
	vballoon_traditional_guest_pressure(l->guest.driver, 50, l->guest.port.now_ms);
	trad_guest_run(&l->guest);
	assert_int_equal(trad_liar_take(l, DEFLATE).count, 10);
	trad_liar_answer(l, DEFLATE);
	assert_true(trad_liar_is_idle(l, DEFLATE));
	assert_int_equal(l->guest.actual, 90);
}

static void under_pressure_pages_come_back_and_stay_for_ten_seconds(void **state)
{
	struct trad_liar *l = *state;

	vballoon_traditional_guest_pressure(l->guest.driver, 10, l->guest.port.now_ms);
	trad_guest_run(&l->guest);
	assert_int_equal(trad_liar_take(l, DEFLATE).count, 10);
	trad_liar_answer(l, DEFLATE);
	assert_int_equal(l->guest.actual, 90);
	pass(l, 9999);
	assert_true(trad_liar_is_idle(l, INFLATE));
	pass(l, 1);
	assert_int_equal(trad_liar_take(l, INFLATE).count, 10);
	assert_true(trad_liar_is_idle(l, DEFLATE));
}

static void a_change_of_something_else_ends_no_waiting(void **state)
{
	struct trad_liar *l = *state;

	vballoon_traditional_guest_pressure(l->guest.driver, 10, l->guest.port.now_ms);
	trad_guest_run(&l->guest);
	trad_liar_take(l, DEFLATE);
	trad_liar_answer(l, DEFLATE);
	want(l, 100);
	assert_true(trad_liar_is_idle(l, INFLATE));
	want(l, 101);
	assert_int_equal(trad_liar_take(l, INFLATE).count, 11);
}

static void more_than_there_is_is_not_waited_for(void **state)
{
	struct trad_liar *l = *state;

	vballoon_traditional_guest_pressure(l->guest.driver, 1000, l->guest.port.now_ms);
	trad_guest_run(&l->guest);
	assert_int_equal(trad_liar_take(l, DEFLATE).count, 100);
	trad_liar_answer(l, DEFLATE);
	assert_int_equal(l->guest.port.out_count, 0);
	pass(l, 10000);
	assert_int_equal(trad_liar_take(l, INFLATE).count, 100);
	trad_liar_answer(l, INFLATE);
	assert_true(trad_liar_is_idle(l, DEFLATE));
}

static void out_of_memory_it_tells_at_once_and_waits_a_second(void **state)
{
	struct trad_liar *l = *state;
	uint64_t now_ms = l->guest.port.now_ms;

	assert_true(vballoon_traditional_guest_oom(l->guest.driver, 10, now_ms));
	assert_int_equal(trad_liar_take(l, DEFLATE).count, 10);
	assert_true(vballoon_traditional_guest_oom_waits(l->guest.driver, now_ms + 999));
	assert_false(vballoon_traditional_guest_oom_waits(l->guest.driver, now_ms + 1000));
	/* It is not waited for again before it has answered. */
	assert_false(vballoon_traditional_guest_oom(l->guest.driver, 10, now_ms + 1001));
	l->guest.port.now_ms = now_ms + 1001;
	trad_liar_answer(l, DEFLATE);
	assert_int_equal(l->guest.port.out_count, 90);
	assert_true(vballoon_traditional_guest_oom(l->guest.driver, 10, now_ms + 1002));
	assert_int_equal(trad_liar_take(l, DEFLATE).count, 10);
	assert_int_equal(vballoon_device_ring_use(&l->rings[DEFLATE], &l->chains[DEFLATE]), 0);
	assert_false(vballoon_traditional_guest_oom_waits(l->guest.driver, now_ms + 1003));
	assert_int_equal(l->guest.port.out_count, 80);
}

static void whoever_comes_later_makes_nobody_wait_longer(void **state)
{
	struct trad_liar *l = *state;
	uint64_t now_ms = l->guest.port.now_ms;

	assert_true(vballoon_traditional_guest_oom(l->guest.driver, 10, now_ms));
	assert_true(vballoon_traditional_guest_oom(l->guest.driver, 10, now_ms + 900));
	assert_true(vballoon_traditional_guest_oom_waits(l->guest.driver, now_ms + 999));
	assert_false(vballoon_traditional_guest_oom_waits(l->guest.driver, now_ms + 1000));
}

static void finds_an_answer_that_came_after_the_wait(void **state)
{
	struct trad_liar *l = *state;
	uint64_t now_ms = l->guest.port.now_ms;

	assert_true(vballoon_traditional_guest_oom(l->guest.driver, 10, now_ms));
	trad_liar_take(l, DEFLATE);
	assert_false(vballoon_traditional_guest_oom_waits(l->guest.driver, now_ms + 1000));
	assert_int_equal(vballoon_device_ring_use(&l->rings[DEFLATE], &l->chains[DEFLATE]), 0);
	assert_false(vballoon_traditional_guest_oom(l->guest.driver, 10, now_ms + 1001));
	assert_int_equal(trad_guest_status(&l->guest).returned_pages, 10);
	assert_int_equal(l->guest.port.out_count, 90);
}

static void has_back_at_once_what_a_reset_has_freed(void **state)
{
	struct trad_liar *l = *state;

	vballoon_traditional_guest_restart(l->guest.driver);
	assert_int_equal(l->guest.port.out_count, 100);
	assert_false(vballoon_traditional_guest_oom(l->guest.driver, 10, l->guest.port.now_ms));
	assert_int_equal(trad_guest_status(&l->guest).returned_pages, 100);
	assert_int_equal(l->guest.port.out_count, 0);
}

static void has_back_all_it_needs_though_no_two_pages_adjoin(void **state)
{
	struct trad_liar *l = *state;

	for (unsigned int unit = 1; unit < PORT_UNITS_MAX; unit += 2)
		l->guest.port.reported[unit] = true; /* not to be given */
	trad_liar_fill(l, 300);
	vballoon_traditional_guest_restart(l->guest.driver);
	assert_false(vballoon_traditional_guest_oom(l->guest.driver, 200, l->guest.port.now_ms));
	assert_in_range(trad_guest_status(&l->guest).returned_pages, 200, 300);
}

static void a_reset_brings_everything_back(void **state)
{
	struct trad_liar *l = *state;

	trad_liar_fill(l, 100);
	want(l, 120);
	trad_liar_take(l, INFLATE);
	vballoon_traditional_guest_restart(l->guest.driver);
	trad_guest_run(&l->guest);
	assert_int_equal(l->guest.port.causes[VBALLOON_GUEST_TAKEN_BACK], 120);
	assert_int_equal(l->guest.port.out_count, 0);
	assert_int_equal(l->guest.port.starts, 1);
	pass(l, 1000);
	assert_int_equal(l->guest.port.starts, 2);
	assert_int_equal(l->guest.actual, 0);
	/* The balloon is empty, and the target what it says now. */
	assert_int_equal(trad_liar_take(l, INFLATE).count, 120);
}

static void a_reset_brings_back_what_the_device_was_told(void **state)
{
	struct trad_liar *l = *state;

	trad_liar_fill(l, 100);
	want(l, 0);
	trad_liar_take(l, DEFLATE);
	vballoon_traditional_guest_stop(l->guest.driver);
	trad_guest_run(&l->guest);
	assert_int_equal(l->guest.port.causes[VBALLOON_GUEST_TAKEN_BACK], 100);
	assert_int_equal(l->guest.port.out_count, 0);
	pass(l, 100000);
	assert_int_equal(l->guest.port.starts, 1);
	vballoon_traditional_guest_start(l->guest.driver);
	trad_guest_run(&l->guest);
	assert_int_equal(l->guest.port.starts, 2);
}

static void a_device_that_cannot_be_started_is_left_alone(void **state)
{
	struct trad_liar *l = *state;

	vballoon_traditional_guest_stop(l->guest.driver);
	trad_guest_run(&l->guest);
	l->guest.port.start_error = -EIO;
	vballoon_traditional_guest_start(l->guest.driver);
	pass(l, 1000);
	assert_int_equal(trad_guest_status(&l->guest).failure, VBALLOON_GUEST_CANNOT_START);
	assert_int_equal(l->guest.port.wait_ms, VBALLOON_GUEST_FOREVER);
}

/* It would have to name it by more than 32 bits. */
static void a_page_beyond_16_tib_is_not_given(void **state)
{
	static uint64_t bitmap[1];
	const struct vballoon_guest_range far = { vballoon_gpa(UINT64_C(1) << 44),
						  vballoon_bytes(4096), bitmap };

	*state = &liar;
	trad_liar_prepare(&liar, 0, 12);
	liar.guest.config.ranges = &far;
	liar.guest.config.range_count = 1;
	liar.guest.port.misfit = far.gpa;
	trad_liar_start(&liar);
	want(&liar, 1);
	assert_int_equal(trad_guest_status(&liar.guest).bad_pages, 1);
	assert_int_equal(liar.guest.port.causes[VBALLOON_GUEST_REFUSED], 1);
	assert_true(trad_liar_is_idle(&liar, INFLATE));
	trad_liar_destroy(&liar);
}

#define WITH(name, set_up) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(names_pages_to_inflate_and_waits_for_the_answer, set_up),
		WITH(names_pages_to_inflate_and_waits_for_the_answer, set_up_packed),
		WITH(has_several_messages_in_flight_and_none_too_long, set_up),
		WITH(a_guest_without_memory_is_asked_again_after_a_second, set_up),
		WITH(tells_the_device_before_pages_are_used, set_up),
		WITH(tells_the_device_before_pages_are_used, set_up_packed),
		WITH(deflates_in_one_message_at_a_time, set_up),
		WITH(a_target_that_changes_its_mind_waits_for_what_is_in_flight, set_up),
		WITH(a_unit_is_named_by_all_its_pages, set_up_units),
		WITH(a_message_of_no_page_is_not_sent, set_up_oom),
		WITH(pressure_needs_the_leave_of_the_device, set_up),
		WITH(and_no_more_comes_back_than_the_device_leaves, set_up),
		WITH(under_pressure_pages_come_back_and_stay_for_ten_seconds, set_up_oom),
		WITH(a_change_of_something_else_ends_no_waiting, set_up_oom),
		WITH(more_than_there_is_is_not_waited_for, set_up_oom),
		WITH(out_of_memory_it_tells_at_once_and_waits_a_second, set_up_oom),
		WITH(whoever_comes_later_makes_nobody_wait_longer, set_up_oom),
		WITH(finds_an_answer_that_came_after_the_wait, set_up_oom),
		WITH(has_back_at_once_what_a_reset_has_freed, set_up_oom),
		WITH(has_back_all_it_needs_though_no_two_pages_adjoin, set_up),
		WITH(a_reset_brings_everything_back, set_up),
		WITH(a_reset_brings_back_what_the_device_was_told, set_up),
		WITH(a_device_that_cannot_be_started_is_left_alone, set_up),
		cmocka_unit_test(a_page_beyond_16_tib_is_not_given),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
