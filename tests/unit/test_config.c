// SPDX-License-Identifier: BSD-3-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/config.h"
#include "temporary.h"

struct bed {
	char directory[64];
	struct vballoon_settings settings;
};

static const char *const files[] = { "vballoond.conf", "conf.d/10-a.conf", "conf.d/20-b.conf",
				     "conf.d/.hidden.conf", "conf.d/note.txt" };

static void path_of(const struct bed *bed, const char *name, char path[128])
{
	snprintf(path, 128, "%s/%s", bed->directory, name);
}

static void write_file(const struct bed *bed, const char *name, const char *text)
{
	char path[128];
	FILE *file;

	path_of(bed, name, path);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static int set_up(void **state)
{
	static struct bed bed;
	char path[128];

	assert_int_equal(
		temporary_directory(bed.directory, sizeof(bed.directory), "vballoon-config"), 0);
	path_of(&bed, "conf.d", path);
	assert_int_equal(mkdir(path, 0700), 0);
	vballoon_settings_init(&bed.settings);
	*state = &bed;
	return 0;
}

static int tear_down(void **state)
{
	struct bed *bed = *state;
	char path[128];
	size_t i;

	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		path_of(bed, files[i], path);
		unlink(path);
	}
	path_of(bed, "conf.d", path);
	rmdir(path);
	vballoon_settings_free(&bed->settings);
	return rmdir(bed->directory);
}

/* Read a file with this text. */
static int outcome_of(struct bed *bed, const char *text)
{
	char path[128];

	write_file(bed, "vballoond.conf", text);
	path_of(bed, "vballoond.conf", path);
	return vballoon_config_read_file(path, &bed->settings);
}

static void each_setting_has_its_name_and_value(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(outcome_of(bed, "socket-path = /run/a b\n"
					 "control-path=/run/c\n"
					 "control-mode = 0640\n"
					 "control-group = 12\n"
					 "features = none\n"
					 "page-size = 2M"),
			 0);
	assert_string_equal(bed->settings.socket_path, "/run/a b");
	assert_string_equal(bed->settings.control_path, "/run/c");
	assert_int_equal(bed->settings.access.mode, 0640);
	assert_int_equal(bed->settings.access.group, 12);
	assert_int_equal(bed->settings.features, UINT64_C(1) << 32);
	assert_int_equal(bed->settings.page_shift, 21);
}

static void comments_and_blank_lines_say_nothing(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(outcome_of(bed, "\n  \t\n# page-size = 2M\n   # more\n"), 0);
	assert_int_equal(bed->settings.page_shift, 12);
}

static void a_misspelt_name_is_refused(void **state)
{
	assert_int_equal(outcome_of(*state, "pgae-size = 2M\n"), -1);
}

static void a_value_that_is_not_possible_is_refused(void **state)
{
	assert_int_equal(outcome_of(*state, "page-size = 3M\n"), -1);
	assert_int_equal(outcome_of(*state, "control-mode = 0990\n"), -1);
	assert_int_equal(outcome_of(*state, "control-mode = 1777\n"), -1);
	assert_int_equal(outcome_of(*state, "control-group = no such group\n"), -1);
	assert_int_equal(outcome_of(*state, "features = page-run\n"), -1);
}

static void a_setting_without_a_value_is_refused(void **state)
{
	assert_int_equal(outcome_of(*state, "control-path =\n"), -1);
	assert_int_equal(outcome_of(*state, "control-path\n"), -1);
}

/* A descriptor's number means something to one process alone. */
static void a_descriptor_is_not_for_files(void **state)
{
	assert_int_equal(outcome_of(*state, "fd = 3\n"), -1);
}

static void a_file_that_was_asked_for_has_to_be_there(void **state)
{
	struct bed *bed = *state;
	char path[128];

	path_of(bed, "none.conf", path);
	assert_int_equal(vballoon_config_read_file(path, &bed->settings), -1);
}

static void a_directory_without_files_sets_nothing(void **state)
{
	struct bed *bed = *state;
	char path[128];

	assert_int_equal(vballoon_config_read_directory(bed->directory, &bed->settings), 0);
	path_of(bed, "none", path);
	assert_int_equal(vballoon_config_read_directory(path, &bed->settings), 0);
	assert_int_equal(bed->settings.page_shift, 12);
}

static void later_files_count_in_the_order_of_their_names(void **state)
{
	struct bed *bed = *state;

	write_file(bed, "vballoond.conf", "page-size = 8K\ncontrol-mode = 600\n");
	write_file(bed, "conf.d/20-b.conf", "page-size = 2M\n");
	write_file(bed, "conf.d/10-a.conf", "page-size = 16K\ncontrol-mode = 640\n");
	assert_int_equal(vballoon_config_read_directory(bed->directory, &bed->settings), 0);
	assert_int_equal(bed->settings.page_shift, 21);
	assert_int_equal(bed->settings.access.mode, 0640);
}

static void files_of_other_names_are_left_alone(void **state)
{
	struct bed *bed = *state;

	write_file(bed, "conf.d/note.txt", "no setting\n");
	write_file(bed, "conf.d/.hidden.conf", "no setting\n");
	assert_int_equal(vballoon_config_read_directory(bed->directory, &bed->settings), 0);
}

static void a_typo_in_a_drop_in_is_refused_too(void **state)
{
	struct bed *bed = *state;

	write_file(bed, "conf.d/10-a.conf", "page-sise = 16K\n");
	assert_int_equal(vballoon_config_read_directory(bed->directory, &bed->settings), -1);
}

static void what_was_read_can_be_read_again_without_files(void **state)
{
	struct bed *bed = *state;
	struct vballoon_settings again;

	write_file(bed, "vballoond.conf", "# of all\npage-size = 2M\nsocket-path = /a b\n");
	write_file(bed, "conf.d/10-a.conf", "page-size=64K\n");
	assert_int_equal(vballoon_config_read_directory(bed->directory, &bed->settings), 0);
	assert_string_equal(bed->settings.lines, "page-size=2M\nsocket-path=/a b\npage-size=64K\n");
	vballoon_settings_init(&again);
	assert_int_equal(vballoon_config_read_lines("", &again), 0);
	assert_null(again.lines);
	assert_int_equal(vballoon_config_read_lines(bed->settings.lines, &again), 0);
	assert_string_equal(again.lines, bed->settings.lines);
	assert_int_equal(again.page_shift, 16);
	assert_string_equal(again.socket_path, "/a b");
	vballoon_settings_free(&again);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_setting_has_its_name_and_value),
		TEST(comments_and_blank_lines_say_nothing),
		TEST(a_misspelt_name_is_refused),
		TEST(a_value_that_is_not_possible_is_refused),
		TEST(a_setting_without_a_value_is_refused),
		TEST(a_descriptor_is_not_for_files),
		TEST(a_file_that_was_asked_for_has_to_be_there),
		TEST(a_directory_without_files_sets_nothing),
		TEST(later_files_count_in_the_order_of_their_names),
		TEST(files_of_other_names_are_left_alone),
		TEST(a_typo_in_a_drop_in_is_refused_too),
		TEST(what_was_read_can_be_read_again_without_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
