/* SPDX-License-Identifier: BSD-3-Clause */
/* Feature bits: what is offered, and messages of what was not negotiated. */
#include <errno.h>

#include "base/le.h"
#include "conformance/message.h"
#include "conformance/space.h"
#include "conformance/topics.h"

struct bits {
	uint64_t offered, withheld;
};

static void offers(struct vballoon_trial *trial, const void *how)
{
	const struct bits *bits = how;

	vballoon_require(trial, (trial->facts->features & bits->offered) == bits->offered,
			 "feature %d is not offered",
			 __builtin_ctzll(bits->offered & ~trial->facts->features));
	vballoon_require(trial, !(trial->facts->features & bits->withheld), "feature %d is offered",
			 __builtin_ctzll(trial->facts->features & bits->withheld));
}

static void base_protocol_is_enough(struct vballoon_trial *trial, const void *how)
{
	(void)how;
	vballoon_driver_give(trial, 0, 20);
	vballoon_require(trial, vballoon_driver_hello_again(trial, 0) == 20,
			 "without a feature the record does not hold what was given");
	vballoon_driver_take_all(trial, 20);
}

/* A driver that accepts what cannot be worked with: its queues are not used. */
static void queues_are_not_used(struct vballoon_trial *trial, const void *how)
{
	const struct bits *bits = how;
	uint64_t features = (trial->features | bits->offered) & ~bits->withheld;
	struct virtio_memory_balloon_hello hello = {
		.unit_shift = vballoon_le32(trial->facts->config.page_shift),
	};
	uint64_t token;
	uint32_t written;

	vballoon_trial_negotiate(trial, features);
	vballoon_trial_start(trial);
	vballoon_driver_post(trial, &hello, sizeof(hello), sizeof(uint64_t));
	if (vballoon_link_closed(&trial->front_end.link, trial->setting->grace_ms))
		return;
	vballoon_require(trial,
			 vballoon_driver_ring_collect(&trial->front_end.queues[TODEVQ].driver,
						      &token, &written) == VBALLOON_COLLECT_NONE,
			 "it works for a driver with such features");
}

/* F_REPORTING without F_PAGE_RUNS counts as not negotiated. */
static void reporting_needs_runs(struct vballoon_trial *trial, const void *how)
{
	trial->features &= ~VBALLOON_F(PAGE_RUNS);
	vballoon_trial_negotiate(trial, trial->features);
	vballoon_trial_start(trial);
	vballoon_driver_hello(trial, trial->facts->config.page_shift, 0);
	vballoon_message_stops(trial, how);
}

#define STOPS(its_name, its_clause, its_lacks, ...)                                                \
	{                                                                                          \
		its_name, its_clause, vballoon_message_stops,                                      \
			&(const struct vballoon_message_row){ __VA_ARGS__ }, true,                 \
			VBALLOON_STAGE_GREETED, 0, its_lacks                                       \
	}
#define OFFERS(its_name, its_clause, its_offered, its_withheld)                                    \
	{                                                                                          \
		its_name, its_clause, offers, &(const struct bits){ its_offered, its_withheld },   \
			false, VBALLOON_STAGE_CONNECTED, 0, 0                                      \
	}
#define UNUSED(its_name, its_clause, its_added, its_left_out)                                      \
	{                                                                                          \
		its_name, its_clause, queues_are_not_used,                                         \
			&(const struct bits){ its_added, its_left_out }, true,                     \
			VBALLOON_STAGE_CONNECTED, 0, 0                                             \
	}

static const struct vballoon_case cases[] = {
	OFFERS("version-1-is-offered", "DEV-FEAT-1", VBALLOON_VIRTIO_VERSION_1, 0),
	OFFERS("access-platform-is-not", "DEV-FEAT-3", 0, VBALLOON_VIRTIO_ACCESS_PLATFORM),
	{ "same-on-each-connection", "DEV-FEAT-9", vballoon_space_same_features, NULL, false,
	  VBALLOON_STAGE_CONNECTED, 0, 0 },
	{ "base-protocol-is-enough", "DEV-FEAT-4", base_protocol_is_enough, NULL, false,
	  VBALLOON_STAGE_GREETED, 0, VBALLOON_DEVICE_FEATURES },

	UNUSED("no-version-1", "DEV-FEAT-2", 0, VBALLOON_VIRTIO_VERSION_1),
	UNUSED("device-bit-that-is-not-offered", "DEV-FEAT-9", VBALLOON_BIT(6), 0),
	UNUSED("last-device-bit", "DEV-FEAT-9", VBALLOON_BIT(23), 0),
	UNUSED("access-platform", "DEV-FEAT-9", VBALLOON_VIRTIO_ACCESS_PLATFORM, 0),
	UNUSED("bit-63", "DEV-FEAT-9", VBALLOON_BIT(63), 0),

	STOPS("exchange-without-its-feature", "DEV-FEAT-6", VBALLOON_F(EXCHANGE),
	      .type = VIRTIO_MEMORY_BALLOON_MSG_EXCHANGE, .readable = 24, .writable = 1,
	      .body = { VBALLOON_WORD_PAGE, VBALLOON_WORD_NEXT_PAGE }),
	STOPS("report-without-its-feature", "DEV-FEAT-6", VBALLOON_F(REPORTING),
	      .type = VIRTIO_MEMORY_BALLOON_MSG_REPORT, .readable = 16,
	      .body = { VBALLOON_WORD_PAGE }),
	STOPS("report-done-without-its-feature", "DEV-FEAT-6", VBALLOON_F(REPORTING),
	      .type = VIRTIO_MEMORY_BALLOON_MSG_REPORT_DONE, .readable = 16, .body = { 1 }),
	{ "report-without-runs", "DEV-FEAT-5", reporting_needs_runs,
	  &(const struct vballoon_message_row){ .type = VIRTIO_MEMORY_BALLOON_MSG_REPORT,
						.readable = 16,
						.body = { VBALLOON_WORD_PAGE } },
	  true, VBALLOON_STAGE_CONNECTED, VBALLOON_F(REPORTING), 0 },
	{ "report-done-without-runs", "DEV-FEAT-5", reporting_needs_runs,
	  &(const struct vballoon_message_row){
		  .type = VIRTIO_MEMORY_BALLOON_MSG_REPORT_DONE, .readable = 16, .body = { 1 } },
	  true, VBALLOON_STAGE_CONNECTED, VBALLOON_F(REPORTING), 0 },
};

VBALLOON_TOPIC(vballoon_topic_features, "features", VBALLOON_RING_ANY,
	       "feature bits, and messages of what was not negotiated", cases);
