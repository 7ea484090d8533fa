/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The portable driver of the traditional balloon does the main job against vballoond, over pairs
 * of features, both rings and both numberings of queues, told first or in silence; and goes on
 * with another one.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon_bed.h"
#include "port_move.h"
#include "port_subset.h"
#include "trad_front.h"

static struct trad_front front;
static struct port_move move;
static struct daemon_bed there; /* another daemon, with a process id while it runs */

static void set(struct daemon_bed *bed, uint64_t pages)
{
	char line[96];

	snprintf(line, sizeof(line), "{\"execute\":\"set\",\"arguments\":{\"balloon_bytes\":%llu}}",
		 (unsigned long long)pages * 4096);
	json_decref(control_call(&bed->control, line));
}

static void connect_guest(struct daemon_bed *bed, uint64_t features, bool fixed)
{
	trad_front_open(&front, daemon_bed_socket(bed));
	front.guest.config.features = features;
	front.guest.config.fixed_queues = fixed;
	trad_front_start(&front);
}

static void reach(struct daemon_bed *bed, uint64_t pages)
{
	set(bed, pages);
	trad_front_await(&front, pages);
}

static bool is_reached(struct daemon_bed *bed, unsigned int timeout_ms)
{
	char line[80];
	json_t *answer;
	bool reached;

	snprintf(line, sizeof(line), "{\"execute\":\"wait\",\"arguments\":{\"timeout_ms\":%u}}",
		 timeout_ms);
	answer = control_call(&bed->control, line);
	reached = json_is_true(json_object_get(answer, "reached"));
	json_decref(answer);
	return reached;
}

/* The host has what was given then, also what has waited for the rest of its block. */
static void reach_and_wait(struct daemon_bed *bed, uint64_t pages)
{
	reach(bed, pages);
	assert_true(is_reached(bed, 60000));
}

static bool has_reported(struct trad_front *f)
{
	for (unsigned int i = 0; i < PORT_UNITS_MAX; i++) {
		if (f->guest.port.reported[i])
			return false;
	}
	return f->guest.port.reports > 0;
}

static void use_features(void)
{
	if (!(trad_guest_status(&front.guest).features & TRAD_BIT(REPORTING)))
		return;
	assert_int_equal(vballoon_traditional_guest_report(front.guest.driver), 0);
	trad_front_await_that(&front, has_reported);
}

static void main_job(struct daemon_bed *bed, uint64_t features, bool fixed)
{
	uint64_t before;

	connect_guest(bed, features, fixed);
	before = trad_front_host_pages(&front);
	reach_and_wait(bed, 600);
	assert_int_equal(before - trad_front_host_pages(&front), 600);
	assert_int_equal(daemon_bed_status_integer(bed, "held_bytes"), 600 * 4096);
	use_features();
	reach(bed, 600);
	reach(bed, 100);
	reach(bed, 0);
	assert_int_equal(daemon_bed_status_integer(bed, "held_bytes"), 0);
	assert_int_equal(trad_front_host_pages(&front), before);
	assert_int_equal(front.guest.port.starts, 1);
	assert_int_equal(trad_guest_status(&front.guest).failures, 0);
	trad_front_close(&front);
}

/* With each of the subsets of what is offered, @always among it. */
static void try_subsets(struct daemon_bed *bed, uint64_t always)
{
	uint64_t offered, subset;
	unsigned int tried = 0;

	trad_front_open(&front, daemon_bed_socket(bed));
	offered = front.offered;
	assert_int_equal(offered & always, always);
	vballoon_front_end_close(&front.wire);
	trad_guest_destroy(&front.guest);
	for (; port_subset(offered, false, tried, &subset); tried++)
		main_job(bed, subset | always, tried & 1);
	print_message("%u subsets\n", tried);
	assert_true(tried >= 8);
}

static void does_the_main_job_when_it_tells_first(void **state)
{
	struct daemon_bed *bed = *state;

	daemon_bed_start(bed, WORDS("--device", "traditional"));
	try_subsets(bed, TRAD_BIT(MUST_TELL_HOST));
}

static void does_the_main_job_when_it_may_be_silent(void **state)
{
	struct daemon_bed *bed = *state;

	daemon_bed_start(bed, WORDS("--device", "traditional", "--features",
				    "silent-deflate,stats-vq,page-reporting,ring-packed,"
				    "event-idx,in-order"));
	try_subsets(bed, TRAD_BIT(SILENT_DEFLATE));
}

static bool gave_again(struct trad_front *f)
{
	return trad_guest_status(&f->guest).held_pages == 590;
}

/* Memory that the host does not have comes back at the first touch, and the host is not told. */
static void pages_are_taken_in_silence(void **state)
{
	struct daemon_bed *bed = *state;
	uint64_t gone;

	daemon_bed_start(bed, WORDS("--device", "traditional", "--features",
				    "silent-deflate,deflate-on-oom"));
	connect_guest(bed, ~UINT64_C(0), false);
	reach(bed, 600);
	gone = trad_front_host_pages(&front);
	for (unsigned int taken = 0; taken < 10;)
		taken += (unsigned int)trad_guest_take(&front.guest, 10 - taken);
	trad_front_await_that(&front, gave_again);
	assert_int_equal(trad_front_host_pages(&front), gone + 10);
	assert_int_equal(daemon_bed_status_integer(bed, "held_bytes"), 600 * 4096);
	assert_int_equal(front.guest.actual, 590);
	assert_false(is_reached(bed, 0));
	/* All of them, told and untold, and back again. */
	reach_and_wait(bed, 0);
	reach_and_wait(bed, 600);
	assert_int_equal(trad_front_host_pages(&front), gone);
	trad_front_close(&front);
}

/* As that of BSD is. */
static void a_driver_without_statistics_is_not_waited_for(void **state)
{
	struct daemon_bed *bed = *state;

	daemon_bed_start(bed, WORDS("--device", "traditional"));
	connect_guest(bed, TRAD_BIT(MUST_TELL_HOST) | UINT64_C(1) << 32, false);
	reach(bed, 10);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("stats")), 1);
	assert_non_null(strstr(bed->ctl.err.text, "\"stats-vq\" was not negotiated"));
	assert_int_equal(daemon_bed_ctl(bed, WORDS("stats", "--timeout", "0")), 0);
	trad_front_close(&front);
}

static void its_balloon_goes_with_it_to_another_daemon(void **state)
{
	struct daemon_bed *bed = *state;
	const char *file = daemon_bed_path(bed, "state");
	uint64_t gone;

	daemon_bed_start(bed, WORDS("--device", "traditional"));
	connect_guest(bed, ~UINT64_C(0), false);
	reach_and_wait(bed, 600);
	gone = trad_front_host_pages(&front);
	trad_front_pause(&front);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("save-state", file)), 0);
	control_close(&bed->control);
	assert_int_equal(process_stop(&bed->daemon, SIGTERM), 0);
	daemon_bed_start(bed, WORDS("--device", "traditional", "--load-state", file));
	unlink(file);
	trad_front_attach(&front, daemon_bed_socket(bed));
	trad_front_arrive(&front);
	reach_and_wait(bed, 600);
	assert_int_equal(daemon_bed_status_integer(bed, "held_bytes"), 600 * 4096);
	assert_int_equal(trad_front_host_pages(&front), gone);
	reach(bed, 700);
	reach(bed, 0);
	assert_int_equal(front.guest.port.starts, 1);
	assert_int_equal(trad_guest_status(&front.guest).failures, 0);
	trad_front_close(&front);
}

/* Two daemons beside each other, told the same. */
static void start_two(struct daemon_bed *bed, const char *const *words)
{
	daemon_bed_start(bed, words);
	memset(&there, 0, sizeof(there));
	snprintf(there.socket_path, sizeof(there.socket_path), "%s/there", bed->directory);
	snprintf(there.control_path, sizeof(there.control_path), "%s/there.control",
		 bed->directory);
	daemon_bed_start(&there, words);
}

static int tear_down(void **state)
{
	if (there.daemon.pid) {
		control_close(&there.control);
		assert_int_equal(process_stop(&there.daemon, SIGTERM), 0);
	}
	there.daemon.pid = 0;
	return daemon_bed_tear_down(state);
}

/* Pages whose contents need not travel, as the daemon has them. Returns how many. */
static unsigned int leave_out(struct daemon_bed *bed)
{
	json_t *map = control_call(&bed->control,
				   "{\"execute\":\"skip-map\",\"arguments\":{\"from\":0}}");
	json_t *run;
	size_t i;

	move.skipped_count = 0;
	json_array_foreach (json_object_get(map, "runs"), i, run) {
		uint64_t gpa = (uint64_t)json_integer_value(json_array_get(run, 0));
		uint64_t bytes = (uint64_t)json_integer_value(json_array_get(run, 1));

		for (uint64_t at = 0; at < bytes; at += 4096)
			port_move_skip(&move, gpa + at);
	}
	json_decref(map);
	return move.skipped_count;
}

/* A monitor takes the guest, which is paused, and what the device knows to another daemon, while
 * the first one is still there. */
static void move_over(void)
{
	uint64_t offered;

	assert_int_equal(port_move_save(&front.wire, &move), 0);
	trad_front_attach(&front, daemon_bed_socket(&there));
	port_move_memory(&front.wire, &move);
	assert_int_equal(port_move_load(&front.wire, &move), 0);
	trad_front_arrive(&front);
	/* What was sent before is done when this is answered. */
	assert_int_equal(vballoon_link_get_u64(&front.wire.link, VHOST_USER_GET_FEATURES, &offered),
			 0);
	assert_int_equal(offered, front.offered);
	assert_int_equal(daemon_bed_status_integer(&there, "held_bytes"), 600 * 4096);
}

/* The guest's life goes on there, in both directions, and nobody has begun anew. */
static void live_on(void)
{
	reach(&there, 700);
	reach(&there, 20);
	reach(&there, 0);
	assert_int_equal(daemon_bed_status_integer(&there, "held_bytes"), 0);
	assert_int_equal(front.guest.port.starts, 1);
	assert_int_equal(trad_guest_status(&front.guest).failures, 0);
	trad_front_close(&front);
}

/* What is in the balloon does not travel, and the host there has its memory. */
static void move_one_that_tells(struct daemon_bed *bed, uint64_t features)
{
	uint64_t gone;

	start_two(bed, WORDS("--device", "traditional"));
	connect_guest(bed, features, false);
	reach_and_wait(bed, 600);
	gone = trad_front_host_pages(&front);
	set(bed, 650); /* as much as the guest is to be asked for */
	trad_front_pause(&front);
	assert_int_equal(leave_out(bed), 600);
	move_over();
	assert_int_equal(daemon_bed_status_integer(&there, "target_bytes"), 650 * 4096);
	reach_and_wait(&there, 650);
	assert_int_equal(daemon_bed_status_integer(&there, "held_bytes"), 650 * 4096);
	assert_int_equal(gone - trad_front_host_pages(&front), 50);
	live_on();
}

static void a_monitor_moves_a_guest_that_tells_first(void **state)
{
	move_one_that_tells(*state, ~VBALLOON_F_RING_PACKED);
}

static void a_monitor_moves_a_guest_that_tells_first_on_packed_queues(void **state)
{
	move_one_that_tells(*state, ~UINT64_C(0));
}

/* Of what a silent guest has in the balloon it uses some, and nobody knows which: all of that is as
 * it was there, but for what the host had given away. */
static void move_one_that_is_silent(struct daemon_bed *bed, uint64_t features)
{
	uint64_t gone;

	start_two(bed, WORDS("--device", "traditional", "--features",
			     "silent-deflate,stats-vq,deflate-on-oom,page-reporting,ring-packed"));
	connect_guest(bed, features, false);
	reach(bed, 600);
	gone = trad_front_host_pages(&front);
	for (unsigned int taken = 0; taken < 10;)
		taken += (unsigned int)trad_guest_take(&front.guest, 10 - taken);
	trad_front_await_that(&front, gave_again);
	trad_front_pause(&front);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("skip-map")), 1);
	move.skipped_count = 0;
	move_over();
	assert_int_equal(daemon_bed_status_integer(&there, "claimed_bytes"), 590 * 4096);
	trad_front_await_that(&front, gave_again);
	assert_int_equal(trad_front_host_pages(&front), gone + 10);
	live_on();
}

static void a_monitor_moves_a_guest_that_is_silent(void **state)
{
	move_one_that_is_silent(*state, ~VBALLOON_F_RING_PACKED);
}

static void a_monitor_moves_a_guest_that_is_silent_on_packed_queues(void **state)
{
	move_one_that_is_silent(*state, ~UINT64_C(0));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, daemon_bed_empty_set_up, tear_down)

/* An argument: of the tests only those whose name is like that. */
int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(does_the_main_job_when_it_tells_first),
		TEST(does_the_main_job_when_it_may_be_silent),
		TEST(pages_are_taken_in_silence),
		TEST(a_driver_without_statistics_is_not_waited_for),
		TEST(its_balloon_goes_with_it_to_another_daemon),
		TEST(a_monitor_moves_a_guest_that_tells_first),
		TEST(a_monitor_moves_a_guest_that_tells_first_on_packed_queues),
		TEST(a_monitor_moves_a_guest_that_is_silent),
		TEST(a_monitor_moves_a_guest_that_is_silent_on_packed_queues),
	};

	cmocka_set_test_filter(argc > 1 ? argv[1] : NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
