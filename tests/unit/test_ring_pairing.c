/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Driver ring and device ring against each other, one step at a time in a seeded
 * order. A side that has nothing to do sleeps until the other wakes it, as its
 * ring tells it to: when both sleep and messages are out, a wakeup was lost.
 * While the device is at work the driver may act at every access to memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ring_pair.h"

/* More than the 2^16 after which the indices wrap. */
#define MESSAGES 70000

/* What suppression is worth: a wakeup for every other message at most, where more than one message
 * can be out. Where only one can, it is one for each. */
#define FEW (MESSAGES / 2)
#define EACH MESSAGES

static const struct vballoon_ring_features split_flags = { .indirect = true };
static const struct vballoon_ring_features split_events = { .indirect = true, .event_idx = true };
static const struct vballoon_ring_features split_in_order = { .event_idx = true, .in_order = true };
static const struct vballoon_ring_features packed_flags = { .packed = true, .indirect = true };
static const struct vballoon_ring_features packed_events = { .packed = true,
							     .indirect = true,
							     .event_idx = true };
static const struct vballoon_ring_features packed_in_order = { .packed = true, .in_order = true };

struct sleeper {
	bool awake;
	bool woken; /* by the other side, since it last looked */
	uint64_t wakeups;
};

struct fixture {
	struct ring_pair pair;
	struct sleeper driver;
	struct sleeper device;
	uint64_t order; /* random: who is next */
};

static void wake(struct sleeper *sleeper)
{
	sleeper->woken = true;
	sleeper->wakeups++;
}

static bool runnable(struct sleeper *sleeper)
{
	if (sleeper->woken)
		sleeper->awake = true;
	sleeper->woken = false;
	return sleeper->awake;
}

static uint64_t outstanding(const struct fixture *f)
{
	return f->pair.driver.posted - f->pair.driver.collected;
}

static void kick(struct fixture *f)
{
	if (vballoon_driver_ring_should_kick(&f->pair.driver.builder.driver))
		wake(&f->device);
}

/* Post a batch; one kick at most is for all of it. */
static void post_some(struct fixture *f)
{
	uint32_t count = 1 + pair_random(&f->order, 4);

	while (count-- && f->pair.driver.posted < MESSAGES)
		if (!pair_driver_post(&f->pair.driver))
			break;
	kick(f);
}

static int collect_one(struct fixture *f)
{
	const char *wrong;
	int outcome = pair_driver_collect(&f->pair.driver, &wrong);

	if (wrong)
		fail_msg("message %llu: %s", (unsigned long long)f->pair.driver.collected, wrong);
	return outcome;
}

/* Sleep until an interrupt, unless chains were used already. */
static void driver_sleep(struct fixture *f)
{
	struct vballoon_driver_ring *ring = &f->pair.driver.builder.driver;

	if (outstanding(f) && !vballoon_driver_ring_interrupts(ring, true))
		f->driver.awake = false;
}

static void driver_step(struct fixture *f)
{
	switch (pair_random(&f->order, 4)) {
	case 0:
		post_some(f);
		break;
	case 1:
		vballoon_driver_ring_interrupts(&f->pair.driver.builder.driver, false);
		break;
	default:
		if (collect_one(f) == VBALLOON_COLLECT_NONE)
			driver_sleep(f);
	}
}

static void interrupt(struct fixture *f)
{
	if (vballoon_device_ring_should_notify(&f->pair.device.ring))
		wake(&f->driver);
}

/* Answer a batch; one interrupt at most is for all of it. */
static void device_step(struct fixture *f)
{
	uint32_t count = 1 + pair_random(&f->order, 4);
	int outcome = VBALLOON_RING_CHAIN;

	while (count-- && outcome == VBALLOON_RING_CHAIN)
		outcome = pair_device_answer(&f->pair.device);
	assert_int_not_equal(outcome, VBALLOON_RING_BROKEN);
	interrupt(f);
	if (outcome == VBALLOON_RING_EMPTY)
		f->device.awake = false;
}

static void driver_may_act(struct fixture *f)
{
	if (!pair_random(&f->order, 16) && runnable(&f->driver))
		driver_step(f);
}

static int before_read(void *context, struct vballoon_gpa gpa, size_t len)
{
	(void)gpa;
	(void)len;
	driver_may_act(context);
	return 0;
}

static void after_write(void *context, struct vballoon_gpa gpa, size_t len)
{
	(void)gpa;
	(void)len;
	driver_may_act(context);
}

static const struct vballoon_memory_hooks hooks = { .before_read = before_read,
						    .after_write = after_write };

static void exchange(uint16_t size, struct vballoon_ring_features features, uint64_t seed,
		     uint64_t most_wakeups)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	ring_pair_init(&f->pair, size, features, seed);
	f->pair.guest.memory.hooks = &hooks;
	f->pair.guest.memory.hooks_context = f;
	f->order = seed;
	f->driver.awake = true;
	while (f->pair.driver.collected < MESSAGES) {
		bool driver = runnable(&f->driver), device = runnable(&f->device);

		if (!driver && !device)
			fail_msg("a wakeup was lost with %llu messages out, %llu collected",
				 (unsigned long long)outstanding(f),
				 (unsigned long long)f->pair.driver.collected);
		if (driver && (!device || pair_random(&f->order, 2)))
			driver_step(f);
		else
			device_step(f);
	}
	assert_int_equal(f->pair.device.answered, MESSAGES);
	assert_in_range(f->device.wakeups, 1, most_wakeups);
	assert_in_range(f->driver.wakeups, 1, most_wakeups);
	ring_pair_destroy(&f->pair);
	free(f);
}

static void messages_pass_a_split_ring_with_flags(void **state)
{
	(void)state;
	exchange(16, split_flags, 0x5eed0001, FEW);
}

static void messages_pass_a_split_ring_with_event_indices(void **state)
{
	(void)state;
	exchange(16, split_events, 0x5eed0002, FEW);
}

static void messages_pass_the_smallest_split_ring_with_flags(void **state)
{
	(void)state;
	exchange(1, split_flags, 0x5eed0003, EACH);
}

static void messages_pass_the_smallest_split_ring_with_event_indices(void **state)
{
	(void)state;
	exchange(1, split_events, 0x5eed0004, EACH);
}

static void messages_pass_the_largest_split_ring_with_event_indices(void **state)
{
	(void)state;
	exchange(VBALLOON_QUEUE_SIZE_MAX, split_events, 0x5eed0005, FEW);
}

static void messages_pass_a_split_ring_in_order(void **state)
{
	(void)state;
	exchange(16, split_in_order, 0x5eed0006, FEW);
}

static void messages_pass_a_packed_ring_with_flags(void **state)
{
	(void)state;
	exchange(16, packed_flags, 0x5eed0007, FEW);
}

static void messages_pass_a_packed_ring_with_event_places(void **state)
{
	(void)state;
	exchange(16, packed_events, 0x5eed0008, FEW);
}

static void messages_pass_the_smallest_packed_ring_with_flags(void **state)
{
	(void)state;
	exchange(1, packed_flags, 0x5eed0009, EACH);
}

static void messages_pass_the_smallest_packed_ring_with_event_places(void **state)
{
	(void)state;
	exchange(1, packed_events, 0x5eed000a, EACH);
}

static void messages_pass_the_largest_packed_ring_with_event_places(void **state)
{
	(void)state;
	exchange(VBALLOON_QUEUE_SIZE_MAX, packed_events, 0x5eed000b, FEW);
}

static void messages_pass_a_packed_ring_of_an_odd_size(void **state)
{
	(void)state;
	exchange(21, packed_events, 0x5eed000c, FEW);
}

static void messages_pass_a_packed_ring_in_order(void **state)
{
	(void)state;
	exchange(16, packed_in_order, 0x5eed000d, FEW);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_pass_a_split_ring_with_flags),
		cmocka_unit_test(messages_pass_a_split_ring_with_event_indices),
		cmocka_unit_test(messages_pass_the_smallest_split_ring_with_flags),
		cmocka_unit_test(messages_pass_the_smallest_split_ring_with_event_indices),
		cmocka_unit_test(messages_pass_the_largest_split_ring_with_event_indices),
		cmocka_unit_test(messages_pass_a_split_ring_in_order),
		cmocka_unit_test(messages_pass_a_packed_ring_with_flags),
		cmocka_unit_test(messages_pass_a_packed_ring_with_event_places),
		cmocka_unit_test(messages_pass_the_smallest_packed_ring_with_flags),
		cmocka_unit_test(messages_pass_the_smallest_packed_ring_with_event_places),
		cmocka_unit_test(messages_pass_the_largest_packed_ring_with_event_places),
		cmocka_unit_test(messages_pass_a_packed_ring_of_an_odd_size),
		cmocka_unit_test(messages_pass_a_packed_ring_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
