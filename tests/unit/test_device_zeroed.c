// SPDX-License-Identifier: BSD-3-Clause
/* F_ZEROED: what comes back reads as zeros, whatever the host did with it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/le.h"
#include "device_bed.h"

#define PAGE UINT64_C(4096)
#define AT UINT64_C(0x10000000)
#define RUN(gpa, pages) ((gpa) | ((pages)-1))
#define ALL (BED_RUNS | BED_EXCHANGE | BED_REPORTING | BED_ZEROED)

static struct bed bed;

/* Memory that the guest has written to all over. */
static void set_up_with(uint64_t features, uint32_t host_page_shift)
{
	bed_init(&bed, features);
	bed.clears = true;
	bed_add_memory(&bed, AT, 32 * MIB, host_page_shift);
	memset(guest_memory_at(&bed.guest, AT, 32 * MIB), 0xa5, 32 * MIB);
	bed_greet(&bed, 12);
}

static int set_up(void **state)
{
	(void)state;
	set_up_with(ALL, 12);
	return 0;
}

static int set_up_huge(void **state)
{
	(void)state;
	set_up_with(ALL, 21);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	bed_destroy(&bed);
	return 0;
}

static uint64_t dirty_bytes(uint64_t gpa, uint64_t len)
{
	const unsigned char *at = guest_memory_at(&bed.guest, gpa, len);
	uint64_t dirty = 0;

	for (uint64_t i = 0; i < len; i++)
		dirty += at[i] != 0;
	return dirty;
}

static uint64_t withdraw(uint64_t most)
{
	uint64_t entries[64], pages = 0;
	size_t count = bed_withdraw(&bed, most, entries, 64);

	for (size_t i = 0; i < count; i++) {
		pages += bed_entry_pages(entries[i]);
		assert_int_equal(
			dirty_bytes(bed_entry_gpa(entries[i]), bed_entry_pages(entries[i]) * PAGE),
			0);
	}
	return pages;
}

/* Proves DEV-ZEROED-1. */
static void what_was_dropped_comes_back_as_it_is(void **state)
{
	(void)state;
	bed_add_pages(&bed, AT, 512);
	assert_int_equal(bed_status(&bed).dropped_pages, 512);
	assert_int_equal(withdraw(512), 512);
	assert_int_equal(bed.written_bytes, 0);
}

/* Proves DEV-ZEROED-1. */
static void what_was_not_dropped_is_cleared(void **state)
{
	(void)state;
	vballoon_device_inhibit(bed.device, true);
	bed_add_pages(&bed, AT, 512);
	assert_int_equal(withdraw(512), 512);
	assert_int_equal(bed.written_bytes, 512 * PAGE);
	assert_int_equal(dirty_bytes(AT + 512 * PAGE, PAGE), PAGE);
}

static void part_of_a_host_page_is_cleared(void **state)
{
	(void)state;
	bed_add_pages(&bed, AT + MIB, 300);
	assert_int_equal(bed_status(&bed).dropped_pages, 0);
	assert_int_equal(withdraw(300), 300);
	assert_int_equal(dirty_bytes(AT, MIB), MIB);
}

static void memory_that_is_never_dropped_is_cleared(void **state)
{
	const uint64_t gpa = BED_WINDOW + MIB - PAGE;

	(void)state;
	memset(guest_memory_at(&bed.guest, gpa, PAGE), 0xa5, PAGE);
	bed_add_pages(&bed, gpa, 1);
	assert_int_equal(withdraw(1), 1);
}

static void what_the_host_failed_to_drop_is_cleared(void **state)
{
	(void)state;
	bed.drop_error = -EIO;
	bed_add_pages(&bed, AT, 16);
	assert_int_equal(withdraw(16), 16);
}

/* Proves DEV-RING-5. */
static void much_is_cleared_over_several_runs(void **state)
{
	const struct virtio_memory_balloon_withdraw message = {
		.msg.type = VIRTIO_MEMORY_BALLOON_MSG_WITHDRAW,
		.most = vballoon_le64(8192),
	};
	uint64_t entries[64];

	(void)state;
	vballoon_device_inhibit(bed.device, true);
	bed_add_pages(&bed, AT, 8192);
	bed_post(&bed, &message, sizeof(message), sizeof(entries));
	assert_true(vballoon_device_run(bed.device));
	assert_true(bed_silent(&bed));
	assert_int_equal(dirty_bytes(AT, 32 * MIB), 28 * MIB);
	bed_run(&bed);
	assert_int_equal(bed_collect(&bed, entries, sizeof(entries)) / 8, 2);
	assert_int_equal(dirty_bytes(AT, 32 * MIB), 0);
	assert_int_equal(bed_status(&bed).held_pages, 0);
}

/* Proves DEV-WITHDRAW-14. */
static void a_stop_meanwhile_hands_nothing_back(void **state)
{
	const struct virtio_memory_balloon_withdraw message = {
		.msg.type = VIRTIO_MEMORY_BALLOON_MSG_WITHDRAW,
		.most = vballoon_le64(8192),
	};
	struct vballoon_queue *queue = &bed.rings[TODEV].queue;
	uint64_t entries[64];

	(void)state;
	vballoon_device_inhibit(bed.device, true);
	bed_add_pages(&bed, AT, 8192);
	bed_post(&bed, &message, sizeof(message), sizeof(entries));
	assert_true(vballoon_device_run(bed.device));
	assert_int_equal(vballoon_device_stop_queue(bed.device, TODEV, &queue->next), 0);
	assert_int_equal(bed_status(&bed).held_pages, 8192);
	assert_int_equal(bed_status(&bed).returned_pages, 0);
	assert_int_equal(vballoon_device_start_queue(bed.device, TODEV, queue), 0);
	bed_run(&bed);
	assert_int_equal(bed_collect(&bed, entries, sizeof(entries)) / 8, 2);
	assert_int_equal(bed_status(&bed).held_pages, 0);
}

static void a_policy_set_meanwhile_counts(void **state)
{
	const struct virtio_memory_balloon_withdraw message = {
		.msg.type = VIRTIO_MEMORY_BALLOON_MSG_WITHDRAW,
		.most = vballoon_le64(8192),
	};
	const struct vballoon_policy floor = {
		.withdraw = { VBALLOON_POLICY_FLOOR, VBALLOON_POLICY_FLOOR, VBALLOON_POLICY_FLOOR },
		.floor_bytes = 8000 * PAGE,
	};
	uint64_t entries[64];

	(void)state;
	vballoon_device_inhibit(bed.device, true);
	bed_add_pages(&bed, AT, 8192);
	bed_post(&bed, &message, sizeof(message), sizeof(entries));
	assert_true(vballoon_device_run(bed.device));
	assert_int_equal(vballoon_device_set_policy(bed.device, &floor), 0);
	bed_run(&bed);
	assert_int_not_equal(bed_collect(&bed, entries, sizeof(entries)), 0);
	assert_int_equal(bed_status(&bed).held_pages, 8000);
	assert_int_equal(bed_status(&bed).returned_pages, 192);
}

static void what_cannot_be_cleared_stays_in_the_balloon(void **state)
{
	(void)state;
	vballoon_device_inhibit(bed.device, true);
	bed_add_pages(&bed, AT, 16);
	bed_add_pages(&bed, AT + MIB, 16);
	bed.write_fails_at = AT + 3 * PAGE;
	assert_int_equal(withdraw(32), 31);
	assert_int_equal(bed_status(&bed).held_pages, 1);
	assert_int_not_equal(bed_status(&bed).refused_entries[VBALLOON_REFUSED_NO_HOST_MEMORY], 0);
	assert_int_equal(bed_status(&bed).violation, VBALLOON_OK);
	assert_int_equal(withdraw(1), 0);
	bed.write_fails_at = 0;
	assert_int_equal(withdraw(1), 1);
}

/* A pool of huge pages is empty, and the first of them that is held was never touched. */
static void a_hole_is_passed_over_for_what_lies_behind_it(void **state)
{
	(void)state;
	vballoon_device_inhibit(bed.device, true);
	bed_add_pages(&bed, AT + 4 * MIB, 4096);
	bed.write_fails_at = AT + 4 * MIB + 5 * PAGE;
	for (unsigned int i = 0; i < 7; i++)
		assert_int_equal(withdraw(512), 512);
	assert_int_equal(withdraw(512), 0);
	assert_int_equal(bed_status(&bed).held_pages, 512);
	assert_int_equal(dirty_bytes(AT + 4 * MIB, 2 * MIB), 2 * MIB);
}

/* Proves DEV-ZEROED-2. */
static void what_is_taken_in_an_exchange_is_zeros(void **state)
{
	(void)state;
	vballoon_device_inhibit(bed.device, true);
	bed_add_pages(&bed, AT, 16);
	assert_int_equal(bed_exchange(&bed, RUN(AT + MIB, 8), RUN(AT, 8)), 1);
	assert_int_equal(dirty_bytes(AT, 8 * PAGE), 0);
	assert_int_equal(dirty_bytes(AT + 8 * PAGE, 8 * PAGE), 8 * PAGE);
	assert_int_equal(dirty_bytes(AT + MIB, 8 * PAGE), 8 * PAGE);
}

static void a_stop_in_an_exchange_swaps_nothing(void **state)
{
	uint64_t message[5] = { VIRTIO_MEMORY_BALLOON_MSG_EXCHANGE,
				VIRTIO_MEMORY_BALLOON_GIVE_NOTHING, RUN(AT, 1),
				VIRTIO_MEMORY_BALLOON_GIVE_NOTHING, RUN(AT + 16 * MIB, 4096) };
	struct vballoon_queue *queue = &bed.rings[TODEV].queue;
	uint8_t verdicts[2];

	(void)state;
	vballoon_device_inhibit(bed.device, true);
	bed_add_pages(&bed, AT, 1);
	bed_add_pages(&bed, AT + 16 * MIB, 4096);
	bed_post(&bed, message, sizeof(message), 2);
	assert_true(vballoon_device_run(bed.device));
	assert_int_equal(bed_status(&bed).held_pages, 4096);
	assert_int_equal(vballoon_device_stop_queue(bed.device, TODEV, &queue->next), 0);
	assert_int_equal(bed_status(&bed).held_pages, 4097);
	assert_int_equal(vballoon_device_start_queue(bed.device, TODEV, queue), 0);
	bed_run(&bed);
	assert_int_equal(bed_collect(&bed, verdicts, 2), 2);
	assert_int_equal(verdicts[0] + verdicts[1], 2);
	assert_int_equal(bed_status(&bed).held_pages, 0);
}

/* Proves DEV-ZEROED-3. */
static void what_is_reported_is_zeros_whether_given_back_or_not(void **state)
{
	const uint64_t entry = RUN(AT + MIB, 1024);

	(void)state;
	bed_report(&bed, &entry, 1);
	assert_int_equal(bed_status(&bed).discarded_pages, 512);
	assert_int_equal(dirty_bytes(AT + MIB, 4 * MIB), 0);
	assert_int_equal(dirty_bytes(AT, MIB), MIB);
	assert_int_equal(dirty_bytes(AT + 5 * MIB, MIB), MIB);
	assert_int_equal(bed.written_bytes, 2 * MIB);
}

/* The host has no memory for one host page of a pool: there is a hole, and it is the only one.
 * Proves DEV-ZEROED-3. */
static void around_a_hole_that_cannot_be_filled_all_is_cleared(void **state)
{
	const uint64_t entry = RUN(AT + MIB / 2, 2048), hole = AT + 4 * MIB;

	(void)state;
	bed.discard_error = -EOPNOTSUPP;
	bed.write_fails_at = hole + 5 * PAGE;
	memset(guest_memory_at(&bed.guest, hole, 2 * MIB), 0, 2 * MIB);
	bed_report(&bed, &entry, 1);
	assert_int_equal(dirty_bytes(AT + MIB / 2, 8 * MIB), 0);
	assert_int_equal(dirty_bytes(AT, MIB / 2), MIB / 2);
}

/* Proves DEV-ZEROED-5. */
static void a_verdict_of_1_means_zeros(void **state)
{
	(void)state;
	assert_int_equal(bed_report_run(&bed, RUN(AT, 16)), 1);
	vballoon_device_inhibit(bed.device, true);
	assert_int_equal(bed_report_run(&bed, RUN(AT + MIB, 16)), 1);
	assert_int_equal(dirty_bytes(AT + MIB, 16 * PAGE), 0);
	bed.write_fails_at = AT + 2 * MIB + 3 * PAGE;
	assert_int_equal(bed_report_run(&bed, RUN(AT + 2 * MIB, 16)), 0);
	assert_int_equal(bed_report_run(&bed, RUN(AT + 32 * MIB, 1)), 0);
	vballoon_device_inhibit(bed.device, false);
	bed.discard_error = -EIO;
	assert_int_equal(bed_report_run(&bed, RUN(AT + 4 * MIB, 16)), 1);
	assert_int_equal(dirty_bytes(AT + 4 * MIB, 16 * PAGE), 0);
}

static void what_is_passed_over_stays_as_it_is(void **state)
{
	const uint64_t entry = RUN(AT, 2);

	(void)state;
	vballoon_device_inhibit(bed.device, true);
	bed_add_pages(&bed, AT, 1);
	bed_report(&bed, &entry, 1);
	assert_int_equal(dirty_bytes(AT, 2 * PAGE), 2 * PAGE);
}

static void without_the_feature_nothing_is_cleared(void **state)
{
	(void)state;
	bed_destroy(&bed);
	set_up_with(ALL & ~BED_ZEROED, 12);
	vballoon_device_inhibit(bed.device, true);
	bed_add_pages(&bed, AT, 16);
	bed_withdraw(&bed, 16, (uint64_t[16]){ 0 }, 16);
	assert_int_equal(bed.written_bytes, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define HUGE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_huge, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_was_dropped_comes_back_as_it_is),
		TEST(what_was_not_dropped_is_cleared),
		HUGE_TEST(part_of_a_host_page_is_cleared),
		TEST(memory_that_is_never_dropped_is_cleared),
		TEST(what_the_host_failed_to_drop_is_cleared),
		TEST(much_is_cleared_over_several_runs),
		TEST(a_stop_meanwhile_hands_nothing_back),
		TEST(a_policy_set_meanwhile_counts),
		TEST(what_cannot_be_cleared_stays_in_the_balloon),
		HUGE_TEST(a_hole_is_passed_over_for_what_lies_behind_it),
		TEST(what_is_taken_in_an_exchange_is_zeros),
		TEST(a_stop_in_an_exchange_swaps_nothing),
		HUGE_TEST(what_is_reported_is_zeros_whether_given_back_or_not),
		HUGE_TEST(around_a_hole_that_cannot_be_filled_all_is_cleared),
		TEST(a_verdict_of_1_means_zeros),
		TEST(what_is_passed_over_stays_as_it_is),
		TEST(without_the_feature_nothing_is_cleared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
