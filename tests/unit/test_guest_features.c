/* SPDX-License-Identifier: BSD-3-Clause */
/* The portable driver's features, and a device that lies about them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/le.h"
#include "port_liar.h"

#define BIT(name) (UINT64_C(1) << VIRTIO_MEMORY_BALLOON_F_##name)
#define ALL (BIT(ZEROED) * 2 - 1)
#define MSG(name) VIRTIO_MEMORY_BALLOON_MSG_##name
#define REQ(name) VIRTIO_MEMORY_BALLOON_REQ_##name
#define PAGE UINT64_C(4096)
/* Free while a hundred pages from PORT_LOW on are in the balloon. */
#define FREE PORT_HIGH

static struct port_liar liar;

static int set_up(void **state)
{
	port_liar_init(&liar, ALL, 12);
	*state = &liar;
	return 0;
}

static int set_up_filled(void **state)
{
	set_up(state);
	port_liar_fill(&liar, 100);
	return 0;
}

static int set_up_base(void **state)
{
	port_liar_init(&liar, 0, 12);
	*state = &liar;
	port_liar_fill(&liar, 100);
	return 0;
}

static int set_up_reporting(void **state)
{
	port_liar_init(&liar, ALL - BIT(ZEROED), 12);
	*state = &liar;
	port_liar_fill(&liar, 100);
	return 0;
}

static int set_up_small(void **state)
{
	port_liar_init_queue(&liar, ALL, 12, VBALLOON_GUEST_TODEV_MIN);
	*state = &liar;
	port_liar_fill(&liar, 100);
	return 0;
}

static int tear_down(void **state)
{
	port_liar_destroy(*state);
	return 0;
}

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

/* Fail unless nothing is pushed for @ms, and then a report is. */
static void expect_push(struct port_liar *l, uint64_t ms)
{
	assert_int_equal(l->guest.wait_ms, ms);
	l->guest.now_ms += ms - 1;
	port_guest_run(&l->guest);
	assert_true(port_liar_is_idle(l));
	l->guest.now_ms += 1;
	port_guest_run(&l->guest);
	assert_int_equal(port_liar_take(l, MSG(STATS)).flags, 0);
}

/* Proves DRV-PUSH-1, DRV-PUSH-2. */
static void pushes_statistics_every_period(void **state)
{
	struct port_liar *l = *state;

	port_liar_request(l, REQ(STATS), 77, 10000);
	assert_int_equal(port_liar_take(l, MSG(STATS)).flags, 77);
	port_liar_answer(l, NULL, 0);
	for (unsigned int i = 0; i < 3; i++) {
		expect_push(l, 10000);
		port_liar_answer(l, NULL, 0);
	}
	/* As it was. */
	port_liar_request(l, REQ(STATS), 78, VIRTIO_MEMORY_BALLOON_STATS_PERIOD_SAME);
	assert_int_equal(port_liar_take(l, MSG(STATS)).flags, 78);
	port_liar_answer(l, NULL, 0);
	expect_push(l, 10000);
	port_liar_answer(l, NULL, 0);
	/* No more. */
	port_liar_request(l, REQ(STATS), 79, 0);
	port_liar_take(l, MSG(STATS));
	port_liar_answer(l, NULL, 0);
	assert_int_equal(l->guest.wait_ms, VBALLOON_GUEST_FOREVER);
}

/* Proves DRV-PUSH-3. */
static void pushes_no_faster_than_four_a_second(void **state)
{
	struct port_liar *l = *state;

	port_liar_request(l, REQ(STATS), 77, 1);
	port_liar_take(l, MSG(STATS));
	port_liar_answer(l, NULL, 0);
	expect_push(l, 250);
}

/* Proves DRV-PUSH-4, DRV-STATS-4. */
static void skips_a_push_while_one_is_in_flight(void **state)
{
	struct port_liar *l = *state;

	port_liar_request(l, REQ(STATS), 77, 1000);
	port_liar_take(l, MSG(STATS));
	l->guest.now_ms += 5000;
	port_guest_run(&l->guest);
	assert_true(port_liar_is_idle(l));
	assert_int_equal(l->guest.wait_ms, 1000);
	port_liar_answer(l, NULL, 0);
	assert_true(port_liar_is_idle(l));
	expect_push(l, 1000);
}

/* Proves DRV-PUSH-5. */
static void a_reset_ends_pushing(void **state)
{
	struct port_liar *l = *state;

	port_liar_request(l, REQ(STATS), 77, 1000);
	port_liar_take(l, MSG(STATS));
	port_liar_request(l, REQ(RESET), 0, 0);
	l->guest.now_ms += 1000;
	port_guest_run(&l->guest);
	port_liar_greet(l);
	assert_int_equal(l->guest.wait_ms, VBALLOON_GUEST_FOREVER);
}

static void without_the_feature_a_period_means_nothing(void **state)
{
	struct port_liar *l = *state;

	port_liar_request(l, REQ(STATS), 77, 1000);
	port_liar_take(l, MSG(STATS));
	port_liar_answer(l, NULL, 0);
	assert_int_equal(l->guest.wait_ms, VBALLOON_GUEST_FOREVER);
}

/* Proves DRV-EXCHANGE-2, DRV-EXCHANGE-4, DRV-EXCHANGE-5. */
static void swaps_pages(void **state)
{
	struct port_liar *l = *state;
	struct liar_message message;
	const uint8_t yes = VIRTIO_MEMORY_BALLOON_ACCEPTED;

	assert_int_equal(port_guest_move(&l->guest, PORT_LOW, FREE, 8), 0);
	port_guest_run(&l->guest);
	message = port_liar_take(l, MSG(EXCHANGE));
	assert_int_equal(message.count, 2);
	assert_int_equal(message.entries[0], FREE | 7);
	assert_int_equal(message.entries[1], PORT_LOW | 7);
	assert_int_equal(message.writable_len, 1);
	port_liar_answer(l, &yes, 1);
	assert_int_equal(l->guest.swapped, 1);
	assert_int_equal(port_guest_status(&l->guest).held_pages, 100);
	/* What was given is in the balloon, what was taken is not. */
	assert_int_equal(port_guest_move(&l->guest, PORT_LOW, FREE + 16 * PAGE, 1), -EINVAL);
	assert_int_equal(port_guest_move(&l->guest, FREE, PORT_LOW, 1), 0);
	port_liar_expect_running(l);
}

static void takes_a_page_that_it_chooses(void **state)
{
	struct port_liar *l = *state;
	const uint8_t yes = VIRTIO_MEMORY_BALLOON_ACCEPTED;

	assert_int_equal(port_guest_move(&l->guest, PORT_LOW, VBALLOON_GUEST_NOTHING, 1), 0);
	port_guest_run(&l->guest);
	assert_int_equal(port_liar_take(l, MSG(EXCHANGE)).entries[0],
			 VIRTIO_MEMORY_BALLOON_GIVE_NOTHING);
	port_liar_answer(l, &yes, 1);
	assert_int_equal(port_guest_status(&l->guest).held_pages, 99);
	/* The target is as it was, so that another page goes in. */
	assert_int_equal(port_liar_take(l, MSG(ADD)).count, 1);
	port_liar_expect_running(l);
}

/* Proves DRV-EXCHANGE-3. */
static void a_refused_swap_changes_nothing(void **state)
{
	struct port_liar *l = *state;
	const uint8_t no = VIRTIO_MEMORY_BALLOON_REFUSED;

	assert_int_equal(port_guest_move(&l->guest, PORT_LOW, FREE, 1), 0);
	port_guest_run(&l->guest);
	port_liar_take(l, MSG(EXCHANGE));
	port_liar_answer(l, &no, 1);
	assert_int_equal(l->guest.unswapped, 1);
	assert_int_equal(port_guest_move(&l->guest, PORT_LOW, FREE, 1), 0);
	assert_int_equal(port_guest_status(&l->guest).held_pages, 100);
	port_liar_expect_running(l);
}

/* Proves DRV-EXCHANGE-1. */
static void swaps_that_cannot_be_are_refused_at_once(void **state)
{
	struct port_liar *l = *state;
	const struct vballoon_guest_pair twice[] = {
		{ vballoon_gpa(FREE), vballoon_gpa(PORT_LOW), 4 },
		{ vballoon_gpa(FREE + 16 * PAGE), vballoon_gpa(PORT_LOW + 3 * PAGE), 1 },
	};
	const struct vballoon_guest_pair same_gift[] = {
		{ vballoon_gpa(FREE + 3 * PAGE), vballoon_gpa(PORT_LOW), 1 },
		{ vballoon_gpa(FREE), vballoon_gpa(PORT_LOW + 3 * PAGE), 4 },
	};

	assert_int_equal(port_guest_move(&l->guest, FREE, PORT_LOW, 1), -EINVAL);
	assert_int_equal(port_guest_move(&l->guest, PORT_LOW, PORT_LOW + PAGE, 1), -EINVAL);
	assert_int_equal(port_guest_move(&l->guest, PORT_LOW, FREE, 0), -EINVAL);
	assert_int_equal(port_guest_move(&l->guest, PORT_LOW, FREE, 4097), -EINVAL);
	assert_int_equal(port_guest_move(&l->guest, PORT_LOW + 8, FREE, 1), -EINVAL);
	assert_int_equal(port_guest_move(&l->guest, PORT_LOW, FREE + 8, 1), -EINVAL);
	assert_int_equal(port_guest_move(&l->guest, PORT_LOW, PORT_SHARED, 1), -EINVAL);
	assert_int_equal(vballoon_guest_exchange(l->guest.driver, twice, 2), -EINVAL);
	assert_int_equal(vballoon_guest_exchange(l->guest.driver, same_gift, 2), -EINVAL);
	assert_int_equal(vballoon_guest_exchange(l->guest.driver, twice, 0), -EINVAL);
	assert_int_equal(vballoon_guest_exchange(l->guest.driver, twice, 33), -EINVAL);
	port_guest_run(&l->guest);
	assert_true(port_liar_is_idle(l));
}

/* A guest with half a GiB to spare, of which nobody ever looks at a page. */
#define LARGE_UNITS 131072

static uint64_t next_unit;

static uint64_t get_block(void *context, uint64_t most, struct vballoon_gpa *gpa_out)
{
	(void)context;
	*gpa_out = vballoon_gpa(PORT_LOW + next_unit * PAGE);
	next_unit += most;
	return most;
}

static void fill_large(struct port_liar *l)
{
	static uint64_t held[LARGE_UNITS / 64];
	static struct vballoon_guest_ops ops;
	const uint8_t verdicts[256] = { 1, 1, 1, 1 };

	ops = *l->guest.config.ops;
	ops.get_page = get_block;
	next_unit = 0;
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

static void one_exchange_is_in_flight(void **state)
{
	struct port_liar *l = *state;

	assert_int_equal(port_guest_move(&l->guest, PORT_LOW, FREE, 1), 0);
	assert_int_equal(port_guest_move(&l->guest, PORT_LOW + PAGE, FREE + PAGE, 1), -EAGAIN);
}

/* Proves DRV-FEAT-5. */
static void without_the_feature_nothing_is_swapped(void **state)
{
	struct port_liar *l = *state;

	assert_int_equal(port_guest_move(&l->guest, PORT_LOW, FREE, 1), -EOPNOTSUPP);
	assert_int_equal(vballoon_guest_report(l->guest.driver), -EOPNOTSUPP);
}

/* Proves DRV-EXCHANGE-7. */
static void a_swap_without_a_verdict_is_a_failure(void **state)
{
	struct port_liar *l = *state;

	assert_int_equal(port_guest_move(&l->guest, PORT_LOW, FREE, 1), 0);
	port_guest_run(&l->guest);
	port_liar_take(l, MSG(EXCHANGE));
	port_liar_answer(l, NULL, 0);
	port_liar_expect_failure(l, VBALLOON_GUEST_EXCHANGE_VERDICT);
	assert_int_equal(l->guest.unswapped, 1);
}

static void a_swap_of_what_was_handed_back_is_a_failure(void **state)
{
	struct port_liar *l = *state;
	const uint8_t yes = VIRTIO_MEMORY_BALLOON_ACCEPTED;

	/* In order the device would have to refuse the pair. */
	port_liar_request(l, REQ(RESIZE), 0, 99);
	port_liar_take(l, MSG(WITHDRAW));
	assert_int_equal(port_guest_move(&l->guest, PORT_LOW, FREE, 1), 0);
	port_liar_return(l, (const uint64_t[]){ PORT_LOW }, 1);
	port_liar_take(l, MSG(EXCHANGE));
	port_liar_answer(l, &yes, 1);
	assert_int_equal(port_guest_status(&l->guest).failure, VBALLOON_GUEST_EXCHANGE_NOT_HELD);
	assert_int_equal(l->guest.out_count, 0);
}

static void a_reset_ends_a_swap(void **state)
{
	struct port_liar *l = *state;

	assert_int_equal(port_guest_move(&l->guest, PORT_LOW, FREE, 1), 0);
	vballoon_guest_stop(l->guest.driver);
	port_guest_run(&l->guest);
	assert_int_equal(l->guest.unswapped, 1);
	assert_int_equal(l->guest.out_count, 0);
	port_guest_check(&l->guest);
}

static void no_swap_before_hello_is_answered(void **state)
{
	struct port_liar *l = *state;

	port_liar_request(l, REQ(HELLO), 0, 0);
	assert_int_equal(port_guest_move(&l->guest, PORT_LOW, FREE, 1), -EAGAIN);
}

/* Proves DRV-REPORT-1, DRV-REPORT-6, DRV-REPORT-7, DRV-REPORT-9. */
static void reports_what_is_free_when_asked(void **state)
{
	struct port_liar *l = *state;
	struct liar_message message;
	uint64_t units = 0;

	l->guest.block = 64;
	port_liar_request(l, REQ(REPORT), 0, 5);
	message = port_liar_take(l, MSG(REPORT));
	for (unsigned int i = 0; i < message.count; i++)
		units += (message.entries[i] & 0xfff) + 1;
	assert_int_equal(units, 668);
	assert_int_equal(message.writable_len, message.count);
	/* Nobody uses it meanwhile, and REPORT_DONE comes behind the last. */
	assert_true(port_liar_is_idle(l));
	assert_true(l->guest.reported[700]);
	port_liar_answer(l, NULL, 0);
	assert_false(l->guest.reported[700]);
	message = port_liar_take(l, MSG(REPORT_DONE));
	assert_int_equal(message.word, 5);
	port_liar_answer(l, NULL, 0);
	assert_true(port_liar_is_idle(l));
	port_liar_expect_running(l);
}

/* Report all at once, answer @len of @verdicts: how many units are taken for zeros. */
static unsigned int zeroed_of(struct port_liar *l, const uint8_t *verdicts, uint32_t len)
{
	uint32_t count;

	l->guest.block = 334; /* three runs, as the ranges lie */
	l->guest.device_lies = true;
	l->guest.zeroed = 0;
	assert_int_equal(vballoon_guest_report(l->guest.driver), 0);
	port_guest_run(&l->guest);
	count = port_liar_take(l, MSG(REPORT)).count;
	assert_int_equal(count, 3);
	port_liar_answer(l, verdicts, len < count ? len : count);
	port_liar_expect_running(l);
	return l->guest.zeroed;
}

/* Proves DRV-REPORT-10, DRV-ZEROED-2. */
static void zeros_are_what_the_verdict_says(void **state)
{
	struct port_liar *l = *state;
	uint8_t verdicts[8] = { 1, 0, 0, 0, 0, 0, 0, 0 };
	unsigned int first = zeroed_of(l, verdicts, 8);

	assert_in_range(first, 1, 600);
	verdicts[1] = 1;
	assert_in_range(zeroed_of(l, verdicts, 8), first + 1, 668);
	assert_int_equal(zeroed_of(l, verdicts, 1), first);
	assert_int_equal(zeroed_of(l, verdicts, 0), 0);
	verdicts[0] = 2;
	verdicts[1] = 0xff;
	assert_int_equal(zeroed_of(l, verdicts, 8), 0);
}

/* Proves DRV-ZEROED-2. */
static void without_the_promise_no_verdict_is_zeros(void **state)
{
	struct port_liar *l = *state;
	const uint8_t verdicts[8] = { 1, 1, 1, 1, 1, 1, 1, 1 };

	assert_int_equal(zeroed_of(l, verdicts, 8), 0);
}

static void a_round_takes_several_messages(void **state)
{
	struct port_liar *l = *state;
	unsigned int units = 0;

	l->guest.block = 1;
	port_liar_request(l, REQ(REPORT), 0, 5);
	for (unsigned int i = 0; i < 3; i++) {
		units += port_liar_take(l, MSG(REPORT)).count;
		port_liar_answer(l, NULL, 0);
	}
	assert_int_equal(units, 668);
	assert_int_equal(port_liar_take(l, MSG(REPORT_DONE)).word, 5);
}

/* Proves DRV-REPORT-8. */
static void a_newer_round_takes_the_place_of_an_older(void **state)
{
	struct port_liar *l = *state;

	l->guest.block = 64;
	port_liar_request(l, REQ(REPORT), 0, 5);
	port_liar_take(l, MSG(REPORT));
	port_liar_request(l, REQ(REPORT), 0, 6);
	port_liar_answer(l, NULL, 0);
	port_liar_take(l, MSG(REPORT));
	port_liar_answer(l, NULL, 0);
	assert_int_equal(port_liar_take(l, MSG(REPORT_DONE)).word, 6);
	port_liar_answer(l, NULL, 0);
	assert_true(port_liar_is_idle(l));
}

static void reports_by_itself_without_a_done(void **state)
{
	struct port_liar *l = *state;

	l->guest.block = 64;
	assert_int_equal(vballoon_guest_report(l->guest.driver), 0);
	port_guest_run(&l->guest);
	port_liar_take(l, MSG(REPORT));
	port_liar_answer(l, NULL, 0);
	assert_true(port_liar_is_idle(l));
}

static void a_reset_ends_a_round(void **state)
{
	struct port_liar *l = *state;

	l->guest.block = 64;
	port_liar_request(l, REQ(REPORT), 0, 5);
	port_liar_take(l, MSG(REPORT));
	vballoon_guest_stop(l->guest.driver);
	assert_false(l->guest.reported[700]);
	vballoon_guest_start(l->guest.driver);
	l->guest.now_ms += 1000;
	port_guest_run(&l->guest);
	port_liar_greet(l);
	assert_true(port_liar_is_idle(l));
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

#define WITH(name, set_up) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepts_what_the_guest_can_do),
		cmocka_unit_test(reporting_needs_runs),
		cmocka_unit_test(free_zeros_are_reported_with_zeroed_only),
		WITH(each_withdraw_says_why, set_up_filled),
		WITH(without_the_feature_it_gives_no_reason, set_up_base),
		WITH(pushes_statistics_every_period, set_up_filled),
		WITH(pushes_no_faster_than_four_a_second, set_up_filled),
		WITH(skips_a_push_while_one_is_in_flight, set_up_filled),
		WITH(a_reset_ends_pushing, set_up_filled),
		WITH(without_the_feature_a_period_means_nothing, set_up_base),
		WITH(swaps_pages, set_up_filled),
		WITH(takes_a_page_that_it_chooses, set_up_filled),
		WITH(a_refused_swap_changes_nothing, set_up_filled),
		WITH(swaps_that_cannot_be_are_refused_at_once, set_up_filled),
		WITH(no_message_names_more_than_65536_units, set_up),
		WITH(one_exchange_is_in_flight, set_up_filled),
		WITH(without_the_feature_nothing_is_swapped, set_up_base),
		WITH(a_swap_without_a_verdict_is_a_failure, set_up_filled),
		WITH(a_swap_of_what_was_handed_back_is_a_failure, set_up_filled),
		WITH(a_reset_ends_a_swap, set_up_filled),
		WITH(no_swap_before_hello_is_answered, set_up_filled),
		WITH(reports_what_is_free_when_asked, set_up_filled),
		WITH(zeros_are_what_the_verdict_says, set_up_filled),
		WITH(without_the_promise_no_verdict_is_zeros, set_up_reporting),
		WITH(a_round_takes_several_messages, set_up_filled),
		WITH(a_newer_round_takes_the_place_of_an_older, set_up_filled),
		WITH(reports_by_itself_without_a_done, set_up_filled),
		WITH(a_reset_ends_a_round, set_up_filled),
		WITH(the_smallest_queue_has_room_for_all_but_an_add_beside_a_report, set_up_small),
		WITH(hello_waits_for_all_that_is_in_flight, set_up_filled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
