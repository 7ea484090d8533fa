// SPDX-License-Identifier: BSD-3-Clause
/* EXCHANGE: a page of the driver's choice comes back for another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/le.h"
#include "device_bed.h"

#define PAGE UINT64_C(4096)
#define AT UINT64_C(0x10000000)
#define HELD AT /* the first 16 pages are in the balloon */
#define FREE (AT + 64 * PAGE)
#define NOTHING VIRTIO_MEMORY_BALLOON_GIVE_NOTHING
#define RUN(gpa, pages) ((gpa) | ((pages)-1))

static struct bed bed;

static void set_up_with(uint64_t features, uint32_t host_page_shift)
{
	bed_init(&bed, features);
	bed_add_memory(&bed, AT, 16 * MIB, host_page_shift);
	bed_greet(&bed, 12);
}

static int set_up(void **state)
{
	(void)state;
	set_up_with(BED_RUNS | BED_EXCHANGE, 12);
	bed_add_pages(&bed, HELD, 16);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	bed_destroy(&bed);
	return 0;
}

struct held {
	uint64_t gpa;
	bool found;
};

static bool look(void *context, struct vballoon_gpa gpa, uint64_t pages, bool dropped)
{
	struct held *held = context;

	(void)dropped;
	held->found |= held->gpa >= gpa.value && held->gpa < gpa.value + pages * PAGE;
	return true;
}

static bool is_held(uint64_t gpa)
{
	struct held held = { gpa, false };

	vballoon_device_each_held(bed.device, look, &held);
	return held.found;
}

static void assert_refused(uint64_t give, uint64_t take, enum vballoon_refusal cause)
{
	uint64_t held = bed_status(&bed).held_pages;
	uint64_t refused = bed_status(&bed).refused_entries[cause];

	assert_int_equal(bed_exchange(&bed, give, take), VIRTIO_MEMORY_BALLOON_REFUSED);
	assert_int_equal(bed_status(&bed).refused_entries[cause], refused + 1);
	assert_int_equal(bed_status(&bed).held_pages, held);
	assert_int_equal(bed_status(&bed).violation, VBALLOON_OK);
}

/* Proves DEV-EXCHANGE-1. */
static void both_pages_change_hands(void **state)
{
	(void)state;
	assert_int_equal(bed_exchange(&bed, FREE, HELD), VIRTIO_MEMORY_BALLOON_ACCEPTED);
	assert_true(is_held(FREE));
	assert_false(is_held(HELD));
	assert_int_equal(bed_status(&bed).held_pages, 16);
	assert_int_equal(bed_status(&bed).exchanged_pages, 1);
	assert_int_equal(bed_status(&bed).returned_pages, 0);
}

/* Proves DEV-EXCHANGE-10. */
static void without_a_page_to_give_the_balloon_shrinks(void **state)
{
	(void)state;
	assert_int_equal(bed_exchange(&bed, NOTHING, HELD), VIRTIO_MEMORY_BALLOON_ACCEPTED);
	assert_false(is_held(HELD));
	assert_int_equal(bed_status(&bed).held_pages, 15);
}

/* Proves DEV-EXCHANGE-15. */
static void to_take_for_nothing_is_a_matter_of_policy(void **state)
{
	struct vballoon_policy policy = { .withdraw = { VBALLOON_POLICY_FLOOR },
					  .floor_bytes = 15 * PAGE };

	(void)state;
	assert_int_equal(vballoon_device_set_policy(bed.device, &policy), 0);
	assert_int_equal(bed_exchange(&bed, NOTHING, HELD), 1);
	assert_refused(NOTHING, HELD + PAGE, VBALLOON_REFUSED_POLICY);
	assert_int_equal(bed_exchange(&bed, FREE, HELD + PAGE), 1);
}

static void runs_are_swapped_as_a_whole(void **state)
{
	(void)state;
	assert_int_equal(bed_exchange(&bed, RUN(FREE, 8), RUN(HELD + 4 * PAGE, 8)), 1);
	assert_false(is_held(HELD + 4 * PAGE));
	assert_true(is_held(FREE + 7 * PAGE));
	assert_true(is_held(HELD + 3 * PAGE));
	assert_true(is_held(HELD + 12 * PAGE));
	assert_int_equal(bed_status(&bed).held_pages, 16);
}

/* Proves DEV-EXCHANGE-5. */
static void what_add_refuses_is_refused_here_too(void **state)
{
	(void)state;
	assert_refused(AT + 16 * MIB, HELD, VBALLOON_REFUSED_OUTSIDE_MEMORY);
	assert_refused(BED_WINDOW, HELD, VBALLOON_REFUSED_RING);
}

/* Proves DEV-EXCHANGE-6. */
static void what_is_held_cannot_be_given(void **state)
{
	(void)state;
	assert_refused(HELD + PAGE, HELD, VBALLOON_REFUSED_HELD);
	assert_refused(HELD, HELD, VBALLOON_REFUSED_HELD);
	assert_refused(RUN(FREE - PAGE * 49, 2), RUN(HELD, 2), VBALLOON_REFUSED_HELD);
}

/* Proves DEV-EXCHANGE-7. */
static void what_is_not_held_cannot_be_taken(void **state)
{
	(void)state;
	assert_refused(FREE, FREE + PAGE, VBALLOON_REFUSED_NOT_HELD);
	assert_refused(NOTHING, FREE, VBALLOON_REFUSED_NOT_HELD);
	assert_refused(RUN(FREE, 2), RUN(HELD + 15 * PAGE, 2), VBALLOON_REFUSED_NOT_HELD);
}

static void what_is_no_memory_cannot_be_taken(void **state)
{
	(void)state;
	assert_refused(FREE, AT + 16 * MIB, VBALLOON_REFUSED_OUTSIDE_MEMORY);
	assert_refused(NOTHING, UINT64_MAX & ~(PAGE - 1), VBALLOON_REFUSED_OUTSIDE_MEMORY);
}

/* Proves DEV-EXCHANGE-8. */
static void what_is_no_unit_can_neither_be_given_nor_taken(void **state)
{
	(void)state;
	bed_destroy(&bed);
	set_up_with(BED_EXCHANGE, 12);
	assert_int_equal(bed_add_entry(&bed, HELD), 1);
	assert_refused(FREE, HELD + 8, VBALLOON_REFUSED_MISALIGNED);
	assert_refused(FREE + 8, HELD, VBALLOON_REFUSED_MISALIGNED);
}

/* Proves DEV-EXCHANGE-9. */
static void runs_of_different_lengths_are_refused(void **state)
{
	(void)state;
	assert_refused(RUN(FREE, 2), HELD, VBALLOON_REFUSED_UNEQUAL);
	assert_refused(FREE, RUN(HELD, 2), VBALLOON_REFUSED_UNEQUAL);
}

/* Proves DEV-EXCHANGE-2, DEV-EXCHANGE-3. */
static void pairs_are_carried_out_in_order(void **state)
{
	const uint64_t pairs[][2] = {
		{ FREE, HELD },	   { FREE + PAGE, HELD }, { HELD, FREE },
		{ NOTHING, FREE }, { FREE, HELD },
	};
	const uint8_t expected[] = { 1, 0, 1, 0, 1 };
	uint8_t verdicts[5];

	(void)state;
	bed_exchange_pairs(&bed, pairs, 5, verdicts);
	assert_memory_equal(verdicts, expected, sizeof(expected));
	assert_int_equal(bed_status(&bed).held_pages, 16);
}

static void an_empty_message_is_answered(void **state)
{
	uint8_t verdict;

	(void)state;
	bed_exchange_pairs(&bed, NULL, 0, &verdict);
	assert_int_equal(bed_status(&bed).violation, VBALLOON_OK);
}

static void before_hello_every_pair_is_refused(void **state)
{
	(void)state;
	bed_destroy(&bed);
	bed_init(&bed, BED_RUNS | BED_EXCHANGE);
	bed_add_memory(&bed, AT, MIB, 12);
	bed_start_queues(&bed);
	assert_refused(FREE, HELD, VBALLOON_REFUSED_NO_RECORD);
	bed_expect_request(&bed, VIRTIO_MEMORY_BALLOON_REQ_HELLO, 0);
}

static void a_pair_proves_the_record(void **state)
{
	(void)state;
	bed_pause(&bed);
	assert_int_equal(bed_status(&bed).record, VBALLOON_RECORD_UNPROVEN);
	assert_int_equal(bed_exchange(&bed, FREE, HELD), 1);
	assert_int_equal(bed_status(&bed).record, VBALLOON_RECORD_PROVEN);
}

/* Proves DEV-EXCHANGE-12. */
static void what_was_dropped_has_its_memory_before_the_answer(void **state)
{
	struct bed_call *last;

	(void)state;
	bed_destroy(&bed);
	set_up_with(BED_RUNS | BED_EXCHANGE, 21);
	bed_add_pages(&bed, AT, 512);
	assert_int_equal(bed_status(&bed).dropped_pages, 512);
	assert_int_equal(bed_exchange(&bed, AT + 4 * MIB, AT + 7 * PAGE), 1);
	last = &bed.calls[bed.call_count - 1];
	assert_true(last->restore);
	assert_int_equal(last->gpa, AT);
	assert_int_equal(last->len, 2 * MIB);
	assert_int_equal(bed_status(&bed).dropped_pages, 0);
	assert_int_equal(bed_status(&bed).held_pages, 512);
}

/* Proves DEV-EXCHANGE-11. */
static void what_the_host_has_no_memory_for_is_refused(void **state)
{
	(void)state;
	bed_destroy(&bed);
	set_up_with(BED_RUNS | BED_EXCHANGE, 21);
	bed_add_pages(&bed, AT, 512);
	bed.restore_bytes_left = 0;
	assert_refused(AT + 4 * MIB, AT, VBALLOON_REFUSED_NO_HOST_MEMORY);
	assert_false(is_held(AT + 4 * MIB));
	assert_true(is_held(AT));
}

/* Proves DEV-REQ-9. */
static void a_pair_that_gets_memory_does_not_tell_of_more_than_the_message_had(void **state)
{
	const uint64_t pairs[2][2] = {
		{ AT + 4 * MIB, AT },
		{ AT + 4 * MIB + PAGE, 2 * GIB },
	};
	uint8_t verdicts[2];

	(void)state;
	bed_destroy(&bed);
	set_up_with(BED_RUNS | BED_EXCHANGE, 21);
	bed_expect_request(&bed, VIRTIO_MEMORY_BALLOON_REQ_RESIZE, 0);
	bed_add_memory(&bed, 2 * GIB, MIB, 12);
	bed_add_pages(&bed, AT, 512);
	bed_add_pages(&bed, 2 * GIB, 1);
	bed_post_request(&bed);
	bed.restore_bytes_left = PAGE;
	bed_exchange_pairs(&bed, pairs, 2, verdicts);
	assert_int_equal(verdicts[0], VIRTIO_MEMORY_BALLOON_REFUSED);
	assert_int_equal(verdicts[1], VIRTIO_MEMORY_BALLOON_ACCEPTED);
	bed_expect_no_request(&bed);
	bed.restore_bytes_left = UINT64_MAX;
	assert_int_equal(bed_exchange(&bed, AT + 4 * MIB, AT), VIRTIO_MEMORY_BALLOON_ACCEPTED);
	bed_expect_request(&bed, VIRTIO_MEMORY_BALLOON_REQ_RESIZE, 0);
}

/* Proves DEV-RING-5. */
static void much_is_restored_over_several_runs(void **state)
{
	uint64_t message[1 + 2 * 12] = { VIRTIO_MEMORY_BALLOON_MSG_EXCHANGE };
	uint8_t verdicts[12];

	(void)state;
	bed_destroy(&bed);
	set_up_with(BED_RUNS | BED_EXCHANGE, 21);
	bed_add_memory(&bed, AT + 16 * MIB, 16 * MIB, 21);
	bed_add_pages(&bed, AT, 12 * 512);
	assert_int_equal(bed_status(&bed).dropped_pages, 12 * 512);
	for (unsigned int i = 0; i < 12; i++) {
		message[1 + 2 * i] = NOTHING;
		message[2 + 2 * i] = AT + i * 2 * MIB;
	}
	bed_post(&bed, message, sizeof(message), sizeof(verdicts));
	assert_true(vballoon_device_run(bed.device));
	assert_true(bed_silent(&bed));
	assert_int_equal(bed_status(&bed).restore_calls, 2);
	bed_run(&bed);
	assert_int_equal(bed_collect(&bed, verdicts, sizeof(verdicts)), sizeof(verdicts));
	assert_int_equal(bed_status(&bed).held_pages, 12 * 511);
}

static void stop_with(const void *message, size_t len, size_t room, enum vballoon_violation why)
{
	bed_post(&bed, message, len, room);
	bed_run(&bed);
	assert_int_equal(bed_status(&bed).violation, why);
	assert_true(bed_silent(&bed));
}

struct exchange {
	struct virtio_memory_balloon_msg msg;
	uint64_t words[5];
};

/* Proves DEV-EXCHANGE-4. */
static void less_room_than_a_byte_for_each_pair_stops_the_device(void **state)
{
	const struct exchange message = { { VIRTIO_MEMORY_BALLOON_MSG_EXCHANGE, 0 },
					  { FREE, HELD, FREE + PAGE, HELD + PAGE } };

	(void)state;
	stop_with(&message, 8 + 32, 1, VBALLOON_MESSAGE_DIRECTION);
	assert_true(is_held(HELD));
}

static void half_a_pair_stops_the_device(void **state)
{
	const struct exchange message = { { VIRTIO_MEMORY_BALLOON_MSG_EXCHANGE, 0 },
					  { FREE, HELD, FREE + PAGE } };

	(void)state;
	stop_with(&message, 8 + 24, 2, VBALLOON_MESSAGE_LENGTH);
	assert_true(is_held(HELD));
}

static void a_flag_stops_the_device(void **state)
{
	const struct exchange message = { { VIRTIO_MEMORY_BALLOON_MSG_EXCHANGE, 1 },
					  { FREE, HELD } };

	(void)state;
	stop_with(&message, 8 + 16, 1, VBALLOON_MESSAGE_FLAGS);
}

static void more_than_65536_units_stop_the_device_and_nothing_was_swapped(void **state)
{
	uint64_t message[1 + 2 * 18] = { VIRTIO_MEMORY_BALLOON_MSG_EXCHANGE };

	(void)state;
	message[1] = FREE;
	message[2] = HELD;
	for (unsigned int i = 1; i < 18; i++) {
		message[1 + 2 * i] = NOTHING;
		message[2 + 2 * i] = RUN(FREE, 4096);
	}
	stop_with(message, sizeof(message), 18, VBALLOON_MESSAGE_LENGTH);
	assert_true(is_held(HELD));
	assert_false(is_held(FREE));
	assert_int_equal(bed_status(&bed).exchanged_pages, 0);
}

/* Proves DEV-EXCHANGE-13. */
static void an_answer_that_cannot_be_written_swaps_nothing(void **state)
{
	const struct exchange message = { { VIRTIO_MEMORY_BALLOON_MSG_EXCHANGE, 0 },
					  { FREE, HELD, FREE + PAGE, HELD + PAGE } };

	(void)state;
	bed.write_fails_at = bed_next_message_at(&bed) + 8 + 32 + 1;
	stop_with(&message, 8 + 32, 2, VBALLOON_DESC_OUTSIDE_MEMORY);
	assert_true(is_held(HELD));
	assert_false(is_held(FREE));
	assert_int_equal(bed_status(&bed).held_pages, 16);
}

/* A swap that the driver knows of stays, whatever the driver does wrong afterwards. */
static void a_bad_message_behind_an_exchange_undoes_nothing(void **state)
{
	const struct exchange half = { { VIRTIO_MEMORY_BALLOON_MSG_EXCHANGE, 0 }, { FREE } };

	(void)state;
	assert_int_equal(bed_exchange(&bed, FREE, HELD), 1);
	bed_run(&bed);
	stop_with(&half, 8 + 8, 1, VBALLOON_MESSAGE_LENGTH);
	assert_false(is_held(HELD));
	assert_true(is_held(FREE));
	assert_int_equal(bed_status(&bed).exchanged_pages, 1);
	assert_int_equal(bed_status(&bed).dropped_pages, 16);
}

/* Proves DEV-EXCHANGE-14. */
static void pairs_beyond_those_that_can_be_undone_are_refused(void **state)
{
	static uint64_t pairs[2049][2];
	static uint8_t verdicts[2049];

	(void)state;
	bed_add_pages(&bed, AT + 1 * MIB, 256);
	for (unsigned int i = 0; i < 2049; i++) {
		pairs[i][0] = i % 2 ? HELD : FREE;
		pairs[i][1] = i % 2 ? FREE : HELD;
	}
	bed_exchange_pairs(&bed, pairs, 2049, verdicts);
	assert_int_equal(verdicts[2047], 1);
	assert_int_equal(verdicts[2048], 0);
	assert_int_equal(bed_status(&bed).refused_entries[VBALLOON_REFUSED_TOO_MANY], 1);
}

/* Proves DEV-FEAT-6. */
static void without_the_feature_the_message_is_unknown(void **state)
{
	const struct exchange message = { { VIRTIO_MEMORY_BALLOON_MSG_EXCHANGE, 0 },
					  { FREE, HELD } };

	(void)state;
	bed_destroy(&bed);
	set_up_with(BED_RUNS, 12);
	stop_with(&message, 8 + 16, 1, VBALLOON_MESSAGE_TYPE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(both_pages_change_hands),
		TEST(without_a_page_to_give_the_balloon_shrinks),
		TEST(to_take_for_nothing_is_a_matter_of_policy),
		TEST(runs_are_swapped_as_a_whole),
		TEST(what_add_refuses_is_refused_here_too),
		TEST(what_is_held_cannot_be_given),
		TEST(what_is_not_held_cannot_be_taken),
		TEST(what_is_no_memory_cannot_be_taken),
		TEST(what_is_no_unit_can_neither_be_given_nor_taken),
		TEST(runs_of_different_lengths_are_refused),
		TEST(pairs_are_carried_out_in_order),
		TEST(an_empty_message_is_answered),
		TEST(before_hello_every_pair_is_refused),
		TEST(a_pair_proves_the_record),
		TEST(what_was_dropped_has_its_memory_before_the_answer),
		TEST(what_the_host_has_no_memory_for_is_refused),
		TEST(a_pair_that_gets_memory_does_not_tell_of_more_than_the_message_had),
		TEST(much_is_restored_over_several_runs),
		TEST(less_room_than_a_byte_for_each_pair_stops_the_device),
		TEST(half_a_pair_stops_the_device),
		TEST(a_flag_stops_the_device),
		TEST(more_than_65536_units_stop_the_device_and_nothing_was_swapped),
		TEST(an_answer_that_cannot_be_written_swaps_nothing),
		TEST(a_bad_message_behind_an_exchange_undoes_nothing),
		TEST(pairs_beyond_those_that_can_be_undone_are_refused),
		TEST(without_the_feature_the_message_is_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
