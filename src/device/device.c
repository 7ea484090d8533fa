/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include "base/le.h"
#include "device/core.h"

#define FEATURES_MAX                                                                               \
	(VBALLOON_F_VERSION_1 | VBALLOON_F_RING_ALL | VBALLOON_F(PAGE_RUNS) |                      \
	 VBALLOON_F(EXCHANGE) | VBALLOON_F(WITHDRAW_REASON) | VBALLOON_F(PUSH_STATS) |             \
	 VBALLOON_F(REPORTING) | VBALLOON_F(ZEROED))

size_t vballoon_device_bytes(void)
{
	return sizeof(struct vballoon_device);
}

uint64_t vballoon_device_features_max(void)
{
	return FEATURES_MAX;
}

/* A bit whose prerequisite is missing counts as missing too. Keeps DEV-FEAT-5. */
static uint64_t usable(uint64_t features)
{
	return features & VBALLOON_F(PAGE_RUNS) ? features : features & ~VBALLOON_F(REPORTING);
}

/* What the embedder can keep of what it would offer. Keeps DEV-ZEROED-4. */
static uint64_t promised(const struct vballoon_device_config *config)
{
	const struct vballoon_reclaim_ops *reclaim = config->reclaim;
	uint64_t features = config->features | VBALLOON_F_VERSION_1;

	if (!reclaim || !reclaim->discard)
		features &= ~VBALLOON_F(REPORTING);
	if (reclaim && !reclaim->zeroes)
		features &= ~VBALLOON_F(ZEROED);
	return features;
}

/* Keeps DEV-CONF-3. */
int vballoon_device_init(void *storage, const struct vballoon_device_config *config,
			 struct vballoon_device **device_out)
{
	struct vballoon_device *device = storage;

	if (config->page_shift < VIRTIO_MEMORY_BALLOON_SHIFT_MIN ||
	    config->page_shift > VIRTIO_MEMORY_BALLOON_SHIFT_MAX ||
	    config->features & ~FEATURES_MAX || !config->ops)
		return -EINVAL;
	memset(device, 0, sizeof(*device));
	device->config = *config;
	device->config.features = promised(config);
	device->memory.hooks = config->memory_hooks;
	device->memory.hooks_context = config->context;
	device->record.magic = VBALLOON_RECORD_MAGIC;
	device->record.version = VBALLOON_RECORD_VERSION;
	device->record.page_shift = config->page_shift;
	device->record.revision = VIRTIO_MEMORY_BALLOON_REVISION;
	*device_out = device;
	return 0;
}

/* Keeps DEV-FEAT-1, DEV-FEAT-8. */
uint64_t vballoon_device_offered(const struct vballoon_device *device)
{
	return device->config.features;
}

/* Keeps DEV-FEAT-2, DEV-FEAT-9. */
int vballoon_device_set_features(struct vballoon_device *device, uint64_t features)
{
	if (!(features & VBALLOON_F_VERSION_1) || features & ~device->config.features)
		return -EINVAL;
	features = usable(features);
	if (features == device->features)
		return 0;
	for (unsigned int i = 0; i < VIRTIO_MEMORY_BALLOON_VQ_COUNT; i++) {
		if (device->rings[i].running)
			return -EBUSY;
	}
	device->features = features;
	device->record.features = features;
	return 0;
}

/* Keeps DEV-CONF-2, DEV-CONF-4, DEV-CONF-5. */
void vballoon_device_config_space(const struct vballoon_device *device, uint32_t offset, void *to,
				  uint32_t len)
{
	struct virtio_memory_balloon_config space = {
		.page_shift = vballoon_le32(device->config.page_shift),
		.revision = vballoon_le32(VIRTIO_MEMORY_BALLOON_REVISION),
	};
	uint32_t rest = offset < sizeof(space) ? (uint32_t)sizeof(space) - offset : 0;

	memset(to, 0, len);
	if (rest)
		memcpy(to, (const char *)&space + offset, len < rest ? len : rest);
}

/* Keeps DEV-RESET-1. */
void vballoon_device_forget(struct vballoon_device *device)
{
	device->record.valid = 0;
	vballoon_held_clear(device);
	device->record.epoch = 0;
	device->record.unit_shift = 0;
	device->proof = VBALLOON_RECORD_NONE;
	device->withdraw_refused = false;
	memset(device->policy_refused, 0, sizeof(device->policy_refused));
	device->drop_all = false;
	device->counters.stats.present = 0;
	/* Whoever waits for statistics waits for those of the next guest. */
	device->requests.stats |= device->requests.stats_asked;
	device->requests.stats_asked = false;
	device->requests.report |= device->requests.report_asked;
	device->requests.report_asked = false;
}

void vballoon_device_doubt(struct vballoon_device *device)
{
	if (device->proof == VBALLOON_RECORD_PROVEN)
		device->proof = VBALLOON_RECORD_UNPROVEN;
	/* Without a record only HELLO helps, and whoever was asked may not have seen
	 * it; with one it is asked for when it is needed. */
	if (device->proof != VBALLOON_RECORD_NONE)
		device->requests.hello_asked = false;
	device->requests.hello = device->requests.hello_asked;
}

enum vballoon_violation vballoon_device_prove(struct vballoon_device *device)
{
	/* Once proven it stays so: a queue that starts brings it into doubt, and what a
	 * queue lies in is not added. */
	if (device->proof != VBALLOON_RECORD_PROVEN && vballoon_queues_held(device))
		return VBALLOON_RING_HELD;
	device->proof = VBALLOON_RECORD_PROVEN;
	device->requests.hello = false;
	device->requests.hello_asked = false;
	return VBALLOON_OK;
}

void vballoon_device_inhibit(struct vballoon_device *device, bool inhibited)
{
	device->inhibited = inhibited;
}

/* Keeps DEV-RESET-3. */
void vballoon_device_reset(struct vballoon_device *device)
{
	const struct vballoon_requests kept = { .cookie = device->requests.cookie,
						.report_id = device->requests.report_id };

	for (unsigned int i = 0; i < VIRTIO_MEMORY_BALLOON_VQ_COUNT; i++)
		(void)vballoon_device_stop_queue(device, i, NULL);
	vballoon_device_forget(device);
	device->features = 0;
	device->record.features = 0;
	device->requests = kept;
}

void vballoon_device_restart(struct vballoon_device *device)
{
	vballoon_todevq_leave(device);
	vballoon_device_forget(device);
	vballoon_device_doubt(device);
	for (unsigned int i = 0; i < VIRTIO_MEMORY_BALLOON_VQ_COUNT; i++) {
		if (!device->rings[i].running)
			continue;
		vballoon_device_ring_skip(&device->rings[i]);
		device->used[i] = true;
	}
	if (!vballoon_queues_lame(device))
		device->violation = VBALLOON_OK;
	device->requests.reset = true;
}

/* Keeps DEV-REQ-10. */
int vballoon_device_set_target(struct vballoon_device *device, uint64_t pages)
{
	if (device->memory.count && pages > vballoon_device_memory_pages(device))
		return -ERANGE;
	device->record.target = pages;
	vballoon_device_ask(device);
	return 0;
}

bool vballoon_device_run(struct vballoon_device *device)
{
	bool messages = vballoon_todevq_run(device);
	bool drops;

	vballoon_policy_run(device);
	vballoon_requests_run(device);
	vballoon_device_notify(device);
	drops = vballoon_drop_run(device);
	return messages || drops;
}
