/* SPDX-License-Identifier: BSD-3-Clause */
/* A driver before a device: what it has to do, and what it makes of a device that lies. */
#include <string.h>

#include "base/le.h"
#include "conformance/bout.h"
#include "conformance/topics.h"
#include "ring/split.h"

#define TODEVQ VIRTIO_MEMORY_BALLOON_VQ_TODEV
#define PAGES VBALLOON_BOUT_PAGES
#define LESS VBALLOON_BOUT_LESS
#define MORE VBALLOON_BOUT_MORE
#define F(name) (UINT64_C(1) << VIRTIO_MEMORY_BALLOON_F_##name)
#define RESIZE VIRTIO_MEMORY_BALLOON_REQ_RESIZE

static uint64_t get(const uint8_t *answer, uint32_t index)
{
	uint64_t word;

	memcpy(&word, answer + index * sizeof(word), sizeof(word));
	return vballoon_le64(word);
}

static void put(uint8_t *answer, uint32_t index, uint64_t word)
{
	word = vballoon_le64(word);
	memcpy(answer + index * sizeof(word), &word, sizeof(word));
}

/* Lies about the pages that a WITHDRAW hands back. */
static void a_page_twice(struct vballoon_impostor *impostor, uint8_t *answer, uint32_t *len,
			 uint32_t *told)
{
	(void)impostor;
	(void)len;
	(void)told;
	put(answer, 1, get(answer, 0));
}

static void a_free_page(struct vballoon_impostor *impostor, uint8_t *answer, uint32_t *len,
			uint32_t *told)
{
	(void)len;
	(void)told;
	put(answer, 0, vballoon_impostor_free_page(impostor));
}

static void a_page_outside(struct vballoon_impostor *impostor, uint8_t *answer, uint32_t *len,
			   uint32_t *told)
{
	(void)impostor;
	(void)len;
	(void)told;
	put(answer, 0, ((UINT64_C(1) << 52) - 1) << 12);
}

static void address_zero(struct vballoon_impostor *impostor, uint8_t *answer, uint32_t *len,
			 uint32_t *told)
{
	(void)impostor;
	(void)len;
	(void)told;
	put(answer, 0, 0);
}

static void a_misaligned_page(struct vballoon_impostor *impostor, uint8_t *answer, uint32_t *len,
			      uint32_t *told)
{
	(void)impostor;
	(void)len;
	(void)told;
	put(answer, 0, get(answer, 0) + 8);
}

static void a_run_too_long(struct vballoon_impostor *impostor, uint8_t *answer, uint32_t *len,
			   uint32_t *told)
{
	(void)impostor;
	(void)len;
	(void)told;
	put(answer, 0, get(answer, 0) | 0xfff);
}

static void one_page_more(struct vballoon_impostor *impostor, uint8_t *answer, uint32_t *len,
			  uint32_t *told)
{
	put(answer, *len / 8, vballoon_impostor_held_page(impostor));
	*len += 8;
	*told = *len;
}

static void half_an_entry(struct vballoon_impostor *impostor, uint8_t *answer, uint32_t *len,
			  uint32_t *told)
{
	(void)impostor;
	(void)answer;
	*told = *len - 4;
}

static void beyond_the_buffer(struct vballoon_impostor *impostor, uint8_t *answer, uint32_t *len,
			      uint32_t *told)
{
	(void)impostor;
	(void)answer;
	(void)len;
	*told = 1U << 20;
}

static void nothing(struct vballoon_impostor *impostor, uint8_t *answer, uint32_t *len,
		    uint32_t *told)
{
	(void)impostor;
	(void)answer;
	*len = *told = 0;
}

/* Lies about HELLO and ADD. */
static void seven_held(struct vballoon_impostor *impostor, uint8_t *answer, uint32_t *len,
		       uint32_t *told)
{
	(void)len;
	(void)told;
	put(answer, 0, 7);
	impostor->lied = impostor->seen.start_overs; /* and again */
}

static void seven_unless_started_over(struct vballoon_impostor *impostor, uint8_t *answer,
				      uint32_t *len, uint32_t *told)
{
	(void)len;
	(void)told;
	if (!impostor->seen.start_overs)
		put(answer, 0, 7);
}

static void half_an_answer(struct vballoon_impostor *impostor, uint8_t *answer, uint32_t *len,
			   uint32_t *told)
{
	(void)impostor;
	(void)answer;
	(void)len;
	*told = 4;
}

static void a_verdict_of_two(struct vballoon_impostor *impostor, uint8_t *answer, uint32_t *len,
			     uint32_t *told)
{
	(void)impostor;
	(void)len;
	(void)told;
	answer[0] = 2;
}

static void a_verdict_less(struct vballoon_impostor *impostor, uint8_t *answer, uint32_t *len,
			   uint32_t *told)
{
	(void)impostor;
	(void)answer;
	*told = *len - 1;
}

/* A lie, and what makes the driver ask for it. */
struct lie {
	uint32_t about;
	vballoon_lie *lie;
	uint32_t request;
	uint64_t value;
};

static void tell(struct vballoon_bout *bout, const struct lie *lie)
{
	bout->impostor.lie = lie->lie;
	bout->impostor.lie_about = lie->about;
	vballoon_impostor_ask(&bout->impostor, lie->request, 0, lie->value);
	if (!vballoon_bout_await(bout, vballoon_bout_has_lied, 0, bout->patience_ms))
		vballoon_bout_end(bout, VBALLOON_WEDGED,
				  "the driver sends nothing to lie about in %d ms",
				  bout->patience_ms);
}

/* The driver has to reset the device. When it goes on it has believed the lie. */
static void expect_reset(struct vballoon_bout *bout, unsigned int resets, unsigned int messages)
{
	if (vballoon_bout_await(bout, vballoon_bout_was_reset, resets, bout->patience_ms))
		return;
	vballoon_bout_require(bout, bout->impostor.seen.messages == messages,
			      "the driver goes on as if nothing had happened");
	vballoon_bout_end(bout, VBALLOON_WEDGED, "the driver neither resets nor goes on");
}

static void lie_is_noticed(struct vballoon_bout *bout, const void *how)
{
	unsigned int resets = bout->impostor.seen.resets;

	tell(bout, how);
	expect_reset(bout, resets, bout->impostor.seen.messages);
}

/* Pages whose fate is unknown stay out of use: they are not added again, and the driver
 * goes on or resets. */
static void lie_is_survived(struct vballoon_bout *bout, const void *how)
{
	unsigned int resets = bout->impostor.seen.resets;

	tell(bout, how);
	/* Asked again, a driver that has taken them for its own would add them again. */
	vballoon_impostor_ask(&bout->impostor, RESIZE, 0, MORE);
	vballoon_bout_watch(bout, bout->grace_ms);
	if (bout->impostor.seen.resets > resets)
		return;
	vballoon_impostor_ask(&bout->impostor, RESIZE, 0, LESS);
	if (!vballoon_bout_await(bout, vballoon_bout_withdraws, 1, bout->patience_ms))
		vballoon_bout_end(bout, VBALLOON_WEDGED, "the driver neither resets nor goes on");
}

/* What a used ring may not say, written straight into it. */
struct used_lie {
	uint16_t index_more; /* than the last */
	bool id_of_nothing;
	uint32_t id, len;
};

static void used_ring_lies(struct vballoon_bout *bout, const void *how)
{
	const struct used_lie *lie = how;
	struct vballoon_impostor *impostor = &bout->impostor;
	const struct vballoon_queue *queue = &impostor->queues[TODEVQ].ring.queue;
	unsigned int resets = impostor->seen.resets, messages = impostor->seen.messages;
	struct split_used used = { vballoon_le32(lie->id_of_nothing ? queue->size - 1 : lie->id),
				   vballoon_le32(lie->len) };
	uint64_t at = queue->used.value;
	uint16_t index = 0;

	(void)vballoon_memory_load16(&impostor->memory, vballoon_gpa(at + SPLIT_IDX), &index);
	(void)vballoon_memory_write(&impostor->memory,
				    vballoon_gpa(at + split_used_slot(queue->size, index)), &used,
				    sizeof(used));
	(void)vballoon_memory_store16(&impostor->memory, vballoon_gpa(at + SPLIT_IDX),
				      (uint16_t)(index + lie->index_more));
	impostor->mute = true;
	vballoon_impostor_raise(impostor->queues[TODEVQ].call);
	vballoon_impostor_ask(impostor, RESIZE, 0, LESS);
	expect_reset(bout, resets, messages);
}

static void follows_its_target(struct vballoon_bout *bout, const void *how)
{
	(void)how;
	vballoon_bout_resize(bout, MORE);
	vballoon_bout_resize(bout, LESS);
	vballoon_bout_resize(bout, 0);
	vballoon_bout_resize(bout, PAGES);
}

static void unknown_request_is_ignored(struct vballoon_bout *bout, const void *how)
{
	const uint32_t *type = how;

	for (unsigned int i = 0; i < 4; i++)
		vballoon_impostor_ask(&bout->impostor, *type, i, UINT64_MAX);
	vballoon_bout_resize(bout, LESS);
}

static void short_request_is_ignored(struct vballoon_bout *bout, const void *how)
{
	(void)how;
	bout->impostor.request_told = 8;
	vballoon_impostor_ask(&bout->impostor, RESIZE, 0, MORE);
	vballoon_bout_watch(bout, bout->grace_ms);
	vballoon_bout_require(bout, bout->impostor.held == PAGES,
			      "the driver took a request of 8 bytes");
	bout->impostor.request_told = 0;
	vballoon_bout_resize(bout, LESS);
}

static void survives_a_target(struct vballoon_bout *bout, const void *how)
{
	const uint64_t *target = how;

	vballoon_impostor_ask(&bout->impostor, RESIZE, 0, *target);
	vballoon_bout_watch(bout, bout->grace_ms);
	vballoon_bout_resize(bout, LESS);
}

static void request_hello_is_answered(struct vballoon_bout *bout, const void *how)
{
	unsigned int hellos = bout->impostor.seen.hellos;

	(void)how;
	vballoon_impostor_ask(&bout->impostor, VIRTIO_MEMORY_BALLOON_REQ_HELLO, 0, 0);
	if (!vballoon_bout_await(bout, vballoon_bout_hellos, hellos + 1, bout->patience_ms))
		vballoon_bout_end(bout, VBALLOON_WEDGED, "no HELLO came");
	vballoon_bout_require(bout, bout->impostor.held == PAGES,
			      "the HELLO was of another epoch, or started over");
	vballoon_bout_resize(bout, LESS);
}

static void lost_record_is_made_again(struct vballoon_bout *bout, const void *how)
{
	(void)how;
	bout->impostor.seen.start_overs = 0;
	bout->impostor.lie = seven_unless_started_over;
	bout->impostor.lie_about = VIRTIO_MEMORY_BALLOON_MSG_HELLO;
	vballoon_impostor_ask(&bout->impostor, VIRTIO_MEMORY_BALLOON_REQ_HELLO, 0, 0);
	if (!vballoon_bout_await(bout, vballoon_bout_hellos, 2, bout->patience_ms))
		vballoon_bout_end(bout, VBALLOON_WEDGED, "no HELLO came");
	if (!vballoon_bout_await(bout, vballoon_bout_hellos, 3, bout->patience_ms))
		vballoon_bout_end(bout, VBALLOON_FAIL,
				  "its count differs, and it does not start over");
	vballoon_bout_require(bout, bout->impostor.seen.start_overs,
			      "its count differs, and its HELLO does not start over");
	vballoon_bout_resize(bout, PAGES);
}

static void request_reset_resets(struct vballoon_bout *bout, const void *how)
{
	unsigned int resets = bout->impostor.seen.resets, hellos = bout->impostor.seen.hellos;

	(void)how;
	vballoon_impostor_ask(&bout->impostor, VIRTIO_MEMORY_BALLOON_REQ_RESET, 0, 0);
	expect_reset(bout, resets, bout->impostor.seen.messages);
	if (!vballoon_bout_await(bout, vballoon_bout_hellos, hellos + 1, bout->patience_ms))
		vballoon_bout_end(bout, VBALLOON_WEDGED, "no HELLO came after the reset");
	vballoon_bout_resize(bout, PAGES);
}

static bool has_stats(const struct vballoon_bout *bout, uint64_t value)
{
	return bout->impostor.seen.stats >= value;
}

static void request_stats_is_answered(struct vballoon_bout *bout, const void *how)
{
	const uint32_t *cookie = how;

	vballoon_impostor_ask(&bout->impostor, VIRTIO_MEMORY_BALLOON_REQ_STATS, *cookie, 0);
	if (!vballoon_bout_await(bout, has_stats, 1, bout->patience_ms))
		vballoon_bout_end(bout, VBALLOON_WEDGED, "no STATS came");
	vballoon_bout_require(bout, bout->impostor.seen.stats_flags == *cookie,
			      "the cookie of STATS is 0x%x", bout->impostor.seen.stats_flags);
}

static void flood_is_survived(struct vballoon_bout *bout, const void *how)
{
	(void)how;
	for (unsigned int i = 0; i < 400; i++)
		vballoon_impostor_ask(&bout->impostor, i % 3 ? RESIZE : 99, 0, i % 2 ? MORE : LESS);
	vballoon_bout_resize(bout, PAGES);
}

static void silence_is_survived(struct vballoon_bout *bout, const void *how)
{
	const uint64_t *target = how;

	bout->impostor.mute = true;
	vballoon_impostor_ask(&bout->impostor, RESIZE, 0, *target);
	vballoon_bout_watch(bout, bout->grace_ms);
	vballoon_bout_require(bout, vballoon_subject_sleeps(bout->subject, 500),
			      "the driver spins while nothing is answered");
	bout->impostor.mute = false;
	if (!vballoon_bout_await(bout, vballoon_bout_holds, *target, bout->patience_ms))
		vballoon_bout_end(bout, VBALLOON_WEDGED, "answers that came late were not taken");
}

static void short_answer_is_final(struct vballoon_bout *bout, const void *how)
{
	unsigned int withdraws;

	tell(bout, how);
	withdraws = bout->impostor.seen.withdraws;
	vballoon_bout_watch(bout, 700);
	vballoon_bout_require(bout, bout->impostor.seen.withdraws == withdraws,
			      "after an answer of nothing it asked again within 700 ms");
}

/* A device that a driver may not use, or features that it may not accept. */
struct unfit {
	uint32_t page_shift, revision;
	uint64_t offered; /* besides VERSION_1 */
	bool without_version_1;
};

static void is_left_alone(struct vballoon_bout *bout, const void *how)
{
	const struct unfit *unfit = how;

	bout->impostor.config.page_shift = vballoon_le32(unfit->page_shift);
	bout->impostor.config.revision = vballoon_le32(unfit->revision);
	if (unfit->without_version_1)
		bout->impostor.offered = 0;
	(void)vballoon_subject_start(bout->subject);
	vballoon_bout_await(bout, vballoon_bout_hellos, 1, 5 * bout->grace_ms);
	vballoon_bout_require(bout, !bout->impostor.seen.messages,
			      "the driver uses a device that it may not use");
}

static void is_not_accepted(struct vballoon_bout *bout, const void *how)
{
	const struct unfit *unfit = how;

	bout->impostor.offered |= unfit->offered;
	(void)vballoon_subject_start(bout->subject);
	vballoon_bout_greet(bout);
	vballoon_bout_require(bout, !(bout->impostor.features & unfit->offered),
			      "the driver accepts features 0x%llx",
			      (unsigned long long)bout->impostor.features);
	vballoon_bout_resize(bout, PAGES);
	vballoon_bout_resize(bout, 0);
}

#define GREETED VBALLOON_STAGE_GREETED
#define CASE(its_name, its_clause, function, argument, is_negative, its_stage, its_lacks)          \
	{                                                                                          \
		.name = its_name, .clause = its_clause, .play = function, .how = argument,         \
		.negative = is_negative, .stage = its_stage, .lacks = its_lacks                    \
	}
#define DOES(its_name, its_clause, function)                                                       \
	CASE(its_name, its_clause, function, NULL, false, GREETED, 0)
#define BEARS(its_name, its_clause, function, argument)                                            \
	CASE(its_name, its_clause, function, argument, true, GREETED, 0)
#define NOTICES(its_name, its_clause, its_lacks, its_about, its_lie, its_request, its_value)       \
	CASE(its_name, its_clause, lie_is_noticed,                                                 \
	     (&(const struct lie){ VIRTIO_MEMORY_BALLOON_MSG_##its_about, its_lie,                 \
				   VIRTIO_MEMORY_BALLOON_REQ_##its_request, its_value }),          \
	     true, GREETED, its_lacks)
#define SURVIVES(its_name, its_clause, its_lie)                                                    \
	CASE(its_name, its_clause, lie_is_survived,                                                \
	     (&(const struct lie){ VIRTIO_MEMORY_BALLOON_MSG_ADD, its_lie,                         \
				   VIRTIO_MEMORY_BALLOON_REQ_RESIZE, MORE }),                      \
	     true, GREETED, 0)
#define USED(its_name, its_clause, ...)                                                            \
	CASE(its_name, its_clause, used_ring_lies, (&(const struct used_lie){ __VA_ARGS__ }),      \
	     true, GREETED, 0)
#define UNFIT(its_name, its_clause, function, ...)                                                 \
	CASE(its_name, its_clause, function, (&(const struct unfit){ __VA_ARGS__ }), true,         \
	     VBALLOON_STAGE_CONNECTED, 0)

static const struct vballoon_case cases[] = {
	DOES("follows-its-target", "DRV-REQ-7", follows_its_target),
	CASE("base-protocol", "DRV-FEAT-3", follows_its_target, NULL, false, GREETED, F(PAGE_RUNS)),
	DOES("request-hello", "DRV-REQ-10", request_hello_is_answered),
	DOES("request-reset", "DRV-REQ-11", request_reset_resets),
	CASE("request-stats", "DRV-STATS-1", request_stats_is_answered,
	     &(const uint32_t){ 0x12345678 }, false, GREETED, 0),

	BEARS("unknown-request", "DRV-REQ-3", unknown_request_is_ignored, &(const uint32_t){ 5 }),
	BEARS("unknown-request-all-ones", "DRV-REQ-3", unknown_request_is_ignored,
	      &(const uint32_t){ UINT32_MAX }),
	BEARS("short-request", "DRV-REQ-4", short_request_is_ignored, NULL),
	BEARS("target-above-memory", "DRV-REQ-9", survives_a_target,
	      &(const uint64_t){ UINT64_C(1) << 40 }),
	BEARS("target-all-ones", "DRV-REQ-9", survives_a_target, &(const uint64_t){ UINT64_MAX }),
	BEARS("flood-of-requests", "DRV-BAD-9", flood_is_survived, NULL),
	BEARS("silence-to-withdraw", "DRV-BAD-8", silence_is_survived, &(const uint64_t){ LESS }),
	BEARS("silence-to-add", "DRV-BAD-8", silence_is_survived, &(const uint64_t){ MORE }),
	BEARS("record-lost", "DRV-HELLO-7", lost_record_is_made_again, NULL),
	BEARS("answer-of-nothing", "DRV-WITHDRAW-5", short_answer_is_final,
	      (&(const struct lie){ VIRTIO_MEMORY_BALLOON_MSG_WITHDRAW, nothing, RESIZE, LESS })),
	SURVIVES("verdict-of-two", "DRV-ADD-6", a_verdict_of_two),
	SURVIVES("verdict-less", "DRV-ADD-6", a_verdict_less),

	NOTICES("page-twice", "DRV-BAD-2", 0, WITHDRAW, a_page_twice, RESIZE, LESS),
	NOTICES("page-never-given", "DRV-BAD-1", 0, WITHDRAW, a_free_page, RESIZE, LESS),
	NOTICES("page-outside-memory", "DRV-BAD-1", 0, WITHDRAW, a_page_outside, RESIZE, LESS),
	NOTICES("page-at-zero", "DRV-BAD-1", 0, WITHDRAW, address_zero, RESIZE, LESS),
	NOTICES("run-longer-than-held", "DRV-BAD-4", 0, WITHDRAW, a_run_too_long, RESIZE, LESS),
	NOTICES("page-misaligned", "DRV-BAD-3", F(PAGE_RUNS), WITHDRAW, a_misaligned_page, RESIZE,
		LESS),
	NOTICES("page-more-than-asked", "DRV-BAD-4", 0, WITHDRAW, one_page_more, RESIZE, LESS),
	NOTICES("half-an-entry", "DRV-BAD-5", 0, WITHDRAW, half_an_entry, RESIZE, LESS),
	NOTICES("length-beyond-its-buffer", "DRV-BAD-5", 0, WITHDRAW, beyond_the_buffer, RESIZE,
		LESS),
	NOTICES("hello-half-answered", "DRV-BAD-10", 0, HELLO, half_an_answer, HELLO, 0),
	NOTICES("start-over-not-empty", "DRV-BAD-11", 0, HELLO, seven_held, HELLO, 0),
	NOTICES("verdicts-beyond-their-buffer", "DRV-RING-4", 0, ADD, beyond_the_buffer, RESIZE,
		MORE),
	USED("used-index-jumps", "DRV-RING-4", .index_more = 1000),
	USED("used-id-beyond-the-queue", "DRV-RING-4", .index_more = 1, .id = 0xffff),
	USED("used-id-all-ones", "DRV-RING-4", .index_more = 1, .id = UINT32_MAX),
	USED("used-id-of-nothing", "DRV-RING-4", .index_more = 1, .id_of_nothing = true),

	UNFIT("revision-2", "DRV-CONF-1", is_left_alone, 12, 2),
	UNFIT("revision-0", "DRV-CONF-1", is_left_alone, 12, 0),
	UNFIT("page-shift-11", "DRV-CONF-2", is_left_alone, 11, 1),
	UNFIT("page-shift-31", "DRV-CONF-2", is_left_alone, 31, 1),
	UNFIT("page-shift-all-ones", "DRV-CONF-2", is_left_alone, UINT32_MAX, 1),
	UNFIT("no-version-1", "DRV-FEAT-1", is_left_alone, 12, 1, .without_version_1 = true),
	UNFIT("access-platform", "DRV-FEAT-2", is_not_accepted, 12, 1,
	      .offered = UINT64_C(1) << 33),
	UNFIT("feature-of-no-meaning", "DRV-FEAT-5", is_not_accepted, 12, 1,
	      .offered = UINT64_C(1) << 17),
};

VBALLOON_TOPIC(vballoon_topic_driver, "driver", VBALLOON_RING_OF_DRIVER,
	       "a driver before a device, and before one that lies", cases);
