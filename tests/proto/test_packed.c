/* SPDX-License-Identifier: BSD-3-Clause */
/* Packed queues: where they go on after a stop, and that the device makes no difference. */
#include "proto_test.h"

#define EPOCH 51
#define OTHER_EPOCH 52
#define BIT(n) (UINT64_C(1) << (n))
#define PACKED (FRONT_END_FEATURES | BIT(VIRTIO_F_RING_PACKED))
#define NEW_QUEUE VBALLOON_QUEUE_FIRST_PACKED
#define TODEV VIRTIO_MEMORY_BALLOON_VQ_TODEV

static int packed_set_up(void **state)
{
	static struct front_end front_end;

	front_end_open(&front_end);
	front_end_start_with(&front_end, PACKED);
	*state = &front_end;
	return 0;
}

static bool runs(struct front_end *front_end, unsigned int index)
{
	return device_status(front_end).queue_running[index];
}

/* Proves DEV-RING-4. */
static void a_packed_guest_gives_memory_and_gets_it_back(void **state)
{
	uint64_t pages[8];

	assert_int_equal(balloon_driver_hello(*state, EPOCH, 0), 0);
	assert_int_equal(balloon_driver_add(*state, 0, 8), 8);
	assert_int_equal(balloon_driver_withdraw(*state, 8, pages, 8), 8);
	assert_true(device_status(*state).features & BIT(VIRTIO_F_RING_PACKED));
}

static void all_ring_features_go_together(void **state)
{
	struct front_end *front_end = *state;
	uint64_t pages[8];

	front_end_close(front_end);
	front_end_open(front_end);
	front_end_start_with(front_end, PACKED | BIT(28) | BIT(29) | BIT(35));
	assert_int_equal(balloon_driver_hello(front_end, EPOCH, 0), 0);
	assert_int_equal(balloon_driver_add(front_end, 0, 8), 8);
	assert_int_equal(balloon_driver_withdraw(front_end, 8, pages, 8), 8);
}

/* HELLO and ADD are two buffers with two descriptors each. */
static void a_stop_tells_both_places_and_both_wrap_counters(void **state)
{
	struct front_end *front_end = *state;

	balloon_driver_hello(front_end, EPOCH, 0);
	balloon_driver_add(front_end, 0, 4);
	assert_int_equal(front_end_stop_queue(front_end, 1), 0x80048004);
	assert_int_equal(front_end_stop_queue(front_end, 0), NEW_QUEUE);
}

static void the_wrap_counters_go_on_after_a_stop(void **state)
{
	struct front_end *front_end = *state;
	uint32_t base, bases = 0;

	balloon_driver_hello(front_end, EPOCH, 0);
	/* Rounds of 64 places: they are passed at a different place each time. */
	for (unsigned int i = 0; i < 100; i++) {
		assert_int_equal(balloon_driver_add(front_end, i, 1), 1);
		base = front_end_stop_queue(front_end, TODEV);
		assert_int_equal(base >> 16, base & 0xffff);
		bases |= base >> 15 & 1 ? 1 : 2;
		front_end_start_queue(front_end, TODEV, base);
	}
	assert_int_equal(bases, 3); /* both wrap counters were seen */
	assert_int_equal(device_status(front_end).held_pages, 100);
}

static void a_paused_packed_guest_finds_its_balloon(void **state)
{
	struct front_end *front_end = *state;
	uint64_t pages[8];
	uint32_t base;

	balloon_driver_hello(front_end, EPOCH, 0);
	balloon_driver_add(front_end, 0, 4);
	base = front_end_stop_queue(front_end, TODEV);
	assert_int_equal(device_status(front_end).record, VBALLOON_RECORD_UNPROVEN);
	front_end_start_queue(front_end, TODEV, base);
	assert_int_equal(balloon_driver_withdraw(front_end, 8, pages, 8), 4);
}

static void a_packed_guest_that_was_reset_finds_an_empty_balloon(void **state)
{
	struct front_end *front_end = *state;

	balloon_driver_hello(front_end, EPOCH, 0);
	balloon_driver_add(front_end, 0, 4);
	front_end_stop_queue(front_end, TODEV);
	front_end_new_ring(front_end, TODEV);
	front_end_start_queue(front_end, TODEV, NEW_QUEUE);
	assert_int_equal(balloon_driver_hello(front_end, OTHER_EPOCH, 0), 0);
	assert_int_equal(device_status(front_end).held_pages, 0);
}

/* What QEMU does when the guest boots a kernel that knows one format less. */
static void a_guest_may_come_back_with_the_other_format(void **state)
{
	struct front_end *front_end = *state;

	balloon_driver_hello(front_end, EPOCH, 0);
	for (unsigned int i = 0; i < 2; i++)
		front_end_stop_queue(front_end, i);
	front_end_start(front_end);
	assert_int_equal(balloon_driver_hello(front_end, OTHER_EPOCH, 0), 0);
	assert_int_equal(balloon_driver_add(front_end, 0, 4), 4);
}

/* Ask a queue that is stopped to run again with a size and a base. */
static void start_again(struct front_end *front_end, uint32_t size, uint32_t base)
{
	front_end_stop_queue(front_end, TODEV);
	front_end_new_ring(front_end, TODEV);
	front_end_set_state(front_end, VHOST_USER_SET_VRING_NUM, TODEV, size);
	front_end_set_state(front_end, VHOST_USER_SET_VRING_BASE, TODEV, base);
	front_end_set_event(front_end, VHOST_USER_SET_VRING_KICK, TODEV,
			    front_end->queues[TODEV].kick);
	front_end_set_state(front_end, VHOST_USER_SET_VRING_ENABLE, TODEV, 1);
}

static void a_packed_queue_may_have_any_size_up_to_the_greatest(void **state)
{
	start_again(*state, 48, NEW_QUEUE);
	assert_true(runs(*state, TODEV));
}

static void a_base_beyond_the_queue_keeps_it_from_running(void **state)
{
	struct front_end *front_end = *state;

	start_again(front_end, 48, NEW_QUEUE + 48);
	assert_false(runs(front_end, TODEV));
	assert_true(front_end_event_raised(front_end->queues[TODEV].err));
	assert_true(runs(front_end, 0));
}

static void without_a_base_a_packed_queue_begins_anew(void **state)
{
	struct front_end *front_end = *state;

	front_end_close(front_end);
	front_end_open(front_end);
	front_end_negotiate(front_end, PACKED);
	front_end_new_ring(front_end, TODEV);
	front_end_set_state(front_end, VHOST_USER_SET_VRING_NUM, TODEV, FRONT_END_QUEUE_SIZE);
	front_end_set_vring_addr(front_end, TODEV, 0);
	front_end_set_event(front_end, VHOST_USER_SET_VRING_KICK, TODEV,
			    front_end->queues[TODEV].kick);
	front_end_set_state(front_end, VHOST_USER_SET_VRING_ENABLE, TODEV, 1);
	assert_int_equal(balloon_driver_hello(front_end, EPOCH, 0), 0);
	assert_int_equal(front_end_stop_queue(front_end, TODEV), 0x80028002);
}

static void a_packed_guest_that_breaks_the_rules_stops_its_device(void **state)
{
	struct front_end *front_end = *state;
	struct vballoon_driver_ring *ring = &front_end->queues[TODEV].driver;
	struct vballoon_driver_buffer buffer = { vballoon_gpa(GUEST_BASE + GUEST_BYTES), 8, false };

	assert_int_equal(vballoon_driver_ring_post(ring, &buffer, 1, 5), 0);
	front_end_kick(front_end, TODEV);
	assert_int_equal(device_status(front_end).violation, VBALLOON_DESC_OUTSIDE_MEMORY);
	assert_false(front_end_refused(front_end));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, packed_set_up, proto_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_packed_guest_gives_memory_and_gets_it_back),
		TEST(all_ring_features_go_together),
		TEST(a_stop_tells_both_places_and_both_wrap_counters),
		TEST(the_wrap_counters_go_on_after_a_stop),
		TEST(a_paused_packed_guest_finds_its_balloon),
		TEST(a_packed_guest_that_was_reset_finds_an_empty_balloon),
		TEST(a_guest_may_come_back_with_the_other_format),
		TEST(a_packed_queue_may_have_any_size_up_to_the_greatest),
		TEST(a_base_beyond_the_queue_keeps_it_from_running),
		TEST(without_a_base_a_packed_queue_begins_anew),
		TEST(a_packed_guest_that_breaks_the_rules_stops_its_device),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
