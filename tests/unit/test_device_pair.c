/* SPDX-License-Identifier: BSD-3-Clause */
/* Two devices of one guest: a page is in one balloon at the most. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "trad_bed.h"

#define AT GIB
#define PAGE UINT64_C(4096)
#define MEMORY (64 * MIB)
#define HOST_PAGE_SHIFT 16 /* 16 balloon pages */
#define PAGES 256U

static struct bed memory, traditional;

static int setup(void **state)
{
	(void)state;
	bed_init(&memory, BED_RUNS);
	bed_add_memory(&memory, AT, MEMORY, HOST_PAGE_SHIFT);
	trad_bed_init(&traditional, TRAD(MUST_TELL_HOST));
	bed_add_memory(&traditional, AT, MEMORY, HOST_PAGE_SHIFT);
	vballoon_device_pair(memory.device, traditional.device);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	vballoon_device_pair(memory.device, NULL);
	bed_destroy(&memory);
	bed_destroy(&traditional);
	return 0;
}

static uint64_t held(struct bed *bed)
{
	return bed_status(bed).held_pages;
}

static void a_page_that_is_given_to_the_other_is_not_held_twice(void **state)
{
	(void)state;
	trad_start(&traditional, TRAD_BOTH);
	trad_say_up(&traditional, INFLATE, AT, PAGES);
	bed_greet(&memory, 12);
	bed_add_pages(&memory, AT + 10 * PAGE, 20);
	assert_int_equal(held(&memory), 20);
	assert_int_equal(held(&traditional), PAGES - 20);
	assert_int_equal(bed_status(&traditional).dropped_pages, PAGES - 20);
}

static void it_goes_the_other_way_too(void **state)
{
	(void)state;
	bed_greet(&memory, 12);
	bed_add_pages(&memory, AT, PAGES);
	trad_start(&traditional, TRAD_BOTH);
	trad_say_down(&traditional, INFLATE, AT + 100 * PAGE, 50);
	assert_int_equal(held(&memory), PAGES - 50);
	assert_int_equal(held(&traditional), 50);
}

/* Nothing of a page that has gone over is dropped, or handed back, by who had it before. */
static void who_had_it_before_hands_it_back_no_more(void **state)
{
	uint64_t entries[64];
	size_t count;

	(void)state;
	bed_greet(&memory, 12);
	bed_add_pages(&memory, AT, 32);
	trad_start(&traditional, TRAD_BOTH);
	trad_say_up(&traditional, INFLATE, AT + 8 * PAGE, 8);
	count = bed_withdraw(&memory, UINT64_MAX, entries, 64);
	for (size_t i = 0; i < count; i++) {
		uint64_t first = entries[i] & ~(PAGE - 1);
		uint64_t end = first + ((entries[i] & (PAGE - 1)) + 1) * PAGE;

		assert_true(end <= AT + 8 * PAGE || first >= AT + 16 * PAGE);
	}
	assert_int_equal(held(&memory), 0);
	assert_int_equal(held(&traditional), 8);
}

/* Half a host page in one balloon and half in the other is no host page to drop. */
static void halves_of_a_host_page_in_two_balloons_stay(void **state)
{
	(void)state;
	bed_greet(&memory, 12);
	bed_add_pages(&memory, AT, 8);
	trad_start(&traditional, TRAD_BOTH);
	trad_say_up(&traditional, INFLATE, AT + 8 * PAGE, 8);
	assert_int_equal(memory.call_count, 0);
	assert_int_equal(traditional.call_count, 0);
}

static void what_is_not_a_pair_any_more_keeps_its_own(void **state)
{
	(void)state;
	trad_start(&traditional, TRAD_BOTH);
	trad_say_up(&traditional, INFLATE, AT, 16);
	vballoon_device_pair(traditional.device, NULL);
	bed_greet(&memory, 12);
	bed_add_pages(&memory, AT, 16);
	assert_int_equal(held(&memory), 16);
	assert_int_equal(held(&traditional), 16);
}

/* Who owns each page, as the guest has it. */
enum owner { GUEST, MEMORY_BALLOON, TRADITIONAL_BALLOON };

static enum owner owners[PAGES];

static unsigned int draw(unsigned int below)
{
	static uint64_t seed = 20;

	seed = seed * 6364136223846793005 + 1442695040888963407;
	return (unsigned int)(seed >> 33) % below;
}

static bool mark(void *context, struct vballoon_gpa gpa, uint64_t pages, bool dropped)
{
	unsigned int *holders = context;

	(void)dropped;
	for (uint64_t i = 0; i < pages; i++)
		holders[(gpa.value - AT) / PAGE + i]++;
	return true;
}

/* Each page is in the balloon that has it and in no other. What only the record of a driver that
 * has gone has is the guest's. */
static void judge(bool memory_lives, bool traditional_lives)
{
	unsigned int in_memory[PAGES] = { 0 }, in_traditional[PAGES] = { 0 };

	vballoon_device_each_held(memory.device, mark, in_memory);
	vballoon_device_each_held(traditional.device, mark, in_traditional);
	for (unsigned int i = 0; i < PAGES; i++) {
		assert_true(in_memory[i] + in_traditional[i] <= 1);
		if (memory_lives)
			assert_int_equal(in_memory[i], owners[i] == MEMORY_BALLOON);
		if (traditional_lives)
			assert_int_equal(in_traditional[i], owners[i] == TRADITIONAL_BALLOON);
	}
}

static void give(enum owner to)
{
	unsigned int page = draw(PAGES);

	if (owners[page] != GUEST)
		return;
	if (to == MEMORY_BALLOON)
		bed_add_pages(&memory, AT + page * PAGE, 1);
	else
		trad_say_up(&traditional, INFLATE, AT + page * PAGE, 1);
	owners[page] = to;
}

static void take(enum owner from)
{
	unsigned int page = draw(PAGES);
	uint64_t entry;

	if (from == MEMORY_BALLOON) {
		if (bed_withdraw(&memory, 1, &entry, 1))
			owners[((entry & ~(PAGE - 1)) - AT) / PAGE] = GUEST;
	} else if (owners[page] == from) {
		trad_say_up(&traditional, DEFLATE, AT + page * PAGE, 1);
		owners[page] = GUEST;
	}
}

static void lose(enum owner who)
{
	for (unsigned int i = 0; i < PAGES; i++)
		owners[i] = owners[i] == who ? GUEST : owners[i];
}

/* A guest gives and takes through both, and its drivers come and go without a word. */
static void a_random_life_keeps_one_owner_a_page(void **state)
{
	bool memory_lives = true, traditional_lives = true;
	uint64_t epoch = 100;

	(void)state;
	lose(MEMORY_BALLOON);
	lose(TRADITIONAL_BALLOON);
	bed_greet(&memory, 12);
	trad_start(&traditional, TRAD_BOTH);
	for (unsigned int step = 0; step < 4000; step++) {
		unsigned int what = draw(100);

		if (what < 45 && memory_lives)
			(what < 30 ? give : take)(MEMORY_BALLOON);
		else if (what >= 45 && what < 90 && traditional_lives)
			(what < 75 ? give : take)(TRADITIONAL_BALLOON);
		else if (what == 90 && traditional_lives) {
			trad_stop(&traditional);
			lose(TRADITIONAL_BALLOON);
			traditional_lives = false;
		} else if (what == 91 && memory_lives) {
			lose(MEMORY_BALLOON);
			memory_lives = false;
		} else if (what == 92 && !traditional_lives) {
			trad_start(&traditional, TRAD_BOTH);
			bed_run(&traditional);
			traditional_lives = true;
		} else if (what == 93 && !memory_lives) {
			bed_pause(&memory);
			bed_hello(&memory, epoch++, 12, 0);
			memory_lives = true;
		}
		judge(memory_lives, traditional_lives);
	}
	assert_int_equal(bed_status(&traditional).refused_entries[VBALLOON_REFUSED_NOT_HELD], 0);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(a_page_that_is_given_to_the_other_is_not_held_twice),
		CASE(it_goes_the_other_way_too),
		CASE(who_had_it_before_hands_it_back_no_more),
		CASE(halves_of_a_host_page_in_two_balloons_stay),
		CASE(what_is_not_a_pair_any_more_keeps_its_own),
		CASE(a_random_life_keeps_one_owner_a_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
