// SPDX-License-Identifier: BSD-3-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "cli/doctor.h"

/* The level of one check, or -1 when it was left out. */
static int level_of(const struct vballoon_doctor_facts *facts, const char *check)
{
	struct vballoon_doctor_finding finding;
	unsigned int next = 0;
	int level = -1;

	while (vballoon_doctor_next(facts, &next, &finding)) {
		assert_true(finding.text[0]);
		if (!strcmp(finding.check, check))
			level = (int)finding.level;
	}
	return level;
}

/* The same of a status; takes the references. */
static int level_in(json_t *status, json_t *later, const char *check)
{
	struct vballoon_doctor_facts facts = { .status = status, .later = later };
	int level;

	assert_non_null(status);
	level = level_of(&facts, check);
	json_decref(status);
	json_decref(later);
	return level;
}

static json_t *in_state(const char *state)
{
	return json_pack("{sssi}", "state", state, "memory_bytes", 100);
}

static json_t *balloon(int target, int held)
{
	return json_pack("{sssisi}", "state", "ready", "target_bytes", target, "held_bytes", held);
}

static void a_daemon_that_is_not_reached_is_the_only_problem(void **state)
{
	const struct vballoon_doctor_facts facts = { .failure = "it is not there" };

	(void)state;
	assert_int_equal(level_of(&facts, "daemon"), VBALLOON_DOCTOR_PROBLEM);
	assert_int_equal(level_of(&facts, "front-end"), -1);
	assert_int_equal(level_of(&facts, "driver"), -1);
}

/* How far it is, and whether the driver answers, was not to be seen any more. */
static void of_a_daemon_that_goes_away_nothing_is_said_against_the_guest_or_for_it(void **state)
{
	json_t *status = balloon(8, 4);
	const struct vballoon_doctor_facts facts = { .status = status, .failure = "it has ended" };

	(void)state;
	assert_int_equal(level_of(&facts, "daemon"), VBALLOON_DOCTOR_PROBLEM);
	assert_int_equal(level_of(&facts, "driver"), VBALLOON_DOCTOR_OK);
	assert_int_equal(level_of(&facts, "balloon"), -1);
	assert_int_equal(level_of(&facts, "statistics"), -1);
	json_decref(status);
}

static void a_missing_front_end_is_a_problem(void **state)
{
	(void)state;
	assert_int_equal(level_in(in_state("no-front-end"), NULL, "front-end"),
			 VBALLOON_DOCTOR_PROBLEM);
	assert_int_equal(level_in(in_state("no-front-end"), NULL, "memory"), -1);
	assert_int_equal(level_in(in_state("ready"), NULL, "front-end"), VBALLOON_DOCTOR_OK);
}

static void a_driver_that_does_not_speak_is_a_problem(void **state)
{
	(void)state;
	assert_int_equal(level_in(in_state("no-driver"), NULL, "driver"), VBALLOON_DOCTOR_PROBLEM);
	assert_int_equal(level_in(in_state("paused"), NULL, "driver"), VBALLOON_DOCTOR_PROBLEM);
	assert_int_equal(level_in(in_state("ready"), NULL, "driver"), VBALLOON_DOCTOR_OK);
}

static void a_device_that_has_stopped_is_a_problem(void **state)
{
	(void)state;
	assert_int_equal(level_in(in_state("stopped"), NULL, "device"), VBALLOON_DOCTOR_PROBLEM);
	assert_int_equal(level_in(in_state("ready"), NULL, "device"), VBALLOON_DOCTOR_OK);
}

static void memory_that_cannot_be_given_back_is_a_problem(void **state)
{
	(void)state;
	assert_int_equal(level_in(json_pack("{ssss}", "state", "ready", "memory_problem", "x"),
				  NULL, "memory"),
			 VBALLOON_DOCTOR_PROBLEM);
	assert_int_equal(level_in(in_state("ready"), NULL, "memory"), VBALLOON_DOCTOR_OK);
}

static void a_device_that_is_passed_through_is_a_problem(void **state)
{
	(void)state;
	assert_int_equal(level_in(json_pack("{sss{ssss}}", "state", "ready", "passthrough", "state",
					    "present", "text", "a device"),
				  NULL, "passthrough"),
			 VBALLOON_DOCTOR_PROBLEM);
	assert_int_equal(level_in(json_pack("{sss{sssn}}", "state", "ready", "passthrough", "state",
					    "absent", "text"),
				  NULL, "passthrough"),
			 VBALLOON_DOCTOR_OK);
	assert_int_equal(level_in(in_state("no-front-end"), NULL, "passthrough"), -1);
}

static json_t *in_sandbox(bool landlock, bool seccomp)
{
	return json_pack("{sss{sbsb}}", "state", "ready", "sandbox", "landlock", landlock,
			 "seccomp", seccomp);
}

static void a_sandbox_with_a_hole_is_worth_a_note(void **state)
{
	(void)state;
	assert_int_equal(level_in(in_sandbox(true, true), NULL, "sandbox"), VBALLOON_DOCTOR_OK);
	assert_int_equal(level_in(in_sandbox(false, true), NULL, "sandbox"), VBALLOON_DOCTOR_NOTE);
	assert_int_equal(level_in(in_sandbox(false, false), NULL, "sandbox"), VBALLOON_DOCTOR_NOTE);
	assert_int_equal(level_in(in_state("ready"), NULL, "sandbox"), -1);
}

static void a_balloon_that_moves_is_not_stuck(void **state)
{
	(void)state;
	assert_int_equal(level_in(balloon(9, 9), NULL, "balloon"), VBALLOON_DOCTOR_OK);
	assert_int_equal(level_in(balloon(9, 3), balloon(9, 4), "balloon"), VBALLOON_DOCTOR_NOTE);
	assert_int_equal(level_in(balloon(9, 3), balloon(9, 3), "balloon"),
			 VBALLOON_DOCTOR_PROBLEM);
	assert_int_equal(level_in(balloon(3, 9), balloon(3, 9), "balloon"),
			 VBALLOON_DOCTOR_PROBLEM);
}

static void what_the_host_does_not_take_back_is_told(void **state)
{
	(void)state;
	assert_int_equal(level_in(json_pack("{sssis{si}}", "state", "ready", "held_bytes", 9,
					    "waiting", "failed", 1),
				  NULL, "host-pages"),
			 VBALLOON_DOCTOR_PROBLEM);
	assert_int_equal(level_in(json_pack("{sssis{si}}", "state", "ready", "held_bytes", 9,
					    "waiting", "partial", 1),
				  NULL, "host-pages"),
			 VBALLOON_DOCTOR_NOTE);
	assert_int_equal(level_in(balloon(9, 9), NULL, "host-pages"), VBALLOON_DOCTOR_OK);
}

/* For a cause that is a finding of its own. */
static void what_nobody_gives_back_the_host_does_not_take(void **state)
{
	static const char *const causes[] = { "not-shared", "inhibited", "silent-deflate" };

	(void)state;
	for (unsigned int i = 0; i < sizeof(causes) / sizeof(causes[0]); i++)
		assert_int_equal(level_in(json_pack("{sssis{sisi}}", "state", "ready", "held_bytes",
						    9, "kept_bytes", "sealed", 0, causes[i], 9),
					  NULL, "host-pages"),
				 -1);
	assert_int_equal(level_in(json_pack("{sssis{si}}", "state", "ready", "held_bytes", 9,
					    "kept_bytes", "sealed", 0),
				  NULL, "host-pages"),
			 VBALLOON_DOCTOR_OK);
}

static json_t *warm(const char *watched)
{
	return json_pack("{sss{ss}s{ss}sis{si}}", "state", "ready", "policy", "pages", "warm",
			 "host_pressure", "watched", watched, "held_bytes", 9, "kept_bytes", "warm",
			 9);
}

static void warm_memory_that_no_pressure_would_free_is_worth_a_note(void **state)
{
	(void)state;
	assert_int_equal(level_in(warm("psi"), NULL, "policy"), VBALLOON_DOCTOR_OK);
	assert_int_equal(level_in(warm("off"), NULL, "policy"), VBALLOON_DOCTOR_NOTE);
	assert_int_equal(level_in(warm("available-memory"), NULL, "policy"), VBALLOON_DOCTOR_NOTE);
	assert_int_equal(level_in(warm("nothing"), NULL, "policy"), VBALLOON_DOCTOR_PROBLEM);
}

/* Its target, what is asked of it for now, and what it has. */
static json_t *paced(int target, int asked, int held)
{
	json_t *status = balloon(target, held);

	json_object_set_new(status, "asked_bytes", json_integer(asked));
	return status;
}

static void a_balloon_that_waits_for_its_pace_is_not_stuck(void **state)
{
	(void)state;
	assert_int_equal(level_in(paced(9, 4, 4), paced(9, 4, 4), "balloon"), VBALLOON_DOCTOR_NOTE);
	assert_int_equal(level_in(paced(9, 4, 3), paced(9, 4, 3), "balloon"),
			 VBALLOON_DOCTOR_PROBLEM);
	assert_int_equal(level_in(paced(9, 9, 4), paced(9, 9, 4), "balloon"),
			 VBALLOON_DOCTOR_PROBLEM);
}

static void a_balloon_that_the_policy_keeps_is_not_stuck(void **state)
{
	(void)state;
	assert_int_equal(
		level_in(json_pack("{sss{ss}sisi}", "state", "ready", "policy", "withdraw_target",
				   "floor", "held_bytes", 9, "target_bytes", 1),
			 NULL, "balloon"),
		VBALLOON_DOCTOR_NOTE);
	assert_int_equal(
		level_in(json_pack("{sss{ss}sisi}", "state", "ready", "policy", "withdraw_target",
				   "grant", "held_bytes", 9, "target_bytes", 1),
			 NULL, "balloon"),
		VBALLOON_DOCTOR_PROBLEM);
}

static void a_guest_without_runs_is_slow(void **state)
{
	(void)state;
	assert_int_equal(level_in(json_pack("{sss[s]}", "state", "ready", "features", "version-1"),
				  NULL, "features"),
			 VBALLOON_DOCTOR_NOTE);
	assert_int_equal(level_in(json_pack("{sss[s]}", "state", "ready", "features", "page-runs"),
				  NULL, "features"),
			 VBALLOON_DOCTOR_OK);
}

static void pushed_statistics_that_are_late_are_noted(void **state)
{
	(void)state;
	for (int late = 0; late < 2; late++)
		assert_int_equal(
			level_in(json_pack("{sss{sb}}", "state", "ready", "guest", "late", late),
				 NULL, "statistics"),
			late ? VBALLOON_DOCTOR_NOTE : VBALLOON_DOCTOR_OK);
}

static void a_driver_that_does_not_answer_is_a_problem(void **state)
{
	json_t *status = in_state("ready");
	const struct vballoon_doctor_facts facts = { .status = status, .silence = "no answer" };

	(void)state;
	assert_int_equal(level_of(&facts, "statistics"), VBALLOON_DOCTOR_PROBLEM);
	json_decref(status);
}

static void a_driver_that_has_no_statistics_is_not_taken_for_one_that_hangs(void **state)
{
	json_t *status = json_pack("{sssis[s]}", "state", "ready", "device_id", 5, "features",
				   "must-tell-host");
	const struct vballoon_doctor_facts facts = { .status = status, .silence = "none" };

	(void)state;
	assert_non_null(status);
	assert_int_equal(level_of(&facts, "statistics"), VBALLOON_DOCTOR_NOTE);
	json_decref(status);
}

static void huge_pages_that_are_off_are_worth_a_note(void **state)
{
	struct vballoon_doctor_facts facts = { .shmem_enabled = "always advise [never]" };

	(void)state;
	assert_int_equal(level_of(&facts, "huge-pages"), VBALLOON_DOCTOR_NOTE);
	facts.shmem_enabled = "always [advise] never";
	assert_int_equal(level_of(&facts, "huge-pages"), VBALLOON_DOCTOR_OK);
	facts.shmem_enabled = NULL;
	assert_int_equal(level_of(&facts, "huge-pages"), VBALLOON_DOCTOR_NOTE);
}

static void a_traditional_balloon_is_to_be_told(void **state)
{
	(void)state;
	assert_int_equal(level_in(json_pack("{sssis[s]}", "state", "ready", "device_id", 5,
					    "features", "must-tell-host"),
				  NULL, "features"),
			 VBALLOON_DOCTOR_OK);
	assert_int_equal(
		level_in(json_pack("{sssis[]}", "state", "ready", "device_id", 5, "features"), NULL,
			 "features"),
		VBALLOON_DOCTOR_NOTE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pushed_statistics_that_are_late_are_noted),
		cmocka_unit_test(a_daemon_that_is_not_reached_is_the_only_problem),
		cmocka_unit_test(
			of_a_daemon_that_goes_away_nothing_is_said_against_the_guest_or_for_it),
		cmocka_unit_test(a_missing_front_end_is_a_problem),
		cmocka_unit_test(a_driver_that_does_not_speak_is_a_problem),
		cmocka_unit_test(a_device_that_has_stopped_is_a_problem),
		cmocka_unit_test(memory_that_cannot_be_given_back_is_a_problem),
		cmocka_unit_test(a_device_that_is_passed_through_is_a_problem),
		cmocka_unit_test(a_sandbox_with_a_hole_is_worth_a_note),
		cmocka_unit_test(a_balloon_that_moves_is_not_stuck),
		cmocka_unit_test(what_the_host_does_not_take_back_is_told),
		cmocka_unit_test(what_nobody_gives_back_the_host_does_not_take),
		cmocka_unit_test(warm_memory_that_no_pressure_would_free_is_worth_a_note),
		cmocka_unit_test(a_balloon_that_waits_for_its_pace_is_not_stuck),
		cmocka_unit_test(a_balloon_that_the_policy_keeps_is_not_stuck),
		cmocka_unit_test(a_guest_without_runs_is_slow),
		cmocka_unit_test(a_driver_that_does_not_answer_is_a_problem),
		cmocka_unit_test(a_driver_that_has_no_statistics_is_not_taken_for_one_that_hangs),
		cmocka_unit_test(huge_pages_that_are_off_are_worth_a_note),
		cmocka_unit_test(a_traditional_balloon_is_to_be_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
