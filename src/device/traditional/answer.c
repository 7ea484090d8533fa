// SPDX-License-Identifier: BSD-3-Clause
/* The driver's messages: which queue they are on, and who handles them. */
#include <vballoon/abi/traditional_balloon.h>

#include "device/traditional/traditional.h"

/* The work of one queue in one run, so that none keeps the others waiting. */
#define QUEUE_STEPS (VBALLOON_RUN_STEPS / VIRTIO_BALLOON_VQ_MAX)

/* By VIRTIO_BALLOON_VQ_*. statsq is not answered, but when it is wanted. */
static enum vballoon_violation (*const handlers[VIRTIO_BALLOON_VQ_MAX])(
	struct vballoon_device *device, struct vballoon_chain *chain) = {
	[VIRTIO_BALLOON_VQ_INFLATE] = vballoon_trad_inflate,
	[VIRTIO_BALLOON_VQ_DEFLATE] = vballoon_trad_deflate,
	[VIRTIO_BALLOON_VQ_FREE_PAGE] = vballoon_trad_hint,
	[VIRTIO_BALLOON_VQ_REPORTING] = vballoon_trad_report,
};

/* Work on the message that is taken from a queue, and answer it unless it is unfinished. */
static void handle(struct vballoon_device *device)
{
	unsigned int index = device->work.queue;
	enum vballoon_violation violation;

	device->work.unfinished = false;
	violation = handlers[device->work.type](device, vballoon_device_chain(device, index));
	if (violation) {
		device->work.unfinished = device->work.waits = false;
		vballoon_device_refuse(device, index, violation);
	} else if (!device->work.unfinished) {
		(void)vballoon_device_use(device, index);
	}
}

static void begin(struct vballoon_device *device, unsigned int role, unsigned int index)
{
	device->work = (struct vballoon_work){
		.type = role,
		.queue = index,
		.steps_left = device->work.steps_left,
		.bytes_left = device->work.bytes_left,
	};
}

/* A queue's turn. Returns whether more may be left on it. */
static bool run_queue(struct vballoon_device *device, unsigned int role)
{
	unsigned int index = vballoon_trad_queue(device, role);

	device->work.steps_left = QUEUE_STEPS;
	while (index != VBALLOON_TRAD_NONE && !device->violation && !device->work.unfinished &&
	       device->work.bytes_left && device->work.steps_left) {
		if (!vballoon_device_next(device, index))
			return false;
		begin(device, role, index);
		vballoon_work_charge_message(&device->work, vballoon_device_chain(device, index));
		handle(device);
	}
	return index != VBALLOON_TRAD_NONE && !device->violation;
}

bool vballoon_trad_answer(struct vballoon_device *device)
{
	bool more = false;

	if (!vballoon_trad_is_attended(device))
		return false;
	device->work.steps_left = QUEUE_STEPS;
	device->work.bytes_left = VBALLOON_RUN_BYTES;
	if (device->work.unfinished)
		handle(device);
	for (unsigned int role = 0; role < VIRTIO_BALLOON_VQ_MAX; role++) {
		if (handlers[role])
			more |= run_queue(device, role);
	}
	if (!device->violation && !device->work.unfinished)
		vballoon_trad_stats_run(device);
	return more && !device->violation && !device->work.waits;
}

/* What the message has done so far it may do again: nobody was told. */
void vballoon_trad_leave(struct vballoon_device *device)
{
	if (!device->work.unfinished)
		return;
	device->work.unfinished = device->work.waits = false;
	vballoon_device_ring_put_back(&device->rings[device->work.queue]);
}
