// SPDX-License-Identifier: BSD-3-Clause
/* A device goes on from the journal of one that died, at any of its steps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <vballoon/recover.h>

#include "base/le.h"
#include "device_bed.h"

#define AT GIB
#define MEMORY (64 * MIB)
#define TARGET 600
#define PERIOD_MS 5000
#define OTHER_EPOCH (BED_EPOCH + 1)
#define NOW_MS 10000
#define STEP 10 /* pages that a pace of 100 a second asks for at once */

static struct bed bed;

/* A driver that was told all that there is to tell. */
static void begin(void)
{
	bed_init(&bed, BED_RUNS | BED_PUSH_STATS);
	bed_add_memory(&bed, AT, MEMORY, 12);
	bed_greet(&bed, 12);
	assert_int_equal(vballoon_device_set_target(bed.device, TARGET), 0);
	vballoon_device_set_stats_period(bed.device, PERIOD_MS);
	bed_expect_request(&bed, VIRTIO_MEMORY_BALLOON_REQ_RESIZE, TARGET);
	bed_expect_request(&bed, VIRTIO_MEMORY_BALLOON_REQ_STATS, PERIOD_MS);
}

/* Proves DEV-STATE-9. */
static void what_the_driver_was_told_is_held_stays_so(void **state)
{
	const __le64 add[] = { VIRTIO_MEMORY_BALLOON_MSG_ADD, vballoon_le64(AT | 99) };
	unsigned int step = 0;
	uint8_t verdict = 0;
	bool died;

	(void)state;
	do {
		begin();
		bed_post(&bed, add, sizeof(add), 1);
		died = bed_run_and_die(&bed, ++step);
		assert_int_equal(bed_collect(&bed, &verdict, 1), 1);
		assert_int_equal(verdict, VIRTIO_MEMORY_BALLOON_ACCEPTED);
		assert_int_equal(bed_status(&bed).held_pages, 100);
		bed_destroy(&bed);
	} while (died);
	assert_true(step > 1);
}

/* A device that does not know that it was greeted may ask for HELLO first. */
static void expect_resize(void)
{
	struct virtio_memory_balloon_req request;

	bed_post_request(&bed);
	bed_run(&bed);
	assert_true(bed_collect_request(&bed, &request));
	if (vballoon_le32(request.type) == VIRTIO_MEMORY_BALLOON_REQ_HELLO) {
		assert_int_equal(bed_hello(&bed, OTHER_EPOCH, 12, 0), 0);
		bed_expect_request(&bed, VIRTIO_MEMORY_BALLOON_REQ_RESIZE, TARGET);
		return;
	}
	assert_int_equal(vballoon_le32(request.type), VIRTIO_MEMORY_BALLOON_REQ_RESIZE);
	assert_int_equal(vballoon_le64(request.value), TARGET);
}

/* Its predecessor was told, and knows nothing of it any more. Proves DEV-HELLO-8, DEV-PUSH-4. */
static void a_new_driver_is_told_target_and_period_whenever_its_hello_kills(void **state)
{
	const struct virtio_memory_balloon_hello hello = {
		.msg = { vballoon_le32(VIRTIO_MEMORY_BALLOON_MSG_HELLO), 0 },
		.epoch = vballoon_le64(OTHER_EPOCH),
		.unit_shift = vballoon_le32(12),
	};
	struct virtio_memory_balloon_hello_answer answer;
	unsigned int step = 0;
	bool died;

	(void)state;
	do {
		begin();
		bed_start_queues(&bed);
		bed_post(&bed, &hello, sizeof(hello), sizeof(answer));
		died = bed_run_and_die(&bed, ++step);
		assert_int_equal(bed_collect(&bed, &answer, sizeof(answer)), sizeof(answer));
		expect_resize();
		bed_expect_request(&bed, VIRTIO_MEMORY_BALLOON_REQ_STATS, PERIOD_MS);
		bed_destroy(&bed);
	} while (died);
	assert_true(step > 1);
}

/* It proves the record by another word, and is to be asked all the same. Proves DEV-HELLO-13. */
static void a_driver_whose_pages_went_is_asked_for_hello_by_the_next_device(void **state)
{
	uint64_t entries[4];

	(void)state;
	begin();
	bed_add_pages(&bed, AT, TARGET);
	bed_stop(&bed);
	bed_recut_memory(&bed, AT);
	bed_die(&bed);
	bed_go_on(&bed);
	assert_int_equal(bed_withdraw(&bed, 0, entries, 4), 0);
	bed_expect_request(&bed, VIRTIO_MEMORY_BALLOON_REQ_HELLO, 0);
	assert_int_equal(bed_hello(&bed, BED_EPOCH, 12, 0), 0);
	bed_destroy(&bed);
}

/* No more is given back than before, though the next device has its policy before its memory. */
static void a_pace_that_is_there_before_the_memory_begins_with_what_is_held(void **state)
{
	const struct vballoon_policy policy = { .inflate_rate = 100 * 4096 };
	struct vballoon_device_config config;

	(void)state;
	begin();
	bed_add_pages(&bed, AT, TARGET / 2);
	config = bed.config;
	config.journal = bed.journal;
	assert_int_equal(vballoon_device_recover(bed.device, &config, &bed.device), 0);
	vballoon_device_set_time(bed.device, NOW_MS);
	assert_int_equal(vballoon_device_set_policy(bed.device, &policy), 0);
	for (unsigned int i = 0; i < bed.region_count; i++)
		assert_int_equal(vballoon_device_recover_region(bed.device, &bed.regions[i]), 0);
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(vballoon_device_recover_queue(bed.device, i, &bed.rings[i].queue),
				 0);
	bed_expect_request(&bed, VIRTIO_MEMORY_BALLOON_REQ_RESIZE, TARGET / 2 + STEP);
	bed_destroy(&bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_driver_was_told_is_held_stays_so),
		cmocka_unit_test(a_new_driver_is_told_target_and_period_whenever_its_hello_kills),
		cmocka_unit_test(a_driver_whose_pages_went_is_asked_for_hello_by_the_next_device),
		cmocka_unit_test(a_pace_that_is_there_before_the_memory_begins_with_what_is_held),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
