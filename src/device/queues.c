/* SPDX-License-Identifier: BSD-3-Clause */
/* The queues: started, stopped, and stopped for cause. */
#include <errno.h>

#include "device/core.h"

bool vballoon_queues_run(const struct vballoon_device *device)
{
	for (unsigned int i = 0; i < device->protocol->queue_count; i++) {
		if (device->rings[i].running)
			return true;
	}
	return false;
}

bool vballoon_queues_lame(const struct vballoon_device *device)
{
	for (unsigned int i = 0; i < VBALLOON_QUEUES_MAX; i++) {
		if (!device->rings[i].running && device->rings[i].violation)
			return true;
	}
	return false;
}

/* A queue that begins anew or ends is also how a driver brings a stopped device
 * back (DEV-RESET-4); but not with one queue alone.
 * Keeps DEV-STOP-1, DEV-RESET-4. */
static void queue_changed(struct vballoon_device *device, bool stopped)
{
	device->protocol->leave(device);
	vballoon_device_doubt(device, stopped);
	if (vballoon_queues_lame(device))
		return;
	device->violation = VBALLOON_OK;
	device->requests.reset = false;
}

/* Keeps DEV-CONF-1, DEV-RING-16. */
int vballoon_device_start_queue(struct vballoon_device *device, unsigned int index,
				const struct vballoon_queue *queue)
{
	const struct vballoon_ring_features features = vballoon_ring_features(device->features);
	struct vballoon_device_ring *ring;
	int error;

	if (index >= device->protocol->queue_count)
		return -EINVAL;
	ring = &device->rings[index];
	if (ring->running)
		return -EBUSY;
	error = vballoon_device_ring_start(ring, &device->memory, queue, &features);
	if (error == -EINVAL)
		return error;
	vballoon_device_ring_keep(ring, &device->journal->places[index]);
	queue_changed(device, false);
	device->stopped_proven = false;
	if (error)
		vballoon_device_violate(device, index, VBALLOON_RING_UNREADABLE);
	else
		device->protocol->queue_started(device, index, queue->next);
	vballoon_journal_keep(device);
	return 0;
}

uint32_t vballoon_device_queue_first(const struct vballoon_device *device)
{
	return vballoon_device_has(device, VBALLOON_F_RING_PACKED) ? VBALLOON_QUEUE_FIRST_PACKED
								   : 0;
}

int vballoon_device_stop_queue(struct vballoon_device *device, unsigned int index,
			       uint32_t *next_out)
{
	uint32_t next;

	if (index >= device->protocol->queue_count)
		return -EINVAL;
	if (device->rings[index].running && device->proof == VBALLOON_RECORD_PROVEN)
		/* A message in the midst may have put on the record what it was not answered. */
		device->stopped_proven =
			!device->violation && !device->work.unfinished && !device->unsettled;
	device->rings[index].violation = VBALLOON_OK;
	queue_changed(device, true);
	next = device->rings[index].format ? vballoon_device_ring_base(&device->rings[index])
					   : vballoon_device_queue_first(device);
	if (device->rings[index].running)
		device->protocol->queue_stopped(device, index, next);
	device->rings[index].running = false;
	device->used[index] = false;
	vballoon_journal_keep(device);
	if (next_out)
		*next_out = next;
	return 0;
}

bool vballoon_queues_touch(const struct vballoon_device *device, uint64_t gpa, uint64_t bytes)
{
	for (unsigned int i = 0; i < device->protocol->queue_count; i++) {
		const struct vballoon_segment *areas = device->rings[i].areas;

		if (!device->rings[i].running)
			continue;
		for (unsigned int j = 0; j < VBALLOON_RING_AREAS; j++) {
			if (areas[j].gpa.value < gpa + bytes &&
			    gpa < areas[j].gpa.value + areas[j].len)
				return true;
		}
	}
	return false;
}

/* Keeps DEV-STOP-8. */
bool vballoon_queues_held(struct vballoon_device *device)
{
	for (unsigned int i = 0; i < device->protocol->queue_count; i++) {
		const struct vballoon_segment *areas = device->rings[i].areas;

		if (!device->rings[i].running)
			continue;
		for (unsigned int j = 0; j < VBALLOON_RING_AREAS; j++) {
			if (vballoon_held_any(device, areas[j].gpa.value, areas[j].len))
				return true;
		}
	}
	return false;
}

struct vballoon_chain *vballoon_device_chain(struct vballoon_device *device, unsigned int index)
{
	return index == VIRTIO_MEMORY_BALLOON_VQ_TODEV ? &device->chain : &device->request_chain;
}

/* Keeps DEV-BAD-3, DEV-BAD-5, DEV-BAD-6. */
void vballoon_device_violate(struct vballoon_device *device, unsigned int index,
			     enum vballoon_violation violation)
{
	if (device->violation)
		return;
	device->protocol->leave(device);
	device->violation = violation;
	device->violation_queue = index;
	device->violation_told = false;
	device->counters.violations++;
	device->requests.reset = true;
}

void vballoon_device_refuse(struct vballoon_device *device, unsigned int index,
			    enum vballoon_violation violation)
{
	vballoon_device_ring_refuse(&device->rings[index], vballoon_device_chain(device, index),
				    violation);
	vballoon_device_violate(device, index, violation);
}

/* Keeps DEV-RING-2. */
bool vballoon_device_next(struct vballoon_device *device, unsigned int index)
{
	enum vballoon_violation violation;

	if (!device->rings[index].running)
		return false;
	switch (vballoon_device_ring_next(&device->rings[index],
					  vballoon_device_chain(device, index), &violation)) {
	case VBALLOON_RING_CHAIN:
		return true;
	case VBALLOON_RING_BROKEN:
		vballoon_device_violate(device, index, violation);
		return false;
	default:
		return false;
	}
}

int vballoon_device_use(struct vballoon_device *device, unsigned int index)
{
	int error = vballoon_device_ring_use(&device->rings[index],
					     vballoon_device_chain(device, index));

	if (error)
		vballoon_device_refuse(device, index, VBALLOON_RING_UNREADABLE);
	else
		device->used[index] = true;
	return error;
}

enum vballoon_violation vballoon_device_verdict(struct vballoon_device *device, uint8_t byte)
{
	if (vballoon_chain_write(&device->memory, &device->chain, &byte, sizeof(byte)))
		return VBALLOON_DESC_OUTSIDE_MEMORY;
	return VBALLOON_OK;
}

void vballoon_device_notify(struct vballoon_device *device)
{
	const struct vballoon_device_ops *ops = device->config.ops;

	for (unsigned int i = 0; i < device->protocol->queue_count; i++) {
		if (device->used[i] && vballoon_device_ring_should_notify(&device->rings[i]))
			ops->notify(device->config.context, i);
		device->used[i] = false;
	}
	if (device->violation && !device->violation_told && ops->stopped)
		ops->stopped(device->config.context, device->violation, device->violation_queue);
	device->violation_told = true;
}
