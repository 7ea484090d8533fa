/* SPDX-License-Identifier: BSD-3-Clause */
#include "conformance/trad.h"

#include <poll.h>
#include <string.h>

#include "base/le.h"
#include "conformance/kind.h"

#define PAGE_BYTES (UINT64_C(1) << VIRTIO_BALLOON_PFN_SHIFT)
#define PFNS_MAX 1024U
#define POLL_MS 2
#define LATE_MS 30 /* a device may have pages wait so long for their neighbours */
#define OURS 0x5a /* what the driver writes into a page that it has taken back */

bool vballoon_trad_has(const struct vballoon_trial *trial, unsigned int role)
{
	static const uint64_t features[VIRTIO_BALLOON_VQ_MAX] = {
		[VIRTIO_BALLOON_VQ_STATS] = VBALLOON_TRAD_F(STATS_VQ),
		[VIRTIO_BALLOON_VQ_FREE_PAGE] = VBALLOON_TRAD_F(FREE_PAGE_HINT),
		[VIRTIO_BALLOON_VQ_REPORTING] = VBALLOON_TRAD_F(REPORTING),
	};

	return vballoon_trial_has(trial, features[role]);
}

unsigned int vballoon_trad_index(const struct vballoon_trial *trial, unsigned int role)
{
	unsigned int index = 0;

	if (!trial->dense)
		return role;
	for (unsigned int before = 0; before < role; before++)
		index += vballoon_trad_has(trial, before);
	return index;
}

/* Collect an answer if there is one. */
static bool collect(struct vballoon_trial *trial, unsigned int role)
{
	unsigned int index = vballoon_trad_index(trial, role);
	struct vballoon_driver_ring *ring = &trial->front_end.queues[index].driver;
	uint64_t token;
	uint32_t written;
	int outcome = vballoon_driver_ring_collect(ring, &token, &written);

	vballoon_require(trial, outcome != VBALLOON_COLLECT_BROKEN,
			 "queue %u came back with an index, an id or a length that cannot be",
			 index);
	vballoon_require(trial, outcome != VBALLOON_COLLECT_ONE || !written,
			 "a message that is only read was answered with %u bytes", written);
	return outcome == VBALLOON_COLLECT_ONE;
}

void vballoon_trad_answer(struct vballoon_trial *trial, unsigned int role)
{
	uint64_t token;
	uint32_t written;

	if (!vballoon_driver_collect(trial, vballoon_trad_index(trial, role), &token, &written))
		vballoon_trial_end(trial, VBALLOON_WEDGED, "a message was not answered in %d ms",
				   trial->setting->patience_ms);
	vballoon_require(trial, !written, "a message that is only read was answered with %u bytes",
			 written);
}

enum vballoon_trad_end vballoon_trad_settle(struct vballoon_trial *trial, unsigned int role)
{
	/* Who is seen to sleep has said what there is to say. */
	int grace_ms = trial->subject->pid ? 0 : trial->setting->grace_ms;

	vballoon_trad_quiesce(trial);
	if (collect(trial, role))
		return VBALLOON_TRAD_ANSWERED;
	if (vballoon_driver_is_stopped(trial, vballoon_trad_index(trial, role), grace_ms))
		return VBALLOON_TRAD_STOPPED;
	return collect(trial, role) ? VBALLOON_TRAD_ANSWERED : VBALLOON_TRAD_SILENT;
}

void vballoon_trad_post(struct vballoon_trial *trial, unsigned int role, const uint32_t *pfns,
			unsigned int count)
{
	__le32 wire[PFNS_MAX];

	for (unsigned int i = 0; i < count; i++)
		wire[i] = vballoon_le32(pfns[i]);
	vballoon_driver_post_on(trial, vballoon_trad_index(trial, role), wire,
				count * (uint32_t)sizeof(wire[0]), 0);
}

void vballoon_trad_say(struct vballoon_trial *trial, unsigned int role, const uint32_t *pfns,
		       unsigned int count)
{
	vballoon_trad_post(trial, role, pfns, count);
	vballoon_trad_answer(trial, role);
}

static void say_run(struct vballoon_trial *trial, unsigned int role, uint64_t gpa,
		    unsigned int count)
{
	uint32_t pfns[PFNS_MAX];

	for (unsigned int i = 0; i < count; i++)
		pfns[i] = vballoon_trad_pfn(gpa) + count - 1 - i;
	vballoon_trad_say(trial, role, pfns, count);
}

void vballoon_trad_give(struct vballoon_trial *trial, uint64_t gpa, unsigned int count)
{
	say_run(trial, INFLATE, gpa, count);
}

void vballoon_trad_take(struct vballoon_trial *trial, uint64_t gpa, unsigned int count)
{
	say_run(trial, DEFLATE, gpa, count);
}

void vballoon_trad_name(struct vballoon_trial *trial, unsigned int role, uint64_t gpa,
			uint32_t bytes)
{
	const struct vballoon_driver_buffer buffer = { vballoon_gpa(gpa), bytes, true };

	vballoon_driver_post_chain(trial, vballoon_trad_index(trial, role), &buffer, 1);
}

void vballoon_trad_work(struct vballoon_trial *trial, unsigned int count)
{
	uint64_t gpa = vballoon_trial_page(trial, 0);

	vballoon_trad_give(trial, gpa, count);
	vballoon_trad_take(trial, gpa, count);
	vballoon_trad_fill(trial, gpa, count * PAGE_BYTES, OURS);
	vballoon_trad_quiesce(trial);
	vballoon_trad_expect(trial, gpa, count * PAGE_BYTES, OURS, "a page that was taken back");
}

void vballoon_trad_quiesce(struct vballoon_trial *trial)
{
	(void)vballoon_subject_sleeps(trial->subject, trial->setting->patience_ms);
}

void vballoon_trad_lapse(struct vballoon_trial *trial)
{
	vballoon_trad_quiesce(trial);
	(void)poll(NULL, 0, LATE_MS);
	vballoon_trad_quiesce(trial);
}

void vballoon_trad_fill(struct vballoon_trial *trial, uint64_t gpa, uint64_t bytes, int with)
{
	memset(vballoon_trial_at(trial, gpa), with, bytes);
}

uint64_t vballoon_trad_changed(struct vballoon_trial *trial, uint64_t gpa, uint64_t bytes, int with)
{
	const unsigned char *at = vballoon_trial_at(trial, gpa);

	for (uint64_t i = 0; i < bytes; i++) {
		if (at[i] != with)
			return gpa + i;
	}
	return UINT64_MAX;
}

void vballoon_trad_expect(struct vballoon_trial *trial, uint64_t gpa, uint64_t bytes, int with,
			  const char *what)
{
	uint64_t changed = vballoon_trad_changed(trial, gpa, bytes, with);

	vballoon_require(trial, changed == UINT64_MAX, "%s has changed, at address 0x%llx", what,
			 (unsigned long long)changed);
}

bool vballoon_trad_shrinks(struct vballoon_trial *trial, uint64_t most, int timeout_ms)
{
	for (int waited = 0; vballoon_front_end_memory_held(&trial->front_end) > most;
	     waited += POLL_MS) {
		if (waited >= timeout_ms)
			return false;
		poll(NULL, 0, POLL_MS);
	}
	return true;
}

void vballoon_trad_needs_drop(struct vballoon_trial *trial, uint64_t gpa)
{
	uint64_t before;

	/* The pages of rings and messages are there from now on. */
	vballoon_trad_give(trial, gpa, 4);
	vballoon_trad_take(trial, gpa, 4);
	vballoon_trad_fill(trial, gpa, 4 * PAGE_BYTES, OURS);
	vballoon_trad_quiesce(trial);
	before = vballoon_front_end_memory_held(&trial->front_end);
	vballoon_trad_give(trial, gpa, 4);
	vballoon_trad_lapse(trial);
	if (!vballoon_trad_shrinks(trial, before - 4 * PAGE_BYTES, trial->setting->grace_ms))
		vballoon_trial_end(trial, VBALLOON_SKIP,
				   "what is given does not go to the host, or not at once");
	vballoon_trad_take(trial, gpa, 4);
	vballoon_trad_fill(trial, gpa, 4 * PAGE_BYTES, OURS);
}

static int survey(struct vballoon_link *link, struct vballoon_facts *facts)
{
	struct virtio_balloon_config config;

	facts->config.page_shift = VIRTIO_BALLOON_PFN_SHIFT;
	return vballoon_kind_ask_config(link, &config, sizeof(config));
}

static uint32_t queues(const struct vballoon_trial *trial)
{
	uint32_t mask = 0;

	for (unsigned int role = 0; role < VIRTIO_BALLOON_VQ_MAX; role++) {
		if (vballoon_trad_has(trial, role))
			mask |= 1U << vballoon_trad_index(trial, role);
	}
	return mask;
}

/* This driver begins with what it has to say. */
static void nothing(struct vballoon_trial *trial)
{
	(void)trial;
}

const struct vballoon_kind vballoon_kind_traditional = {
	.device_id = VIRTIO_BALLOON_ID,
	.queue_count = VIRTIO_BALLOON_VQ_MAX,
	.features = VBALLOON_TRAD_F(MUST_TELL_HOST) | VBALLOON_TRAD_F(STATS_VQ) |
		    VBALLOON_TRAD_F(DEFLATE_ON_OOM) | VBALLOON_TRAD_F(FREE_PAGE_HINT) |
		    VBALLOON_TRAD_F(PAGE_POISON) | VBALLOON_TRAD_F(REPORTING) |
		    VBALLOON_TRAD_F(SILENT_DEFLATE),
	.numberings = true,
	.reaches_high = true,
	.survey = survey,
	.queues = queues,
	.begin = nothing,
	.greet = nothing,
	.start_over = nothing,
	.work = vballoon_trad_work,
};
