// SPDX-License-Identifier: BSD-3-Clause
#include "daemon/pair.h"

#include <inttypes.h>
#include <vballoon/abi/memory_balloon.h>
#include <vballoon/abi/traditional_balloon.h>

#include "daemon/log.h"

/* A guest that is paused stops its queues one after the other: one device is without a driver
 * then before the other is. */
#define GRACE_MS 500

void vballoon_pair_join(struct vballoon_guest *first, struct vballoon_guest *second)
{
	first->other = second;
	second->other = first;
	first->is_preferred = first->is_served = true;
}

void vballoon_pair_begin_with(struct vballoon_guest *guest)
{
	if (!guest->other)
		return;
	guest->is_served = true;
	guest->other->is_served = false;
}

struct vballoon_guest *vballoon_pair_served(struct vballoon_guest *guest)
{
	return vballoon_pair_is_served(guest) ? guest : guest->other;
}

bool vballoon_pair_is_served(const struct vballoon_guest *guest)
{
	return !guest->other || guest->is_served;
}

static struct vballoon_device *device_of(const struct vballoon_guest *guest)
{
	return guest->back_end ? vballoon_vhost_user_device(guest->back_end) : NULL;
}

/* The first two queues are those that every driver has. */
static bool has_driver(const struct vballoon_guest *guest, struct vballoon_status *status_out)
{
	if (!guest->back_end)
		return false;
	vballoon_device_status(device_of(guest), status_out);
	return status_out->queue_running[0] && status_out->queue_running[1];
}

uint64_t vballoon_pair_other_held(const struct vballoon_guest *guest)
{
	struct vballoon_status status;

	/* What a driver that has gone has left on the record is the guest's. */
	return guest->other && has_driver(guest->other, &status) ? status.balloon_pages : 0;
}

bool vballoon_pair_other_has_record(const struct vballoon_guest *guest)
{
	struct vballoon_status status;

	if (!guest->other || !guest->other->back_end)
		return false;
	vballoon_device_status(device_of(guest->other), &status);
	return status.held_pages;
}

uint64_t vballoon_pair_share(const struct vballoon_guest *guest)
{
	uint64_t held = vballoon_pair_other_held(guest);

	if (!vballoon_pair_is_served(guest))
		return 0;
	return guest->target_pages > held ? guest->target_pages - held : 0;
}

bool vballoon_pair_exceeds(const struct vballoon_guest *guest, uint64_t pages)
{
	struct vballoon_status status;

	if (!guest->other || !guest->back_end)
		return false;
	vballoon_device_status(device_of(guest), &status);
	return status.memory_pages && pages > status.memory_pages;
}

void vballoon_pair_connect(struct vballoon_guest *guest)
{
	if (guest->other && guest->other->back_end)
		vballoon_device_pair(device_of(guest), device_of(guest->other));
}

void vballoon_pair_disconnect(struct vballoon_guest *guest)
{
	if (guest->other)
		vballoon_device_pair(device_of(guest), NULL);
}

static void serve(struct vballoon_guest *guest)
{
	vballoon_pair_begin_with(guest);
	vballoon_log(LOG_NOTICE, "the target is for the %s balloon now: the guest has %s",
		     guest->device_id == VIRTIO_BALLOON_ID ? "traditional" : "memory",
		     guest->is_preferred ? "a driver for it" : "no driver for the memory balloon");
}

/* The one that is preferred has lost its driver, while the other has one. */
static void leave_preferred(struct vballoon_guest *first, uint64_t now_ms)
{
	if (!first->without_driver_ms)
		first->without_driver_ms = now_ms;
	if (now_ms - first->without_driver_ms >= GRACE_MS)
		serve(first->other);
}

static void choose(struct vballoon_guest *first, uint64_t now_ms)
{
	struct vballoon_status status;
	bool preferred = has_driver(first, &status);

	if (preferred && !first->is_served)
		serve(first);
	if (!preferred && first->is_served && has_driver(first->other, &status))
		leave_preferred(first, now_ms);
	else
		first->without_driver_ms = 0;
}

static void share_out(struct vballoon_guest *guest)
{
	struct vballoon_status status;
	uint64_t share;

	if (!guest->back_end)
		return;
	share = vballoon_pair_share(guest);
	vballoon_device_status(device_of(guest), &status);
	if (status.target_pages == share)
		return;
	vballoon_device_set_time(device_of(guest), vballoon_loop_now_ms());
	/* Memory may have been unplugged since the target was set: then it stays. */
	if (!vballoon_device_set_target(device_of(guest), share))
		guest->work_left = true;
}

void vballoon_pair_look(struct vballoon_guest *guest)
{
	struct vballoon_guest *first = guest->is_preferred ? guest : guest->other;

	if (!guest->other)
		return;
	choose(first, vballoon_loop_now_ms());
	share_out(first);
	share_out(first->other);
}

uint64_t vballoon_pair_due_ms(const struct vballoon_guest *guest)
{
	return guest->other && guest->without_driver_ms ? guest->without_driver_ms + GRACE_MS
							: VBALLOON_NEVER;
}
