/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The portable driver does the main job against vballoond, over feature subsets and both
 * rings: pairs of features, or with --all every subset.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon_bed.h"
#include "front_end/link.h"
#include "port_front.h"
#include "port_move.h"
#include "port_subset.h"

static bool all;
static struct port_front front;
static struct port_move move;

static void set(struct daemon_bed *bed, uint64_t pages)
{
	char line[96];

	snprintf(line, sizeof(line), "{\"execute\":\"set\",\"arguments\":{\"balloon_bytes\":%llu}}",
		 (unsigned long long)pages * 4096);
	json_decref(control_call(&bed->control, line));
}

/* The guest reaches a target, and the daemon says that it has. */
static void reach(struct daemon_bed *bed, uint64_t pages)
{
	json_t *waited;

	set(bed, pages);
	port_front_await(&front, pages);
	waited = control_call(&bed->control,
			      "{\"execute\":\"wait\",\"arguments\":{\"timeout_ms\":20000}}");
	assert_true(json_is_true(json_object_get(waited, "reached")));
	assert_int_equal(json_integer_value(json_object_get(waited, "dropped_bytes")),
			 pages * 4096);
	json_decref(waited);
}

static void connect_guest(struct daemon_bed *bed, uint64_t features)
{
	port_front_open(&front, daemon_bed_socket(bed), NULL);
	front.guest.config.features = features;
	port_front_start(&front);
}

static bool has(unsigned int feature)
{
	return port_guest_status(&front.guest).features >> feature & 1;
}

static bool has_swapped(struct port_front *f)
{
	return f->guest.swapped == 1;
}

static bool has_reported(struct port_front *f)
{
	for (unsigned int i = 0; i < PORT_UNITS_MAX; i++) {
		if (f->guest.reported[i])
			return false;
	}
	return f->guest.reports > 0;
}

/* What is there beside the balloon's size. */
static void use_features(void)
{
	struct port_guest *guest = &front.guest;
	uint64_t last = port_guest_unit_gpa(guest, port_guest_units(guest) - 1);

	if (has(VIRTIO_MEMORY_BALLOON_F_EXCHANGE)) {
		assert_int_equal(port_guest_move(guest, PORT_LOW, last, 1), 0);
		port_front_await_that(&front, has_swapped);
	}
	if (has(VIRTIO_MEMORY_BALLOON_F_REPORTING)) {
		assert_int_equal(vballoon_guest_report(guest->driver), 0);
		port_front_await_that(&front, has_reported);
	}
}

static void main_job(struct daemon_bed *bed, uint64_t features)
{
	uint64_t before;

	connect_guest(bed, features);
	before = port_front_host_pages(&front);
	reach(bed, 600);
	assert_int_equal(before - port_front_host_pages(&front), 600);
	use_features();
	reach(bed, 600);
	reach(bed, 100);
	reach(bed, 0);
	assert_int_equal(port_front_host_pages(&front), before);
	assert_int_equal(front.guest.starts, 1);
	port_front_close(&front);
}

static void does_the_main_job_with_every_subset(void **state)
{
	struct daemon_bed *bed = *state;
	uint64_t offered, subset;
	unsigned int tried = 0;

	port_front_open(&front, daemon_bed_socket(bed), NULL);
	offered = front.offered;
	vballoon_front_end_close(&front.wire);
	port_guest_destroy(&front.guest);
	while (port_subset(offered, all, tried, &subset)) {
		main_job(bed, subset);
		tried++;
	}
	print_message("%u subsets\n", tried);
	assert_true(tried >= 4);
}

static bool is_ready(struct port_front *f)
{
	return port_guest_status(&f->guest).target_pages == 300;
}

static void a_guest_that_comes_later_finds_the_target(void **state)
{
	struct daemon_bed *bed = *state;

	set(bed, 300);
	connect_guest(bed, ~UINT64_C(0));
	port_front_await_that(&front, is_ready);
	reach(bed, 300);
	port_front_close(&front);
}

/* As one that was given before the guest went to another host, from which it comes back. */
static void a_target_that_comes_with_the_guest_has_no_deadline_of_another(void **state)
{
	struct daemon_bed *bed = *state;
	uint64_t features;
	json_t *status;

	connect_guest(bed, ~UINT64_C(0));
	reach(bed, 300);
	port_move_stop(&front);
	assert_int_equal(port_move_save(&front.wire, &move), 0);
	json_decref(control_call(&bed->control,
				 "{\"execute\":\"set\",\"arguments\":{\"balloon_bytes\":1638400,"
				 "\"deadline_ms\":3600000,\"then\":\"revert\"}}"));
	port_move_attach(&front, daemon_bed_socket(bed), NULL);
	assert_int_equal(port_move_load(&front.wire, &move), 0);
	port_move_arrive(&front);
	/* All of that is done before this is answered. */
	assert_int_equal(
		vballoon_link_get_u64(&front.wire.link, VHOST_USER_GET_FEATURES, &features), 0);
	status = control_call(&bed->control, "{\"execute\":\"status\"}");
	assert_true(json_is_null(json_object_get(status, "deadline")));
	assert_int_equal(control_take_integer(status, "target_bytes"), 300 * 4096);
	port_front_await(&front, 300);
	port_front_close(&front);
}

/* What a deadline has put back meanwhile is no newer than its order was. */
static void nor_is_it_undone_by_a_deadline_that_passed_while_the_guest_was_away(void **state)
{
	struct daemon_bed *bed = *state;
	uint64_t features;

	connect_guest(bed, ~UINT64_C(0));
	reach(bed, 300);
	port_move_stop(&front);
	assert_int_equal(port_move_save(&front.wire, &move), 0);
	set(bed, 200);
	json_decref(control_call(&bed->control,
				 "{\"execute\":\"set\",\"arguments\":{\"balloon_bytes\":1638400,"
				 "\"deadline_ms\":500,\"then\":\"revert\"}}"));
	assert_int_equal(shutdown(front.wire.link.socket, SHUT_RDWR), 0);
	process_await(&bed->daemon, "the front end has gone");
	process_await(&bed->daemon, "the deadline has passed");
	assert_int_equal(daemon_bed_status_integer(bed, "target_bytes"), 200 * 4096);
	port_move_attach(&front, daemon_bed_socket(bed), NULL);
	assert_int_equal(port_move_load(&front.wire, &move), 0);
	port_move_arrive(&front);
	/* All of that is done before this is answered. */
	assert_int_equal(
		vballoon_link_get_u64(&front.wire.link, VHOST_USER_GET_FEATURES, &features), 0);
	assert_int_equal(daemon_bed_status_integer(bed, "target_bytes"), 300 * 4096);
	port_front_await(&front, 300);
	port_front_close(&front);
}

static void follows_many_targets_that_come_before_it_is_there(void **state)
{
	static const unsigned int targets[] = { 64, 700, 96, 97, 768, 1, 300, 0 };
	struct daemon_bed *bed = *state;

	connect_guest(bed, ~UINT64_C(0));
	for (unsigned int i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		set(bed, 768 - targets[i]);
		port_front_turn(&front, 0);
		reach(bed, targets[i]);
	}
	port_front_close(&front);
}

static void a_target_of_all_memory_takes_what_can_be_had(void **state)
{
	struct daemon_bed *bed = *state;

	connect_guest(bed, ~UINT64_C(0));
	reach(bed, 1);
	front.guest.spare = 499;
	set(bed, 1024);
	port_front_await(&front, 500);
	set(bed, 0);
	port_front_await(&front, 0);
	port_front_close(&front);
}

static void memory_comes_back_before_the_guest_has_none(void **state)
{
	struct daemon_bed *bed = *state;

	connect_guest(bed, ~UINT64_C(0));
	reach(bed, 600);
	assert_true(vballoon_guest_oom(front.guest.driver, 64, front.guest.now_ms));
	while (vballoon_guest_oom_waits(front.guest.driver, front.guest.now_ms))
		port_front_sleep(&front, 1000);
	assert_int_equal(port_guest_status(&front.guest).returned_pages, 64);
	assert_int_equal(front.guest.out_count, 536);
	port_guest_check(&front.guest);
	port_front_close(&front);
}

static bool starts_again(struct port_front *f)
{
	return f->guest.starts == 2 && port_guest_status(&f->guest).held_pages == 600;
}

static void an_operators_reset_has_it_start_anew(void **state)
{
	struct daemon_bed *bed = *state;

	connect_guest(bed, ~UINT64_C(0));
	reach(bed, 600);
	json_decref(control_call(&bed->control, "{\"execute\":\"reset\"}"));
	port_front_await_that(&front, starts_again);
	assert_int_equal(front.guest.causes[VBALLOON_GUEST_TAKEN_BACK], 600);
	reach(bed, 0);
	port_front_close(&front);
}

static struct daemon_bed *replaced;

static bool knows_the_balloon(struct port_front *f)
{
	(void)f;
	return daemon_bed_status_integer(replaced, "held_bytes") == 600 * 4096;
}

static void a_daemon_in_the_place_of_one_that_died_gets_the_balloon_anew(void **state)
{
	struct daemon_bed *bed = *state;

	connect_guest(bed, UINT64_C(1) << VIRTIO_MEMORY_BALLOON_F_PAGE_RUNS);
	reach(bed, 600);
	control_close(&bed->control);
	process_stop(&bed->daemon, SIGKILL);
	unlink(bed->socket_path);
	unlink(bed->control_path);
	daemon_bed_start(bed, WORDS(NULL));
	set(bed, 600);
	port_front_reconnect(&front, daemon_bed_socket(bed));
	replaced = bed;
	port_front_await_that(&front, knows_the_balloon);
	reach(bed, 600);
	/* None came back meanwhile. */
	assert_int_equal(front.guest.starts, 1);
	assert_int_equal(front.guest.causes[VBALLOON_GUEST_TAKEN_BACK], 0);
	reach(bed, 0);
	port_front_close(&front);
}

static void a_balloon_that_has_its_size_wakes_nobody(void **state)
{
	struct daemon_bed *bed = *state;

	connect_guest(bed, ~UINT64_C(0));
	reach(bed, 600);
	assert_int_equal(front.guest.wait_ms, VBALLOON_GUEST_FOREVER);
	assert_int_equal(process_wakeups(&bed->daemon, 500), 0);
	assert_false(port_front_turn(&front, 0));
	port_front_close(&front);
}

#define DAEMON_TEST(name)                                                                          \
	cmocka_unit_test_setup_teardown(name, daemon_bed_set_up, daemon_bed_tear_down)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		DAEMON_TEST(does_the_main_job_with_every_subset),
		DAEMON_TEST(a_guest_that_comes_later_finds_the_target),
		DAEMON_TEST(a_target_that_comes_with_the_guest_has_no_deadline_of_another),
		DAEMON_TEST(nor_is_it_undone_by_a_deadline_that_passed_while_the_guest_was_away),
		DAEMON_TEST(follows_many_targets_that_come_before_it_is_there),
		DAEMON_TEST(a_target_of_all_memory_takes_what_can_be_had),
		DAEMON_TEST(memory_comes_back_before_the_guest_has_none),
		DAEMON_TEST(an_operators_reset_has_it_start_anew),
		DAEMON_TEST(a_daemon_in_the_place_of_one_that_died_gets_the_balloon_anew),
		DAEMON_TEST(a_balloon_that_has_its_size_wakes_nobody),
	};

	all = port_subset_all(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
