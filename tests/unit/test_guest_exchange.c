/* SPDX-License-Identifier: BSD-3-Clause */
/* Pages that the portable driver swaps, and a device that lies about it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "liar_fixture.h"

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

static void a_verdict_that_was_not_written_is_no_old_one(void **state)
{
	struct port_liar *l = *state;
	const uint8_t yes = VIRTIO_MEMORY_BALLOON_ACCEPTED;

	assert_int_equal(port_guest_move(&l->guest, PORT_LOW, FREE, 1), 0);
	port_guest_run(&l->guest);
	port_liar_take(l, MSG(EXCHANGE));
	port_liar_answer(l, &yes, 1);
	assert_int_equal(port_guest_move(&l->guest, PORT_LOW + PAGE, FREE + PAGE, 1), 0);
	port_guest_run(&l->guest);
	port_liar_take(l, MSG(EXCHANGE));
	/* Of its answer only the length is told. */
	l->chains[1].written = 1;
	port_liar_answer(l, NULL, 0);
	port_liar_expect_failure(l, VBALLOON_GUEST_EXCHANGE_VERDICT);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIAR_TEST(swaps_pages, liar_set_up_filled),
		LIAR_TEST(takes_a_page_that_it_chooses, liar_set_up_filled),
		LIAR_TEST(a_refused_swap_changes_nothing, liar_set_up_filled),
		LIAR_TEST(swaps_that_cannot_be_are_refused_at_once, liar_set_up_filled),
		LIAR_TEST(one_exchange_is_in_flight, liar_set_up_filled),
		LIAR_TEST(without_the_feature_nothing_is_swapped, liar_set_up_base),
		LIAR_TEST(a_swap_without_a_verdict_is_a_failure, liar_set_up_filled),
		LIAR_TEST(a_verdict_that_was_not_written_is_no_old_one, liar_set_up_filled),
		LIAR_TEST(a_swap_of_what_was_handed_back_is_a_failure, liar_set_up_filled),
		LIAR_TEST(a_reset_ends_a_swap, liar_set_up_filled),
		LIAR_TEST(no_swap_before_hello_is_answered, liar_set_up_filled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
