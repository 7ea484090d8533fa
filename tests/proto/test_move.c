// SPDX-License-Identifier: BSD-3-Clause
/*
 * A guest with the portable driver moves from one back end to another: DEVICE_STATE, its
 * memory copied but for what is in the balloon, and its life goes on.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "port_move.h"

static struct port_front front;
static struct port_move move;

static int set_up(void **state)
{
	memset(&move, 0, sizeof(move));
	port_front_open_pair(&front);
	port_front_start(&front);
	*state = &front;
	return 0;
}

/* A guest whose driver has not started; a monitor tells of no memory before. */
static int driverless_set_up(void **state)
{
	memset(&move, 0, sizeof(move));
	port_front_open_pair(&front);
	*state = &front;
	return 0;
}

/* On packed queues if @packed, else on split ones. */
static int format_set_up(void **state, bool packed)
{
	const uint64_t bit = UINT64_C(1) << VIRTIO_F_RING_PACKED;

	memset(&move, 0, sizeof(move));
	port_front_open_pair(&front);
	front.guest.config.features &= ~bit;
	if (packed)
		front.guest.config.features |= bit;
	port_front_start(&front);
	*state = &front;
	return 0;
}

static int split_set_up(void **state)
{
	return format_set_up(state, false);
}

static int packed_set_up(void **state)
{
	return format_set_up(state, true);
}

static int tear_down(void **state)
{
	port_front_close(*state);
	return 0;
}

/* A new back end like the one before, which is gone. */
static void attach(struct port_front *f, bool start_empty)
{
	const struct vballoon_vhost_user_config config = {
		.page_shift = 12,
		.features = vballoon_device_features_max(),
		.start_empty = start_empty,
	};
	struct vballoon_vhost_user *back_end;
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(vballoon_vhost_user_new(&config, ends[1], &back_end), 0);
	port_move_attach(f, ends[0], back_end);
}

/* A guest with 100 pages in the balloon is saved, and its next back end is there. */
static void save_and_attach(struct port_front *f, bool start_empty)
{
	port_front_reach(f, 100);
	port_move_stop(f);
	assert_int_equal(port_move_save(&f->wire, &move), 0);
	attach(f, start_empty);
}

static bool leave_out(void *context, struct vballoon_gpa gpa, uint64_t pages, bool dropped)
{
	(void)dropped;
	for (uint64_t i = 0; i < pages; i++)
		port_move_skip(context, gpa.value + i * 4096);
	return true;
}

/* All of the way, with the garbage. */
static void move_over(struct port_front *f)
{
	port_move_stop(f);
	assert_int_equal(port_move_save(&f->wire, &move), 0);
	move.skipped_count = 0;
	assert_int_equal(vballoon_device_each_skippable(port_front_device(f), vballoon_gpa(0),
							leave_out, &move),
			 0);
	attach(f, false);
	port_move_memory(&f->wire, &move);
	assert_int_equal(port_move_load(&f->wire, &move), 0);
	port_move_arrive(f);
}

static bool is_proven(struct port_front *f)
{
	return port_front_status(f).record == VBALLOON_RECORD_PROVEN;
}

static bool all_is_dropped(struct port_front *f)
{
	return port_front_status(f).dropped_pages == port_front_status(f).held_pages;
}

/* Proves DEV-STATE-6. */
static void a_guest_moves_with_its_balloon(void **state)
{
	struct port_front *f = *state;

	port_front_reach(f, 400);
	move_over(f);
	assert_int_equal(port_front_status(f).held_pages, 400);
	assert_int_equal(port_front_status(f).target_pages, 400);
	port_front_await_that(f, is_proven);
	port_front_await_that(f, all_is_dropped);
	assert_int_equal(port_front_status(f).held_pages, 400);
	assert_int_equal(port_front_status(f).resets_seen, 0);
	assert_int_equal(f->guest.causes[VBALLOON_GUEST_TAKEN_BACK], 0);
	port_guest_check(&f->guest);
}

static void its_life_goes_on_there(void **state)
{
	struct port_front *f = *state;

	port_front_reach(f, 400);
	move_over(f);
	port_front_reach(f, 600);
	port_front_reach(f, 100);
	move_over(f);
	port_front_reach(f, 300);
	port_front_reach(f, 0);
	assert_int_equal(f->guest.starts, 1);
}

/* The host there has the memory of what is in the balloon. */
static void what_did_not_travel_is_given_back_there(void **state)
{
	struct port_front *f = *state;
	uint64_t before;

	port_front_reach(f, 400);
	move_over(f);
	before = port_front_host_pages(f);
	port_front_await_that(f, is_proven);
	port_front_await_that(f, all_is_dropped);
	assert_int_equal(before - port_front_host_pages(f), 400);
}

static void an_order_that_was_not_carried_out_goes_along(void **state)
{
	struct port_front *f = *state;

	port_front_reach(f, 100);
	port_move_stop(f);
	assert_int_equal(vballoon_device_set_target(port_front_device(f), 250), 0);
	assert_int_equal(port_move_save(&f->wire, &move), 0);
	assert_int_equal(vballoon_device_each_skippable(port_front_device(f), vballoon_gpa(0),
							leave_out, &move),
			 0);
	attach(f, false);
	port_move_memory(&f->wire, &move);
	assert_int_equal(port_move_load(&f->wire, &move), 0);
	port_move_arrive(f);
	port_front_await(f, 250);
}

/* A guest that is paused on the way, whose queues start nowhere but at its end. */
static void a_guest_that_moves_on_before_it_goes_on_keeps_its_balloon(void **state)
{
	struct port_front *f = *state;

	save_and_attach(f, false);
	assert_int_equal(port_move_load(&f->wire, &move), 0);
	assert_int_equal(port_move_save(&f->wire, &move), 0);
	attach(f, false);
	assert_int_equal(port_move_load(&f->wire, &move), 0);
	port_move_arrive(f);
	port_front_await_that(f, is_proven);
	assert_int_equal(port_front_status(f).held_pages, 100);
	assert_int_equal(port_front_status(f).target_pages, 100);
	assert_int_equal(f->guest.causes[VBALLOON_GUEST_TAKEN_BACK], 0);
}

static void an_order_on_the_way_is_newer_than_what_came(void **state)
{
	struct port_front *f = *state;

	save_and_attach(f, false);
	assert_int_equal(port_move_load(&f->wire, &move), 0);
	assert_int_equal(vballoon_device_set_target(port_front_device(f), 70), 0);
	assert_int_equal(port_move_save(&f->wire, &move), 0);
	attach(f, false);
	assert_int_equal(port_move_load(&f->wire, &move), 0);
	port_move_arrive(f);
	port_front_await(f, 70);
}

/* As one that goes back to a snapshot of itself: what it has given since is its own there. */
static void of_a_guest_that_another_takes_the_place_of_nothing_is_known(void **state)
{
	struct vballoon_saved_info info;
	struct port_front *f = *state;

	port_front_reach(f, 50);
	port_move_stop(f);
	assert_int_equal(port_move_save(&f->wire, &move), 0);
	port_move_start(f);
	port_front_reach(f, 100);
	port_move_stop(f);
	assert_int_equal(port_move_load(&f->wire, &move), 0);
	assert_int_equal(vballoon_device_each_skippable(port_front_device(f), vballoon_gpa(0),
							leave_out, &move),
			 -EAGAIN);
	/* Nor is it saved, though what came is not what there is to save any more. */
	assert_int_equal(vballoon_device_set_target(port_front_device(f), 70), 0);
	assert_int_equal(port_move_save(&f->wire, &move), 0);
	assert_int_equal(vballoon_saved_read(move.state, move.len, &info), VBALLOON_SAVED_OK);
	assert_false(info.has_record);
	assert_int_equal(info.target_pages, 70);
}

static void a_driver_that_comes_after_the_move_is_served(void **state)
{
	struct port_front *f = *state;

	assert_int_equal(vballoon_device_set_target(port_front_device(f), 100), 0);
	assert_int_equal(port_move_save(&f->wire, &move), 0);
	attach(f, false);
	assert_int_equal(port_move_load(&f->wire, &move), 0);
	port_front_start(f);
	port_front_await(f, 100);
	assert_int_equal(port_front_status(f).target_pages, 100);
	assert_int_equal(port_front_status(f).loads, 1);
}

/* The state says whose pages they are: another driver's are not taken for its. */
static void a_state_of_an_earlier_life_does_no_harm(void **state)
{
	struct port_front *f = *state;

	port_front_reach(f, 400);
	port_move_stop(f);
	assert_int_equal(port_move_save(&f->wire, &move), 0);
	port_move_start(f);
	port_front_reach(f, 0);
	vballoon_guest_stop(f->guest.driver);
	vballoon_guest_start(f->guest.driver);
	port_front_reach(f, 50);
	port_move_stop(f);
	attach(f, false);
	assert_int_equal(port_move_load(&f->wire, &move), 0);
	port_move_arrive(f);
	port_front_await_that(f, is_proven);
	port_guest_check(&f->guest);
	port_front_reach(f, 200);
	port_guest_check(&f->guest);
}

static void nothing_is_saved_or_loaded_while_a_queue_runs(void **state)
{
	struct port_front *f = *state;

	port_front_reach(f, 10);
	assert_int_equal(port_move_save(&f->wire, &move), 1);
	assert_int_equal(port_move_load(&f->wire, &move), 1);
	port_front_reach(f, 20);
}

/* It would be taken for the record of the guest that has run since, when that is paused. */
static void a_state_is_refused_when_the_queues_have_started_before_it_is_whole(void **state)
{
	struct port_front *f = *state;

	save_and_attach(f, false);
	assert_true(port_move_send(&f->wire, &move));
	port_move_arrive(f);
	assert_int_equal(port_move_check(&f->wire), 1);
	port_front_await_that(f, is_proven);
	port_front_reach(f, 100);
	port_front_reach(f, 0);
	port_move_stop(f);
	port_move_start(f);
	assert_int_equal(port_front_status(f).held_pages, 0);
	port_front_reach(f, 20);
}

static void a_damaged_state_is_refused_and_the_guest_starts_over(void **state)
{
	struct port_front *f = *state;

	save_and_attach(f, false);
	move.state[move.len / 2] ^= 1;
	assert_int_equal(port_move_load(&f->wire, &move), 1);
	port_move_arrive(f);
	port_front_await_that(f, is_proven);
	port_front_reach(f, 100);
}

static void a_state_without_its_end_is_refused(void **state)
{
	struct port_front *f = *state;

	save_and_attach(f, false);
	move.len--;
	assert_int_equal(port_move_load(&f->wire, &move), 1);
	move.len = 0;
	assert_int_equal(port_move_load(&f->wire, &move), 1);
}

static void nothing_was_moved_before_anything_was(void **state)
{
	struct port_front *f = *state;
	uint64_t answer;

	port_move_stop(f);
	assert_int_equal(
		vballoon_link_get_u64(&f->wire.link, VHOST_USER_CHECK_DEVICE_STATE, &answer), 0);
	assert_int_equal(answer, 1);
}

static uint64_t send_transfer(struct port_front *f, uint32_t direction, uint32_t phase, int fd)
{
	const struct vhost_user_transfer_state transfer = { direction, phase };
	uint64_t answer = UINT64_MAX;

	vballoon_link_send(&f->wire.link, VHOST_USER_SET_DEVICE_STATE_FD, 0, &transfer,
			   sizeof(transfer), &fd, 1);
	vballoon_link_receive(&f->wire.link, VHOST_USER_SET_DEVICE_STATE_FD, &answer,
			      sizeof(answer));
	return answer;
}

/* The same of what ends the connection: no answer is waited for. */
static void assert_transfer_ends_it(struct port_front *f, uint32_t direction, uint32_t phase,
				    const char *why)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	port_move_stop(f);
	f->wire.link.timeout_ms = 0;
	assert_int_equal(send_transfer(f, direction, phase, null), UINT64_MAX);
	close(null);
	assert_non_null(strstr(vballoon_vhost_user_reason(f->back_end), why));
}

/* A front end that goes away in the midst, or never writes, wedges nothing. */
static void a_front_end_that_breaks_off_is_told_so(void **state)
{
	struct port_front *f = *state;
	uint64_t answer;
	int ends[2];

	port_front_reach(f, 100);
	port_move_stop(f);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(send_transfer(f, VHOST_USER_TRANSFER_LOAD, 0, ends[0]),
			 VHOST_USER_VRING_NOFD);
	assert_int_equal(write(ends[1], "vballsav", 8), 8);
	assert_int_equal(
		vballoon_link_get_u64(&f->wire.link, VHOST_USER_CHECK_DEVICE_STATE, &answer), 0);
	assert_int_equal(answer, 1);
	close(ends[0]);
	close(ends[1]);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	close(ends[0]);
	assert_int_equal(send_transfer(f, VHOST_USER_TRANSFER_SAVE, 0, ends[1]),
			 VHOST_USER_VRING_NOFD);
	close(ends[1]);
	assert_int_equal(
		vballoon_link_get_u64(&f->wire.link, VHOST_USER_CHECK_DEVICE_STATE, &answer), 0);
	assert_int_equal(answer, 1);
	port_move_start(f);
	port_front_reach(f, 50);
}

static void a_way_that_there_is_not_ends_the_connection(void **state)
{
	assert_transfer_ends_it(*state, 2, VHOST_USER_TRANSFER_STOPPED, "direction 2");
}

static void another_phase_ends_the_connection(void **state)
{
	assert_transfer_ends_it(*state, VHOST_USER_TRANSFER_SAVE, 1, "phase 1");
}

/* The first region is missing at the destination. */
static void arrive_with_less(struct port_front *f)
{
	f->wire.region_count--;
	port_front_share(f);
	for (unsigned int i = 0; i < 2; i++)
		port_front_start_queue(&f->wire, i, &f->queues[i]);
}

static void a_guest_of_another_size_is_turned_away(void **state)
{
	struct port_front *f = *state;

	save_and_attach(f, false);
	assert_int_equal(port_move_load(&f->wire, &move), 0);
	arrive_with_less(f);
	assert_true(vballoon_vhost_user_process(f->back_end) < 0);
	assert_non_null(strstr(vballoon_vhost_user_reason(f->back_end),
			       "memory that the saved state is not of"));
}

static void a_guest_of_another_size_begins_empty_when_that_was_said(void **state)
{
	struct port_front *f = *state;

	save_and_attach(f, true);
	assert_int_equal(port_move_load(&f->wire, &move), 0);
	arrive_with_less(f);
	assert_int_equal(port_front_status(f).held_pages, 0);
	assert_true(port_front_status(f).queue_running[1]);
	assert_int_equal(port_front_status(f).loads, 0);
}

#define TEST(setup, name) cmocka_unit_test_setup_teardown(name, setup, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(split_set_up, a_guest_moves_with_its_balloon),
		TEST(split_set_up, its_life_goes_on_there),
		TEST(packed_set_up, a_guest_moves_with_its_balloon),
		TEST(packed_set_up, its_life_goes_on_there),
		TEST(set_up, what_did_not_travel_is_given_back_there),
		TEST(set_up, an_order_that_was_not_carried_out_goes_along),
		TEST(set_up, a_guest_that_moves_on_before_it_goes_on_keeps_its_balloon),
		TEST(set_up, an_order_on_the_way_is_newer_than_what_came),
		TEST(set_up, of_a_guest_that_another_takes_the_place_of_nothing_is_known),
		TEST(driverless_set_up, a_driver_that_comes_after_the_move_is_served),
		TEST(set_up, a_state_of_an_earlier_life_does_no_harm),
		TEST(set_up, nothing_is_saved_or_loaded_while_a_queue_runs),
		TEST(set_up, a_state_is_refused_when_the_queues_have_started_before_it_is_whole),
		TEST(set_up, a_damaged_state_is_refused_and_the_guest_starts_over),
		TEST(set_up, a_state_without_its_end_is_refused),
		TEST(set_up, nothing_was_moved_before_anything_was),
		TEST(set_up, a_front_end_that_breaks_off_is_told_so),
		TEST(set_up, a_way_that_there_is_not_ends_the_connection),
		TEST(set_up, another_phase_ends_the_connection),
		TEST(set_up, a_guest_of_another_size_is_turned_away),
		TEST(set_up, a_guest_of_another_size_begins_empty_when_that_was_said),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
