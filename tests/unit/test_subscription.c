// SPDX-License-Identifier: BSD-3-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/subscription.h"

static const struct vballoon_view ready = { .state = VBALLOON_STATE_READY, .page_shift = 12 };

static int set_up(void **state)
{
	static struct vballoon_subscription subscription;

	memset(&subscription, 0, sizeof(subscription));
	vballoon_subscription_begin(&subscription, &ready);
	*state = &subscription;
	return 0;
}

static int tear_down(void **state)
{
	vballoon_subscription_end(*state);
	return 0;
}

/* The next event has to be this one; returns its data, or NULL when none is wanted. */
static json_t *take(struct vballoon_subscription *subscription, const char *name)
{
	size_t len = 0;
	char *line = vballoon_subscription_take(subscription, &len);
	json_t *event, *data;

	if (!name) {
		assert_null(line);
		return NULL;
	}
	assert_non_null(line);
	assert_int_equal(line[len - 1], '\n');
	event = json_loadb(line, len, 0, NULL);
	free(line);
	assert_string_equal(json_string_value(json_object_get(event, "event")), name);
	assert_true(json_integer_value(json_object_get(event, "time_ms")) > 0);
	data = json_incref(json_object_get(event, "data"));
	json_decref(event);
	return data;
}

static json_int_t take_number(struct vballoon_subscription *subscription, const char *name,
			      const char *member)
{
	json_t *data = take(subscription, name);
	json_int_t number = json_integer_value(json_object_get(data, member));

	json_decref(data);
	return number;
}

static void nothing_has_happened_in_the_beginning(void **state)
{
	vballoon_subscription_update(*state, &ready, 0);
	take(*state, NULL);
	assert_true(vballoon_subscription_deadline_ms(*state) == UINT64_MAX);
}

static void an_event_is_told_once(void **state)
{
	struct vballoon_view view = ready;

	view.target_pages = 3;
	vballoon_subscription_update(*state, &view, 0);
	vballoon_subscription_update(*state, &view, 0);
	assert_int_equal(take_number(*state, "target-changed", "target_bytes"), 12288);
	take(*state, NULL);
}

static void a_front_end_comes_and_goes(void **state)
{
	struct vballoon_view gone = ready;

	gone.state = VBALLOON_STATE_NO_FRONT_END;
	vballoon_subscription_update(*state, &gone, 0);
	json_decref(take(*state, "front-end-gone"));
	json_decref(take(*state, "state-changed"));
	vballoon_subscription_update(*state, &ready, 0);
	json_decref(take(*state, "front-end-connected"));
	json_decref(take(*state, "state-changed"));
	take(*state, NULL);
}

static void a_device_stops_and_is_reset(void **state)
{
	struct vballoon_view view = ready;

	view.state = VBALLOON_STATE_STOPPED;
	view.device.violations = 1;
	vballoon_subscription_update(*state, &view, 0);
	json_decref(take(*state, "device-stopped"));
	json_decref(take(*state, "state-changed"));
	view.state = VBALLOON_STATE_NO_DRIVER;
	vballoon_subscription_update(*state, &view, 0);
	json_decref(take(*state, "device-reset"));
	json_decref(take(*state, "state-changed"));
	take(*state, NULL);
}

static void a_driver_speaks_and_reports(void **state)
{
	struct vballoon_view view = ready;

	view.device.hellos = 1;
	view.device.stats.reports = 1;
	vballoon_subscription_update(*state, &view, 0);
	json_decref(take(*state, "driver-hello"));
	json_decref(take(*state, "stats"));
	take(*state, NULL);
}

static void a_reset_seen_by_its_hello_is_told_before_it(void **state)
{
	struct vballoon_view view = ready;

	view.device.hellos = 1;
	view.device.resets_seen = 1;
	vballoon_subscription_update(*state, &view, 0);
	json_decref(take(*state, "device-reset"));
	json_decref(take(*state, "driver-hello"));
	take(*state, NULL);
}

/* As the target goes to another driver, by way of a queue that runs and has said nothing. */
static void what_the_other_device_has_counted_has_not_just_happened(void **state)
{
	struct vballoon_subscription *subscription = *state;
	struct vballoon_view traditional = { .state = VBALLOON_STATE_READY,
					     .device_id = 5,
					     .page_shift = 12,
					     .device.record = VBALLOON_RECORD_PROVEN };
	struct vballoon_view memory = {
		.state = VBALLOON_STATE_NO_DRIVER, .device_id = 13, .page_shift = 12, .pressures = 1
	};

	memory.device.record = VBALLOON_RECORD_NONE;
	memory.device.violations = 1;
	memory.device.resets_seen = 2;
	memory.device.hellos = 3;
	memory.device.stats.reports = 4;
	vballoon_subscription_end(subscription);
	vballoon_subscription_begin(subscription, &traditional);
	vballoon_subscription_update(subscription, &memory, 0);
	json_decref(take(subscription, "state-changed"));
	take(subscription, NULL);
	memory.device.hellos = 4;
	vballoon_subscription_update(subscription, &memory, 0);
	json_decref(take(subscription, "driver-hello"));
	take(subscription, NULL);
}

static void changes_of_what_is_held_are_told_together(void **state)
{
	struct vballoon_subscription *subscription = *state;
	struct vballoon_view view = ready;

	view.device.held_pages = 1;
	vballoon_subscription_update(subscription, &view, 1000);
	assert_int_equal(take_number(subscription, "held-changed", "held_bytes"), 4096);
	view.device.held_pages = 2;
	vballoon_subscription_update(subscription, &view, 1001);
	view.device.held_pages = 3;
	vballoon_subscription_update(subscription, &view, 1002);
	take(subscription, NULL);
	assert_int_equal(vballoon_subscription_deadline_ms(subscription),
			 1000 + VBALLOON_SUBSCRIPTION_HELD_MS);
	vballoon_subscription_update(subscription, &view, 1000 + VBALLOON_SUBSCRIPTION_HELD_MS);
	assert_int_equal(take_number(subscription, "held-changed", "held_bytes"), 12288);
	assert_true(vballoon_subscription_deadline_ms(subscription) == UINT64_MAX);
}

static void what_is_held_as_before_is_not_told(void **state)
{
	struct vballoon_view view = ready;

	view.device.held_pages = 1;
	vballoon_subscription_update(*state, &view, 1000);
	json_decref(take(*state, "held-changed"));
	view.device.held_pages = 2;
	vballoon_subscription_update(*state, &view, 1001);
	view.device.held_pages = 1;
	vballoon_subscription_update(*state, &view, 1002);
	assert_true(vballoon_subscription_deadline_ms(*state) == UINT64_MAX);
	take(*state, NULL);
}

static void a_slow_client_is_told_how_many_it_has_lost_and_where(void **state)
{
	struct vballoon_view view = ready;
	unsigned int i;

	for (i = 0; i < VBALLOON_SUBSCRIPTION_LINES_MAX + 5; i++) {
		view.target_pages++;
		vballoon_subscription_update(*state, &view, 0);
	}
	for (i = 1; i <= VBALLOON_SUBSCRIPTION_LINES_MAX; i++) {
		assert_int_equal(take_number(*state, "target-changed", "target_bytes"), 4096 * i);
		if (i > 1)
			continue;
		view.target_pages++; /* finds no room either, behind what was lost */
		vballoon_subscription_update(*state, &view, 0);
	}
	assert_int_equal(take_number(*state, "events-lost", "count"), 5);
	assert_int_equal(take_number(*state, "events-lost", "count"), 1);
	take(*state, NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_has_happened_in_the_beginning),
		TEST(an_event_is_told_once),
		TEST(a_front_end_comes_and_goes),
		TEST(a_device_stops_and_is_reset),
		TEST(a_driver_speaks_and_reports),
		TEST(a_reset_seen_by_its_hello_is_told_before_it),
		TEST(what_the_other_device_has_counted_has_not_just_happened),
		TEST(changes_of_what_is_held_are_told_together),
		TEST(what_is_held_as_before_is_not_told),
		TEST(a_slow_client_is_told_how_many_it_has_lost_and_where),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
