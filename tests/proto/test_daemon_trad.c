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
#include <unistd.h>

#include <cmocka.h>

#include "daemon_bed.h"
#include "port_subset.h"
#include "trad_front.h"

static struct trad_front front;

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

/* The host has what was given then, also what has waited for the rest of its block. */
static void reach_and_wait(struct daemon_bed *bed, uint64_t pages)
{
	json_t *reached;

	reach(bed, pages);
	reached = control_call(&bed->control,
			       "{\"execute\":\"wait\",\"arguments\":{\"timeout_ms\":60000}}");
	assert_true(json_is_true(json_object_get(reached, "reached")));
	json_decref(reached);
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
	/* All of them, told and untold, and back again. */
	reach(bed, 0);
	reach(bed, 600);
	assert_int_equal(trad_front_host_pages(&front), gone);
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
	trad_front_go_on(&front, daemon_bed_socket(bed));
	reach_and_wait(bed, 600);
	assert_int_equal(daemon_bed_status_integer(bed, "held_bytes"), 600 * 4096);
	assert_int_equal(trad_front_host_pages(&front), gone);
	reach(bed, 700);
	reach(bed, 0);
	assert_int_equal(front.guest.port.starts, 1);
	assert_int_equal(trad_guest_status(&front.guest).failures, 0);
	trad_front_close(&front);
}

#define TEST(name)                                                                                 \
	cmocka_unit_test_setup_teardown(name, daemon_bed_empty_set_up, daemon_bed_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(does_the_main_job_when_it_tells_first),
		TEST(does_the_main_job_when_it_may_be_silent),
		TEST(pages_are_taken_in_silence),
		TEST(its_balloon_goes_with_it_to_another_daemon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
