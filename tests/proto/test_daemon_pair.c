/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One vballoond with both devices of a machine. The two guests here have memory of their own at
 * the same addresses: whose page is whose is for tests/unit/test_device_pair.c and a real guest.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon_bed.h"
#include "front_end/link.h"
#include "port_move.h"
#include "trad_front.h"

static struct port_front memory;
static struct trad_front traditional;
static struct port_move of_memory, of_traditional;

static void start(struct daemon_bed *bed)
{
	daemon_bed_start(bed, WORDS("--traditional-socket-path", daemon_bed_path(bed, "five")));
}

static void set(struct daemon_bed *bed, const char *arguments)
{
	char line[160];

	snprintf(line, sizeof(line), "{\"execute\":\"set\",\"arguments\":{%s}}", arguments);
	json_decref(control_call(&bed->control, line));
}

static void set_pages(struct daemon_bed *bed, uint64_t pages)
{
	char arguments[64];

	snprintf(arguments, sizeof(arguments), "\"balloon_bytes\":%llu",
		 (unsigned long long)pages * 4096);
	set(bed, arguments);
}

static void connect_traditional(struct daemon_bed *bed)
{
	int fd = vballoon_link_connect(daemon_bed_path(bed, "five"));

	assert_true(fd >= 0);
	trad_front_open(&traditional, fd);
	traditional.guest.config.features = ~UINT64_C(0);
	trad_front_start(&traditional);
}

static void connect_memory(struct daemon_bed *bed)
{
	port_front_open(&memory, daemon_bed_socket(bed), NULL);
	memory.guest.config.features = ~UINT64_C(0);
	port_front_start(&memory);
}

/* Which device has the target, what is in its balloon, and what in the other. */
static void expect(struct daemon_bed *bed, int device, uint64_t pages, uint64_t others)
{
	json_t *status = control_call(&bed->control, "{\"execute\":\"status\"}");
	json_t *other = json_object_get(status, "other");

	assert_int_equal(json_integer_value(json_object_get(status, "device_id")), device);
	assert_int_equal(json_integer_value(json_object_get(status, "held_bytes")), pages * 4096);
	assert_int_equal(json_integer_value(json_object_get(other, "device_id")), 18 - device);
	assert_int_equal(json_integer_value(json_object_get(other, "held_bytes")), others * 4096);
	json_decref(status);
}

static void the_target_is_for_the_driver_that_there_is(void **state)
{
	struct daemon_bed *bed = *state;

	start(bed);
	connect_traditional(bed);
	set_pages(bed, 600);
	trad_front_await(&traditional, 600);
	expect(bed, 5, 600, 0);
	trad_front_close(&traditional);
}

static void it_moves_when_the_better_driver_comes_and_back_when_it_goes(void **state)
{
	struct daemon_bed *bed = *state;

	start(bed);
	connect_traditional(bed);
	set_pages(bed, 600);
	trad_front_await(&traditional, 600);
	connect_memory(bed);
	/* As long as the other balloon is full nothing is asked for. */
	port_front_await(&memory, 0);
	expect(bed, 13, 0, 600);
	trad_front_await(&traditional, 0);
	port_front_await(&memory, 600);
	expect(bed, 13, 600, 0);
	set_pages(bed, 300);
	port_front_await(&memory, 300);
	expect(bed, 13, 300, 0);
	port_front_close(&memory);
	trad_front_await(&traditional, 300);
	expect(bed, 5, 300, 0);
	trad_front_close(&traditional);
}

/* A machine that is paused stops its devices one after the other. */
static void a_pause_moves_nothing(void **state)
{
	struct daemon_bed *bed = *state;

	start(bed);
	connect_memory(bed);
	connect_traditional(bed);
	set_pages(bed, 200);
	port_front_await(&memory, 200);
	trad_front_await(&traditional, 0);
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(
			vballoon_front_end_stop_queue(&memory.wire, i, &memory.queues[i].next), 0);
	expect(bed, 13, 200, 0);
	for (unsigned int i = 0; i < 2; i++)
		port_front_start_queue(&memory.wire, i, &memory.queues[i]);
	port_front_await(&memory, 200);
	trad_front_await(&traditional, 0);
	expect(bed, 13, 200, 0);
	port_front_close(&memory);
	trad_front_close(&traditional);
}

/* What was reached is what is in both. */
static void a_deadline_counts_the_pages_of_both(void **state)
{
	struct daemon_bed *bed = *state;

	start(bed);
	connect_traditional(bed);
	set_pages(bed, 100);
	trad_front_await(&traditional, 100);
	connect_memory(bed);
	port_front_await(&memory, 0);
	set(bed, "\"balloon_bytes\":819200,\"deadline_ms\":50,\"then\":\"keep\"");
	json_decref(control_call(&bed->control,
				 "{\"execute\":\"wait\",\"arguments\":{\"timeout_ms\":400}}"));
	assert_int_equal(daemon_bed_status_integer(bed, "target_bytes"), 100 * 4096);
	port_front_close(&memory);
	trad_front_close(&traditional);
}

/* How it stands with the deadline once this device has the target. */
static void assert_deadline(struct daemon_bed *bed, int device, const char *expected)
{
	json_t *status = control_call(&bed->control, "{\"execute\":\"status\"}");

	while (json_integer_value(json_object_get(status, "device_id")) != device) {
		json_decref(status);
		status = control_call(&bed->control, "{\"execute\":\"status\"}");
	}
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(status, "deadline"), "state")),
		expected);
	json_decref(status);
}

/* The driver of the other one gives nothing meanwhile, as it has no turn. */
static void a_deadline_that_was_met_is_none_for_the_other_device(void **state)
{
	struct daemon_bed *bed = *state;

	start(bed);
	connect_memory(bed);
	connect_traditional(bed);
	set(bed, "\"balloon_bytes\":819200,\"deadline_ms\":3600000,\"then\":\"revert\"");
	port_front_await(&memory, 200);
	trad_front_await(&traditional, 0);
	assert_deadline(bed, 13, "met");
	port_front_close(&memory);
	assert_deadline(bed, 5, "met");
	trad_front_await(&traditional, 200);
	trad_front_close(&traditional);
}

static void a_state_of_two_balloons_is_not_saved(void **state)
{
	struct daemon_bed *bed = *state;

	start(bed);
	connect_traditional(bed);
	set_pages(bed, 40);
	trad_front_await(&traditional, 40);
	connect_memory(bed);
	port_front_await(&memory, 0);
	control_assert_error(&bed->control,
			     "{\"execute\":\"save-state\",\"arguments\":{\"offset\":0}}",
			     "NotProven");
	port_front_close(&memory);
	trad_front_close(&traditional);
}

/* Whichever of the two it is of. */
static void a_state_is_for_the_device_that_it_is_of(void **state)
{
	struct daemon_bed *bed = *state;
	char five[160], file[160];

	snprintf(five, sizeof(five), "%s", daemon_bed_path(bed, "five"));
	snprintf(file, sizeof(file), "%s", daemon_bed_path(bed, "state"));
	start(bed);
	connect_traditional(bed);
	set_pages(bed, 600);
	trad_front_await(&traditional, 600);
	trad_front_pause(&traditional);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("save-state", file)), 0);
	control_close(&bed->control);
	assert_int_equal(process_stop(&bed->daemon, SIGTERM), 0);
	daemon_bed_start(bed, WORDS("--traditional-socket-path", five, "--load-state", file));
	unlink(file);
	trad_front_attach(&traditional, vballoon_link_connect(five));
	trad_front_arrive(&traditional);
	trad_front_await(&traditional, 600);
	expect(bed, 5, 600, 0);
	assert_int_equal(daemon_bed_status_integer(bed, "target_bytes"), 600 * 4096);
	assert_int_equal(traditional.guest.port.starts, 1);
	assert_int_equal(trad_guest_status(&traditional.guest).failures, 0);
	connect_memory(bed);
	port_front_await(&memory, 0);
	trad_front_await(&traditional, 0);
	port_front_await(&memory, 600);
	expect(bed, 13, 600, 0);
	port_front_close(&memory);
	trad_front_close(&traditional);
}

/* Another daemon, on another host; this one has gone. */
static void start_another(struct daemon_bed *bed)
{
	char five[160];

	snprintf(five, sizeof(five), "%s", daemon_bed_path(bed, "five"));
	control_close(&bed->control);
	assert_int_equal(process_stop(&bed->daemon, SIGTERM), 0);
	daemon_bed_start(bed, WORDS("--traditional-socket-path", five));
}

static void attach_traditional(struct daemon_bed *bed)
{
	trad_front_attach(&traditional, vballoon_link_connect(daemon_bed_path(bed, "five")));
	assert_int_equal(port_move_load(&traditional.wire, &of_traditional), 0);
}

/* What the guest reads: all that its front end has said before was heard. */
static uint32_t asked_of_traditional(void)
{
	return traditional.guest.ops.num_pages(&traditional.guest);
}

/* The state of the one that is asked for nothing comes last. */
static void a_machine_with_both_drivers_moves_with_its_target(void **state)
{
	struct daemon_bed *bed = *state;
	uint64_t features;

	start(bed);
	connect_memory(bed);
	connect_traditional(bed);
	set_pages(bed, 200);
	port_front_await(&memory, 200);
	trad_front_await(&traditional, 0);
	trad_front_pause(&traditional);
	port_move_stop(&memory);
	assert_int_equal(port_move_save(&memory.wire, &of_memory), 0);
	assert_int_equal(port_move_save(&traditional.wire, &of_traditional), 0);
	start_another(bed);
	port_move_attach(&memory, daemon_bed_socket(bed), NULL);
	assert_int_equal(port_move_load(&memory.wire, &of_memory), 0);
	attach_traditional(bed);
	port_move_arrive(&memory);
	/* All of that is done before the other one begins. */
	assert_int_equal(
		vballoon_link_get_u64(&memory.wire.link, VHOST_USER_GET_FEATURES, &features), 0);
	trad_front_arrive(&traditional);
	assert_int_equal(asked_of_traditional(), 0);
	assert_int_equal(daemon_bed_status_integer(bed, "target_bytes"), 200 * 4096);
	port_front_await(&memory, 200);
	expect(bed, 13, 200, 0);
	port_front_close(&memory);
	trad_front_close(&traditional);
}

/* Not half a second later, when much would be back in the guest. */
static void a_balloon_that_moves_is_asked_for_as_much_at_once(void **state)
{
	struct daemon_bed *bed = *state;

	start(bed);
	connect_traditional(bed);
	set_pages(bed, 600);
	trad_front_await(&traditional, 600);
	trad_front_pause(&traditional);
	assert_int_equal(port_move_save(&traditional.wire, &of_traditional), 0);
	start_another(bed);
	attach_traditional(bed);
	trad_front_arrive(&traditional);
	assert_int_equal(asked_of_traditional(), 600);
	expect(bed, 5, 600, 0);
	assert_int_equal(asked_of_traditional(), 600);
	trad_front_await(&traditional, 600);
	trad_front_close(&traditional);
}

/* Before it is there the target is with the other one. */
static void a_guest_finds_its_device_where_there_are_two(void **state)
{
	struct daemon_bed *bed = *state;
	char file[160];
	FILE *out;

	snprintf(file, sizeof(file), "%s", daemon_bed_path(bed, "source.json"));
	start(bed);
	connect_traditional(bed);
	set_pages(bed, 40);
	trad_front_await(&traditional, 40);
	expect(bed, 5, 40, 0);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("features", "--json")), 0);
	out = fopen(file, "we");
	assert_non_null(out);
	assert_true(fputs(bed->ctl.out.text, out) >= 0);
	assert_int_equal(fclose(out), 0);
	trad_front_close(&traditional);
	start_another(bed);
	assert_int_equal(daemon_bed_ctl(bed, WORDS("features", "check", file, bed->control_path)),
			 0);
	assert_int_equal(unlink(file), 0);
}

#define TEST(name)                                                                                 \
	cmocka_unit_test_setup_teardown(name, daemon_bed_empty_set_up, daemon_bed_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_target_is_for_the_driver_that_there_is),
		TEST(it_moves_when_the_better_driver_comes_and_back_when_it_goes),
		TEST(a_pause_moves_nothing),
		TEST(a_deadline_counts_the_pages_of_both),
		TEST(a_deadline_that_was_met_is_none_for_the_other_device),
		TEST(a_state_of_two_balloons_is_not_saved),
		TEST(a_state_is_for_the_device_that_it_is_of),
		TEST(a_machine_with_both_drivers_moves_with_its_target),
		TEST(a_balloon_that_moves_is_asked_for_as_much_at_once),
		TEST(a_guest_finds_its_device_where_there_are_two),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
