// SPDX-License-Identifier: BSD-3-Clause
/* The host's policy, changed while vballoond and a guest are at work. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/le.h"
#include "daemon_bed.h"

#define EPOCH 91
#define PAGES 256U /* 1 MiB */

static int guest_set_up(void **state)
{
	struct daemon_bed *bed;

	daemon_bed_set_up(state);
	bed = *state;
	daemon_bed_connect(bed);
	assert_int_equal(balloon_driver_hello(&bed->guest, EPOCH, 0), 0);
	return 0;
}

static void policy(struct daemon_bed *bed, const char *rule)
{
	assert_int_equal(daemon_bed_ctl(bed, WORDS("policy", rule)), 0);
}

/* The guest gives up memory that it has used. */
static void give(struct daemon_bed *bed)
{
	memset(balloon_driver_page(&bed->guest, 0), 0xa5, PAGES * GUEST_PAGE);
	assert_int_equal(balloon_driver_add(&bed->guest, 0, PAGES), PAGES);
}

/* A member of a member of `status`. */
static json_int_t in_status(struct daemon_bed *bed, const char *object, const char *name)
{
	json_t *status = control_call(&bed->control, "{\"execute\":\"status\"}");
	json_int_t value =
		json_integer_value(json_object_get(json_object_get(status, object), name));

	json_decref(status);
	return value;
}

/* What vballoonctl why --json says of @cause in @sum; and all its sums add up. */
static json_int_t why(struct daemon_bed *bed, const char *sum, const char *cause)
{
	json_t *account, *parts, *part;
	json_int_t found = 0, total;
	const char *name;
	size_t i;

	assert_int_equal(daemon_bed_ctl(bed, WORDS("why", "--json")), 0);
	account = json_loads(bed->ctl.out.text, 0, NULL);
	assert_non_null(account);
	json_object_foreach (account, name, parts) {
		total = 0;
		json_array_foreach (json_object_get(parts, "parts"), i, part) {
			json_int_t bytes = json_integer_value(json_object_get(part, "bytes"));

			total += bytes;
			if (!strcmp(name, sum) &&
			    !strcmp(json_string_value(json_object_get(part, "cause")), cause))
				found = bytes;
		}
		assert_int_equal(total, json_integer_value(json_object_get(parts, "bytes")));
	}
	json_decref(account);
	return found;
}

static void a_warm_balloon_stays_with_the_host_until_it_is_eager(void **state)
{
	struct daemon_bed *bed = *state;
	uint64_t before;

	policy(bed, "pages=warm");
	give(bed);
	before = front_end_memory_held(&bed->guest);
	assert_int_equal(in_status(bed, "kept_bytes", "warm"), PAGES * GUEST_PAGE);
	assert_int_equal(why(bed, "held", "warm"), PAGES * GUEST_PAGE);
	policy(bed, "pages=eager");
	assert_int_equal(daemon_bed_ctl(bed, WORDS("set", "1M", "--wait")), 0);
	assert_int_equal(before - front_end_memory_held(&bed->guest), PAGES * GUEST_PAGE);
	assert_int_equal(why(bed, "held", "warm"), 0);
	assert_int_equal(why(bed, "held", "dropped"), PAGES * GUEST_PAGE);
}

static void dropping_gives_warm_memory_back_and_says_how_much(void **state)
{
	struct daemon_bed *bed = *state;
	uint64_t before;

	policy(bed, "pages=warm");
	give(bed);
	before = front_end_memory_held(&bed->guest);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("drop")), 0);
	assert_non_null(strstr(bed->ctl.out.text, "1 MiB back"));
	assert_int_equal(before - front_end_memory_held(&bed->guest), PAGES * GUEST_PAGE);
}

static void without_a_monitor_there_is_nothing_to_drop(void **state)
{
	assert_int_equal(daemon_bed_ctl(*state, WORDS("drop")), 5);
}

static void the_policy_holds_for_the_next_monitor_too(void **state)
{
	struct daemon_bed *bed = *state;

	policy(bed, "pages=warm");
	daemon_bed_connect(bed);
	balloon_driver_hello(&bed->guest, EPOCH, 0);
	give(bed);
	assert_int_equal(in_status(bed, "kept_bytes", "warm"), PAGES * GUEST_PAGE);
}

static void what_the_policy_refuses_is_counted_and_accounted_for(void **state)
{
	struct daemon_bed *bed = *state;
	uint64_t pages[PAGES];

	assert_int_equal(
		daemon_bed_ctl(bed, WORDS("policy", "withdraw-target=floor", "floor=512K")), 0);
	give(bed);
	assert_int_equal(balloon_driver_withdraw(&bed->guest, PAGES, pages, PAGES), PAGES / 2);
	assert_int_equal(balloon_driver_withdraw(&bed->guest, PAGES, pages, PAGES), 0);
	assert_int_equal(why(bed, "surplus", "policy"), PAGES / 2 * GUEST_PAGE);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("status")), 0);
	assert_non_null(strstr(bed->ctl.out.text, "times: target"));
	policy(bed, "withdraw-target=grant");
	assert_int_equal(balloon_driver_withdraw(&bed->guest, PAGES, pages, PAGES), PAGES / 2);
}

static void what_the_pace_holds_back_is_accounted_for(void **state)
{
	struct daemon_bed *bed = *state;
	struct virtio_memory_balloon_req request;

	policy(bed, "inflate-rate=1M/s");
	assert_int_equal(daemon_bed_ctl(bed, WORDS("set", "1M")), 0);
	assert_int_equal(why(bed, "target", "rate"), (PAGES - PAGES / 10) * GUEST_PAGE);
	/* The first is for HELLO; what came since is one request. */
	assert_true(balloon_driver_next_request(&bed->guest, &request));
	assert_int_equal(vballoon_le64(request.value), 0);
	balloon_driver_post_request(&bed->guest);
	assert_true(balloon_driver_next_request(&bed->guest, &request));
	assert_int_equal(vballoon_le64(request.value), PAGES / 10);
	/* The next step comes by itself. */
	assert_int_equal(balloon_driver_add(&bed->guest, 0, PAGES / 10), PAGES / 10);
	balloon_driver_post_request(&bed->guest);
	assert_true(balloon_driver_next_request(&bed->guest, &request));
	assert_int_equal(vballoon_le64(request.value), PAGES / 10 * 2);
}

static void a_pace_begins_with_the_order(void **state)
{
	struct daemon_bed *bed = *state;

	/* A page a second. */
	policy(bed, "inflate-rate=4K/s");
	poll(NULL, 0, 1200);
	json_decref(control_call(
		&bed->control, "{\"execute\":\"set\",\"arguments\":{\"balloon_bytes\":1048576}}"));
	assert_int_equal(balloon_driver_add(&bed->guest, 0, 1), 1);
	assert_int_equal(daemon_bed_status_integer(bed, "asked_bytes"), GUEST_PAGE);
}

static void a_policy_that_makes_no_sense_is_refused_with_what_to_do(void **state)
{
	static const struct {
		const char *rules[3];
		int status;
		const char *says;
	} cases[] = {
		{ { "withdraw-oom=floor", NULL }, 1, "give floor a size" },
		{ { "withdraw-oom=refuse", NULL }, 1, "no more strictly than withdraw-pressure" },
		{ { "floor=9M", NULL }, 1, "above the guest's memory" },
		{ { "inflate-rate=1", NULL }, 1, "a balloon page a second" },
		{ { "pages=hot", NULL }, 1, "pages is eager or warm" },
		{ { "pages", NULL }, 2, "give NAME=VALUE" },
		{ { "heat=warm", NULL }, 2, "there are pages, withdraw-target" },
		{ { "floor=1M", "floor=2M", NULL }, 2, "given twice" },
		{ { "floor=much", NULL }, 2, "it is no size" },
	};
	struct daemon_bed *bed = *state;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *const words[] = { "policy", cases[i].rules[0], cases[i].rules[1],
					      NULL };

		assert_int_equal(daemon_bed_ctl(bed, words), cases[i].status);
		assert_non_null(strstr(bed->ctl.err.text, cases[i].says));
		/* What to do about a size is of no use here. */
		assert_null(strstr(bed->ctl.err.text, "a smaller size"));
	}
	assert_int_equal(in_status(bed, "policy", "floor_bytes"), 0);
}

static void the_examples_of_the_help_can_be_followed(void **state)
{
	static const char command[] = " policy ";
	struct daemon_bed *bed = *state;
	const char *words[8] = { "policy" };
	char *help, *line, *rest, *rule;
	unsigned int examples = 0;

	assert_int_equal(daemon_bed_ctl(bed, WORDS("policy", "--help")), 0);
	help = strdup(bed->ctl.out.text);
	for (line = strtok_r(help, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char *rules = strstr(line, command);
		size_t count = 1;

		if (strncmp(line, "  vballoonctl ", strlen("  vballoonctl ")) || !rules)
			continue;
		rules += strlen(command);
		while ((rule = strsep(&rules, " "))) {
			assert_true(count + 1 < sizeof(words) / sizeof(words[0]));
			words[count++] = rule;
		}
		words[count] = NULL;
		assert_int_equal(daemon_bed_ctl(bed, words), 0);
		examples++;
	}
	free(help);
	assert_true(examples > 1);
}

static void a_late_balloon_goes_back_to_the_target_before(void **state)
{
	struct daemon_bed *bed = *state;

	assert_int_equal(daemon_bed_ctl(bed, WORDS("set", "2M")), 0);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("set", "4M", "--deadline", "200ms", "--revert",
						   "--wait")),
			 4);
	assert_non_null(strstr(bed->ctl.err.text, "the target is 2 MiB now"));
	assert_int_equal(daemon_bed_status_integer(bed, "target_bytes"), 2 << 20);
}

static void a_late_balloon_keeps_what_it_has(void **state)
{
	struct daemon_bed *bed = *state;

	give(bed);
	assert_int_equal(
		daemon_bed_ctl(bed, WORDS("set", "4M", "--deadline", "200ms", "--keep", "--wait")),
		4);
	assert_int_equal(daemon_bed_status_integer(bed, "target_bytes"), 1 << 20);
	assert_int_equal(why(bed, "target", "ready"), 0);
}

static void a_balloon_in_time_keeps_its_target(void **state)
{
	struct daemon_bed *bed = *state;

	give(bed);
	assert_int_equal(
		daemon_bed_ctl(bed, WORDS("set", "1M", "--deadline", "30s", "--revert", "--wait")),
		0);
	assert_int_equal(daemon_bed_status_integer(bed, "target_bytes"), 1 << 20);
}

static void a_deadline_passes_without_a_monitor_too(void **state)
{
	struct daemon_bed *bed = *state;
	json_t *event;

	control_send_text(&bed->control,
			  "{\"execute\":\"set\",\"arguments\":{\"balloon_bytes\":4096,"
			  "\"deadline_ms\":100,\"then\":\"revert\"}}\n{\"execute\":\"events\"}\n");
	json_decref(control_receive(&bed->control));
	json_decref(control_receive(&bed->control));
	event = control_receive(&bed->control);
	assert_string_equal(json_string_value(json_object_get(event, "event")), "target-changed");
	json_decref(event);
	event = control_receive(&bed->control);
	assert_string_equal(json_string_value(json_object_get(event, "event")), "deadline-passed");
	json_decref(event);
}

static void a_late_target_that_no_guest_has_heard_of_stays(void **state)
{
	struct daemon_bed *bed = *state;

	assert_int_equal(
		daemon_bed_ctl(bed, WORDS("set", "4M", "--deadline", "100ms", "--keep", "--wait")),
		4);
	assert_non_null(strstr(bed->ctl.err.text, "the target is 4 MiB now"));
	assert_int_equal(daemon_bed_status_integer(bed, "target_bytes"), 4 << 20);
	daemon_bed_connect(bed);
	assert_int_equal(
		daemon_bed_ctl(bed, WORDS("set", "2M", "--deadline", "100ms", "--keep", "--wait")),
		4);
	assert_int_equal(daemon_bed_status_integer(bed, "target_bytes"), 2 << 20);
}

static void another_order_ends_a_deadline(void **state)
{
	struct daemon_bed *bed = *state;

	assert_int_equal(daemon_bed_ctl(bed, WORDS("set", "4M", "--deadline", "1h", "--revert")),
			 0);
	assert_int_equal(in_status(bed, "deadline", "previous_bytes"), 0);
	assert_true(in_status(bed, "deadline", "left_ms") > 3000000);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("set", "1M")), 0);
	assert_int_equal(in_status(bed, "deadline", "left_ms"), 0);
}

static void a_deadline_of_nothing_or_of_a_week_is_refused(void **state)
{
	struct daemon_bed *bed = *state;

	assert_int_equal(daemon_bed_ctl(bed, WORDS("set", "1M", "--deadline", "0", "--keep")), 2);
	assert_non_null(strstr(bed->ctl.err.text, "no time from 1ms to 24h"));
	assert_int_equal(daemon_bed_ctl(bed, WORDS("set", "1M", "--deadline", "168h", "--keep")),
			 2);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("set", "1M", "--deadline", "1s")), 2);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("set", "1M", "--keep")), 2);
	assert_int_equal(
		daemon_bed_ctl(bed, WORDS("set", "1M", "--deadline", "1s", "--keep", "--revert")),
		2);
	control_assert_error(&bed->control,
			     "{\"execute\":\"set\",\"arguments\":{\"balloon_bytes\":4096,"
			     "\"deadline_ms\":604800000,\"then\":\"keep\"}}",
			     "OutOfRange");
	control_assert_error(&bed->control,
			     "{\"execute\":\"set\",\"arguments\":{\"balloon_bytes\":4096,"
			     "\"deadline_ms\":1000}}",
			     "BadRequest");
	assert_int_equal(daemon_bed_status_integer(bed, "target_bytes"), 0);
}

static void a_change_of_policy_is_an_event(void **state)
{
	struct daemon_bed *bed = *state;
	json_t *event;

	control_send_text(&bed->control, "{\"execute\":\"events\"}\n");
	json_decref(control_receive(&bed->control));
	policy(bed, "pages=warm");
	event = control_receive(&bed->control);
	assert_string_equal(json_string_value(json_object_get(event, "event")), "policy-changed");
	json_decref(event);
}

#define GUEST(name) cmocka_unit_test_setup_teardown(name, guest_set_up, daemon_bed_tear_down)
#define ALONE(name) cmocka_unit_test_setup_teardown(name, daemon_bed_set_up, daemon_bed_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		GUEST(a_warm_balloon_stays_with_the_host_until_it_is_eager),
		GUEST(dropping_gives_warm_memory_back_and_says_how_much),
		ALONE(without_a_monitor_there_is_nothing_to_drop),
		ALONE(the_policy_holds_for_the_next_monitor_too),
		GUEST(what_the_policy_refuses_is_counted_and_accounted_for),
		GUEST(what_the_pace_holds_back_is_accounted_for),
		GUEST(a_pace_begins_with_the_order),
		GUEST(a_policy_that_makes_no_sense_is_refused_with_what_to_do),
		ALONE(the_examples_of_the_help_can_be_followed),
		GUEST(a_late_balloon_goes_back_to_the_target_before),
		GUEST(a_late_balloon_keeps_what_it_has),
		GUEST(a_balloon_in_time_keeps_its_target),
		ALONE(a_deadline_passes_without_a_monitor_too),
		ALONE(a_late_target_that_no_guest_has_heard_of_stays),
		ALONE(another_order_ends_a_deadline),
		ALONE(a_deadline_of_nothing_or_of_a_week_is_refused),
		ALONE(a_change_of_policy_is_an_event),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
