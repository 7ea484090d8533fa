// SPDX-License-Identifier: BSD-3-Clause
/* The control socket: clients that misbehave. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "control/message.h"
#include "daemon/control_server.h"
#include "daemon_bed.h"

#define RSS_MAX_KIB 4096

static void assert_answers(struct daemon_bed *bed)
{
	daemon_bed_assert_state(bed, "no-front-end");
}

static void a_megabyte_without_a_newline_is_one_error(void **state)
{
	static char flood[1 << 20];
	struct daemon_bed *bed = *state;
	struct control other;

	memset(flood, 'x', sizeof(flood));
	control_open(&other, bed->control_path);
	control_send(&other, flood, sizeof(flood));
	control_assert_error(&other, "", "BadRequest");
	json_decref(control_call(&other, "{\"execute\":\"status\"}"));
	control_close(&other);
	assert_answers(bed);
}

/* Words of requests, in any order: most make none, some make one. */
static void say_anything(char *line, size_t room, uint32_t *random)
{
	static const char *const words[] = {
		"{",
		"}",
		"[",
		"]",
		":",
		",",
		"\"",
		"\\",
		"\"execute\"",
		"\"arguments\"",
		"\"id\"",
		"\"set\"",
		"\"status\"",
		"\"policy\"",
		"\"balloon_bytes\"",
		"0",
		"-1",
		"1e99",
		"18446744073709551616",
		"null",
		"true",
		"\xc3",
		"\xff",
		"\x01",
		"{\"execute\":",
		"\"arguments\":{",
		"\"wait\"",
		"\"timeout_ms\":1",
		"\"save-state\"",
		"\"offset\":",
	};
	size_t len = 0;

	*line = '\0';
	for (unsigned int i = 0; i < 12; i++) {
		*random = *random * 1103515245U + 12345U;
		len += (size_t)snprintf(
			line + len, room - len, "%s",
			words[(*random >> 16) % (sizeof(words) / sizeof(words[0]))]);
	}
}

static void whatever_a_client_says_it_gets_one_answer(void **state)
{
	struct daemon_bed *bed = *state;
	uint32_t random = 1;
	char line[512];
	json_t *answer;

	for (unsigned int i = 0; i < 1000; i++) {
		say_anything(line, sizeof(line), &random);
		control_send_text(&bed->control, line);
		control_send(&bed->control, "\n", 1);
		answer = control_receive(&bed->control);
		assert_non_null(answer);
		assert_true(json_object_get(answer, "error") || json_object_get(answer, "return"));
		json_decref(answer);
	}
	assert_true(control_is_silent(&bed->control));
	assert_answers(bed);
}

static void clients_that_go_away_in_the_middle_are_forgotten(void **state)
{
	static const char wait_and_set[] =
		"{\"execute\":\"wait\",\"arguments\":{\"timeout_ms\":60000}}\n"
		"{\"execute\":\"set\",\"arguments\":{\"balloon_bytes\":0}}\n";
	static const char *const words[] = { "", "{\"exec", "{\"execute\":\"status\"}\n",
					     wait_and_set };
	struct daemon_bed *bed = *state;
	struct control other;
	unsigned int i;

	json_decref(control_call(&bed->control, "{\"execute\":\"set\",\"arguments\":"
						"{\"balloon_bytes\":4096}}"));
	/* More of them than can be connected at once. */
	for (i = 0; i < 4 * VBALLOON_CONTROL_CLIENTS_MAX; i++) {
		control_open(&other, bed->control_path);
		control_send_text(&other, words[i % 4]);
		control_close(&other);
		assert_answers(bed);
	}
	assert_int_equal(daemon_bed_status_integer(bed, "target_bytes"), 4096);
}

static void one_client_too_many_is_told_so(void **state)
{
	struct daemon_bed *bed = *state;
	struct control others[VBALLOON_CONTROL_CLIENTS_MAX];
	const char *class;
	json_t *refusal;
	unsigned int i;

	/* The bed has one of the places. */
	for (i = 1; i < VBALLOON_CONTROL_CLIENTS_MAX; i++)
		control_open(&others[i], bed->control_path);
	control_connect(&others[0], bed->control_path);
	refusal = control_receive(&others[0]);
	class = json_string_value(json_object_get(json_object_get(refusal, "error"), "class"));
	assert_string_equal(class, "TooManyClients");
	json_decref(refusal);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("status")), 3);
	for (i = 0; i < VBALLOON_CONTROL_CLIENTS_MAX; i++)
		control_close(&others[i]);
	assert_answers(bed);
	control_open(&others[0], bed->control_path);
	control_close(&others[0]);
}

/* Send requests without reading one answer, until the socket has no more room. */
static void flood(struct control *control)
{
	static const char line[] = "{\"execute\":\"status\"}\n";

	while (send(control->fd, line, sizeof(line) - 1, MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
		;
}

static void a_client_that_reads_nothing_holds_only_itself_up(void **state)
{
	struct daemon_bed *bed = *state;
	struct control other;

	control_open(&other, bed->control_path);
	flood(&other);
	assert_answers(bed);
	/* The daemon has no use for its lines, so it sleeps. */
	assert_int_equal(process_wakeups(&bed->daemon, 200), 0);
	control_close(&other);
	assert_answers(bed);
}

#ifndef VBALLOON_SANITIZED
static uint64_t rss_kib(const struct daemon_bed *bed)
{
	return process_status_value(&bed->daemon, "RssAnon") +
	       process_status_value(&bed->daemon, "RssFile");
}

static void hostile_clients_cost_little_memory(void **state)
{
	static char longest[VBALLOON_LINE_BYTES_MAX];
	struct daemon_bed *bed = *state;
	struct control others[VBALLOON_CONTROL_CLIENTS_MAX];
	unsigned int i;

	/* Arrays in an array: what takes the most memory for its length. */
	for (i = 0; i < sizeof(longest); i++)
		longest[i] = "],["[i % 3];
	longest[0] = '[';
	for (i = 1; i < VBALLOON_CONTROL_CLIENTS_MAX; i++) {
		control_open(&others[i], bed->control_path);
		longest[VBALLOON_REQUEST_BYTES_MAX] = '\n';
		control_send(&others[i], longest, VBALLOON_REQUEST_BYTES_MAX + 1);
		control_assert_error(&others[i], "", "BadRequest");
		longest[VBALLOON_REQUEST_BYTES_MAX] = '[';
		longest[sizeof(longest) - 1] = '\n';
		control_send(&others[i], longest, sizeof(longest));
		flood(&others[i]);
	}
	assert_answers(bed);
	assert_in_range(rss_kib(bed), 1, RSS_MAX_KIB);
	for (i = 1; i < VBALLOON_CONTROL_CLIENTS_MAX; i++)
		control_close(&others[i]);
}
#endif

#define TEST(name) cmocka_unit_test_setup_teardown(name, daemon_bed_set_up, daemon_bed_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_megabyte_without_a_newline_is_one_error),
		TEST(whatever_a_client_says_it_gets_one_answer),
		TEST(clients_that_go_away_in_the_middle_are_forgotten),
		TEST(one_client_too_many_is_told_so),
		TEST(a_client_that_reads_nothing_holds_only_itself_up),
#ifndef VBALLOON_SANITIZED
		TEST(hostile_clients_cost_little_memory),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
