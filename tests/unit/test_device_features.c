// SPDX-License-Identifier: BSD-3-Clause
/* Which features a device offers, and which count as negotiated. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "device_bed.h"

static struct bed bed;

static int set_up(void **state)
{
	(void)state;
	bed_init(&bed, 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	bed_destroy(&bed);
	return 0;
}

/* What a device with these reclaim operations offers of all that there is. */
static uint64_t offered(const struct vballoon_reclaim_ops *reclaim, uint64_t features)
{
	struct vballoon_device_config config = bed.config;
	void *storage = malloc(vballoon_device_bytes());
	struct vballoon_device *device;
	uint64_t offer;

	assert_non_null(storage);
	config.features = features;
	config.reclaim = reclaim;
	assert_int_equal(vballoon_device_init(storage, &config, &device), 0);
	offer = vballoon_device_offered(device);
	free(storage);
	return offer;
}

static void all_that_the_library_has_can_be_offered(void **state)
{
	(void)state;
	assert_int_equal(offered(&bed.reclaim, vballoon_device_features_max()),
			 vballoon_device_features_max());
}

/* Proves DEV-ZEROED-4. */
static void zeros_are_offered_only_when_the_host_promises_them(void **state)
{
	struct vballoon_reclaim_ops reclaim = bed.reclaim;

	(void)state;
	reclaim.zeroes = false;
	assert_false(offered(&reclaim, BED_ZEROED) & BED_ZEROED);
	assert_true(offered(&bed.reclaim, BED_ZEROED) & BED_ZEROED);
}

static void who_drops_nothing_can_promise_zeros(void **state)
{
	(void)state;
	assert_true(offered(NULL, BED_ZEROED) & BED_ZEROED);
}

static void reporting_is_offered_only_when_the_host_can_take_it(void **state)
{
	struct vballoon_reclaim_ops reclaim = bed.reclaim;

	(void)state;
	reclaim.discard = NULL;
	assert_false(offered(&reclaim, BED_RUNS | BED_REPORTING) & BED_REPORTING);
	assert_false(offered(NULL, BED_RUNS | BED_REPORTING) & BED_REPORTING);
}

/* Proves DEV-FEAT-5. */
static void reporting_without_runs_counts_as_not_negotiated(void **state)
{
	(void)state;
	bed_destroy(&bed);
	bed_init(&bed, BED_RUNS | BED_REPORTING | BED_EXCHANGE);
	assert_int_equal(vballoon_device_set_features(bed.device,
						      BED_VERSION_1 | BED_REPORTING | BED_EXCHANGE),
			 0);
	assert_int_equal(bed_status(&bed).features, BED_VERSION_1 | BED_EXCHANGE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(all_that_the_library_has_can_be_offered),
		TEST(zeros_are_offered_only_when_the_host_promises_them),
		TEST(who_drops_nothing_can_promise_zeros),
		TEST(reporting_is_offered_only_when_the_host_can_take_it),
		TEST(reporting_without_runs_counts_as_not_negotiated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
