/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The device against a naive model of who owns each page, through random messages,
 * pauses, resets and failures of the host.
 *
 * Two adjacent regions, of 4 KiB and of 2 MiB host pages, so that runs cross from
 * one to the other.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "device_bed.h"

#define AT GIB
#define SMALL_PAGES 4096
#define HUGE_PAGES 2048
#define PAGES (SMALL_PAGES + HUGE_PAGES)
#define ENTRIES 40

static struct bed bed;

static struct {
	uint32_t random;
	uint32_t unit_pages;
	uint64_t epoch;
	bool balloon[PAGES]; /* from the ADD until the answer that returns it */
	bool dropped[PAGES];
} model;

static uint32_t random_below(uint32_t bound)
{
	model.random = model.random * 1664525 + 1013904223;
	return (model.random >> 8) % bound;
}

static uint64_t page_of(uint64_t gpa)
{
	assert_true(gpa >= AT);
	return (gpa - AT) / 4096;
}

/* What the host was asked: it may drop only what is wholly in the balloon. */
static void follow_calls(void)
{
	for (unsigned int n = 0; n < bed.call_count; n++) {
		const struct bed_call *call = &bed.calls[n];
		uint64_t first = page_of(call->gpa);
		uint64_t end = first + call->len / 4096;

		for (uint64_t i = first; i < end; i++) {
			assert_true(model.balloon[i]);
			assert_int_equal(model.dropped[i], call->restore);
			if (!call->failed)
				model.dropped[i] = !call->restore;
		}
	}
	bed.call_count = 0;
}

static void add(void)
{
	uint32_t units = PAGES / model.unit_pages;
	uint64_t entries[ENTRIES];
	uint8_t verdicts[ENTRIES];
	size_t count = 1 + random_below(ENTRIES);

	for (size_t n = 0; n < count; n++) {
		uint32_t first = random_below(units);
		uint32_t most = random_below(4) ? 4 : 2000;
		uint32_t run = 1 + random_below(most);

		if (run > units - first)
			run = units - first;
		entries[n] = (AT + first * model.unit_pages * UINT64_C(4096)) | (run - 1);
		memset(&model.balloon[first * model.unit_pages], true, run * model.unit_pages);
	}
	bed_add_entries(&bed, entries, count, verdicts);
	for (size_t n = 0; n < count; n++)
		assert_int_equal(verdicts[n], VIRTIO_MEMORY_BALLOON_ACCEPTED);
	follow_calls();
}

/* What comes back was in the balloon, has memory, and is dropped no more. */
static void take_back(uint64_t entry)
{
	uint64_t first = page_of(bed_entry_gpa(entry));
	uint64_t pages = bed_entry_pages(entry) * model.unit_pages;

	for (uint64_t i = first; i < first + pages; i++) {
		assert_true(model.balloon[i]);
		assert_false(model.dropped[i]);
		model.balloon[i] = false;
	}
}

static void withdraw(void)
{
	uint64_t entries[ENTRIES];
	uint64_t most = random_below(random_below(2) ? 20 : PAGES);
	size_t count = bed_withdraw(&bed, most, entries, 1 + random_below(ENTRIES));
	uint64_t pages = 0;

	/* All calls to the host came before the answer, or concern what stays. */
	follow_calls();
	for (size_t n = 0; n < count; n++) {
		take_back(entries[n]);
		pages += bed_entry_pages(entries[n]) * model.unit_pages;
	}
	assert_true(pages <= most);
}

static void begin_anew(void)
{
	memset(model.balloon, 0, sizeof(model.balloon));
	memset(model.dropped, 0, sizeof(model.dropped));
	bed_start_queues(&bed);
	assert_int_equal(bed_hello(&bed, ++model.epoch, 12 + (model.unit_pages == 4 ? 2 : 0), 0),
			 0);
}

static void step(void)
{
	switch (random_below(16)) {
	case 0:
		bed_pause(&bed);
		break;
	case 1:
		if (!random_below(20))
			begin_anew();
		break;
	case 2:
		bed.drop_error = random_below(3) ? 0 : -ENOMEM;
		break;
	case 3:
		bed.restore_bytes_left = random_below(3) ? UINT64_MAX : random_below(4) * 2 * MIB;
		break;
	case 4:
	case 5:
	case 6:
	case 7:
	case 8:
		add();
		break;
	default:
		withdraw();
	}
}

static void assert_agreement(void)
{
	struct vballoon_status status = bed_status(&bed);
	uint64_t held = 0, dropped = 0;

	for (uint64_t i = 0; i < PAGES; i++) {
		held += model.balloon[i];
		dropped += model.dropped[i];
	}
	assert_int_equal(status.violation, VBALLOON_OK);
	assert_int_equal(status.held_pages, held);
	assert_int_equal(status.dropped_pages, dropped);
}

static void run_model(uint32_t seed, uint32_t unit_pages)
{
	memset(&model, 0, sizeof(model));
	model.random = seed;
	model.unit_pages = unit_pages;
	bed_init(&bed, BED_RUNS);
	bed_add_memory(&bed, AT, SMALL_PAGES * UINT64_C(4096), 12);
	bed_add_memory(&bed, AT + SMALL_PAGES * UINT64_C(4096), HUGE_PAGES * UINT64_C(4096), 21);
	begin_anew();
	for (unsigned int n = 0; n < 4000; n++) {
		step();
		assert_agreement();
	}
	bed_destroy(&bed);
}

/* Proves DEV-WITHDRAW-1, DEV-WITHDRAW-5, DEV-WITHDRAW-6, DEV-MEM-1, DEV-MEM-2. */
static void the_device_agrees_with_a_naive_one_about_every_page(void **state)
{
	(void)state;
	run_model(1, 1);
}

static void it_does_with_units_larger_than_a_page(void **state)
{
	(void)state;
	run_model(2, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_device_agrees_with_a_naive_one_about_every_page),
		cmocka_unit_test(it_does_with_units_larger_than_a_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
