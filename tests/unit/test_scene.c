// SPDX-License-Identifier: BSD-3-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "cli/scene.h"

#define MIB (1 << 20)

static json_t *some_status(void)
{
	return json_pack("{sssisisisisis{sis{si}}}", "state", "ready", "target_bytes", 2 * MIB,
			 "held_bytes", MIB, "dropped_bytes", MIB, "memory_bytes", 8 * MIB,
			 "backing_bytes", 4 * MIB, "guest", "age_ms", 5000, "stats",
			 "mem-available", 3 * MIB);
}

/* What is drawn, to be freed. */
static char *draw(const struct vballoon_scene_style *style)
{
	static struct vballoon_scene scene;
	char *text = NULL;
	size_t len = 0;
	FILE *to = open_memstream(&text, &len);

	assert_non_null(to);
	memset(&scene, 0, sizeof(scene));
	scene.interval_s = 1;
	vballoon_scene_add(&scene, some_status());
	if (style)
		vballoon_scene_draw(&scene, style, to);
	else
		vballoon_scene_print_line(&scene, to);
	fclose(to);
	vballoon_scene_end(&scene);
	return text;
}

static size_t count(const char *text, const char *part)
{
	size_t found = 0;

	for (text = strstr(text, part); text; text = strstr(text + 1, part))
		found++;
	return found;
}

static void every_figure_is_there_with_what_belongs_to_it(void **state)
{
	const struct vballoon_scene_style style = { .columns = 100, .rows = 30 };
	char *text = draw(&style);

	(void)state;
	assert_non_null(strstr(text, "guest available  3 MiB       5 s ago"));
	assert_non_null(strstr(text, "guest free       not told"));
	assert_non_null(strstr(text, "balloon          1 MiB       of 2 MiB; 1 MiB given"));
	assert_non_null(strstr(text, "host memory      4 MiB       of 8 MiB of guest memory"));
	free(text);
}

static void no_line_is_wider_than_the_terminal(void **state)
{
	const struct vballoon_scene_style style = { .columns = 20, .rows = 30 };
	char *text = draw(&style);
	const char *line = text;
	size_t len;

	(void)state;
	while ((line = strstr(line, "\r\n"))) {
		line += strlen("\r\n\033[K");
		len = strcspn(line, "\r\033");
		assert_in_range(len, 0, 20);
	}
	free(text);
}

/* The cursor is on the last character of a line that is as wide as the terminal. */
static void nothing_is_cleared_behind_a_line(void **state)
{
	const struct vballoon_scene_style style = { .columns = 20, .rows = 30 };
	char *text = draw(&style);
	size_t lines = count(text, "\r\n");

	(void)state;
	assert_true(lines > VBALLOON_SCENE_CHARTS);
	assert_int_equal(count(text, "\033[H\033[K"), 1);
	assert_int_equal(count(text, "\r\n\033[K"), lines - 1);
	assert_int_equal(count(text, "\r\n\033[J"), 1);
	assert_int_equal(count(text, "\033["), lines + 2);
	free(text);
}

static void it_is_no_higher_than_the_terminal(void **state)
{
	static const size_t heights[] = { 7, 12, 24, 100 };
	struct vballoon_scene_style style = { .columns = 80 };
	unsigned int i;
	char *text;

	(void)state;
	for (i = 0; i < 4; i++) {
		style.rows = heights[i];
		text = draw(&style);
		assert_in_range(count(text, "\r\n") + 1, 7, heights[i]);
		free(text);
	}
}

static void colours_are_there_when_they_are_wanted(void **state)
{
	struct vballoon_scene_style style = { .columns = 80, .rows = 24, .color = true };
	char *text = draw(&style);

	(void)state;
	assert_int_equal(count(text, "\033[0m"), VBALLOON_SCENE_CHARTS);
	free(text);
	style.color = false;
	text = draw(&style);
	assert_int_equal(count(text, "\033[0m") + count(text, "\033[3"), 0);
	free(text);
}

static void away_from_a_terminal_it_is_one_line(void **state)
{
	char *text = draw(NULL);

	(void)state;
	assert_string_equal(text, "ready, target 2 MiB, host 4 MiB, balloon 1 MiB, free not told, "
				  "available 3 MiB\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_figure_is_there_with_what_belongs_to_it),
		cmocka_unit_test(no_line_is_wider_than_the_terminal),
		cmocka_unit_test(nothing_is_cleared_behind_a_line),
		cmocka_unit_test(it_is_no_higher_than_the_terminal),
		cmocka_unit_test(colours_are_there_when_they_are_wanted),
		cmocka_unit_test(away_from_a_terminal_it_is_one_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
