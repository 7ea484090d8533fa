/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <syslog.h>

#include <vballoon/abi/memory_balloon.h>
#include <vballoon/abi/traditional_balloon.h>
#include <vballoon/recover.h>

#include "vhost_user/back_end.h"
#include "vhost_user/event.h"

#define DESC_BYTES 16 /* virtio 1.3, 2.7.5: one descriptor */
#define KICKS_OF_A_DRIVER 2 /* so many cannot all be the front end's own */

void vballoon_vrings_init(struct vballoon_vhost_user *back_end)
{
	for (unsigned int i = 0; i < VBALLOON_VRINGS_MAX; i++) {
		back_end->vrings[i].kick = -1;
		back_end->vrings[i].call = -1;
		back_end->vrings[i].err = -1;
	}
}

static bool is_heard(const struct vballoon_vhost_user *back_end, unsigned int index)
{
	return back_end->hearing == VBALLOON_HEARS_ALL ||
	       (back_end->hearing == VBALLOON_HEARS_FROMDEV &&
		index == VIRTIO_MEMORY_BALLOON_VQ_FROMDEV);
}

/* By edges: not even a descriptor that is always readable keeps us busy. */
static struct epoll_event kick_event(const struct vballoon_vhost_user *back_end, unsigned int index)
{
	return (struct epoll_event){
		.events = is_heard(back_end, index) ? EPOLLIN | EPOLLET : EPOLLET,
		.data.u32 = index,
	};
}

void vballoon_vrings_listen(struct vballoon_vhost_user *back_end, enum vballoon_hearing hearing)
{
	struct epoll_event event;

	back_end->hearing = hearing;
	for (unsigned int i = 0; i < back_end->vring_count; i++) {
		event = kick_event(back_end, i);
		if (back_end->vrings[i].kick >= 0)
			epoll_ctl(back_end->epoll, EPOLL_CTL_MOD, back_end->vrings[i].kick, &event);
	}
}

/* A descriptor is shared with the front end, so closing it would not take it out
 * of epoll's set. */
int vballoon_vring_set_kick(struct vballoon_vhost_user *back_end, unsigned int index, int fd)
{
	struct vballoon_vring *vring = &back_end->vrings[index];
	struct epoll_event event = kick_event(back_end, index);

	if (vring->kick >= 0)
		epoll_ctl(back_end->epoll, EPOLL_CTL_DEL, vring->kick, NULL);
	vballoon_event_replace(&vring->kick, fd);
	if (fd >= 0 && epoll_ctl(back_end->epoll, EPOLL_CTL_ADD, fd, &event)) {
		vballoon_event_replace(&vring->kick, -1);
		return -errno;
	}
	return 0;
}

/* Without protocol features there is no SET_VRING_ENABLE: rings are enabled. */
static bool vring_wanted(const struct vballoon_vhost_user *back_end,
			 const struct vballoon_vring *vring)
{
	bool can_enable = back_end->features_acked >> VHOST_USER_F_PROTOCOL_FEATURES & 1;

	return vring->kick_given && (vring->enabled || !can_enable) && vring->addr_given &&
	       vring->queue.size && back_end->features_usable;
}

bool vballoon_vrings_packed(const struct vballoon_vhost_user *back_end)
{
	return back_end->features_acked >> VIRTIO_F_RING_PACKED & 1;
}

uint32_t vballoon_vring_base(const struct vballoon_vhost_user *back_end,
			     const struct vballoon_vring *vring)
{
	return vring->base_given ? vring->queue.next
				 : vballoon_device_queue_first(back_end->device);
}

/* Keeps DEV-STATE-2. */
bool vballoon_vrings_any_runs(const struct vballoon_vhost_user *back_end)
{
	for (unsigned int i = 0; i < back_end->vring_count; i++) {
		if (back_end->vrings[i].running)
			return true;
	}
	return false;
}

/* Where the ring lies in the guest memory of now: 0 or -EFAULT. */
static int vring_locate(const struct vballoon_vhost_user *back_end,
			const struct vballoon_vring *vring, struct vballoon_queue *queue_out)
{
	const struct vballoon_memory_table *memory = &back_end->memory;

	*queue_out = vring->queue;
	if (vballoon_memory_table_translate(memory, vring->addr.desc, &queue_out->desc) ||
	    vballoon_memory_table_translate(memory, vring->addr.avail, &queue_out->avail) ||
	    vballoon_memory_table_translate(memory, vring->addr.used, &queue_out->used))
		return -EFAULT;
	return 0;
}

static bool queue_moved(const struct vballoon_queue *from, const struct vballoon_queue *to)
{
	return from->desc.value != to->desc.value || from->avail.value != to->avail.value ||
	       from->used.value != to->used.value;
}

/* The kick is watched by now, and process() looks at the ring once after it has
 * started: a kick that came earlier is not lost. That it came says nothing of the driver. */
static void vring_start(struct vballoon_vhost_user *back_end, unsigned int index,
			const struct vballoon_queue *queue)
{
	struct vballoon_vring *vring = &back_end->vrings[index];
	int ret;

	vring->queue = *queue;
	ret = vballoon_device_start_queue(back_end->device, index, queue);
	if (ret) {
		vballoon_back_end_log(back_end, LOG_ERR, "queue %u cannot run: %s", index,
				      strerror(-ret));
		vballoon_event_signal(vring->err);
		return;
	}
	vring->running = true;
	vring->kicks = 0;
	(void)vballoon_event_drain(vring->kick);
}

/* Whether the driver says something in that queue. What it leaves in the others for the device to
 * fill, or to give back at some time, may be there since long before. */
static bool is_word_of_driver(const struct vballoon_vhost_user *back_end, unsigned int index)
{
	bool has_stats = back_end->features_acked >> VIRTIO_BALLOON_F_STATS_VQ & 1;

	if (back_end->config.device_id == VIRTIO_BALLOON_ID)
		return index != VIRTIO_BALLOON_VQ_STATS || !has_stats;
	return index != VIRTIO_MEMORY_BALLOON_VQ_FROMDEV;
}

/* Keeps DEV-STOP-5. */
void vballoon_vring_stop(struct vballoon_vhost_user *back_end, unsigned int index)
{
	struct vballoon_vring *vring = &back_end->vrings[index];
	uint32_t begun = vring->queue.next;

	if (!vring->running)
		return;
	vballoon_device_stop_queue(back_end->device, index, &vring->queue.next);
	back_end->driver_heard |= vring->queue.next != begun && is_word_of_driver(back_end, index);
	vring->base_given = true;
	vring->running = false;
}

static void vring_refresh(struct vballoon_vhost_user *back_end, unsigned int index)
{
	struct vballoon_vring *vring = &back_end->vrings[index];
	bool wanted = vring_wanted(back_end, vring);
	struct vballoon_queue queue;
	bool outside = wanted && vring_locate(back_end, vring, &queue);

	if (outside && !vring->outside_memory)
		vballoon_back_end_log(back_end, LOG_ERR,
				      "queue %u is not in the memory that the front end shares",
				      index);
	vring->outside_memory = outside;
	if (vring->running && (!wanted || outside || queue_moved(&vring->queue, &queue)))
		vballoon_vring_stop(back_end, index);
	if (!vring->running && wanted && !outside && vballoon_state_settle(back_end)) {
		queue.next = vballoon_vring_base(back_end, vring);
		vring_start(back_end, index, &queue);
	}
}

/* What was written last may not have been logged. */
static void log_ring(struct vballoon_vhost_user *back_end, const struct vballoon_vring *vring)
{
	uint64_t table_bytes = (uint64_t)vring->queue.size * DESC_BYTES;
	uint64_t used_bytes =
		vballoon_vrings_packed(back_end) ? 4 : 6 + 8 * (uint64_t)vring->queue.size;
	struct vballoon_gpa logged;

	if (!back_end->dirty_log.wanted)
		return;
	if (vballoon_vrings_packed(back_end))
		vballoon_dirty_log_mark(&back_end->dirty_log, vring->queue.desc,
					(size_t)table_bytes);
	vballoon_dirty_log_mark(&back_end->dirty_log, vring->queue.used, (size_t)used_bytes);
	if (vballoon_vrings_logged(back_end, vring->queue.used, &logged))
		vballoon_dirty_log_mark(&back_end->dirty_log, logged, (size_t)used_bytes);
}

/* One that cannot go on, or did not run, is looked at again when anything changes, as ever. */
void vballoon_vring_recover(struct vballoon_vhost_user *back_end, unsigned int index, bool ran)
{
	struct vballoon_vring *vring = &back_end->vrings[index];
	struct vballoon_queue queue;
	int ret;

	if (!vring_wanted(back_end, vring))
		return;
	vring->outside_memory = vring_locate(back_end, vring, &queue);
	if (vring->outside_memory || !ran)
		return;
	vring->queue = queue;
	ret = vballoon_device_recover_queue(back_end->device, index, &queue);
	if (ret) {
		vballoon_back_end_log(back_end, LOG_ERR, "queue %u cannot go on: %s", index,
				      strerror(-ret));
		vballoon_event_signal(vring->err);
		return;
	}
	vring->running = true;
	log_ring(back_end, vring);
}

void vballoon_vrings_refresh(struct vballoon_vhost_user *back_end)
{
	for (unsigned int i = 0; i < back_end->vring_count; i++)
		vring_refresh(back_end, i);
}

void vballoon_vrings_disable(struct vballoon_vhost_user *back_end)
{
	for (unsigned int i = 0; i < back_end->vring_count; i++) {
		struct vballoon_vring *vring = &back_end->vrings[i];

		vballoon_vring_stop(back_end, i);
		vballoon_vring_set_kick(back_end, i, -1);
		vring->kick_given = false;
		vring->enabled = false;
	}
}

/*
 * Whether the guest's memory is really shared shows only in what the guest
 * writes: of memory that the front end has mapped privately the file has the
 * size, even the blocks, but never the contents. A driver that kicks has
 * written at least one descriptor, so a table that is all zero then is not the
 * driver's. One kick proves nothing: a front end may raise one itself when a ring has started.
 * Looked at until a descriptor is seen once.
 */
static void memory_prove(struct vballoon_vhost_user *back_end, const struct vballoon_vring *vring)
{
	uint64_t table_bytes = (uint64_t)vring->queue.size * DESC_BYTES;
	bool shared;

	shared = !vballoon_memory_table_is_zero(&back_end->memory, vring->addr.desc, table_bytes);
	if (!shared && vring->kicks < KICKS_OF_A_DRIVER)
		return;
	back_end->memory_proven = shared;
	if (shared == back_end->memory.not_shared)
		vballoon_back_end_log(back_end, shared ? LOG_NOTICE : LOG_ERR, "%s",
				      shared ? "the memory is shared after all"
					     : vballoon_reclaimable_text(VBALLOON_KEEP_NOT_SHARED));
	vballoon_memory_table_set_shared(&back_end->memory, shared);
	vballoon_kept_note_shared(back_end);
}

void vballoon_vring_kicked(struct vballoon_vhost_user *back_end, unsigned int index)
{
	struct vballoon_vring *vring = &back_end->vrings[index];
	uint64_t kicks = vballoon_event_drain(vring->kick);

	if (back_end->kicks_left)
		back_end->kicks_left--;
	if (back_end->memory_proven || !vring->running)
		return;
	vring->kicks += kicks;
	memory_prove(back_end, vring);
}

void vballoon_vrings_close(struct vballoon_vhost_user *back_end)
{
	vballoon_vrings_disable(back_end);
	for (unsigned int i = 0; i < back_end->vring_count; i++) {
		vballoon_event_replace(&back_end->vrings[i].call, -1);
		vballoon_event_replace(&back_end->vrings[i].err, -1);
	}
}

bool vballoon_vrings_logged(const struct vballoon_vhost_user *back_end, struct vballoon_gpa gpa,
			    struct vballoon_gpa *logged_out)
{
	for (unsigned int i = 0; i < back_end->vring_count; i++) {
		const struct vballoon_vring *vring = &back_end->vrings[i];
		/* virtio 1.3, 2.7.8: flags, index, elements, avail_event; 2.8.14 */
		uint64_t used_bytes =
			vballoon_vrings_packed(back_end) ? 4 : 6 + 8 * (uint64_t)vring->queue.size;
		uint64_t offset = gpa.value - vring->queue.used.value;

		if (vring->running && (vring->addr.flags & VHOST_USER_VRING_F_LOG) &&
		    offset < used_bytes) {
			*logged_out = vballoon_gpa(vring->addr.log + offset);
			return true;
		}
	}
	return false;
}
