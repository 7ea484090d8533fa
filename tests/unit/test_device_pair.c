/* SPDX-License-Identifier: BSD-3-Clause */
/* Two devices of one guest: a page is in one balloon at the most. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/le.h"
#include "trad_bed.h"

#define AT GIB
#define PAGE UINT64_C(4096)
#define MEMORY (64 * MIB)
#define HOST_PAGE_SHIFT 16 /* 16 balloon pages */
#define PAGES 256U
#define RUN_PAGES 1024U /* that one run of the device restores */
#define ANSWER_BYTES 4096U /* that a driver has room for */

static struct bed memory, traditional;

static void set_up_with(uint32_t host_page_shift)
{
	bed_init(&memory, BED_RUNS | BED_EXCHANGE);
	bed_add_memory(&memory, AT, MEMORY, host_page_shift);
	trad_bed_init(&traditional, TRAD(MUST_TELL_HOST));
	bed_add_memory(&traditional, AT, MEMORY, host_page_shift);
	vballoon_device_pair(memory.device, traditional.device);
}

static int setup(void **state)
{
	(void)state;
	set_up_with(HOST_PAGE_SHIFT);
	return 0;
}

/* Each page is dropped by itself, so that few of them are more than one run can restore. */
static int setup_small(void **state)
{
	(void)state;
	set_up_with(12);
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

/* One that is plugged in takes the place of one that is still to go. */
static void whose_place_was_taken_is_of_no_pair_any_more(void **state)
{
	static struct bed newer;

	(void)state;
	trad_bed_init(&newer, TRAD(MUST_TELL_HOST));
	bed_add_memory(&newer, AT, MEMORY, HOST_PAGE_SHIFT);
	vballoon_device_pair(newer.device, memory.device);
	vballoon_device_pair(traditional.device, NULL);
	trad_start(&newer, TRAD_BOTH);
	trad_say_up(&newer, INFLATE, AT, PAGES);
	bed_greet(&memory, 12);
	bed_add_pages(&memory, AT + 10 * PAGE, 20);
	assert_int_equal(held(&memory), 20);
	assert_int_equal(held(&newer), PAGES - 20);
	vballoon_device_pair(newer.device, NULL);
	bed_destroy(&newer);
}

/* Ask the memory balloon for all that it has, and let it run once: it is not done with that. */
static void begin_withdraw(void)
{
	const struct virtio_memory_balloon_withdraw message = {
		.msg.type = vballoon_le32(VIRTIO_MEMORY_BALLOON_MSG_WITHDRAW),
		.most = vballoon_le64(held(&memory)),
	};

	bed_post(&memory, &message, sizeof(message), ANSWER_BYTES);
	assert_true(vballoon_device_run(memory.device));
	assert_true(bed_silent(&memory));
}

/* Let it end: the pages that it hands back, of which none lies in [@first, @end). */
static uint64_t end_withdraw(uint64_t first, uint64_t end)
{
	uint64_t entries[ANSWER_BYTES / sizeof(uint64_t)], pages = 0;
	size_t len;

	bed_run(&memory);
	len = bed_collect(&memory, entries, sizeof(entries));
	for (size_t i = 0; i < len / sizeof(entries[0]); i++) {
		uint64_t gpa = bed_entry_gpa(vballoon_le64(entries[i]));
		uint64_t count = bed_entry_pages(vballoon_le64(entries[i]));

		assert_true(gpa >= end || gpa + count * PAGE <= first);
		pages += count;
	}
	return pages;
}

/* The run that was found is made usable over several runs of the device. */
static void what_goes_over_while_it_is_withdrawn_is_not_handed_back(void **state)
{
	(void)state;
	bed_greet(&memory, 12);
	bed_add_pages(&memory, AT, 4 * RUN_PAGES);
	trad_start(&traditional, TRAD_BOTH);
	begin_withdraw();
	trad_say_up(&traditional, INFLATE, AT + 8 * PAGE, 8);
	assert_int_equal(held(&memory), 4 * RUN_PAGES - 8);
	assert_int_equal(end_withdraw(AT + 8 * PAGE, AT + 16 * PAGE), 4 * RUN_PAGES - 8);
	assert_int_equal(held(&memory), 0);
	assert_int_equal(held(&traditional), 8);
	assert_int_equal(bed_status(&memory).returned_pages, 4 * RUN_PAGES - 8);
}

/* What is off the record, and not with the driver. */
static void what_an_unfinished_answer_has_can_go_over(void **state)
{
	(void)state;
	bed_greet(&memory, 12);
	bed_add_pages(&memory, AT, 8);
	bed_add_pages(&memory, AT + 16 * MIB, 4 * RUN_PAGES);
	trad_start(&traditional, TRAD_BOTH);
	begin_withdraw();
	/* What was not dropped has been found first. */
	assert_int_equal(held(&memory), 4 * RUN_PAGES);
	trad_say_up(&traditional, INFLATE, AT, 8);
	trad_say_up(&traditional, INFLATE, AT + 16 * MIB, 16);
	assert_int_equal(held(&traditional), 24);
	assert_int_equal(held(&memory), 4 * RUN_PAGES - 16);
	assert_int_equal(end_withdraw(AT, AT + 16 * MIB + 16 * PAGE), 4 * RUN_PAGES - 16);
	assert_int_equal(held(&memory), 0);
	assert_int_equal(held(&traditional), 24);
}

/* Both pairs take what is 16 MiB long, of which the second is not there yet. */
static void what_goes_over_while_it_is_exchanged_is_not_taken(void **state)
{
	const __le64 message[] = {
		vballoon_le64(VIRTIO_MEMORY_BALLOON_MSG_EXCHANGE),
		vballoon_le64(AT + 32 * MIB),
		vballoon_le64(AT),
		vballoon_le64((AT + 48 * MIB) | (4 * RUN_PAGES - 1)),
		vballoon_le64((AT + 16 * MIB) | (4 * RUN_PAGES - 1)),
	};
	uint8_t verdicts[2];

	(void)state;
	bed_greet(&memory, 12);
	bed_add_pages(&memory, AT, 16);
	bed_add_pages(&memory, AT + 16 * MIB, 4 * RUN_PAGES);
	trad_start(&traditional, TRAD_BOTH);
	bed_post(&memory, message, sizeof(message), sizeof(verdicts));
	assert_true(vballoon_device_run(memory.device));
	assert_true(bed_silent(&memory));
	trad_say_up(&traditional, INFLATE, AT, 1);
	trad_say_up(&traditional, INFLATE, AT + 20 * MIB, 1);
	bed_run(&memory);
	assert_int_equal(bed_collect(&memory, verdicts, sizeof(verdicts)), sizeof(verdicts));
	assert_int_equal(verdicts[0], VIRTIO_MEMORY_BALLOON_REFUSED);
	assert_int_equal(verdicts[1], VIRTIO_MEMORY_BALLOON_REFUSED);
	assert_int_equal(held(&memory), 15 + 4 * RUN_PAGES - 1);
	assert_int_equal(held(&traditional), 2);
	assert_int_equal(bed_status(&memory).exchanged_pages, 0);
}

/* What is under way there takes nothing for granted, and would begin again and again. */
static void a_deflate_under_way_goes_on_beside_the_other(void **state)
{
	static uint32_t pfns[4 * RUN_PAGES];
	uint32_t first = (uint32_t)(AT >> VIRTIO_BALLOON_PFN_SHIFT);

	(void)state;
	for (uint32_t i = 0; i < 4 * RUN_PAGES; i++)
		pfns[i] = first + i;
	trad_start(&traditional, TRAD_BOTH);
	trad_say(&traditional, INFLATE, pfns, 4 * RUN_PAGES);
	bed_greet(&memory, 12);
	trad_post(&traditional, DEFLATE, pfns, 4 * RUN_PAGES);
	for (unsigned int i = 0; vballoon_device_run(traditional.device); i++) {
		assert_true(i < 100);
		bed_add_pages(&memory, AT + 32 * MIB + i * PAGE, 1);
		if (!i)
			bed_add_pages(&memory, AT + (4 * RUN_PAGES - 1) * PAGE, 1);
	}
	assert_true(trad_answered(&traditional, DEFLATE));
	assert_int_equal(held(&traditional), 0);
	assert_int_equal(bed_status(&traditional).returned_pages, 4 * RUN_PAGES - 1);
	assert_int_equal(bed_status(&traditional).refused_entries[VBALLOON_REFUSED_NOT_HELD], 1);
}

/* Who owns each page, as the guest has it. */
enum owner { GUEST, MEMORY_BALLOON, TRADITIONAL_BALLOON };

#define LIFE_PAGES 1024U
#define AT_ONCE 8U /* that a guest gives or takes */

static enum owner owners[LIFE_PAGES];
static bool under_way; /* a WITHDRAW of a driver that lives */

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
 * has gone has is the guest's, and what is about to be handed back may be off the record. */
static void judge(bool memory_lives, bool traditional_lives)
{
	unsigned int in_memory[LIFE_PAGES] = { 0 }, in_traditional[LIFE_PAGES] = { 0 };
	uint64_t of_memory = 0, of_traditional = 0;

	vballoon_device_each_held(memory.device, mark, in_memory);
	vballoon_device_each_held(traditional.device, mark, in_traditional);
	for (unsigned int i = 0; i < LIFE_PAGES; i++) {
		assert_true(in_memory[i] + in_traditional[i] <= 1);
		if (memory_lives && !(under_way && owners[i] == MEMORY_BALLOON))
			assert_int_equal(in_memory[i], owners[i] == MEMORY_BALLOON);
		if (traditional_lives)
			assert_int_equal(in_traditional[i], owners[i] == TRADITIONAL_BALLOON);
		of_memory += in_memory[i];
		of_traditional += in_traditional[i];
	}
	assert_int_equal(held(&memory), of_memory);
	assert_int_equal(held(&traditional), of_traditional);
	memory.call_count = traditional.call_count = 0;
}

/* The memory balloon's driver has these pages again. */
static void take_entry(uint64_t entry)
{
	uint64_t first = (bed_entry_gpa(entry) - AT) / PAGE;

	for (uint64_t i = 0; i < bed_entry_pages(entry); i++) {
		assert_int_equal(owners[first + i], MEMORY_BALLOON);
		owners[first + i] = GUEST;
	}
}

/* Let the memory balloon run once, and hear whether it has answered. */
static bool run_once(void)
{
	bool left = vballoon_device_run(memory.device);
	const __le64 *entries;
	uint64_t token;
	uint32_t written;

	if (!under_way || vballoon_driver_ring_collect(&memory.rings[TODEV].driver, &token,
						       &written) != VBALLOON_COLLECT_ONE)
		return left;
	under_way = false;
	entries = (const __le64 *)(void *)guest_memory_at(&memory.guest, token, ANSWER_BYTES);
	for (uint32_t i = 0; i < written / sizeof(*entries); i++)
		take_entry(vballoon_le64(entries[i]));
	return left;
}

/* The driver sends nothing else as long as it waits. */
static void hear_answer(void)
{
	while (under_way)
		assert_true(run_once() || !under_way);
}

static void ask_back(void)
{
	const struct virtio_memory_balloon_withdraw message = {
		.msg.type = vballoon_le32(VIRTIO_MEMORY_BALLOON_MSG_WITHDRAW),
		.most = vballoon_le64(draw(LIFE_PAGES)),
	};

	hear_answer();
	bed_post(&memory, &message, sizeof(message), ANSWER_BYTES);
	under_way = true;
	run_once();
}

/* Mostly pages that are the guest's. */
static void give(enum owner to)
{
	bool any = !draw(8);

	if (to == MEMORY_BALLOON)
		hear_answer();
	for (unsigned int i = 0; i < AT_ONCE; i++) {
		unsigned int page = draw(LIFE_PAGES);

		if (owners[page] == to || (owners[page] != GUEST && !any))
			continue;
		if (to == MEMORY_BALLOON)
			bed_add_pages(&memory, AT + page * PAGE, 1);
		else
			trad_say_up(&traditional, INFLATE, AT + page * PAGE, 1);
		owners[page] = to;
	}
}

static void deflate(void)
{
	for (unsigned int i = 0; i < AT_ONCE; i++) {
		unsigned int page = draw(LIFE_PAGES);

		if (owners[page] != TRADITIONAL_BALLOON)
			continue;
		trad_say_up(&traditional, DEFLATE, AT + page * PAGE, 1);
		owners[page] = GUEST;
	}
}

static void lose(enum owner who)
{
	for (unsigned int i = 0; i < LIFE_PAGES; i++)
		owners[i] = owners[i] == who ? GUEST : owners[i];
}

/* A guest gives and takes through both, and its drivers come and go without a word. */
static void a_random_life_keeps_one_owner_a_page(void **state)
{
	bool memory_lives = true, traditional_lives = true;
	unsigned int unfinished = 0;
	uint64_t epoch = 100;

	(void)state;
	under_way = false;
	lose(MEMORY_BALLOON);
	lose(TRADITIONAL_BALLOON);
	bed_greet(&memory, 12);
	trad_start(&traditional, TRAD_BOTH);
	for (unsigned int step = 0; step < 4000; step++) {
		unsigned int what = draw(100);

		if (what < 30 && memory_lives) {
			give(MEMORY_BALLOON);
		} else if (what < 33 && memory_lives) {
			ask_back();
			unfinished += under_way;
		} else if (what < 38) {
			run_once();
		} else if (what < 75 && traditional_lives) {
			(what < 65 ? give(TRADITIONAL_BALLOON) : deflate());
		} else if (what == 90 && traditional_lives) {
			trad_stop(&traditional);
			lose(TRADITIONAL_BALLOON);
			traditional_lives = false;
		} else if (what == 91 && memory_lives) {
			lose(MEMORY_BALLOON);
			memory_lives = under_way = false;
		} else if (what == 92 && !traditional_lives) {
			trad_start(&traditional, TRAD_BOTH);
			bed_run(&traditional);
			traditional_lives = true;
		} else if (what == 93 && !memory_lives) {
			bed_start_queues(&memory);
			bed_hello(&memory, epoch++, 12, 0);
			memory_lives = true;
		}
		judge(memory_lives, traditional_lives);
	}
	assert_true(unfinished > 10);
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
		CASE(whose_place_was_taken_is_of_no_pair_any_more),
		CASE(what_goes_over_while_it_is_withdrawn_is_not_handed_back),
		CASE(what_an_unfinished_answer_has_can_go_over),
		CASE(what_goes_over_while_it_is_exchanged_is_not_taken),
		CASE(a_deflate_under_way_goes_on_beside_the_other),
		cmocka_unit_test_setup_teardown(a_random_life_keeps_one_owner_a_page, setup_small,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
