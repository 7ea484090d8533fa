/* SPDX-License-Identifier: BSD-3-Clause */
/* The portable driver with the device: the main job, and what comes between. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "port_machine.h"

#define RUNS (UINT64_C(1) << VIRTIO_MEMORY_BALLOON_F_PAGE_RUNS)

static struct port_machine machine;

static struct port_machine *started(uint64_t features, uint32_t unit_shift, unsigned int block)
{
	port_machine_init(&machine, features, unit_shift);
	machine.guest.block = block;
	port_machine_start(&machine);
	return &machine;
}

static int tear_down(void **state)
{
	(void)state;
	port_machine_destroy(&machine);
	return 0;
}

static void main_job(struct port_machine *m)
{
	uint64_t unit_pages = UINT64_C(1) << (m->guest.config.unit_shift - 12);

	port_machine_target(m, 600);
	port_machine_expect(m, 600 & ~(unit_pages - 1));
	assert_int_equal(port_machine_status(m).dropped_pages, 600 & ~(unit_pages - 1));
	port_machine_target(m, 320);
	port_machine_expect(m, 320);
	port_machine_target(m, 0);
	port_machine_expect(m, 0);
	assert_int_equal(port_machine_status(m).violations, 0);
}

/* Proves DRV-CONF-4, DRV-FEAT-3, DRV-REQ-6, DRV-RUNS-2. */
static void does_the_main_job_without_a_feature(void **state)
{
	(void)state;
	main_job(started(0, 12, 1));
}

/* Proves DRV-REQ-7. */
static void does_the_main_job_in_runs(void **state)
{
	(void)state;
	main_job(started(RUNS, 12, 64));
}

static void does_the_main_job_in_larger_units(void **state)
{
	(void)state;
	main_job(started(RUNS, 16, 4));
}

static void does_the_main_job_in_larger_units_without_runs(void **state)
{
	(void)state;
	main_job(started(0, 16, 4));
}

static void does_the_main_job_in_larger_balloon_pages(void **state)
{
	struct port_machine *m = &machine;

	(void)state;
	port_machine_init_shift(m, RUNS, 16, 16);
	m->guest.block = 16;
	port_machine_start(m);
	port_machine_target(m, 40);
	port_machine_expect(m, 40);
	assert_int_equal(m->guest.out_count, 40);
	port_machine_target(m, 7);
	port_machine_expect(m, 7);
	port_machine_target(m, 0);
	port_machine_expect(m, 0);
}

static void names_neighbours_in_one_run(void **state)
{
	struct port_machine *m = started(RUNS, 12, 1);

	(void)state;
	port_machine_target(m, 512);
	port_machine_expect(m, 512);
	/* 512 pages lie in a row and a message has room for 256 blocks: two messages. */
	assert_int_equal(m->guest.gets, 512);
}

/* Proves DRV-ADD-8. */
static void gives_what_it_can_and_tries_again_later(void **state)
{
	struct port_machine *m = started(RUNS, 12, 16);

	(void)state;
	m->guest.spare = 100;
	port_machine_target(m, 600);
	port_machine_expect(m, 100);
	assert_int_equal(m->guest.wait_ms, 1000);
	m->guest.spare = 500;
	port_machine_pass(m, 999);
	port_machine_expect(m, 100);
	port_machine_pass(m, 1);
	port_machine_expect(m, 600);
	assert_int_equal(m->guest.wait_ms, VBALLOON_GUEST_FOREVER);
}

/* Proves DRV-ADD-3, DRV-RING-3. */
static void gives_back_a_page_that_no_range_has(void **state)
{
	struct port_machine *m = started(RUNS, 12, 16);

	(void)state;
	m->guest.misfit = vballoon_gpa(PORT_SHARED);
	port_machine_target(m, 4);
	port_machine_expect(m, 0);
	assert_int_equal(m->guest.causes[VBALLOON_GUEST_REFUSED], 1);
	assert_int_equal(port_guest_status(&m->guest).bad_pages, 1);
	port_machine_pass(m, 1000);
	port_machine_expect(m, 4);
}

static void goes_on_after_a_pause(void **state)
{
	struct port_machine *m = started(RUNS, 12, 16);
	uint64_t hellos;

	(void)state;
	port_machine_target(m, 300);
	hellos = port_machine_status(m).hellos;
	port_machine_stop_queues(m);
	port_machine_start_queues(m);
	assert_int_equal(port_machine_status(m).record, VBALLOON_RECORD_UNPROVEN);
	port_machine_target(m, 400);
	assert_int_equal(port_machine_status(m).record, VBALLOON_RECORD_PROVEN);
	assert_int_equal(port_machine_status(m).hellos, hellos + 1);
	port_machine_expect(m, 400);
	assert_int_equal(m->guest.starts, 1);
}

/* Proves DRV-HELLO-8. */
static void adds_again_what_a_device_has_forgotten(void **state)
{
	struct port_machine *m = started(RUNS, 12, 16);

	(void)state;
	port_machine_target(m, 300);
	m->guest.gets = 0;
	port_machine_lose_record(m);
	assert_int_equal(port_machine_status(m).held_pages, 0);
	while (vballoon_device_run(m->device))
		;
	port_machine_settle(m);
	port_machine_expect(m, 300);
	/* Its pages stayed out of circulation: the guest was not asked for any. */
	assert_int_equal(m->guest.gets, 0);
	assert_int_equal(m->guest.causes[VBALLOON_GUEST_TAKEN_BACK], 0);
	assert_int_equal(m->guest.starts, 1);
}

static void returns_what_a_forgetful_device_does_not_want_again(void **state)
{
	struct port_machine *m = started(RUNS, 12, 16);

	(void)state;
	port_machine_target(m, 300);
	m->silent = true;
	port_machine_lose_record(m);
	assert_int_equal(vballoon_device_set_target(m->device, 100), 0);
	m->silent = false;
	while (vballoon_device_run(m->device))
		;
	port_machine_settle(m);
	port_machine_expect(m, 100);
	assert_int_equal(m->guest.causes[VBALLOON_GUEST_TAKEN_BACK], 200);
}

/* Proves DRV-RESET-1, DRV-RESET-3, DRV-RESET-4. */
static void stops_with_every_page_and_starts_again(void **state)
{
	struct port_machine *m = started(RUNS, 12, 16);

	(void)state;
	port_machine_target(m, 300);
	vballoon_guest_stop(m->guest.driver);
	assert_int_equal(port_machine_status(m).record, VBALLOON_RECORD_NONE);
	port_machine_settle(m);
	assert_int_equal(m->guest.out_count, 0);
	assert_int_equal(m->guest.causes[VBALLOON_GUEST_TAKEN_BACK], 300);
	assert_int_equal(m->guest.wait_ms, VBALLOON_GUEST_FOREVER);
	vballoon_guest_start(m->guest.driver);
	port_machine_pass(m, 1000);
	port_machine_expect(m, 300);
	assert_int_equal(m->guest.starts, 2);
}

/* Proves DRV-RESET-1. */
static void returns_what_was_in_flight_at_a_stop(void **state)
{
	struct port_machine *m = started(RUNS, 12, 1);

	(void)state;
	assert_int_equal(vballoon_device_set_target(m->device, 600), 0);
	while (vballoon_device_run(m->device))
		;
	m->silent = true;
	port_machine_settle(m);
	assert_true(m->guest.out_count > 0);
	assert_int_equal(port_guest_status(&m->guest).held_pages, 0);
	vballoon_guest_stop(m->guest.driver);
	port_machine_settle(m);
	assert_int_equal(m->guest.out_count, 0);
}

static void resets_a_device_that_asks_for_it_once_a_second(void **state)
{
	struct port_machine *m = started(RUNS, 12, 16);

	(void)state;
	port_machine_target(m, 300);
	vballoon_device_restart(m->device);
	while (vballoon_device_run(m->device))
		;
	port_machine_settle(m);
	assert_int_equal(m->guest.starts, 1);
	assert_int_equal(m->guest.out_count, 0);
	assert_int_equal(port_guest_status(&m->guest).state, VBALLOON_GUEST_RESTARTING);
	port_machine_pass(m, 1000);
	assert_int_equal(m->guest.starts, 2);
	port_machine_expect(m, 300);
}

/* Proves DRV-STATS-1, DRV-STATS-2, DRV-STATS-7. */
static void answers_a_request_for_statistics(void **state)
{
	struct port_machine *m = started(RUNS, 12, 16);
	struct vballoon_status status;

	(void)state;
	port_machine_target(m, 68);
	vballoon_device_request_stats(m->device);
	while (vballoon_device_run(m->device))
		;
	port_machine_settle(m);
	status = port_machine_status(m);
	assert_int_equal(status.stats.reports, 1);
	assert_int_equal(status.stats.present, 1U << VIRTIO_MEMORY_BALLOON_S_MEMFREE |
						       1U << VIRTIO_MEMORY_BALLOON_S_MEMTOT |
						       1U << VIRTIO_MEMORY_BALLOON_S_AVAIL);
	assert_int_equal(status.stats.value[VIRTIO_MEMORY_BALLOON_S_MEMFREE], 700 * 4096);
}

/* Proves DRV-WITHDRAW-6. */
static void takes_memory_back_under_pressure(void **state)
{
	struct port_machine *m = started(RUNS, 12, 16);

	(void)state;
	port_machine_target(m, 300);
	vballoon_guest_pressure(m->guest.driver, 100, m->guest.now_ms);
	port_machine_settle(m);
	port_machine_expect(m, 200);
	/* Nothing is added for ten seconds. */
	port_machine_pass(m, 9999);
	port_machine_expect(m, 200);
	port_machine_pass(m, 1);
	port_machine_expect(m, 300);
}

static void a_resize_ends_the_back_off(void **state)
{
	struct port_machine *m = started(RUNS, 12, 16);

	(void)state;
	port_machine_target(m, 300);
	vballoon_guest_pressure(m->guest.driver, 100, m->guest.now_ms);
	port_machine_settle(m);
	port_machine_target(m, 301);
	port_machine_expect(m, 301);
}

static void pressure_of_no_pages_only_stops_giving(void **state)
{
	struct port_machine *m = started(RUNS, 12, 16);

	(void)state;
	m->guest.spare = 100;
	port_machine_target(m, 300);
	vballoon_guest_pressure(m->guest.driver, 0, m->guest.now_ms);
	m->guest.spare = 600;
	port_machine_pass(m, 9999);
	port_machine_expect(m, 100);
	port_machine_pass(m, 1);
	port_machine_expect(m, 300);
}

static void gets_memory_when_there_is_none(void **state)
{
	struct port_machine *m = started(RUNS, 12, 16);

	(void)state;
	port_machine_target(m, 300);
	assert_true(vballoon_guest_oom(m->guest.driver, 64, m->guest.now_ms));
	assert_true(vballoon_guest_oom_waits(m->guest.driver, m->guest.now_ms));
	while (vballoon_device_run(m->device))
		;
	assert_false(vballoon_guest_oom_waits(m->guest.driver, m->guest.now_ms));
	assert_int_equal(port_guest_status(&m->guest).returned_pages, 64);
	port_machine_settle(m);
	port_machine_expect(m, 236);
}

/* Proves DRV-WITHDRAW-7, DRV-WITHDRAW-8. */
static void waits_for_a_silent_device_once_and_takes_its_late_answer(void **state)
{
	struct port_machine *m = started(RUNS, 12, 16);

	(void)state;
	port_machine_target(m, 300);
	assert_true(vballoon_guest_oom(m->guest.driver, 64, m->guest.now_ms));
	m->guest.now_ms += 999;
	assert_true(vballoon_guest_oom_waits(m->guest.driver, m->guest.now_ms));
	m->guest.now_ms += 1;
	assert_false(vballoon_guest_oom_waits(m->guest.driver, m->guest.now_ms));
	assert_false(vballoon_guest_oom(m->guest.driver, 64, m->guest.now_ms));
	port_machine_settle(m);
	assert_int_equal(port_guest_status(&m->guest).returned_pages, 64);
	port_machine_expect(m, 236);
	assert_true(vballoon_guest_oom(m->guest.driver, 64, m->guest.now_ms));
}

/* Proves DRV-WITHDRAW-7. */
static void whoever_comes_later_makes_nobody_wait_longer(void **state)
{
	struct port_machine *m = started(RUNS, 12, 16);
	uint64_t now_ms = m->guest.now_ms;

	(void)state;
	port_machine_target(m, 300);
	assert_true(vballoon_guest_oom(m->guest.driver, 64, now_ms));
	assert_true(vballoon_guest_oom(m->guest.driver, 64, now_ms + 900));
	assert_true(vballoon_guest_oom_waits(m->guest.driver, now_ms + 999));
	assert_false(vballoon_guest_oom_waits(m->guest.driver, now_ms + 1000));
}

static void what_is_asked_for_later_is_not_waited_for(void **state)
{
	struct port_machine *m = started(RUNS, 12, 16);

	(void)state;
	port_machine_target(m, 300);
	assert_true(vballoon_guest_oom(m->guest.driver, 64, m->guest.now_ms));
	port_machine_settle(m);
	m->silent = true;
	vballoon_guest_pressure(m->guest.driver, 10, m->guest.now_ms);
	port_machine_settle(m);
	assert_false(vballoon_guest_oom_waits(m->guest.driver, m->guest.now_ms));
	/* That is no reason not to wait for it. */
	assert_true(vballoon_guest_oom(m->guest.driver, 64, m->guest.now_ms));
}

static void finds_an_answer_that_came_after_the_wait(void **state)
{
	struct port_machine *m = started(RUNS, 12, 16);

	(void)state;
	port_machine_target(m, 300);
	assert_true(vballoon_guest_oom(m->guest.driver, 64, m->guest.now_ms));
	m->guest.now_ms += 1000;
	assert_false(vballoon_guest_oom_waits(m->guest.driver, m->guest.now_ms));
	while (vballoon_device_run(m->device))
		;
	/* It is enough; the next has to be asked for. */
	assert_false(vballoon_guest_oom(m->guest.driver, 64, m->guest.now_ms));
	assert_int_equal(port_guest_status(&m->guest).returned_pages, 64);
	assert_true(vballoon_guest_oom(m->guest.driver, 64, m->guest.now_ms));
}

static void has_back_at_once_what_a_reset_has_freed(void **state)
{
	struct port_machine *m = started(RUNS, 12, 16);

	(void)state;
	port_machine_target(m, 300);
	vballoon_guest_restart(m->guest.driver);
	assert_int_equal(m->guest.out_count, 300);
	assert_false(vballoon_guest_oom(m->guest.driver, 64, m->guest.now_ms));
	assert_int_equal(m->guest.out_count, 0);
	assert_int_equal(port_guest_status(&m->guest).returned_pages, 300);
}

static void has_back_all_it_needs_though_no_two_pages_adjoin(void **state)
{
	struct port_machine *m = started(RUNS, 12, 1);

	(void)state;
	for (unsigned int unit = 1; unit < port_guest_units(&m->guest); unit += 2)
		m->guest.reported[unit] = true; /* not to be given */
	port_machine_target(m, 300);
	vballoon_guest_restart(m->guest.driver);
	assert_false(vballoon_guest_oom(m->guest.driver, 200, m->guest.now_ms));
	assert_in_range(port_guest_status(&m->guest).returned_pages, 200, 300);
}

static void has_nothing_to_wait_for_when_nothing_is_given(void **state)
{
	struct port_machine *m = started(RUNS, 12, 16);

	(void)state;
	assert_false(vballoon_guest_oom(m->guest.driver, 64, m->guest.now_ms));
}

#define MACHINE_TEST(name) cmocka_unit_test_teardown(name, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		MACHINE_TEST(does_the_main_job_without_a_feature),
		MACHINE_TEST(does_the_main_job_in_runs),
		MACHINE_TEST(does_the_main_job_in_larger_units),
		MACHINE_TEST(does_the_main_job_in_larger_units_without_runs),
		MACHINE_TEST(does_the_main_job_in_larger_balloon_pages),
		MACHINE_TEST(names_neighbours_in_one_run),
		MACHINE_TEST(gives_what_it_can_and_tries_again_later),
		MACHINE_TEST(gives_back_a_page_that_no_range_has),
		MACHINE_TEST(goes_on_after_a_pause),
		MACHINE_TEST(adds_again_what_a_device_has_forgotten),
		MACHINE_TEST(returns_what_a_forgetful_device_does_not_want_again),
		MACHINE_TEST(stops_with_every_page_and_starts_again),
		MACHINE_TEST(returns_what_was_in_flight_at_a_stop),
		MACHINE_TEST(resets_a_device_that_asks_for_it_once_a_second),
		MACHINE_TEST(answers_a_request_for_statistics),
		MACHINE_TEST(takes_memory_back_under_pressure),
		MACHINE_TEST(a_resize_ends_the_back_off),
		MACHINE_TEST(pressure_of_no_pages_only_stops_giving),
		MACHINE_TEST(gets_memory_when_there_is_none),
		MACHINE_TEST(waits_for_a_silent_device_once_and_takes_its_late_answer),
		MACHINE_TEST(whoever_comes_later_makes_nobody_wait_longer),
		MACHINE_TEST(what_is_asked_for_later_is_not_waited_for),
		MACHINE_TEST(finds_an_answer_that_came_after_the_wait),
		MACHINE_TEST(has_back_at_once_what_a_reset_has_freed),
		MACHINE_TEST(has_back_all_it_needs_though_no_two_pages_adjoin),
		MACHINE_TEST(has_nothing_to_wait_for_when_nothing_is_given),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
