/* SPDX-License-Identifier: BSD-3-Clause */
/* The traditional balloon: pages that are taken back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

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

int main(void)
{
#define CASE(name) cmocka_unit_test_teardown(name, teardown)
	const struct CMUnitTest tests[] = {
		CASE(a_page_that_is_taken_back_is_not_held),
		CASE(a_deflate_of_what_is_not_held_is_counted_and_does_no_harm),
		CASE(what_is_taken_back_is_not_dropped_any_more),
		CASE(the_host_page_of_what_is_taken_back_is_restored_before_the_answer),
		CASE(what_the_host_has_no_memory_for_is_answered_when_it_has),
		CASE(a_message_of_several_runs_waits_for_memory_in_its_midst),
		CASE(a_guest_that_need_not_tell_is_answered_without_memory),
		CASE(a_guest_that_need_not_tell_has_each_host_page_restored_alone),
		CASE(a_guest_that_waits_for_memory_is_forgotten_when_it_is_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
