/* SPDX-License-Identifier: BSD-3-Clause */
/* The traditional balloon: free memory that is reported, or hinted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/le.h"
#include "trad_bed.h"

#define AT GIB
#define PAGE UINT64_C(4096)
#define FEATURES                                                                                   \
	(TRAD(MUST_TELL_HOST) | TRAD(STATS_VQ) | TRAD(FREE_PAGE_HINT) | TRAD(PAGE_POISON) |        \
	 TRAD(REPORTING))

static struct bed bed;

static void begin(uint64_t features, uint32_t host_page_shift)
{
	trad_begin(&bed, features, host_page_shift, TRAD_ALL);
}

static int teardown(void **state)
{
	(void)state;
	bed_destroy(&bed);
	return 0;
}

static void report(uint64_t gpa, uint64_t len)
{
	const uint64_t stretch[][2] = { { gpa, len } };

	trad_post_free(&bed, REPORT, stretch, 1);
	bed_run(&bed);
	assert_true(trad_answered(&bed, REPORT));
}

static void what_is_reported_is_given_back_and_not_held(void **state)
{
	(void)state;
	begin(FEATURES, 12);
	report(AT, 4 * MIB);
	assert_int_equal(trad_dropped(&bed, 0), 4 * MIB);
	assert_true(bed.calls[0].discard);
	assert_int_equal(bed_status(&bed).held_pages, 0);
	assert_int_equal(bed_status(&bed).discarded_pages, 4 * MIB / PAGE);
}

/* The stretches of a report were once taken for an array of page numbers, elsewhere. */
static void every_stretch_of_a_report_is_memory_and_no_list(void **state)
{
	const uint64_t stretches[][2] = { { AT + 8 * MIB, 2 * MIB },
					  { AT, 2 * MIB },
					  { AT + 16 * MIB, MIB } };

	(void)state;
	begin(FEATURES, 12);
	*(uint32_t *)guest_memory_at(&bed.guest, AT, 4) = (uint32_t)((AT + 32 * MIB) >> 12);
	trad_post_free(&bed, REPORT, stretches, 3);
	bed_run(&bed);
	assert_true(trad_answered(&bed, REPORT));
	assert_int_equal(bed.call_count, 3);
	assert_int_equal(bed.calls[0].gpa, AT + 8 * MIB);
	assert_int_equal(bed.calls[1].gpa, AT);
	assert_int_equal(bed.calls[2].gpa, AT + 16 * MIB);
	assert_int_equal(trad_dropped(&bed, 0), 5 * MIB);
}

static void of_a_report_only_whole_host_pages_are_given_back(void **state)
{
	(void)state;
	begin(FEATURES, 16);
	report(AT + PAGE, 2 * 65536);
	assert_int_equal(bed.call_count, 1);
	assert_int_equal(bed.calls[0].gpa, AT + 65536);
	assert_int_equal(bed.calls[0].len, 65536);
}

static void a_report_that_is_smaller_than_a_page_is_refused(void **state)
{
	(void)state;
	begin(FEATURES, 12);
	report(AT + 8, 100);
	assert_int_equal(bed.call_count, 0);
	assert_int_equal(bed_status(&bed).refused_entries[VBALLOON_REFUSED_MISALIGNED], 1);
}

static void a_report_of_what_is_held_is_refused(void **state)
{
	unsigned int before;

	(void)state;
	begin(FEATURES, 12);
	trad_say_up(&bed, INFLATE, AT, 16);
	before = bed.call_count;
	report(AT, MIB);
	assert_int_equal(bed.call_count, before);
	assert_int_equal(bed_status(&bed).refused_entries[VBALLOON_REFUSED_HELD], 1);
}

/* A guest that checks what it filled free pages with would find zeros. */
static void poisoned_pages_are_not_given_back(void **state)
{
	(void)state;
	begin(FEATURES, 12);
	trad_config_write(&bed, TRAD_FIELD(poison_val), 0xaaaaaaaa);
	report(AT, 4 * MIB);
	assert_int_equal(bed.call_count, 0);
	assert_int_equal(bed_status(&bed).reported_pages, 4 * MIB / PAGE);
	trad_config_write(&bed, TRAD_FIELD(poison_val), 0);
	report(AT, 4 * MIB);
	assert_int_equal(trad_dropped(&bed, 0), 4 * MIB);
}

/* The host may leave anything there. */
static void pages_of_zeros_are_not_given_back_where_none_are_promised(void **state)
{
	(void)state;
	begin(FEATURES, 12);
	bed.reclaim.zeroes = false;
	report(AT, 4 * MIB);
	assert_int_equal(bed.call_count, 0);
	bed_destroy(&bed);
	begin(FEATURES & ~TRAD(PAGE_POISON), 12);
	bed.reclaim.zeroes = false;
	report(AT, 4 * MIB);
	assert_int_equal(trad_dropped(&bed, 0), 4 * MIB);
}

/* A device that is put in the place of another without its state hears no more of what the driver
 * has told that one. */
static void poison_that_another_device_was_told_of_is_kept(void **state)
{
	static uint8_t blank[4096];
	struct vballoon_saved_check check;
	size_t len;

	(void)state;
	trad_bed_init(&bed, FEATURES);
	bed_add_memory(&bed, AT, 64 * MIB, 12);
	assert_int_equal(vballoon_device_save(bed.device, blank, sizeof(blank), &len), 0);
	trad_start(&bed, TRAD_ALL);
	trad_say_up(&bed, INFLATE, AT + 8 * MIB, 8);
	trad_stop(&bed);
	assert_int_equal(vballoon_device_load(bed.device, blank, len, &check), 0);
	trad_go_on(&bed, TRAD_ALL);
	trad_config_write(&bed, TRAD_FIELD(poison_val), 0); /* with the size, as it was read */
	bed_run(&bed);
	bed.call_count = 0;
	report(AT, 4 * MIB);
	assert_int_equal(bed.call_count, 0);
	/* The next driver begins here. */
	trad_start(&bed, TRAD_ALL);
	report(AT, 4 * MIB);
	assert_int_equal(trad_dropped(&bed, 0), 4 * MIB);
}

static void without_the_feature_a_poison_value_means_nothing(void **state)
{
	(void)state;
	begin(FEATURES & ~TRAD(PAGE_POISON), 12);
	trad_config_write(&bed, TRAD_FIELD(poison_val), 0xaaaaaaaa);
	report(AT, 4 * MIB);
	assert_int_equal(trad_dropped(&bed, 0), 4 * MIB);
}

static void nothing_that_is_reported_is_given_back_while_inhibited(void **state)
{
	(void)state;
	begin(FEATURES, 12);
	vballoon_device_inhibit(bed.device, true);
	report(AT, 4 * MIB);
	assert_int_equal(bed.call_count, 0);
}

static void a_large_report_is_given_back_in_steps_before_its_answer(void **state)
{
	const uint64_t stretch[][2] = { { AT, 64 * MIB } };

	(void)state;
	begin(FEATURES, 12);
	trad_post_free(&bed, REPORT, stretch, 1);
	assert_true(vballoon_device_run(bed.device));
	assert_false(trad_answered(&bed, REPORT));
	bed_run(&bed);
	assert_true(trad_answered(&bed, REPORT));
	assert_int_equal(trad_dropped(&bed, 0), 64 * MIB);
}

/* A policy that is set meanwhile has it taken anew. */
static void a_report_that_is_done_again_counts_once(void **state)
{
	const struct vballoon_policy eager = { .pages = VBALLOON_PAGES_EAGER };
	const uint64_t stretch[][2] = { { AT, 64 * MIB } };

	(void)state;
	begin(FEATURES, 12);
	trad_post_free(&bed, REPORT, stretch, 1);
	assert_true(vballoon_device_run(bed.device));
	assert_int_equal(vballoon_device_set_policy(bed.device, &eager), 0);
	bed_run(&bed);
	assert_true(trad_answered(&bed, REPORT));
	assert_int_equal(bed_status(&bed).reported_pages, 64 * MIB / PAGE);
	assert_int_equal(bed_status(&bed).discarded_pages, 64 * MIB / PAGE);
}

/* What is held is found last in each of them. */
static void many_stretches_that_are_held_take_several_runs(void **state)
{
	uint64_t stretches[16][2];

	(void)state;
	begin(FEATURES, 12);
	trad_say_up(&bed, INFLATE, AT + 64 * MIB - PAGE, 1);
	for (unsigned int i = 0; i < 16; i++) {
		stretches[i][0] = AT;
		stretches[i][1] = 64 * MIB;
	}
	trad_post_free(&bed, REPORT, stretches, 16);
	assert_true(vballoon_device_run(bed.device));
	assert_false(trad_answered(&bed, REPORT));
	assert_in_range(bed_status(&bed).refused_entries[VBALLOON_REFUSED_HELD], 1, 8);
	bed_run(&bed);
	assert_true(trad_answered(&bed, REPORT));
	assert_int_equal(bed_status(&bed).refused_entries[VBALLOON_REFUSED_HELD], 16);
}

static void hint(uint64_t gpa, uint64_t len)
{
	const uint64_t stretch[][2] = { { gpa, len } };

	trad_post_free(&bed, HINT, stretch, 1);
	bed_run(&bed);
	assert_true(trad_answered(&bed, HINT));
}

/* A round of hints, from the command to the end. The driver may use a hinted page again at
 * any time without a word: nothing of it is dropped. */
static void a_round_of_hints_is_counted_and_dropped_nothing_of(void **state)
{
	uint32_t command;
	uint64_t id;

	(void)state;
	begin(FEATURES, 12);
	assert_int_equal(trad_config(&bed, TRAD_FIELD(free_page_hint_cmd_id)),
			 VIRTIO_BALLOON_CMD_ID_STOP);
	assert_int_equal(vballoon_device_request_report(bed.device, &id), 0);
	bed_run(&bed);
	command = trad_config(&bed, TRAD_FIELD(free_page_hint_cmd_id));
	assert_true(command >= VIRTIO_BALLOON_CMD_ID_MIN);
	trad_say(&bed, HINT, &command, 1);
	hint(AT, 4 * MIB);
	hint(AT + 8 * MIB, 4 * MIB);
	assert_int_not_equal(bed_status(&bed).report_done_id, id);
	trad_say(&bed, HINT, &(uint32_t){ VIRTIO_BALLOON_CMD_ID_STOP }, 1);
	assert_int_equal(bed_status(&bed).report_done_id, id);
	assert_int_equal(bed_status(&bed).reported_pages, 8 * MIB / PAGE);
	assert_int_equal(trad_config(&bed, TRAD_FIELD(free_page_hint_cmd_id)),
			 VIRTIO_BALLOON_CMD_ID_DONE);
	assert_int_equal(bed.call_count, 0);
}

/* The replay of an old id once began another round, elsewhere. */
static void hints_of_another_round_do_not_count(void **state)
{
	uint32_t old, newer;
	uint64_t id;

	(void)state;
	begin(FEATURES, 12);
	assert_int_equal(vballoon_device_request_report(bed.device, &id), 0);
	bed_run(&bed);
	old = trad_config(&bed, TRAD_FIELD(free_page_hint_cmd_id));
	assert_int_equal(vballoon_device_request_report(bed.device, &id), 0);
	bed_run(&bed);
	newer = trad_config(&bed, TRAD_FIELD(free_page_hint_cmd_id));
	assert_int_not_equal(old, newer);
	trad_say(&bed, HINT, &old, 1);
	hint(AT, 4 * MIB);
	trad_say(&bed, HINT, &(uint32_t){ VIRTIO_BALLOON_CMD_ID_STOP }, 1);
	assert_int_equal(bed_status(&bed).reported_pages, 0);
	assert_int_equal(bed_status(&bed).report_done_id, 0);
	trad_say(&bed, HINT, &newer, 1);
	trad_say(&bed, HINT, &(uint32_t){ VIRTIO_BALLOON_CMD_ID_STOP }, 1);
	assert_int_equal(bed_status(&bed).report_done_id, id);
	trad_say(&bed, HINT, &newer, 1);
	hint(AT, 4 * MIB);
	assert_int_equal(bed_status(&bed).reported_pages, 0);
}

static void the_end_of_a_round_is_not_that_of_one_asked_for_meanwhile(void **state)
{
	uint32_t first, second;
	uint64_t id;

	(void)state;
	begin(FEATURES, 12);
	assert_int_equal(vballoon_device_request_report(bed.device, &id), 0);
	bed_run(&bed);
	first = trad_config(&bed, TRAD_FIELD(free_page_hint_cmd_id));
	trad_say(&bed, HINT, &first, 1);
	assert_int_equal(vballoon_device_request_report(bed.device, &id), 0);
	bed_run(&bed);
	second = trad_config(&bed, TRAD_FIELD(free_page_hint_cmd_id));
	trad_say(&bed, HINT, &(uint32_t){ VIRTIO_BALLOON_CMD_ID_STOP }, 1);
	assert_int_equal(bed_status(&bed).report_done_id, 0);
	trad_say(&bed, HINT, &second, 1);
	trad_say(&bed, HINT, &(uint32_t){ VIRTIO_BALLOON_CMD_ID_STOP }, 1);
	assert_int_equal(bed_status(&bed).report_done_id, id);
}

static void a_round_that_a_reset_ends_is_begun_again_with_the_next_driver(void **state)
{
	uint32_t command;
	uint64_t id;

	(void)state;
	begin(FEATURES, 12);
	assert_int_equal(vballoon_device_request_report(bed.device, &id), 0);
	bed_run(&bed);
	trad_start(&bed, TRAD_ALL);
	command = trad_config(&bed, TRAD_FIELD(free_page_hint_cmd_id));
	assert_true(command >= VIRTIO_BALLOON_CMD_ID_MIN);
	trad_say(&bed, HINT, &command, 1);
	trad_say(&bed, HINT, &(uint32_t){ VIRTIO_BALLOON_CMD_ID_STOP }, 1);
	assert_int_equal(bed_status(&bed).report_done_id, id);
}

static uint32_t begin_round(void)
{
	uint64_t id;

	assert_int_equal(vballoon_device_request_report(bed.device, &id), 0);
	bed_run(&bed);
	return trad_config(&bed, TRAD_FIELD(free_page_hint_cmd_id));
}

/* Linux passes over an id that it knows from the round before, and keeps it while it is asleep. */
static void a_device_that_follows_another_begins_rounds_of_other_ids(void **state)
{
	uint32_t before;

	(void)state;
	trad_bed_init(&bed, FEATURES);
	vballoon_device_set_time(bed.device, 5000);
	trad_start(&bed, TRAD_ALL);
	before = begin_round();
	bed_destroy(&bed);
	trad_bed_init(&bed, FEATURES);
	vballoon_device_set_time(bed.device, 60000);
	trad_start(&bed, TRAD_ALL);
	assert_int_not_equal(begin_round(), before);
}

/* The driver goes on, and has begun it once. */
static void a_round_that_a_reset_by_command_ends_is_begun_again_by_another_id(void **state)
{
	uint32_t before, after;

	(void)state;
	begin(FEATURES, 12);
	before = begin_round();
	trad_say(&bed, HINT, &before, 1);
	vballoon_device_restart(bed.device);
	bed_run(&bed);
	after = trad_config(&bed, TRAD_FIELD(free_page_hint_cmd_id));
	assert_true(after >= VIRTIO_BALLOON_CMD_ID_MIN);
	assert_int_not_equal(after, before);
}

static bool say_and_die(uint32_t id, unsigned int step)
{
	const __le32 wire = vballoon_le32(id);
	bool died;

	trad_post_bytes(&bed, HINT, &wire, sizeof(wire));
	died = bed_run_and_die(&bed, step);
	assert_true(trad_answered(&bed, HINT));
	return died;
}

/* Until it hears that the round is over, the driver keeps what it has hinted to itself. */
static void a_round_ends_whenever_a_command_kills(void **state)
{
	unsigned int step = 0;
	bool died;

	(void)state;
	do {
		begin(FEATURES, 12);
		step++;
		died = say_and_die(begin_round(), step);
		died |= say_and_die(VIRTIO_BALLOON_CMD_ID_STOP, step);
		assert_int_equal(trad_config(&bed, TRAD_FIELD(free_page_hint_cmd_id)),
				 VIRTIO_BALLOON_CMD_ID_DONE);
		bed_destroy(&bed);
	} while (died);
	assert_true(step > 1);
}

static void without_the_feature_there_is_no_round(void **state)
{
	uint64_t id;

	(void)state;
	begin(FEATURES & ~TRAD(FREE_PAGE_HINT), 12);
	assert_int_equal(vballoon_device_request_report(bed.device, &id), -95);
}

static void a_command_of_another_length_stops_the_device(void **state)
{
	(void)state;
	begin(FEATURES, 12);
	trad_post_bytes(&bed, HINT, "12345678", 8);
	bed_run(&bed);
	assert_int_equal(bed_status(&bed).violation, VBALLOON_MESSAGE_LENGTH);
	assert_int_equal(bed_status(&bed).violation_queue, HINT);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_teardown(name, teardown)
	const struct CMUnitTest tests[] = {
		CASE(what_is_reported_is_given_back_and_not_held),
		CASE(every_stretch_of_a_report_is_memory_and_no_list),
		CASE(of_a_report_only_whole_host_pages_are_given_back),
		CASE(a_report_that_is_smaller_than_a_page_is_refused),
		CASE(a_report_of_what_is_held_is_refused),
		CASE(poisoned_pages_are_not_given_back),
		CASE(pages_of_zeros_are_not_given_back_where_none_are_promised),
		CASE(poison_that_another_device_was_told_of_is_kept),
		CASE(without_the_feature_a_poison_value_means_nothing),
		CASE(nothing_that_is_reported_is_given_back_while_inhibited),
		CASE(a_large_report_is_given_back_in_steps_before_its_answer),
		CASE(a_report_that_is_done_again_counts_once),
		CASE(many_stretches_that_are_held_take_several_runs),
		CASE(a_round_of_hints_is_counted_and_dropped_nothing_of),
		CASE(hints_of_another_round_do_not_count),
		CASE(the_end_of_a_round_is_not_that_of_one_asked_for_meanwhile),
		CASE(a_round_that_a_reset_ends_is_begun_again_with_the_next_driver),
		CASE(a_device_that_follows_another_begins_rounds_of_other_ids),
		CASE(a_round_that_a_reset_by_command_ends_is_begun_again_by_another_id),
		cmocka_unit_test(a_round_ends_whenever_a_command_kills),
		CASE(without_the_feature_there_is_no_round),
		CASE(a_command_of_another_length_stops_the_device),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
