/* SPDX-License-Identifier: BSD-3-Clause */
/* HELLO: who speaks, and what the record holds; and what a stop does to that. */
#include "base/le.h"
#include "conformance/message.h"
#include "conformance/topics.h"

#define WHOLE 24U /* bytes */
#define ANSWER 8U
#define BODY                                                                                       \
	{                                                                                          \
		77, VBALLOON_WORD_PAGE_SHIFT                                                       \
	}

#define STOPS(its_name, its_clause, ...)                                                           \
	{                                                                                          \
		.name = its_name, .clause = its_clause, .run = vballoon_message_stops,             \
		.how =                                                                             \
			&(const struct vballoon_message_row){                                      \
				.type = VIRTIO_MEMORY_BALLOON_MSG_HELLO, __VA_ARGS__               \
			},                                                                         \
		.negative = true, .stage = VBALLOON_STAGE_RUNNING                                  \
	}
#define KEEPS(its_name, its_clause, function)                                                      \
	{                                                                                          \
		.name = its_name, .clause = its_clause, .run = function,                           \
		.stage = VBALLOON_STAGE_GREETED                                                    \
	}

static void first_hello_holds_nothing(struct vballoon_trial *trial, const void *how)
{
	(void)how;
	vballoon_require(trial, !vballoon_driver_hello(trial, trial->facts->config.page_shift, 0),
			 "a device that knows nobody holds pages");
}

static void same_epoch_keeps(struct vballoon_trial *trial, const void *how)
{
	(void)how;
	vballoon_driver_give(trial, 0, 7);
	vballoon_require(trial, vballoon_driver_hello_again(trial, 0) == 7,
			 "the epoch that it has empties the record");
	vballoon_driver_take_all(trial, 7);
}

static void answer_counts_balloon_pages(struct vballoon_trial *trial, const void *how)
{
	(void)how;
	vballoon_driver_hello(trial, vballoon_driver_unit(trial, 2), 0);
	vballoon_driver_give(trial, 0, 1);
	vballoon_require(trial, vballoon_driver_hello_again(trial, 0) == 4,
			 "a unit of four pages is not counted as four");
}

/* What empties a record that holds pages, and RESIZE behind it. */
struct emptying {
	bool new_epoch;
	uint32_t unit_more, flags;
};

static void emptying_hello(struct vballoon_trial *trial, const void *how)
{
	const struct emptying *emptying = how;
	struct virtio_memory_balloon_req request;
	uint32_t unit_shift = vballoon_driver_unit(trial, emptying->unit_more);
	uint64_t held;

	vballoon_driver_give(trial, 0, 7);
	if (emptying->new_epoch) {
		held = vballoon_driver_hello(trial, unit_shift, emptying->flags);
	} else {
		trial->unit_shift = unit_shift;
		held = vballoon_driver_hello_again(trial, emptying->flags);
	}
	vballoon_require(trial, !held, "it left %llu pages on the record",
			 (unsigned long long)held);
	vballoon_driver_await(trial, VIRTIO_MEMORY_BALLOON_REQ_RESIZE, &request);
	vballoon_require(trial, !request.flags, "RESIZE has flags 0x%x", request.flags);
}

static void no_resize_for_a_record_that_stays(struct vballoon_trial *trial, const void *how)
{
	(void)how;
	vballoon_driver_give(trial, 0, 1);
	vballoon_driver_hello_again(trial, 0);
	vballoon_driver_take_all(trial, 1);
}

static void reserved_field_is_ignored(struct vballoon_trial *trial, const void *how)
{
	struct virtio_memory_balloon_hello hello = {
		.epoch = vballoon_le64(trial->epoch),
		.unit_shift = vballoon_le32(trial->unit_shift),
		.reserved = 0xffffffff,
	};

	(void)how;
	vballoon_require(trial, vballoon_driver_say(trial, &hello, sizeof(hello), ANSWER) == ANSWER,
			 "HELLO with its reserved field set is not answered");
}

static void epoch_is_all_of_64_bits(struct vballoon_trial *trial, const void *how)
{
	(void)how;
	vballoon_driver_give(trial, 0, 2);
	trial->epoch ^= UINT64_C(1) << 63;
	vballoon_require(trial, !vballoon_driver_hello_again(trial, 0),
			 "an epoch that differs in its highest bit alone keeps the record");
}

static void epoch_zero_is_an_epoch(struct vballoon_trial *trial, const void *how)
{
	(void)how;
	trial->epoch = 0;
	vballoon_driver_hello_again(trial, 0);
	vballoon_driver_give(trial, 0, 2);
	vballoon_require(trial, vballoon_driver_hello_again(trial, 0) == 2,
			 "epoch 0 does not keep its record");
}

static void largest_unit_is_taken(struct vballoon_trial *trial, const void *how)
{
	(void)how;
	vballoon_driver_hello(trial, VIRTIO_MEMORY_BALLOON_SHIFT_MAX, 0);
}

static void stop_both(struct vballoon_trial *trial)
{
	uint32_t base;

	for (unsigned int i = 0; i < 2; i++)
		vballoon_trial_check(trial,
				     vballoon_front_end_stop_queue(&trial->front_end, i, &base),
				     "the stop of a queue");
}

static void record_outlives_a_pause(struct vballoon_trial *trial, const void *how)
{
	(void)how;
	vballoon_driver_give(trial, 0, 9);
	stop_both(trial);
	vballoon_trial_start(trial);
	vballoon_require(trial, vballoon_driver_hello_again(trial, 0) == 9,
			 "a HELLO of the epoch before the pause does not find its record");
	vballoon_driver_take_all(trial, 9);
}

static void any_message_proves_the_record(struct vballoon_trial *trial, const void *how)
{
	(void)how;
	vballoon_driver_give(trial, 0, 6);
	stop_both(trial);
	vballoon_trial_start(trial);
	vballoon_driver_take_all(trial, 6);
}

static void another_epoch_after_a_stop_is_a_reset(struct vballoon_trial *trial, const void *how)
{
	uint64_t entries[4];

	(void)how;
	vballoon_driver_give(trial, 0, 6);
	stop_both(trial);
	vballoon_trial_start(trial);
	vballoon_require(trial, !vballoon_driver_hello(trial, trial->facts->config.page_shift, 0),
			 "another kernel's HELLO finds the pages of the one before");
	vballoon_require(trial, !vballoon_driver_withdraw(trial, 4, 0, entries, 4),
			 "another kernel is handed pages that it never gave");
}

static void stopped_queue_is_not_used(struct vballoon_trial *trial, const void *how)
{
	struct virtio_memory_balloon_msg add = { .type = vballoon_le32(
							 VIRTIO_MEMORY_BALLOON_MSG_ADD) };

	(void)how;
	stop_both(trial);
	vballoon_front_end_new_ring(&trial->front_end, TODEVQ);
	vballoon_driver_post(trial, &add, sizeof(add), 0);
	vballoon_driver_expect_silence(trial, TODEVQ);
}

/* What a device without a record does. */
static void no_record_refuses_add(struct vballoon_trial *trial, const void *how)
{
	(void)how;
	trial->unit_shift = trial->facts->config.page_shift;
	vballoon_require(trial,
			 vballoon_driver_add_one(trial, vballoon_trial_page(trial, 0)) ==
				 VIRTIO_MEMORY_BALLOON_REFUSED,
			 "a page was accepted before HELLO");
}

static void no_record_hands_nothing_back(struct vballoon_trial *trial, const void *how)
{
	uint64_t entries[4];

	(void)how;
	vballoon_require(trial, !vballoon_driver_withdraw(trial, 4, 0, entries, 4),
			 "pages were handed back before HELLO");
}

static void no_record_asks_for_hello(struct vballoon_trial *trial, const void *how)
{
	struct virtio_memory_balloon_req request;

	no_record_refuses_add(trial, how);
	vballoon_driver_await(trial, VIRTIO_MEMORY_BALLOON_REQ_HELLO, &request);
	vballoon_require(trial, !request.flags && !request.value,
			 "the request HELLO has flags 0x%x and value %llu", request.flags,
			 (unsigned long long)request.value);
}

static void no_record_asks_once(struct vballoon_trial *trial, const void *how)
{
	no_record_asks_for_hello(trial, how);
	no_record_refuses_add(trial, how);
	vballoon_driver_expect_silence(trial, FROMDEVQ);
}

static const struct vballoon_case cases[] = {
	{ "first-holds-nothing", "DEV-HELLO-5", first_hello_holds_nothing, NULL, false,
	  VBALLOON_STAGE_RUNNING, 0, 0 },
	KEEPS("same-epoch-keeps-the-record", "DEV-HELLO-4", same_epoch_keeps),
	KEEPS("answer-counts-balloon-pages", "DEV-HELLO-5", answer_counts_balloon_pages),
	{ "new-epoch-empties", "DEV-HELLO-1", emptying_hello,
	  &(const struct emptying){ true, 0, 0 }, false, VBALLOON_STAGE_GREETED, 0, 0 },
	{ "new-unit-empties", "DEV-HELLO-2", emptying_hello,
	  &(const struct emptying){ false, 1, 0 }, false, VBALLOON_STAGE_GREETED, 0, 0 },
	{ "start-over-empties", "DEV-HELLO-3", emptying_hello,
	  &(const struct emptying){ false, 0, VIRTIO_MEMORY_BALLOON_HELLO_START_OVER }, false,
	  VBALLOON_STAGE_GREETED, 0, 0 },
	{ "new-epoch-brings-resize", "DEV-HELLO-8", emptying_hello,
	  &(const struct emptying){ true, 0, VIRTIO_MEMORY_BALLOON_HELLO_START_OVER }, false,
	  VBALLOON_STAGE_GREETED, 0, 0 },
	KEEPS("twice-in-one-epoch", "DEV-HELLO-4", no_resize_for_a_record_that_stays),
	KEEPS("reserved-field-is-ignored", "DEV-HELLO-7", reserved_field_is_ignored),
	KEEPS("epoch-is-64-bits", "DEV-HELLO-1", epoch_is_all_of_64_bits),
	KEEPS("epoch-zero", "DEV-HELLO-4", epoch_zero_is_an_epoch),
	KEEPS("largest-unit", "DEV-HELLO-6", largest_unit_is_taken),
	KEEPS("record-outlives-a-pause", "DEV-STOP-6", record_outlives_a_pause),
	KEEPS("any-message-proves", "DEV-STOP-7", any_message_proves_the_record),
	KEEPS("new-epoch-after-a-stop", "DEV-HELLO-1", another_epoch_after_a_stop_is_a_reset),

	{ "stopped-queue-is-not-used", "DEV-RING-2", stopped_queue_is_not_used, NULL, true,
	  VBALLOON_STAGE_GREETED, 0, 0 },
	{ "no-record-refuses-add", "DEV-HELLO-9", no_record_refuses_add, NULL, true,
	  VBALLOON_STAGE_RUNNING, 0, 0 },
	{ "no-record-hands-nothing-back", "DEV-HELLO-9", no_record_hands_nothing_back, NULL, true,
	  VBALLOON_STAGE_RUNNING, 0, 0 },
	{ "no-record-asks-for-hello", "DEV-HELLO-10", no_record_asks_for_hello, NULL, true,
	  VBALLOON_STAGE_RUNNING, 0, 0 },
	{ "no-record-asks-once", "DEV-HELLO-11", no_record_asks_once, NULL, true,
	  VBALLOON_STAGE_RUNNING, 0, 0 },

	STOPS("no-body", "DEV-MSG-4", .readable = 8, .writable = ANSWER),
	STOPS("epoch-cut-off", "DEV-MSG-4", .readable = 12, .writable = ANSWER, .body = BODY),
	STOPS("no-unit", "DEV-MSG-4", .readable = 16, .writable = ANSWER, .body = BODY),
	STOPS("unit-cut-off", "DEV-MSG-4", .readable = 18, .writable = ANSWER, .body = BODY),
	STOPS("no-reserved-field", "DEV-MSG-4", .readable = 20, .writable = ANSWER, .body = BODY),
	STOPS("reserved-field-cut-off", "DEV-MSG-4", .readable = 23, .writable = ANSWER,
	      .body = BODY),
	STOPS("one-byte-too-many", "DEV-MSG-8", .readable = 25, .writable = ANSWER, .body = BODY),
	STOPS("one-word-too-many", "DEV-MSG-8", .readable = 32, .writable = ANSWER, .body = BODY),
	STOPS("no-room-for-the-answer", "DEV-MSG-11", .readable = WHOLE, .body = BODY),
	STOPS("room-for-half-the-answer", "DEV-MSG-11", .readable = WHOLE, .writable = 4,
	      .body = BODY),
	STOPS("room-less-a-byte", "DEV-MSG-11", .readable = WHOLE, .writable = 7, .body = BODY),
	STOPS("flag-after-start-over", "DEV-MSG-6", .flags = 2, .readable = WHOLE,
	      .writable = ANSWER, .body = BODY),
	STOPS("flag-beside-start-over", "DEV-MSG-6", .flags = 3, .readable = WHOLE,
	      .writable = ANSWER, .body = BODY),
	STOPS("flag-of-the-sign-bit", "DEV-MSG-6", .flags = 0x80000000, .readable = WHOLE,
	      .writable = ANSWER, .body = BODY),
	STOPS("unit-zero", "DEV-HELLO-6", .readable = WHOLE, .writable = ANSWER, .body = { 77, 0 }),
	STOPS("unit-below-4-KiB", "DEV-HELLO-6", .readable = WHOLE, .writable = ANSWER,
	      .body = { 77, 11 }),
	STOPS("unit-above-1-GiB", "DEV-HELLO-6", .readable = WHOLE, .writable = ANSWER,
	      .body = { 77, 31 }),
	STOPS("unit-of-a-whole-word", "DEV-HELLO-6", .readable = WHOLE, .writable = ANSWER,
	      .body = { 77, 64 }),
	STOPS("unit-all-ones", "DEV-HELLO-6", .readable = WHOLE, .writable = ANSWER,
	      .body = { 77, UINT32_MAX }),
};

VBALLOON_TOPIC(vballoon_topic_hello, "hello", VBALLOON_RING_ANY,
	       "HELLO, the record, stops and resets", cases);
