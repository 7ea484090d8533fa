/* SPDX-License-Identifier: BSD-3-Clause */
/* F_PUSH_STATS: a driver that reports by itself. */
#include "base/le.h"
#include "conformance/lies.h"
#include "conformance/topics.h"

#define STATS VIRTIO_MEMORY_BALLOON_REQ_STATS
#define COOKIE 0x5eed
#define PERIOD_MS 260
#define LEAST_MS 250
#define SAME UINT64_C(0xffffffff) /* no change */

/* Tell a period, and have the answer that the request asks for. */
static void tell(struct vballoon_bout *bout, uint64_t period_ms)
{
	unsigned int stats = bout->impostor.seen.stats;

	vballoon_impostor_ask(&bout->impostor, STATS, COOKIE, period_ms);
	if (!vballoon_bout_await(bout, vballoon_bout_stats, stats + 1, bout->patience_ms))
		vballoon_bout_end(bout, VBALLOON_WEDGED, "no STATS came");
}

/* So many more have to come without a request. */
static void expect_pushes(struct vballoon_bout *bout, unsigned int count)
{
	unsigned int stats = bout->impostor.seen.stats;

	if (!vballoon_bout_await(bout, vballoon_bout_stats, stats + count, bout->patience_ms))
		vballoon_bout_end(bout, VBALLOON_FAIL, "%u STATS came by themselves, not %u",
				  bout->impostor.seen.stats - stats, count);
	vballoon_bout_require(bout, !bout->impostor.seen.stats_flags,
			      "the flags of a STATS that nobody asked for are 0x%x",
			      bout->impostor.seen.stats_flags);
}

static void expect_silence(struct vballoon_bout *bout, const char *when)
{
	unsigned int stats = bout->impostor.seen.stats;

	vballoon_bout_watch(bout, 2 * PERIOD_MS);
	vballoon_bout_require(bout, bout->impostor.seen.stats == stats, "it pushes %s", when);
}

static void pushes_each_period(struct vballoon_bout *bout, const void *how)
{
	const uint64_t *period_ms = how;

	tell(bout, *period_ms);
	expect_pushes(bout, 2);
}

static void the_end_is_heard(struct vballoon_bout *bout, const void *how)
{
	(void)how;
	tell(bout, PERIOD_MS);
	expect_pushes(bout, 1);
	tell(bout, 0);
	expect_silence(bout, "after it was told to end");
}

static void all_ones_change_nothing(struct vballoon_bout *bout, const void *how)
{
	(void)how;
	tell(bout, SAME);
	expect_silence(bout, "though no period was told");
	tell(bout, PERIOD_MS);
	tell(bout, SAME);
	expect_pushes(bout, 2);
}

static void nothing_is_pushed_unasked(struct vballoon_bout *bout, const void *how)
{
	(void)how;
	expect_silence(bout, "before it was told a period");
}

static void a_reset_ends_it(struct vballoon_bout *bout, const void *how)
{
	unsigned int hellos = bout->impostor.seen.hellos;

	(void)how;
	tell(bout, PERIOD_MS);
	vballoon_impostor_ask(&bout->impostor, VIRTIO_MEMORY_BALLOON_REQ_RESET, 0, 0);
	if (!vballoon_bout_await(bout, vballoon_bout_hellos, hellos + 1, bout->patience_ms))
		vballoon_bout_end(bout, VBALLOON_WEDGED, "no HELLO came after the reset");
	expect_silence(bout, "after a reset, before it was told a period");
}

static void never_more_often(struct vballoon_bout *bout, const void *how)
{
	const uint64_t *period_ms = how;
	unsigned int stats, most = 1000 / LEAST_MS + 2;

	tell(bout, *period_ms);
	stats = bout->impostor.seen.stats;
	vballoon_bout_watch(bout, 1000);
	stats = bout->impostor.seen.stats - stats;
	vballoon_bout_require(bout, stats <= most, "%u STATS in a second", stats);
	expect_pushes(bout, 1);
}

/* While nothing is answered, one is in flight and no other follows. */
static void one_is_in_flight(struct vballoon_bout *bout, const void *how)
{
	unsigned int stats;

	(void)how;
	tell(bout, PERIOD_MS);
	bout->impostor.mute = true;
	vballoon_bout_watch(bout, 3 * PERIOD_MS);
	stats = bout->impostor.seen.stats;
	bout->impostor.mute = false;
	vballoon_impostor_serve(&bout->impostor);
	stats = bout->impostor.seen.stats - stats;
	vballoon_bout_require(bout, stats <= 1, "%u STATS were in flight", stats);
	expect_pushes(bout, 1);
}

#define CASE(its_name, its_clause, function, argument, is_negative)                                \
	VBALLOON_DRIVER_CASE(its_name, its_clause, function, argument, is_negative,                \
			     VBALLOON_STAGE_GREETED,                                               \
			     UINT64_C(1) << VIRTIO_MEMORY_BALLOON_F_PUSH_STATS, 0)

static const struct vballoon_case cases[] = {
	CASE("each-period", "DRV-PUSH-2", pushes_each_period, &(const uint64_t){ PERIOD_MS },
	     false),
	CASE("until-told", "DRV-PUSH-1", the_end_is_heard, NULL, false),
	CASE("all-ones", "DRV-PUSH-1", all_ones_change_nothing, NULL, false),
	CASE("not-before-told", "DRV-PUSH-5", nothing_is_pushed_unasked, NULL, false),
	CASE("not-after-a-reset", "DRV-PUSH-5", a_reset_ends_it, NULL, false),
	CASE("one-in-flight", "DRV-PUSH-4", one_is_in_flight, NULL, true),
	CASE("period-of-1-ms", "DRV-PUSH-3", never_more_often, &(const uint64_t){ 1 }, true),
	CASE("period-with-high-bits", "DRV-PUSH-1", pushes_each_period,
	     &(const uint64_t){ UINT64_C(1) << 32 | PERIOD_MS }, true),
};

VBALLOON_TOPIC(vballoon_topic_driver_push, "driver-push", VBALLOON_RING_OF_DRIVER,
	       "a driver that pushes statistics", cases);
