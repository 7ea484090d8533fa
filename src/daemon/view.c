// SPDX-License-Identifier: BSD-3-Clause
#include <vballoon/abi/memory_balloon.h>

#include "daemon/view.h"

static const char *const state_names[] = {
	[VBALLOON_STATE_NO_FRONT_END] = "no-front-end",
	[VBALLOON_STATE_NO_DRIVER] = "no-driver",
	[VBALLOON_STATE_PAUSED] = "paused",
	[VBALLOON_STATE_READY] = "ready",
	[VBALLOON_STATE_STOPPED] = "stopped",
};

const char *vballoon_view_state_name(const struct vballoon_view *view)
{
	return state_names[view->state];
}

/*
 * Held pages may stay with the host for good, because the host page around them
 * is not wholly in the balloon: so it is not asked that nothing waits, but that
 * the device has nothing left to do about it. Without a driver only an empty
 * balloon that should be empty is as it should be.
 */
bool vballoon_view_is_settled(const struct vballoon_view *view)
{
	if (view->work_left || view->device.drop_lingers || view->other_held_pages ||
	    view->device.balloon_pages != view->target_pages)
		return false;
	return view->state == VBALLOON_STATE_READY || !view->target_pages;
}

uint64_t vballoon_view_asked_pages(const struct vballoon_view *view)
{
	return view->state == VBALLOON_STATE_NO_FRONT_END ? view->target_pages
							  : view->device.asked_pages;
}

/* What is missed once may have been under way; what is missed twice is not coming. */
bool vballoon_view_is_late(const struct vballoon_view *view)
{
	return view->device.stats_periodic && view->stats_period_ms &&
	       view->state == VBALLOON_STATE_READY && view->device.stats.reports &&
	       view->stats_age_ms > UINT64_C(3) * view->stats_period_ms;
}

uint64_t vballoon_view_bytes(const struct vballoon_view *view, uint64_t pages)
{
	return pages << view->page_shift;
}

struct vballoon_feature_set vballoon_view_features(const struct vballoon_view *view)
{
	return (struct vballoon_feature_set){
		.device_id = view->device_id,
		.revision = view->device_id == VIRTIO_MEMORY_BALLOON_ID
				    ? VIRTIO_MEMORY_BALLOON_REVISION
				    : 0,
		.page_shift = view->page_shift,
		.offered = view->features_offered,
		.has_driver = view->device.features != 0,
		.negotiated = view->device.features,
	};
}
