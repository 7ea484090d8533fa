/* SPDX-License-Identifier: BSD-3-Clause */
/* The traditional balloon: statsq. A device keeps a message of statistics until it wants newer
 * ones, or gives it back at once; what is in it changes nothing else. */
#include <string.h>

#include "base/le.h"
#include "conformance/place.h"
#include "conformance/topics.h"
#include "conformance/trad.h"

#define STATS VIRTIO_BALLOON_VQ_STATS
#define STAT 10U /* bytes */
#define ENTRIES 4

struct row {
	uint32_t readable, writable;
	struct {
		uint16_t tag;
		uint64_t value;
	} entries[ENTRIES];
	bool may_stop; /* it is no list of statistics at all */
};

/* The driver's pages are its own before and after, and go both ways. */
static void is_well(struct vballoon_trial *trial)
{
	enum vballoon_trad_end end = vballoon_trad_settle(trial, STATS);

	vballoon_require(trial, end != VBALLOON_TRAD_STOPPED, "it has stopped for statistics");
	vballoon_trad_work(trial, 4);
}

static void write_entries(struct vballoon_trial *trial, uint64_t at, const struct row *row)
{
	unsigned char *to = vballoon_trial_at(trial, at);

	memset(to, 0, row->readable);
	for (unsigned int i = 0; i < ENTRIES; i++) {
		const struct virtio_balloon_stat stat = {
			.tag = vballoon_le16(row->entries[i].tag),
			.val = vballoon_le64(row->entries[i].value),
		};

		memcpy(to + i * sizeof(stat), &stat, sizeof(stat));
	}
}

static void post(struct vballoon_trial *trial, const struct row *row)
{
	const struct vballoon_driver_buffer buffers[] = {
		{ vballoon_gpa(SAID), row->readable, false },
		{ vballoon_gpa(ROOM), row->writable, true },
	};
	unsigned int first = row->readable ? 0 : 1;
	unsigned int end = row->writable ? 2 : 1;

	write_entries(trial, SAID, row);
	vballoon_driver_post_chain(trial, vballoon_trad_index(trial, STATS), buffers + first,
				   end - first);
}

static void taken(struct vballoon_trial *trial, const void *how)
{
	const struct row *row = how;

	vballoon_trad_give(trial, vballoon_trial_page(trial, 64), 4);
	post(trial, row);
	if (row->may_stop && vballoon_trad_settle(trial, STATS) == VBALLOON_TRAD_STOPPED)
		return;
	is_well(trial);
	vballoon_trad_take(trial, vballoon_trial_page(trial, 64), 4);
}

/* A driver has one message with the device. One that leaves more there does not have them lost:
 * the device keeps them, gives them back, or stops. What it keeps is behind the place where its
 * queue goes on: it is taken anew then, whoever the device is. */
static void kept(struct vballoon_trial *trial, const void *how)
{
	const unsigned int *count = how;
	const struct row row = { .readable = 2 * STAT, .entries = { { 4, 1 }, { 5, 2 } } };
	unsigned int index = vballoon_trad_index(trial, STATS);
	enum vballoon_trad_end end = VBALLOON_TRAD_ANSWERED;
	uint32_t next;

	post(trial, &row);
	vballoon_trad_quiesce(trial); /* it has the first when the others come */
	for (unsigned int i = 1; i < *count; i++)
		post(trial, &row);
	for (unsigned int i = 0; i < *count && end == VBALLOON_TRAD_ANSWERED; i++)
		end = vballoon_trad_settle(trial, STATS);
	if (end == VBALLOON_TRAD_STOPPED && *count > 1)
		return;
	vballoon_trial_stop_queues(trial);
	next = vballoon_front_end_next_base(&trial->front_end, index);
	vballoon_require(trial, end != VBALLOON_TRAD_SILENT || trial->bases[index] == next,
			 "a message is neither given back nor taken anew: its queue stopped at "
			 "0x%x, and not at 0x%x",
			 trial->bases[index], next);
	vballoon_trial_go_on(trial);
	is_well(trial);
}

/* All of a region: 6.8 million statistics. */
static void endless(struct vballoon_trial *trial, const void *how)
{
	const struct vballoon_driver_buffer buffer = {
		vballoon_gpa(trial->layout.balloon),
		(uint32_t)(trial->layout.seam - trial->layout.balloon), false
	};

	(void)how;
	vballoon_driver_post_chain(trial, vballoon_trad_index(trial, STATS), &buffer, 1);
	if (vballoon_trad_settle(trial, STATS) != VBALLOON_TRAD_STOPPED)
		vballoon_trad_work(trial, 4);
}

#define NEEDS VBALLOON_TRAD_F(STATS_VQ)
#define ROW(function, its_name, its_clause, is_negative, ...)                                      \
	{                                                                                          \
		its_name, its_clause, function, &(const struct row){ __VA_ARGS__ }, is_negative,   \
			VBALLOON_STAGE_GREETED, NEEDS, 0                                           \
	}
#define TAKEN(...) ROW(taken, __VA_ARGS__)
#define ODD(its_name, its_clause, ...) TAKEN(its_name, its_clause, true, __VA_ARGS__)
#define KEPT(its_name, its_clause, is_negative, count)                                             \
	{                                                                                          \
		its_name, its_clause, kept, &(const unsigned int){ count }, is_negative,           \
			VBALLOON_STAGE_GREETED, NEEDS, 0                                           \
	}

static const struct vballoon_case cases[] = {
	TAKEN("two-statistics", "TRAD-STATS-2", false, .readable = 2 * STAT,
	      .entries = { { 4, 4096 }, { 5, 8192 } }),
	TAKEN("in-reverse", "TRAD-STATS-2", false, .readable = 3 * STAT,
	      .entries = { { 9, 1 }, { 4, 4096 }, { 0, 1 } }),
	TAKEN("tag-behind-the-standard's", "TRAD-STATS-1", false, .readable = STAT,
	      .entries = { { 10, 1 } }),
	ODD("tag-behind-linux's", "TRAD-STATS-1", .readable = 2 * STAT,
	    .entries = { { 16, 1 }, { 4, 2 } }),
	ODD("tag-of-the-high-byte", "TRAD-STATS-1", .readable = STAT, .entries = { { 0x400, 1 } }),
	ODD("tag-of-the-sign-bit", "TRAD-STATS-1", .readable = STAT, .entries = { { 0x8004, 1 } }),
	ODD("tag-all-ones", "TRAD-STATS-1", .readable = 2 * STAT,
	    .entries = { { 0xffff, UINT64_MAX }, { 0xffff, UINT64_MAX } }),
	ODD("tag-twice", "TRAD-STATS-2", .readable = 2 * STAT, .entries = { { 4, 1 }, { 4, 2 } }),
	ODD("more-free-than-there-is", "TRAD-STATS-3", .readable = 2 * STAT,
	    .entries = { { 4, UINT64_MAX }, { 5, 4096 } }),
	ODD("all-values-all-ones", "TRAD-STATS-3", .readable = 4 * STAT,
	    .entries = { { 0, UINT64_MAX },
			 { 4, UINT64_MAX },
			 { 5, UINT64_MAX },
			 { 7, UINT64_MAX } }),
	ODD("a-byte", "TRAD-STATS-4", .readable = 1, .may_stop = true),
	ODD("a-tag-without-a-value", "TRAD-STATS-4", .readable = 2, .may_stop = true),
	ODD("a-statistic-less-a-byte", "TRAD-STATS-4", .readable = STAT - 1, .may_stop = true),
	ODD("a-statistic-and-a-byte", "TRAD-STATS-4", .readable = STAT + 1, .may_stop = true),
	ODD("a-statistic-of-six-bytes", "TRAD-STATS-4", .readable = 6, .may_stop = true),
	ODD("256-statistics", "TRAD-STATS-6", .readable = 256 * STAT),
	ODD("257-statistics", "TRAD-STATS-6", .readable = 257 * STAT, .may_stop = true),
	ODD("nothing-readable", "TRAD-STATS-4", .writable = 16, .may_stop = true),
	ODD("room-behind-it", "TRAD-STATS-7", .readable = 2 * STAT, .writable = 64,
	    .entries = { { 4, 1 }, { 5, 2 } }, .may_stop = true),
	KEPT("kept-while-its-queue-stops", "TRAD-STATS-8", false, 1),
	KEPT("two-messages", "TRAD-STATS-5", true, 2),
	KEPT("sixty-messages", "TRAD-STATS-5", true, 60),
	{ "7-million-statistics", "TRAD-STATS-6", endless, NULL, true, VBALLOON_STAGE_GREETED,
	  NEEDS, 0 },
};

VBALLOON_TRAD_TOPIC(vballoon_topic_trad_stats, "trad-stats", VBALLOON_RING_ANY,
		    "statsq: what a guest says of its memory", cases);
