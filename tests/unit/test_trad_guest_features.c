/* SPDX-License-Identifier: BSD-3-Clause */
/* What the portable driver of the traditional balloon accepts, and what it does with it. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/le.h"
#include "driver/traditional/pool.h"
#include "trad_liar.h"

#define INFLATE VIRTIO_BALLOON_VQ_INFLATE
#define DEFLATE VIRTIO_BALLOON_VQ_DEFLATE
#define MUST TRAD_BIT(MUST_TELL_HOST)
#define SILENT TRAD_BIT(SILENT_DEFLATE)
#define OOM TRAD_BIT(DEFLATE_ON_OOM)
#define STATS TRAD_BIT(STATS_VQ)
#define HINT TRAD_BIT(FREE_PAGE_HINT)
#define POISON TRAD_BIT(PAGE_POISON)
#define REPORTING TRAD_BIT(REPORTING)
#define ALL (SILENT | OOM | STATS | HINT | POISON | REPORTING)

static struct trad_liar liar;

static int begin(void **state, uint64_t features)
{
	trad_liar_init(&liar, features);
	*state = &liar;
	return 0;
}

static int set_up_all(void **state)
{
	return begin(state, ALL);
}

static int set_up_silent(void **state)
{
	return begin(state, SILENT);
}

static int set_up_must(void **state)
{
	return begin(state, MUST | OOM);
}

static int set_up_base(void **state)
{
	return begin(state, 0);
}

static int tear_down(void **state)
{
	trad_liar_destroy(*state);
	return 0;
}

static uint64_t accepted(uint64_t offered, void (*change)(struct trad_guest *guest))
{
	static struct trad_guest guest;
	uint64_t features;

	trad_guest_prepare(&guest, offered, 12);
	if (change)
		change(&guest);
	assert_int_equal(
		vballoon_traditional_guest_init(guest.storage, &guest.config, &guest.driver), 0);
	features = trad_guest_status(&guest).features & ~PORT_VERSION_1;
	trad_guest_destroy(&guest);
	return features;
}

static void no_reserve(struct trad_guest *guest)
{
	guest->ops.get_reserve = NULL;
}

static void no_stats(struct trad_guest *guest)
{
	guest->ops.stats = NULL;
}

static void no_reports(struct trad_guest *guest)
{
	guest->ops.free_next = NULL;
}

static void is_poisoned(struct trad_guest *guest)
{
	guest->config.free_is_poisoned = true;
}

static void wants_oom_only(struct trad_guest *guest)
{
	guest->config.features = OOM;
}

static void accepts_what_the_guest_can_do(void **state)
{
	(void)state;
	assert_int_equal(accepted(ALL, NULL), SILENT | OOM | STATS | REPORTING);
	assert_int_equal(accepted(0, NULL), 0);
	assert_int_equal(accepted(MUST, NULL), MUST);
	assert_int_equal(accepted(ALL, no_reserve) & SILENT, 0);
	assert_int_equal(accepted(ALL, no_stats) & STATS, 0);
	assert_int_equal(accepted(ALL, no_reports) & REPORTING, 0);
	assert_int_equal(accepted(ALL, wants_oom_only), OOM);
}

/* Which is never offered. */
static void in_doubt_the_device_is_told_first(void **state)
{
	(void)state;
	assert_int_equal(accepted(MUST | SILENT, NULL), MUST);
}

static void poison_is_kept_by_reports_or_nothing_is_reported(void **state)
{
	(void)state;
	assert_int_equal(accepted(ALL, is_poisoned) & (POISON | REPORTING), POISON | REPORTING);
	assert_int_equal(accepted(ALL & ~POISON, is_poisoned) & REPORTING, 0);
}

static int init_error(void (*change)(struct trad_guest *guest))
{
	static struct trad_guest guest;
	int error;

	trad_guest_prepare(&guest, ALL, 12);
	change(&guest);
	error = vballoon_traditional_guest_init(guest.storage, &guest.config, &guest.driver);
	trad_guest_destroy(&guest);
	return error;
}

static void no_version_1(struct trad_guest *guest)
{
	guest->config.offered = ALL;
}

static void no_deflateq(struct trad_guest *guest)
{
	guest->queue_sizes[DEFLATE] = 0;
}

static void no_reset(struct trad_guest *guest)
{
	guest->ops.reset = NULL;
}

static void unit_too_large(struct trad_guest *guest)
{
	guest->config.unit_shift = VBALLOON_TRADITIONAL_GUEST_SHIFT_MAX + 1;
}

static void shared_misaligned(struct trad_guest *guest)
{
	guest->config.shared_gpa.value += 4;
}

static void empty_range(struct trad_guest *guest)
{
	guest->port.ranges[1].size.value = 0;
}

static void what_cannot_work_is_refused(void **state)
{
	(void)state;
	assert_int_equal(init_error(no_version_1), -ENODEV);
	assert_int_equal(init_error(no_deflateq), -ENODEV);
	assert_int_equal(init_error(no_reset), -EINVAL);
	assert_int_equal(init_error(unit_too_large), -EINVAL);
	assert_int_equal(init_error(shared_misaligned), -EINVAL);
	assert_int_equal(init_error(empty_range), -EINVAL);
}

/* As Linux and QEMU have it, hints not being accepted. */
static void queues_are_numbered_without_a_gap(void **state)
{
	struct trad_liar *l = *state;

	for (unsigned int i = 0; i < TRAD_QUEUES; i++)
		assert_int_equal(l->started[i], i < 4);
}

static void or_as_the_standard_has_them(void **state)
{
	*state = &liar;
	trad_liar_prepare(&liar, ALL, 12);
	liar.guest.config.fixed_queues = true;
	trad_liar_start(&liar);
	for (unsigned int i = 0; i < TRAD_QUEUES; i++)
		assert_int_equal(liar.started[i], i != VIRTIO_BALLOON_VQ_FREE_PAGE);
	assert_int_equal(vballoon_traditional_guest_report(liar.guest.driver), 0);
	trad_guest_run(&liar.guest);
	assert_int_equal(liar.kicks[VIRTIO_BALLOON_VQ_REPORTING], 1);
	assert_true(trad_liar_take(&liar, VIRTIO_BALLOON_VQ_REPORTING).writable_len > 0);
	trad_liar_destroy(&liar);
}

static void statistics_lie_with_the_device_until_it_uses_them(void **state)
{
	struct trad_liar *l = *state;

	for (unsigned int i = 0; i < 3; i++) {
		struct trad_message message = trad_liar_take(l, VIRTIO_BALLOON_VQ_STATS);

		assert_int_equal(message.readable_len, 20);
		assert_int_equal(message.writable_len, 0);
		assert_int_equal(message.pfns[0] & 0xffff, VIRTIO_BALLOON_S_MEMTOT);
		assert_true(trad_liar_is_idle(l, VIRTIO_BALLOON_VQ_STATS));
		trad_liar_answer(l, VIRTIO_BALLOON_VQ_STATS);
	}
}

static void reports_free_memory_and_keeps_off_it_until_the_answer(void **state)
{
	struct trad_liar *l = *state;
	uint64_t bytes = 0;
	unsigned int messages = 0;

	l->guest.port.block = 8;
	assert_int_equal(vballoon_traditional_guest_report(l->guest.driver), 0);
	trad_guest_run(&l->guest);
	while (!trad_liar_is_idle(l, 3)) {
		vballoon_device_ring_put_back(&l->rings[3]);
		bytes += trad_liar_take(l, 3).writable_len;
		assert_int_equal(l->chains[3].readable_len, 0);
		assert_true(l->guest.port.reported[256 * messages++]);
		trad_liar_answer(l, 3);
	}
	assert_int_equal(messages, 3);
	assert_int_equal(bytes, PORT_RANGES * PORT_RANGE_BYTES);
	for (unsigned int i = 0; i < PORT_UNITS_MAX; i++)
		assert_false(l->guest.port.reported[i]);
	assert_int_equal(l->guest.port.zeroed, 0);
}

/* A guest of which more is free than a chain can have. */
#define VAST_AT (UINT64_C(1) << 34)
#define VAST_BYTES (UINT64_C(8) << 30)

static uint64_t vast_named; /* pages, in the device's hands */

static uint64_t vast_next(void *context, bool first, uint64_t most, struct vballoon_gpa *gpa_out)
{
	(void)context;
	if (first)
		vast_named = 0;
	*gpa_out = vballoon_gpa(VAST_AT + (vast_named << 12));
	vast_named += most;
	return most;
}

static void vast_done(void *context, struct vballoon_gpa gpa, uint64_t units, bool zeroed)
{
	(void)context;
	(void)gpa;
	(void)zeroed;
	vast_named -= units;
}

static void a_report_has_no_more_bytes_than_a_chain_may_have(void **state)
{
	static uint64_t held[VAST_BYTES / 4096 / 64];
	static struct vballoon_guest_range range;

	*state = &liar;
	range = (struct vballoon_guest_range){ vballoon_gpa(VAST_AT), vballoon_bytes(VAST_BYTES),
					       held };
	trad_liar_prepare(&liar, REPORTING, 12);
	liar.guest.config.ranges = &range;
	liar.guest.config.range_count = 1;
	liar.guest.ops.free_next = vast_next;
	liar.guest.ops.free_done = vast_done;
	trad_liar_start(&liar);
	assert_int_equal(vballoon_traditional_guest_report(liar.guest.driver), 0);
	trad_guest_run(&liar.guest);
	assert_int_equal(trad_guest_status(&liar.guest).failure, VBALLOON_GUEST_OK);
	assert_int_equal(liar.kicks[2], 1);
	assert_int_equal(vast_named, UINT64_C(1) << (32 - 12));
	vballoon_traditional_guest_stop(liar.guest.driver);
	assert_int_equal(vast_named, 0);
	trad_liar_destroy(&liar);
}

static void a_reset_ends_a_report(void **state)
{
	struct trad_liar *l = *state;

	vballoon_traditional_guest_report(l->guest.driver);
	trad_guest_run(&l->guest);
	assert_true(l->guest.port.reported[0]);
	vballoon_traditional_guest_stop(l->guest.driver);
	assert_false(l->guest.port.reported[0]);
	assert_int_equal(vballoon_traditional_guest_report(l->guest.driver), -EOPNOTSUPP);
}

static void without_the_feature_nothing_is_reported(void **state)
{
	struct trad_liar *l = *state;

	assert_int_equal(vballoon_traditional_guest_report(l->guest.driver), -EOPNOTSUPP);
}

/* The point of it: a page at once, and not a word. */
static void a_page_is_taken_without_a_word(void **state)
{
	struct trad_liar *l = *state;

	trad_liar_fill(l, 100);
	assert_int_equal(trad_guest_take(&l->guest, 5), 5);
	assert_int_equal(l->guest.port.out_count, 95);
	trad_guest_run(&l->guest);
	assert_int_equal(trad_guest_status(&l->guest).held_pages, 95);
	assert_int_equal(trad_guest_status(&l->guest).taken_pages, 5);
	assert_int_equal(l->guest.actual, 95);
	assert_true(trad_liar_is_idle(l, DEFLATE));
	assert_int_equal(l->kicks[DEFLATE], 0);
	/* And the guest has use for it. */
	l->guest.port.now_ms += 9999;
	trad_guest_run(&l->guest);
	assert_true(trad_liar_is_idle(l, INFLATE));
	l->guest.port.now_ms += 1;
	trad_guest_run(&l->guest);
	assert_int_equal(trad_liar_take(l, INFLATE).count, 5);
}

static void what_is_taken_counts_also_when_the_device_is_left_before_the_driver_runs(void **state)
{
	struct trad_liar *l = *state;

	trad_liar_fill(l, 100);
	assert_int_equal(trad_guest_take(&l->guest, 5), 5);
	vballoon_traditional_guest_stop(l->guest.driver);
	trad_guest_run(&l->guest);
	assert_int_equal(trad_guest_status(&l->guest).returned_pages, 95);
	assert_int_equal(trad_guest_status(&l->guest).taken_pages, 5);
	l->guest.port.now_ms += 1000;
	vballoon_traditional_guest_start(l->guest.driver);
	trad_guest_run(&l->guest);
	assert_int_equal(l->guest.port.starts, 2);
	assert_int_equal(trad_guest_status(&l->guest).taken_pages, 5);
}

static void all_of_the_balloon_can_be_taken_and_no_more(void **state)
{
	struct trad_liar *l = *state;
	unsigned int units = 0;

	trad_liar_fill(l, 300);
	for (uint64_t taken; (taken = trad_guest_take(&l->guest, 1000)) != 0;) {
		assert_true(taken <= 32);
		units += (unsigned int)taken;
	}
	assert_int_equal(units, 300);
	assert_int_equal(l->guest.port.out_count, 0);
	trad_guest_run(&l->guest);
	assert_int_equal(trad_guest_status(&l->guest).held_pages, 0);
	assert_int_equal(l->guest.actual, 0);
}

static void what_the_device_has_not_answered_for_is_not_taken(void **state)
{
	struct trad_liar *l = *state;

	trad_guest_want(&l->guest, 100);
	trad_guest_run(&l->guest);
	trad_liar_take(l, INFLATE);
	assert_int_equal(trad_guest_take(&l->guest, 1), 0);
	trad_liar_answer(l, INFLATE);
	assert_int_equal(trad_guest_take(&l->guest, 1), 1);
	/* Nor what it was told of. */
	trad_guest_want(&l->guest, 0);
	trad_guest_run(&l->guest);
	assert_int_equal(trad_liar_take(l, DEFLATE).count, 99);
	assert_int_equal(trad_guest_take(&l->guest, 1), 0);
}

static void without_silent_deflate_nothing_is_taken(void **state)
{
	struct trad_liar *l = *state;

	trad_liar_fill(l, 100);
	assert_int_equal(trad_guest_take(&l->guest, 1), 0);
}

static void against_the_target_it_takes_deflate_on_oom(void **state)
{
	struct trad_liar *l = *state;

	trad_liar_fill(l, 100);
	assert_int_equal(trad_guest_take(&l->guest, 1), 0);
	trad_guest_want(&l->guest, 90);
	vballoon_traditional_guest_pressure(l->guest.driver, 0, l->guest.port.now_ms);
	trad_guest_run(&l->guest);
	assert_int_equal(trad_liar_take(l, DEFLATE).count, 10);
	assert_int_equal(trad_guest_take(&l->guest, 1), 0);
}

/* It is on its way back to the guest, some at a time; who cannot wait for that takes it. */
static void what_a_reset_has_freed_is_taken_whatever_was_wanted_of_it(void **state)
{
	struct trad_liar *l = *state;
	uint64_t taken;

	trad_liar_fill(l, 100);
	assert_int_equal(trad_guest_take(&l->guest, 32), 0);
	vballoon_traditional_guest_restart(l->guest.driver);
	taken = trad_guest_take(&l->guest, 32);
	assert_in_range(taken, 1, 32);
	trad_guest_run(&l->guest);
	assert_int_equal(l->guest.port.out_count, 0);
	assert_int_equal(trad_guest_status(&l->guest).taken_pages, taken);
	assert_int_equal(trad_guest_status(&l->guest).returned_pages, 100 - taken);
	/* The next target is one again. */
	l->guest.port.now_ms += 1000;
	trad_guest_run(&l->guest);
	assert_int_equal(l->guest.port.starts, 2);
	assert_int_equal(trad_liar_take(l, INFLATE).count, 100);
	trad_liar_answer(l, INFLATE);
	assert_int_equal(trad_guest_take(&l->guest, 32), 0);
}

/* The device wants less, and is not told yet of all that it is to have no more. */
static void no_more_is_taken_than_the_device_leaves(void **state)
{
	struct trad_liar *l = *state;

	trad_liar_fill(l, 100);
	trad_guest_want(&l->guest, 90);
	trad_guest_run(&l->guest);
	assert_int_equal(trad_liar_take(l, DEFLATE).count, 10);
	trad_guest_want(&l->guest, 80);
	trad_guest_run(&l->guest);
	assert_int_equal(trad_guest_take(&l->guest, 32), 10);
	assert_int_equal(trad_guest_take(&l->guest, 32), 0);
	trad_liar_answer(l, DEFLATE);
	assert_int_equal(l->guest.actual, 80);
	assert_true(trad_liar_is_idle(l, DEFLATE));
}

static void the_reserve_is_given_only_if_it_can_be_had_back(void **state)
{
	struct trad_liar *l = *state;
	bool can_be = (l->features & (SILENT | OOM)) == (SILENT | OOM);

	trad_liar_fill(l, 100);
	assert_int_equal(l->guest.reserves != 0, can_be);
	assert_int_equal(l->guest.reserves ? l->guest.port.gets : 0, l->guest.reserves);
	assert_int_equal(trad_guest_take(&l->guest, 1) != 0, can_be);
}

/* From inside an operation, too: memory is looked for, and found in the balloon. */
static uint64_t taken_inside;

static uint64_t get_page_that_takes(void *context, uint64_t most, struct vballoon_gpa *gpa_out)
{
	struct trad_guest *guest = context;

	(void)most;
	(void)gpa_out;
	taken_inside += trad_guest_take(guest, 1);
	return 0;
}

static void a_page_is_taken_from_inside_an_operation(void **state)
{
	struct trad_liar *l = *state;

	trad_liar_fill(l, 100);
	l->guest.ops.get_reserve = get_page_that_takes;
	taken_inside = 0;
	trad_guest_want(&l->guest, 101);
	trad_guest_run(&l->guest);
	assert_int_equal(taken_inside, 1);
	trad_guest_run(&l->guest);
	assert_int_equal(trad_guest_status(&l->guest).held_pages, 99);
	assert_int_equal(l->guest.actual, 99);
}

/* Two that take and one that puts: each unit is somebody's, once. */
#define POOL_UNITS 512
#define POOL_ROUNDS 20000

static struct vballoon_traditional_pool pool;
static unsigned char owners[POOL_UNITS]; /* how many have it */

static void *take_and_put(void *unused)
{
	(void)unused;
	for (unsigned int i = 0; i < POOL_ROUNDS; i++) {
		uint64_t gpa, units = vballoon_traditional_pool_take(&pool, 1 + i % 40, &gpa);

		for (uint64_t j = 0; j < units; j++) {
			if (__atomic_fetch_add(&owners[(gpa >> 12) + j], 1, __ATOMIC_RELAXED))
				return &pool;
		}
		for (uint64_t j = 0; j < units; j++)
			__atomic_fetch_sub(&owners[(gpa >> 12) + j], 1, __ATOMIC_RELAXED);
		if (units)
			vballoon_traditional_pool_put(&pool, gpa, units);
	}
	return NULL;
}

static void whoever_takes_a_unit_has_it_alone(void **state)
{
	static uint64_t bitmaps[2][POOL_UNITS / 128];
	const struct vballoon_guest_range ranges[2] = {
		{ vballoon_gpa(0), vballoon_bytes(POOL_UNITS / 2 << 12), bitmaps[0] },
		{ vballoon_gpa(POOL_UNITS / 2 << 12), vballoon_bytes(POOL_UNITS / 2 << 12),
		  bitmaps[1] },
	};
	pthread_t threads[3];
	uint64_t gpa, units, all = 0;

	(void)state;
	pool = (struct vballoon_traditional_pool){ .ranges = ranges,
						   .range_count = 2,
						   .unit_shift = 12 };
	vballoon_traditional_pool_put(&pool, 0, POOL_UNITS / 2);
	vballoon_traditional_pool_put(&pool, POOL_UNITS / 2 << 12, POOL_UNITS / 2);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, take_and_put, NULL), 0);
	for (unsigned int i = 0; i < 3; i++) {
		void *failed;

		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
	assert_int_equal(vballoon_traditional_pool_units(&pool), POOL_UNITS);
	while ((units = vballoon_traditional_pool_take(&pool, UINT64_MAX, &gpa)) != 0)
		all += units;
	assert_int_equal(all, POOL_UNITS);
	assert_int_equal(vballoon_traditional_pool_units(&pool), 0);
}

#define WITH(name, set_up) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepts_what_the_guest_can_do),
		cmocka_unit_test(in_doubt_the_device_is_told_first),
		cmocka_unit_test(poison_is_kept_by_reports_or_nothing_is_reported),
		cmocka_unit_test(what_cannot_work_is_refused),
		WITH(queues_are_numbered_without_a_gap, set_up_all),
		cmocka_unit_test(or_as_the_standard_has_them),
		WITH(statistics_lie_with_the_device_until_it_uses_them, set_up_all),
		WITH(reports_free_memory_and_keeps_off_it_until_the_answer, set_up_all),
		cmocka_unit_test(a_report_has_no_more_bytes_than_a_chain_may_have),
		WITH(a_reset_ends_a_report, set_up_all),
		WITH(without_the_feature_nothing_is_reported, set_up_base),
		WITH(a_page_is_taken_without_a_word, set_up_all),
		WITH(what_is_taken_counts_also_when_the_device_is_left_before_the_driver_runs,
		     set_up_all),
		WITH(all_of_the_balloon_can_be_taken_and_no_more, set_up_all),
		WITH(what_the_device_has_not_answered_for_is_not_taken, set_up_all),
		WITH(without_silent_deflate_nothing_is_taken, set_up_must),
		WITH(without_silent_deflate_nothing_is_taken, set_up_base),
		WITH(against_the_target_it_takes_deflate_on_oom, set_up_silent),
		WITH(what_a_reset_has_freed_is_taken_whatever_was_wanted_of_it, set_up_silent),
		WITH(no_more_is_taken_than_the_device_leaves, set_up_silent),
		WITH(the_reserve_is_given_only_if_it_can_be_had_back, set_up_all),
		WITH(the_reserve_is_given_only_if_it_can_be_had_back, set_up_silent),
		WITH(the_reserve_is_given_only_if_it_can_be_had_back, set_up_must),
		WITH(a_page_is_taken_from_inside_an_operation, set_up_all),
		cmocka_unit_test(whoever_takes_a_unit_has_it_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
