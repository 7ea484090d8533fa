// SPDX-License-Identifier: BSD-3-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <vballoon/abi/memory_balloon.h>
#include <vballoon/abi/traditional_balloon.h>

#include "control/feature_names.h"

#define BIT(n) (UINT64_C(1) << (n))
#define PAGE_RUNS BIT(VIRTIO_MEMORY_BALLOON_F_PAGE_RUNS)
#define EXCHANGE BIT(VIRTIO_MEMORY_BALLOON_F_EXCHANGE)
#define PUSH_STATS BIT(VIRTIO_MEMORY_BALLOON_F_PUSH_STATS)
#define REPORTING BIT(VIRTIO_MEMORY_BALLOON_F_REPORTING)
#define EVENT_IDX BIT(29)
#define VERSION_1 BIT(32)
#define AVAILABLE (PAGE_RUNS | EXCHANGE | PUSH_STATS | REPORTING | EVENT_IDX | VERSION_1)

static uint64_t chosen(const char *text)
{
	char complaint[VBALLOON_FEATURES_COMPLAINT_BYTES] = "";
	uint64_t features = 0;

	assert_int_equal(vballoon_features_parse(VIRTIO_MEMORY_BALLOON_ID, text, AVAILABLE,
						 &features, complaint),
			 0);
	assert_string_equal(complaint, "");
	return features;
}

static void assert_refused(const char *text, const char *why)
{
	char complaint[VBALLOON_FEATURES_COMPLAINT_BYTES] = "";
	uint64_t features = 42;

	assert_int_equal(vballoon_features_parse(VIRTIO_MEMORY_BALLOON_ID, text, AVAILABLE,
						 &features, complaint),
			 -1);
	assert_int_equal(features, 42);
	if (!strstr(complaint, why))
		fail_msg("\"%s\" should be refused with \"%s\", not with \"%s\"", text, why,
			 complaint);
}

static void all_and_none_are_what_they_say(void **state)
{
	(void)state;
	assert_int_equal(chosen("all"), AVAILABLE);
	assert_int_equal(chosen("none"), VERSION_1);
}

static void what_is_named_is_offered_and_nothing_else(void **state)
{
	(void)state;
	assert_int_equal(chosen("page-runs,push-stats"), PAGE_RUNS | PUSH_STATS | VERSION_1);
	assert_int_equal(chosen("none,event-idx"), EVENT_IDX | VERSION_1);
}

static void a_minus_leaves_out(void **state)
{
	(void)state;
	assert_int_equal(chosen("all,-exchange"), AVAILABLE & ~EXCHANGE);
	assert_int_equal(chosen("-exchange,-event-idx"), AVAILABLE & ~(EXCHANGE | EVENT_IDX));
	assert_int_equal(chosen("all,-page-runs,-reporting"), AVAILABLE & ~(PAGE_RUNS | REPORTING));
}

static void a_feature_goes_with_what_it_needs(void **state)
{
	(void)state;
	assert_refused("reporting", "reporting needs page-runs");
	assert_refused("all,-page-runs", "reporting needs page-runs");
	assert_int_equal(chosen("reporting,page-runs"), PAGE_RUNS | REPORTING | VERSION_1);
}

static void an_unknown_name_is_told(void **state)
{
	(void)state;
	assert_refused("page-runs,exchagne", "no feature \"exchagne\"");
	assert_refused("page-run", "no feature \"page-run\"");
	assert_refused("-", "no feature \"\"");
	assert_refused("", "no feature \"\"");
	assert_refused("page-runs,", "no feature \"\"");
	assert_refused("page-runs, exchange", "no feature \" exchange\"");
}

static void what_is_not_available_cannot_be_chosen(void **state)
{
	(void)state;
	assert_refused("zeroed", "does not have zeroed");
}

static void words_that_contradict_each_other_are_refused(void **state)
{
	(void)state;
	assert_refused("exchange,-exchange", "exchange is named twice");
	assert_refused("-exchange,-exchange", "exchange is named twice");
	assert_refused("page-runs,none", "\"none\" is not the first word");
	assert_refused("none,all", "\"all\" is not the first word");
	assert_refused("all,-version-1", "version-1 is always there");
}

static void a_name_without_end_does_not_overflow(void **state)
{
	char name[4096];

	(void)state;
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_refused(name, "no feature \"xxx");
}

static void every_bit_of_the_interface_has_a_name(void **state)
{
	(void)state;
	for (unsigned int bit = 0; bit <= VIRTIO_MEMORY_BALLOON_F_ZEROED; bit++)
		assert_non_null(vballoon_feature_name(VIRTIO_MEMORY_BALLOON_ID, bit));
	assert_string_equal(
		vballoon_feature_name(VIRTIO_MEMORY_BALLOON_ID, VIRTIO_MEMORY_BALLOON_F_ZEROED),
		"zeroed");
	assert_null(vballoon_feature_name(VIRTIO_MEMORY_BALLOON_ID, 63));
}

static void each_device_has_its_own_names(void **state)
{
	(void)state;
	assert_string_equal(
		vballoon_feature_name(VIRTIO_BALLOON_ID, VIRTIO_BALLOON_F_MUST_TELL_HOST),
		"must-tell-host");
	assert_string_equal(vballoon_feature_name(VIRTIO_BALLOON_ID, 29), "event-idx");
	assert_int_equal(vballoon_feature_bit(VIRTIO_BALLOON_ID, "silent-deflate"), 23);
	assert_int_equal(vballoon_feature_bit(VIRTIO_MEMORY_BALLOON_ID, "silent-deflate"), -1);
	assert_refused("stats-vq", "no feature \"stats-vq\"");
}

#define MUST_TELL_HOST BIT(VIRTIO_BALLOON_F_MUST_TELL_HOST)
#define SILENT_DEFLATE BIT(VIRTIO_BALLOON_F_SILENT_DEFLATE)
#define REPORTING_5 BIT(VIRTIO_BALLOON_F_REPORTING)

static int parse_traditional(const char *text, uint64_t *features_out)
{
	char complaint[VBALLOON_FEATURES_COMPLAINT_BYTES] = "";

	return vballoon_features_parse(VIRTIO_BALLOON_ID, text,
				       MUST_TELL_HOST | SILENT_DEFLATE | REPORTING_5 | VERSION_1,
				       features_out, complaint);
}

static void of_two_that_are_opposites_one_is_chosen(void **state)
{
	const struct {
		const char *text;
		uint64_t features; /* 0: refused */
	} rows[] = {
		{ "all", MUST_TELL_HOST | REPORTING_5 | VERSION_1 },
		{ "all,silent-deflate", SILENT_DEFLATE | REPORTING_5 | VERSION_1 },
		{ "-must-tell-host", SILENT_DEFLATE | REPORTING_5 | VERSION_1 },
		{ "must-tell-host", MUST_TELL_HOST | VERSION_1 },
		{ "-must-tell-host,-silent-deflate", REPORTING_5 | VERSION_1 },
		{ "must-tell-host,silent-deflate", 0 },
		{ "all,must-tell-host,silent-deflate", 0 },
		{ "exchange", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t features = 0;

		assert_int_equal(parse_traditional(rows[i].text, &features),
				 rows[i].features ? 0 : -1);
		assert_int_equal(features, rows[i].features);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_and_none_are_what_they_say),
		cmocka_unit_test(what_is_named_is_offered_and_nothing_else),
		cmocka_unit_test(a_minus_leaves_out),
		cmocka_unit_test(a_feature_goes_with_what_it_needs),
		cmocka_unit_test(an_unknown_name_is_told),
		cmocka_unit_test(what_is_not_available_cannot_be_chosen),
		cmocka_unit_test(words_that_contradict_each_other_are_refused),
		cmocka_unit_test(a_name_without_end_does_not_overflow),
		cmocka_unit_test(each_device_has_its_own_names),
		cmocka_unit_test(every_bit_of_the_interface_has_a_name),
		cmocka_unit_test(of_two_that_are_opposites_one_is_chosen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
