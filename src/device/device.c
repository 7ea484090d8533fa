/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include <vballoon/abi/traditional_balloon.h>

#include "device/core.h"

/* The longest configuration space. */
#define CONFIG_BYTES_MAX 16

size_t vballoon_device_bytes(void)
{
	return sizeof(struct vballoon_device);
}

/* NULL: the library has no such device. */
static const struct vballoon_protocol *protocol_of(uint32_t device_id)
{
	if (!device_id || device_id == VIRTIO_MEMORY_BALLOON_ID)
		return &vballoon_protocol_memory_balloon;
	return device_id == VIRTIO_BALLOON_ID ? &vballoon_protocol_traditional : NULL;
}

uint64_t vballoon_device_features_of(uint32_t device_id)
{
	const struct vballoon_protocol *protocol = protocol_of(device_id);

	return protocol ? protocol->features : 0;
}

uint64_t vballoon_device_features_max(void)
{
	return vballoon_protocol_memory_balloon.features;
}

/* Keeps DEV-CONF-3. */
int vballoon_device_make(void *storage, const struct vballoon_device_config *config,
			 struct vballoon_device **device_out)
{
	const struct vballoon_protocol *protocol = protocol_of(config->device_id);
	struct vballoon_device *device = storage;

	if (!protocol || config->features & ~protocol->features || !config->ops ||
	    !protocol->valid(config))
		return -EINVAL;
	memset(device, 0, sizeof(*device));
	device->protocol = protocol;
	device->config = *config;
	device->config.features = protocol->promised(config) | VBALLOON_F_VERSION_1;
	device->memory.hooks = config->memory_hooks;
	device->memory.hooks_context = config->context;
	device->journal = config->journal ? config->journal : &device->own_journal;
	*device_out = device;
	return 0;
}

int vballoon_device_init(void *storage, const struct vballoon_device_config *config,
			 struct vballoon_device **device_out)
{
	int error = vballoon_device_make(storage, config, device_out);

	if (!error)
		vballoon_journal_begin(*device_out);
	return error;
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
	features = device->protocol->usable(features);
	if (features == device->features)
		return 0;
	for (unsigned int i = 0; i < device->protocol->queue_count; i++) {
		if (device->rings[i].running)
			return -EBUSY;
	}
	device->features = features;
	device->journal->record.features = features;
	return 0;
}

unsigned int vballoon_device_queue_count(const struct vballoon_device *device)
{
	return device->protocol->queue_count;
}

/* Keeps DEV-CONF-2, DEV-CONF-5. */
void vballoon_device_config_space(struct vballoon_device *device, uint32_t offset, void *to,
				  uint32_t len)
{
	unsigned char space[CONFIG_BYTES_MAX];
	uint32_t bytes = device->protocol->config_bytes;
	uint32_t rest = offset < bytes ? bytes - offset : 0;

	device->protocol->config_space(device, space);
	memset(to, 0, len);
	if (rest)
		memcpy(to, space + offset, len < rest ? len : rest);
	vballoon_drop_go_on(device);
}

void vballoon_device_config_write(struct vballoon_device *device, uint32_t offset, const void *from,
				  uint32_t len)
{
	uint32_t bytes = device->protocol->config_bytes;
	uint32_t rest = offset < bytes ? bytes - offset : 0;

	if (rest && device->protocol->config_write)
		device->protocol->config_write(device, offset, from, len < rest ? len : rest);
	vballoon_journal_keep(device);
}

/* Keeps DEV-RESET-1. */
void vballoon_device_forget(struct vballoon_device *device)
{
	device->journal->record.valid = 0;
	vballoon_journal_step(device);
	vballoon_held_clear(device);
	device->journal->record.epoch = 0;
	device->journal->record.unit_shift = 0;
	device->proof = VBALLOON_RECORD_NONE;
	device->requests.hello_due_ms = VBALLOON_NEVER;
	device->requests.count_lost = false;
	device->stopped_proven = false;
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

/* Keeps DEV-HELLO-11. */
void vballoon_device_doubt(struct vballoon_device *device, bool stopped)
{
	if (device->proof == VBALLOON_RECORD_PROVEN)
		device->proof = VBALLOON_RECORD_UNPROVEN;
	/* Without a record only HELLO helps, and whoever was asked may not have seen
	 * it; with one it is asked for when it is needed. */
	if (device->proof != VBALLOON_RECORD_NONE)
		device->requests.hello_asked = false;
	if (stopped || !device->requests.hello_asked)
		device->requests.hello = device->requests.hello_asked;
}

enum vballoon_violation vballoon_device_prove(struct vballoon_device *device)
{
	/* Once proven it stays so: a queue that starts brings it into doubt, and what a
	 * queue lies in is not added. */
	if (device->proof != VBALLOON_RECORD_PROVEN && vballoon_queues_held(device))
		return VBALLOON_RING_HELD;
	device->proof = VBALLOON_RECORD_PROVEN;
	if (device->requests.count_lost)
		return VBALLOON_OK;
	device->requests.hello = false;
	device->requests.hello_asked = false;
	return VBALLOON_OK;
}

void vballoon_device_inhibit(struct vballoon_device *device, bool inhibited)
{
	device->inhibited = inhibited;
}

void vballoon_device_pair(struct vballoon_device *device, struct vballoon_device *other)
{
	if (device->other)
		device->other->other = NULL;
	if (other && other->other)
		other->other->other = NULL;
	device->other = other;
	if (other)
		other->other = device;
}

/* Keeps DEV-RESET-3. */
void vballoon_device_reset(struct vballoon_device *device)
{
	const struct vballoon_requests kept = { .cookie = device->requests.cookie,
						.report_id = device->requests.report_id };

	for (unsigned int i = 0; i < device->protocol->queue_count; i++)
		(void)vballoon_device_stop_queue(device, i, NULL);
	vballoon_device_forget(device);
	device->features = 0;
	device->journal->record.features = 0;
	device->requests = kept;
	vballoon_journal_keep(device);
}

void vballoon_device_restart(struct vballoon_device *device)
{
	bool paused = device->proof != VBALLOON_RECORD_NONE && !vballoon_queues_run(device);

	device->protocol->leave(device);
	vballoon_device_forget(device);
	/* A guest that is paused hears no request for a reset, and may go on where its queues
	 * began: then nothing else would tell it from another that comes. */
	device->requests.hello_asked |= paused;
	vballoon_device_doubt(device, true);
	for (unsigned int i = 0; i < device->protocol->queue_count; i++) {
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
	device->journal->record.target = pages;
	vballoon_device_ask(device);
	return 0;
}

bool vballoon_device_run(struct vballoon_device *device)
{
	bool messages = device->protocol->answer(device);
	bool drops;

	device->unsettled &= messages;
	vballoon_policy_run(device);
	vballoon_journal_keep(device);
	device->protocol->ask(device);
	vballoon_device_notify(device);
	drops = vballoon_drop_run(device);
	vballoon_journal_keep(device);
	return messages || drops;
}
