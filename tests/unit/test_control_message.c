// SPDX-License-Identifier: BSD-3-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/line.h"
#include "control/message.h"

void *__wrap_malloc(size_t size);
void *__real_malloc(size_t size);

static bool no_memory;

void *__wrap_malloc(size_t size)
{
	return no_memory ? NULL : __real_malloc(size);
}

static const struct vballoon_argument takes_bytes = { .name = "bytes", .max = 1000 };
static const struct vballoon_argument takes_none = { .name = NULL };

static void assert_bad_bytes(const char *line, size_t len)
{
	struct vballoon_error error = { .class = VBALLOON_ERROR_NONE };
	struct vballoon_request request;

	assert_int_equal(vballoon_request_parse(line, len, &request, &error), -EBADMSG);
	assert_int_equal(error.class, VBALLOON_ERROR_BAD_REQUEST);
	assert_true(strlen(error.desc) > 0);
	vballoon_request_free(&request);
}

static void assert_bad(const char *line)
{
	assert_bad_bytes(line, strlen(line));
}

/* What taking the one argument of a request gives, as a class. */
static enum vballoon_error_class
argument_class(const char *line, const struct vballoon_argument *wanted, uint64_t *value_out)
{
	struct vballoon_error error = { .class = VBALLOON_ERROR_NONE };
	struct vballoon_request request;

	assert_int_equal(vballoon_request_parse(line, strlen(line), &request, &error), 0);
	vballoon_request_argument(&request, wanted, value_out, &error);
	vballoon_request_free(&request);
	return error.class;
}

static void a_request_has_command_arguments_and_id(void **state)
{
	static const char line[] =
		"{\"execute\": \"set\", \"arguments\": {\"bytes\": 7}, \"id\": [1]}";
	struct vballoon_error error;
	struct vballoon_request request;
	uint64_t value = 0;

	(void)state;
	assert_int_equal(vballoon_request_parse(line, strlen(line), &request, &error), 0);
	assert_string_equal(request.command, "set");
	assert_true(json_is_array(request.id));
	assert_int_equal(vballoon_request_argument(&request, &takes_bytes, &value, &error), 0);
	assert_int_equal(value, 7);
	vballoon_request_free(&request);
}

static void garbage_is_a_bad_request(void **state)
{
	(void)state;
	assert_bad("");
	assert_bad("hello");
	assert_bad("{");
	assert_bad("{\"execute\": \"status\"} trailing");
	assert_bad("{\"execute\": \"status\", \"execute\": \"reset\"}");
}

static void bytes_that_are_no_utf8_are_a_bad_request(void **state)
{
	(void)state;
	assert_bad("{\"execute\": \"\xff\xfe\"}");
	assert_bad_bytes("{\"execute\": \"a\0b\"}", 18);
}

static void what_is_no_object_is_a_bad_request(void **state)
{
	(void)state;
	assert_bad("[]");
	assert_bad("1");
	assert_bad("null");
	assert_bad("\"status\"");
}

static void the_longest_request_is_read_and_a_longer_one_is_not(void **state)
{
	char line[VBALLOON_REQUEST_BYTES_MAX + 1];
	struct vballoon_request request;
	struct vballoon_error error;

	(void)state;
	memset(line, ' ', sizeof(line));
	memcpy(line, "{\"execute\":\"x\"}", 15);
	assert_int_equal(vballoon_request_parse(line, sizeof(line) - 1, &request, &error), 0);
	vballoon_request_free(&request);
	assert_bad_bytes(line, sizeof(line));
}

static void nesting_without_end_is_a_bad_request(void **state)
{
	char deep[VBALLOON_REQUEST_BYTES_MAX];

	(void)state;
	memset(deep, '[', sizeof(deep));
	assert_bad_bytes(deep, sizeof(deep));
}

static void a_command_that_is_no_string_is_a_bad_request(void **state)
{
	(void)state;
	assert_bad("{}");
	assert_bad("{\"execute\": 1}");
	assert_bad("{\"execute\": null}");
	assert_bad("{\"execute\": {}}");
}

static void arguments_that_are_no_object_are_a_bad_request(void **state)
{
	(void)state;
	assert_bad("{\"execute\": \"set\", \"arguments\": [1]}");
	assert_bad("{\"execute\": \"set\", \"arguments\": null}");
}

static void an_unknown_key_is_a_bad_request(void **state)
{
	(void)state;
	assert_bad("{\"execute\": \"status\", \"argument\": {}}");
}

static void a_bad_request_keeps_its_id(void **state)
{
	static const char line[] = "{\"id\": 9}";
	struct vballoon_error error;
	struct vballoon_request request;

	(void)state;
	assert_int_equal(vballoon_request_parse(line, strlen(line), &request, &error), -EBADMSG);
	assert_int_equal(json_integer_value(request.id), 9);
	vballoon_request_free(&request);
}

static void an_argument_of_the_wrong_type_is_a_bad_request(void **state)
{
	uint64_t value = 3;

	(void)state;
	assert_int_equal(argument_class("{\"execute\":\"x\",\"arguments\":{\"bytes\":\"7\"}}",
					&takes_bytes, &value),
			 VBALLOON_ERROR_BAD_REQUEST);
	assert_int_equal(argument_class("{\"execute\":\"x\",\"arguments\":{\"bytes\":7.0}}",
					&takes_bytes, &value),
			 VBALLOON_ERROR_BAD_REQUEST);
	assert_int_equal(argument_class("{\"execute\":\"x\",\"arguments\":{\"bytes\":true}}",
					&takes_bytes, &value),
			 VBALLOON_ERROR_BAD_REQUEST);
	assert_int_equal(value, 3);
}

static void a_missing_argument_is_a_bad_request(void **state)
{
	uint64_t value = 3;

	(void)state;
	assert_int_equal(argument_class("{\"execute\":\"x\"}", &takes_bytes, &value),
			 VBALLOON_ERROR_BAD_REQUEST);
	assert_int_equal(
		argument_class("{\"execute\":\"x\",\"arguments\":{}}", &takes_bytes, &value),
		VBALLOON_ERROR_BAD_REQUEST);
}

static void an_unknown_argument_is_a_bad_request(void **state)
{
	uint64_t value = 3;

	(void)state;
	assert_int_equal(argument_class("{\"execute\":\"x\",\"arguments\":{\"bytes\":1,\"b\":2}}",
					&takes_bytes, &value),
			 VBALLOON_ERROR_BAD_REQUEST);
	assert_int_equal(argument_class("{\"execute\":\"x\",\"arguments\":{\"bytes\":1}}",
					&takes_none, &value),
			 VBALLOON_ERROR_BAD_REQUEST);
	assert_int_equal(
		argument_class("{\"execute\":\"x\",\"arguments\":{}}", &takes_none, &value),
		VBALLOON_ERROR_NONE);
}

static void an_argument_beyond_its_bounds_is_out_of_range(void **state)
{
	uint64_t value = 3;

	(void)state;
	assert_int_equal(argument_class("{\"execute\":\"x\",\"arguments\":{\"bytes\":1000}}",
					&takes_bytes, &value),
			 VBALLOON_ERROR_NONE);
	assert_int_equal(value, 1000);
	assert_int_equal(argument_class("{\"execute\":\"x\",\"arguments\":{\"bytes\":1001}}",
					&takes_bytes, &value),
			 VBALLOON_ERROR_OUT_OF_RANGE);
	assert_int_equal(argument_class("{\"execute\":\"x\",\"arguments\":{\"bytes\":-1}}",
					&takes_bytes, &value),
			 VBALLOON_ERROR_OUT_OF_RANGE);
	assert_int_equal(value, 1000);
}

static void a_number_beyond_64_bits_is_a_bad_request(void **state)
{
	(void)state;
	assert_bad("{\"execute\":\"x\",\"arguments\":{\"bytes\":99999999999999999999}}");
}

/* Print @message, check that it is one line, and read it as an answer. */
static void answer_of(json_t *message, struct vballoon_answer *answer)
{
	size_t len = 0;
	char *line = vballoon_message_print(message, &len);

	assert_non_null(line);
	assert_ptr_equal(memchr(line, '\n', len), line + len - 1);
	assert_int_equal(vballoon_answer_parse(line, len - 1, answer), 0);
	free(line);
	json_decref(message);
}

static void a_return_comes_back_as_it_was_sent(void **state)
{
	struct vballoon_answer answer;
	json_t *id = json_string("a\nb");

	(void)state;
	answer_of(vballoon_message_return(json_pack("{si}", "target_bytes", 4096), id), &answer);
	assert_int_equal(json_integer_value(json_object_get(answer.value, "target_bytes")), 4096);
	assert_string_equal(json_string_value(json_object_get(answer.root, "id")), "a\nb");
	vballoon_answer_free(&answer);
	json_decref(id);
}

static void every_error_class_comes_back_as_it_was_sent(void **state)
{
	struct vballoon_answer answer;
	struct vballoon_error error;
	int class;

	(void)state;
	for (class = VBALLOON_ERROR_BAD_REQUEST; class < VBALLOON_ERROR_UNKNOWN; class ++) {
		vballoon_error_set(&error, (enum vballoon_error_class) class, "no. %d", class);
		answer_of(vballoon_message_error(&error, NULL), &answer);
		assert_null(answer.value);
		assert_int_equal(answer.error.class, class);
		assert_string_equal(answer.error.desc, error.desc);
		vballoon_answer_free(&answer);
	}
}

static void what_an_error_cuts_off_within_a_character_is_told(void **state)
{
	struct vballoon_request request;
	struct vballoon_answer answer;
	struct vballoon_error error;
	uint64_t value = 0;
	char line[160];

	(void)state;
	snprintf(line, sizeof(line), "{\"execute\":\"x\",\"arguments\":{\"%063d\xc3\xa9\":1}}", 0);
	assert_int_equal(vballoon_request_parse(line, strlen(line), &request, &error), 0);
	assert_int_equal(vballoon_request_argument(&request, &takes_none, &value, &error),
			 -EBADMSG);
	answer_of(vballoon_message_error(&error, NULL), &answer);
	assert_int_equal(answer.error.class, VBALLOON_ERROR_BAD_REQUEST);
	assert_non_null(strstr(answer.error.desc, "0?\""));
	vballoon_answer_free(&answer);
	vballoon_request_free(&request);
}

static void an_error_class_of_a_newer_daemon_is_unknown(void **state)
{
	static const char line[] = "{\"error\": {\"class\": \"Tired\", \"desc\": \"later\"}}";
	struct vballoon_answer answer;

	(void)state;
	assert_int_equal(vballoon_answer_parse(line, strlen(line), &answer), 0);
	assert_int_equal(answer.error.class, VBALLOON_ERROR_UNKNOWN);
	assert_string_equal(answer.error.desc, "later");
	vballoon_answer_free(&answer);
}

static void what_is_no_answer_is_told(void **state)
{
	struct vballoon_answer answer;

	(void)state;
	assert_int_equal(vballoon_answer_parse("{}", 2, &answer), -EBADMSG);
	vballoon_answer_free(&answer);
	assert_int_equal(vballoon_answer_parse("[", 1, &answer), -EBADMSG);
	vballoon_answer_free(&answer);
	assert_int_equal(vballoon_answer_parse("{\"error\":{}}", 12, &answer), -EBADMSG);
	vballoon_answer_free(&answer);
}

static void a_line_that_would_be_too_long_is_not_printed(void **state)
{
	json_t *message = json_array();
	size_t len;
	int i;

	(void)state;
	for (i = 0; i < VBALLOON_LINE_BYTES_MAX / 2; i++)
		json_array_append_new(message, json_integer(1));
	assert_null(vballoon_message_print(message, &len));
	json_decref(message);
}

static void without_memory_nothing_is_printed(void **state)
{
	json_t *message = vballoon_message_greeting("1");
	char *line;
	size_t len;

	(void)state;
	no_memory = true;
	line = vballoon_message_print(message, &len);
	no_memory = false;
	assert_null(line);
	json_decref(message);
}

static void the_greeting_tells_the_protocol(void **state)
{
	json_t *greeting = vballoon_message_greeting("1.2.3");
	int protocol = 0;
	size_t len = 0;
	char *line = vballoon_message_print(greeting, &len);

	(void)state;
	assert_int_equal(vballoon_greeting_parse(line, len, &protocol), 0);
	assert_int_equal(protocol, VBALLOON_PROTOCOL);
	assert_int_equal(vballoon_greeting_parse("{\"QMP\":{}}", 10, &protocol), -EBADMSG);
	assert_int_equal(vballoon_greeting_parse("SSH-2.0", 7, &protocol), -EBADMSG);
	free(line);
	json_decref(greeting);
}

static void a_request_comes_back_as_it_was_sent(void **state)
{
	json_t *message = vballoon_message_request("set", json_pack("{si}", "bytes", 5));
	struct vballoon_request request;
	struct vballoon_error error;
	uint64_t value = 0;
	size_t len = 0;
	char *line = vballoon_message_print(message, &len);

	(void)state;
	assert_int_equal(vballoon_request_parse(line, len, &request, &error), 0);
	assert_string_equal(request.command, "set");
	assert_int_equal(vballoon_request_argument(&request, &takes_bytes, &value, &error), 0);
	assert_int_equal(value, 5);
	vballoon_request_free(&request);
	free(line);
	json_decref(message);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_has_command_arguments_and_id),
		cmocka_unit_test(garbage_is_a_bad_request),
		cmocka_unit_test(bytes_that_are_no_utf8_are_a_bad_request),
		cmocka_unit_test(what_is_no_object_is_a_bad_request),
		cmocka_unit_test(the_longest_request_is_read_and_a_longer_one_is_not),
		cmocka_unit_test(nesting_without_end_is_a_bad_request),
		cmocka_unit_test(a_command_that_is_no_string_is_a_bad_request),
		cmocka_unit_test(arguments_that_are_no_object_are_a_bad_request),
		cmocka_unit_test(an_unknown_key_is_a_bad_request),
		cmocka_unit_test(a_bad_request_keeps_its_id),
		cmocka_unit_test(an_argument_of_the_wrong_type_is_a_bad_request),
		cmocka_unit_test(a_missing_argument_is_a_bad_request),
		cmocka_unit_test(an_unknown_argument_is_a_bad_request),
		cmocka_unit_test(an_argument_beyond_its_bounds_is_out_of_range),
		cmocka_unit_test(a_number_beyond_64_bits_is_a_bad_request),
		cmocka_unit_test(a_return_comes_back_as_it_was_sent),
		cmocka_unit_test(every_error_class_comes_back_as_it_was_sent),
		cmocka_unit_test(what_an_error_cuts_off_within_a_character_is_told),
		cmocka_unit_test(an_error_class_of_a_newer_daemon_is_unknown),
		cmocka_unit_test(what_is_no_answer_is_told),
		cmocka_unit_test(a_line_that_would_be_too_long_is_not_printed),
		cmocka_unit_test(without_memory_nothing_is_printed),
		cmocka_unit_test(the_greeting_tells_the_protocol),
		cmocka_unit_test(a_request_comes_back_as_it_was_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
