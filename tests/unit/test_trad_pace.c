/* SPDX-License-Identifier: BSD-3-Clause */
/* The traditional balloon: a target that is approached at a pace. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "trad_bed.h"

#define PAGE UINT64_C(4096)

static struct bed bed;

static void begin(uint64_t features, uint32_t host_page_shift)
{
	trad_begin(&bed, features, host_page_shift, TRAD_BOTH);
}

static int teardown(void **state)
{
	(void)state;
	bed_destroy(&bed);
	return 0;
}

/* It was there before the device was, and has just what it is asked for. */
static void a_driver_that_says_nothing_is_asked_for_more_when_the_time_has_come(void **state)
{
	const struct vballoon_policy policy = { .inflate_rate = 100 * PAGE };

	(void)state;
	begin(TRAD(MUST_TELL_HOST), 12);
	vballoon_device_set_time(bed.device, 1000);
	assert_int_equal(vballoon_device_set_policy(bed.device, &policy), 0);
	assert_int_equal(vballoon_device_set_target(bed.device, 2000), 0);
	bed_run(&bed);
	assert_int_equal(trad_config(&bed, TRAD_FIELD(num_pages)), 512);
	vballoon_device_set_time(bed.device, 1000 + 5119);
	bed_run(&bed);
	assert_int_equal(trad_config(&bed, TRAD_FIELD(num_pages)), 512);
	vballoon_device_set_time(bed.device, 1000 + 5120);
	bed_run(&bed);
	assert_int_equal(trad_config(&bed, TRAD_FIELD(num_pages)), 1024);
}

/* Of 64 KiB, of which the device does not know: a step is one that such a guest can do, and done
 * when the guest says so. */
static void a_balloon_at_a_pace_grows_in_steps_that_large_pages_fit(void **state)
{
	const struct vballoon_policy policy = { .inflate_rate = 100 * PAGE };
	uint32_t asked;

	(void)state;
	begin(TRAD(MUST_TELL_HOST), 12);
	vballoon_device_set_time(bed.device, 1000);
	assert_int_equal(vballoon_device_set_policy(bed.device, &policy), 0);
	assert_int_equal(vballoon_device_set_target(bed.device, 2000), 0);
	bed_run(&bed);
	for (unsigned int steps = 1; steps <= 3; steps++) {
		asked = trad_config(&bed, TRAD_FIELD(num_pages));
		assert_int_equal(asked, steps * 512);
		trad_config_write(&bed, TRAD_FIELD(actual), asked);
		vballoon_device_set_time(bed.device, 1000 + steps * 5120);
		bed_run(&bed);
	}
	assert_int_equal(trad_config(&bed, TRAD_FIELD(num_pages)), 2000);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_teardown(name, teardown)
	const struct CMUnitTest tests[] = {
		CASE(a_driver_that_says_nothing_is_asked_for_more_when_the_time_has_come),
		CASE(a_balloon_at_a_pace_grows_in_steps_that_large_pages_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
