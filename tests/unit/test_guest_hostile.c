/* SPDX-License-Identifier: BSD-3-Clause */
/* The portable driver and a device that lies, floods, or keeps silent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/le.h"
#include "port_liar.h"

#define RUNS (UINT64_C(1) << VIRTIO_MEMORY_BALLOON_F_PAGE_RUNS)
#define MSG(name) VIRTIO_MEMORY_BALLOON_MSG_##name
#define REQ(name) VIRTIO_MEMORY_BALLOON_REQ_##name
#define PAGE UINT64_C(4096)

static struct port_liar liar;

static int set_up(void **state)
{
	port_liar_init(&liar, RUNS, 12);
	*state = &liar;
	return 0;
}

static int set_up_base(void **state)
{
	port_liar_init(&liar, 0, 12);
	*state = &liar;
	return 0;
}

static int set_up_large(void **state)
{
	port_liar_init(&liar, RUNS, 16);
	*state = &liar;
	return 0;
}

static int tear_down(void **state)
{
	port_liar_destroy(*state);
	return 0;
}

/* A driver with 100 pages in the balloon that asks for @most of them. */
static void withdrawing(struct port_liar *l, unsigned int most)
{
	port_liar_fill(l, 100);
	port_liar_request(l, REQ(RESIZE), 0, 100 - most);
	assert_int_equal(port_liar_take(l, MSG(WITHDRAW)).word, most);
}

/* Proves DRV-WITHDRAW-2. */
static void bounds_its_adds_and_keeps_room_for_a_withdraw(void **state)
{
	struct port_liar *l = *state;
	unsigned int adds = 0;

	port_liar_greet(l);
	/* In messages of few pages there would be many. */
	for (unsigned int i = 0; i < 20; i++) {
		l->guest.spare = 3;
		l->guest.now_ms += 1000;
		port_liar_request(l, REQ(RESIZE), 0, 700);
	}
	while (!port_liar_is_idle(l))
		adds++;
	assert_int_equal(adds, 4);
	assert_int_equal(l->guest.out_count, 12);
	port_liar_expect_running(l);
}

/* Proves DRV-ADD-5, DRV-ADD-6, DRV-MSG-4. */
static void a_verdict_that_is_missing_is_a_failure(void **state)
{
	const uint8_t verdicts[9] = { 1, 1, 1, 1, 1, 1, 1, 1, 1 };

	port_liar_greet(*state);
	port_liar_request(*state, REQ(RESIZE), 0, 10);
	assert_int_equal(port_liar_take(*state, MSG(ADD)).count, 10);
	port_liar_answer(*state, verdicts, 9);
	port_liar_expect_failure(*state, VBALLOON_GUEST_ADD_VERDICT);
}

/* Proves DRV-ADD-6. */
static void a_verdict_that_is_none_is_a_failure(void **state)
{
	const uint8_t verdicts[] = { 1, 2, 0 };

	port_liar_greet(*state);
	port_liar_request(*state, REQ(RESIZE), 0, 3);
	assert_int_equal(port_liar_take(*state, MSG(ADD)).count, 3);
	port_liar_answer(*state, verdicts, sizeof(verdicts));
	port_liar_expect_failure(*state, VBALLOON_GUEST_ADD_VERDICT);
	assert_int_equal(liar.guest.causes[VBALLOON_GUEST_REFUSED], 0);
}

/* Proves DRV-ADD-4. */
static void refused_pages_go_back_and_are_not_offered_again_at_once(void **state)
{
	const uint8_t verdicts[] = { 1, 0, 1 };
	struct port_liar *l = *state;

	port_liar_greet(l);
	port_liar_request(l, REQ(RESIZE), 0, 3);
	port_liar_take(l, MSG(ADD));
	port_liar_answer(l, verdicts, sizeof(verdicts));
	assert_int_equal(l->guest.causes[VBALLOON_GUEST_REFUSED], 1);
	assert_int_equal(port_guest_status(&l->guest).held_pages, 2);
	assert_true(port_liar_is_idle(l));
	assert_int_equal(l->guest.wait_ms, 1000);
	l->guest.now_ms += 1000;
	port_guest_run(&l->guest);
	assert_int_equal(port_liar_take(l, MSG(ADD)).count, 1);
	port_liar_expect_running(l);
}

/* Proves DRV-RING-4. */
static void a_message_that_the_device_has_rewritten_says_nothing(void **state)
{
	const uint8_t verdicts[] = { 1, 0 };
	struct port_liar *l = *state;
	unsigned char *bytes;

	port_liar_greet(l);
	port_liar_request(l, REQ(RESIZE), 0, 2);
	port_liar_take(l, MSG(ADD));
	bytes = guest_memory_at(&l->guest.memory, l->chains[1].segments[0].gpa.value,
				l->chains[1].segments[0].len);
	memset(bytes, 0, l->chains[1].segments[0].len);
	port_liar_answer(l, verdicts, sizeof(verdicts));
	assert_true(port_guest_is_out(&l->guest, PORT_LOW));
	assert_false(port_guest_is_out(&l->guest, PORT_LOW + PAGE));
	port_liar_expect_running(l);
}

/* One entry that is wrong, behind one that is right. */
static void returns_wrong(struct port_liar *l, uint64_t entry, enum vballoon_guest_failure failure)
{
	const uint64_t entries[] = { PORT_LOW, entry };

	withdrawing(l, 10);
	port_liar_return(l, entries, 2);
	port_liar_expect_failure(l, failure);
}

/* Proves DRV-BAD-1, DRV-BAD-6, DRV-BAD-7. */
static void a_page_that_was_never_held_is_a_failure(void **state)
{
	returns_wrong(*state, PORT_LOW + 100 * PAGE, VBALLOON_GUEST_WITHDRAW_NOT_HELD);
}

/* Proves DRV-BAD-1. */
static void a_page_outside_memory_is_a_failure(void **state)
{
	returns_wrong(*state, 0, VBALLOON_GUEST_WITHDRAW_NOT_HELD);
}

/* Proves DRV-BAD-2. */
static void a_page_handed_back_twice_is_a_failure(void **state)
{
	returns_wrong(*state, PORT_LOW, VBALLOON_GUEST_WITHDRAW_NOT_HELD);
}

/* Proves DRV-RUNS-1, DRV-BAD-1. */
static void a_run_beyond_what_is_held_is_a_failure(void **state)
{
	returns_wrong(*state, (PORT_LOW + 98 * PAGE) | 3, VBALLOON_GUEST_WITHDRAW_NOT_HELD);
}

static void a_run_that_wraps_is_a_failure(void **state)
{
	returns_wrong(*state, ~(PAGE - 1) | 3, VBALLOON_GUEST_WITHDRAW_NOT_HELD);
}

/* Proves DRV-BAD-4. */
static void more_than_was_asked_for_is_a_failure(void **state)
{
	returns_wrong(*state, (PORT_LOW + PAGE) | 9, VBALLOON_GUEST_WITHDRAW_MORE);
}

/* Proves DRV-BAD-3. */
static void low_bits_without_runs_are_a_failure(void **state)
{
	returns_wrong(*state, (PORT_LOW + PAGE) | 1, VBALLOON_GUEST_WITHDRAW_MISALIGNED);
}

/* Proves DRV-BAD-3. */
static void a_page_within_a_unit_is_a_failure(void **state)
{
	struct port_liar *l = *state;
	const uint64_t entry = PORT_LOW + PAGE;

	port_liar_fill(l, 96);
	port_liar_request(l, REQ(RESIZE), 0, 0);
	port_liar_take(l, MSG(WITHDRAW));
	port_liar_return(l, &entry, 1);
	port_liar_expect_failure(l, VBALLOON_GUEST_WITHDRAW_MISALIGNED);
}

/* Proves DRV-BAD-5. */
static void a_part_of_an_entry_is_a_failure(void **state)
{
	const unsigned char bytes[12] = { 0 };

	withdrawing(*state, 10);
	port_liar_answer(*state, bytes, sizeof(bytes));
	port_liar_expect_failure(*state, VBALLOON_GUEST_WITHDRAW_LENGTH);
}

static void an_answer_that_was_not_written_is_no_old_one(void **state)
{
	struct port_liar *l = *state;
	const uint64_t entry = PORT_LOW;
	uint8_t verdict = VIRTIO_MEMORY_BALLOON_ACCEPTED;

	withdrawing(l, 1);
	port_liar_return(l, &entry, 1);
	port_liar_request(l, REQ(RESIZE), 0, 100);
	port_liar_take(l, MSG(ADD));
	port_liar_answer(l, &verdict, 1);
	port_liar_request(l, REQ(RESIZE), 0, 99);
	port_liar_take(l, MSG(WITHDRAW));
	/* Of its answer only the length is told. */
	l->chains[1].written = 8;
	port_liar_answer(l, NULL, 0);
	assert_int_equal(port_guest_status(&l->guest).failure, VBALLOON_GUEST_WITHDRAW_MORE);
}

/* Proves DRV-WITHDRAW-5. */
static void a_short_answer_is_final_for_a_second(void **state)
{
	struct port_liar *l = *state;
	const uint64_t entry = PORT_LOW;

	withdrawing(l, 10);
	port_liar_return(l, &entry, 1);
	assert_true(port_liar_is_idle(l));
	assert_int_equal(l->guest.wait_ms, 1000);
	l->guest.now_ms += 1000;
	port_guest_run(&l->guest);
	assert_int_equal(port_liar_take(l, MSG(WITHDRAW)).word, 9);
	port_liar_return(l, NULL, 0);
	assert_true(port_liar_is_idle(l));
	port_liar_request(l, REQ(RESIZE), 0, 90);
	assert_int_equal(port_liar_take(l, MSG(WITHDRAW)).word, 9);
	port_liar_expect_running(l);
}

/* Proves DRV-REQ-9, DRV-ADD-8. */
static void a_target_above_memory_takes_what_there_is(void **state)
{
	const uint8_t verdicts[256] = { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 };
	struct port_liar *l = *state;

	port_liar_greet(l);
	l->guest.spare = 10;
	port_liar_request(l, REQ(RESIZE), 0, UINT64_MAX);
	port_liar_answer(l, verdicts, port_liar_take(l, MSG(ADD)).count);
	assert_int_equal(port_guest_status(&l->guest).held_pages, 10);
	assert_int_equal(l->guest.wait_ms, 1000);
	port_liar_expect_running(l);
}

/* Proves DRV-REQ-1, DRV-REQ-2, DRV-REQ-3. */
static void ignores_requests_that_it_does_not_know(void **state)
{
	struct port_liar *l = *state;

	port_liar_greet(l);
	for (unsigned int i = 0; i < 20; i++)
		port_liar_request(l, 5 + i * 1000, i, UINT64_MAX);
	port_liar_request(l, REQ(REPORT), 0, 1);
	assert_true(port_liar_is_idle(l));
	port_liar_expect_running(l);
}

/* Proves DRV-REQ-4. */
static void ignores_a_request_that_is_cut_short(void **state)
{
	struct port_liar *l = *state;
	const uint32_t type = vballoon_le32(REQ(RESET));

	port_liar_greet(l);
	port_liar_give_request(l, &type, sizeof(type));
	port_guest_run(&l->guest);
	port_liar_expect_running(l);
}

/* Proves DRV-BAD-9. */
static void a_flood_of_requests_is_read_a_few_at_a_time(void **state)
{
	const struct virtio_memory_balloon_req request = { vballoon_le32(REQ(HELLO)), 0, 0 };
	struct port_liar *l = *state;

	port_liar_greet(l);
	for (unsigned int i = 0; i < 8; i++)
		port_liar_give_request(l, &request, sizeof(request));
	port_guest_step(&l->guest);
	/* Neither at once nor never. */
	assert_int_equal(l->guest.wait_ms, 1);
	port_liar_take(l, MSG(HELLO));
	assert_true(port_liar_is_idle(l));
}

/* Proves DRV-REQ-12. */
static void resets_come_a_second_apart(void **state)
{
	struct port_liar *l = *state;

	port_liar_fill(l, 100);
	port_liar_request(l, REQ(RESET), 0, 0);
	assert_int_equal(l->guest.out_count, 0);
	assert_int_equal(port_guest_status(&l->guest).state, VBALLOON_GUEST_RESTARTING);
	assert_int_equal(l->guest.wait_ms, 1000);
	l->guest.now_ms += 1000;
	port_guest_run(&l->guest);
	assert_int_equal(l->guest.starts, 2);
	port_liar_request(l, REQ(RESET), 0, 0);
	assert_int_equal(l->guest.wait_ms, 1000);
	assert_int_equal(l->guest.starts, 2);
}

static void a_used_index_that_cannot_be_is_a_failure(void **state)
{
	struct port_liar *l = *state;
	uint16_t *used;

	port_liar_fill(l, 100);
	used = guest_memory_at(&l->guest.memory, l->rings[1].queue.used.value + 2, 2);
	*used = vballoon_le16((uint16_t)(vballoon_le16(*used) + 1));
	port_guest_run(&l->guest);
	port_liar_expect_failure(l, VBALLOON_GUEST_BAD_RING);
}

static void a_request_nobody_posted_is_a_failure(void **state)
{
	struct port_liar *l = *state;
	uint16_t *used;

	port_liar_fill(l, 100);
	used = guest_memory_at(&l->guest.memory, l->rings[0].queue.used.value + 2, 2);
	*used = vballoon_le16(0x7000);
	port_guest_run(&l->guest);
	port_liar_expect_failure(l, VBALLOON_GUEST_BAD_RING);
}

/* Proves DRV-BAD-5. */
static void an_answer_longer_than_its_room_is_a_failure(void **state)
{
	struct port_liar *l = *state;

	withdrawing(l, 10);
	l->chains[1].written = 1U << 20;
	port_liar_answer(l, NULL, 0);
	port_liar_expect_failure(l, VBALLOON_GUEST_BAD_RING);
}

/* Proves DRV-BAD-7. */
static void a_failed_device_is_left_alone_until_it_is_started(void **state)
{
	struct port_liar *l = *state;
	const uint64_t entry = 0;

	withdrawing(l, 10);
	port_liar_return(l, &entry, 1);
	port_liar_expect_failure(l, VBALLOON_GUEST_WITHDRAW_NOT_HELD);
	l->guest.now_ms += 3600000;
	vballoon_guest_restart(l->guest.driver);
	vballoon_guest_pressure(l->guest.driver, 1, l->guest.now_ms);
	assert_false(vballoon_guest_oom(l->guest.driver, 1, l->guest.now_ms));
	port_guest_run(&l->guest);
	assert_int_equal(l->guest.starts, 1);
	vballoon_guest_start(l->guest.driver);
	port_guest_run(&l->guest);
	assert_int_equal(l->guest.starts, 2);
	port_liar_greet(l);
	assert_int_equal(port_guest_status(&l->guest).state, VBALLOON_GUEST_RUNNING);
}

/* Proves DRV-BAD-8. */
static void silence_keeps_nobody_waiting(void **state)
{
	struct port_liar *l = *state;

	withdrawing(l, 10);
	for (unsigned int i = 0; i < 10; i++) {
		l->guest.now_ms += 3600000;
		port_guest_run(&l->guest);
		assert_int_equal(l->guest.wait_ms, VBALLOON_GUEST_FOREVER);
	}
	assert_true(port_liar_is_idle(l));
	vballoon_guest_stop(l->guest.driver);
	port_guest_run(&l->guest);
	assert_int_equal(l->guest.out_count, 0);
}

#define WITH(name, set_up) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(bounds_its_adds_and_keeps_room_for_a_withdraw, set_up_base),
		WITH(a_verdict_that_is_missing_is_a_failure, set_up_base),
		WITH(a_verdict_that_is_none_is_a_failure, set_up_base),
		WITH(refused_pages_go_back_and_are_not_offered_again_at_once, set_up_base),
		WITH(a_message_that_the_device_has_rewritten_says_nothing, set_up_base),
		WITH(a_page_that_was_never_held_is_a_failure, set_up),
		WITH(a_page_outside_memory_is_a_failure, set_up),
		WITH(a_page_handed_back_twice_is_a_failure, set_up),
		WITH(a_run_beyond_what_is_held_is_a_failure, set_up),
		WITH(a_run_that_wraps_is_a_failure, set_up),
		WITH(more_than_was_asked_for_is_a_failure, set_up),
		WITH(low_bits_without_runs_are_a_failure, set_up_base),
		WITH(a_page_within_a_unit_is_a_failure, set_up_large),
		WITH(a_part_of_an_entry_is_a_failure, set_up),
		WITH(an_answer_that_was_not_written_is_no_old_one, set_up),
		WITH(a_short_answer_is_final_for_a_second, set_up),
		WITH(a_target_above_memory_takes_what_there_is, set_up_base),
		WITH(ignores_requests_that_it_does_not_know, set_up),
		WITH(ignores_a_request_that_is_cut_short, set_up),
		WITH(a_flood_of_requests_is_read_a_few_at_a_time, set_up),
		WITH(resets_come_a_second_apart, set_up),
		WITH(a_used_index_that_cannot_be_is_a_failure, set_up),
		WITH(a_request_nobody_posted_is_a_failure, set_up),
		WITH(an_answer_longer_than_its_room_is_a_failure, set_up),
		WITH(a_failed_device_is_left_alone_until_it_is_started, set_up),
		WITH(silence_keeps_nobody_waiting, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
