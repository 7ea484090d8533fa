/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Driver ring and device ring on two threads, for the order of memory that only
 * two processors show. Each side waits for the other in the kernel; a wait that
 * does not end is a wakeup that was lost. Chance decides what two threads meet: a
 * failure is a fault for certain, a pass no proof that there is none.
 */
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "ring_pair.h"

#define MESSAGES 70000
#define LOST_AFTER_MS 20000

struct fixture {
	struct ring_pair pair;
	int kick; /* event fds */
	int interrupt;
	const char *device_wrong; /* NULL, or a sentence */
};

static void wake(int event)
{
	eventfd_write(event, 1);
}

/* Wait to be woken; false when nobody did. */
static bool wait_for(int event)
{
	struct pollfd poll_fd = { .fd = event, .events = POLLIN };
	eventfd_t count;

	return poll(&poll_fd, 1, LOST_AFTER_MS) == 1 && !eventfd_read(event, &count);
}

/* Answer until all is answered. */
static const char *serve(struct fixture *f)
{
	struct pair_device *device = &f->pair.device;

	while (device->answered < MESSAGES) {
		int outcome = pair_device_answer(device);

		if (outcome == VBALLOON_RING_BROKEN)
			return "the device's ring is broken";
		if (vballoon_device_ring_should_notify(&device->ring))
			wake(f->interrupt);
		if (outcome == VBALLOON_RING_EMPTY && !wait_for(f->kick))
			return "the device was not woken";
	}
	return NULL;
}

static void *device_main(void *context)
{
	struct fixture *f = context;

	f->device_wrong = serve(f);
	return NULL;
}

/* Post and collect until all has come back. */
static const char *drive(struct fixture *f)
{
	struct pair_driver *driver = &f->pair.driver;
	struct vballoon_driver_ring *ring = &driver->builder.driver;
	const char *wrong = NULL;

	while (driver->collected < MESSAGES && !wrong) {
		while (driver->posted < MESSAGES && pair_driver_post(driver))
			if (vballoon_driver_ring_should_kick(ring))
				wake(f->kick);
		if (pair_driver_collect(driver, &wrong) == VBALLOON_COLLECT_NONE &&
		    !vballoon_driver_ring_interrupts(ring, true) && !wait_for(f->interrupt))
			wrong = "the driver was not woken";
	}
	return wrong;
}

static void exchange(struct vballoon_ring_features features)
{
	struct fixture *f = calloc(1, sizeof(*f));
	const char *wrong;
	pthread_t thread;

	assert_non_null(f);
	ring_pair_init(&f->pair, 4, features, 0x5eed0006);
	f->kick = eventfd(0, EFD_CLOEXEC);
	f->interrupt = eventfd(0, EFD_CLOEXEC);
	assert_true(f->kick >= 0 && f->interrupt >= 0);
	assert_int_equal(pthread_create(&thread, NULL, device_main, f), 0);
	wrong = drive(f);
	assert_int_equal(pthread_join(thread, NULL), 0);
	if (wrong || f->device_wrong)
		fail_msg("%s; %s", wrong ? wrong : "the driver is done",
			 f->device_wrong ? f->device_wrong : "the device is done");
	close(f->kick);
	close(f->interrupt);
	ring_pair_destroy(&f->pair);
	free(f);
}

static void two_threads_never_lose_a_wakeup_with_split_flags(void **state)
{
	(void)state;
	exchange((struct vballoon_ring_features){ .indirect = true });
}

static void two_threads_never_lose_a_wakeup_with_split_event_indices(void **state)
{
	(void)state;
	exchange((struct vballoon_ring_features){ .indirect = true, .event_idx = true });
}

static void two_threads_never_lose_a_wakeup_with_packed_flags(void **state)
{
	(void)state;
	exchange((struct vballoon_ring_features){ .packed = true, .indirect = true });
}

static void two_threads_never_lose_a_wakeup_with_packed_event_places(void **state)
{
	(void)state;
	exchange((struct vballoon_ring_features){
		.packed = true, .indirect = true, .event_idx = true });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_threads_never_lose_a_wakeup_with_split_flags),
		cmocka_unit_test(two_threads_never_lose_a_wakeup_with_split_event_indices),
		cmocka_unit_test(two_threads_never_lose_a_wakeup_with_packed_flags),
		cmocka_unit_test(two_threads_never_lose_a_wakeup_with_packed_event_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
