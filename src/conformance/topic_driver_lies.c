/* SPDX-License-Identifier: BSD-3-Clause */
/* A device that lies in its answers, and what a driver has to make of it. */
#include "base/le.h"
#include "conformance/lies.h"
#include "conformance/topics.h"

#define LESS VBALLOON_BOUT_LESS
#define MORE VBALLOON_BOUT_MORE
#define F(name) (UINT64_C(1) << VIRTIO_MEMORY_BALLOON_F_##name)
#define RESIZE VIRTIO_MEMORY_BALLOON_REQ_RESIZE
#define GREETED VBALLOON_STAGE_GREETED

/* Lies about the pages that a WITHDRAW hands back. */
static void a_page_twice(struct vballoon_impostor *impostor, uint8_t *answer, uint32_t *len,
			 uint32_t *told)
{
	(void)impostor;
	(void)len;
	(void)told;
	vballoon_lie_put(answer, 1, vballoon_lie_get(answer, 0));
}

static void a_free_page(struct vballoon_impostor *impostor, uint8_t *answer, uint32_t *len,
			uint32_t *told)
{
	(void)len;
	(void)told;
	vballoon_lie_put(answer, 0, vballoon_impostor_free_page(impostor));
}

static void a_page_outside(struct vballoon_impostor *impostor, uint8_t *answer, uint32_t *len,
			   uint32_t *told)
{
	(void)impostor;
	(void)len;
	(void)told;
	vballoon_lie_put(answer, 0, ((UINT64_C(1) << 52) - 1) << 12);
}

static void address_zero(struct vballoon_impostor *impostor, uint8_t *answer, uint32_t *len,
			 uint32_t *told)
{
	(void)impostor;
	(void)len;
	(void)told;
	vballoon_lie_put(answer, 0, 0);
}

static void a_misaligned_page(struct vballoon_impostor *impostor, uint8_t *answer, uint32_t *len,
			      uint32_t *told)
{
	(void)impostor;
	(void)len;
	(void)told;
	vballoon_lie_put(answer, 0, vballoon_lie_get(answer, 0) + 8);
}

static void a_run_too_long(struct vballoon_impostor *impostor, uint8_t *answer, uint32_t *len,
			   uint32_t *told)
{
	(void)impostor;
	(void)len;
	(void)told;
	vballoon_lie_put(answer, 0, vballoon_lie_get(answer, 0) | 0xfff);
}

static void one_page_more(struct vballoon_impostor *impostor, uint8_t *answer, uint32_t *len,
			  uint32_t *told)
{
	vballoon_lie_put(answer, *len / 8, vballoon_impostor_held_page(impostor));
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

/* Lies about HELLO and ADD. */
static void seven_held(struct vballoon_impostor *impostor, uint8_t *answer, uint32_t *len,
		       uint32_t *told)
{
	(void)len;
	(void)told;
	vballoon_lie_put(answer, 0, 7);
	impostor->lied = impostor->seen.start_overs; /* and again */
}

static void short_answer_is_final(struct vballoon_bout *bout, const void *how)
{
	unsigned int withdraws;

	vballoon_lie_tell(bout, how);
	withdraws = bout->impostor.seen.withdraws;
	vballoon_bout_watch(bout, 700);
	vballoon_bout_require(bout, bout->impostor.seen.withdraws == withdraws,
			      "after an answer of nothing it asked again within 700 ms");
}

#define NOTICES(its_name, its_clause, its_lacks, its_about, its_lie, its_request, its_value)       \
	VBALLOON_DRIVER_CASE(its_name, its_clause, vballoon_lie_is_noticed,                        \
			     VBALLOON_LIE(VIRTIO_MEMORY_BALLOON_MSG_##its_about, its_lie,          \
					  VIRTIO_MEMORY_BALLOON_REQ_##its_request, its_value),     \
			     true, GREETED, 0, its_lacks)
#define SURVIVES(its_name, its_clause, its_lie)                                                    \
	VBALLOON_DRIVER_CASE(its_name, its_clause, vballoon_lie_is_survived,                       \
			     VBALLOON_LIE(VIRTIO_MEMORY_BALLOON_MSG_ADD, its_lie, RESIZE, MORE),   \
			     true, GREETED, 0, 0)

static const struct vballoon_case cases[] = {
	VBALLOON_DRIVER_CASE("answer-of-nothing", "DRV-WITHDRAW-5", short_answer_is_final,
			     VBALLOON_LIE(VIRTIO_MEMORY_BALLOON_MSG_WITHDRAW, vballoon_lie_nothing,
					  RESIZE, LESS),
			     true, GREETED, 0, 0),
	SURVIVES("verdict-of-two", "DRV-ADD-6", vballoon_lie_verdict_of_two),
	SURVIVES("verdict-less", "DRV-ADD-6", vballoon_lie_verdict_less),

	NOTICES("page-twice", "DRV-BAD-2", 0, WITHDRAW, a_page_twice, RESIZE, LESS),
	NOTICES("page-never-given", "DRV-BAD-1", 0, WITHDRAW, a_free_page, RESIZE, LESS),
	NOTICES("page-outside-memory", "DRV-BAD-1", 0, WITHDRAW, a_page_outside, RESIZE, LESS),
	NOTICES("page-at-zero", "DRV-BAD-1", 0, WITHDRAW, address_zero, RESIZE, LESS),
	NOTICES("run-longer-than-held", "DRV-BAD-4", 0, WITHDRAW, a_run_too_long, RESIZE, LESS),
	NOTICES("page-misaligned", "DRV-BAD-3", F(PAGE_RUNS), WITHDRAW, a_misaligned_page, RESIZE,
		LESS),
	NOTICES("page-more-than-asked", "DRV-BAD-4", 0, WITHDRAW, one_page_more, RESIZE, LESS),
	NOTICES("half-an-entry", "DRV-BAD-5", 0, WITHDRAW, half_an_entry, RESIZE, LESS),
	NOTICES("length-beyond-its-buffer", "DRV-BAD-5", 0, WITHDRAW,
		vballoon_lie_beyond_the_buffer, RESIZE, LESS),
	NOTICES("hello-half-answered", "DRV-BAD-10", 0, HELLO, vballoon_lie_half_an_answer, HELLO,
		0),
	NOTICES("start-over-not-empty", "DRV-BAD-11", 0, HELLO, seven_held, HELLO, 0),
	NOTICES("verdicts-beyond-their-buffer", "DRV-RING-4", 0, ADD,
		vballoon_lie_beyond_the_buffer, RESIZE, MORE),
};

VBALLOON_TOPIC(vballoon_topic_driver_lies, "driver-lies", VBALLOON_RING_OF_DRIVER,
	       "a driver before a device whose answers are wrong", cases);
