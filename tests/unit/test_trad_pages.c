/* SPDX-License-Identifier: BSD-3-Clause */
/* The traditional balloon: pages that are given and taken back. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "ring/ring_features.h"
#include "trad_bed.h"

#define AT GIB
#define PFN(gpa) ((uint32_t)((gpa) >> VIRTIO_BALLOON_PFN_SHIFT))
#define PAGE UINT64_C(4096)

static struct bed bed;

/* A driver that tells, with memory that the host has in pages of 2^@host_page_shift. */
static void begin(uint64_t features, uint32_t host_page_shift)
{
	trad_bed_init(&bed, features);
	bed_add_memory(&bed, AT, 64 * MIB, host_page_shift);
	trad_start(&bed, TRAD_BOTH);
}

static int teardown(void **state)
{
	(void)state;
	bed_destroy(&bed);
	return 0;
}

static void a_page_that_is_given_is_held_and_dropped_after_the_answer(void **state)
{
	(void)state;
	begin(TRAD(MUST_TELL_HOST), 12);
	trad_say_up(&bed, INFLATE, AT + 5 * PAGE, 1);
	assert_int_equal(bed_status(&bed).held_pages, 1);
	assert_int_equal(bed_status(&bed).dropped_pages, 1);
	assert_int_equal(bed.call_count, 1);
	assert_int_equal(bed.calls[0].gpa, AT + 5 * PAGE);
	assert_int_equal(bed.calls[0].len, PAGE);
	assert_int_equal(bed.calls[0].answers, 1);
}

static void without_must_tell_host_a_page_is_dropped_before_the_answer(void **state)
{
	(void)state;
	begin(0, 12);
	trad_say_up(&bed, INFLATE, AT, 1);
	assert_int_equal(bed.call_count, 1);
	assert_int_equal(bed.calls[0].answers, 0);
}

static void neighbours_that_descend_are_dropped_in_one_call(void **state)
{
	(void)state;
	begin(TRAD(MUST_TELL_HOST), 12);
	trad_say_down(&bed, INFLATE, AT, 256);
	assert_int_equal(bed.call_count, 1);
	assert_int_equal(bed.calls[0].len, 256 * PAGE);
}

static void neighbours_that_descend_are_dropped_in_one_call_also_at_once(void **state)
{
	(void)state;
	begin(TRAD(SILENT_DEFLATE), 12);
	trad_say_down(&bed, INFLATE, AT, 512);
	assert_int_equal(bed.call_count, 1);
	assert_int_equal(bed.calls[0].len, 512 * PAGE);
}

/* Every other page, so that no two are dealt with together; what is left is not lost. */
static void a_long_message_takes_several_runs_and_no_other_queue_waits(void **state)
{
	static uint32_t pfns[2048];

	(void)state;
	begin(TRAD(MUST_TELL_HOST), 12);
	for (uint32_t i = 0; i < 2048; i++)
		pfns[i] = PFN(AT) + 2 * i;
	trad_post(&bed, INFLATE, pfns, 2048);
	assert_true(vballoon_device_run(bed.device));
	assert_false(trad_answered(&bed, INFLATE));
	bed_run(&bed);
	assert_true(trad_answered(&bed, INFLATE));
	assert_int_equal(bed_status(&bed).held_pages, 2048);
	for (unsigned int i = 0; i < 8; i++)
		trad_post(&bed, INFLATE, pfns, 256);
	trad_post(&bed, DEFLATE, pfns, 1);
	assert_true(vballoon_device_run(bed.device));
	assert_true(trad_answered(&bed, DEFLATE));
}

/* As many messages as a queue has room for, of as many descriptors. */
static void many_descriptors_take_several_runs(void **state)
{
	const unsigned char pfns[BED_QUEUE_SIZE] = { 0 };
	unsigned int answered = 0;

	(void)state;
	begin(TRAD(MUST_TELL_HOST) | VBALLOON_F_INDIRECT_DESC, 12);
	for (unsigned int i = 0; i < BED_QUEUE_SIZE; i++)
		bed_post_bytes_apart(&bed, DEFLATE, pfns, sizeof(pfns), 0);
	bed.accesses = 0;
	assert_true(vballoon_device_run(bed.device));
	assert_in_range(bed.accesses, 1, 1024);
	bed_run(&bed);
	while (trad_answered(&bed, DEFLATE))
		answered++;
	assert_int_equal(answered, BED_QUEUE_SIZE);
}

/* It is touched again without a word, which must not fail: as for what is reported. */
static void what_may_be_used_in_silence_goes_as_what_is_reported_does(void **state)
{
	(void)state;
	begin(TRAD(SILENT_DEFLATE), 12);
	bed.discard_error = -EOPNOTSUPP;
	trad_say_up(&bed, INFLATE, AT, 8);
	assert_int_equal(bed.call_count, 1);
	assert_true(bed.calls[0].discard);
	assert_int_equal(bed_status(&bed).held_pages, 8);
	assert_int_equal(bed_status(&bed).dropped_pages, 0);
	bed_destroy(&bed);
	begin(0, 12);
	trad_say_up(&bed, INFLATE, AT, 8);
	assert_false(bed.calls[0].discard);
}

/* Of 64 KiB, of which the device does not know: a step is one that such a guest can do, and done
 * when the guest says so. */
static void a_balloon_at_a_pace_grows_in_steps_that_large_pages_fit(void **state)
{
	const struct vballoon_policy policy = { .inflate_rate = 100 * PAGE };
	uint32_t asked;

	(void)state;
	begin(TRAD(MUST_TELL_HOST), 12);
	vballoon_device_set_time(bed.device, 1000);
	assert_int_equal(vballoon_device_set_policy(bed.device, &policy), 0);
	assert_int_equal(vballoon_device_set_target(bed.device, 2000), 0);
	bed_run(&bed);
	for (unsigned int steps = 1; steps <= 3; steps++) {
		asked = trad_config(&bed, TRAD_FIELD(num_pages));
		assert_int_equal(asked, steps * 512);
		trad_config_write(&bed, TRAD_FIELD(actual), asked);
		vballoon_device_set_time(bed.device, 1000 + steps * 5120);
		bed_run(&bed);
	}
	assert_int_equal(trad_config(&bed, TRAD_FIELD(num_pages)), 2000);
}

/* It was there before the device was, and has just what it is asked for. */
static void a_driver_that_says_nothing_is_asked_for_more_when_the_time_has_come(void **state)
{
	const struct vballoon_policy policy = { .inflate_rate = 100 * PAGE };

	(void)state;
	begin(TRAD(MUST_TELL_HOST), 12);
	vballoon_device_set_time(bed.device, 1000);
	assert_int_equal(vballoon_device_set_policy(bed.device, &policy), 0);
	assert_int_equal(vballoon_device_set_target(bed.device, 2000), 0);
	bed_run(&bed);
	assert_int_equal(trad_config(&bed, TRAD_FIELD(num_pages)), 512);
	vballoon_device_set_time(bed.device, 1000 + 5119);
	bed_run(&bed);
	assert_int_equal(trad_config(&bed, TRAD_FIELD(num_pages)), 512);
	vballoon_device_set_time(bed.device, 1000 + 5120);
	bed_run(&bed);
	assert_int_equal(trad_config(&bed, TRAD_FIELD(num_pages)), 1024);
}

static void neighbours_of_several_messages_are_dropped_in_one_call(void **state)
{
	uint32_t pfns[2] = { PFN(AT) + 1, PFN(AT) };

	(void)state;
	begin(TRAD(MUST_TELL_HOST), 12);
	trad_post(&bed, INFLATE, &pfns[0], 1);
	trad_post(&bed, INFLATE, &pfns[1], 1);
	bed_run(&bed);
	assert_int_equal(bed.call_count, 1);
	assert_int_equal(bed.calls[0].len, 2 * PAGE);
}

/* Sign extension, and a shift in 32 bits: page numbers above 2^31 and above 2^20. */
static void a_page_number_is_not_cut_off_or_extended(void **state)
{
	const uint64_t high = UINT64_C(0xfffff000) << 12;
	const uint32_t pfn = 0xfffff001;

	(void)state;
	begin(TRAD(MUST_TELL_HOST), 12);
	bed_add_memory(&bed, high, 16 * PAGE, 12);
	trad_say(&bed, INFLATE, &pfn, 1);
	assert_int_equal(bed_status(&bed).held_pages, 1);
	assert_int_equal(bed.calls[0].gpa, high + PAGE);
	trad_say(&bed, DEFLATE, &pfn, 1);
	assert_int_equal(bed_status(&bed).held_pages, 0);
}

/* A run that goes on behind the memory is cut at its end. */
static void a_page_outside_memory_is_refused_and_its_neighbours_are_not(void **state)
{
	(void)state;
	begin(TRAD(MUST_TELL_HOST), 12);
	trad_say_up(&bed, INFLATE, AT + 64 * MIB - 2 * PAGE, 5);
	assert_int_equal(bed_status(&bed).held_pages, 2);
	assert_int_equal(bed_status(&bed).refused_entries[VBALLOON_REFUSED_OUTSIDE_MEMORY], 3);
	assert_int_equal(trad_dropped(&bed, 0), 2 * PAGE);
}

/* A host page larger than a balloon page: the neighbours are the guest's. */
static void a_host_page_is_dropped_when_all_of_it_was_given(void **state)
{
	(void)state;
	begin(TRAD(MUST_TELL_HOST), 16);
	trad_say_up(&bed, INFLATE, AT + PAGE, 15);
	assert_int_equal(bed.call_count, 0);
	trad_say_up(&bed, INFLATE, AT, 1);
	assert_int_equal(bed.call_count, 1);
	assert_int_equal(bed.calls[0].gpa, AT);
	assert_int_equal(bed.calls[0].len, 16 * PAGE);
}

static void of_a_huge_page_nothing_is_dropped_while_one_page_is_missing(void **state)
{
	(void)state;
	begin(TRAD(MUST_TELL_HOST), 21);
	trad_say_down(&bed, INFLATE, AT + 2 * MIB, 511);
	trad_say_down(&bed, INFLATE, AT + 4 * MIB, 512);
	assert_int_equal(trad_dropped(&bed, 0), 2 * MIB);
	assert_int_equal(bed.calls[0].gpa, AT + 4 * MIB);
}

/* Without the driver's word a part of a host page may be in use again by the time that the
 * rest comes. */
static void without_must_tell_host_a_part_of_a_host_page_is_never_dropped_later(void **state)
{
	(void)state;
	begin(TRAD(SILENT_DEFLATE), 16);
	trad_say_up(&bed, INFLATE, AT, 15);
	trad_say_up(&bed, INFLATE, AT + 15 * PAGE, 1);
	assert_int_equal(bed_status(&bed).held_pages, 16);
	assert_int_equal(bed.call_count, 0);
	assert_int_equal(bed_status(&bed).kept_pages[VBALLOON_KEEP_SILENT], 16);
	trad_say_up(&bed, INFLATE, AT + 16 * PAGE, 16);
	assert_int_equal(trad_dropped(&bed, 0), 16 * PAGE);
	assert_int_equal(bed.calls[0].gpa, AT + 16 * PAGE);
}

static void without_must_tell_host_what_was_kept_back_is_never_dropped_later(void **state)
{
	(void)state;
	begin(0, 12);
	vballoon_device_inhibit(bed.device, true);
	trad_say_up(&bed, INFLATE, AT, 8);
	vballoon_device_inhibit(bed.device, false);
	bed_run(&bed);
	vballoon_device_drop_now(bed.device);
	bed_run(&bed);
	assert_int_equal(bed.call_count, 0);
}

/* It was used in silence since it was dropped, so there is memory again. */
static void without_must_tell_host_a_page_that_is_given_twice_is_dropped_twice(void **state)
{
	(void)state;
	begin(0, 12);
	trad_say_up(&bed, INFLATE, AT, 1);
	trad_say_up(&bed, INFLATE, AT, 1);
	assert_int_equal(bed.call_count, 2);
	assert_int_equal(bed_status(&bed).held_pages, 1);
	assert_int_equal(bed_status(&bed).dropped_pages, 1);
}

/* Which of those on the record it has used since, only it knows. */
static void the_balloon_of_a_silent_guest_is_no_larger_than_it_says(void **state)
{
	(void)state;
	begin(TRAD(SILENT_DEFLATE), 12);
	trad_say_up(&bed, INFLATE, AT, 10);
	trad_config_write(&bed, TRAD_FIELD(actual), 8);
	assert_int_equal(bed_status(&bed).balloon_pages, 8);
	trad_config_write(&bed, TRAD_FIELD(actual), 12);
	assert_int_equal(bed_status(&bed).balloon_pages, 10);
	bed_destroy(&bed);
	begin(0, 12);
	trad_say_up(&bed, INFLATE, AT, 10);
	trad_config_write(&bed, TRAD_FIELD(actual), 8);
	assert_int_equal(bed_status(&bed).balloon_pages, 10);
}

static void duplicates_in_a_message_count_once(void **state)
{
	const uint32_t pfns[] = { PFN(AT), PFN(AT) + 1, PFN(AT), PFN(AT) + 1, PFN(AT) + 1 };

	(void)state;
	begin(TRAD(MUST_TELL_HOST), 12);
	trad_say(&bed, INFLATE, pfns, 5);
	assert_int_equal(bed_status(&bed).held_pages, 2);
	assert_int_equal(bed_status(&bed).added_pages, 2);
	assert_int_equal(bed_status(&bed).already_held_pages, 3);
	assert_int_equal(trad_dropped(&bed, 0), 2 * PAGE);
}

static void a_page_that_is_taken_back_is_not_held(void **state)
{
	(void)state;
	begin(TRAD(MUST_TELL_HOST), 12);
	trad_say_up(&bed, INFLATE, AT, 100);
	trad_say_down(&bed, DEFLATE, AT + 10 * PAGE, 20);
	assert_int_equal(bed_status(&bed).held_pages, 80);
	assert_int_equal(bed_status(&bed).dropped_pages, 80);
	assert_int_equal(bed_status(&bed).returned_pages, 20);
	assert_int_equal(bed_status(&bed).refused_entries[VBALLOON_REFUSED_NOT_HELD], 0);
}

static void a_deflate_of_what_is_not_held_is_counted_and_does_no_harm(void **state)
{
	(void)state;
	begin(TRAD(MUST_TELL_HOST), 12);
	trad_say_up(&bed, INFLATE, AT + 4 * PAGE, 2);
	trad_say_up(&bed, DEFLATE, AT, 16);
	assert_int_equal(bed_status(&bed).held_pages, 0);
	assert_int_equal(bed_status(&bed).returned_pages, 2);
	assert_int_equal(bed_status(&bed).refused_entries[VBALLOON_REFUSED_NOT_HELD], 14);
	trad_say_up(&bed, DEFLATE, AT, 16);
	assert_int_equal(bed_status(&bed).refused_entries[VBALLOON_REFUSED_NOT_HELD], 30);
	assert_int_equal(bed_status(&bed).violation, VBALLOON_OK);
}

/* What was to be dropped and is taken back before is left alone. */
static void what_is_taken_back_is_not_dropped_any_more(void **state)
{
	(void)state;
	begin(TRAD(MUST_TELL_HOST), 12);
	vballoon_device_inhibit(bed.device, true);
	trad_say_up(&bed, INFLATE, AT, 16);
	trad_say_up(&bed, DEFLATE, AT + 4 * PAGE, 4);
	vballoon_device_inhibit(bed.device, false);
	bed_run(&bed);
	assert_int_equal(trad_dropped(&bed, 0), 12 * PAGE);
	for (unsigned int i = 0; i < bed.call_count; i++)
		assert_true(bed.calls[i].gpa + bed.calls[i].len <= AT + 4 * PAGE ||
			    bed.calls[i].gpa >= AT + 8 * PAGE);
}

static void the_host_page_of_what_is_taken_back_is_restored_before_the_answer(void **state)
{
	unsigned int before;

	(void)state;
	begin(TRAD(MUST_TELL_HOST), 21);
	trad_say_down(&bed, INFLATE, AT, 512);
	before = bed.call_count;
	trad_say_up(&bed, DEFLATE, AT + 7 * PAGE, 1);
	assert_int_equal(bed.call_count, before + 1);
	assert_true(bed.calls[before].restore);
	assert_int_equal(bed.calls[before].gpa, AT);
	assert_int_equal(bed.calls[before].len, 2 * MIB);
	assert_int_equal(bed_status(&bed).dropped_pages, 0);
	assert_int_equal(bed_status(&bed).held_pages, 511);
}

/* A guest that touched it would be killed. */
static void what_the_host_has_no_memory_for_is_answered_when_it_has(void **state)
{
	const uint32_t pfns[] = { PFN(AT), PFN(AT) + 512 };

	(void)state;
	begin(TRAD(MUST_TELL_HOST), 21);
	trad_say_down(&bed, INFLATE, AT, 1024);
	bed.restore_bytes_left = 2 * MIB;
	vballoon_device_set_time(bed.device, 1000);
	trad_post(&bed, DEFLATE, pfns, 2);
	bed_run(&bed);
	assert_false(trad_answered(&bed, DEFLATE));
	assert_int_equal(bed_status(&bed).returned_pages, 1);
	assert_int_equal(vballoon_device_due_ms(bed.device), 1100);
	bed_run(&bed);
	assert_false(trad_answered(&bed, DEFLATE));
	bed.restore_bytes_left = 2 * MIB;
	bed_run(&bed);
	assert_true(trad_answered(&bed, DEFLATE));
	assert_int_equal(bed_status(&bed).returned_pages, 2);
	assert_int_equal(bed_status(&bed).refused_entries[VBALLOON_REFUSED_NOT_HELD], 0);
	assert_int_equal(vballoon_device_due_ms(bed.device), VBALLOON_NEVER);
}

/* A run is full before the message has ended, and is kept when it cannot be done. */
static void a_message_of_several_runs_waits_for_memory_in_its_midst(void **state)
{
	static uint32_t pfns[1024];

	(void)state;
	begin(TRAD(MUST_TELL_HOST), 21);
	trad_say_down(&bed, INFLATE, AT, 1024);
	for (uint32_t i = 0; i < 1024; i++)
		pfns[i] = PFN(AT) + i;
	bed.restore_bytes_left = 0;
	trad_post(&bed, DEFLATE, pfns, 1024);
	bed_run(&bed);
	assert_false(trad_answered(&bed, DEFLATE));
	assert_int_equal(bed_status(&bed).held_pages, 1024);
	bed.restore_bytes_left = 4 * MIB;
	bed_run(&bed);
	assert_true(trad_answered(&bed, DEFLATE));
	assert_int_equal(bed_status(&bed).returned_pages, 1024);
}

static void a_guest_that_need_not_tell_is_answered_without_memory(void **state)
{
	const uint32_t pfn = PFN(AT);

	(void)state;
	begin(0, 21);
	trad_say_down(&bed, INFLATE, AT, 512);
	bed.restore_bytes_left = 0;
	trad_say(&bed, DEFLATE, &pfn, 1);
	assert_int_equal(bed_status(&bed).refused_entries[VBALLOON_REFUSED_NO_HOST_MEMORY], 1);
	assert_int_equal(bed_status(&bed).held_pages, 511);
}

/* It may be using one of them by now, and what the host takes back when it has not got all of what it
 * asked for at once would be what the guest has written. */
static void a_guest_that_need_not_tell_has_each_host_page_restored_alone(void **state)
{
	unsigned int before;

	(void)state;
	begin(0, 21);
	trad_say_down(&bed, INFLATE, AT, 1024);
	before = bed.call_count;
	bed.restore_bytes_left = 2 * MIB;
	trad_say_up(&bed, DEFLATE, AT + 511 * PAGE, 2);
	assert_int_equal(bed.call_count, before + 2);
	for (unsigned int i = 0; i < 2; i++) {
		assert_true(bed.calls[before + i].restore);
		assert_int_equal(bed.calls[before + i].gpa, AT + i * 2 * MIB);
		assert_int_equal(bed.calls[before + i].len, 2 * MIB);
	}
	assert_int_equal(bed_status(&bed).returned_pages, 2);
}

static void a_guest_that_waits_for_memory_is_forgotten_when_it_is_reset(void **state)
{
	const uint32_t pfn = PFN(AT);

	(void)state;
	begin(TRAD(MUST_TELL_HOST), 21);
	trad_say_down(&bed, INFLATE, AT, 512);
	bed.restore_bytes_left = 0;
	trad_post(&bed, DEFLATE, &pfn, 1);
	bed_run(&bed);
	trad_start(&bed, TRAD_BOTH);
	assert_int_equal(bed_status(&bed).held_pages, 0);
	assert_int_equal(vballoon_device_due_ms(bed.device), VBALLOON_NEVER);
	trad_say_up(&bed, INFLATE, AT + 4 * MIB, 3);
	assert_int_equal(bed_status(&bed).held_pages, 3);
}

static void a_page_with_a_running_ring_in_it_is_refused_alone(void **state)
{
	uint64_t ring;

	(void)state;
	begin(TRAD(MUST_TELL_HOST), 12);
	ring = bed.rings[DEFLATE].queue.desc.value;
	trad_say_up(&bed, INFLATE, ring - PAGE, 2);
	assert_int_equal(bed_status(&bed).refused_entries[VBALLOON_REFUSED_RING], 1);
	assert_int_equal(bed_status(&bed).held_pages, 1);
}

static void pages_behind_a_running_ring_are_taken(void **state)
{
	struct vballoon_status status;

	(void)state;
	begin(TRAD(MUST_TELL_HOST), 12);
	trad_say_up(&bed, INFLATE, bed.rings[DEFLATE].queue.desc.value - PAGE, 32);
	status = bed_status(&bed);
	assert_true(status.refused_entries[VBALLOON_REFUSED_RING] < 16);
	assert_int_equal(status.held_pages + status.refused_entries[VBALLOON_REFUSED_RING], 32);
}

static void a_message_that_is_no_array_of_numbers_stops_the_device(void **state)
{
	(void)state;
	begin(TRAD(MUST_TELL_HOST), 12);
	trad_post_bytes(&bed, INFLATE, "abcdef", 6);
	bed_run(&bed);
	assert_int_equal(bed_status(&bed).violation, VBALLOON_MESSAGE_LENGTH);
	assert_int_equal(bed_status(&bed).held_pages, 0);
}

static void a_message_without_a_readable_part_stops_the_device(void **state)
{
	const uint64_t writable[][2] = { { BED_WINDOW, 64 } };

	(void)state;
	begin(TRAD(MUST_TELL_HOST), 12);
	trad_post_free(&bed, DEFLATE, writable, 1);
	bed_run(&bed);
	assert_int_equal(bed_status(&bed).violation, VBALLOON_MESSAGE_DIRECTION);
}

/* Only the first buffer of a chain used to be looked at, elsewhere. */
static void every_buffer_of_a_chain_is_read(void **state)
{
	struct vballoon_driver_buffer buffers[3];
	__le32 *pfns;

	(void)state;
	begin(TRAD(MUST_TELL_HOST), 12);
	pfns = guest_memory_at(&bed.guest, BED_WINDOW, 6 * sizeof(*pfns));
	for (uint32_t i = 0; i < 6; i++)
		pfns[i] = PFN(AT) + 2 * i;
	/* Numbers that buffers cut in two. */
	buffers[0] = (struct vballoon_driver_buffer){ vballoon_gpa(BED_WINDOW), 6, false };
	buffers[1] = (struct vballoon_driver_buffer){ vballoon_gpa(BED_WINDOW + 6), 11, false };
	buffers[2] = (struct vballoon_driver_buffer){ vballoon_gpa(BED_WINDOW + 17), 7, false };
	assert_int_equal(vballoon_driver_ring_post(&bed.rings[INFLATE].driver, buffers, 3, 0), 0);
	bed_run(&bed);
	assert_true(trad_answered(&bed, INFLATE));
	assert_int_equal(bed_status(&bed).held_pages, 6);
}

/* A message that takes more than one run is not answered before all of it is done. */
static void a_message_of_scattered_pages_is_dropped_in_several_runs_before_its_answer(void **state)
{
	static uint32_t pfns[2000];

	(void)state;
	begin(0, 12);
	for (uint32_t i = 0; i < 2000; i++)
		pfns[i] = PFN(AT) + 4 * i;
	trad_post(&bed, INFLATE, pfns, 2000);
	assert_true(vballoon_device_run(bed.device));
	assert_false(trad_answered(&bed, INFLATE));
	bed_run(&bed);
	assert_true(trad_answered(&bed, INFLATE));
	assert_int_equal(bed.call_count, 2000);
	for (unsigned int i = 0; i < bed.call_count; i++)
		assert_int_equal(bed.calls[i].answers, 0);
}

static void a_message_that_a_stop_interrupts_is_done_when_the_guest_goes_on(void **state)
{
	static uint32_t pfns[2000];

	(void)state;
	begin(0, 12);
	trad_say_up(&bed, INFLATE, AT + 32 * MIB, 1);
	for (uint32_t i = 0; i < 2000; i++)
		pfns[i] = PFN(AT) + 4 * i;
	trad_post(&bed, INFLATE, pfns, 2000);
	assert_true(vballoon_device_run(bed.device));
	trad_stop(&bed);
	trad_go_on(&bed, TRAD_BOTH);
	bed_run(&bed);
	assert_true(trad_answered(&bed, INFLATE));
	assert_int_equal(bed_status(&bed).held_pages, 2001);
	assert_int_equal(bed_status(&bed).dropped_pages, 2001);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_teardown(name, teardown)
	const struct CMUnitTest tests[] = {
		CASE(a_page_that_is_given_is_held_and_dropped_after_the_answer),
		CASE(without_must_tell_host_a_page_is_dropped_before_the_answer),
		CASE(what_may_be_used_in_silence_goes_as_what_is_reported_does),
		CASE(a_driver_that_says_nothing_is_asked_for_more_when_the_time_has_come),
		CASE(a_balloon_at_a_pace_grows_in_steps_that_large_pages_fit),
		CASE(neighbours_that_descend_are_dropped_in_one_call),
		CASE(neighbours_that_descend_are_dropped_in_one_call_also_at_once),
		CASE(a_long_message_takes_several_runs_and_no_other_queue_waits),
		CASE(many_descriptors_take_several_runs),
		CASE(neighbours_of_several_messages_are_dropped_in_one_call),
		CASE(a_page_number_is_not_cut_off_or_extended),
		CASE(a_page_outside_memory_is_refused_and_its_neighbours_are_not),
		CASE(a_host_page_is_dropped_when_all_of_it_was_given),
		CASE(of_a_huge_page_nothing_is_dropped_while_one_page_is_missing),
		CASE(without_must_tell_host_a_part_of_a_host_page_is_never_dropped_later),
		CASE(without_must_tell_host_what_was_kept_back_is_never_dropped_later),
		CASE(without_must_tell_host_a_page_that_is_given_twice_is_dropped_twice),
		CASE(the_balloon_of_a_silent_guest_is_no_larger_than_it_says),
		CASE(duplicates_in_a_message_count_once),
		CASE(a_page_that_is_taken_back_is_not_held),
		CASE(a_deflate_of_what_is_not_held_is_counted_and_does_no_harm),
		CASE(what_is_taken_back_is_not_dropped_any_more),
		CASE(the_host_page_of_what_is_taken_back_is_restored_before_the_answer),
		CASE(what_the_host_has_no_memory_for_is_answered_when_it_has),
		CASE(a_message_of_several_runs_waits_for_memory_in_its_midst),
		CASE(a_guest_that_need_not_tell_is_answered_without_memory),
		CASE(a_guest_that_need_not_tell_has_each_host_page_restored_alone),
		CASE(a_guest_that_waits_for_memory_is_forgotten_when_it_is_reset),
		CASE(a_page_with_a_running_ring_in_it_is_refused_alone),
		CASE(pages_behind_a_running_ring_are_taken),
		CASE(a_message_that_is_no_array_of_numbers_stops_the_device),
		CASE(a_message_without_a_readable_part_stops_the_device),
		CASE(every_buffer_of_a_chain_is_read),
		CASE(a_message_of_scattered_pages_is_dropped_in_several_runs_before_its_answer),
		CASE(a_message_that_a_stop_interrupts_is_done_when_the_guest_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
