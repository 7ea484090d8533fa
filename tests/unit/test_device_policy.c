/* SPDX-License-Identifier: BSD-3-Clause */
/* The device under a policy that changes while it runs. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/le.h"
#include "device_bed.h"

#define AT GIB
#define REASONS (UINT64_C(1) << VIRTIO_MEMORY_BALLOON_F_WITHDRAW_REASON)

static int setup_with(void **state, uint64_t features)
{
	static struct bed bed;

	bed_init(&bed, features);
	bed_add_memory(&bed, AT, 64 * MIB, 12);
	bed_greet(&bed, 12);
	bed_expect_request(&bed, VIRTIO_MEMORY_BALLOON_REQ_RESIZE, 0);
	*state = &bed;
	return 0;
}

static int setup(void **state)
{
	return setup_with(state, BED_RUNS | REASONS);
}

static int setup_without_reasons(void **state)
{
	return setup_with(state, BED_RUNS);
}

static int teardown(void **state)
{
	bed_destroy(*state);
	return 0;
}

static void set(struct bed *bed, struct vballoon_policy policy)
{
	assert_int_equal(vballoon_device_set_policy(bed->device, &policy), 0);
}

/* WITHDRAW for @reason: how many pages come back. */
static uint64_t withdraw(struct bed *bed, uint64_t most, uint32_t reason)
{
	struct virtio_memory_balloon_withdraw message = {
		.msg = { .type = vballoon_le32(VIRTIO_MEMORY_BALLOON_MSG_WITHDRAW),
			 .flags = vballoon_le32(reason) },
		.most = vballoon_le64(most),
	};
	uint64_t entries[8], pages = 0;
	size_t len = bed_say(bed, &message, sizeof(message), entries, sizeof(entries));

	for (size_t i = 0; i < len / sizeof(entries[0]); i++)
		pages += bed_entry_pages(entries[i]);
	return pages;
}

static void warm_pages_are_kept_and_counted_as_such(void **state)
{
	struct vballoon_waiting waiting;
	struct bed *bed = *state;

	set(bed, (struct vballoon_policy){ .pages = VBALLOON_PAGES_WARM });
	bed_add_pages(bed, AT, 100);
	assert_int_equal(bed->call_count, 0);
	assert_int_equal(bed_status(bed).kept_pages[VBALLOON_KEEP_WARM], 100);
	assert_int_equal(bed_status(bed).waiting_pages, 0);
	vballoon_device_waiting(bed->device, &waiting);
	assert_int_equal(waiting.soon_pages + waiting.partial_pages + waiting.failed_pages, 0);
}

static void warm_pages_come_back_without_the_host(void **state)
{
	struct bed *bed = *state;

	set(bed, (struct vballoon_policy){ .pages = VBALLOON_PAGES_WARM });
	bed_add_pages(bed, AT, 100);
	assert_int_equal(withdraw(bed, 100, 0), 100);
	assert_int_equal(bed->call_count, 0);
}

static void warm_pages_are_dropped_when_they_become_eager(void **state)
{
	struct bed *bed = *state;

	set(bed, (struct vballoon_policy){ .pages = VBALLOON_PAGES_WARM });
	bed_add_pages(bed, AT, 100);
	set(bed, (struct vballoon_policy){ .pages = VBALLOON_PAGES_EAGER });
	bed_run(bed);
	assert_int_equal(bed_status(bed).dropped_pages, 100);
	assert_int_equal(bed_status(bed).kept_pages[VBALLOON_KEEP_WARM], 0);
}

static void dropping_now_drops_once_and_the_next_pages_are_warm_again(void **state)
{
	struct bed *bed = *state;

	set(bed, (struct vballoon_policy){ .pages = VBALLOON_PAGES_WARM });
	bed_add_pages(bed, AT, 100);
	vballoon_device_drop_now(bed->device);
	bed_run(bed);
	assert_int_equal(bed_status(bed).dropped_pages, 100);
	bed_add_pages(bed, AT + MIB, 10);
	assert_int_equal(bed_status(bed).dropped_pages, 100);
	assert_int_equal(bed_status(bed).kept_pages[VBALLOON_KEEP_WARM], 10);
}

static void what_was_dropped_before_stays_dropped_when_pages_become_warm(void **state)
{
	struct bed *bed = *state;

	bed_add_pages(bed, AT, 100);
	set(bed, (struct vballoon_policy){ .pages = VBALLOON_PAGES_WARM });
	bed_run(bed);
	assert_int_equal(bed_status(bed).dropped_pages, 100);
	assert_int_equal(bed_status(bed).kept_pages[VBALLOON_KEEP_WARM], 0);
}

static void dropping_now_tries_again_what_the_host_has_failed_to_drop(void **state)
{
	struct bed *bed = *state;

	bed->drop_error = -EIO;
	bed_add_pages(bed, AT, 100);
	bed->drop_error = 0;
	bed_run(bed);
	assert_int_equal(bed_status(bed).dropped_pages, 0);
	vballoon_device_drop_now(bed->device);
	bed_run(bed);
	assert_int_equal(bed_status(bed).dropped_pages, 100);
}

static void dropping_now_waits_for_the_end_of_an_inhibition(void **state)
{
	struct bed *bed = *state;

	set(bed, (struct vballoon_policy){ .pages = VBALLOON_PAGES_WARM });
	bed_add_pages(bed, AT, 100);
	vballoon_device_inhibit(bed->device, true);
	vballoon_device_drop_now(bed->device);
	bed_run(bed);
	assert_int_equal(bed_status(bed).kept_pages[VBALLOON_KEEP_INHIBITED], 100);
	vballoon_device_inhibit(bed->device, false);
	bed_run(bed);
	assert_int_equal(bed_status(bed).dropped_pages, 100);
}

static void dropping_now_is_over_with_the_guest_it_was_for(void **state)
{
	struct bed *bed = *state;

	set(bed, (struct vballoon_policy){ .pages = VBALLOON_PAGES_WARM });
	bed_add_pages(bed, AT, 100);
	bed_pause(bed);
	vballoon_device_drop_now(bed->device);
	bed_hello(bed, BED_EPOCH + 1, 12, 0);
	bed_add_pages(bed, AT, 10);
	assert_int_equal(bed->call_count, 0);
}

/* Proves DEV-REASON-3, DEV-REASON-4. */
static void each_reason_is_answered_by_its_rule(void **state)
{
	struct bed *bed = *state;

	set(bed, (struct vballoon_policy){
			 .withdraw = { VBALLOON_POLICY_REFUSE, VBALLOON_POLICY_FLOOR,
				       VBALLOON_POLICY_GRANT },
			 .floor_bytes = 90 * 4096,
		 });
	bed_add_pages(bed, AT, 100);
	assert_int_equal(withdraw(bed, 50, VIRTIO_MEMORY_BALLOON_WITHDRAW_TARGET), 0);
	assert_int_equal(withdraw(bed, 50, VIRTIO_MEMORY_BALLOON_WITHDRAW_PRESSURE), 10);
	assert_int_equal(withdraw(bed, 50, VIRTIO_MEMORY_BALLOON_WITHDRAW_PRESSURE), 0);
	assert_int_equal(withdraw(bed, 50, VIRTIO_MEMORY_BALLOON_WITHDRAW_OOM), 50);
}

static void requests_and_refusals_are_counted_by_reason(void **state)
{
	struct bed *bed = *state;
	struct vballoon_status status;

	set(bed, (struct vballoon_policy){
			 .withdraw = { VBALLOON_POLICY_GRANT, VBALLOON_POLICY_FLOOR,
				       VBALLOON_POLICY_FLOOR },
			 .floor_bytes = 90 * 4096,
		 });
	bed_add_pages(bed, AT, 100);
	for (unsigned int i = 0; i < 5; i++)
		withdraw(bed, 4, VIRTIO_MEMORY_BALLOON_WITHDRAW_OOM);
	withdraw(bed, 4, VIRTIO_MEMORY_BALLOON_WITHDRAW_TARGET);
	withdraw(bed, 0, VIRTIO_MEMORY_BALLOON_WITHDRAW_PRESSURE);
	status = bed_status(bed);
	assert_int_equal(status.withdraws[VBALLOON_WITHDRAW_OOM], 5);
	/* 4, 4, 2 of 4, nothing, nothing. */
	assert_int_equal(status.withdraws_refused[VBALLOON_WITHDRAW_OOM], 3);
	assert_int_equal(status.withdraws[VBALLOON_WITHDRAW_TARGET], 1);
	assert_int_equal(status.withdraws_refused[VBALLOON_WITHDRAW_TARGET], 0);
	assert_int_equal(status.withdraws[VBALLOON_WITHDRAW_PRESSURE], 0);
}

static void an_empty_balloon_is_no_refusal_of_the_policy(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(withdraw(bed, 4, VIRTIO_MEMORY_BALLOON_WITHDRAW_OOM), 0);
	assert_int_equal(bed_status(bed).withdraws_refused[VBALLOON_WITHDRAW_OOM], 0);
}

/* Proves DEV-REASON-1. */
static void without_the_feature_a_reason_stops_the_device(void **state)
{
	struct bed *bed = *state;
	struct virtio_memory_balloon_withdraw message = {
		.msg = { .type = vballoon_le32(VIRTIO_MEMORY_BALLOON_MSG_WITHDRAW),
			 .flags = vballoon_le32(VIRTIO_MEMORY_BALLOON_WITHDRAW_OOM) },
	};

	bed_post(bed, &message, sizeof(message), 8);
	bed_run(bed);
	assert_int_equal(bed_status(bed).violation, VBALLOON_MESSAGE_FLAGS);
}

static void without_the_feature_the_reason_is_the_target(void **state)
{
	struct bed *bed = *state;

	set(bed, (struct vballoon_policy){ .withdraw = { VBALLOON_POLICY_REFUSE, 0, 0 } });
	bed_add_pages(bed, AT, 10);
	assert_int_equal(withdraw(bed, 4, 0), 0);
	assert_int_equal(bed_status(bed).withdraws_refused[VBALLOON_WITHDRAW_TARGET], 1);
}

/* Proves DEV-REASON-2. */
static void a_reason_that_is_not_known_stops_the_device(void **state)
{
	struct bed *bed = *state;
	struct virtio_memory_balloon_withdraw message = {
		.msg = { .type = vballoon_le32(VIRTIO_MEMORY_BALLOON_MSG_WITHDRAW),
			 .flags = vballoon_le32(3) },
	};

	bed_post(bed, &message, sizeof(message), 8);
	bed_run(bed);
	assert_int_equal(bed_status(bed).violation, VBALLOON_MESSAGE_FLAGS);
}

/* Proves DEV-REQ-9. */
static void who_was_refused_is_told_when_the_policy_grants_it(void **state)
{
	struct bed *bed = *state;

	set(bed, (struct vballoon_policy){ .withdraw = { 0, VBALLOON_POLICY_REFUSE, 0 } });
	bed_add_pages(bed, AT, 10);
	withdraw(bed, 4, VIRTIO_MEMORY_BALLOON_WITHDRAW_PRESSURE);
	bed_post_request(bed);
	bed_expect_no_request(bed);
	set(bed, (struct vballoon_policy){ .withdraw = { 0, VBALLOON_POLICY_FLOOR, 0 },
					   .floor_bytes = 4096 });
	bed_expect_request(bed, VIRTIO_MEMORY_BALLOON_REQ_RESIZE, 0);
	/* Once is enough. */
	set(bed, (struct vballoon_policy){ 0 });
	bed_post_request(bed);
	bed_expect_no_request(bed);
}

static void who_was_not_refused_is_not_told(void **state)
{
	struct bed *bed = *state;

	set(bed, (struct vballoon_policy){ .withdraw = { 0, VBALLOON_POLICY_REFUSE, 0 } });
	bed_add_pages(bed, AT, 10);
	assert_int_equal(withdraw(bed, 4, VIRTIO_MEMORY_BALLOON_WITHDRAW_OOM), 4);
	set(bed, (struct vballoon_policy){ 0 });
	bed_post_request(bed);
	bed_expect_no_request(bed);
}

static void a_policy_that_makes_no_sense_changes_nothing(void **state)
{
	struct vballoon_policy none = { .withdraw = { VBALLOON_POLICY_FLOOR, 0, 0 } };
	struct vballoon_policy high = { .floor_bytes = 4 * GIB };
	struct vballoon_policy good = { .inflate_rate = MIB }, now;
	struct bed *bed = *state;

	set(bed, good);
	assert_int_equal(vballoon_device_set_policy(bed->device, &none), -EINVAL);
	assert_int_equal(vballoon_device_set_policy(bed->device, &high), -ERANGE);
	vballoon_device_policy(bed->device, &now);
	assert_int_equal(now.inflate_rate, MIB);
	assert_int_equal(now.floor_bytes, 0);
}

static void a_reset_does_not_change_the_policy(void **state)
{
	struct vballoon_policy now;
	struct bed *bed = *state;

	set(bed, (struct vballoon_policy){ .pages = VBALLOON_PAGES_WARM });
	vballoon_device_reset(bed->device);
	vballoon_device_policy(bed->device, &now);
	assert_int_equal(now.pages, VBALLOON_PAGES_WARM);
}

static void with_a_rate_the_target_is_asked_for_step_by_step(void **state)
{
	struct bed *bed = *state;

	vballoon_device_set_time(bed->device, 1000);
	set(bed, (struct vballoon_policy){ .inflate_rate = 1000 * 4096 });
	bed_expect_request(bed, VIRTIO_MEMORY_BALLOON_REQ_RESIZE, 0);
	assert_int_equal(vballoon_device_set_target(bed->device, 250), 0);
	bed_expect_request(bed, VIRTIO_MEMORY_BALLOON_REQ_RESIZE, 100);
	assert_int_equal(bed_status(bed).target_pages, 250);
	assert_int_equal(bed_status(bed).asked_pages, 100);
	assert_int_equal(vballoon_device_due_ms(bed->device), VBALLOON_NEVER);
	bed_add_pages(bed, AT, 100);
	assert_int_equal(vballoon_device_due_ms(bed->device), 1100);
	vballoon_device_set_time(bed->device, 1100);
	bed_expect_request(bed, VIRTIO_MEMORY_BALLOON_REQ_RESIZE, 200);
	bed_add_pages(bed, AT + MIB, 100);
	vballoon_device_set_time(bed->device, 1200);
	bed_expect_request(bed, VIRTIO_MEMORY_BALLOON_REQ_RESIZE, 250);
	bed_add_pages(bed, AT + 2 * MIB, 50);
	assert_int_equal(vballoon_device_due_ms(bed->device), VBALLOON_NEVER);
}

static void a_rate_that_ends_lets_the_rest_be_asked_for(void **state)
{
	struct bed *bed = *state;

	set(bed, (struct vballoon_policy){ .inflate_rate = 1000 * 4096 });
	bed_expect_request(bed, VIRTIO_MEMORY_BALLOON_REQ_RESIZE, 0);
	vballoon_device_set_target(bed->device, 250);
	bed_expect_request(bed, VIRTIO_MEMORY_BALLOON_REQ_RESIZE, 100);
	set(bed, (struct vballoon_policy){ 0 });
	bed_expect_request(bed, VIRTIO_MEMORY_BALLOON_REQ_RESIZE, 250);
}

static void a_paused_guest_waits_for_no_time(void **state)
{
	struct bed *bed = *state;

	set(bed, (struct vballoon_policy){ .inflate_rate = 1000 * 4096 });
	vballoon_device_set_target(bed->device, 250);
	bed_run(bed);
	bed_add_pages(bed, AT, 100);
	assert_int_not_equal(vballoon_device_due_ms(bed->device), VBALLOON_NEVER);
	bed_pause(bed);
	assert_int_equal(vballoon_device_due_ms(bed->device), VBALLOON_NEVER);
}

static void another_guest_begins_with_the_first_step(void **state)
{
	struct bed *bed = *state;

	set(bed, (struct vballoon_policy){ .inflate_rate = 1000 * 4096 });
	vballoon_device_set_target(bed->device, 250);
	bed_expect_request(bed, VIRTIO_MEMORY_BALLOON_REQ_RESIZE, 100);
	bed_add_pages(bed, AT, 100);
	vballoon_device_set_time(bed->device, 100);
	bed_expect_request(bed, VIRTIO_MEMORY_BALLOON_REQ_RESIZE, 200);
	bed_hello(bed, BED_EPOCH + 1, 12, 0);
	bed_expect_request(bed, VIRTIO_MEMORY_BALLOON_REQ_RESIZE, 100);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define PLAIN(name) cmocka_unit_test_setup_teardown(name, setup_without_reasons, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(warm_pages_are_kept_and_counted_as_such),
		CASE(warm_pages_come_back_without_the_host),
		CASE(warm_pages_are_dropped_when_they_become_eager),
		CASE(dropping_now_drops_once_and_the_next_pages_are_warm_again),
		CASE(what_was_dropped_before_stays_dropped_when_pages_become_warm),
		CASE(dropping_now_tries_again_what_the_host_has_failed_to_drop),
		CASE(dropping_now_waits_for_the_end_of_an_inhibition),
		CASE(dropping_now_is_over_with_the_guest_it_was_for),
		CASE(each_reason_is_answered_by_its_rule),
		CASE(requests_and_refusals_are_counted_by_reason),
		CASE(an_empty_balloon_is_no_refusal_of_the_policy),
		PLAIN(without_the_feature_a_reason_stops_the_device),
		PLAIN(without_the_feature_the_reason_is_the_target),
		CASE(a_reason_that_is_not_known_stops_the_device),
		CASE(who_was_refused_is_told_when_the_policy_grants_it),
		CASE(who_was_not_refused_is_not_told),
		CASE(a_policy_that_makes_no_sense_changes_nothing),
		CASE(a_reset_does_not_change_the_policy),
		CASE(with_a_rate_the_target_is_asked_for_step_by_step),
		CASE(a_rate_that_ends_lets_the_rest_be_asked_for),
		CASE(a_paused_guest_waits_for_no_time),
		CASE(another_guest_begins_with_the_first_step),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
