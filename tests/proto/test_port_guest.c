/* SPDX-License-Identifier: BSD-3-Clause */
/* The portable driver and a back end, over vhost-user in one process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "port_front.h"

static struct port_front front;

static int set_up(void **state)
{
	port_front_open_pair(&front);
	port_front_start(&front);
	*state = &front;
	return 0;
}

static int tear_down(void **state)
{
	port_front_close(*state);
	return 0;
}

static void does_the_main_job(void **state)
{
	struct port_front *f = *state;
	uint64_t before;

	port_front_reach(f, 0);
	before = port_front_host_pages(f);
	port_front_reach(f, 600);
	assert_int_equal(before - port_front_host_pages(f), 600);
	port_front_reach(f, 100);
	port_front_reach(f, 0);
	assert_int_equal(port_front_host_pages(f), before);
}

static bool is_ready(struct port_front *f)
{
	return port_front_status(f).record == VBALLOON_RECORD_PROVEN;
}

static void another_life_begins_with_an_empty_balloon(void **state)
{
	struct port_front *f = *state;

	port_front_reach(f, 300);
	vballoon_guest_stop(f->guest.driver);
	assert_int_equal(port_front_status(f).record, VBALLOON_RECORD_UNPROVEN);
	vballoon_guest_start(f->guest.driver);
	port_front_await_that(f, is_ready);
	assert_int_equal(port_front_status(f).resets_seen, 1);
	port_front_reach(f, 300);
	assert_int_equal(f->guest.causes[VBALLOON_GUEST_TAKEN_BACK], 300);
}

static void a_pause_between_takes_nothing(void **state)
{
	struct port_front *f = *state;

	port_front_reach(f, 300);
	for (unsigned int i = 0; i < 2; i++) {
		uint32_t base;

		assert_int_equal(vballoon_front_end_stop_queue(&f->wire, i, &base), 0);
		assert_int_equal(
			vballoon_front_end_set_state(&f->wire, VHOST_USER_SET_VRING_BASE, i, base),
			0);
		assert_int_equal(vballoon_front_end_set_event(&f->wire, VHOST_USER_SET_VRING_KICK,
							      i, f->wire.queues[i].kick),
				 0);
		assert_int_equal(
			vballoon_front_end_set_state(&f->wire, VHOST_USER_SET_VRING_ENABLE, i, 1),
			0);
	}
	port_front_reach(f, 400);
	assert_int_equal(f->guest.starts, 1);
	assert_int_equal(f->guest.causes[VBALLOON_GUEST_TAKEN_BACK], 0);
}

static bool is_restarted(struct port_front *f)
{
	return f->guest.starts == 2 && port_guest_status(&f->guest).held_pages == 300;
}

static void resets_when_the_operator_says_so(void **state)
{
	struct port_front *f = *state;

	port_front_reach(f, 300);
	vballoon_device_restart(port_front_device(f));
	port_front_await_that(f, is_restarted);
	assert_int_equal(f->guest.causes[VBALLOON_GUEST_TAKEN_BACK], 300);
	port_front_reach(f, 0);
}

/* The monitor tells of all memory anew, the largest region in two halves; if @apart there is none
 * meanwhile, as where it takes regions away and adds others. */
static void cut_memory_otherwise(struct port_front *f, bool apart)
{
	struct vhost_user_region regions[VBALLOON_FRONT_REGIONS_MAX];
	int fds[VBALLOON_FRONT_REGIONS_MAX];
	uint64_t half = f->wire.regions[1].size / 2;

	memcpy(regions, f->wire.regions, 2 * sizeof(regions[0]));
	memcpy(regions + 2, f->wire.regions + 1, 2 * sizeof(regions[0]));
	regions[1].size = regions[2].size = half;
	regions[2].guest_addr += half;
	regions[2].user_addr += half;
	regions[2].mmap_offset += half;
	for (unsigned int i = 0; i < 4; i++)
		fds[i] = f->wire.memory_fd;
	if (apart)
		assert_int_equal(vballoon_front_end_set_mem_table(&f->wire, NULL, NULL, 0), 0);
	assert_int_equal(vballoon_front_end_set_mem_table(&f->wire, regions, fds, 4), 0);
}

static bool is_empty(struct port_front *f)
{
	return !port_guest_status(&f->guest).held_pages;
}

static void see_that_nothing_is_lost(struct port_front *f, bool apart)
{
	port_front_reach(f, 600);
	cut_memory_otherwise(f, apart);
	assert_int_equal(vballoon_device_set_target(port_front_device(f), 0), 0);
	port_front_await_that(f, is_empty);
	port_front_reach(f, 300);
	port_front_reach(f, 0);
	assert_int_equal(f->guest.starts, 1);
}

/* Proves DEV-HELLO-13. */
static void memory_that_is_cut_otherwise_is_not_lost_to_the_guest(void **state)
{
	see_that_nothing_is_lost(*state, false);
}

static void nor_is_memory_that_was_gone_for_a_moment(void **state)
{
	see_that_nothing_is_lost(*state, true);
}

#define PORT_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PORT_TEST(does_the_main_job),
		PORT_TEST(another_life_begins_with_an_empty_balloon),
		PORT_TEST(a_pause_between_takes_nothing),
		PORT_TEST(resets_when_the_operator_says_so),
		PORT_TEST(memory_that_is_cut_otherwise_is_not_lost_to_the_guest),
		PORT_TEST(nor_is_memory_that_was_gone_for_a_moment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
