/* SPDX-License-Identifier: BSD-3-Clause */
/* The traditional balloon: pages by their numbers, given through inflateq, taken back through
 * deflateq. */
#include <string.h>

#include "base/le.h"
#include "conformance/place.h"
#include "conformance/topics.h"
#include "conformance/trad.h"

#define PAGE_BYTES UINT64_C(4096)
#define GUARD 32 /* pages of the balloon that are the guest's throughout */
#define GUARDS 16U
#define THEIRS 0x39
#define OURS 0xc6

/* A page number: of a place, and so much more; or as it is. */
struct number {
	struct vballoon_place_row row;
	uint32_t more;
	unsigned int role;
};

static uint64_t guard_at(const struct vballoon_trial *trial)
{
	return vballoon_trial_page(trial, GUARD);
}

static void guard_set(struct vballoon_trial *trial)
{
	vballoon_trad_fill(trial, guard_at(trial), GUARDS * PAGE_BYTES, THEIRS);
}

static void guard_check(struct vballoon_trial *trial)
{
	vballoon_trad_lapse(trial);
	vballoon_trad_expect(trial, guard_at(trial), GUARDS * PAGE_BYTES, THEIRS,
			     "a page that was not given");
}

/* What was taken back is the guest's for good. */
static void is_ours(struct vballoon_trial *trial, uint64_t gpa, unsigned int count)
{
	vballoon_trad_fill(trial, gpa, (uint64_t)count * PAGE_BYTES, OURS);
	vballoon_trad_quiesce(trial);
	vballoon_trad_expect(trial, gpa, (uint64_t)count * PAGE_BYTES, OURS,
			     "a page that was taken back");
}

/* Whether a message is answered; else the device has stopped for it. */
static bool is_answered(struct vballoon_trial *trial, unsigned int role)
{
	enum vballoon_trad_end end = vballoon_trad_settle(trial, role);

	vballoon_require(trial, end != VBALLOON_TRAD_SILENT,
			 "it neither answers nor says that it has stopped");
	if (end == VBALLOON_TRAD_STOPPED)
		guard_check(trial);
	return end == VBALLOON_TRAD_ANSWERED;
}

/* A number between two that are sound. It is passed over, or the device stops for it: in either
 * case nothing else is touched, and the sound ones go both ways. */
static void number_is_harmless(struct vballoon_trial *trial, const void *how)
{
	const struct number *number = how;
	uint64_t first = vballoon_trial_page(trial, 0), last = vballoon_trial_page(trial, 8);
	const uint32_t pfns[] = {
		vballoon_trad_pfn(first),
		vballoon_trad_pfn(vballoon_place_entry(trial, &number->row)) + number->more,
		vballoon_trad_pfn(last),
	};

	guard_set(trial);
	if (number->role == DEFLATE) {
		vballoon_trad_give(trial, first, 1);
		vballoon_trad_give(trial, last, 1);
	}
	vballoon_trad_post(trial, number->role, pfns, 3);
	if (!is_answered(trial, number->role))
		return;
	if (number->role == INFLATE) {
		vballoon_trad_take(trial, first, 1);
		vballoon_trad_take(trial, last, 1);
	}
	is_ours(trial, first, 1);
	is_ours(trial, last, 1);
	guard_check(trial);
	/* The queues are where they were. */
	vballoon_trad_work(trial, 2);
}

/* A message that lies in the first of the pages that it names, and its descriptors with it. */
struct inside {
	unsigned int role;
	bool table;
};

static void numbers_in_their_own_page(struct vballoon_trial *trial, const void *how)
{
	enum { COUNT = 256 };
	const struct inside *inside = how;
	const unsigned int index = vballoon_trad_index(trial, inside->role);
	const uint64_t gpa = vballoon_trial_page(trial, GUARD + GUARDS);
	const uint64_t table = gpa + 2048;
	const struct vballoon_driver_buffer buffer = { vballoon_gpa(gpa), COUNT * sizeof(__le32),
						       false };
	__le32 wire[COUNT];
	int ret;

	for (unsigned int i = 0; i < COUNT; i++)
		wire[i] = vballoon_le32(vballoon_trad_pfn(gpa) + i);
	guard_set(trial);
	if (inside->role == DEFLATE)
		vballoon_trad_give(trial, gpa, COUNT);
	memcpy(vballoon_trial_at(trial, gpa), wire, sizeof(wire));
	if (inside->table) {
		ret = vballoon_driver_ring_post_indirect(
			&trial->front_end.queues[index].driver, &buffer, 1,
			vballoon_trial_at(trial, table), vballoon_gpa(table), 0);
		vballoon_trial_check(trial, ret, "a message");
		vballoon_trial_check(trial, vballoon_front_end_kick(&trial->front_end, index),
				     "a kick");
	} else {
		vballoon_driver_post_chain(trial, index, &buffer, 1);
	}
	if (!is_answered(trial, inside->role))
		return;
	vballoon_trad_take(trial, gpa, COUNT);
	is_ours(trial, gpa, COUNT);
	guard_check(trial);
	vballoon_trad_work(trial, 2);
}

/* A message of bytes that are no array of numbers. */
struct bytes {
	uint32_t readable, writable;
	unsigned int role;
};

static void bytes_are_harmless(struct vballoon_trial *trial, const void *how)
{
	const struct bytes *bytes = how;
	uint8_t message[64];
	const uint32_t pfn = vballoon_le32(vballoon_trad_pfn(vballoon_trial_page(trial, 0)));

	for (unsigned int i = 0; i < sizeof(message); i++)
		message[i] = ((const uint8_t *)&pfn)[i % sizeof(pfn)];
	guard_set(trial);
	vballoon_trad_fill(trial, trial->layout.base + VBALLOON_PLACE_WRITABLE, 64, THEIRS);
	vballoon_driver_post_on(trial, vballoon_trad_index(trial, bytes->role), message,
				bytes->readable, bytes->writable);
	vballoon_require(trial, vballoon_trad_settle(trial, bytes->role) != VBALLOON_TRAD_SILENT,
			 "it neither answers nor says that it has stopped");
	vballoon_trad_expect(trial, trial->layout.base + VBALLOON_PLACE_WRITABLE, 64, THEIRS,
			     "the writable part of a message");
	guard_check(trial);
}

/* A message of all of a region: 65 MiB, 17 million numbers. */
static void endless(struct vballoon_trial *trial, const void *how)
{
	const unsigned int *role = how;
	const struct vballoon_driver_buffer buffer = {
		vballoon_gpa(trial->layout.balloon),
		(uint32_t)(trial->layout.seam - trial->layout.balloon), false
	};

	vballoon_driver_post_chain(trial, vballoon_trad_index(trial, *role), &buffer, 1);
	vballoon_require(trial, vballoon_trad_settle(trial, *role) != VBALLOON_TRAD_SILENT,
			 "it neither answers nor says that it has stopped");
}

/* Pages that are given in one message and taken back in another. */
struct pages {
	unsigned int first, count;
	int step; /* between one number and the next */
	bool at_seam; /* from there on, and not from the beginning */
};

static void say_pages(struct vballoon_trial *trial, unsigned int role, const struct pages *pages)
{
	uint64_t from = pages->at_seam ? trial->layout.seam : trial->layout.balloon;
	uint32_t pfns[1024];

	for (unsigned int i = 0; i < pages->count; i++)
		pfns[i] = vballoon_trad_pfn(from) + pages->first + (uint32_t)((int)i * pages->step);
	vballoon_trad_say(trial, role, pfns, pages->count);
}

static void there_and_back(struct vballoon_trial *trial, const void *how)
{
	const struct pages *pages = how;
	uint64_t from = pages->at_seam ? trial->layout.seam : trial->layout.balloon;

	say_pages(trial, INFLATE, pages);
	vballoon_trad_quiesce(trial);
	say_pages(trial, DEFLATE, pages);
	for (unsigned int i = 0; i < pages->count; i++)
		vballoon_trad_fill(trial,
				   from + (uint64_t)((int)pages->first + (int)i * pages->step) *
						   PAGE_BYTES,
				   PAGE_BYTES, OURS);
	vballoon_trad_quiesce(trial);
	for (unsigned int i = 0; i < pages->count; i++)
		vballoon_trad_expect(trial,
				     from + (uint64_t)((int)pages->first + (int)i * pages->step) *
						     PAGE_BYTES,
				     PAGE_BYTES, OURS, "a page that was taken back");
}

/* Of so many pages between others, these and no byte more. */
static void neighbours_stay(struct vballoon_trial *trial, const void *how)
{
	const struct pages *pages = how;
	uint64_t gpa = vballoon_trial_page(trial, pages->first);
	uint64_t bytes = (uint64_t)pages->count * PAGE_BYTES;

	vballoon_trad_fill(trial, gpa - PAGE_BYTES, bytes + 2 * PAGE_BYTES, THEIRS);
	say_pages(trial, INFLATE, pages);
	vballoon_trad_quiesce(trial);
	vballoon_trad_expect(trial, gpa - PAGE_BYTES, PAGE_BYTES, THEIRS, "the page before");
	vballoon_trad_expect(trial, gpa + bytes, PAGE_BYTES, THEIRS, "the page behind");
	vballoon_trad_take(trial, gpa, pages->count);
	is_ours(trial, gpa, pages->count);
}

/* A page with bit 31 in its number goes like any other. */
static void high_page(struct vballoon_trial *trial, const void *how)
{
	uint64_t gpa = trial->layout.high + 8 * PAGE_BYTES;
	uint64_t before;

	(void)how;
	vballoon_trad_needs_drop(trial, vballoon_trial_page(trial, 0));
	vballoon_trad_fill(trial, gpa, 8 * PAGE_BYTES, THEIRS);
	before = vballoon_front_end_memory_held(&trial->front_end);
	vballoon_trad_give(trial, gpa, 8);
	vballoon_require(
		trial,
		vballoon_trad_shrinks(trial, before - 8 * PAGE_BYTES, trial->setting->patience_ms),
		"pages at 0x%llx were given and did not go, where others do",
		(unsigned long long)gpa);
	vballoon_trad_take(trial, gpa, 8);
	is_ours(trial, gpa, 8);
}

/* A page twice, in a message or in two: it is given once, and taken back once. */
static void given_twice(struct vballoon_trial *trial, const void *how)
{
	const bool *in_one = how;
	uint64_t gpa = vballoon_trial_page(trial, 3);
	const uint32_t pfns[] = { vballoon_trad_pfn(gpa), vballoon_trad_pfn(gpa) };

	guard_set(trial);
	if (*in_one) {
		vballoon_trad_say(trial, INFLATE, pfns, 2);
	} else {
		vballoon_trad_say(trial, INFLATE, pfns, 1);
		vballoon_trad_say(trial, INFLATE, pfns, 1);
	}
	vballoon_trad_quiesce(trial);
	vballoon_trad_take(trial, gpa, 1);
	is_ours(trial, gpa, 1);
	guard_check(trial);
}

static void taken_twice(struct vballoon_trial *trial, const void *how)
{
	uint64_t gpa = vballoon_trial_page(trial, 3);

	(void)how;
	guard_set(trial);
	vballoon_trad_give(trial, gpa, 1);
	vballoon_trad_take(trial, gpa, 1);
	vballoon_trad_fill(trial, gpa, PAGE_BYTES, OURS);
	vballoon_trad_take(trial, gpa, 1);
	vballoon_trad_quiesce(trial);
	vballoon_trad_expect(trial, gpa, PAGE_BYTES, OURS, "a page that was taken back twice");
	guard_check(trial);
}

static void never_given(struct vballoon_trial *trial, const void *how)
{
	(void)how;
	guard_set(trial);
	vballoon_trad_take(trial, guard_at(trial), GUARDS);
	guard_check(trial);
	vballoon_trad_work(trial, 2);
}

/* A driver that need not tell uses pages of the balloon, and tells much later. */
static void used_without_a_word(struct vballoon_trial *trial, const void *how)
{
	const uint64_t gpa = vballoon_trial_page(trial, GUARD + GUARDS);

	(void)how;
	guard_set(trial);
	vballoon_trad_give(trial, gpa, 64);
	vballoon_trad_fill(trial, gpa, 32 * PAGE_BYTES, OURS);
	vballoon_trad_lapse(trial);
	vballoon_trad_expect(trial, gpa, 32 * PAGE_BYTES, OURS, "a page that is used");
	/* With its neighbours the balloon has more of what it lies in. */
	vballoon_trad_give(trial, gpa + 64 * PAGE_BYTES, 512);
	guard_check(trial);
	vballoon_trad_expect(trial, gpa, 32 * PAGE_BYTES, OURS, "a page that is used");
	vballoon_trad_take(trial, gpa, 64);
	is_ours(trial, gpa, 64);
	vballoon_trad_work(trial, 2);
}

/* Some of what is in the balloon, from its middle. */
static void taken_in_part(struct vballoon_trial *trial, const void *how)
{
	(void)how;
	vballoon_trad_give(trial, vballoon_trial_page(trial, 0), 64);
	vballoon_trad_take(trial, vballoon_trial_page(trial, 20), 9);
	is_ours(trial, vballoon_trial_page(trial, 20), 9);
	vballoon_trad_give(trial, vballoon_trial_page(trial, 100), 64);
	vballoon_trad_quiesce(trial);
	vballoon_trad_expect(trial, vballoon_trial_page(trial, 20), 9 * PAGE_BYTES, OURS,
			     "a page that was taken back");
	vballoon_trad_take(trial, vballoon_trial_page(trial, 0), 20);
	is_ours(trial, vballoon_trial_page(trial, 0), 20);
}

/* How the 16 bytes of four numbers are cut into descriptors. */
struct cuts {
	uint8_t lengths[6]; /* 0 ends them */
	unsigned int role;
};

static void say_pieces(struct vballoon_trial *trial, const struct cuts *cuts, uint64_t gpa)
{
	uint64_t at = trial->layout.base + VBALLOON_PLACE_READABLE;
	struct vballoon_driver_buffer buffers[6];
	unsigned int count;
	__le32 wire[4];

	for (unsigned int i = 0; i < 4; i++)
		wire[i] = vballoon_le32(vballoon_trad_pfn(gpa) + i);
	memcpy(vballoon_trial_at(trial, at), wire, sizeof(wire));
	for (count = 0; count < 6 && cuts->lengths[count]; count++) {
		buffers[count] = (struct vballoon_driver_buffer){ vballoon_gpa(at),
								  cuts->lengths[count], false };
		at += cuts->lengths[count];
	}
	vballoon_driver_post_chain(trial, cuts->role, buffers, count);
	vballoon_trad_answer(trial, cuts->role);
}

static void in_pieces(struct vballoon_trial *trial, const void *how)
{
	const struct cuts *cuts = how;
	uint64_t gpa = vballoon_trial_page(trial, 0);

	if (cuts->role == DEFLATE)
		vballoon_trad_give(trial, gpa, 4);
	guard_set(trial);
	say_pieces(trial, cuts, gpa);
	if (cuts->role == INFLATE)
		vballoon_trad_take(trial, gpa, 4);
	is_ours(trial, gpa, 4);
	guard_check(trial);
}

/* Not only what is in the first of them. */
static void all_pieces_go(struct vballoon_trial *trial, const void *how)
{
	uint64_t gpa = vballoon_trial_page(trial, 0);
	uint64_t before;

	vballoon_trad_needs_drop(trial, gpa);
	before = vballoon_front_end_memory_held(&trial->front_end);
	say_pieces(trial, how, gpa);
	vballoon_require(
		trial,
		vballoon_trad_shrinks(trial, before - 4 * PAGE_BYTES, trial->setting->patience_ms),
		"of what several descriptors name not all goes");
	vballoon_trad_take(trial, gpa, 4);
	is_ours(trial, gpa, 4);
}

/* Where a queue lies is not given away, whatever the driver says. */
static void ring_stays(struct vballoon_trial *trial, const void *how)
{
	const struct number *number = how;

	vballoon_trad_work(trial, 2);
	number_is_harmless(trial, number);
}

#define GREETED(its_name, its_clause, function, argument, is_negative)                             \
	{                                                                                          \
		its_name, its_clause, function, argument, is_negative, VBALLOON_STAGE_GREETED, 0,  \
			0                                                                          \
	}
#define NUMBER(its_role, its_name, its_clause, place, pages, its_more)                             \
	GREETED(its_name, its_clause, number_is_harmless,                                          \
		(&(const struct number){ { place, pages, 0, 0, 0 }, its_more, its_role }), true)
#define RING(its_role, its_name, its_clause, place, pages)                                         \
	GREETED(its_name, its_clause, ring_stays,                                                  \
		(&(const struct number){ { place, pages, 0, 0, 0 }, 0, its_role }), true)
#define BYTES(its_role, its_name, its_clause, its_readable, its_writable)                          \
	GREETED(its_name, its_clause, bytes_are_harmless,                                          \
		(&(const struct bytes){ its_readable, its_writable, its_role }), true)
#define PAGES(its_name, its_clause, function, first, count, step, at_seam)                         \
	GREETED(its_name, its_clause, function,                                                    \
		(&(const struct pages){ first, count, step, at_seam }), false)
#define CUT(its_role, its_name, its_clause, ...)                                                   \
	GREETED(its_name, its_clause, in_pieces,                                                   \
		(&(const struct cuts){ { __VA_ARGS__ }, its_role }), false)

#define INSIDE(its_role, its_name, its_clause, its_needs, its_table)                               \
	{                                                                                          \
		its_name, its_clause, numbers_in_their_own_page,                                   \
			&(const struct inside){ its_role, its_table }, true,                       \
			VBALLOON_STAGE_GREETED, its_needs, 0                                       \
	}

/* Wrong in the same way in either direction; @area is that of the clauses. */
#define WRONG(role, area)                                                                          \
	NUMBER(role, "address-zero", area "-3", PLACE_ZERO, 0, 0),                                 \
		NUMBER(role, "page-before-memory", area "-3", PLACE_BASE, -1, 0),                  \
		NUMBER(role, "first-of-a-hole", area "-3", PLACE_HOLE, 0, 0),                      \
		NUMBER(role, "last-of-a-hole", area "-3", PLACE_ISLAND, -1, 0),                    \
		NUMBER(role, "page-behind-memory", area "-3", PLACE_END, 0, 0),                    \
		NUMBER(role, "largest-positive", area "-3", PLACE_ZERO, 0, 0x7fffffff),            \
		NUMBER(role, "all-ones", area "-3", PLACE_ZERO, 0, UINT32_MAX),                    \
		NUMBER(role, "all-ones-but-one", area "-3", PLACE_ZERO, 0, UINT32_MAX - 1),        \
		NUMBER(role, "4-GiB-above", area "-2", PLACE_BALLOON, GUARD + 4, 0x100000),        \
		NUMBER(role, "8-GiB-above", area "-2", PLACE_BALLOON, GUARD + 5, 0x200000),        \
		NUMBER(role, "4-GiB-below", area "-2", PLACE_BALLOON, GUARD + 6, 0xfff00000),      \
		NUMBER(role, "sign-bit", area "-2", PLACE_BALLOON, GUARD + 7, 0x80000000),         \
		NUMBER(role, "bit-30", area "-2", PLACE_BALLOON, GUARD + 8, 0x40000000),           \
		NUMBER(role, "address-for-a-number", area "-2", PLACE_ZERO, 0, 0x40224000),        \
		RING(role, "first-ring", area "-4", PLACE_BASE, 0),                                \
		RING(role, "used-of-the-first-ring", area "-4", PLACE_BASE, 1),                    \
		RING(role, "second-ring", area "-4", PLACE_RING_1, 0),                             \
		RING(role, "used-of-the-second-ring", area "-4", PLACE_RING_1, 1),                 \
		BYTES(role, "one-byte", area "-6", 1, 0),                                          \
		BYTES(role, "two-bytes", area "-6", 2, 0),                                         \
		BYTES(role, "number-less-a-byte", area "-6", 3, 0),                                \
		BYTES(role, "number-and-a-byte", area "-6", 5, 0),                                 \
		BYTES(role, "two-numbers-less-a-byte", area "-6", 7, 0),                           \
		BYTES(role, "nothing-readable", area "-7", 0, 16),                                 \
		BYTES(role, "room-behind-it", area "-8", 4, 64),                                   \
		INSIDE(role, "numbers-in-a-page-that-they-name", area "-11", 0, false),            \
		INSIDE(role, "descriptors-in-a-page-that-they-name", area "-11",                   \
		       VBALLOON_VIRTIO_INDIRECT_DESC, true)

static const struct vballoon_case inflate_cases[] = {
	PAGES("one-page", "TRAD-INFLATE-1", there_and_back, 0, 1, 1, false),
	PAGES("256-descending", "TRAD-INFLATE-1", there_and_back, 300, 256, -1, false),
	PAGES("256-ascending", "TRAD-INFLATE-1", there_and_back, 0, 256, 1, false),
	PAGES("every-second", "TRAD-INFLATE-1", there_and_back, 0, 200, 2, false),
	PAGES("every-third-backwards", "TRAD-INFLATE-1", there_and_back, 600, 200, -3, false),
	PAGES("1024-in-a-message", "TRAD-INFLATE-1", there_and_back, 0, 1024, 1, false),
	PAGES("over-two-regions", "TRAD-INFLATE-1", there_and_back, (unsigned int)-8, 16, 1, true),
	PAGES("neighbours-of-one", "TRAD-INFLATE-2", neighbours_stay, 7, 1, 1, false),
	PAGES("neighbours-of-64", "TRAD-INFLATE-2", neighbours_stay, 16, 64, 1, false),
	PAGES("neighbours-of-511", "TRAD-INFLATE-2", neighbours_stay, 513, 511, 1, false),
	GREETED("number-with-bit-31", "TRAD-INFLATE-2", high_page, NULL, false),
	CUT(INFLATE, "in-one-piece", "TRAD-INFLATE-5", 16),
	CUT(INFLATE, "numbers-cut-in-two", "TRAD-INFLATE-5", 3, 2, 6, 1, 4),
	CUT(INFLATE, "in-six-pieces", "TRAD-INFLATE-5", 1, 1, 1, 1, 5, 7),
	GREETED("all-pieces-go", "TRAD-INFLATE-5", all_pieces_go,
		(&(const struct cuts){ { 4, 8, 4 }, INFLATE }), false),
	GREETED("twice-in-a-message", "TRAD-INFLATE-9", given_twice, (&(const bool){ true }), true),
	GREETED("twice-in-two-messages", "TRAD-INFLATE-9", given_twice, (&(const bool){ false }),
		true),
	GREETED("17-million-numbers", "TRAD-INFLATE-10", endless,
		(&(const unsigned int){ INFLATE }), true),
	WRONG(INFLATE, "TRAD-INFLATE"),
};

static const struct vballoon_case deflate_cases[] = {
	GREETED("in-part", "TRAD-DEFLATE-1", taken_in_part, NULL, false),
	CUT(DEFLATE, "numbers-cut-in-two", "TRAD-DEFLATE-5", 3, 2, 6, 1, 4),
	CUT(DEFLATE, "in-six-pieces", "TRAD-DEFLATE-5", 1, 1, 1, 1, 5, 7),
	GREETED("taken-twice", "TRAD-DEFLATE-9", taken_twice, NULL, true),
	GREETED("never-given", "TRAD-DEFLATE-9", never_given, NULL, true),
	GREETED("17-million-numbers", "TRAD-DEFLATE-10", endless,
		(&(const unsigned int){ DEFLATE }), true),
	{ "used-without-a-word", "TRAD-DEFLATE-12", used_without_a_word, NULL, false,
	  VBALLOON_STAGE_GREETED, 0, VBALLOON_TRAD_F(MUST_TELL_HOST) },
	{ "used-with-silent-deflate", "TRAD-DEFLATE-12", used_without_a_word, NULL, false,
	  VBALLOON_STAGE_GREETED, VBALLOON_TRAD_F(SILENT_DEFLATE), 0 },
	WRONG(DEFLATE, "TRAD-DEFLATE"),
};

VBALLOON_TRAD_TOPIC(vballoon_topic_trad_inflate, "trad-inflate", VBALLOON_RING_ANY,
		    "inflateq: pages are given", inflate_cases);
VBALLOON_TRAD_TOPIC(vballoon_topic_trad_deflate, "trad-deflate", VBALLOON_RING_ANY,
		    "deflateq: pages are taken back", deflate_cases);
