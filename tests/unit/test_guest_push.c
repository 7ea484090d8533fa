/* SPDX-License-Identifier: BSD-3-Clause */
/* Statistics that the portable driver pushes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/le.h"
#include "liar_fixture.h"

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

static unsigned int one_stat(void *context, struct virtio_memory_balloon_stat *stats,
			     unsigned int room)
{
	(void)context;
	(void)room;
	stats->tag = vballoon_le16(VIRTIO_MEMORY_BALLOON_S_MEMTOT);
	stats->value = vballoon_le64(4096);
	return 1;
}

/* Proves DRV-STATS-6. */
static void what_lay_there_before_is_no_part_of_a_statistic(void **state)
{
	static struct vballoon_guest_ops ops;
	struct port_liar *l = *state;
	struct liar_message message;

	ops = *l->guest.config.ops;
	ops.stats = one_stat;
	l->guest.config.ops = &ops;
	memset(l->guest.config.shared, 0xa5, VBALLOON_GUEST_SHARED_BYTES);
	port_guest_init(&l->guest, l->guest.side_ops, l);
	port_guest_run(&l->guest);
	port_liar_greet(l);
	port_liar_request(l, REQ(STATS), 9, 0);
	message = port_liar_take(l, MSG(STATS));
	assert_int_equal(message.count, 2);
	assert_int_equal(message.entries[0], VIRTIO_MEMORY_BALLOON_S_MEMTOT);
	assert_int_equal(message.entries[1], 4096);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIAR_TEST(pushes_statistics_every_period, liar_set_up_filled),
		LIAR_TEST(what_lay_there_before_is_no_part_of_a_statistic, liar_set_up),
		LIAR_TEST(pushes_no_faster_than_four_a_second, liar_set_up_filled),
		LIAR_TEST(skips_a_push_while_one_is_in_flight, liar_set_up_filled),
		LIAR_TEST(a_reset_ends_pushing, liar_set_up_filled),
		LIAR_TEST(without_the_feature_a_period_means_nothing, liar_set_up_base),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
