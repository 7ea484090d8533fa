/* SPDX-License-Identifier: BSD-3-Clause */
/* Free memory that the portable driver reports, and a device that lies about it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "liar_fixture.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIAR_TEST(reports_what_is_free_when_asked, liar_set_up_filled),
		LIAR_TEST(zeros_are_what_the_verdict_says, liar_set_up_filled),
		LIAR_TEST(without_the_promise_no_verdict_is_zeros, liar_set_up_reporting),
		LIAR_TEST(a_round_takes_several_messages, liar_set_up_filled),
		LIAR_TEST(a_newer_round_takes_the_place_of_an_older, liar_set_up_filled),
		LIAR_TEST(reports_by_itself_without_a_done, liar_set_up_filled),
		LIAR_TEST(a_reset_ends_a_round, liar_set_up_filled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
