/* SPDX-License-Identifier: BSD-3-Clause */
/* The traditional balloon: pages that are given. */
#include <errno.h>
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

int main(void)
{
#define CASE(name) cmocka_unit_test_teardown(name, teardown)
	const struct CMUnitTest tests[] = {
		CASE(a_page_that_is_given_is_held_and_dropped_after_the_answer),
		CASE(without_must_tell_host_a_page_is_dropped_before_the_answer),
		CASE(what_may_be_used_in_silence_goes_as_what_is_reported_does),
		CASE(neighbours_that_descend_are_dropped_in_one_call),
		CASE(neighbours_that_descend_are_dropped_in_one_call_also_at_once),
		CASE(neighbours_of_several_messages_are_dropped_in_one_call),
		CASE(a_page_outside_memory_is_refused_and_its_neighbours_are_not),
		CASE(a_host_page_is_dropped_when_all_of_it_was_given),
		CASE(of_a_huge_page_nothing_is_dropped_while_one_page_is_missing),
		CASE(without_must_tell_host_a_part_of_a_host_page_is_never_dropped_later),
		CASE(without_must_tell_host_what_was_kept_back_is_never_dropped_later),
		CASE(without_must_tell_host_a_page_that_is_given_twice_is_dropped_twice),
		CASE(the_balloon_of_a_silent_guest_is_no_larger_than_it_says),
		CASE(a_page_with_a_running_ring_in_it_is_refused_alone),
		CASE(pages_behind_a_running_ring_are_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
