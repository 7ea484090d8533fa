/* SPDX-License-Identifier: BSD-3-Clause */
/* ADD: pages go into the balloon, or are refused one by one. */
#include <string.h>

#include "base/le.h"
#include "conformance/message.h"
#include "conformance/place.h"
#include "conformance/topics.h"

#define F_RUNS VBALLOON_F(PAGE_RUNS)

#define STOPS(its_name, its_clause, ...)                                                           \
	{                                                                                          \
		.name = its_name, .clause = its_clause, .run = vballoon_message_stops,             \
		.how = &(                                                                          \
			const struct vballoon_message_row){ .type = VIRTIO_MEMORY_BALLOON_MSG_ADD, \
							    __VA_ARGS__ },                         \
		.negative = true, .stage = VBALLOON_STAGE_GREETED                                  \
	}

/* One entry is refused, the ones around it are not, and nothing of it is on the record. */
static void refused(struct vballoon_trial *trial, const void *how)
{
	const struct vballoon_place_row *row = how;
	uint64_t unit = UINT64_C(1) << row->unit_more;
	uint64_t entries[3];
	uint8_t verdicts[3];

	if (row->unit_more)
		vballoon_driver_hello(trial, vballoon_driver_unit(trial, row->unit_more), 0);
	entries[0] = vballoon_trial_page(trial, 64);
	entries[1] = vballoon_place_entry(trial, row);
	entries[2] = vballoon_trial_page(trial, 96);
	vballoon_driver_add(trial, entries, 3, verdicts, 3);
	vballoon_require(trial, verdicts[1] != VIRTIO_MEMORY_BALLOON_ACCEPTED,
			 "entry 0x%llx was accepted", (unsigned long long)entries[1]);
	vballoon_require(trial, verdicts[1] == VIRTIO_MEMORY_BALLOON_REFUSED,
			 "its verdict is %u, where there are 0 and 1", verdicts[1]);
	vballoon_require(trial, verdicts[0] == 1 && verdicts[2] == 1,
			 "the entries before and behind it were refused, too");
	vballoon_require(trial, vballoon_driver_hello_again(trial, 0) == 2 * unit,
			 "a part of a refused entry is on the record");
}

static void accepted(struct vballoon_trial *trial, const void *how)
{
	const struct vballoon_place_row *row = how;
	uint64_t entry, pages;

	if (row->unit_more)
		vballoon_driver_hello(trial, vballoon_driver_unit(trial, row->unit_more), 0);
	entry = vballoon_place_entry(trial, row);
	pages = vballoon_place_pages(row);
	vballoon_require(trial,
			 vballoon_driver_add_one(trial, entry) == VIRTIO_MEMORY_BALLOON_ACCEPTED,
			 "entry 0x%llx was refused", (unsigned long long)entry);
	vballoon_require(trial, vballoon_driver_hello_again(trial, 0) == pages,
			 "it is not %llu pages on the record", (unsigned long long)pages);
	vballoon_driver_take_all(trial, pages);
}

static void held_page_is_accepted_again(struct vballoon_trial *trial, const void *how)
{
	(void)how;
	vballoon_driver_give(trial, 0, 1);
	vballoon_driver_give(trial, 0, 1);
	vballoon_require(trial, vballoon_driver_hello_again(trial, 0) == 1,
			 "a page that was added twice is on the record twice");
	vballoon_driver_take_all(trial, 1);
}

static void without_room_all_are_taken(struct vballoon_trial *trial, const void *how)
{
	uint64_t entries[3];

	(void)how;
	for (unsigned int i = 0; i < 3; i++)
		entries[i] = vballoon_trial_page(trial, i);
	vballoon_driver_add(trial, entries, 3, NULL, 0);
	vballoon_require(trial, vballoon_driver_hello_again(trial, 0) == 3,
			 "an ADD without room for verdicts did not put its pages on the record");
}

static void verdicts_go_as_far_as_room(struct vballoon_trial *trial, const void *how)
{
	uint64_t entries[4];
	uint8_t verdicts[4] = { 9, 9, 9, 9 };

	(void)how;
	for (unsigned int i = 0; i < 4; i++)
		entries[i] = vballoon_trial_page(trial, i);
	entries[0] = 0;
	memset(vballoon_trial_at(trial, trial->layout.base + VBALLOON_PLACE_WRITABLE), 9, 4);
	vballoon_driver_add(trial, entries, 4, verdicts, 2);
	memcpy(verdicts, vballoon_driver_said(trial), 4);
	vballoon_require(trial, !verdicts[0] && verdicts[1] == 1, "verdicts are not in order");
	vballoon_require(trial, verdicts[2] == 9 && verdicts[3] == 9,
			 "verdicts were written where there was no room");
	vballoon_require(trial, vballoon_driver_hello_again(trial, 0) == 3,
			 "entries without a verdict are not on the record");
}

static void no_entry_is_an_add(struct vballoon_trial *trial, const void *how)
{
	(void)how;
	vballoon_driver_add(trial, NULL, 0, NULL, 0);
}

static void many_entries(struct vballoon_trial *trial, const void *how)
{
	uint64_t entries[512];
	uint8_t verdicts[512];

	(void)how;
	for (unsigned int i = 0; i < 512; i++)
		entries[i] = vballoon_trial_page(trial, i);
	entries[300] = trial->layout.hole;
	vballoon_driver_add(trial, entries, 512, verdicts, 512);
	for (unsigned int i = 0; i < 512; i++)
		vballoon_require(trial, verdicts[i] == (i != 300), "the verdict on entry %u is %u",
				 i, verdicts[i]);
	vballoon_require(trial, vballoon_driver_hello_again(trial, 0) == 511,
			 "511 accepted pages are not on the record");
}

/* A page of the guest's own keeps what is in it, whatever is refused. */
static void refused_page_is_untouched(struct vballoon_trial *trial, const void *how)
{
	const struct vballoon_place_row *row = how;
	uint64_t gpa = vballoon_place_entry(trial, row) & ~(trial->layout.page - 1);
	unsigned char *at = vballoon_trial_at(trial, gpa + 64);

	memset(at, 0xa5, 64);
	vballoon_require(trial,
			 vballoon_driver_add_one(trial, vballoon_place_entry(trial, row)) !=
				 VIRTIO_MEMORY_BALLOON_ACCEPTED,
			 "it was accepted");
	vballoon_driver_give(trial, 5, 1);
	vballoon_driver_take_all(trial, 1);
	for (unsigned int i = 0; i < 64; i++)
		vballoon_require(trial, at[i] == 0xa5, "a page of a refused entry has changed");
}

/* The neighbours of a held page are the guest's. */
static void neighbours_keep_their_contents(struct vballoon_trial *trial, const void *how)
{
	unsigned char *before = vballoon_trial_at(trial, vballoon_trial_page(trial, 1) - 64);
	unsigned char *behind = vballoon_trial_at(trial, vballoon_trial_page(trial, 2));

	(void)how;
	memset(before, 0x5a, 64);
	memset(behind, 0x5a, 64);
	vballoon_driver_give(trial, 1, 1);
	vballoon_driver_hello_again(trial, 0);
	vballoon_driver_take_all(trial, 1);
	for (unsigned int i = 0; i < 64; i++)
		vballoon_require(trial, before[i] == 0x5a && behind[i] == 0x5a,
				 "a page beside a held one has changed");
}

/* Two entries of a message that name more units than it may, each of them within bounds. */
static void too_many_units_in_runs(struct vballoon_trial *trial, const void *how)
{
	uint64_t most = UINT64_C(1) << trial->facts->config.page_shift;
	uint32_t count = (uint32_t)(VIRTIO_MEMORY_BALLOON_MESSAGE_UNITS_MAX / most) + 1;
	uint64_t message[1 + 64] = { vballoon_le64(VIRTIO_MEMORY_BALLOON_MSG_ADD) };

	(void)how;
	if (count > 64)
		count = 64;
	for (uint32_t i = 0; i < count; i++)
		message[1 + i] = vballoon_le64(trial->layout.balloon | (most - 1));
	vballoon_driver_post(trial, message, (count + 1) * 8, 0);
	vballoon_driver_expect_stop(trial, TODEVQ);
}

/* What of a message lies in a page that it adds. The pages may go at any moment of it. */
struct inside {
	bool said, room, table;
};

static void message_in_what_it_adds(struct vballoon_trial *trial, const void *how)
{
	enum { COUNT = 64 };
	const struct inside *inside = how;
	struct vballoon_driver_ring *ring = &trial->front_end.queues[TODEVQ].driver;
	uint64_t page = vballoon_trial_page(trial, 0), table = inside->table ? page : TABLE;
	const struct vballoon_driver_buffer buffers[] = {
		{ vballoon_gpa(inside->said ? page + 1024 : SAID), (1 + COUNT) * 8, false },
		{ vballoon_gpa(inside->room ? page + 2048 : ROOM), COUNT, true },
	};
	uint64_t message[1 + COUNT] = { vballoon_le64(VIRTIO_MEMORY_BALLOON_MSG_ADD) }, held;
	uint32_t written;
	int ret;

	for (unsigned int i = 0; i < COUNT; i++)
		message[1 + i] = vballoon_le64(vballoon_trial_page(trial, i));
	memcpy(vballoon_trial_at(trial, buffers[0].gpa.value), message, sizeof(message));
	ret = inside->table ? vballoon_driver_ring_post_indirect(ring, buffers, 2,
								 vballoon_trial_at(trial, table),
								 vballoon_gpa(table), 0)
			    : vballoon_driver_ring_post(ring, buffers, 2, 0);
	vballoon_trial_check(trial, ret, "a message");
	vballoon_trial_check(trial, vballoon_front_end_kick(&trial->front_end, TODEVQ), "a kick");
	written = vballoon_driver_answer(trial);
	vballoon_require(trial, written == COUNT, "%u verdicts came on %u entries", written, COUNT);
	held = vballoon_driver_hello_again(trial, 0);
	vballoon_require(trial, held == COUNT, "%llu of %u pages are on the record",
			 (unsigned long long)held, COUNT);
	vballoon_driver_take_all(trial, held);
}

#define ROW(...)                                                                                   \
	&(const struct vballoon_place_row)                                                         \
	{                                                                                          \
		__VA_ARGS__                                                                        \
	}
#define REFUSED(its_name, its_clause, its_needs, its_lacks, ...)                                   \
	{                                                                                          \
		its_name, its_clause, refused, ROW(__VA_ARGS__), true, VBALLOON_STAGE_GREETED,     \
			its_needs, its_lacks                                                       \
	}
#define ACCEPTED(its_name, its_clause, its_needs, ...)                                             \
	{                                                                                          \
		its_name, its_clause, accepted, ROW(__VA_ARGS__), false, VBALLOON_STAGE_GREETED,   \
			its_needs, 0                                                               \
	}
#define INSIDE(its_name, its_clause, its_needs, ...)                                               \
	{                                                                                          \
		its_name, its_clause, message_in_what_it_adds,                                     \
			&(const struct inside){ __VA_ARGS__ }, true, VBALLOON_STAGE_GREETED,       \
			its_needs, 0                                                               \
	}
#define DOES(its_name, its_clause, function)                                                       \
	{                                                                                          \
		its_name, its_clause, function, NULL, false, VBALLOON_STAGE_GREETED, 0, 0          \
	}

static const struct vballoon_case cases[] = {
	ACCEPTED("first-page", "DEV-ADD-7", 0, PLACE_BALLOON, .bytes = 0),
	ACCEPTED("last-page", "DEV-ADD-7", 0, PLACE_END, .pages = -1),
	ACCEPTED("page-before-a-hole", "DEV-ADD-7", 0, PLACE_HOLE, .pages = -1),
	ACCEPTED("page-behind-a-hole", "DEV-ADD-7", 0, PLACE_ISLAND, .pages = 0),
	ACCEPTED("unit-of-four-pages", "DEV-ADD-1", 0, PLACE_BALLOON, .unit_more = 2),
	ACCEPTED("run-of-two", "DEV-RUNS-1", F_RUNS, PLACE_BALLOON, .units = 2),
	ACCEPTED("run-of-the-most", "DEV-RUNS-1", F_RUNS, PLACE_BALLOON, .units = 4096),
	ACCEPTED("run-over-a-seam", "DEV-RUNS-5", F_RUNS, PLACE_SEAM, .pages = -3, .units = 6),
	ACCEPTED("run-to-a-hole", "DEV-RUNS-4", F_RUNS, PLACE_HOLE, .pages = -6, .units = 6),
	ACCEPTED("run-of-larger-units", "DEV-RUNS-1", F_RUNS, PLACE_BALLOON, .units = 3,
		 .unit_more = 2),
	DOES("held-page-again", "DEV-ADD-6", held_page_is_accepted_again),
	DOES("without-room", "DEV-ADD-8", without_room_all_are_taken),
	DOES("room-for-some", "DEV-ADD-7", verdicts_go_as_far_as_room),
	DOES("no-entry", "DEV-MSG-3", no_entry_is_an_add),
	DOES("many-entries", "DEV-ADD-2", many_entries),
	DOES("neighbours-keep-contents", "DEV-MEM-1", neighbours_keep_their_contents),

	REFUSED("address-zero", "DEV-ADD-3", 0, 0, PLACE_ZERO, .pages = 0),
	REFUSED("page-before-memory", "DEV-ADD-3", 0, 0, PLACE_BASE, .pages = -1),
	REFUSED("page-behind-memory", "DEV-ADD-3", 0, 0, PLACE_END, .pages = 0),
	REFUSED("page-in-a-hole", "DEV-ADD-3", 0, 0, PLACE_HOLE, .pages = 0),
	REFUSED("last-page-of-a-hole", "DEV-ADD-3", 0, 0, PLACE_ISLAND, .pages = -1),
	REFUSED("highest-page-there-is", "DEV-ADD-3", 0, 0, PLACE_ZERO, .pages = -1),
	REFUSED("address-of-the-sign-bit", "DEV-ADD-3", 0, 0, PLACE_ZERO, .bytes = INT64_MIN),
	REFUSED("unit-beyond-a-region", "DEV-ADD-3", 0, 0, PLACE_END, .pages = 0, .unit_more = 2),
	REFUSED("one-byte-off", "DEV-RUNS-2", 0, F_RUNS, PLACE_BALLOON, .bytes = 1),
	REFUSED("one-word-off", "DEV-RUNS-2", 0, F_RUNS, PLACE_BALLOON, .bytes = 8),
	REFUSED("half-a-page-off", "DEV-RUNS-2", 0, F_RUNS, PLACE_BALLOON, .bytes = 2048),
	REFUSED("a-byte-before-a-page", "DEV-RUNS-2", 0, F_RUNS, PLACE_BALLOON, .bytes = 4095),
	REFUSED("page-within-a-unit", "DEV-ADD-4", 0, 0, PLACE_BALLOON, .pages = 1, .unit_more = 2),
	REFUSED("half-a-unit-off", "DEV-ADD-4", 0, 0, PLACE_BALLOON, .pages = 2, .unit_more = 2),
	REFUSED("last-page-of-a-unit", "DEV-ADD-4", 0, 0, PLACE_BALLOON, .pages = 3,
		.unit_more = 2),
	REFUSED("ring-of-fromdevq", "DEV-ADD-5", 0, 0, PLACE_BASE, .pages = 0),
	REFUSED("ring-of-todevq", "DEV-ADD-5", 0, 0, PLACE_RING_1, .pages = 0),
	REFUSED("run-into-a-hole", "DEV-RUNS-4", F_RUNS, 0, PLACE_HOLE, .pages = -2, .units = 3),
	REFUSED("run-out-of-a-hole", "DEV-RUNS-4", F_RUNS, 0, PLACE_ISLAND, .pages = -1,
		.units = 2),
	REFUSED("run-over-a-hole", "DEV-RUNS-4", F_RUNS, 0, PLACE_HOLE, .pages = -1, .units = 66),
	REFUSED("run-behind-memory", "DEV-RUNS-4", F_RUNS, 0, PLACE_END, .pages = -1, .units = 2),
	REFUSED("run-from-before-memory", "DEV-RUNS-4", F_RUNS, 0, PLACE_BASE, .pages = -2,
		.units = 3),
	REFUSED("run-with-a-ring-in-it", "DEV-RUNS-4", F_RUNS, 0, PLACE_BASE, .pages = 0,
		.units = 4),
	REFUSED("run-to-the-end-of-addresses", "DEV-RUNS-3", F_RUNS, 0, PLACE_ZERO, .pages = -1,
		.units = 1),
	REFUSED("run-beyond-all-addresses", "DEV-RUNS-3", F_RUNS, 0, PLACE_ZERO, .pages = -1,
		.units = 2),
	REFUSED("run-around-all-addresses", "DEV-RUNS-3", F_RUNS, 0, PLACE_ZERO, .pages = -4,
		.units = 4096),
	REFUSED("run-of-misaligned-units", "DEV-ADD-4", F_RUNS, 0, PLACE_BALLOON, .pages = 1,
		.units = 2, .unit_more = 2),
	{ "misaligned-page-is-untouched", "DEV-ADD-11", refused_page_is_untouched,
	  ROW(PLACE_BALLOON, .bytes = 16), true, VBALLOON_STAGE_GREETED, 0, F_RUNS },
	{ "page-of-a-bad-run-is-untouched", "DEV-ADD-11", refused_page_is_untouched,
	  ROW(PLACE_HOLE, .pages = -2, .units = 3), true, VBALLOON_STAGE_GREETED, F_RUNS, 0 },
	{ "ring-page-is-untouched", "DEV-ADD-11", refused_page_is_untouched,
	  ROW(PLACE_BASE, .pages = 0), true, VBALLOON_STAGE_GREETED, 0, 0 },
	INSIDE("message-in-a-page-that-it-adds", "DEV-MSG-14", 0, .said = true),
	INSIDE("verdicts-in-a-page-that-they-accept", "DEV-MEM-8", 0, .room = true),
	INSIDE("descriptors-in-a-page-that-they-add", "DEV-BAD-8", VBALLOON_VIRTIO_INDIRECT_DESC,
	       .table = true),
	INSIDE("all-of-it-in-a-page-that-it-adds", "DEV-BAD-8", VBALLOON_VIRTIO_INDIRECT_DESC,
	       .said = true, .room = true, .table = true),

	STOPS("a-byte-behind-the-entries", "DEV-MSG-7", .readable = 17, .writable = 2,
	      .body = { VBALLOON_WORD_PAGE }),
	STOPS("half-an-entry", "DEV-MSG-7", .readable = 12, .writable = 1),
	STOPS("entry-less-a-byte", "DEV-MSG-7", .readable = 15, .writable = 1),
	STOPS("65537-entries", "DEV-MSG-9", .readable = 8 + 8 * 65537),
	STOPS("flag-one", "DEV-MSG-6", .flags = 1, .readable = 16, .writable = 1,
	      .body = { VBALLOON_WORD_PAGE }),
	STOPS("flag-two", "DEV-MSG-6", .flags = 2, .readable = 16, .writable = 1,
	      .body = { VBALLOON_WORD_PAGE }),
	STOPS("flag-of-the-sign-bit", "DEV-MSG-6", .flags = 0x80000000, .readable = 16,
	      .writable = 1, .body = { VBALLOON_WORD_PAGE }),
	{ "too-many-units-in-runs", "DEV-MSG-9", too_many_units_in_runs, NULL, true,
	  VBALLOON_STAGE_GREETED, F_RUNS, 0 },
};

VBALLOON_TOPIC(vballoon_topic_add, "add", VBALLOON_RING_ANY, "ADD: pages go into the balloon",
	       cases);
