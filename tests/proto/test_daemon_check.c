// SPDX-License-Identifier: BSD-3-Clause
/* vballoonctl features: what is negotiated, and whether a guest can move by that. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/feature_set.h"
#include "daemon_bed.h"
#include "migration_rows.h"

#define EPOCH 91
#define CANNOT_MOVE 7
#define RUNS (UINT64_C(1) << VIRTIO_MEMORY_BALLOON_F_PAGE_RUNS)

/* A daemon with a guest that uses runs of pages. */
static int runs_set_up(void **state)
{
	struct daemon_bed *bed;

	daemon_bed_set_up(state);
	bed = *state;
	daemon_bed_connect_with(bed, RUNS);
	assert_int_equal(balloon_driver_hello(&bed->guest, EPOCH, 0), 0);
	return 0;
}

/* A file in the bed that says this. Its name is good for two more files. */
static const char *file(const struct daemon_bed *bed, const char *name, const char *text)
{
	static char paths[3][160];
	static unsigned int next;
	char *path = paths[next++ % 3];
	FILE *out;

	snprintf(path, sizeof(paths[0]), "%s", daemon_bed_path(bed, name));
	out = fopen(path, "we");

	assert_non_null(out);
	assert_true(fputs(text, out) >= 0);
	assert_int_equal(fclose(out), 0);
	return path;
}

#define NOTHING_OFFERED                                                                            \
	"{\"device\": 13, \"revision\": 1, \"page_bytes\": 4096, \"offered\": [\"version-1\"], "   \
	"\"negotiated\": null}"

#define WANTS_TO_BE_TOLD                                                                           \
	"{\"device\": 5, \"revision\": 0, \"page_bytes\": 4096, \"offered\": "                     \
	"[\"must-tell-host\", \"version-1\"], \"negotiated\": [\"version-1\"]}"

#define TELLS                                                                                      \
	"{\"device\": 5, \"revision\": 0, \"page_bytes\": 4096, \"offered\": "                     \
	"[\"must-tell-host\", \"stats-vq\", \"version-1\"], \"negotiated\": "                      \
	"[\"must-tell-host\", \"stats-vq\", \"version-1\"]}"

static void offered_and_negotiated_are_shown(void **state)
{
	struct daemon_bed *bed = *state;
	json_t *object, *negotiated;

	assert_int_equal(daemon_bed_ctl(bed, WORDS("features")), 0);
	assert_non_null(strstr(bed->ctl.out.text, "negotiated    page-runs, version-1\n"));
	assert_int_equal(daemon_bed_ctl(bed, WORDS("features", "--json")), 0);
	object = json_loads(bed->ctl.out.text, 0, NULL);
	negotiated = json_object_get(object, "negotiated");
	assert_int_equal(json_array_size(negotiated), 2);
	assert_string_equal(json_string_value(json_array_get(negotiated, 0)), "page-runs");
	assert_int_equal(json_integer_value(json_object_get(object, "device")), 13);
	json_decref(object);
}

static void without_a_driver_nothing_is_negotiated(void **state)
{
	struct daemon_bed *bed = *state;

	assert_int_equal(daemon_bed_ctl(bed, WORDS("features", "--json")), 0);
	assert_non_null(strstr(bed->ctl.out.text, "\"negotiated\":null"));
	assert_int_equal(daemon_bed_ctl(bed, WORDS("features", "check", bed->control_path,
						   bed->control_path)),
			 0);
	assert_non_null(strstr(bed->ctl.out.text, "has no driver yet"));
}

static void a_guest_can_move_to_a_daemon_like_its_own(void **state)
{
	struct daemon_bed *bed = *state;

	assert_int_equal(daemon_bed_ctl(bed, WORDS("features", "check", bed->control_path,
						   bed->control_path)),
			 0);
	assert_non_null(strstr(bed->ctl.out.text, "The guest can move: "));
	assert_non_null(strstr(bed->ctl.out.text, "masked"));
	assert_int_equal(daemon_bed_ctl(bed, WORDS("features", "check", bed->control_path,
						   bed->control_path, "--json")),
			 0);
	assert_non_null(strstr(bed->ctl.out.text, "\"text\":\"the destination offers every"));
	/* What is no daemon is no destination. */
	assert_int_equal(daemon_bed_ctl(bed, WORDS("features", "check", bed->control_path,
						   "/nowhere/socket")),
			 1);
}

/* What one has printed is what the other reads. */
static void what_was_printed_can_be_checked(void **state)
{
	struct daemon_bed *bed = *state;
	const char *printed;

	assert_int_equal(daemon_bed_ctl(bed, WORDS("features", "--json")), 0);
	printed = file(bed, "source.json", bed->ctl.out.text);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("features", "check", printed, printed)), 0);
	assert_int_equal(remove(printed), 0);
}

static void what_is_missing_is_named(void **state)
{
	struct daemon_bed *bed = *state;
	const char *there = file(bed, "there.json", NOTHING_OFFERED);
	json_t *result;

	assert_int_equal(daemon_bed_ctl(bed, WORDS("features", "check", bed->control_path, there)),
			 CANNOT_MOVE);
	assert_non_null(strstr(bed->ctl.out.text, "The guest cannot move.\nmissing-features  "));
	assert_non_null(strstr(bed->ctl.out.text, "missing       page-runs\n"));
	assert_int_equal(
		daemon_bed_ctl(bed, WORDS("features", "check", bed->control_path, there, "--json")),
		CANNOT_MOVE);
	result = json_loads(bed->ctl.out.text, 0, NULL);
	assert_true(json_is_false(json_object_get(result, "can_move")));
	assert_true(json_is_null(json_object_get(result, "text")));
	assert_string_equal(
		json_string_value(json_array_get(json_object_get(result, "missing"), 0)),
		"page-runs");
	json_decref(result);
	assert_int_equal(remove(there), 0);
}

/* The one feature that is checked the other way round. */
static void who_does_not_tell_cannot_go_where_telling_is_wanted(void **state)
{
	struct daemon_bed *bed = *state;
	const char *silent = file(bed, "silent.json", WANTS_TO_BE_TOLD);

	assert_int_equal(daemon_bed_ctl(bed, WORDS("features", "check", silent, silent)),
			 CANNOT_MOVE);
	assert_non_null(strstr(bed->ctl.out.text, "must-tell-host    the destination wants"));
	assert_null(strstr(bed->ctl.out.text, "missing"));
	assert_int_equal(remove(silent), 0);
}

static void who_tells_can_go_where_nobody_asks_for_it(void **state)
{
	struct daemon_bed *bed = *state;
	const char *tells = file(bed, "tells.json", TELLS);
	const char *there = file(bed, "there.json",
				 "{\"device\": 5, \"page_bytes\": 4096, \"offered\": "
				 "[\"stats-vq\", \"version-1\"], \"negotiated\": null}");

	assert_int_equal(daemon_bed_ctl(bed, WORDS("features", "check", tells, there)), 0);
	assert_int_equal(remove(tells), 0);
	assert_int_equal(remove(there), 0);
}

/* A side of a row, as vballoonctl features --json prints it. */
static const char *side_file(const struct daemon_bed *bed, const char *name,
			     const struct vballoon_feature_set *set)
{
	json_t *object = vballoon_feature_set_json(set);
	char *text = json_dumps(object, 0);
	const char *path = file(bed, name, text);

	free(text);
	json_decref(object);
	return path;
}

static bool has_obstacles(const json_t *result, unsigned int obstacles)
{
	const json_t *list = json_object_get(result, "obstacles"), *entry;
	size_t i;

	json_array_foreach (list, i, entry) {
		const char *name = json_string_value(json_object_get(entry, "name"));
		unsigned int at = 0;

		while (at < VBALLOON_OBSTACLE_COUNT &&
		       strcmp(vballoon_obstacle_name(1U << at), name) != 0)
			at++;
		obstacles ^= 1U << at;
	}
	return !obstacles;
}

static void every_row_of_the_truth_tables_holds(void **state)
{
	struct daemon_bed *bed = *state;

	for (size_t i = 0; i < ROWS; i++) {
		struct vballoon_feature_set source = source_of(&rows[i]);
		struct vballoon_feature_set there = destination_of(&rows[i]);
		const char *from = side_file(bed, "from.json", &source);
		const char *to = side_file(bed, "to.json", &there);
		int code = daemon_bed_ctl(bed, WORDS("features", "check", from, to, "--json"));
		json_t *missing = vballoon_feature_set_names(source.device_id, rows[i].missing);
		json_t *result = json_loads(bed->ctl.out.text, 0, NULL);
		bool can_move = json_is_true(json_object_get(result, "can_move"));

		if (code != (rows[i].obstacles ? CANNOT_MOVE : 0) ||
		    can_move != !rows[i].obstacles || !has_obstacles(result, rows[i].obstacles) ||
		    !json_equal(json_object_get(result, "missing"), missing))
			fail_msg("%s: %d, %s", rows[i].name, code, bed->ctl.out.text);
		json_decref(missing);
		json_decref(result);
		assert_int_equal(remove(from), 0);
		assert_int_equal(remove(to), 0);
	}
}

/* A file that nobody has printed is refused with what is wrong with it. */
static void assert_file_refused(struct daemon_bed *bed, const char *text, const char *why)
{
	const char *path = file(bed, "bad.json", text);

	assert_int_equal(daemon_bed_ctl(bed, WORDS("features", "check", path, path)), 1);
	if (!strstr(bed->ctl.err.text, why))
		fail_msg("%s: not refused with \"%s\" but \"%s\"", text, why, bed->ctl.err.text);
	assert_int_equal(remove(path), 0);
}

static void a_file_that_says_nothing_of_use_is_refused(void **state)
{
	struct daemon_bed *bed = *state;

	assert_file_refused(bed, "no JSON", "give a control socket, or a file");
	assert_file_refused(bed, "[]", "\"device\" is not 13 or 5");
	assert_file_refused(bed, "{\"device\": 13, \"page_bytes\": 5000}", "\"page_bytes\" is no");
	assert_file_refused(bed, "{\"device\": 13, \"page_bytes\": 4096}",
			    "\"offered\" is no list");
	assert_file_refused(bed, "{\"device\": 13, \"page_bytes\": 4096, \"offered\": []}",
			    "\"negotiated\" is no list");
	assert_file_refused(bed,
			    "{\"device\": 13, \"page_bytes\": 4096, \"offered\": [\"warp\"], "
			    "\"negotiated\": null}",
			    "names \"warp\", which is no feature of device 13");
	assert_file_refused(bed,
			    "{\"device\": 13, \"page_bytes\": 4096, \"offered\": [\"bit-64\"], "
			    "\"negotiated\": null}",
			    "names \"bit-64\"");
	assert_file_refused(bed, "{\"device\": 13, \"revision\": -1, \"page_bytes\": 4096}",
			    "\"revision\" is no");
}

static void a_bit_without_a_name_is_known_by_its_number(void **state)
{
	struct daemon_bed *bed = *state;
	const char *newer = file(bed, "newer.json",
				 "{\"device\": 13, \"revision\": 1, \"page_bytes\": 4096, "
				 "\"offered\": [\"bit-40\"], \"negotiated\": [\"bit-40\"]}");

	assert_int_equal(daemon_bed_ctl(bed, WORDS("features", "check", newer, bed->control_path)),
			 CANNOT_MOVE);
	assert_non_null(strstr(bed->ctl.out.text, "missing       bit-40\n"));
	assert_int_equal(remove(newer), 0);
}

static void other_words_are_wrong(void **state)
{
	struct daemon_bed *bed = *state;

	assert_int_equal(daemon_bed_ctl(bed, WORDS("features", "check", "one")), 2);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("features", "compare", "a", "b")), 2);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("features", "check", "/nowhere", "b")), 1);
}

#define TEST(setup, name) cmocka_unit_test_setup_teardown(name, setup, daemon_bed_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(runs_set_up, offered_and_negotiated_are_shown),
		TEST(daemon_bed_set_up, without_a_driver_nothing_is_negotiated),
		TEST(runs_set_up, a_guest_can_move_to_a_daemon_like_its_own),
		TEST(runs_set_up, what_was_printed_can_be_checked),
		TEST(runs_set_up, what_is_missing_is_named),
		TEST(daemon_bed_set_up, who_does_not_tell_cannot_go_where_telling_is_wanted),
		TEST(daemon_bed_set_up, who_tells_can_go_where_nobody_asks_for_it),
		TEST(daemon_bed_empty_set_up, every_row_of_the_truth_tables_holds),
		TEST(daemon_bed_set_up, a_file_that_says_nothing_of_use_is_refused),
		TEST(daemon_bed_set_up, a_bit_without_a_name_is_known_by_its_number),
		TEST(daemon_bed_set_up, other_words_are_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
