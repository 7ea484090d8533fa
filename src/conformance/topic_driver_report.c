/* SPDX-License-Identifier: BSD-3-Clause */
/* F_REPORTING: a driver that reports its free memory. */
#include <poll.h>
#include <string.h>

#include "base/le.h"
#include "conformance/impostor_record.h"
#include "conformance/lies.h"
#include "conformance/topics.h"

#define F(name) (UINT64_C(1) << VIRTIO_MEMORY_BALLOON_F_##name)
#define LESS VBALLOON_BOUT_LESS
#define REPORT VIRTIO_MEMORY_BALLOON_REQ_REPORT
#define ROUND UINT64_C(0x1122334455667788)
#define RUBBISH 0x6b
#define SAMPLE_BYTES 4096
#define SAMPLE_MS 100

/* Ask for a round, and have its end. */
static void have_round(struct vballoon_bout *bout, uint64_t id)
{
	unsigned int rounds = bout->impostor.seen.rounds;

	vballoon_impostor_ask(&bout->impostor, REPORT, 0, id);
	if (!vballoon_bout_await(bout, vballoon_bout_rounds, rounds + 1, bout->patience_ms))
		vballoon_bout_end(bout, VBALLOON_WEDGED, "no REPORT_DONE came");
	vballoon_bout_require(bout, bout->impostor.seen.round_id == id,
			      "the id of REPORT_DONE is 0x%llx",
			      (unsigned long long)bout->impostor.seen.round_id);
}

static void a_round_has_an_end(struct vballoon_bout *bout, const void *how)
{
	const uint64_t *id = how;

	have_round(bout, *id);
	have_round(bout, ~*id);
	vballoon_bout_resize(bout, LESS);
}

static void free_memory_is_reported(struct vballoon_bout *bout, const void *how)
{
	(void)how;
	have_round(bout, ROUND);
	vballoon_bout_require(bout, bout->impostor.seen.reports,
			      "a round has ended in which nothing was reported");
}

/* What is asked for while nothing is answered: one round is left of it. */
static void the_newest_round_counts(struct vballoon_bout *bout, const void *how)
{
	(void)how;
	vballoon_impostor_ask(&bout->impostor, REPORT, 0, 1);
	bout->impostor.mute = true;
	vballoon_bout_watch(bout, bout->grace_ms);
	vballoon_impostor_ask(&bout->impostor, REPORT, 0, 2);
	vballoon_bout_watch(bout, bout->grace_ms);
	bout->impostor.mute = false;
	if (!vballoon_bout_await(bout, vballoon_bout_rounds, 1, bout->patience_ms))
		vballoon_bout_end(bout, VBALLOON_WEDGED, "no REPORT_DONE came");
	vballoon_bout_watch(bout, bout->grace_ms);
	vballoon_bout_require(bout, bout->impostor.seen.round_id == 2,
			      "the last REPORT_DONE is of round %llu, not of the newest",
			      (unsigned long long)bout->impostor.seen.round_id);
}

/* The memory of a report that is not answered yet changes under nobody's hands but the
 * device's. Looked at as a lie that changes nothing of the answer. */
static void look_at_it(struct vballoon_impostor *impostor, uint8_t *answer, uint32_t *len,
		       uint32_t *told)
{
	unsigned char before[SAMPLE_BYTES], after[SAMPLE_BYTES];
	struct vballoon_gpa at = vballoon_gpa(impostor->seen.reported_gpa);

	(void)answer;
	(void)len;
	(void)told;
	if (!impostor->seen.reported_bytes)
		return;
	(void)vballoon_memory_read(&impostor->memory, at, before, sizeof(before));
	poll(NULL, 0, SAMPLE_MS);
	(void)vballoon_memory_read(&impostor->memory, at, after, sizeof(after));
	if (memcmp(before, after, sizeof(before)))
		vballoon_impostor_note(impostor, "DRV-REPORT-1",
				       "page 0x%llx was touched before its report was answered",
				       (unsigned long long)impostor->seen.reported_gpa);
}

static void it_waits_for_the_answer(struct vballoon_bout *bout, const void *how)
{
	(void)how;
	bout->impostor.lie = look_at_it;
	bout->impostor.lie_about = VIRTIO_MEMORY_BALLOON_MSG_REPORT;
	have_round(bout, ROUND);
}

/* The verdict is none, and the memory holds what it should not. */
static void no_verdict(struct vballoon_impostor *impostor)
{
	vballoon_impostor_fill(impostor, impostor->seen.reported_gpa, impostor->seen.reported_bytes,
			       RUBBISH);
}

static void a_verdict_of(struct vballoon_impostor *impostor, uint8_t *answer, const uint32_t *len,
			 uint8_t verdict)
{
	no_verdict(impostor);
	if (*len)
		answer[*len - 1] = verdict;
}

static void refused(struct vballoon_impostor *impostor, uint8_t *answer, uint32_t *len,
		    uint32_t *told)
{
	(void)told;
	a_verdict_of(impostor, answer, len, VIRTIO_MEMORY_BALLOON_REFUSED);
}

static void of_two(struct vballoon_impostor *impostor, uint8_t *answer, uint32_t *len,
		   uint32_t *told)
{
	(void)told;
	a_verdict_of(impostor, answer, len, 2);
}

static void of_255(struct vballoon_impostor *impostor, uint8_t *answer, uint32_t *len,
		   uint32_t *told)
{
	(void)told;
	a_verdict_of(impostor, answer, len, 255);
}

/* The byte is there, but not told of. */
static void one_less(struct vballoon_impostor *impostor, uint8_t *answer, uint32_t *len,
		     uint32_t *told)
{
	no_verdict(impostor);
	vballoon_lie_verdict_less(impostor, answer, len, told);
}

static void none(struct vballoon_impostor *impostor, uint8_t *answer, uint32_t *len, uint32_t *told)
{
	no_verdict(impostor);
	vballoon_lie_nothing(impostor, answer, len, told);
}

/* Whoever takes such memory for zeros finds out when it is used. */
static void is_taken_for_a_refusal(struct vballoon_bout *bout, const void *how)
{
	const struct vballoon_lie_row *row = how;
	unsigned int resets = bout->impostor.seen.resets;

	vballoon_lie_tell(bout, row);
	vballoon_bout_watch(bout, bout->grace_ms);
	vballoon_bout_require(bout, bout->impostor.seen.resets == resets,
			      "the driver resets the device for a verdict");
	bout->impostor.seen.rounds = 0;
	have_round(bout, ROUND);
	vballoon_bout_resize(bout, VBALLOON_BOUT_MORE);
	vballoon_bout_resize(bout, 0);
}

#define FEATURES (F(REPORTING) | F(PAGE_RUNS))
#define CASE(its_name, its_clause, function, argument, is_negative, its_needs)                     \
	VBALLOON_DRIVER_CASE(its_name, its_clause, function, argument, is_negative,                \
			     VBALLOON_STAGE_GREETED, its_needs, 0)
#define ZEROS(its_name, its_clause, its_lie)                                                       \
	CASE(its_name, its_clause, is_taken_for_a_refusal,                                         \
	     VBALLOON_LIE(VIRTIO_MEMORY_BALLOON_MSG_REPORT, its_lie, REPORT, ROUND), true,         \
	     FEATURES | F(ZEROED))

static const struct vballoon_case cases[] = {
	CASE("round", "DRV-REPORT-7", a_round_has_an_end, &(const uint64_t){ ROUND }, false,
	     FEATURES),
	CASE("free-memory", "DRV-REPORT-6", free_memory_is_reported, NULL, false, FEATURES),
	CASE("newest-round", "DRV-REPORT-8", the_newest_round_counts, NULL, false, FEATURES),
	CASE("waits-for-the-answer", "DRV-REPORT-1", it_waits_for_the_answer, NULL, false,
	     FEATURES),
	CASE("round-of-zeros", "DRV-REPORT-7", a_round_has_an_end, &(const uint64_t){ ROUND },
	     false, FEATURES | F(ZEROED)),

	CASE("round-of-id-0", "DRV-REPORT-7", a_round_has_an_end, &(const uint64_t){ 0 }, true,
	     FEATURES),
	ZEROS("refused", "DRV-ZEROED-2", refused),
	ZEROS("verdict-of-two", "DRV-REPORT-10", of_two),
	ZEROS("verdict-of-255", "DRV-REPORT-10", of_255),
	ZEROS("verdict-less", "DRV-REPORT-10", one_less),
	ZEROS("no-verdicts", "DRV-REPORT-10", none),
	CASE("verdicts-beyond-their-buffer", "DRV-RING-4", vballoon_lie_is_noticed,
	     VBALLOON_LIE(VIRTIO_MEMORY_BALLOON_MSG_REPORT, vballoon_lie_beyond_the_buffer, REPORT,
			  ROUND),
	     true, FEATURES),
};

VBALLOON_TOPIC(vballoon_topic_driver_report, "driver-report", VBALLOON_RING_OF_DRIVER,
	       "a driver that reports free memory", cases);
