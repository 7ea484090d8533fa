/* SPDX-License-Identifier: BSD-3-Clause */
/* The portable driver of the traditional balloon and a device that lies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "trad_liar.h"

#define INFLATE VIRTIO_BALLOON_VQ_INFLATE
#define DEFLATE VIRTIO_BALLOON_VQ_DEFLATE
#define RING_PACKED (UINT64_C(1) << 34)
#define IN_ORDER (UINT64_C(1) << 35)

static struct trad_liar liar;

static int set_up(void **state)
{
	trad_liar_init(&liar, TRAD_BIT(SILENT_DEFLATE));
	*state = &liar;
	return 0;
}

static int set_up_packed(void **state)
{
	trad_liar_init(&liar, TRAD_BIT(SILENT_DEFLATE) | RING_PACKED | IN_ORDER);
	*state = &liar;
	return 0;
}

static int tear_down(void **state)
{
	trad_liar_destroy(*state);
	return 0;
}

static void use(struct trad_liar *l, unsigned int index, const struct vballoon_chain *chain)
{
	assert_int_equal(vballoon_device_ring_use(&l->rings[index], chain), 0);
	trad_guest_run(&l->guest);
}

static void an_answer_to_nothing_is_a_failure(void **state)
{
	struct trad_liar *l = *state;
	struct vballoon_chain none = { .head = 3, .places = 1 };

	trad_liar_fill(l, 100);
	use(l, INFLATE, &none);
	trad_liar_expect_failure(l);
}

static void a_message_that_is_answered_twice_is_a_failure(void **state)
{
	struct trad_liar *l = *state;

	trad_liar_fill(l, 100);
	trad_guest_want(&l->guest, 99);
	trad_guest_run(&l->guest);
	trad_liar_take(l, DEFLATE);
	trad_liar_answer(l, DEFLATE);
	assert_int_equal(l->guest.port.out_count, 99);
	use(l, DEFLATE, &l->chains[DEFLATE]);
	trad_liar_expect_failure(l);
}

/* It has no room to write anything into. */
static void an_answer_that_is_longer_than_its_room_is_a_failure(void **state)
{
	struct trad_liar *l = *state;

	trad_guest_want(&l->guest, 10);
	trad_guest_run(&l->guest);
	trad_liar_take(l, INFLATE);
	l->chains[INFLATE].written = 1;
	use(l, INFLATE, &l->chains[INFLATE]);
	trad_liar_expect_failure(l);
}

/* What it cannot give it looks for no more than once a second. */
static void a_target_beyond_all_memory_takes_what_there_is(void **state)
{
	struct trad_liar *l = *state;

	l->guest.port.spare = 50;
	trad_guest_want(&l->guest, UINT32_MAX);
	trad_guest_run(&l->guest);
	assert_int_equal(l->guest.port.out_count, 50);
	assert_int_equal(l->guest.port.wait_ms, 1000);
	assert_int_equal(trad_guest_status(&l->guest).state, VBALLOON_GUEST_RUNNING);
}

/* What the device has not said that it has is not taken back behind its back; a reset brings it. */
static void pages_of_a_message_that_is_never_answered_come_back_by_a_reset(void **state)
{
	struct trad_liar *l = *state;

	trad_guest_want(&l->guest, 10);
	trad_guest_run(&l->guest);
	assert_int_equal(trad_guest_take(&l->guest, 10), 0);
	assert_int_equal(l->guest.port.out_count, 10);
	vballoon_traditional_guest_stop(l->guest.driver);
	trad_guest_run(&l->guest);
	assert_int_equal(l->guest.port.out_count, 0);
	port_guest_check(&l->guest.port);
}

#define WITH(name, set_up) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define BOTH(name) WITH(name, set_up), WITH(name, set_up_packed)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(an_answer_to_nothing_is_a_failure),
		BOTH(a_message_that_is_answered_twice_is_a_failure),
		BOTH(an_answer_that_is_longer_than_its_room_is_a_failure),
		BOTH(a_target_beyond_all_memory_takes_what_there_is),
		BOTH(pages_of_a_message_that_is_never_answered_come_back_by_a_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
