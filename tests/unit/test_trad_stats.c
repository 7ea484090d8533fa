/* SPDX-License-Identifier: BSD-3-Clause */
/* The traditional balloon: statistics, features, the configuration space. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "trad_bed.h"

#define AT GIB
#define FEATURES (TRAD(MUST_TELL_HOST) | TRAD(STATS_VQ))
#define QUEUES (TRAD_BOTH | TRAD_QUEUE(STATS))

static struct bed bed;

static void begin(void)
{
	trad_begin(&bed, FEATURES, 12, QUEUES);
}

static int teardown(void **state)
{
	(void)state;
	bed_destroy(&bed);
	return 0;
}

static void statistics_are_kept_with_the_device_until_newer_ones_are_wanted(void **state)
{
	(void)state;
	begin();
	trad_post_stat(&bed, VIRTIO_BALLOON_S_MEMFREE, 1000);
	assert_int_equal(bed_status(&bed).stats.reports, 1);
	assert_int_equal(bed_status(&bed).stats.value[VIRTIO_BALLOON_S_MEMFREE], 1000);
	bed_run(&bed);
	assert_false(trad_answered(&bed, STATS));
	assert_int_equal(bed_status(&bed).stats.reports, 1);
	vballoon_device_request_stats(bed.device);
	bed_run(&bed);
	assert_true(trad_answered(&bed, STATS));
	assert_int_equal(bed_status(&bed).stats.reports, 1);
	trad_post_stat(&bed, VIRTIO_BALLOON_S_MEMFREE, 2000);
	assert_int_equal(bed_status(&bed).stats.reports, 2);
	assert_int_equal(bed_status(&bed).stats.value[VIRTIO_BALLOON_S_MEMFREE], 2000);
}

static void statistics_that_are_wanted_early_are_asked_for_when_there_is_a_message(void **state)
{
	(void)state;
	begin();
	vballoon_device_request_stats(bed.device);
	bed_run(&bed);
	trad_post_stat(&bed, VIRTIO_BALLOON_S_MEMFREE, 1);
	assert_true(trad_answered(&bed, STATS));
	trad_post_stat(&bed, VIRTIO_BALLOON_S_MEMFREE, 2);
	assert_int_equal(bed_status(&bed).stats.value[VIRTIO_BALLOON_S_MEMFREE], 2);
}

static void each_of_two_messages_of_statistics_comes_back(void **state)
{
	(void)state;
	begin();
	trad_post_stat(&bed, VIRTIO_BALLOON_S_MEMFREE, 1);
	trad_post_stat(&bed, VIRTIO_BALLOON_S_MEMFREE, 2);
	for (uint64_t i = 1; i <= 2; i++) {
		assert_int_equal(bed_status(&bed).stats.value[VIRTIO_BALLOON_S_MEMFREE], i);
		assert_false(trad_answered(&bed, STATS));
		vballoon_device_request_stats(bed.device);
		bed_run(&bed);
		assert_true(trad_answered(&bed, STATS));
	}
	assert_int_equal(bed_status(&bed).stats.reports, 2);
}

/* The message that was held was once lost with the pause, elsewhere, and statistics with it. */
static void the_message_that_is_kept_is_not_lost_when_the_guest_pauses(void **state)
{
	(void)state;
	begin();
	trad_say_up(&bed, INFLATE, AT, 1);
	trad_post_stat(&bed, VIRTIO_BALLOON_S_MEMFREE, 1);
	trad_stop(&bed);
	trad_go_on(&bed, QUEUES);
	bed_run(&bed);
	assert_int_equal(bed_status(&bed).stats.reports, 1);
	vballoon_device_request_stats(bed.device);
	bed_run(&bed);
	assert_true(trad_answered(&bed, STATS));
	trad_post_stat(&bed, VIRTIO_BALLOON_S_MEMFREE, 2);
	assert_int_equal(bed_status(&bed).stats.reports, 2);
}

static void the_statistics_of_another_driver_are_its_own(void **state)
{
	(void)state;
	begin();
	trad_post_stat(&bed, VIRTIO_BALLOON_S_MEMFREE, 1);
	trad_start(&bed, QUEUES);
	assert_int_equal(bed_status(&bed).stats.present, 0);
	trad_post_stat(&bed, VIRTIO_BALLOON_S_MEMTOT, 5);
	assert_int_equal(bed_status(&bed).stats.present, 1 << VIRTIO_BALLOON_S_MEMTOT);
}

/* An unknown tag, that of a driver that fills its array with ones, and ours. */
static void unknown_tags_are_ignored(void **state)
{
	const uint16_t tags[] = { VIRTIO_BALLOON_S_NR, 0xffff, VIRTIO_MEMORY_BALLOON_S_OWN_FIRST };

	(void)state;
	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
		begin();
		trad_post_stat(&bed, tags[i], 7);
		assert_int_equal(bed_status(&bed).stats.reports, 1);
		assert_int_equal(bed_status(&bed).stats.present, 0);
		if (i + 1 < sizeof(tags) / sizeof(tags[0]))
			bed_destroy(&bed);
	}
}

static void statistics_without_end_stop_the_device(void **state)
{
	static const unsigned char bytes[10 * 257];

	(void)state;
	begin();
	trad_post_bytes(&bed, STATS, bytes, sizeof(bytes));
	bed_run(&bed);
	assert_int_equal(bed_status(&bed).violation, VBALLOON_MESSAGE_LENGTH);
}

static void statistics_are_asked_for_again_when_it_is_time(void **state)
{
	(void)state;
	begin();
	vballoon_device_set_time(bed.device, 1000);
	assert_int_equal(vballoon_device_due_ms(bed.device), VBALLOON_NEVER);
	vballoon_device_set_stats_period(bed.device, 500);
	bed_run(&bed);
	trad_post_stat(&bed, VIRTIO_BALLOON_S_MEMFREE, 1);
	assert_true(trad_answered(&bed, STATS));
	assert_int_equal(vballoon_device_due_ms(bed.device), VBALLOON_NEVER);
	trad_post_stat(&bed, VIRTIO_BALLOON_S_MEMFREE, 2);
	assert_int_equal(vballoon_device_due_ms(bed.device), 1500);
	vballoon_device_set_time(bed.device, 1499);
	bed_run(&bed);
	assert_false(trad_answered(&bed, STATS));
	vballoon_device_set_time(bed.device, 1500);
	bed_run(&bed);
	assert_true(trad_answered(&bed, STATS));
	assert_true(bed_status(&bed).stats_periodic);
}

static bool is_current;

static bool ask_is_current(void *context)
{
	(void)context;
	return is_current;
}

/* Whoever sleeps until something is due would not sleep. */
static void statistics_that_are_due_and_cannot_be_had_are_tried_again_later(void **state)
{
	(void)state;
	begin();
	vballoon_device_set_time(bed.device, 1000);
	vballoon_device_set_stats_period(bed.device, 500);
	bed_run(&bed);
	trad_post_stat(&bed, VIRTIO_BALLOON_S_MEMFREE, 1);
	assert_true(trad_answered(&bed, STATS));
	trad_post_stat(&bed, VIRTIO_BALLOON_S_MEMFREE, 2);
	bed.hooks.is_current = ask_is_current;
	is_current = false;
	vballoon_device_set_time(bed.device, 1500);
	bed_run(&bed);
	assert_false(trad_answered(&bed, STATS));
	assert_int_equal(vballoon_device_due_ms(bed.device), 1600);
	is_current = true;
	vballoon_device_set_time(bed.device, 1600);
	bed_run(&bed);
	assert_true(trad_answered(&bed, STATS));
	assert_int_equal(vballoon_device_due_ms(bed.device), VBALLOON_NEVER);
}

static void must_tell_host_and_silent_deflate_are_not_offered_together(void **state)
{
	(void)state;
	trad_bed_init(&bed, TRAD(SILENT_DEFLATE));
	assert_int_equal(vballoon_device_offered(bed.device), TRAD(SILENT_DEFLATE) | BED_VERSION_1);
	bed.config.features |= TRAD(MUST_TELL_HOST);
	assert_int_equal(vballoon_device_init(bed.device, &bed.config, &bed.device), 0);
	assert_int_equal(vballoon_device_offered(bed.device), TRAD(MUST_TELL_HOST) | BED_VERSION_1);
}

static void a_page_of_another_size_makes_no_device(void **state)
{
	(void)state;
	trad_bed_init(&bed, FEATURES);
	bed.config.page_shift = 16;
	assert_int_equal(vballoon_device_init(bed.device, &bed.config, &bed.device), -EINVAL);
	bed.config.page_shift = 12;
	bed.config.features = UINT64_C(1) << 6;
	assert_int_equal(vballoon_device_init(bed.device, &bed.config, &bed.device), -EINVAL);
	bed.config.features = 0;
	bed.config.device_id = 6;
	assert_int_equal(vballoon_device_init(bed.device, &bed.config, &bed.device), -EINVAL);
}

static void the_target_is_in_the_configuration_space_and_the_driver_is_told(void **state)
{
	unsigned int changes;

	(void)state;
	begin();
	changes = bed.config_changes;
	assert_int_equal(vballoon_device_set_target(bed.device, 1234), 0);
	bed_run(&bed);
	assert_int_equal(bed.config_changes, changes + 1);
	assert_int_equal(trad_config(&bed, TRAD_FIELD(num_pages)), 1234);
	bed_run(&bed);
	assert_int_equal(bed.config_changes, changes + 1);
}

/* What the driver says of its balloon once made a subtraction wrap, elsewhere. */
static void what_the_driver_claims_is_shown_and_not_believed(void **state)
{
	(void)state;
	begin();
	trad_say_up(&bed, INFLATE, AT, 3);
	trad_config_write(&bed, TRAD_FIELD(actual), UINT32_MAX);
	assert_int_equal(trad_config(&bed, TRAD_FIELD(actual)), UINT32_MAX);
	assert_int_equal(bed_status(&bed).claimed_pages, UINT32_MAX);
	assert_int_equal(bed_status(&bed).held_pages, 3);
}

static void what_is_the_devices_cannot_be_written(void **state)
{
	unsigned char all[16];

	(void)state;
	begin();
	assert_int_equal(vballoon_device_set_target(bed.device, 9), 0);
	memset(all, 0xee, sizeof(all));
	vballoon_device_config_write(bed.device, 0, all, sizeof(all));
	assert_int_equal(trad_config(&bed, TRAD_FIELD(num_pages)), 9);
	assert_int_equal(trad_config(&bed, TRAD_FIELD(free_page_hint_cmd_id)), 0);
	assert_int_equal(trad_config(&bed, TRAD_FIELD(actual)), 0xeeeeeeee);
	assert_int_equal(trad_config(&bed, TRAD_FIELD(poison_val)), 0xeeeeeeee);
}

/* Accesses of any alignment and length, also such as begin or end beyond it, or wrap. */
static void any_access_to_the_configuration_space_is_harmless(void **state)
{
	unsigned char bytes[32], here[32];

	(void)state;
	begin();
	memset(bytes, 0x5a, sizeof(bytes));
	for (uint32_t offset = 0; offset < 20; offset++) {
		for (uint32_t len = 0; len < 20; len++) {
			vballoon_device_config_write(bed.device, offset, bytes, len);
			vballoon_device_config_space(bed.device, offset, here, len);
		}
	}
	vballoon_device_config_write(bed.device, UINT32_MAX, bytes, 8);
	vballoon_device_config_space(bed.device, UINT32_MAX, here, 8);
	assert_int_equal(here[0], 0);
	vballoon_device_config_write(bed.device, 5, "\x11\x22", 2);
	assert_int_equal(trad_config(&bed, TRAD_FIELD(actual)), 0x5a22115a);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_teardown(name, teardown)
	const struct CMUnitTest tests[] = {
		CASE(statistics_are_kept_with_the_device_until_newer_ones_are_wanted),
		CASE(statistics_that_are_wanted_early_are_asked_for_when_there_is_a_message),
		CASE(each_of_two_messages_of_statistics_comes_back),
		CASE(the_message_that_is_kept_is_not_lost_when_the_guest_pauses),
		CASE(the_statistics_of_another_driver_are_its_own),
		CASE(unknown_tags_are_ignored),
		CASE(statistics_without_end_stop_the_device),
		CASE(statistics_are_asked_for_again_when_it_is_time),
		CASE(statistics_that_are_due_and_cannot_be_had_are_tried_again_later),
		CASE(must_tell_host_and_silent_deflate_are_not_offered_together),
		CASE(a_page_of_another_size_makes_no_device),
		CASE(the_target_is_in_the_configuration_space_and_the_driver_is_told),
		CASE(what_the_driver_claims_is_shown_and_not_believed),
		CASE(what_is_the_devices_cannot_be_written),
		CASE(any_access_to_the_configuration_space_is_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
