/* SPDX-License-Identifier: BSD-3-Clause */
/* F_EXCHANGE: a driver that swaps pages. When it does is its own affair: where it does not
 * while it is watched, there is nothing to tell. */
#include "base/le.h"
#include "conformance/lies.h"
#include "conformance/topics.h"

#define PAGES VBALLOON_BOUT_PAGES
#define RESIZE VIRTIO_MEMORY_BALLOON_REQ_RESIZE

static void await_exchanges(struct vballoon_bout *bout, unsigned int count)
{
	if (!vballoon_bout_await(bout, vballoon_bout_exchanges, count, 3 * bout->grace_ms))
		vballoon_bout_end(bout, VBALLOON_SKIP, "the driver exchanges nothing by itself");
}

static void swaps_pages(struct vballoon_bout *bout, const void *how)
{
	(void)how;
	await_exchanges(bout, 3);
	vballoon_bout_resize(bout, 0);
	vballoon_bout_resize(bout, PAGES);
}

/* A refused pair leaves both pages where they were: all that is held comes back, and is
 * known to be. */
static void a_refusal_changes_nothing(struct vballoon_bout *bout, const void *how)
{
	unsigned int resets = bout->impostor.seen.resets;

	(void)how;
	bout->impostor.refuses = true;
	await_exchanges(bout, bout->impostor.seen.exchanges + 2);
	vballoon_impostor_ask(&bout->impostor, RESIZE, 0, 0);
	if (!vballoon_bout_await(bout, vballoon_bout_holds, 0, bout->patience_ms))
		vballoon_bout_end(bout, VBALLOON_WEDGED, "not all that is held was taken back");
	vballoon_bout_watch(bout, bout->grace_ms);
	vballoon_bout_require(bout, bout->impostor.seen.resets == resets,
			      "the driver does not know a page that it gets back");
}

static void lie_is_survived(struct vballoon_bout *bout, const void *how)
{
	await_exchanges(bout, 1);
	vballoon_lie_is_survived(bout, how);
}

static void lie_is_noticed(struct vballoon_bout *bout, const void *how)
{
	await_exchanges(bout, 1);
	vballoon_lie_is_noticed(bout, how);
}

#define CASE(its_name, its_clause, function, argument, is_negative)                                \
	VBALLOON_DRIVER_CASE(its_name, its_clause, function, argument, is_negative,                \
			     VBALLOON_STAGE_GREETED,                                               \
			     UINT64_C(1) << VIRTIO_MEMORY_BALLOON_F_EXCHANGE, 0)
#define LIES(its_name, its_clause, function, its_lie)                                              \
	CASE(its_name, its_clause, function,                                                       \
	     VBALLOON_LIE(VIRTIO_MEMORY_BALLOON_MSG_EXCHANGE, its_lie, RESIZE,                     \
			  VBALLOON_BOUT_MORE),                                                     \
	     true)

static const struct vballoon_case cases[] = {
	CASE("swaps-pages", "DRV-EXCHANGE-1", swaps_pages, NULL, false),
	CASE("refused", "DRV-EXCHANGE-3", a_refusal_changes_nothing, NULL, true),
	LIES("verdict-of-two", "DRV-EXCHANGE-7", lie_is_survived, vballoon_lie_verdict_of_two),
	LIES("verdict-less", "DRV-EXCHANGE-7", lie_is_survived, vballoon_lie_verdict_less),
	LIES("no-verdicts", "DRV-EXCHANGE-7", lie_is_survived, vballoon_lie_nothing),
	LIES("verdicts-beyond-their-buffer", "DRV-RING-4", lie_is_noticed,
	     vballoon_lie_beyond_the_buffer),
};

VBALLOON_TOPIC(vballoon_topic_driver_exchange, "driver-exchange", VBALLOON_RING_OF_DRIVER,
	       "a driver that exchanges pages", cases);
