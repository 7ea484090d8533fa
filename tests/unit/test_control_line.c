// SPDX-License-Identifier: BSD-3-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "control/line.h"

static struct vballoon_line_reader reader;

static int set_up(void **state)
{
	(void)state;
	vballoon_line_init(&reader);
	return 0;
}

/* As much of @len bytes as there is room for; returns how many. */
static size_t feed(const char *bytes, size_t len)
{
	size_t room;
	char *space = vballoon_line_space(&reader, &room);

	if (len > room)
		len = room;
	memcpy(space, bytes, len);
	vballoon_line_filled(&reader, len);
	return len;
}

static void feed_text(const char *text)
{
	assert_int_equal(feed(text, strlen(text)), strlen(text));
}

static void assert_line(const char *text)
{
	const char *line = NULL;
	size_t len = 0;

	assert_true(vballoon_line_waiting(&reader));
	assert_int_equal(vballoon_line_next(&reader, &line, &len), VBALLOON_LINE_WHOLE);
	assert_int_equal(len, strlen(text));
	assert_memory_equal(line, text, len);
}

static void assert_outcome(int outcome)
{
	const char *line = NULL;
	size_t len = 0;

	assert_int_equal(vballoon_line_waiting(&reader), outcome != VBALLOON_LINE_NONE);
	assert_int_equal(vballoon_line_next(&reader, &line, &len), outcome);
}

static void half_a_line_is_none_until_the_rest_comes(void **state)
{
	(void)state;
	feed_text("hal");
	assert_outcome(VBALLOON_LINE_NONE);
	feed_text("f\n");
	assert_line("half");
	assert_outcome(VBALLOON_LINE_NONE);
}

static void lines_that_come_together_are_taken_one_by_one(void **state)
{
	(void)state;
	feed_text("one\n\nthree\nfo");
	assert_line("one");
	assert_line("");
	assert_line("three");
	assert_outcome(VBALLOON_LINE_NONE);
	feed_text("ur\n");
	assert_line("four");
}

static void the_longest_line_is_whole(void **state)
{
	static char longest[VBALLOON_LINE_BYTES_MAX];
	const char *line = NULL;
	size_t len = 0;

	(void)state;
	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\n';
	assert_int_equal(feed(longest, sizeof(longest)), sizeof(longest));
	assert_int_equal(vballoon_line_next(&reader, &line, &len), VBALLOON_LINE_WHOLE);
	assert_int_equal(len, sizeof(longest) - 1);
}

static void a_megabyte_without_a_newline_is_told_once_and_skipped(void **state)
{
	static char chunk[VBALLOON_LINE_BYTES_MAX];
	size_t i;

	(void)state;
	memset(chunk, 'x', sizeof(chunk));
	feed(chunk, sizeof(chunk));
	assert_outcome(VBALLOON_LINE_TOO_LONG);
	for (i = 1; i < 16; i++) {
		assert_int_equal(feed(chunk, sizeof(chunk)), sizeof(chunk));
		assert_outcome(VBALLOON_LINE_NONE);
	}
	feed_text("still that line\nand the next\n");
	assert_line("and the next");
	assert_outcome(VBALLOON_LINE_NONE);
}

static void a_line_that_is_one_byte_too_long_is_skipped_to_its_end(void **state)
{
	static char chunk[VBALLOON_LINE_BYTES_MAX];

	(void)state;
	memset(chunk, 'x', sizeof(chunk));
	feed(chunk, sizeof(chunk));
	assert_outcome(VBALLOON_LINE_TOO_LONG);
	feed_text("\n");
	assert_outcome(VBALLOON_LINE_NONE);
	feed_text("next\n");
	assert_line("next");
}

static void there_is_always_room_after_none(void **state)
{
	static char chunk[VBALLOON_LINE_BYTES_MAX - 1];
	size_t room;

	(void)state;
	memset(chunk, 'x', sizeof(chunk));
	feed(chunk, sizeof(chunk));
	assert_outcome(VBALLOON_LINE_NONE);
	vballoon_line_space(&reader, &room);
	assert_int_equal(room, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(half_a_line_is_none_until_the_rest_comes, set_up),
		cmocka_unit_test_setup(lines_that_come_together_are_taken_one_by_one, set_up),
		cmocka_unit_test_setup(the_longest_line_is_whole, set_up),
		cmocka_unit_test_setup(a_megabyte_without_a_newline_is_told_once_and_skipped,
				       set_up),
		cmocka_unit_test_setup(a_line_that_is_one_byte_too_long_is_skipped_to_its_end,
				       set_up),
		cmocka_unit_test_setup(there_is_always_room_after_none, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
