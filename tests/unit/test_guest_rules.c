/* SPDX-License-Identifier: BSD-3-Clause */
/* What the portable driver says and does in the course of its work, message by message. */
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

static int set_up_reporting(void **state)
{
	port_liar_init(&liar, RUNS | UINT64_C(1) << VIRTIO_MEMORY_BALLOON_F_REPORTING, 12);
	*state = &liar;
	return 0;
}

static int set_up_base(void **state)
{
	port_liar_init(&liar, 0, 12);
	*state = &liar;
	return 0;
}

static int tear_down(void **state)
{
	port_liar_destroy(*state);
	return 0;
}

/* port_liar_take() takes chains that a device takes, and no others. Proves DRV-RING-1,
 * DRV-RING-2, DRV-MSG-1, DRV-MSG-2. */
static void each_message_has_its_type_and_no_flag(void **state)
{
	const uint64_t held = 0;
	const uint8_t verdict = VIRTIO_MEMORY_BALLOON_ACCEPTED;
	struct port_liar *l = *state;

	assert_int_equal(port_liar_take(l, MSG(HELLO)).flags, 0);
	port_liar_answer(l, &held, sizeof(held));
	port_liar_request(l, REQ(RESIZE), 0, 1);
	assert_int_equal(port_liar_take(l, MSG(ADD)).flags, 0);
	port_liar_answer(l, &verdict, 1);
	port_liar_request(l, REQ(RESIZE), 0, 0);
	assert_int_equal(port_liar_take(l, MSG(WITHDRAW)).flags, 0);
	port_liar_request(l, REQ(STATS), 9, 0);
	assert_int_equal(port_liar_take(l, MSG(STATS)).flags, 9);
}

/* Proves DRV-ADD-5. */
static void there_is_room_for_each_verdict(void **state)
{
	struct port_liar *l = *state;
	struct liar_message add;

	port_liar_greet(l);
	port_liar_request(l, REQ(RESIZE), 0, 30);
	add = port_liar_take(l, MSG(ADD));
	assert_int_equal(add.count, 30);
	assert_int_equal(add.writable_len, 30);
}

/* Proves DRV-REQ-2. */
static void a_request_may_be_written_to_each_posted_buffer(void **state)
{
	struct port_liar *l = *state;
	enum vballoon_violation violation;
	unsigned int buffers = 0;

	while (vballoon_device_ring_next(&l->rings[0], &l->chains[0], &violation) ==
	       VBALLOON_RING_CHAIN) {
		assert_int_equal(l->chains[0].readable_len, 0);
		assert_true(l->chains[0].writable_len >= 16);
		buffers++;
	}
	assert_true(buffers > 0);
}

/* Proves DRV-REQ-5. */
static void the_target_is_0_until_it_is_told(void **state)
{
	struct port_liar *l = *state;

	port_liar_fill(l, 100);
	port_liar_request(l, REQ(RESET), 0, 0);
	l->guest.now_ms += 1000;
	port_guest_run(&l->guest);
	port_liar_greet(l);
	l->guest.now_ms += 3600000;
	port_guest_run(&l->guest);
	assert_true(port_liar_is_idle(l));
	assert_int_equal(l->guest.out_count, 0);
}

/* Proves DRV-REQ-6, DRV-REQ-7, DRV-REQ-8. */
static void a_target_is_what_is_to_be_held_not_what_is_to_be_added(void **state)
{
	struct port_liar *l = *state;

	port_liar_fill(l, 100);
	port_liar_request(l, REQ(RESIZE), 0, 100);
	assert_true(port_liar_is_idle(l));
	port_liar_request(l, REQ(RESIZE), 0, 103);
	assert_int_equal(port_liar_take(l, MSG(ADD)).count, 3);
	assert_true(port_liar_is_idle(l));
}

/* The queues, as they are when the device is told to start. */
static void *resetting;
static unsigned int starts;

static void reset_watched(void *side)
{
	struct port_liar *l = side;

	assert_int_equal(l->guest.causes[VBALLOON_GUEST_TAKEN_BACK], 0);
	memset(l->rings, 0, sizeof(l->rings));
	resetting = l;
}

static int start_watched(void *side, uint64_t features, const struct vballoon_queue queues[2])
{
	struct port_liar *l = side;

	(void)features;
	for (unsigned int i = 0; i < 2; i++) {
		const uint16_t *index =
			guest_memory_at(&l->guest.memory, queues[i].avail.value + 2, 2);

		assert_int_equal(*index, 0);
	}
	starts++;
	return -1;
}

static void notify_watched(void *side, unsigned int queue)
{
	(void)side;
	fail_msg("queue %u is kicked", queue);
}

static const struct port_side watched = { reset_watched, start_watched, notify_watched };

/* Proves DRV-RESET-2, DRV-RESET-4, DRV-CONF-5. */
static void no_page_is_used_before_a_reset_and_no_buffer_before_a_start(void **state)
{
	struct port_liar *l = *state;

	starts = 0;
	resetting = NULL;
	port_liar_fill(l, 100);
	l->guest.side_ops = &watched;
	vballoon_guest_stop(l->guest.driver);
	assert_ptr_equal(resetting, l);
	port_guest_run(&l->guest);
	assert_int_equal(l->guest.causes[VBALLOON_GUEST_TAKEN_BACK], 100);
	assert_int_equal(l->guest.causes[VBALLOON_GUEST_HANDED_BACK], 0);
	l->guest.causes[VBALLOON_GUEST_TAKEN_BACK] = 0;
	l->guest.now_ms += 1000;
	vballoon_guest_start(l->guest.driver);
	port_guest_run(&l->guest);
	assert_int_equal(starts, 1);
}

/* Proves DRV-ADD-1. */
static void a_page_that_is_out_is_not_touched(void **state)
{
	struct port_liar *l = *state;
	const uint64_t none = 0;
	uint8_t *out;

	port_liar_fill(l, 100);
	out = guest_memory_at(&l->guest.memory, PORT_LOW, 100 * PAGE);
	memset(out, 0x3c, 100 * PAGE);
	port_liar_request(l, REQ(RESIZE), 0, 50);
	port_liar_take(l, MSG(WITHDRAW));
	port_liar_answer(l, NULL, 0);
	port_liar_request(l, REQ(HELLO), 0, 0);
	port_liar_take(l, MSG(HELLO));
	port_liar_answer(l, &none, sizeof(none));
	port_liar_take(l, MSG(HELLO));
	for (size_t i = 0; i < 100 * PAGE; i++)
		assert_int_equal(out[i], 0x3c);
}

/* The guest offers a page again that it has given already. Proves DRV-ADD-2. */
static void a_page_in_the_balloon_is_not_added_again(void **state)
{
	struct port_liar *l = *state;

	port_liar_fill(l, 100);
	l->guest.misfit = vballoon_gpa(PORT_LOW);
	port_liar_request(l, REQ(RESIZE), 0, 101);
	assert_true(port_liar_is_idle(l));
	assert_int_equal(port_guest_status(&l->guest).bad_pages, 1);
}

/* Proves DRV-RUNS-1. */
static void a_run_that_is_handed_back_is_taken_whole(void **state)
{
	const uint64_t entry = PORT_LOW | 9;
	struct port_liar *l = *state;

	port_liar_fill(l, 100);
	port_liar_request(l, REQ(RESIZE), 0, 90);
	port_liar_take(l, MSG(WITHDRAW));
	port_liar_return(l, &entry, 1);
	assert_int_equal(port_guest_status(&l->guest).held_pages, 90);
	assert_int_equal(l->guest.causes[VBALLOON_GUEST_HANDED_BACK], 10);
	port_liar_expect_running(l);
}

/* The guest takes a page for free that is in the balloon. Proves DRV-REPORT-2. */
static void a_page_in_the_balloon_is_not_reported(void **state)
{
	struct port_liar *l = *state;

	port_liar_fill(l, 100);
	l->guest.out[50] = false;
	port_liar_request(l, REQ(REPORT), 0, 5);
	assert_int_equal(port_liar_take(l, MSG(REPORT_DONE)).word, 5);
	assert_int_equal(port_guest_status(&l->guest).bad_pages, 1);
	l->guest.out[50] = true;
}

#define WITH(name, set_up) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(each_message_has_its_type_and_no_flag, set_up),
		WITH(there_is_room_for_each_verdict, set_up_base),
		WITH(a_request_may_be_written_to_each_posted_buffer, set_up),
		WITH(the_target_is_0_until_it_is_told, set_up),
		WITH(a_target_is_what_is_to_be_held_not_what_is_to_be_added, set_up_base),
		WITH(no_page_is_used_before_a_reset_and_no_buffer_before_a_start, set_up),
		WITH(a_page_that_is_out_is_not_touched, set_up),
		WITH(a_page_in_the_balloon_is_not_added_again, set_up),
		WITH(a_run_that_is_handed_back_is_taken_whole, set_up),
		WITH(a_page_in_the_balloon_is_not_reported, set_up_reporting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
