/* SPDX-License-Identifier: BSD-3-Clause */
/* A driver before a device: what it has to do, and what it makes of requests, of silence
 * and of a device that it may not use. */
#include "base/le.h"
#include "conformance/lies.h"
#include "conformance/topics.h"

#define PAGES VBALLOON_BOUT_PAGES
#define LESS VBALLOON_BOUT_LESS
#define MORE VBALLOON_BOUT_MORE
#define F(name) (UINT64_C(1) << VIRTIO_MEMORY_BALLOON_F_##name)
#define RESIZE VIRTIO_MEMORY_BALLOON_REQ_RESIZE
#define GREETED VBALLOON_STAGE_GREETED

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

static void seven_unless_started_over(struct vballoon_impostor *impostor, uint8_t *answer,
				      uint32_t *len, uint32_t *told)
{
	(void)len;
	(void)told;
	if (!impostor->seen.start_overs)
		vballoon_lie_put(answer, 0, 7);
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
	vballoon_lie_expect_reset(bout, resets, bout->impostor.seen.messages);
	if (!vballoon_bout_await(bout, vballoon_bout_hellos, hellos + 1, bout->patience_ms))
		vballoon_bout_end(bout, VBALLOON_WEDGED, "no HELLO came after the reset");
	vballoon_bout_resize(bout, PAGES);
}

static void request_stats_is_answered(struct vballoon_bout *bout, const void *how)
{
	const uint32_t *cookie = how;

	vballoon_impostor_ask(&bout->impostor, VIRTIO_MEMORY_BALLOON_REQ_STATS, *cookie, 0);
	if (!vballoon_bout_await(bout, vballoon_bout_stats, 1, bout->patience_ms))
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

#define CASE(its_name, its_clause, function, argument, is_negative, its_stage, its_lacks)          \
	VBALLOON_DRIVER_CASE(its_name, its_clause, function, argument, is_negative, its_stage, 0,  \
			     its_lacks)
#define DOES(its_name, its_clause, function)                                                       \
	CASE(its_name, its_clause, function, NULL, false, GREETED, 0)
#define BEARS(its_name, its_clause, function, argument)                                            \
	CASE(its_name, its_clause, function, argument, true, GREETED, 0)
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
	       "a driver before a device, a silent one, and one that it may not use", cases);
