/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The portable driver does the main job against vballoond, over feature subsets and both
 * rings: pairs of features, or with --all every subset.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>

#include "daemon_bed.h"
#include "port_front.h"
#include "port_subset.h"

static bool all;
static struct port_front front;

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

static void main_job(struct daemon_bed *bed, uint64_t features)
{
	uint64_t before;

	connect_guest(bed, features);
	before = port_front_host_pages(&front);
	reach(bed, 600);
	assert_int_equal(before - port_front_host_pages(&front), 600);
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

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(does_the_main_job_with_every_subset,
						daemon_bed_set_up, daemon_bed_tear_down),
		cmocka_unit_test_setup_teardown(a_guest_that_comes_later_finds_the_target,
						daemon_bed_set_up, daemon_bed_tear_down),
	};

	all = port_subset_all(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
