/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every example in the specification is what the device says: each is a test of its
 * own, named by its document and its line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "device_bed.h"
#include "example.h"

#define MEMORY_AT UINT64_C(0x40000000)
#define EPOCH UINT64_C(0x0123456789abcdef)

static const char *const features[] = {
	[VIRTIO_MEMORY_BALLOON_F_PAGE_RUNS] = "F_PAGE_RUNS",
	[VIRTIO_MEMORY_BALLOON_F_EXCHANGE] = "F_EXCHANGE",
	[VIRTIO_MEMORY_BALLOON_F_WITHDRAW_REASON] = "F_WITHDRAW_REASON",
	[VIRTIO_MEMORY_BALLOON_F_PUSH_STATS] = "F_PUSH_STATS",
	[VIRTIO_MEMORY_BALLOON_F_REPORTING] = "F_REPORTING",
	[VIRTIO_MEMORY_BALLOON_F_ZEROED] = "F_ZEROED",
};

static uint64_t parse_features(const char *text)
{
	uint64_t found = 0;

	for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
		if (strstr(text, features[i]))
			found |= UINT64_C(1) << i;
	}
	assert_true(found);
	return found;
}

static void operate(struct bed *bed, const struct example_line *line)
{
	unsigned long long number;
	uint64_t id;

	if (sscanf(line->rest, "target %llu", &number) == 1)
		assert_int_equal(vballoon_device_set_target(bed->device, number), 0);
	else if (!strcmp(line->rest, "stats"))
		vballoon_device_request_stats(bed->device);
	else if (sscanf(line->rest, "push %llu", &number) == 1)
		vballoon_device_set_stats_period(bed->device, (uint32_t)number);
	else if (!strcmp(line->rest, "report"))
		assert_int_equal(vballoon_device_request_report(bed->device, &id), 0);
	else
		fail_msg("the operator cannot do this: %s", line->rest);
}

static void expect_bytes(const struct example_line *line, const void *bytes, size_t len)
{
	assert_int_equal(len, line->len);
	assert_memory_equal(bytes, line->bytes, len);
}

static void follow_request(struct bed *bed, const struct example_line *line)
{
	struct virtio_memory_balloon_req request;

	bed_post_request(bed);
	bed_run(bed);
	assert_true(bed_collect_request(bed, &request));
	expect_bytes(line, &request, sizeof(request));
}

static void follow_line(struct bed *bed, const struct example_line *line)
{
	uint8_t bytes[EXAMPLE_BYTES_MAX];

	if (!strcmp(line->word, "todevq")) {
		bed_post(bed, line->bytes, line->len, line->room);
		bed_run(bed);
		assert_int_equal(bed_status(bed).violation, VBALLOON_OK);
	} else if (!strcmp(line->word, "answer")) {
		expect_bytes(line, bytes, bed_collect(bed, bytes, sizeof(bytes)));
	} else if (!strcmp(line->word, "fromdevq")) {
		follow_request(bed, line);
	} else if (!strcmp(line->word, "config")) {
		vballoon_device_config_space(bed->device, 0, bytes, (uint32_t)line->len);
		expect_bytes(line, bytes, sizeof(struct virtio_memory_balloon_config));
	} else if (!strcmp(line->word, "operator")) {
		operate(bed, line);
	} else {
		fail_msg("no line of an example: %s", line->word);
	}
}

/* An example that shows no message, or leaves an answer out, shows too little. */
static void follow_lines(struct bed *bed, const struct example_line *line,
			 const struct example_line *end)
{
	assert_true(line < end);
	for (; line < end; line++)
		follow_line(bed, line);
	assert_true(bed_silent(bed));
}

static void follow(void **state)
{
	const struct example *example = *state;
	const struct example_line *line = example->lines;
	static struct bed bed;
	uint64_t bits = 0;

	if (!strcmp(line->word, "features"))
		bits = parse_features((line++)->rest);
	bed_init(&bed, bits);
	bed_add_memory(&bed, MEMORY_AT, GIB, 12);
	bed_start_queues(&bed);
	if (!strcmp(line->word, "driver")) {
		assert_string_equal((line++)->rest, "new");
	} else {
		assert_int_equal(bed_hello(&bed, EPOCH, 12, 0), 0);
		bed_expect_request(&bed, VIRTIO_MEMORY_BALLOON_REQ_RESIZE, 0);
	}
	follow_lines(&bed, line, example->lines + example->count);
	bed_destroy(&bed);
}

int main(int argc, char **argv)
{
	static struct CMUnitTest tests[EXAMPLES_MAX];
	static struct example examples[EXAMPLES_MAX];
	unsigned int count = argc == 2 ? examples_read(argv[1], examples) : 0;

	for (unsigned int i = 0; i < count; i++) {
		tests[i].name = examples[i].name;
		tests[i].test_func = follow;
		tests[i].initial_state = &examples[i];
	}
	if (!count)
		return 1;
	return _cmocka_run_group_tests("spec_examples", tests, count, NULL, NULL);
}
