// SPDX-License-Identifier: BSD-3-Clause
/* The control socket: its commands without a guest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/message.h"
#include "daemon_bed.h"

static void a_target_is_rounded_up_to_balloon_pages_and_kept(void **state)
{
	struct daemon_bed *bed = *state;
	json_t *value = control_call(&bed->control, "{\"execute\":\"set\",\"arguments\":"
						    "{\"balloon_bytes\":8193}}");

	assert_int_equal(control_take_integer(value, "target_bytes"), 12288);
	assert_int_equal(daemon_bed_status_integer(bed, "target_bytes"), 12288);
	assert_int_equal(daemon_bed_status_integer(bed, "held_bytes"), 0);
}

static void the_largest_target_does_not_overflow(void **state)
{
	struct daemon_bed *bed = *state;
	json_t *value = control_call(&bed->control, "{\"execute\":\"set\",\"arguments\":"
						    "{\"balloon_bytes\":4611686018427387904}}");

	assert_true(control_take_integer(value, "target_bytes") == INT64_C(1) << 62);
	control_assert_error(&bed->control,
			     "{\"execute\":\"set\",\"arguments\":"
			     "{\"balloon_bytes\":4611686018427387905}}",
			     "OutOfRange");
}

static void an_id_comes_back_with_its_answer(void **state)
{
	struct daemon_bed *bed = *state;
	json_t *answer;

	control_send_text(&bed->control, "{\"execute\":\"status\",\"id\":{\"a\":[1]}}\n"
					 "{\"execute\":\"none\",\"id\":7}\n");
	answer = control_receive(&bed->control);
	assert_true(json_is_object(json_object_get(answer, "id")));
	json_decref(answer);
	assert_int_equal(control_take_integer(control_receive(&bed->control), "id"), 7);
}

static void what_is_wrong_with_a_request_is_told_by_its_class(void **state)
{
	struct control *control = &((struct daemon_bed *)*state)->control;

	control_assert_error(control, "nonsense", "BadRequest");
	control_assert_error(control, "", "BadRequest");
	control_assert_error(control, "{\"execute\":\"set\"}", "BadRequest");
	control_assert_error(control, "{\"execute\":\"status\",\"arguments\":{\"x\":1}}",
			     "BadRequest");
	control_assert_error(control, "{\"execute\":\"quit\"}", "UnknownCommand");
	control_assert_error(control, "{\"execute\":\"wait\",\"arguments\":{\"timeout_ms\":60001}}",
			     "OutOfRange");
	control_assert_error(control, "{\"execute\":\"reset\"}", "NoFrontEnd");
	control_assert_error(control, "{\"execute\":\"stats\",\"arguments\":{\"timeout_ms\":1}}",
			     "NoFrontEnd");
}

static void the_last_statistics_can_be_asked_for_when_there_are_none(void **state)
{
	struct daemon_bed *bed = *state;
	json_t *value = control_call(&bed->control, "{\"execute\":\"stats\",\"arguments\":"
						    "{\"timeout_ms\":0}}");

	assert_true(json_is_null(value));
	json_decref(value);
}

static void a_wait_that_is_over_says_what_was_reached(void **state)
{
	struct daemon_bed *bed = *state;
	json_t *value;

	value = control_call(&bed->control, "{\"execute\":\"wait\",\"arguments\":"
					    "{\"timeout_ms\":60000}}");
	assert_true(json_is_true(json_object_get(value, "reached")));
	json_decref(value);
	json_decref(control_call(&bed->control, "{\"execute\":\"set\",\"arguments\":"
						"{\"balloon_bytes\":4096}}"));
	value = control_call(&bed->control, "{\"execute\":\"wait\",\"arguments\":"
					    "{\"timeout_ms\":20}}");
	assert_true(json_is_false(json_object_get(value, "reached")));
	assert_string_equal(json_string_value(json_object_get(value, "state")), "no-front-end");
	json_decref(value);
}

static void a_wait_ends_when_another_client_makes_it_true(void **state)
{
	struct daemon_bed *bed = *state;
	struct control other;
	json_t *answer;

	control_open(&other, bed->control_path);
	json_decref(control_call(&bed->control, "{\"execute\":\"set\",\"arguments\":"
						"{\"balloon_bytes\":4096}}"));
	control_send_text(&other, "{\"execute\":\"wait\",\"arguments\":{\"timeout_ms\":60000}}\n"
				  "{\"execute\":\"status\",\"id\":2}\n");
	/* The other's lines were there first, so it waits when this is answered. */
	daemon_bed_assert_state(bed, "no-front-end");
	assert_true(control_is_silent(&other));
	json_decref(control_call(&bed->control, "{\"execute\":\"set\",\"arguments\":"
						"{\"balloon_bytes\":0}}"));
	answer = control_receive(&other);
	assert_true(json_is_true(json_object_get(json_object_get(answer, "return"), "reached")));
	json_decref(answer);
	/* And what was sent meanwhile follows. */
	assert_int_equal(control_take_integer(control_receive(&other), "id"), 2);
	control_close(&other);
}

static void half_a_line_waits_for_its_other_half(void **state)
{
	struct daemon_bed *bed = *state;
	struct control other;

	control_open(&other, bed->control_path);
	control_send_text(&other, "{\"execute\":");
	daemon_bed_assert_state(bed, "no-front-end");
	assert_true(control_is_silent(&other));
	json_decref(control_call(&other, "\"status\"}"));
	control_close(&other);
}

static void a_client_that_ends_its_sending_gets_its_answer(void **state)
{
	struct daemon_bed *bed = *state;
	struct control other;
	json_t *answer;

	control_open(&other, bed->control_path);
	control_send_text(&other, "{\"execute\":\"status\"}\n{\"execute\":\"status\"}\nhalf");
	assert_int_equal(shutdown(other.fd, SHUT_WR), 0);
	answer = control_receive(&other);
	assert_non_null(json_object_get(answer, "return"));
	json_decref(answer);
	answer = control_receive(&other);
	assert_non_null(json_object_get(answer, "return"));
	json_decref(answer);
	assert_null(control_receive(&other));
	control_close(&other);
}

/* The number that the daemon's next descriptor gets. */
static rlim_t next_descriptor(const struct daemon_bed *bed)
{
	rlim_t next = 0;
	char path[64];

	do {
		snprintf(path, sizeof(path), "/proc/%d/fd/%u", bed->daemon.pid,
			 (unsigned int)next++);
	} while (!access(path, F_OK));
	return next - 1;
}

static void a_daemon_out_of_descriptors_turns_away_and_sleeps(void **state)
{
	struct rlimit before, none = { 0, 0 };
	struct daemon_bed *bed = *state;
	struct control other;

	assert_int_equal(prlimit(bed->daemon.pid, RLIMIT_NOFILE, NULL, &before), 0);
	none.rlim_max = before.rlim_max;
	none.rlim_cur = next_descriptor(bed);
	assert_int_equal(prlimit(bed->daemon.pid, RLIMIT_NOFILE, &none, NULL), 0);
	control_connect(&other, bed->control_path);
	assert_null(control_receive(&other));
	control_close(&other);
	process_await(&bed->daemon, "too many open files");
	assert_int_equal(process_wakeups(&bed->daemon, 200), 0);
	assert_int_equal(prlimit(bed->daemon.pid, RLIMIT_NOFILE, &before, NULL), 0);
	control_open(&other, bed->control_path);
	control_close(&other);
}

static void an_idle_daemon_does_not_wake_up(void **state)
{
	struct daemon_bed *bed = *state;

	daemon_bed_assert_state(bed, "no-front-end");
	assert_int_equal(process_wakeups(&bed->daemon, 1000), 0);
}

static void vballoonctl_tells_what_the_daemon_tells(void **state)
{
	struct daemon_bed *bed = *state;
	json_t *status;

	assert_int_equal(daemon_bed_ctl(bed, WORDS("set", "12K")), 0);
	assert_non_null(strstr(bed->ctl.out.text, "12 KiB"));
	assert_int_equal(daemon_bed_ctl(bed, WORDS("--json", "status")), 0);
	status = json_loads(bed->ctl.out.text, 0, NULL);
	assert_int_equal(control_take_integer(status, "target_bytes"), 12288);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("status")), 0);
	assert_non_null(strstr(bed->ctl.out.text, "no-front-end"));
}

static void vballoonctl_says_what_is_wrong_with_a_command_line(void **state)
{
	struct daemon_bed *bed = *state;

	assert_int_equal(daemon_bed_ctl(bed, WORDS("set", "2X")), 2);
	assert_non_null(strstr(bed->ctl.err.text, "\"2X\" is no size"));
	assert_int_equal(daemon_bed_ctl(bed, WORDS("set", "")), 2);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("set", "99999999999999999999T")), 2);
	assert_non_null(strstr(bed->ctl.err.text, "give a smaller size"));
	assert_int_equal(daemon_bed_ctl(bed, WORDS("set", "101%")), 2);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("set")), 2);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("set", "1M", "2M")), 2);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("status", "--wait")), 2);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("set", "1M", "--timeout", "soon")), 2);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("grow")), 2);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("--jsn", "status")), 2);
}

static void vballoonctl_refuses_a_size_beyond_the_protocol(void **state)
{
	assert_int_equal(daemon_bed_ctl(*state, WORDS("set", "16777215T")), 1);
}

static void vballoonctl_does_not_wait_for_a_guest_that_is_not_there(void **state)
{
	struct daemon_bed *bed = *state;

	assert_int_equal(daemon_bed_ctl(bed, WORDS("set", "1M", "--wait")), 5);
	assert_non_null(strstr(bed->ctl.err.text, "no-front-end"));
	assert_int_equal(daemon_bed_ctl(bed, WORDS("set", "50%")), 5);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("stats")), 5);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("reset")), 5);
}

static void vballoonctl_says_when_there_is_no_daemon(void **state)
{
	struct daemon_bed *bed = *state;

	control_close(&bed->control);
	assert_int_equal(process_stop(&bed->daemon, SIGTERM), 0);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("status")), 3);
	assert_non_null(strstr(bed->ctl.err.text, "start vballoond"));
}

static void vballoonctl_says_when_it_is_no_daemon(void **state)
{
	struct daemon_bed *bed = *state;

	/* The front end's socket greets nobody. */
	memcpy(bed->control_path, bed->socket_path, sizeof(bed->control_path));
	assert_int_equal(daemon_bed_ctl(bed, WORDS("status")), 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, daemon_bed_set_up, daemon_bed_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_target_is_rounded_up_to_balloon_pages_and_kept),
		TEST(the_largest_target_does_not_overflow),
		TEST(an_id_comes_back_with_its_answer),
		TEST(what_is_wrong_with_a_request_is_told_by_its_class),
		TEST(the_last_statistics_can_be_asked_for_when_there_are_none),
		TEST(a_wait_that_is_over_says_what_was_reached),
		TEST(a_wait_ends_when_another_client_makes_it_true),
		TEST(half_a_line_waits_for_its_other_half),
		TEST(a_client_that_ends_its_sending_gets_its_answer),
		TEST(a_daemon_out_of_descriptors_turns_away_and_sleeps),
		TEST(an_idle_daemon_does_not_wake_up),
		TEST(vballoonctl_tells_what_the_daemon_tells),
		TEST(vballoonctl_says_what_is_wrong_with_a_command_line),
		TEST(vballoonctl_refuses_a_size_beyond_the_protocol),
		TEST(vballoonctl_does_not_wait_for_a_guest_that_is_not_there),
		TEST(vballoonctl_says_when_there_is_no_daemon),
		TEST(vballoonctl_says_when_it_is_no_daemon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
