/* SPDX-License-Identifier: BSD-3-Clause */
/* STATS: what a guest says of itself changes nothing, however wrong it is. */
#include <string.h>

#include "base/le.h"
#include "conformance/message.h"
#include "conformance/topics.h"

#define F_PUSH VBALLOON_F(PUSH_STATS)
#define STAT 16U /* bytes */

/* Words of the body: the tag and the reserved bytes, then the value. */
#define FREE_AND_TOTAL                                                                             \
	{                                                                                          \
		VIRTIO_MEMORY_BALLOON_S_MEMFREE, 4096, VIRTIO_MEMORY_BALLOON_S_MEMTOT, 8192        \
	}

#define ROW(...)                                                                                   \
	&(const struct vballoon_message_row)                                                       \
	{                                                                                          \
		.type = VIRTIO_MEMORY_BALLOON_MSG_STATS, __VA_ARGS__                               \
	}
#define TAKEN(its_name, its_clause, is_negative, its_needs, ...)                                   \
	{                                                                                          \
		its_name, its_clause, vballoon_message_is_taken, ROW(__VA_ARGS__), is_negative,    \
			VBALLOON_STAGE_GREETED, its_needs, 0                                       \
	}
#define STOPS(its_name, its_clause, ...)                                                           \
	{                                                                                          \
		its_name, its_clause, vballoon_message_stops, ROW(__VA_ARGS__), true,              \
			VBALLOON_STAGE_GREETED, 0, 0                                               \
	}

static void ownership_is_not_affected(struct vballoon_trial *trial, const void *how)
{
	vballoon_driver_give(trial, 0, 5);
	vballoon_message_is_taken(trial, how);
	vballoon_require(trial, vballoon_driver_hello_again(trial, 0) == 5,
			 "a report has changed the record");
	vballoon_driver_take_all(trial, 5);
}

/* A device without a record answers a report and asks for HELLO. */
static void before_hello(struct vballoon_trial *trial, const void *how)
{
	struct virtio_memory_balloon_req request;

	vballoon_message_is_taken(trial, how);
	vballoon_driver_await(trial, VIRTIO_MEMORY_BALLOON_REQ_HELLO, &request);
}

static const struct vballoon_case cases[] = {
	TAKEN("pushed-report", "DEV-PUSH-3", false, F_PUSH, .readable = 8 + 2 * STAT,
	      .body = FREE_AND_TOTAL),
	TAKEN("no-statistic", "DEV-MSG-3", false, 0, .readable = 8),
	TAKEN("256-statistics", "DEV-STATS-3", false, 0, .readable = 8 + 256 * STAT),

	TAKEN("cookie-that-was-never-given", "DEV-STATS-5", true, 0, .flags = 0x12345678,
	      .readable = 8 + 2 * STAT, .body = FREE_AND_TOTAL),
	TAKEN("tag-behind-the-last", "DEV-STATS-1", true, 0, .readable = 8 + STAT,
	      .body = { VIRTIO_MEMORY_BALLOON_S_COUNT, 1 }),
	TAKEN("tag-of-a-project", "DEV-STATS-1", true, 0, .readable = 8 + STAT, .body = { 64, 1 }),
	TAKEN("tag-of-the-high-byte", "DEV-STATS-1", true, 0, .readable = 8 + STAT,
	      .body = { 0x0104, 1 }),
	TAKEN("tag-all-ones", "DEV-STATS-1", true, 0, .readable = 8 + STAT, .body = { 0xffff, 1 }),
	TAKEN("tag-twice", "DEV-STATS-8", true, 0, .readable = 8 + 2 * STAT,
	      .body = { VIRTIO_MEMORY_BALLOON_S_MEMFREE, 1, VIRTIO_MEMORY_BALLOON_S_MEMFREE, 2 }),
	TAKEN("reserved-bytes-that-are-set", "DEV-STATS-4", true, 0, .readable = 8 + STAT,
	      .body = { UINT64_C(0xffffffffffff0000) | VIRTIO_MEMORY_BALLOON_S_MEMFREE, 1 }),
	TAKEN("tags-in-reverse", "DEV-STATS-2", true, 0, .readable = 8 + 2 * STAT,
	      .body = { VIRTIO_MEMORY_BALLOON_S_MEMTOT, 1, VIRTIO_MEMORY_BALLOON_S_SWAP_IN, 2 }),
	{ "more-free-than-there-is", "DEV-STATS-7", ownership_is_not_affected,
	  ROW(.readable = 8 + STAT, .body = { VIRTIO_MEMORY_BALLOON_S_MEMFREE, UINT64_MAX }), true,
	  VBALLOON_STAGE_GREETED, 0, 0 },
	{ "before-hello", "DEV-HELLO-10", before_hello,
	  ROW(.readable = 8 + STAT, .body = { VIRTIO_MEMORY_BALLOON_S_MEMFREE, 1 }), true,
	  VBALLOON_STAGE_RUNNING, 0, 0 },

	STOPS("a-byte-of-a-statistic", "DEV-MSG-7", .readable = 9),
	STOPS("half-a-statistic", "DEV-MSG-7", .readable = 16),
	STOPS("statistic-less-a-byte", "DEV-MSG-7", .readable = 8 + STAT - 1),
	STOPS("a-statistic-and-a-half", "DEV-MSG-7", .readable = 8 + STAT + 8),
	STOPS("257-statistics", "DEV-STATS-3", .readable = 8 + 257 * STAT),
	STOPS("room-for-an-answer", "DEV-MSG-12", .readable = 8 + STAT, .writable = 8,
	      .body = { VIRTIO_MEMORY_BALLOON_S_MEMFREE, 1 }),
};

VBALLOON_TOPIC(vballoon_topic_stats, "stats", VBALLOON_RING_ANY,
	       "STATS: what a guest says of its memory", cases);
