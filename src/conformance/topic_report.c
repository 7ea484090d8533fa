/* SPDX-License-Identifier: BSD-3-Clause */
/* REPORT: free memory that stays the guest's; and what F_ZEROED promises of every page. */
#include <string.h>

#include "base/le.h"
#include "conformance/message.h"
#include "conformance/place.h"
#include "conformance/topics.h"

#define F_REPORT (VBALLOON_F(REPORTING) | VBALLOON_F(PAGE_RUNS))
#define F_ZEROED VBALLOON_F(ZEROED)
#define F_EXCHANGE VBALLOON_F(EXCHANGE)
#define SAMPLE 64U /* bytes of a page that are looked at */
#define GOOD 40 /* a page of the balloon that is free */

/* Report up to three entries, with room for @room verdicts: these. */
static const uint8_t *report_for(struct vballoon_trial *trial, const uint64_t *entries,
				 uint32_t count, uint32_t room)
{
	uint64_t message[4] = { vballoon_le64(VIRTIO_MEMORY_BALLOON_MSG_REPORT) };
	uint32_t written, most = room < count ? room : count;

	for (uint32_t i = 0; i < count; i++)
		message[1 + i] = vballoon_le64(entries[i]);
	written = vballoon_driver_say(trial, message, 8 + 8 * count, room);
	vballoon_require(trial, written == most, "REPORT was answered with %u bytes, not %u",
			 written, most);
	return vballoon_driver_said(trial);
}

static void report(struct vballoon_trial *trial, const uint64_t *entries, uint32_t count)
{
	report_for(trial, entries, count, 0);
}

static void fill(struct vballoon_trial *trial, uint64_t gpa, int with)
{
	memset(vballoon_trial_at(trial, gpa), with, SAMPLE);
}

static bool is_filled(struct vballoon_trial *trial, uint64_t gpa, int with)
{
	const unsigned char *at = vballoon_trial_at(trial, gpa);

	for (unsigned int i = 0; i < SAMPLE; i++) {
		if (at[i] != with)
			return false;
	}
	return true;
}

static void is_not_held(struct vballoon_trial *trial, const void *how)
{
	const uint64_t entry = vballoon_trial_page(trial, GOOD) | 7;

	(void)how;
	report(trial, &entry, 1);
	vballoon_require(trial, !vballoon_driver_hello_again(trial, 0),
			 "reported pages are on the record");
}

static void is_the_guests_again(struct vballoon_trial *trial, const void *how)
{
	const uint64_t entry = vballoon_trial_page(trial, GOOD);

	(void)how;
	fill(trial, entry, 1);
	report(trial, &entry, 1);
	fill(trial, entry, 0x2d);
	vballoon_driver_give(trial, 0, 3);
	vballoon_driver_take_all(trial, 3);
	vballoon_require(trial, is_filled(trial, entry, 0x2d),
			 "a reported page changed after the answer");
}

/* What was reported can be given to the balloon like any page. */
static void may_be_added_later(struct vballoon_trial *trial, const void *how)
{
	const uint64_t entry = vballoon_trial_page(trial, GOOD);

	(void)how;
	report(trial, &entry, 1);
	vballoon_require(trial, vballoon_driver_add_one(trial, entry) == 1,
			 "a page that was reported before was refused");
	vballoon_driver_take_all(trial, 1);
}

static void nothing_is_a_report(struct vballoon_trial *trial, const void *how)
{
	(void)how;
	report(trial, NULL, 0);
	report_for(trial, NULL, 0, 4);
}

static void verdicts_go_as_far_as_room(struct vballoon_trial *trial, const void *how)
{
	const uint64_t entries[3] = { 0, vballoon_trial_page(trial, GOOD),
				      vballoon_trial_page(trial, GOOD + 8) };

	(void)how;
	for (uint32_t room = 0; room < 6; room++) {
		const uint8_t *said;

		memset(vballoon_trial_at(trial, trial->layout.base + VBALLOON_PLACE_WRITABLE), 9,
		       6);
		said = report_for(trial, entries, 3, room);
		for (uint32_t i = 0; i < 6; i++) {
			if (i < room && i < 3)
				vballoon_require(trial, said[i] <= 1,
						 "the verdict on entry %u is %u", i, said[i]);
			else
				vballoon_require(trial, said[i] == 9, "byte %u of %u was written",
						 i, room);
		}
	}
}

/* One entry that is passed over, beside one that is not; what it names is as it was, as
 * far as that is the guest's memory. */
struct passed {
	struct vballoon_place_row row;
	bool held; /* the page is given to the balloon before */
	int64_t looked_at; /* pages from the row's place on that must stay; below 0: none is */
};

static void passed_over(struct vballoon_trial *trial, const void *how)
{
	const struct passed *passed = how;
	struct vballoon_place_row spot = { passed->row.place, passed->looked_at, 0, 0, 0 };
	uint64_t seen = vballoon_place_entry(trial, &spot) + trial->layout.page - SAMPLE;
	uint64_t entries[2] = { vballoon_place_entry(trial, &passed->row),
				vballoon_trial_page(trial, GOOD) };
	bool look = vballoon_front_end_at(&trial->front_end, seen) && !passed->held;
	uint64_t held = passed->held;
	const uint8_t *verdicts;

	if (passed->held)
		vballoon_require(trial, vballoon_driver_add_one(trial, entries[0]) == 1,
				 "a sound page was refused");
	if (look)
		fill(trial, seen, 0x71);
	verdicts = report_for(trial, entries, 2, 2);
	vballoon_require(trial, !verdicts[0], "the verdict on it is %u", verdicts[0]);
	vballoon_require(trial, verdicts[1] <= 1, "the verdict on its neighbour is %u",
			 verdicts[1]);
	vballoon_require(trial, !look || is_filled(trial, seen, 0x71),
			 "a page of an entry that has to be passed over has changed");
	vballoon_require(trial, vballoon_driver_hello_again(trial, 0) == held,
			 "a report has changed the record");
}

static void before_hello(struct vballoon_trial *trial, const void *how)
{
	const uint64_t entry = vballoon_trial_page(trial, GOOD);
	struct virtio_memory_balloon_req request;

	(void)how;
	fill(trial, entry, 0x17);
	vballoon_require(trial, !*report_for(trial, &entry, 1, 1),
			 "the verdict was 1 on a page that was reported before HELLO");
	vballoon_require(trial, is_filled(trial, entry, 0x17),
			 "a page changed that was reported before HELLO");
	vballoon_driver_await(trial, VIRTIO_MEMORY_BALLOON_REQ_HELLO, &request);
}

/* F_ZEROED: a page that comes back reads as zeros. */
static void withdrawn_is_zero(struct vballoon_trial *trial, const void *how)
{
	const uint64_t page = vballoon_trial_page(trial, 4);

	(void)how;
	fill(trial, page, 0xee);
	vballoon_driver_give(trial, 4, 1);
	vballoon_driver_take_all(trial, 1);
	vballoon_require(trial, is_filled(trial, page, 0), "a page came back that is not zero");
}

static void touched_then_withdrawn(struct vballoon_trial *trial, const void *how)
{
	const uint64_t page = vballoon_trial_page(trial, 4);

	(void)how;
	fill(trial, page, 0xee);
	vballoon_driver_give(trial, 4, 1);
	vballoon_driver_hello_again(trial, 0);
	vballoon_driver_take_all(trial, 1);
	vballoon_require(trial, is_filled(trial, page, 0),
			 "a page that was dropped before came back not zero");
}

static void exchanged_is_zero(struct vballoon_trial *trial, const void *how)
{
	const uint64_t page = vballoon_trial_page(trial, 4);
	const uint64_t message[3] = { vballoon_le64(VIRTIO_MEMORY_BALLOON_MSG_EXCHANGE),
				      vballoon_le64(UINT64_MAX), vballoon_le64(page) };

	(void)how;
	fill(trial, page, 0xee);
	vballoon_driver_give(trial, 4, 1);
	vballoon_require(trial,
			 vballoon_driver_say(trial, message, sizeof(message), 1) == 1 &&
				 *(const uint8_t *)vballoon_driver_said(trial) == 1,
			 "a held page could not be taken");
	vballoon_require(trial, is_filled(trial, page, 0), "a page was taken that is not zero");
}

static void reported_is_zero(struct vballoon_trial *trial, const void *how)
{
	const uint64_t entry = vballoon_trial_page(trial, GOOD);

	(void)how;
	fill(trial, entry, 0xee);
	report(trial, &entry, 1);
	vballoon_require(trial, is_filled(trial, entry, 0), "a reported page is not zero");
}

/* Both ways: what is zero is called so, and what is called so is zero. */
static void verdict_is_zeros(struct vballoon_trial *trial, const void *how)
{
	const uint64_t entry = vballoon_trial_page(trial, GOOD);

	(void)how;
	fill(trial, entry, 0xee);
	vballoon_require(trial, *report_for(trial, &entry, 1, 1) == 1,
			 "the verdict on a page that can be had is not 1");
	vballoon_require(trial, is_filled(trial, entry, 0),
			 "a page with the verdict 1 is not zero");
}

#define STAGE VBALLOON_STAGE_GREETED
#define DOES(its_name, its_clause, function, its_needs)                                            \
	{                                                                                          \
		its_name, its_clause, function, NULL, false, STAGE, its_needs, 0                   \
	}
#define PASSED_WITHOUT(its_lacks, its_name, its_clause, ...)                                       \
	{                                                                                          \
		its_name, its_clause, passed_over, &(const struct passed){ __VA_ARGS__ }, true,    \
			STAGE, F_REPORT, its_lacks                                                 \
	}
#define PASSED(...) PASSED_WITHOUT(0, __VA_ARGS__)
#define SAYS(function, its_name, its_clause, its_type, ...)                                        \
	{                                                                                          \
		its_name, its_clause, function,                                                    \
			&(const struct vballoon_message_row){                                      \
				.type = VIRTIO_MEMORY_BALLOON_MSG_##its_type, __VA_ARGS__          \
			},                                                                         \
			true, STAGE, F_REPORT, 0                                                   \
	}
#define STOPS(...) SAYS(vballoon_message_stops, __VA_ARGS__)
#define TAKEN(...) SAYS(vballoon_message_is_taken, __VA_ARGS__)
#define PAGE                                                                                       \
	{                                                                                          \
		VBALLOON_WORD_PAGE                                                                 \
	}

static const struct vballoon_case cases[] = {
	DOES("is-not-held", "DEV-REPORT-1", is_not_held, F_REPORT),
	DOES("is-the-guests-again", "DEV-REPORT-2", is_the_guests_again, F_REPORT),
	DOES("may-be-added-later", "DEV-REPORT-8", may_be_added_later, F_REPORT),
	DOES("nothing", "DEV-REPORT-5", nothing_is_a_report, F_REPORT),
	DOES("zeroed-when-withdrawn", "DEV-ZEROED-1", withdrawn_is_zero, F_ZEROED),
	DOES("zeroed-when-dropped", "DEV-ZEROED-1", touched_then_withdrawn, F_ZEROED),
	DOES("zeroed-when-taken", "DEV-ZEROED-2", exchanged_is_zero, F_ZEROED | F_EXCHANGE),
	DOES("zeroed-when-reported", "DEV-ZEROED-3", reported_is_zero, F_ZEROED | F_REPORT),
	DOES("zeroed-when-told-so", "DEV-ZEROED-5", verdict_is_zeros, F_ZEROED | F_REPORT),
	DOES("verdicts-go-as-far-as-room", "DEV-REPORT-9", verdicts_go_as_far_as_room, F_REPORT),

	PASSED("address-zero", "DEV-REPORT-3", { PLACE_ZERO, .pages = 0 }, .looked_at = 0),
	PASSED("in-a-hole", "DEV-REPORT-3", { PLACE_HOLE, .pages = 0 }, .looked_at = 0),
	PASSED("behind-memory", "DEV-REPORT-3", { PLACE_END, .pages = 0 }, .looked_at = 0),
	PASSED("run-into-a-hole", "DEV-REPORT-3", { PLACE_HOLE, .pages = -2, .units = 3 },
	       .looked_at = -2),
	PASSED("run-out-of-a-hole", "DEV-REPORT-3", { PLACE_ISLAND, .pages = -1, .units = 2 },
	       .looked_at = 0),
	PASSED("run-beyond-all-addresses", "DEV-REPORT-3", { PLACE_ZERO, .pages = -1, .units = 2 },
	       .looked_at = 0),
	PASSED("held-page", "DEV-REPORT-3", { PLACE_BALLOON, .pages = 9 }, .held = true),
	PASSED_WITHOUT(F_ZEROED, "held-page-not-zeroed", "DEV-REPORT-11",
		       { PLACE_BALLOON, .pages = 9 }, .held = true),
	PASSED_WITHOUT(F_ZEROED, "in-a-hole-not-zeroed", "DEV-REPORT-11",
		       { PLACE_HOLE, .pages = 0 }, .looked_at = 0),
	PASSED("ring-of-todevq", "DEV-REPORT-3", { PLACE_RING_1, .pages = 0 }, .looked_at = 0),
	PASSED("run-with-a-ring-in-it", "DEV-REPORT-4", { PLACE_BASE, .units = 64 },
	       .looked_at = 12),
	{ "before-hello", "DEV-REPORT-6", before_hello, NULL, true, VBALLOON_STAGE_RUNNING,
	  F_REPORT, 0 },
	TAKEN("done-that-was-not-asked-for", "DEV-REPORT-7", REPORT_DONE, .readable = 16,
	      .body = { 1 }),
	TAKEN("done-with-an-id-all-ones", "DEV-REPORT-7", REPORT_DONE, .readable = 16,
	      .body = { UINT64_MAX }),

	STOPS("half-an-entry", "DEV-MSG-7", REPORT, .readable = 12, .body = PAGE),
	STOPS("entry-less-a-byte", "DEV-MSG-7", REPORT, .readable = 15, .body = PAGE),
	STOPS("flag-one", "DEV-MSG-6", REPORT, .flags = 1, .readable = 16, .body = PAGE),
	STOPS("flag-of-the-sign-bit", "DEV-MSG-6", REPORT, .flags = 0x80000000, .readable = 16,
	      .body = PAGE),
	STOPS("65537-entries", "DEV-MSG-9", REPORT, .readable = 8 + 8 * 65537),
	STOPS("done-without-an-id", "DEV-MSG-4", REPORT_DONE, .readable = 8),
	STOPS("done-with-half-an-id", "DEV-MSG-4", REPORT_DONE, .readable = 12, .body = { 1 }),
	STOPS("done-with-two-ids", "DEV-MSG-8", REPORT_DONE, .readable = 24, .body = { 1, 2 }),
	STOPS("done-with-a-flag", "DEV-MSG-6", REPORT_DONE, .flags = 1, .readable = 16,
	      .body = { 1 }),
	STOPS("done-with-room", "DEV-MSG-12", REPORT_DONE, .readable = 16, .writable = 8,
	      .body = { 1 }),
};

VBALLOON_TOPIC(vballoon_topic_report, "report", VBALLOON_RING_ANY,
	       "REPORT: free memory that stays the guest's; zeroed pages", cases);
