/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The traditional balloon: which driver speaks, and through which queues. A driver of this
 * device says no HELLO; a reset and a pause differ in where its queues go on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "trad_bed.h"

#define AT GIB
#define PAGE UINT64_C(4096)
#define TELLS TRAD(MUST_TELL_HOST)

static struct bed bed;

static void begin(uint64_t features, unsigned int queues)
{
	trad_begin(&bed, features, 16, queues);
}

static int teardown(void **state)
{
	(void)state;
	bed_destroy(&bed);
	return 0;
}

static void without_both_queues_there_is_no_driver(void **state)
{
	(void)state;
	begin(TELLS, TRAD_QUEUE(INFLATE));
	assert_int_equal(bed_status(&bed).record, VBALLOON_RECORD_NONE);
	trad_go_on(&bed, TRAD_QUEUE(DEFLATE));
	bed_run(&bed);
	assert_int_equal(bed_status(&bed).record, VBALLOON_RECORD_PROVEN);
}

static void a_paused_guest_keeps_its_balloon(void **state)
{
	(void)state;
	begin(TELLS, TRAD_BOTH);
	trad_say_up(&bed, INFLATE, AT, 40);
	trad_stop(&bed);
	bed_run(&bed);
	assert_int_equal(bed_status(&bed).record, VBALLOON_RECORD_UNPROVEN);
	assert_int_equal(bed_status(&bed).held_pages, 40);
	trad_go_on(&bed, TRAD_BOTH);
	bed_run(&bed);
	assert_int_equal(bed_status(&bed).record, VBALLOON_RECORD_PROVEN);
	assert_int_equal(bed_status(&bed).held_pages, 40);
	assert_int_equal(bed_status(&bed).resets_seen, 0);
}

/* Half a host page was given before the pause: it is dropped when the rest comes. */
static void a_paused_guest_goes_on_with_a_part_of_a_host_page(void **state)
{
	(void)state;
	begin(TELLS, TRAD_BOTH);
	trad_say_up(&bed, INFLATE, AT, 8);
	trad_stop(&bed);
	trad_go_on(&bed, TRAD_BOTH);
	trad_say_up(&bed, INFLATE, AT + 8 * PAGE, 8);
	assert_int_equal(trad_dropped(&bed, 0), 16 * PAGE);
}

/* The tracker of partial pages once survived a reset, elsewhere: the half that was given
 * before it is in use by the new kernel. */
static void after_a_reset_a_part_of_a_host_page_is_forgotten(void **state)
{
	(void)state;
	begin(TELLS, TRAD_BOTH);
	trad_say_up(&bed, INFLATE, AT, 8);
	trad_start(&bed, TRAD_BOTH);
	assert_int_equal(bed_status(&bed).held_pages, 0);
	assert_int_equal(bed_status(&bed).resets_seen, 1);
	trad_say_up(&bed, INFLATE, AT + 8 * PAGE, 8);
	assert_int_equal(trad_dropped(&bed, 0), 0);
	assert_int_equal(bed_status(&bed).held_pages, 8);
}

static void what_waits_to_be_dropped_when_a_guest_is_reset_is_not_dropped(void **state)
{
	(void)state;
	begin(TELLS, TRAD_BOTH);
	vballoon_device_inhibit(bed.device, true);
	trad_say_up(&bed, INFLATE, AT, 64);
	trad_stop(&bed);
	vballoon_device_inhibit(bed.device, false);
	bed_run(&bed);
	assert_int_equal(bed.call_count, 0);
	trad_start(&bed, TRAD_BOTH);
	bed_run(&bed);
	assert_int_equal(bed.call_count, 0);
}

/* One queue of a new driver begins at its beginning, whatever the other says. */
static void a_queue_that_begins_elsewhere_is_another_drivers(void **state)
{
	(void)state;
	begin(TELLS, TRAD_BOTH);
	trad_say_up(&bed, INFLATE, AT, 40);
	trad_say_up(&bed, DEFLATE, AT, 8);
	trad_stop(&bed);
	bed.rings[DEFLATE].queue.next = 0;
	trad_go_on(&bed, TRAD_BOTH);
	bed_run(&bed);
	assert_int_equal(bed_status(&bed).held_pages, 0);
	assert_int_equal(bed_status(&bed).resets_seen, 1);
}

/* A new driver that is reset before it was heard is no more the old one than before. */
static void a_new_driver_stays_one_when_it_is_stopped_before_it_was_heard(void **state)
{
	uint32_t inflate_at, deflate_at;

	(void)state;
	begin(TELLS, TRAD_BOTH);
	trad_say_up(&bed, INFLATE, AT, 40);
	trad_stop(&bed);
	inflate_at = bed.rings[INFLATE].queue.next;
	deflate_at = bed.rings[DEFLATE].queue.next;
	bed.rings[INFLATE].queue.next = 0;
	trad_go_on(&bed, TRAD_BOTH);
	trad_stop(&bed);
	bed.rings[INFLATE].queue.next = inflate_at;
	bed.rings[DEFLATE].queue.next = deflate_at;
	trad_go_on(&bed, TRAD_BOTH);
	bed_run(&bed);
	assert_int_equal(bed_status(&bed).held_pages, 0);
}

static void each_driver_is_another_epoch_and_is_asked_again(void **state)
{
	unsigned int changes;

	(void)state;
	begin(TELLS, TRAD_BOTH);
	assert_int_equal(bed_status(&bed).epoch, 1);
	changes = bed.config_changes;
	trad_start(&bed, TRAD_BOTH);
	assert_int_equal(bed_status(&bed).epoch, 2);
	assert_int_equal(bed.config_changes, changes + 1);
}

static void while_the_guest_is_stopped_it_is_not_told_of_a_target(void **state)
{
	unsigned int changes;

	(void)state;
	begin(TELLS, TRAD_BOTH);
	trad_say_up(&bed, INFLATE, AT, 1);
	trad_stop(&bed);
	changes = bed.config_changes;
	assert_int_equal(vballoon_device_set_target(bed.device, 100), 0);
	bed_run(&bed);
	assert_int_equal(bed.config_changes, changes);
	assert_int_equal(trad_config(&bed, TRAD_FIELD(num_pages)), 100);
	trad_go_on(&bed, TRAD_BOTH);
	bed_run(&bed);
	assert_int_equal(bed.config_changes, changes + 1);
}

static void reset_by_command_forgets_and_goes_on(void **state)
{
	(void)state;
	begin(TELLS, TRAD_BOTH);
	trad_say_up(&bed, INFLATE, AT, 16);
	trad_post_bytes(&bed, INFLATE, "x", 1);
	bed_run(&bed);
	assert_int_equal(bed_status(&bed).violation, VBALLOON_MESSAGE_LENGTH);
	vballoon_device_restart(bed.device);
	bed_run(&bed);
	assert_true(trad_answered(&bed, INFLATE));
	assert_int_equal(bed_status(&bed).violation, VBALLOON_OK);
	assert_int_equal(bed_status(&bed).held_pages, 0);
	trad_say_up(&bed, INFLATE, AT + MIB, 16);
	assert_int_equal(bed_status(&bed).held_pages, 16);
}

/* A driver's queues, in one numbering: a report on @report and a hint on @hint are heard. */
static void check_numbering(uint64_t features, unsigned int stats, unsigned int hint,
			    unsigned int report)
{
	const uint64_t stretch[][2] = { { AT, 64 * PAGE } };
	const unsigned char statistic[10] = { VIRTIO_BALLOON_S_MEMFREE, 0, 77 };
	unsigned int queues = TRAD_BOTH;
	uint32_t round;
	uint64_t id;

	queues |= features & TRAD(STATS_VQ) ? TRAD_QUEUE(stats) : 0;
	queues |= features & TRAD(FREE_PAGE_HINT) ? TRAD_QUEUE(hint) : 0;
	queues |= features & TRAD(REPORTING) ? TRAD_QUEUE(report) : 0;
	begin(TELLS | features, queues);
	if (features & TRAD(STATS_VQ)) {
		trad_post_bytes(&bed, stats, statistic, sizeof(statistic));
		bed_run(&bed);
		assert_int_equal(bed_status(&bed).stats.value[VIRTIO_BALLOON_S_MEMFREE], 77);
	}
	if (features & TRAD(FREE_PAGE_HINT)) {
		assert_int_equal(vballoon_device_request_report(bed.device, &id), 0);
		bed_run(&bed);
		round = trad_config(&bed, TRAD_FIELD(free_page_hint_cmd_id));
		trad_say(&bed, hint, &round, 1);
		trad_post_free(&bed, hint, stretch, 1);
		bed_run(&bed);
		assert_true(trad_answered(&bed, hint));
		assert_int_equal(bed_status(&bed).reported_pages, 64);
		assert_int_equal(bed.call_count, 0);
	}
	if (features & TRAD(REPORTING)) {
		trad_post_free(&bed, report, stretch, 1);
		bed_run(&bed);
		assert_true(trad_answered(&bed, report));
		assert_int_equal(trad_dropped(&bed, 0), 64 * PAGE);
	}
	bed_destroy(&bed);
}

static void queues_have_the_numbers_of_the_standard(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 8; i++)
		check_numbering((i & 1 ? TRAD(STATS_VQ) : 0) | (i & 2 ? TRAD(FREE_PAGE_HINT) : 0) |
					(i & 4 ? TRAD(REPORTING) : 0),
				STATS, HINT, REPORT);
}

/* Linux and QEMU number the queues that were negotiated without a gap. */
static void queues_have_the_numbers_of_linux(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 8; i++) {
		unsigned int hint = 2 + (i & 1), report = hint + (i >> 1 & 1);

		check_numbering((i & 1 ? TRAD(STATS_VQ) : 0) | (i & 2 ? TRAD(FREE_PAGE_HINT) : 0) |
					(i & 4 ? TRAD(REPORTING) : 0),
				STATS, hint, report);
	}
}

/* Queue 3 is the hints' to one and the reports' to the other: as long as only that one has
 * begun, nobody knows, and what is hinted must not be dropped. */
static void a_queue_that_could_be_two_is_not_heard_before_the_others_tell(void **state)
{
	const uint64_t stretch[][2] = { { AT, 64 * PAGE } };

	(void)state;
	begin(TELLS | TRAD(FREE_PAGE_HINT) | TRAD(REPORTING), TRAD_BOTH | TRAD_QUEUE(3));
	trad_post_free(&bed, 3, stretch, 1);
	bed_run(&bed);
	assert_false(trad_answered(&bed, 3));
	trad_go_on(&bed, TRAD_QUEUE(4));
	bed_run(&bed);
	assert_true(trad_answered(&bed, 3));
	assert_int_equal(trad_dropped(&bed, 0), 0);
}

static void a_feature_without_its_bit_has_no_queue(void **state)
{
	const uint64_t stretch[][2] = { { AT, 64 * PAGE } };

	(void)state;
	begin(TELLS | TRAD(STATS_VQ), TRAD_ALL);
	trad_post_free(&bed, REPORT, stretch, 1);
	bed_run(&bed);
	assert_false(trad_answered(&bed, REPORT));
	assert_int_equal(bed.call_count, 0);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_teardown(name, teardown)
	const struct CMUnitTest tests[] = {
		CASE(without_both_queues_there_is_no_driver),
		CASE(a_paused_guest_keeps_its_balloon),
		CASE(a_paused_guest_goes_on_with_a_part_of_a_host_page),
		CASE(after_a_reset_a_part_of_a_host_page_is_forgotten),
		CASE(what_waits_to_be_dropped_when_a_guest_is_reset_is_not_dropped),
		CASE(a_queue_that_begins_elsewhere_is_another_drivers),
		CASE(a_new_driver_stays_one_when_it_is_stopped_before_it_was_heard),
		CASE(each_driver_is_another_epoch_and_is_asked_again),
		CASE(while_the_guest_is_stopped_it_is_not_told_of_a_target),
		CASE(reset_by_command_forgets_and_goes_on),
		cmocka_unit_test(queues_have_the_numbers_of_the_standard),
		cmocka_unit_test(queues_have_the_numbers_of_linux),
		CASE(a_queue_that_could_be_two_is_not_heard_before_the_others_tell),
		CASE(a_feature_without_its_bit_has_no_queue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
