/* SPDX-License-Identifier: BSD-3-Clause */
/* The traditional balloon: what a message of page numbers may be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "ring/ring_features.h"
#include "trad_bed.h"

#define AT GIB
#define PFN(gpa) ((uint32_t)((gpa) >> VIRTIO_BALLOON_PFN_SHIFT))
#define PAGE UINT64_C(4096)

static struct bed bed;

static void begin(uint64_t features, uint32_t host_page_shift)
{
	trad_begin(&bed, features, host_page_shift, TRAD_BOTH);
}

static int teardown(void **state)
{
	(void)state;
	bed_destroy(&bed);
	return 0;
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
		CASE(a_long_message_takes_several_runs_and_no_other_queue_waits),
		CASE(many_descriptors_take_several_runs),
		CASE(a_page_number_is_not_cut_off_or_extended),
		CASE(duplicates_in_a_message_count_once),
		CASE(a_message_that_is_no_array_of_numbers_stops_the_device),
		CASE(a_message_without_a_readable_part_stops_the_device),
		CASE(every_buffer_of_a_chain_is_read),
		CASE(a_message_of_scattered_pages_is_dropped_in_several_runs_before_its_answer),
		CASE(a_message_that_a_stop_interrupts_is_done_when_the_guest_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
