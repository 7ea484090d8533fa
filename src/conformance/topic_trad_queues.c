/* SPDX-License-Identifier: BSD-3-Clause */
/* The traditional balloon: which queue is which, and which driver speaks. */
#include "conformance/topics.h"
#include "conformance/trad.h"

#define HINT VIRTIO_BALLOON_VQ_FREE_PAGE
#define REPORT VIRTIO_BALLOON_VQ_REPORTING
#define PAGE_BYTES UINT64_C(4096)
#define THEIRS 0x39
#define OURS 0xc6
#define GIVEN 64U

/* A driver that numbers its queues in one of the two ways. */
static void number_queues(struct vballoon_trial *trial, bool dense)
{
	trial->dense = dense;
	vballoon_trial_start(trial);
}

static void reports_arrive(struct vballoon_trial *trial, const void *how)
{
	const bool *dense = how;
	uint64_t gpa = vballoon_trial_page(trial, 64);

	number_queues(trial, *dense);
	vballoon_trad_work(trial, 4);
	vballoon_trad_fill(trial, gpa, 8 * PAGE_BYTES, THEIRS);
	vballoon_trad_name(trial, REPORT, gpa, 8 * PAGE_BYTES);
	vballoon_trad_answer(trial, REPORT);
	vballoon_trad_fill(trial, gpa, 8 * PAGE_BYTES, OURS);
	vballoon_trad_work(trial, 4);
	vballoon_trad_expect(trial, gpa, 8 * PAGE_BYTES, OURS, "a page that was reported before");
}

/* What is hinted, and used meanwhile, is not taken for a report: the queues of the two have the
 * same number, one in each way. */
static void hints_are_no_reports(struct vballoon_trial *trial, const void *how)
{
	const bool *dense = how;
	uint64_t gpa = vballoon_trial_page(trial, 64);

	number_queues(trial, *dense);
	vballoon_trad_fill(trial, gpa, 8 * PAGE_BYTES, THEIRS);
	vballoon_trad_name(trial, HINT, gpa, 8 * PAGE_BYTES);
	vballoon_trad_answer(trial, HINT);
	vballoon_trad_quiesce(trial);
	vballoon_trad_expect(trial, gpa, 8 * PAGE_BYTES, THEIRS, "a page that was hinted");
}

static uint64_t given_at(const struct vballoon_trial *trial)
{
	return vballoon_trial_page(trial, 0);
}

static void start_anew(struct vballoon_trial *trial)
{
	vballoon_trial_stop_queues(trial);
	vballoon_trial_start(trial);
}

/* What the driver before has given stays as it is, whatever the new one gives. */
static void is_untouched(struct vballoon_trial *trial)
{
	vballoon_trad_fill(trial, given_at(trial), GIVEN * PAGE_BYTES, OURS);
	vballoon_trad_give(trial, vballoon_trial_page(trial, GIVEN), GIVEN);
	vballoon_trad_lapse(trial);
	vballoon_trad_expect(trial, given_at(trial), GIVEN * PAGE_BYTES, OURS,
			     "a page that only the driver before has given");
}

/* The guest was reset: all of its memory is its own. */
static void new_driver_owns_all(struct vballoon_trial *trial, const void *how)
{
	(void)how;
	vballoon_trad_give(trial, given_at(trial), GIVEN);
	start_anew(trial);
	is_untouched(trial);
}

/* What it has made available and the device did not see is nothing to the next driver. */
static void messages_go_with_their_driver(struct vballoon_trial *trial, const void *how)
{
	uint32_t pfns[GIVEN];

	(void)how;
	for (unsigned int i = 0; i < GIVEN; i++)
		pfns[i] = vballoon_trad_pfn(given_at(trial)) + i;
	vballoon_trad_post(trial, INFLATE, pfns, GIVEN);
	start_anew(trial);
	is_untouched(trial);
}

/* The same pages, used by the next guest and given by it, go to the host again. */
static void nothing_is_remembered(struct vballoon_trial *trial, const void *how)
{
	uint64_t before;

	(void)how;
	vballoon_trad_needs_drop(trial, vballoon_trial_page(trial, 200));
	vballoon_trad_give(trial, given_at(trial), GIVEN);
	vballoon_trad_lapse(trial);
	start_anew(trial);
	vballoon_trad_fill(trial, given_at(trial), GIVEN * PAGE_BYTES, THEIRS);
	before = vballoon_front_end_memory_held(&trial->front_end);
	vballoon_trad_give(trial, given_at(trial), GIVEN);
	vballoon_require(trial,
			 vballoon_trad_shrinks(trial, before - GIVEN * PAGE_BYTES,
					       trial->setting->patience_ms),
			 "pages that the driver before had given do not go, where others do");
}

/* What was given before is the driver's again, whatever it gives now. */
static void takes_back(struct vballoon_trial *trial)
{
	vballoon_trad_take(trial, given_at(trial), GIVEN);
	vballoon_trad_fill(trial, given_at(trial), GIVEN * PAGE_BYTES, OURS);
	vballoon_trad_give(trial, vballoon_trial_page(trial, GIVEN), GIVEN);
	vballoon_trad_lapse(trial);
	vballoon_trad_expect(trial, given_at(trial), GIVEN * PAGE_BYTES, OURS,
			     "a page that was taken back");
}

/* A guest that was paused goes on: what it has given, it takes back. */
static void paused_driver_goes_on(struct vballoon_trial *trial, const void *how)
{
	(void)how;
	vballoon_trad_work(trial, 3);
	vballoon_trad_give(trial, given_at(trial), GIVEN);
	vballoon_trial_stop_queues(trial);
	vballoon_trial_go_on(trial);
	takes_back(trial);
}

/* A back end that was started again, after its time or before it, finds a driver that knows nothing
 * of that. */
static void restarted_device_goes_on(struct vballoon_trial *trial, const void *how)
{
	const bool *at_once = how;

	vballoon_trad_work(trial, 3);
	vballoon_trad_give(trial, given_at(trial), GIVEN);
	vballoon_trad_lapse(trial);
	vballoon_trial_restart_subject(trial, *at_once);
	vballoon_trial_go_on(trial);
	takes_back(trial);
	vballoon_trad_work(trial, 4);
}

/* The guest was reset while there was no back end. */
static void restarted_device_has_a_new_driver(struct vballoon_trial *trial, const void *how)
{
	const bool *at_once = how;

	vballoon_trad_give(trial, given_at(trial), GIVEN);
	vballoon_trial_restart_subject(trial, *at_once);
	vballoon_trial_start(trial);
	is_untouched(trial);
}

#define F(name) VBALLOON_TRAD_F(name)
#define NUMBERED(its_name, its_clause, function, its_needs, its_lacks, is_dense)                   \
	{                                                                                          \
		its_name, its_clause, function, &(const bool){ is_dense }, false,                  \
			VBALLOON_STAGE_NEGOTIATED, its_needs, its_lacks                            \
	}
#define BOTH(its_name, function, its_needs, its_lacks)                                             \
	NUMBERED(its_name, "TRAD-QUEUE-1", function, its_needs, its_lacks, false),                 \
		NUMBERED(its_name "-dense", "TRAD-QUEUE-2", function, its_needs, its_lacks, true)

static const struct vballoon_case queue_cases[] = {
	BOTH("all", reports_arrive, F(REPORTING), 0),
	BOTH("no-statistics", reports_arrive, F(REPORTING), F(STATS_VQ)),
	BOTH("no-hints", reports_arrive, F(REPORTING), F(FREE_PAGE_HINT)),
	BOTH("reports-alone", reports_arrive, F(REPORTING), F(STATS_VQ) | F(FREE_PAGE_HINT)),
	NUMBERED("hint-is-no-report", "TRAD-QUEUE-3", hints_are_no_reports,
		 F(FREE_PAGE_HINT) | F(REPORTING), F(STATS_VQ), false),
	NUMBERED("hint-is-no-report-dense", "TRAD-QUEUE-3", hints_are_no_reports,
		 F(FREE_PAGE_HINT) | F(REPORTING), F(STATS_VQ), true),
	NUMBERED("hint-alone-is-no-report", "TRAD-QUEUE-3", hints_are_no_reports, F(FREE_PAGE_HINT),
		 F(STATS_VQ) | F(REPORTING), true),
};

#define RESET(its_name, its_clause, function, is_negative)                                         \
	{                                                                                          \
		its_name, its_clause, function, NULL, is_negative, VBALLOON_STAGE_GREETED, 0, 0    \
	}

static const struct vballoon_case reset_cases[] = {
	RESET("new-driver-owns-all", "TRAD-RESET-1", new_driver_owns_all, false),
	RESET("messages-go-with-their-driver", "TRAD-RESET-1", messages_go_with_their_driver, true),
	RESET("nothing-is-remembered", "TRAD-RESET-2", nothing_is_remembered, false),
	RESET("paused-driver-goes-on", "TRAD-RESET-3", paused_driver_goes_on, false),
};

#define RESTART(its_name, its_clause, function, is_at_once)                                        \
	{                                                                                          \
		its_name, its_clause, function, &(const bool){ is_at_once }, false,                \
			VBALLOON_STAGE_GREETED, 0, 0                                               \
	}

/* Cases of their own: a process that is another one than before says nothing of traces. */
static const struct vballoon_case restart_cases[] = {
	RESTART("driver-goes-on", "TRAD-RESTART-1", restarted_device_goes_on, false),
	RESTART("driver-goes-on-after-a-crash", "TRAD-RESTART-1", restarted_device_goes_on, true),
	RESTART("new-driver", "TRAD-RESET-1", restarted_device_has_a_new_driver, false),
	RESTART("new-driver-after-a-crash", "TRAD-RESET-1", restarted_device_has_a_new_driver,
		true),
};

VBALLOON_TRAD_TOPIC(vballoon_topic_trad_queues, "trad-queues", VBALLOON_RING_ANY,
		    "which queue is which, in either numbering", queue_cases);
VBALLOON_TRAD_TOPIC(vballoon_topic_trad_reset, "trad-reset", VBALLOON_RING_ANY,
		    "drivers that go, and drivers that come", reset_cases);
VBALLOON_TRAD_TOPIC(vballoon_topic_trad_restart, "trad-restart", VBALLOON_RING_ANY,
		    "a back end that ends and is started again", restart_cases);
