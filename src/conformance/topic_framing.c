/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages as such: header, type, length, direction, and how they are cut. */
#include <errno.h>
#include <string.h>

#include "base/le.h"
#include "conformance/message.h"
#include "conformance/topics.h"

#define HEADER 8U

#define STOPS(its_name, its_clause, ...)                                                           \
	{                                                                                          \
		.name = its_name, .clause = its_clause, .run = vballoon_message_stops,             \
		.how = &(const struct vballoon_message_row){ __VA_ARGS__ }, .negative = true,      \
		.stage = VBALLOON_STAGE_GREETED                                                    \
	}
#define ADD VIRTIO_MEMORY_BALLOON_MSG_ADD

/* How the 24 bytes of a HELLO, and the 8 of its answer, are cut. */
struct cuts {
	uint8_t readable[6], writable[6]; /* lengths; 0 ends them */
};

static unsigned int cut(uint64_t gpa, const uint8_t *lengths, bool writable,
			struct vballoon_driver_buffer *buffers)
{
	unsigned int count;

	for (count = 0; count < 6 && lengths[count]; count++) {
		buffers[count] = (struct vballoon_driver_buffer){ vballoon_gpa(gpa), lengths[count],
								  writable };
		gpa += lengths[count];
	}
	return count;
}

static void hello_in_pieces(struct vballoon_trial *trial, const void *how)
{
	const struct cuts *cuts = how;
	uint64_t readable = trial->layout.base + VBALLOON_PLACE_READABLE;
	uint64_t writable = trial->layout.base + VBALLOON_PLACE_WRITABLE;
	struct virtio_memory_balloon_hello hello = {
		.msg.type = vballoon_le32(VIRTIO_MEMORY_BALLOON_MSG_HELLO),
		.epoch = vballoon_le64(trial->epoch),
		.unit_shift = vballoon_le32(trial->unit_shift),
	};
	struct vballoon_driver_buffer buffers[12];
	uint64_t held = UINT64_MAX;
	unsigned int count;

	vballoon_driver_give(trial, 0, 3);
	memcpy(vballoon_trial_at(trial, readable), &hello, sizeof(hello));
	memcpy(vballoon_trial_at(trial, writable), &held, sizeof(held));
	count = cut(readable, cuts->readable, false, buffers);
	count += cut(writable, cuts->writable, true, buffers + count);
	vballoon_driver_post_chain(trial, TODEVQ, buffers, count);
	vballoon_require(trial, vballoon_driver_answer(trial) == sizeof(held),
			 "HELLO in pieces is not answered as in one");
	memcpy(&held, vballoon_driver_said(trial), sizeof(held));
	vballoon_require(trial, vballoon_le64(held) == 3, "HELLO in pieces tells %llu held of 3",
			 (unsigned long long)vballoon_le64(held));
}

/* Three messages at once: an ADD, a HELLO that counts it, a WITHDRAW that takes it back. */
static void order_is_kept(struct vballoon_trial *trial, const void *how)
{
	struct virtio_memory_balloon_msg add = { .type = vballoon_le32(ADD) };
	uint64_t page = vballoon_le64(vballoon_trial_page(trial, 0));
	uint8_t bytes[16];
	struct vballoon_driver_buffer buffers[2];
	uint64_t first, second, at = trial->layout.base + VBALLOON_PLACE_READABLE;
	struct vballoon_driver_ring *ring = &trial->front_end.queues[TODEVQ].driver;
	struct virtio_memory_balloon_hello hello = {
		.msg.type = vballoon_le32(VIRTIO_MEMORY_BALLOON_MSG_HELLO),
		.epoch = vballoon_le64(trial->epoch),
		.unit_shift = vballoon_le32(trial->unit_shift),
	};

	(void)how;
	memcpy(bytes, &add, sizeof(add));
	memcpy(bytes + 8, &page, sizeof(page));
	for (uint64_t i = 0; i < 3; i++) {
		const void *said = i == 1 ? (const void *)bytes : (const void *)&hello;
		uint32_t len = i == 1 ? sizeof(bytes) : sizeof(hello);
		uint64_t answer = trial->layout.base + VBALLOON_PLACE_WRITABLE + i * 8;

		memcpy(vballoon_trial_at(trial, at + i * 64), said, len);
		buffers[0] =
			(struct vballoon_driver_buffer){ vballoon_gpa(at + i * 64), len, false };
		buffers[1] = (struct vballoon_driver_buffer){ vballoon_gpa(answer), 8, true };
		vballoon_require(trial, !vballoon_driver_ring_post(ring, buffers, 2, i),
				 "three messages do not fit");
	}
	vballoon_trial_check(trial, vballoon_front_end_kick(&trial->front_end, TODEVQ), "a kick");
	for (unsigned int i = 0; i < 3; i++)
		vballoon_driver_answer(trial);
	memcpy(&first, vballoon_driver_said(trial), 8);
	memcpy(&second, (const char *)vballoon_driver_said(trial) + 16, 8);
	vballoon_require(trial, !first && vballoon_le64(second) == 1,
			 "a HELLO before an ADD tells %llu held, one behind it %llu",
			 (unsigned long long)vballoon_le64(first),
			 (unsigned long long)vballoon_le64(second));
}

/* A device that stopped: it says RESET, nothing else, and answers no message. */
static void stopped_says_reset(struct vballoon_trial *trial, const void *how)
{
	vballoon_message_stops(trial, how);
}

static void stopped_asks_for_reset(struct vballoon_trial *trial, const void *how)
{
	const struct vballoon_message_row *row = how;
	struct virtio_memory_balloon_msg msg = { .type = vballoon_le32(row->type) };

	vballoon_driver_post(trial, &msg, sizeof(msg), 0);
	vballoon_driver_expect_reset(trial);
}

static void stopped_is_silent(struct vballoon_trial *trial, const void *how)
{
	struct virtio_memory_balloon_hello hello = {
		.epoch = vballoon_le64(trial->epoch),
		.unit_shift = vballoon_le32(trial->unit_shift),
	};

	stopped_asks_for_reset(trial, how);
	vballoon_driver_post(trial, &hello, sizeof(hello), sizeof(uint64_t));
	vballoon_driver_expect_silence(trial, TODEVQ);
}

static void stopped_sends_nothing_else(struct vballoon_trial *trial, const void *how)
{
	stopped_is_silent(trial, how);
	vballoon_driver_expect_silence(trial, FROMDEVQ);
}

/* What was held when the device stopped, stays as it is in the guest's memory. */
static void stopped_keeps_its_record(struct vballoon_trial *trial, const void *how)
{
	uint32_t base;

	vballoon_driver_give(trial, 0, 5);
	stopped_asks_for_reset(trial, how);
	for (unsigned int i = 0; i < 2; i++) {
		vballoon_trial_check(trial,
				     vballoon_front_end_stop_queue(&trial->front_end, i, &base),
				     "the stop of a queue");
	}
	vballoon_trial_start(trial);
	vballoon_require(trial, vballoon_driver_hello_again(trial, 0) == 5,
			 "the record was lost with the stop, in the same epoch");
}

static const struct vballoon_case cases[] = {
	{ "in-one-piece", "DEV-MSG-2", hello_in_pieces, &(const struct cuts){ { 24 }, { 8 } },
	  false, VBALLOON_STAGE_GREETED, 0, 0 },
	{ "header-cut-in-two", "DEV-MSG-2", hello_in_pieces,
	  &(const struct cuts){ { 3, 21 }, { 8 } }, false, VBALLOON_STAGE_GREETED, 0, 0 },
	{ "fields-cut-in-two", "DEV-MSG-2", hello_in_pieces,
	  &(const struct cuts){ { 1, 9, 4, 4, 5, 1 }, { 8 } }, false, VBALLOON_STAGE_GREETED, 0,
	  0 },
	{ "answer-cut-in-six", "DEV-MSG-2", hello_in_pieces,
	  &(const struct cuts){ { 24 }, { 1, 2, 1, 2, 1, 1 } }, false, VBALLOON_STAGE_GREETED, 0,
	  0 },
	{ "more-room-than-answer", "DEV-MSG-13", hello_in_pieces,
	  &(const struct cuts){ { 24 }, { 8, 100 } }, false, VBALLOON_STAGE_GREETED, 0, 0 },
	{ "order-is-kept", "DEV-MSG-1", order_is_kept, NULL, false, VBALLOON_STAGE_GREETED, 0, 0 },

	STOPS("no-readable-part", "DEV-MSG-10", .writable = 16),
	STOPS("header-of-one-byte", "DEV-MSG-4", .type = ADD, .readable = 1),
	STOPS("header-without-flags", "DEV-MSG-4", .type = ADD, .readable = 4),
	STOPS("header-less-a-byte", "DEV-MSG-4", .type = ADD, .readable = 7, .writable = 8),
	STOPS("type-behind-the-last", "DEV-MSG-5", .type = 7, .readable = HEADER),
	STOPS("type-of-the-high-half", "DEV-MSG-5", .type = 0x10001, .readable = HEADER),
	STOPS("type-of-the-sign-bit", "DEV-MSG-5", .type = 0x80000001, .readable = HEADER),
	STOPS("type-all-ones", "DEV-MSG-5", .type = UINT32_MAX, .readable = HEADER),

	{ "stopped-then-restarted", "DEV-RESET-4", stopped_says_reset,
	  &(const struct vballoon_message_row){ .type = 8, .readable = HEADER }, true,
	  VBALLOON_STAGE_GREETED, 0, 0 },
	{ "stopped-asks-for-reset", "DEV-BAD-3", stopped_asks_for_reset,
	  &(const struct vballoon_message_row){ .type = 9 }, true, VBALLOON_STAGE_GREETED, 0, 0 },
	{ "stopped-uses-no-buffer", "DEV-BAD-1", stopped_is_silent,
	  &(const struct vballoon_message_row){ .type = 10 }, true, VBALLOON_STAGE_GREETED, 0, 0 },
	{ "stopped-sends-no-other-request", "DEV-BAD-7", stopped_sends_nothing_else,
	  &(const struct vballoon_message_row){ .type = 11 }, true, VBALLOON_STAGE_GREETED, 0, 0 },
	{ "stopped-keeps-its-record", "DEV-HELLO-4", stopped_keeps_its_record,
	  &(const struct vballoon_message_row){ .type = 12 }, true, VBALLOON_STAGE_GREETED, 0, 0 },
};

VBALLOON_TOPIC(vballoon_topic_framing, "framing", VBALLOON_RING_ANY,
	       "messages as such: header, type, length, direction, cut", cases);
