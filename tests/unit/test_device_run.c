/* SPDX-License-Identifier: BSD-3-Clause */
/* One run of the device does a bounded amount, however much a message names. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/le.h"
#include "device_bed.h"
#include "ring/ring_features.h"

#define AT GIB
#define RUN_BYTES (4 * MIB)
#define GIB_PAGES UINT64_C(262144)
#define MANY 4000

static struct bed bed;

static void set_up_with(uint64_t features, uint64_t size, uint32_t host_page_shift,
			uint32_t unit_shift)
{
	bed_init(&bed, features | BED_RUNS);
	bed_add_memory(&bed, AT, size, host_page_shift);
	bed_greet(&bed, unit_shift);
}

static int tear_down(void **state)
{
	(void)state;
	bed_destroy(&bed);
	return 0;
}

/* Proves DEV-RING-5. */
static void many_entries_take_several_runs(void **state)
{
	static unsigned char message[8 + 8 * 1500] = { VIRTIO_MEMORY_BALLOON_MSG_ADD };
	static uint8_t verdicts[1500];

	(void)state;
	set_up_with(0, 64 * MIB, 12, 12);
	for (unsigned int i = 0; i < 4; i++)
		bed_post(&bed, message, sizeof(message), sizeof(verdicts));
	assert_true(vballoon_device_run(bed.device));
	assert_int_equal(bed_collect(&bed, verdicts, sizeof(verdicts)), sizeof(verdicts));
	assert_true(bed_silent(&bed));
	bed_run(&bed);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(bed_collect(&bed, verdicts, sizeof(verdicts)), sizeof(verdicts));
}

/* As many messages as the queue has room for, of as many descriptors: an ADD of nothing, with room for
 * verdicts. What one run of the device does is not more for each of them. Proves DEV-RING-5. */
static void many_descriptors_take_several_runs(void **state)
{
	const struct virtio_memory_balloon_msg message = { .type = VIRTIO_MEMORY_BALLOON_MSG_ADD };
	unsigned int most = 0;
	bool goes_on = true;

	(void)state;
	set_up_with(VBALLOON_F_INDIRECT_DESC, 64 * MIB, 12, 12);
	for (unsigned int i = 0; i < BED_QUEUE_SIZE; i++)
		bed_post_bytes_apart(&bed, TODEV, &message, sizeof(message),
				     BED_QUEUE_SIZE - sizeof(message));
	while (goes_on) {
		bed.accesses = 0;
		goes_on = vballoon_device_run(bed.device);
		most = bed.accesses > most ? bed.accesses : most;
	}
	assert_in_range(most, 1, 2048);
	for (unsigned int i = 0; i < BED_QUEUE_SIZE; i++)
		assert_false(bed_silent(&bed));
}

/* Proves DEV-RING-5. */
static void many_statistics_take_several_runs(void **state)
{
	static unsigned char message[8 + 256 * sizeof(struct virtio_memory_balloon_stat)] = {
		VIRTIO_MEMORY_BALLOON_MSG_STATS
	};
	uint64_t reports;

	(void)state;
	set_up_with(BED_PUSH_STATS, 64 * MIB, 12, 12);
	for (unsigned int i = 0; i < BED_QUEUE_SIZE; i++)
		bed_post(&bed, message, sizeof(message), 0);
	assert_true(vballoon_device_run(bed.device));
	reports = bed_status(&bed).stats.reports;
	assert_in_range(reports, 1, 16);
	bed_run(&bed);
	assert_int_equal(bed_status(&bed).stats.reports, BED_QUEUE_SIZE);
}

/* To empty it takes as long as it is large. Proves DEV-RING-5. */
static void of_guests_that_begin_a_record_one_run_hears_one(void **state)
{
	struct virtio_memory_balloon_hello hello = {
		.msg.type = VIRTIO_MEMORY_BALLOON_MSG_HELLO,
		.unit_shift = vballoon_le32(12),
	};

	(void)state;
	set_up_with(0, 64 * MIB, 12, 12);
	for (unsigned int i = 1; i <= 3; i++) {
		hello.epoch = vballoon_le64(BED_EPOCH + i);
		bed_post(&bed, &hello, sizeof(hello),
			 sizeof(struct virtio_memory_balloon_hello_answer));
	}
	for (unsigned int i = 1; i <= 3; i++) {
		vballoon_device_run(bed.device);
		assert_int_equal(bed_status(&bed).resets_seen, i);
	}
}

/* Proves DEV-RING-5. */
static void many_pages_take_several_runs(void **state)
{
	__le64 message[1 + 4] = { VIRTIO_MEMORY_BALLOON_MSG_ADD };
	unsigned int answered = 0;

	(void)state;
	set_up_with(0, 64 * MIB, 12, 12);
	for (unsigned int i = 0; i < 4; i++)
		message[1 + i] = vballoon_le64((AT + i * 16 * MIB) | 4095);
	for (unsigned int i = 0; i < BED_QUEUE_SIZE; i++)
		bed_post(&bed, message, sizeof(message), 0);
	assert_true(vballoon_device_run(bed.device));
	while (!bed_silent(&bed))
		answered++;
	assert_in_range(answered, 1, BED_QUEUE_SIZE - 1);
	bed_run(&bed);
	while (!bed_silent(&bed))
		answered++;
	assert_int_equal(answered, BED_QUEUE_SIZE);
}

/* A message of @type that names the same gigantic units @count times: not done with after one
 * run. Returns how many of the verdicts are 1. */
static unsigned int name_many(uint32_t type, const uint64_t *words, size_t count)
{
	static uint64_t message[1 + MANY];
	static uint8_t verdicts[MANY];
	unsigned int good = 0;
	size_t answers;

	message[0] = type;
	for (size_t i = 0; i < MANY; i++)
		message[1 + i] = words[i % count];
	answers = MANY / count;
	bed_post(&bed, message, sizeof(message), answers);
	assert_true(vballoon_device_run(bed.device));
	assert_true(bed_silent(&bed));
	bed_run(&bed);
	assert_int_equal(bed_collect(&bed, verdicts, sizeof(verdicts)), answers);
	for (size_t i = 0; i < answers; i++)
		good += verdicts[i];
	return good;
}

/* Proves DEV-RING-5. */
static void gigantic_units_of_an_add_take_several_runs(void **state)
{
	const uint64_t unit = AT;

	(void)state;
	set_up_with(0, 2 * GIB, 12, 30);
	assert_int_equal(name_many(VIRTIO_MEMORY_BALLOON_MSG_ADD, &unit, 1), MANY);
	assert_int_equal(bed_status(&bed).held_pages, GIB_PAGES);
}

/* Proves DEV-RING-5. */
static void gigantic_units_that_are_not_exchanged_take_several_runs(void **state)
{
	const uint64_t pair[] = { AT, AT + GIB };

	(void)state;
	set_up_with(BED_EXCHANGE, 2 * GIB, 12, 30);
	assert_int_equal(name_many(VIRTIO_MEMORY_BALLOON_MSG_EXCHANGE, pair, 2), 0);
}

/* Proves DEV-RING-5. */
static void gigantic_units_that_are_reported_and_held_take_several_runs(void **state)
{
	const uint64_t unit = AT;

	(void)state;
	set_up_with(BED_REPORTING, 2 * GIB, 12, 30);
	assert_int_equal(bed_add_entry(&bed, AT), 1);
	assert_int_equal(name_many(VIRTIO_MEMORY_BALLOON_MSG_REPORT, &unit, 1), 0);
}

static bool pass_over(void *context, struct vballoon_gpa gpa, uint64_t pages, bool dropped)
{
	(void)context;
	(void)gpa;
	(void)pages;
	(void)dropped;
	return true;
}

/* Its pages are on the record, and the driver has yet to hear that it has given them. */
static void while_an_add_is_cut_short_all_pages_travel(void **state)
{
	static uint64_t message[1 + MANY] = { VIRTIO_MEMORY_BALLOON_MSG_ADD };

	(void)state;
	set_up_with(0, 2 * GIB, 12, 30);
	for (unsigned int i = 0; i < MANY; i++)
		message[1 + i] = AT;
	bed_post(&bed, message, sizeof(message), MANY);
	assert_true(vballoon_device_run(bed.device));
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(vballoon_device_stop_queue(bed.device, i, NULL), 0);
	assert_int_equal(bed_status(&bed).held_pages, GIB_PAGES);
	assert_int_equal(
		vballoon_device_each_skippable(bed.device, vballoon_gpa(0), pass_over, NULL),
		-EAGAIN);
}

static void an_add_that_a_stop_cuts_short_is_taken_anew(void **state)
{
	static uint64_t message[1 + MANY] = { VIRTIO_MEMORY_BALLOON_MSG_ADD };
	struct vballoon_queue *queue = &bed.rings[TODEV].queue;
	static uint8_t verdicts[MANY];

	(void)state;
	set_up_with(0, 2 * GIB, 12, 30);
	for (unsigned int i = 0; i < MANY; i++)
		message[1 + i] = i < MANY - 1 ? AT : AT + GIB;
	bed_post(&bed, message, sizeof(message), sizeof(verdicts));
	assert_true(vballoon_device_run(bed.device));
	assert_int_equal(vballoon_device_stop_queue(bed.device, TODEV, &queue->next), 0);
	assert_int_equal(bed_status(&bed).dropped_pages, 0);
	assert_int_equal(vballoon_device_start_queue(bed.device, TODEV, queue), 0);
	bed_run(&bed);
	assert_int_equal(bed_collect(&bed, verdicts, sizeof(verdicts)), sizeof(verdicts));
	assert_int_equal(verdicts[MANY - 1], 1);
	assert_int_equal(bed_status(&bed).held_pages, 2 * GIB_PAGES);
	assert_int_equal(bed_status(&bed).added_pages, 2 * GIB_PAGES);
}

/* Withdraw everything, and see what each run restores for it: not more than @most. Returns
 * how many runs restored something. */
static unsigned int withdraw_in_runs(uint64_t most)
{
	const struct virtio_memory_balloon_withdraw message = {
		.msg.type = VIRTIO_MEMORY_BALLOON_MSG_WITHDRAW,
		.most = UINT64_MAX,
	};
	unsigned int runs = 0, call = bed.call_count;
	uint64_t entries[16], bytes;
	bool goes_on = true;

	bed_post(&bed, &message, sizeof(message), sizeof(entries));
	while (goes_on) {
		goes_on = vballoon_device_run(bed.device);
		for (bytes = 0; call < bed.call_count; call++)
			bytes += bed.calls[call].len;
		assert_true(bytes <= most);
		runs += bytes != 0;
	}
	assert_int_not_equal(bed_collect(&bed, entries, sizeof(entries)), 0);
	assert_int_equal(bed_status(&bed).held_pages, 0);
	return runs;
}

/* Proves DEV-RING-5. */
static void what_a_withdraw_restores_takes_several_runs(void **state)
{
	(void)state;
	set_up_with(0, 512 * MIB, 21, 21);
	assert_int_equal(bed_add_entry(&bed, AT | 255), 1);
	assert_int_equal(withdraw_in_runs(RUN_BYTES), 512 * MIB / RUN_BYTES);
}

/* Proves DEV-RING-5. */
static void what_is_restored_of_one_gigantic_unit_takes_several_runs(void **state)
{
	(void)state;
	set_up_with(0, 2 * GIB, 21, 30);
	assert_int_equal(bed_add_entry(&bed, AT | 1), 1);
	assert_int_equal(withdraw_in_runs(RUN_BYTES), 2 * GIB / RUN_BYTES);
}

/* The driver makes a withdraw available again that is half done, by the head that it has. */
static void a_head_that_comes_again_while_it_is_worked_on_is_another_message(void **state)
{
	const struct virtio_memory_balloon_withdraw message = {
		.msg.type = VIRTIO_MEMORY_BALLOON_MSG_WITHDRAW,
		.most = UINT64_MAX,
	};
	struct ring_builder *ring = &bed.rings[TODEV];
	uint16_t before, head;

	(void)state;
	set_up_with(0, 512 * MIB, 21, 21);
	assert_int_equal(bed_add_entry(&bed, AT | 255), 1);
	before = ring_builder_used_idx(ring);
	bed_post(&bed, &message, sizeof(message), sizeof(uint64_t));
	assert_true(vballoon_device_run(bed.device));
	assert_int_equal(ring_builder_used_idx(ring), before);
	head = ring_builder_avail_head(ring, before);
	ring_builder_avail(ring, head);
	bed_run(&bed);
	assert_int_equal(bed_status(&bed).violation, VBALLOON_OK);
	assert_int_equal(bed_status(&bed).held_pages, 0);
	assert_int_equal(bed_status(&bed).returned_pages, 512 * MIB >> 12);
	assert_int_equal(ring_builder_used_idx(ring), before + 2);
	assert_int_equal(ring_builder_used_id(ring, before), head);
	assert_int_equal(ring_builder_used_len(ring, before), sizeof(uint64_t));
	assert_int_equal(ring_builder_used_id(ring, before + 1), head);
	assert_int_equal(ring_builder_used_len(ring, before + 1), 0);
}

static void a_host_page_that_is_larger_than_a_run_is_restored_whole(void **state)
{
	(void)state;
	set_up_with(0, 2 * GIB, 30, 30);
	assert_int_equal(bed_add_entry(&bed, AT | 1), 1);
	assert_int_equal(withdraw_in_runs(GIB), 2);
}

/* All was dropped, so that who looks for something else first finds nothing.
 * Proves DEV-RING-5. */
static void what_is_looked_for_in_vain_takes_several_runs(void **state)
{
	const struct virtio_memory_balloon_withdraw message = {
		.msg.type = VIRTIO_MEMORY_BALLOON_MSG_WITHDRAW,
		.most = vballoon_le64(1024),
	};
	uint64_t entries[64];

	(void)state;
	set_up_with(0, GIB, 12, 12);
	for (unsigned int i = 0; i < 64; i++)
		bed_add_pages(&bed, AT + i * 16 * MIB, 1);
	bed_post(&bed, &message, sizeof(message), sizeof(entries));
	assert_true(vballoon_device_run(bed.device));
	assert_true(bed_silent(&bed));
	bed_run(&bed);
	assert_int_equal(bed_collect(&bed, entries, sizeof(entries)), sizeof(entries));
	assert_int_equal(bed_status(&bed).held_pages, 0);
}

/* Withdraw what is worth an entry, which there is one of. Returns how many runs that took. */
static unsigned int withdraw_a_long_run(void)
{
	const struct virtio_memory_balloon_withdraw message = {
		.msg.type = VIRTIO_MEMORY_BALLOON_MSG_WITHDRAW,
		.most = vballoon_le64(64),
	};
	unsigned int runs = 1;
	uint64_t entry;

	bed_post(&bed, &message, sizeof(message), sizeof(entry));
	while (vballoon_device_run(bed.device))
		runs++;
	assert_int_equal(bed_collect(&bed, &entry, sizeof(entry)), sizeof(entry));
	assert_int_equal(bed_entry_gpa(entry), 16 * GIB);
	assert_int_equal(bed_entry_pages(entry), 64);
	return runs;
}

/* A page of the host's large ones is held, which is no long run: to find that out of all of them takes
 * several runs, once. Proves DEV-RING-5. */
static void where_nothing_was_found_over_several_runs_it_is_not_looked_for_again(void **state)
{
	(void)state;
	set_up_with(0, 2 * GIB, 30, 12);
	bed_add_memory(&bed, 16 * GIB, 16 * MIB, 12);
	bed_add_pages(&bed, AT, 1);
	bed_add_pages(&bed, AT + GIB, 1);
	bed_add_pages(&bed, 16 * GIB, 64);
	assert_in_range(withdraw_a_long_run(), 8, 12);
	bed_add_pages(&bed, 16 * GIB, 64);
	assert_in_range(withdraw_a_long_run(), 1, 2);
	bed_add_pages(&bed, AT + GIB, 2);
	bed_add_pages(&bed, 16 * GIB, 64);
	assert_in_range(withdraw_a_long_run(), 4, 8);
}

/* One page that is not dropped has no place in an answer of one entry, a block has; and who looks
 * for more is interrupted then. */
static void what_was_found_and_passed_over_is_not_handed_back_later(void **state)
{
	const struct vballoon_policy warm = { .pages = VBALLOON_PAGES_WARM };
	const struct virtio_memory_balloon_withdraw message = {
		.msg.type = VIRTIO_MEMORY_BALLOON_MSG_WITHDRAW,
		.most = vballoon_le64(512 + 64),
	};
	uint64_t entries[2];

	(void)state;
	set_up_with(0, 2 * GIB, 12, 12);
	for (unsigned int i = 1; i < 127; i++)
		bed_add_pages(&bed, AT + i * 16 * MIB, 1);
	assert_int_equal(vballoon_device_set_policy(bed.device, &warm), 0);
	bed_add_pages(&bed, AT, 1);
	bed_add_pages(&bed, AT + 2032 * MIB, 512);
	bed_post(&bed, &message, sizeof(message), sizeof(entries));
	assert_true(vballoon_device_run(bed.device));
	bed_run(&bed);
	assert_int_equal(bed_collect(&bed, entries, sizeof(entries)), sizeof(entries));
	assert_int_equal(bed_entry_gpa(entries[0]), AT + 2032 * MIB);
	assert_int_equal(bed_entry_pages(entries[0]), 512);
	assert_int_equal(bed_entry_pages(entries[1]), 1);
	assert_int_equal(bed_status(&bed).held_pages, 126);
}

static void where_memory_comes_by_itself_it_takes_one_run(void **state)
{
	(void)state;
	set_up_with(0, 64 * MIB, 21, 21);
	bed.restores_nothing = true;
	assert_int_equal(bed_add_entry(&bed, AT | 31), 1);
	assert_int_equal(withdraw_in_runs(64 * MIB), 1);
}

/* Proves DEV-WITHDRAW-14. */
static void a_stop_while_memory_is_restored_hands_nothing_back(void **state)
{
	const struct virtio_memory_balloon_withdraw message = {
		.msg.type = VIRTIO_MEMORY_BALLOON_MSG_WITHDRAW,
		.most = UINT64_MAX,
	};
	struct vballoon_queue *queue = &bed.rings[TODEV].queue;
	uint64_t entries[2];

	(void)state;
	set_up_with(0, 64 * MIB, 21, 12);
	assert_int_equal(bed_add_entry(&bed, AT | 1023), 1);
	assert_int_equal(bed_add_entry(&bed, (AT + 32 * MIB) | 1023), 1);
	bed_post(&bed, &message, sizeof(message), sizeof(entries));
	assert_true(vballoon_device_run(bed.device));
	assert_int_equal(bed_status(&bed).held_pages, 1024);
	assert_int_equal(vballoon_device_stop_queue(bed.device, TODEV, &queue->next), 0);
	assert_int_equal(bed_status(&bed).held_pages, 2 * 1024);
	assert_int_equal(bed_status(&bed).returned_pages, 0);
	assert_int_equal(vballoon_device_start_queue(bed.device, TODEV, queue), 0);
	bed_run(&bed);
	assert_int_equal(bed_collect(&bed, entries, sizeof(entries)), sizeof(entries));
	assert_int_equal(bed_status(&bed).held_pages, 0);
}

#define TEST(name) cmocka_unit_test_teardown(name, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(many_entries_take_several_runs),
		TEST(many_pages_take_several_runs),
		TEST(many_descriptors_take_several_runs),
		TEST(many_statistics_take_several_runs),
		TEST(of_guests_that_begin_a_record_one_run_hears_one),
		TEST(where_nothing_was_found_over_several_runs_it_is_not_looked_for_again),
		TEST(gigantic_units_of_an_add_take_several_runs),
		TEST(gigantic_units_that_are_not_exchanged_take_several_runs),
		TEST(gigantic_units_that_are_reported_and_held_take_several_runs),
		TEST(while_an_add_is_cut_short_all_pages_travel),
		TEST(an_add_that_a_stop_cuts_short_is_taken_anew),
		TEST(what_a_withdraw_restores_takes_several_runs),
		TEST(what_is_restored_of_one_gigantic_unit_takes_several_runs),
		TEST(a_head_that_comes_again_while_it_is_worked_on_is_another_message),
		TEST(a_host_page_that_is_larger_than_a_run_is_restored_whole),
		TEST(what_is_looked_for_in_vain_takes_several_runs),
		TEST(what_was_found_and_passed_over_is_not_handed_back_later),
		TEST(where_memory_comes_by_itself_it_takes_one_run),
		TEST(a_stop_while_memory_is_restored_hands_nothing_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
