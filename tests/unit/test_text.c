// SPDX-License-Identifier: BSD-3-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "control/text.h"

static void assert_repaired(const char *text, const char *wanted)
{
	char copy[64];
	json_t *string;

	snprintf(copy, sizeof(copy), "%s", text);
	vballoon_text_repair(copy);
	assert_string_equal(copy, wanted);
	string = json_string(copy);
	assert_non_null(string);
	json_decref(string);
}

static void assert_sound(const char *text)
{
	assert_repaired(text, text);
}

static void what_is_sound_stays_as_it_is(void **state)
{
	(void)state;
	assert_sound("");
	assert_sound("/run/vballoon/vm1.ctl");
	assert_sound("\x01\x7f");
	assert_sound("a\xc2\x80z\xdf\xbf"); /* the first and the last of two bytes */
	assert_sound("\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf"); /* of three */
	assert_sound("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"); /* of four */
}

static void a_byte_of_no_character_is_a_question_mark(void **state)
{
	(void)state;
	assert_repaired("vm\xe9.ctl", "vm?.ctl");
	assert_repaired("\x80\xbf\xfe\xff", "????");
	assert_repaired("\xe9\xc3\xa9", "?\xc3\xa9");
}

static void a_character_that_was_cut_off_is_question_marks(void **state)
{
	(void)state;
	assert_repaired("a\xc3", "a?");
	assert_repaired("a\xe2\x82", "a??");
	assert_repaired("a\xf0\x9f\x8e", "a???");
	assert_repaired("\xe2\x82z", "??z");
}

static void what_unicode_has_no_such_bytes_for_is_question_marks(void **state)
{
	(void)state;
	assert_repaired("\xc0\xaf", "??"); /* longer than it need be */
	assert_repaired("\xe0\x9f\xbf", "???");
	assert_repaired("\xf0\x8f\xbf\xbf", "????");
	assert_repaired("\xed\xa0\x80", "???"); /* half of a pair */
	assert_repaired("\xf4\x90\x80\x80", "????"); /* beyond the last */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_sound_stays_as_it_is),
		cmocka_unit_test(a_byte_of_no_character_is_a_question_mark),
		cmocka_unit_test(a_character_that_was_cut_off_is_question_marks),
		cmocka_unit_test(what_unicode_has_no_such_bytes_for_is_question_marks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
