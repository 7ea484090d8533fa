/* SPDX-License-Identifier: BSD-3-Clause */
/* WITHDRAW: pages come back, as the device chooses. */
#include <string.h>

#include "base/le.h"
#include "conformance/message.h"
#include "conformance/topics.h"

#define F_REASON VBALLOON_F(WITHDRAW_REASON)
#define BODY                                                                                       \
	{                                                                                          \
		4                                                                                  \
	}

#define STOPS(its_name, its_clause, its_needs, its_lacks, ...)                                     \
	{                                                                                          \
		.name = its_name, .clause = its_clause, .run = vballoon_message_stops,             \
		.how =                                                                             \
			&(const struct vballoon_message_row){                                      \
				.type = VIRTIO_MEMORY_BALLOON_MSG_WITHDRAW, __VA_ARGS__            \
			},                                                                         \
		.negative = true, .stage = VBALLOON_STAGE_GREETED, .needs = its_needs,             \
		.lacks = its_lacks                                                                 \
	}
#define DOES(its_name, its_clause, function, ...)                                                  \
	{                                                                                          \
		.name = its_name, .clause = its_clause, .run = function,                           \
		.stage = VBALLOON_STAGE_GREETED, __VA_ARGS__                                       \
	}

#define GIVEN 24U /* pages that most cases give first */

/* Every entry names pages that were given, none of them twice. */
static uint64_t check_entries(struct vballoon_trial *trial, const uint64_t *entries, uint32_t count,
			      uint8_t *seen)
{
	const struct vballoon_layout *layout = &trial->layout;
	uint64_t total = 0;

	for (uint32_t i = 0; i < count; i++) {
		uint64_t pages = vballoon_driver_entry_pages(trial, entries[i]);
		uint64_t low = vballoon_trial_has(trial, VBALLOON_F(PAGE_RUNS))
				       ? entries[i] & (layout->page - 1)
				       : 0;
		uint64_t first = (entries[i] - low - layout->balloon) / layout->page;

		vballoon_require(
			trial, !((entries[i] - low) & ((UINT64_C(1) << trial->unit_shift) - 1)),
			"entry 0x%llx is not aligned to a unit", (unsigned long long)entries[i]);
		for (uint64_t page = first; page < first + pages; page++) {
			vballoon_require(trial, page < GIVEN,
					 "entry 0x%llx has a page that was not given",
					 (unsigned long long)entries[i]);
			vballoon_require(trial, !seen[page], "page %llu came back twice",
					 (unsigned long long)page);
			seen[page] = 1;
		}
		total += pages;
	}
	return total;
}

/* What is asked for, with room for how much: never more, and nothing that was not given. */
struct asked {
	uint64_t most;
	uint32_t room;
	uint64_t at_most; /* pages that may come */
};

static void never_more(struct vballoon_trial *trial, const void *how)
{
	const struct asked *asked = how;
	uint8_t seen[GIVEN] = { 0 };
	uint64_t entries[64], taken;
	uint32_t count;

	vballoon_driver_give(trial, 0, GIVEN);
	count = vballoon_driver_withdraw(trial, asked->most, 0, entries, asked->room);
	vballoon_require(trial, count <= asked->room, "%u entries came, with room for %u", count,
			 asked->room);
	taken = check_entries(trial, entries, count, seen);
	vballoon_require(trial, taken <= asked->at_most, "%llu pages came back of at most %llu",
			 (unsigned long long)taken, (unsigned long long)asked->at_most);
	vballoon_require(trial, vballoon_driver_hello_again(trial, 0) == GIVEN - taken,
			 "the record does not hold what did not come back");
}

static void everything_comes_once(struct vballoon_trial *trial, const void *how)
{
	uint8_t seen[GIVEN] = { 0 };
	uint64_t entries[4], taken = 0;
	uint32_t count;

	(void)how;
	vballoon_driver_give(trial, 0, GIVEN);
	do {
		count = vballoon_driver_withdraw(trial, 5, 0, entries, 4);
		taken += check_entries(trial, entries, count, seen);
	} while (count);
	vballoon_require(trial, taken == GIVEN, "of %u pages %llu came back", GIVEN,
			 (unsigned long long)taken);
}

static void beyond_the_used_length_nothing_is_written(struct vballoon_trial *trial, const void *how)
{
	const unsigned char *said = vballoon_driver_said(trial);
	uint64_t entries[8];
	uint32_t count;

	(void)how;
	memset(vballoon_trial_at(trial, trial->layout.base + VBALLOON_PLACE_WRITABLE), 0x77, 256);
	vballoon_driver_give(trial, 0, 1);
	memset(vballoon_trial_at(trial, trial->layout.base + VBALLOON_PLACE_WRITABLE), 0x77, 256);
	count = vballoon_driver_withdraw(trial, 1, 0, entries, 1);
	for (unsigned int i = count * 8; i < 256; i++)
		vballoon_require(trial, said[i] == 0x77, "byte %u behind the answer was written",
				 i);
}

/* Room that is no whole number of entries. */
static void room_less_than_an_entry(struct vballoon_trial *trial, const void *how)
{
	struct virtio_memory_balloon_withdraw withdraw = {
		.msg.type = vballoon_le32(VIRTIO_MEMORY_BALLOON_MSG_WITHDRAW),
		.most = vballoon_le64(4),
	};
	const uint32_t *room = how;
	uint32_t written;

	vballoon_driver_give(trial, 0, 4);
	written = vballoon_driver_say(trial, &withdraw, sizeof(withdraw), *room);
	vballoon_require(trial, written <= *room / 8 * 8, "with room for %u bytes %u were written",
			 *room, written);
	vballoon_driver_hello_again(trial, 0);
}

static void returned_page_is_off_the_record(struct vballoon_trial *trial, const void *how)
{
	uint64_t entry;

	(void)how;
	vballoon_driver_give(trial, 3, 1);
	vballoon_require(trial, vballoon_driver_withdraw(trial, 1, 0, &entry, 1) == 1,
			 "the only page did not come back");
	vballoon_require(trial, !vballoon_driver_hello_again(trial, 0),
			 "a page that came back is on the record");
	vballoon_require(trial, !vballoon_driver_withdraw(trial, 1, 0, &entry, 1),
			 "it came back a second time");
}

/* What is written to a page that came back, stays. */
static void returned_page_is_the_guests(struct vballoon_trial *trial, const void *how)
{
	unsigned char *at = vballoon_trial_at(trial, vballoon_trial_page(trial, 3));

	(void)how;
	vballoon_driver_give(trial, 3, 1);
	vballoon_driver_take_all(trial, 1);
	memset(at, 0x3c, 64);
	vballoon_driver_give(trial, 5, 1);
	vballoon_driver_take_all(trial, 1);
	vballoon_driver_hello_again(trial, 0);
	for (unsigned int i = 0; i < 64; i++)
		vballoon_require(trial, at[i] == 0x3c, "a page changed after it came back");
}

static void touched_page_harms_nothing(struct vballoon_trial *trial, const void *how)
{
	(void)how;
	vballoon_driver_give(trial, 0, 2);
	*vballoon_trial_at(trial, vballoon_trial_page(trial, 0)) = 1;
	vballoon_require(trial, vballoon_driver_hello_again(trial, 0) == 2,
			 "a page that was touched has left the record");
	vballoon_driver_take_all(trial, 2);
}

static void whole_units_only(struct vballoon_trial *trial, const void *how)
{
	const struct asked *asked = how;
	uint8_t seen[GIVEN] = { 0 };
	uint64_t entries[8];
	uint64_t taken;
	uint32_t count;

	vballoon_driver_hello(trial, vballoon_driver_unit(trial, 2), 0);
	vballoon_require(trial,
			 vballoon_driver_add_one(trial, vballoon_trial_page(trial, 0)) &&
				 vballoon_driver_add_one(trial, vballoon_trial_page(trial, 4)),
			 "units of four pages were refused");
	count = vballoon_driver_withdraw(trial, asked->most, 0, entries, asked->room);
	taken = check_entries(trial, entries, count, seen);
	vballoon_require(trial, taken <= asked->at_most,
			 "for %llu pages, units of %llu in all came back",
			 (unsigned long long)asked->most, (unsigned long long)taken);
}

static void reason_is_answered(struct vballoon_trial *trial, const void *how)
{
	const uint32_t *flags = how;
	uint64_t entries[4];
	uint8_t seen[GIVEN] = { 0 };
	uint32_t count;

	vballoon_driver_give(trial, 0, 4);
	count = vballoon_driver_withdraw(trial, 4, *flags, entries, 4);
	vballoon_require(trial, check_entries(trial, entries, count, seen) <= 4,
			 "more came back than was asked for");
}

static const struct vballoon_case cases[] = {
	DOES("everything-once", "DEV-WITHDRAW-1", everything_comes_once),
	DOES("one-of-many", "DEV-WITHDRAW-2", never_more, .how = &(const struct asked){ 1, 8, 1 }),
	DOES("some-of-many", "DEV-WITHDRAW-2", never_more,
	     .how = &(const struct asked){ 7, 64, 7 }),
	DOES("nothing-written-behind", "DEV-WITHDRAW-7", beyond_the_used_length_nothing_is_written),
	DOES("off-the-record", "DEV-WITHDRAW-5", returned_page_is_off_the_record),
	DOES("is-the-guests-again", "DEV-WITHDRAW-15", returned_page_is_the_guests),
	DOES("units-of-four-pages", "DEV-WITHDRAW-4", whole_units_only,
	     .how = &(const struct asked){ 5, 8, 4 }),
	DOES("reason-target", "DEV-REASON-4", reason_is_answered, .how = &(const uint32_t){ 0 },
	     .needs = F_REASON),
	DOES("reason-pressure", "DEV-REASON-4", reason_is_answered, .how = &(const uint32_t){ 1 },
	     .needs = F_REASON),
	DOES("reason-out-of-memory", "DEV-REASON-4", reason_is_answered,
	     .how = &(const uint32_t){ 2 }, .needs = F_REASON),

	DOES("zero-pages", "DEV-WITHDRAW-9", never_more, .negative = true,
	     .how = &(const struct asked){ 0, 8, 0 }),
	DOES("more-than-is-held", "DEV-WITHDRAW-1", never_more, .negative = true,
	     .how = &(const struct asked){ 1000, 64, GIVEN }),
	DOES("all-ones", "DEV-WITHDRAW-2", never_more, .negative = true,
	     .how = &(const struct asked){ UINT64_MAX, 64, GIVEN }),
	DOES("no-room", "DEV-WITHDRAW-8", never_more, .negative = true,
	     .how = &(const struct asked){ 8, 0, 0 }),
	DOES("room-of-seven-bytes", "DEV-WITHDRAW-8", room_less_than_an_entry, .negative = true,
	     .how = &(const uint32_t){ 7 }),
	DOES("room-of-an-entry-and-a-half", "DEV-WITHDRAW-8", room_less_than_an_entry,
	     .negative = true, .how = &(const uint32_t){ 12 }),
	DOES("less-than-a-unit", "DEV-WITHDRAW-4", whole_units_only, .negative = true,
	     .how = &(const struct asked){ 3, 8, 0 }),
	DOES("touched-while-held", "DEV-MEM-8", touched_page_harms_nothing, .negative = true),

	STOPS("no-count", "DEV-MSG-4", 0, 0, .readable = 8, .writable = 8),
	STOPS("count-cut-off", "DEV-MSG-4", 0, 0, .readable = 12, .writable = 8, .body = BODY),
	STOPS("count-less-a-byte", "DEV-MSG-4", 0, 0, .readable = 15, .writable = 8, .body = BODY),
	STOPS("a-byte-too-many", "DEV-MSG-8", 0, 0, .readable = 17, .writable = 8, .body = BODY),
	STOPS("entries-that-are-readable", "DEV-MSG-8", 0, 0, .readable = 48, .writable = 8,
	      .body = BODY),
	STOPS("pressure-without-the-feature", "DEV-REASON-1", 0, F_REASON, .flags = 1,
	      .readable = 16, .writable = 8, .body = BODY),
	STOPS("out-of-memory-without-the-feature", "DEV-REASON-1", 0, F_REASON, .flags = 2,
	      .readable = 16, .writable = 8, .body = BODY),
	STOPS("reason-behind-the-last", "DEV-REASON-2", F_REASON, 0, .flags = 3, .readable = 16,
	      .writable = 8, .body = BODY),
	STOPS("reason-of-the-high-half", "DEV-REASON-2", F_REASON, 0, .flags = 0x10001,
	      .readable = 16, .writable = 8, .body = BODY),
	STOPS("reason-of-the-sign-bit", "DEV-REASON-2", F_REASON, 0, .flags = 0x80000000,
	      .readable = 16, .writable = 8, .body = BODY),
};

VBALLOON_TOPIC(vballoon_topic_withdraw, "withdraw", VBALLOON_RING_ANY, "WITHDRAW: pages come back",
	       cases);
