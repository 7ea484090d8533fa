/* SPDX-License-Identifier: BSD-3-Clause */
/* The traditional balloon: pages that wait for the rest of their block before they are dropped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "trad_bed.h"

#define AT GIB
#define PAGE UINT64_C(4096)
#define HALF 256U /* pages of a block: what Linux's driver gives in a message */
#define NOW_MS 1000
#define LINGER_MS 20
#define DEFER_MS 2
#define APART 200 /* pages, none next to another */

static struct bed bed;

/* A driver that tells, in a guest with memory at @gpa; the device knows the time. */
static void begin(uint64_t gpa, uint32_t host_page_shift)
{
	trad_bed_init(&bed, TRAD(MUST_TELL_HOST));
	bed_add_memory(&bed, gpa, 64 * MIB, host_page_shift);
	trad_start(&bed, TRAD_BOTH);
	vballoon_device_set_time(bed.device, NOW_MS);
}

static int set_up(void **state)
{
	(void)state;
	begin(AT, 12);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	bed_destroy(&bed);
	return 0;
}

static void run_at(uint64_t now_ms)
{
	vballoon_device_set_time(bed.device, now_ms);
	bed_run(&bed);
}

/* The driver has its answer, and looks what else is wanted. */
static void go_on(void)
{
	trad_config(&bed, offsetof(struct virtio_balloon_config, num_pages));
	bed_run(&bed);
}

static void assert_dropped(unsigned int index, uint64_t gpa, uint64_t len)
{
	assert_true(index < bed.call_count);
	assert_int_equal(bed.calls[index].gpa, gpa);
	assert_int_equal(bed.calls[index].len, len);
}

static void halves_of_a_block_that_come_one_by_one_are_dropped_together(void **state)
{
	(void)state;
	trad_say_down(&bed, INFLATE, AT + MIB, HALF);
	assert_int_equal(bed.call_count, 0);
	assert_true(bed_status(&bed).drop_lingers);
	trad_say_down(&bed, INFLATE, AT, HALF);
	assert_int_equal(bed.call_count, 1);
	assert_dropped(0, AT, 2 * MIB);
	assert_false(bed_status(&bed).drop_lingers); /* there is nothing to wait for */
}

static void whole_blocks_do_not_wait_for_what_is_at_their_ends(void **state)
{
	(void)state;
	trad_say_up(&bed, INFLATE, AT + MIB, 4 * HALF);
	assert_int_equal(bed.call_count, 1);
	assert_dropped(0, AT + 2 * MIB, 2 * MIB);
	assert_int_equal(bed_status(&bed).waiting_pages, 2 * HALF);
}

static void when_nothing_more_comes_the_rest_is_dropped_as_it_is(void **state)
{
	(void)state;
	trad_say_down(&bed, INFLATE, AT + MIB, HALF);
	trad_say_up(&bed, INFLATE, AT + 7 * MIB, 1);
	assert_int_equal(vballoon_device_due_ms(bed.device), NOW_MS + LINGER_MS);
	run_at(NOW_MS + LINGER_MS - 1);
	assert_int_equal(bed.call_count, 0);
	run_at(NOW_MS + LINGER_MS);
	assert_int_equal(bed.call_count, 2);
	assert_dropped(0, AT + MIB, MIB);
	assert_dropped(1, AT + 7 * MIB, PAGE);
	assert_false(bed_status(&bed).drop_lingers);
	assert_int_equal(vballoon_device_due_ms(bed.device), VBALLOON_NEVER);
}

/* A region may lie so that host pages begin within blocks of the guest's. */
static void no_block_cuts_a_host_page(void **state)
{
	(void)state;
	bed_destroy(&bed);
	begin(AT + MIB, 21);
	trad_say_up(&bed, INFLATE, AT + MIB, 8 * HALF);
	assert_int_equal(bed.call_count, 1);
	assert_dropped(0, AT + MIB, 8 * MIB);
}

static void each_message_puts_that_off(void **state)
{
	(void)state;
	trad_say_up(&bed, INFLATE, AT + 8 * PAGE, 1);
	vballoon_device_set_time(bed.device, NOW_MS + LINGER_MS - 1);
	trad_say_up(&bed, INFLATE, AT, 1);
	run_at(NOW_MS + LINGER_MS);
	assert_int_equal(bed.call_count, 0);
	run_at(NOW_MS + 2 * LINGER_MS);
	assert_int_equal(bed.call_count, 2);
}

static void what_is_taken_back_meanwhile_is_never_dropped(void **state)
{
	(void)state;
	trad_say_up(&bed, INFLATE, AT, 2);
	trad_say_up(&bed, DEFLATE, AT, 1);
	run_at(NOW_MS + LINGER_MS);
	assert_int_equal(bed.call_count, 1);
	assert_dropped(0, AT + PAGE, PAGE);
}

static void nothing_lingers_over_a_pause(void **state)
{
	(void)state;
	trad_say_up(&bed, INFLATE, AT, 1);
	trad_stop(&bed);
	assert_int_equal(vballoon_device_due_ms(bed.device), VBALLOON_NEVER);
	run_at(NOW_MS + LINGER_MS);
	assert_int_equal(bed.call_count, 0);
	trad_go_on(&bed, TRAD_BOTH);
	run_at(NOW_MS + LINGER_MS);
	assert_int_equal(bed.call_count, 1);
}

static void an_order_to_drop_does_not_wait(void **state)
{
	(void)state;
	trad_say_up(&bed, INFLATE, AT, 1);
	vballoon_device_drop_now(bed.device);
	bed_run(&bed);
	assert_int_equal(bed.call_count, 1);
}

static void why_it_waits_is_told(void **state)
{
	struct vballoon_waiting waiting;

	(void)state;
	trad_say_up(&bed, INFLATE, AT + PAGE, 3);
	vballoon_device_waiting(bed.device, &waiting);
	assert_int_equal(waiting.soon_pages, 3);
	assert_int_equal(waiting.failed_pages, 0);
}

/* A block is aligned in the guest, wherever the region begins; and the device looks through
 * regions in pieces of 16 MiB. */
static void a_block_that_lies_in_two_pieces_is_dropped_whole(void **state)
{
	const uint64_t base = AT + 768 * 1024;

	(void)state;
	bed_destroy(&bed);
	begin(base, 12);
	trad_say_up(&bed, INFLATE, AT + 16 * MIB, HALF);
	trad_say_up(&bed, INFLATE, AT + 17 * MIB, HALF);
	assert_int_equal(bed.call_count, 1);
	assert_dropped(0, AT + 16 * MIB, 2 * MIB);
	trad_say_up(&bed, INFLATE, base, HALF);
	assert_int_equal(bed.call_count, 1);
	run_at(NOW_MS + LINGER_MS);
	assert_int_equal(bed.call_count, 2);
	assert_dropped(1, base, MIB);
}

/* A page of the host is a block then. */
static void on_huge_pages_it_is_as_it_was(void **state)
{
	(void)state;
	bed_destroy(&bed);
	begin(AT, 21);
	trad_say_down(&bed, INFLATE, AT + MIB, HALF);
	run_at(NOW_MS + LINGER_MS);
	assert_int_equal(bed.call_count, 0);
	trad_say_down(&bed, INFLATE, AT, HALF);
	assert_int_equal(bed.call_count, 1);
}

/* What it does next it would else wait for: the host takes its time. */
static void nothing_is_dropped_before_the_driver_goes_on(void **state)
{
	(void)state;
	go_on();
	trad_say_up(&bed, INFLATE, AT, 2 * HALF);
	trad_config_write(&bed, offsetof(struct virtio_balloon_config, actual), 2 * HALF);
	bed_run(&bed);
	assert_int_equal(bed.call_count, 0);
	assert_true(bed_status(&bed).drop_lingers);
	go_on();
	assert_int_equal(bed.call_count, 1);
	assert_dropped(0, AT, 2 * MIB);
}

static void a_driver_that_does_not_go_on_is_waited_for_a_moment(void **state)
{
	(void)state;
	go_on();
	trad_say_up(&bed, INFLATE, AT, 2 * HALF);
	assert_int_equal(vballoon_device_due_ms(bed.device), NOW_MS + DEFER_MS);
	run_at(NOW_MS + DEFER_MS - 1);
	assert_int_equal(bed.call_count, 0);
	run_at(NOW_MS + DEFER_MS);
	assert_int_equal(bed.call_count, 1);
	assert_int_equal(vballoon_device_due_ms(bed.device), VBALLOON_NEVER);
}

/* However fast its messages come, and however many are on their way, its pages do not pile up. */
static void a_driver_that_no_longer_reads_is_not_waited_for(void **state)
{
	(void)state;
	go_on();
	trad_say_up(&bed, INFLATE, AT, 2 * HALF);
	assert_int_equal(bed.call_count, 0);
	trad_say_up(&bed, INFLATE, AT + 4 * MIB, 2 * HALF);
	assert_int_equal(bed.call_count, 2);
	trad_say_up(&bed, INFLATE, AT + 8 * MIB, 2 * HALF);
	assert_int_equal(bed.call_count, 3);
}

/* More of them than a run of the device drops. */
static void pages_that_waited_long_enough_do_not_wait_with_those_behind_them(void **state)
{
	uint32_t pfns[APART];

	(void)state;
	for (uint32_t i = 0; i < APART; i++)
		pfns[i] = (uint32_t)(AT / PAGE) + 2 * i;
	trad_say(&bed, INFLATE, pfns, APART);
	vballoon_device_set_time(bed.device, NOW_MS + LINGER_MS);
	assert_true(vballoon_device_run(bed.device));
	assert_true(bed.call_count < APART);
	trad_say_up(&bed, INFLATE, AT + 16 * MIB, 1);
	run_at(NOW_MS + 2 * LINGER_MS);
	assert_int_equal(bed.call_count, APART + 1);
}

static void a_device_that_is_not_told_the_time_does_not_wait(void **state)
{
	(void)state;
	vballoon_device_set_time(bed.device, 0);
	trad_say_up(&bed, INFLATE, AT, 1);
	assert_int_equal(bed.call_count, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(halves_of_a_block_that_come_one_by_one_are_dropped_together),
		TEST(whole_blocks_do_not_wait_for_what_is_at_their_ends),
		TEST(when_nothing_more_comes_the_rest_is_dropped_as_it_is),
		TEST(no_block_cuts_a_host_page),
		TEST(each_message_puts_that_off),
		TEST(what_is_taken_back_meanwhile_is_never_dropped),
		TEST(nothing_lingers_over_a_pause),
		TEST(an_order_to_drop_does_not_wait),
		TEST(why_it_waits_is_told),
		TEST(a_block_that_lies_in_two_pieces_is_dropped_whole),
		TEST(on_huge_pages_it_is_as_it_was),
		TEST(nothing_is_dropped_before_the_driver_goes_on),
		TEST(a_driver_that_does_not_go_on_is_waited_for_a_moment),
		TEST(a_driver_that_no_longer_reads_is_not_waited_for),
		TEST(pages_that_waited_long_enough_do_not_wait_with_those_behind_them),
		TEST(a_device_that_is_not_told_the_time_does_not_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
