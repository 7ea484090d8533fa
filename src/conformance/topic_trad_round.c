/* SPDX-License-Identifier: BSD-3-Clause */
/* The traditional balloon: rounds of hints that the device begins. A driver cannot have it do
 * so; the suite is told how. */
#include <errno.h>
#include <poll.h>

#include "base/le.h"
#include "conformance/space.h"
#include "conformance/topics.h"
#include "conformance/trad.h"

#define HINT VIRTIO_BALLOON_VQ_FREE_PAGE
#define PAGE_BYTES UINT64_C(4096)
#define THEIRS 0x39
#define OURS 0xc6
#define POLL_MS 2
#define HINTED 16U /* pages */

/* free_page_hint_cmd_id */
static uint32_t command(struct vballoon_trial *trial)
{
	__le32 id;

	vballoon_space_read(trial, offsetof(struct virtio_balloon_config, free_page_hint_cmd_id),
			    &id, sizeof(id));
	return vballoon_le32(id);
}

/* Do what has the device begin a round. */
static void ask(struct vballoon_trial *trial)
{
	int ret = vballoon_subject_begin_round(trial->subject);

	if (ret == -EOPNOTSUPP)
		vballoon_trial_end(trial, VBALLOON_SKIP,
				   "how it is to begin a round was not said: --begin-round");
	vballoon_require(trial, !ret, "the command that has it begin a round failed");
}

/* A new round: its id, which is not that of the one before. */
static uint32_t begin_round(struct vballoon_trial *trial, uint32_t before)
{
	uint32_t id;

	ask(trial);
	for (int waited = 0; (id = command(trial)) < VIRTIO_BALLOON_CMD_ID_MIN || id == before;
	     waited += POLL_MS) {
		vballoon_require(trial, waited < trial->setting->patience_ms,
				 "it was to begin a round, and free_page_hint_cmd_id is %u", id);
		poll(NULL, 0, POLL_MS);
	}
	return id;
}

static void say(struct vballoon_trial *trial, uint32_t id)
{
	const __le32 wire = vballoon_le32(id);

	vballoon_driver_post_on(trial, vballoon_trad_index(trial, HINT), &wire, sizeof(wire), 0);
	vballoon_trad_answer(trial, HINT);
}

static void hint(struct vballoon_trial *trial, uint64_t gpa)
{
	vballoon_trad_name(trial, HINT, gpa, HINTED * PAGE_BYTES);
	vballoon_trad_answer(trial, HINT);
}

/* The driver says that it is through. */
static void end_round(struct vballoon_trial *trial)
{
	uint32_t id;

	say(trial, VIRTIO_BALLOON_CMD_ID_STOP);
	for (int waited = 0; (id = command(trial)) != VIRTIO_BALLOON_CMD_ID_DONE;
	     waited += POLL_MS) {
		vballoon_require(trial, waited < trial->setting->patience_ms,
				 "a round is over, and free_page_hint_cmd_id is %u", id);
		poll(NULL, 0, POLL_MS);
	}
}

static void one_after_the_other(struct vballoon_trial *trial, const void *how)
{
	uint32_t id = begin_round(trial, 0);

	(void)how;
	say(trial, id);
	end_round(trial);
	say(trial, begin_round(trial, id));
	end_round(trial);
}

/* A driver may use what it names in a round before, and at any time after. */
static void used_meanwhile(struct vballoon_trial *trial, const void *how)
{
	uint64_t before = vballoon_trial_page(trial, 64), after = before + HINTED * PAGE_BYTES;

	(void)how;
	vballoon_trad_fill(trial, before, 2 * PAGE_BYTES * HINTED, THEIRS);
	say(trial, begin_round(trial, 0));
	vballoon_trad_fill(trial, before, HINTED * PAGE_BYTES, OURS);
	hint(trial, before);
	hint(trial, after);
	vballoon_trad_fill(trial, after, HINTED * PAGE_BYTES, OURS);
	vballoon_trad_lapse(trial);
	end_round(trial);
	vballoon_trad_lapse(trial);
	vballoon_trad_expect(trial, before, 2 * PAGE_BYTES * HINTED, OURS,
			     "a page that was written since the round began");
}

/* A driver that is late: what ends a round is the end of that one. */
static void late_stop(struct vballoon_trial *trial, const void *how)
{
	uint32_t old = begin_round(trial, 0), new;

	(void)how;
	ask(trial);
	vballoon_trad_quiesce(trial);
	new = command(trial);
	if (new == old)
		vballoon_trial_end(trial, VBALLOON_SKIP, "it goes on with the round under way");
	say(trial, old);
	hint(trial, vballoon_trial_page(trial, 64));
	say(trial, VIRTIO_BALLOON_CMD_ID_STOP);
	vballoon_trad_quiesce(trial);
	vballoon_require(trial, command(trial) == new,
			 "round %u was ended, and free_page_hint_cmd_id is %u in place of %u", old,
			 command(trial), new);
	say(trial, new);
	end_round(trial);
}

/* The driver has gone; the next one says nothing of that round, and has one of its own. */
static void driver_goes(struct vballoon_trial *trial, const void *how)
{
	uint64_t gpa = vballoon_trial_page(trial, 64);
	uint32_t id = begin_round(trial, 0);

	(void)how;
	say(trial, id);
	hint(trial, gpa);
	vballoon_trial_stop_queues(trial);
	vballoon_trial_start(trial);
	vballoon_trad_fill(trial, gpa, HINTED * PAGE_BYTES, OURS);
	vballoon_trad_work(trial, 4);
	vballoon_trad_lapse(trial);
	vballoon_trad_expect(trial, gpa, HINTED * PAGE_BYTES, OURS,
			     "a page that only the driver before has hinted");
	say(trial, begin_round(trial, id));
	end_round(trial);
}

#define ROUND(its_name, its_clause, function)                                                      \
	{                                                                                          \
		its_name, its_clause, function, NULL, false, VBALLOON_STAGE_GREETED,               \
			VBALLOON_TRAD_F(FREE_PAGE_HINT), 0                                         \
	}

static const struct vballoon_case cases[] = {
	ROUND("one-after-the-other", "TRAD-ROUND-1", one_after_the_other),
	ROUND("used-meanwhile", "TRAD-ROUND-2", used_meanwhile),
	ROUND("late-stop", "TRAD-ROUND-3", late_stop),
	ROUND("driver-goes", "TRAD-ROUND-4", driver_goes),
};

VBALLOON_TRAD_TOPIC(vballoon_topic_trad_round, "trad-round", VBALLOON_RING_ANY,
		    "rounds of hints that the device begins", cases);
