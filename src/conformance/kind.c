/* SPDX-License-Identifier: BSD-3-Clause */
#include "conformance/kind.h"

#include <errno.h>
#include <string.h>

#include "base/le.h"
#include "conformance/driver.h"

const struct vballoon_kind *vballoon_kind_of(uint32_t device_id)
{
	if (device_id == VIRTIO_MEMORY_BALLOON_ID)
		return &vballoon_kind_memory;
	return device_id == VIRTIO_BALLOON_ID ? &vballoon_kind_traditional : NULL;
}

int vballoon_kind_ask_config(struct vballoon_link *link, void *config_out, uint32_t size)
{
	struct {
		struct vhost_user_config head;
		uint8_t bytes[VHOST_USER_CONFIG_MAX];
	} message = { .head.size = size };
	uint32_t len = (uint32_t)sizeof(message.head) + size;
	int ret = vballoon_link_send(link, VHOST_USER_GET_CONFIG, 0, &message, len, NULL, 0);

	if (!ret)
		ret = vballoon_link_receive(link, VHOST_USER_GET_CONFIG, &message, sizeof(message));
	if (ret < 0)
		return ret;
	memcpy(config_out, message.bytes, size);
	return ret == (int)len ? 0 : -EPROTO;
}

static int survey(struct vballoon_link *link, struct vballoon_facts *facts)
{
	struct virtio_memory_balloon_config config;
	int ret = vballoon_kind_ask_config(link, &config, sizeof(config));

	facts->config.page_shift = vballoon_le32(config.page_shift);
	facts->config.revision = vballoon_le32(config.revision);
	return ret;
}

static uint32_t queues(const struct vballoon_trial *trial)
{
	(void)trial;
	return (1U << VIRTIO_MEMORY_BALLOON_VQ_COUNT) - 1;
}

static void greet(struct vballoon_trial *trial)
{
	struct virtio_memory_balloon_req request;

	vballoon_driver_hello(trial, trial->facts->config.page_shift, 0);
	vballoon_driver_await(trial, VIRTIO_MEMORY_BALLOON_REQ_RESIZE, &request);
}

static void start_over(struct vballoon_trial *trial)
{
	uint64_t held = vballoon_driver_hello(trial, trial->facts->config.page_shift,
					      VIRTIO_MEMORY_BALLOON_HELLO_START_OVER);

	vballoon_require(trial, !held, "a new driver is told of %llu pages that it never gave",
			 (unsigned long long)held);
}

static void work(struct vballoon_trial *trial, unsigned int count)
{
	uint64_t pages[VBALLOON_WORK_PAGES] = { 0 };
	uint8_t verdicts[VBALLOON_WORK_PAGES] = { 0 };

	for (unsigned int i = 0; i < count; i++)
		pages[i] = vballoon_trial_page(trial, i);
	vballoon_driver_add(trial, pages, count, verdicts, count);
	for (unsigned int i = 0; i < count; i++)
		vballoon_require(trial, verdicts[i] == VIRTIO_MEMORY_BALLOON_ACCEPTED,
				 "page %u of the main job was refused", i);
	vballoon_driver_take_all(trial, count);
}

const struct vballoon_kind vballoon_kind_memory = {
	.device_id = VIRTIO_MEMORY_BALLOON_ID,
	.queue_count = VIRTIO_MEMORY_BALLOON_VQ_COUNT,
	.features = VBALLOON_DEVICE_FEATURES,
	.requests = true,
	.survey = survey,
	.queues = queues,
	.begin = vballoon_driver_begin,
	.greet = greet,
	.start_over = start_over,
	.work = work,
};
