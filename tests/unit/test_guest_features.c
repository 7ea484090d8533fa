/* SPDX-License-Identifier: BSD-3-Clause */
/* The portable driver's features: which it accepts, and what they share. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/le.h"
#include "liar_fixture.h"

static uint64_t accepted(uint64_t offered, void (*change)(struct vballoon_guest_config *config,
							  struct vballoon_guest_ops *ops))
{
	static struct port_guest guest;
	struct vballoon_guest_ops ops;
	uint64_t features;

	port_guest_prepare(&guest, offered, 12);
	ops = *guest.config.ops;
	guest.config.ops = &ops;
	if (change)
		change(&guest.config, &ops);
	assert_int_equal(vballoon_guest_init(guest.storage, &guest.config, &guest.driver), 0);
	features = port_guest_status(&guest).features & ALL;
	port_guest_destroy(&guest);
	return features;
}

static void zero_free_pages(struct vballoon_guest_config *config, struct vballoon_guest_ops *ops)
{
	(void)ops;
	config->free_is_zero = true;
}

static void no_reports(struct vballoon_guest_config *config, struct vballoon_guest_ops *ops)
{
	(void)config;
	ops->free_next = NULL;
}

static void no_exchange(struct vballoon_guest_config *config, struct vballoon_guest_ops *ops)
{
	(void)config;
	ops->exchanged = NULL;
}

static void no_stats(struct vballoon_guest_config *config, struct vballoon_guest_ops *ops)
{
	(void)config;
	ops->stats = NULL;
}

/* Proves DRV-REPORT-5. */
static void accepts_what_the_guest_can_do(void **state)
{
	(void)state;
	assert_int_equal(accepted(ALL, NULL), ALL);
	assert_int_equal(accepted(0, NULL), 0);
	assert_int_equal(accepted(ALL, no_exchange), ALL - BIT(EXCHANGE));
	assert_int_equal(accepted(ALL, no_reports), ALL - BIT(REPORTING));
	assert_int_equal(accepted(ALL, no_stats), ALL - BIT(PUSH_STATS));
}

/* Proves DRV-FEAT-4. */
static void reporting_needs_runs(void **state)
{
	(void)state;
	assert_int_equal(accepted(BIT(REPORTING), NULL), 0);
	assert_int_equal(accepted(BIT(REPORTING) | BIT(PAGE_RUNS), NULL),
			 BIT(REPORTING) | BIT(PAGE_RUNS));
}

/* Proves DRV-REPORT-4. */
static void free_zeros_are_reported_with_zeroed_only(void **state)
{
	(void)state;
	assert_int_equal(accepted(ALL - BIT(ZEROED), zero_free_pages),
			 ALL - BIT(ZEROED) - BIT(REPORTING));
	assert_int_equal(accepted(ALL, zero_free_pages), ALL);
}

/* Proves DRV-REASON-2. */
static void each_withdraw_says_why(void **state)
{
	struct port_liar *l = *state;

	port_liar_request(l, REQ(RESIZE), 0, 90);
	assert_int_equal(port_liar_take(l, MSG(WITHDRAW)).flags, 0);
	port_liar_return(l, (const uint64_t[]){ PORT_LOW | 9 }, 1);
	vballoon_guest_pressure(l->guest.driver, 5, l->guest.now_ms);
	port_guest_run(&l->guest);
	assert_int_equal(port_liar_take(l, MSG(WITHDRAW)).flags,
			 VIRTIO_MEMORY_BALLOON_WITHDRAW_PRESSURE);
	port_liar_return(l, NULL, 0);
	assert_true(vballoon_guest_oom(l->guest.driver, 5, l->guest.now_ms));
	assert_int_equal(port_liar_take(l, MSG(WITHDRAW)).flags,
			 VIRTIO_MEMORY_BALLOON_WITHDRAW_OOM);
	port_liar_expect_running(l);
}

/* Whether pressure has the device asked for memory. */
static bool asks_under_pressure(struct port_liar *l)
{
	vballoon_guest_pressure(l->guest.driver, 5, l->guest.now_ms);
	port_guest_run(&l->guest);
	return !port_liar_is_idle(l);
}

static void what_was_refused_under_pressure_is_not_asked_for_again_at_once(void **state)
{
	struct port_liar *l = *state;

	assert_true(asks_under_pressure(l));
	port_liar_return(l, NULL, 0);
	assert_false(asks_under_pressure(l));
	l->guest.now_ms += 999;
	assert_false(asks_under_pressure(l));
	l->guest.now_ms += 1;
	assert_true(asks_under_pressure(l));
	port_liar_return(l, NULL, 0);
	port_liar_request(l, REQ(RESIZE), 0, 100);
	assert_true(asks_under_pressure(l));
	/* What is given is no refusal. */
	port_liar_return(l, (const uint64_t[]){ PORT_LOW | 4 }, 1);
	assert_true(asks_under_pressure(l));
	port_liar_expect_running(l);
}

/* Proves DRV-REASON-1. */
static void without_the_feature_it_gives_no_reason(void **state)
{
	struct port_liar *l = *state;

	vballoon_guest_pressure(l->guest.driver, 5, l->guest.now_ms);
	port_guest_run(&l->guest);
	assert_int_equal(port_liar_take(l, MSG(WITHDRAW)).flags, 0);
	port_liar_return(l, NULL, 0);
	assert_true(vballoon_guest_oom(l->guest.driver, 5, l->guest.now_ms));
	assert_int_equal(port_liar_take(l, MSG(WITHDRAW)).flags, 0);
}

/* A guest with half a GiB to spare, of which nobody ever looks at a page. */
#define LARGE_UNITS 131072

static uint64_t next_unit, back_units;

static uint64_t get_block(void *context, uint64_t most, struct vballoon_gpa *gpa_out)
{
	(void)context;
	*gpa_out = vballoon_gpa(PORT_LOW + next_unit * PAGE);
	next_unit += most;
	return most;
}

static void count_back(void *context, struct vballoon_gpa gpa, uint64_t units,
		       enum vballoon_guest_cause cause)
{
	(void)context;
	(void)gpa;
	(void)cause;
	back_units += units;
}

static void fill_large(struct port_liar *l)
{
	static uint64_t held[LARGE_UNITS / 64];
	static struct vballoon_guest_ops ops;
	const uint8_t verdicts[256] = { 1, 1, 1, 1 };

	ops = *l->guest.config.ops;
	ops.get_page = get_block;
	ops.return_page = count_back;
	next_unit = back_units = 0;
	l->guest.config.ops = &ops;
	l->guest.config.range_count = 1;
	l->guest.ranges[0].size.value = LARGE_UNITS * PAGE;
	l->guest.ranges[0].held = held;
	port_guest_init(&l->guest, l->guest.side_ops, l);
	port_guest_run(&l->guest);
	port_liar_greet(l);
	port_liar_request(l, REQ(RESIZE), 0, LARGE_UNITS);
	while (port_guest_status(&l->guest).held_pages < LARGE_UNITS)
		port_liar_answer(l, verdicts, port_liar_take(l, MSG(ADD)).count);
}

/* Proves DRV-MSG-3. */
static void no_message_names_more_than_65536_units(void **state)
{
	struct vballoon_guest_pair pairs[17];
	struct port_liar *l = *state;

	fill_large(l);
	for (unsigned int i = 0; i < 17; i++)
		pairs[i] = (struct vballoon_guest_pair){ vballoon_gpa(VBALLOON_GUEST_NOTHING),
							 vballoon_gpa(PORT_LOW + i * 4096 * PAGE),
							 4096 };
	assert_int_equal(vballoon_guest_exchange(l->guest.driver, pairs, 17), -EINVAL);
	assert_int_equal(vballoon_guest_exchange(l->guest.driver, pairs, 16), 0);
	port_liar_request(l, REQ(RESIZE), 0, 0);
	port_liar_take(l, MSG(EXCHANGE));
	assert_int_equal(port_liar_take(l, MSG(WITHDRAW)).word, 65536);
}

static void pages_come_back_in_bounded_steps_though_they_lie_in_a_row(void **state)
{
	struct port_liar *l = *state;

	fill_large(l);
	vballoon_guest_stop(l->guest.driver);
	port_guest_step(&l->guest);
	assert_int_equal(back_units, 65536);
	assert_int_equal(l->guest.wait_ms, 0);
	port_guest_run(&l->guest);
	assert_int_equal(back_units, LARGE_UNITS);
}

static void hello_waits_for_all_that_is_in_flight(void **state)
{
	struct port_liar *l = *state;
	const uint64_t held = vballoon_le64(100);
	const uint8_t yes = VIRTIO_MEMORY_BALLOON_ACCEPTED;

	l->guest.block = 64;
	assert_int_equal(port_guest_move(&l->guest, PORT_LOW, FREE, 1), 0);
	port_liar_request(l, REQ(REPORT), 0, 5);
	port_liar_request(l, REQ(HELLO), 0, 0);
	port_liar_take(l, MSG(EXCHANGE));
	port_liar_answer(l, &yes, 1);
	port_liar_take(l, MSG(REPORT));
	port_liar_answer(l, NULL, 0);
	port_liar_take(l, MSG(HELLO));
	assert_true(port_liar_is_idle(l));
	port_liar_answer(l, &held, sizeof(held));
	port_liar_take(l, MSG(REPORT_DONE));
	port_liar_expect_running(l);
}

/* Nothing is answered, and one of everything is wanted. */
static void the_smallest_queue_has_room_for_all_but_an_add_beside_a_report(void **state)
{
	struct port_liar *l = *state;
	const uint8_t yes = VIRTIO_MEMORY_BALLOON_ACCEPTED;

	port_liar_request(l, REQ(STATS), 9, 0);
	assert_int_equal(port_guest_move(&l->guest, PORT_LOW, FREE, 1), 0);
	port_liar_request(l, REQ(RESIZE), 0, 101);
	port_liar_request(l, REQ(REPORT), 0, 5);
	vballoon_guest_pressure(l->guest.driver, 1, l->guest.now_ms);
	port_guest_run(&l->guest);
	port_liar_expect_running(l);
	port_liar_take(l, MSG(STATS));
	port_liar_answer(l, NULL, 0);
	port_liar_take(l, MSG(EXCHANGE));
	port_liar_answer(l, &yes, 1);
	port_liar_take(l, MSG(ADD));
	port_liar_answer(l, &yes, 1);
	port_liar_take(l, MSG(WITHDRAW));
	port_liar_return(l, NULL, 0);
	port_liar_take(l, MSG(REPORT));
	assert_true(port_liar_is_idle(l));
	port_liar_request(l, REQ(RESIZE), 0, 102);
	assert_true(port_liar_is_idle(l));
	l->guest.block = PORT_UNITS_MAX;
	port_liar_answer(l, NULL, 0);
	port_liar_expect_running(l);
}

/* The policy of the device may have another answer for each reason. */
static void what_was_refused_under_pressure_is_asked_for_when_there_is_no_memory(void **state)
{
	struct port_liar *l = *state;
	struct liar_message message;

	assert_true(asks_under_pressure(l));
	assert_true(vballoon_guest_oom(l->guest.driver, 20, l->guest.now_ms));
	port_liar_return(l, NULL, 0);
	message = port_liar_take(l, MSG(WITHDRAW));
	assert_int_equal(message.flags, VIRTIO_MEMORY_BALLOON_WITHDRAW_OOM);
	assert_int_equal(message.word, 20);
	assert_true(vballoon_guest_oom_waits(l->guest.driver, l->guest.now_ms));
	port_liar_return(l, (const uint64_t[]){ PORT_LOW | 19 }, 1);
	assert_false(vballoon_guest_oom_waits(l->guest.driver, l->guest.now_ms));
	assert_int_equal(port_guest_status(&l->guest).returned_pages, 20);
	port_liar_expect_running(l);
}

/* The same, found by the one who waits: a second at the most for both. */
static void and_is_waited_for_no_longer(void **state)
{
	struct port_liar *l = *state;
	uint64_t now_ms = l->guest.now_ms;

	assert_true(asks_under_pressure(l));
	assert_true(vballoon_guest_oom(l->guest.driver, 20, now_ms));
	assert_int_equal(vballoon_device_ring_use(&l->rings[1], &l->chains[1]), 0);
	assert_true(vballoon_guest_oom_waits(l->guest.driver, now_ms + 600));
	assert_int_equal(port_liar_take(l, MSG(WITHDRAW)).flags,
			 VIRTIO_MEMORY_BALLOON_WITHDRAW_OOM);
	assert_true(vballoon_guest_oom_waits(l->guest.driver, now_ms + 999));
	assert_false(vballoon_guest_oom_waits(l->guest.driver, now_ms + 1000));
	/* What is refused for that reason, too, is final. */
	l->guest.now_ms += 1001;
	port_liar_return(l, NULL, 0);
	assert_true(port_liar_is_idle(l));
	port_liar_expect_running(l);
}

static void without_reasons_a_refusal_is_one_for_all(void **state)
{
	struct port_liar *l = *state;

	assert_true(asks_under_pressure(l));
	assert_true(vballoon_guest_oom(l->guest.driver, 20, l->guest.now_ms));
	port_liar_return(l, NULL, 0);
	assert_true(port_liar_is_idle(l));
	assert_false(vballoon_guest_oom_waits(l->guest.driver, l->guest.now_ms));
	port_liar_expect_running(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepts_what_the_guest_can_do),
		cmocka_unit_test(reporting_needs_runs),
		cmocka_unit_test(free_zeros_are_reported_with_zeroed_only),
		LIAR_TEST(each_withdraw_says_why, liar_set_up_filled),
		LIAR_TEST(what_was_refused_under_pressure_is_not_asked_for_again_at_once,
			  liar_set_up_filled),
		LIAR_TEST(what_was_refused_under_pressure_is_asked_for_when_there_is_no_memory,
			  liar_set_up_filled),
		LIAR_TEST(and_is_waited_for_no_longer, liar_set_up_filled),
		LIAR_TEST(without_reasons_a_refusal_is_one_for_all, liar_set_up_base),
		LIAR_TEST(without_the_feature_it_gives_no_reason, liar_set_up_base),
		LIAR_TEST(no_message_names_more_than_65536_units, liar_set_up),
		LIAR_TEST(pages_come_back_in_bounded_steps_though_they_lie_in_a_row, liar_set_up),
		LIAR_TEST(hello_waits_for_all_that_is_in_flight, liar_set_up_filled),
		LIAR_TEST(the_smallest_queue_has_room_for_all_but_an_add_beside_a_report,
			  liar_set_up_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
