// SPDX-License-Identifier: BSD-3-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "control/base64.h"

static void assert_text(const char *bytes, const char *text)
{
	char made[64], read[64];
	size_t len;

	vballoon_base64_encode(bytes, strlen(bytes), made);
	assert_string_equal(made, text);
	assert_int_equal(vballoon_base64_decode(text, read, sizeof(read), &len), 0);
	assert_int_equal(len, strlen(bytes));
	assert_memory_equal(read, bytes, len);
}

/* RFC 4648, 10. */
static void the_examples_of_the_rfc_hold(void **state)
{
	(void)state;
	assert_text("", "");
	assert_text("f", "Zg==");
	assert_text("fo", "Zm8=");
	assert_text("foo", "Zm9v");
	assert_text("foob", "Zm9vYg==");
	assert_text("fooba", "Zm9vYmE=");
	assert_text("foobar", "Zm9vYmFy");
}

static void every_byte_comes_back(void **state)
{
	uint8_t bytes[256], read[256];
	char text[VBALLOON_BASE64_TEXT_BYTES(sizeof(bytes))];
	size_t len;

	(void)state;
	for (unsigned int i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7);
	vballoon_base64_encode(bytes, sizeof(bytes), text);
	assert_int_equal(strlen(text) + 1, sizeof(text));
	assert_int_equal(vballoon_base64_decode(text, read, sizeof(read), &len), 0);
	assert_int_equal(len, sizeof(bytes));
	assert_memory_equal(read, bytes, len);
}

static void assert_none(const char *text)
{
	uint8_t read[16];
	size_t len;

	assert_int_equal(vballoon_base64_decode(text, read, sizeof(read), &len), -1);
}

static void what_is_no_base64_is_refused(void **state)
{
	(void)state;
	assert_none("Zg");
	assert_none("Zg=v");
	assert_none("Z===");
	assert_none("====");
	assert_none("Zg==Zg==");
	assert_none("Zm9\n");
	assert_none("Zh==");
	assert_none("Zm9=");
}

static void more_than_there_is_room_for_is_refused(void **state)
{
	uint8_t read[3];
	size_t len;

	(void)state;
	assert_int_equal(vballoon_base64_decode("Zm9vYg==", read, sizeof(read), &len), -1);
	assert_int_equal(vballoon_base64_decode("Zm9v", read, sizeof(read), &len), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_examples_of_the_rfc_hold),
		cmocka_unit_test(every_byte_comes_back),
		cmocka_unit_test(what_is_no_base64_is_refused),
		cmocka_unit_test(more_than_there_is_room_for_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
