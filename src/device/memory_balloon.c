// SPDX-License-Identifier: BSD-3-Clause
/* The memory balloon, virtio device 13: what makes a device of the library one. */
#include "base/le.h"
#include "device/core.h"

#define FEATURES                                                                                   \
	(VBALLOON_F_VERSION_1 | VBALLOON_F_RING_ALL | VBALLOON_F(PAGE_RUNS) |                      \
	 VBALLOON_F(EXCHANGE) | VBALLOON_F(WITHDRAW_REASON) | VBALLOON_F(PUSH_STATS) |             \
	 VBALLOON_F(REPORTING) | VBALLOON_F(ZEROED))

/* For how long a driver that may be new may say nothing. */
#define SILENCE_MS 1000

/* Keeps DEV-CONF-3. */
static bool valid(const struct vballoon_device_config *config)
{
	return config->page_shift >= VIRTIO_MEMORY_BALLOON_SHIFT_MIN &&
	       config->page_shift <= VIRTIO_MEMORY_BALLOON_SHIFT_MAX;
}

/* Keeps DEV-ZEROED-4. */
static uint64_t promised(const struct vballoon_device_config *config)
{
	const struct vballoon_reclaim_ops *reclaim = config->reclaim;
	uint64_t features = config->features;

	if (!reclaim || !reclaim->discard)
		features &= ~VBALLOON_F(REPORTING);
	if (reclaim && !reclaim->zeroes)
		features &= ~VBALLOON_F(ZEROED);
	return features;
}

/* Keeps DEV-FEAT-5. */
static uint64_t usable(uint64_t features)
{
	return features & VBALLOON_F(PAGE_RUNS) ? features : features & ~VBALLOON_F(REPORTING);
}

/* Keeps DEV-CONF-4. */
static void config_space(const struct vballoon_device *device, void *space_out)
{
	struct virtio_memory_balloon_config *space = space_out;

	space->page_shift = vballoon_le32(device->config.page_shift);
	space->revision = vballoon_le32(VIRTIO_MEMORY_BALLOON_REVISION);
}

/* A driver that goes on has said HELLO, but to somebody else. Either queue tells: one of
 * them may have come round to where it began. Where both have, only time tells: a driver
 * that is new says HELLO at once. */
static void queue_started(struct vballoon_device *device, unsigned int index, uint32_t next)
{
	(void)index;
	if (device->proof != VBALLOON_RECORD_NONE)
		return;
	if (next != vballoon_device_queue_first(device))
		vballoon_requests_hello(device);
	else
		device->requests.hello_due_ms = device->now_ms + SILENCE_MS;
}

static void queue_stopped(struct vballoon_device *device, unsigned int index, uint32_t next)
{
	(void)device;
	(void)index;
	(void)next;
}

/* A page comes back by an answer alone. */
static bool is_firm(const struct vballoon_device *device)
{
	(void)device;
	return true;
}

const struct vballoon_protocol vballoon_protocol_memory_balloon = {
	.device_id = VIRTIO_MEMORY_BALLOON_ID,
	.revision = VIRTIO_MEMORY_BALLOON_REVISION,
	.queue_count = VIRTIO_MEMORY_BALLOON_VQ_COUNT,
	.features = FEATURES,
	.rounds_feature = VBALLOON_F(REPORTING),
	.zeroed_feature = VBALLOON_F(ZEROED),
	.period_feature = VBALLOON_F(PUSH_STATS),
	.config_bytes = sizeof(struct virtio_memory_balloon_config),
	.valid = valid,
	.promised = promised,
	.usable = usable,
	.config_space = config_space,
	.queue_started = queue_started,
	.queue_stopped = queue_stopped,
	.answer = vballoon_todevq_run,
	.queue_recovered = queue_started,
	.undo = vballoon_todevq_undo,
	.leave = vballoon_todevq_leave,
	.ask = vballoon_requests_run,
	.due_ms = vballoon_requests_due_ms,
	.is_firm = is_firm,
};
