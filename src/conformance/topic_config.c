/* SPDX-License-Identifier: BSD-3-Clause */
/* The configuration space, and what the device offers. */
#include <string.h>

#include "base/le.h"
#include "conformance/driver.h"
#include "conformance/topics.h"

#define CONFIG_BYTES ((uint32_t)sizeof(struct virtio_memory_balloon_config))

struct config_message {
	struct vhost_user_config head;
	uint8_t bytes[VHOST_USER_CONFIG_MAX + 8];
};

struct range {
	uint32_t offset, size;
};

static struct config_message read_range(struct vballoon_trial *trial, uint32_t offset,
					uint32_t size)
{
	struct config_message message = { .head = { .offset = offset, .size = size } };
	uint32_t len = (uint32_t)sizeof(message.head) + size;
	int ret = vballoon_link_send(&trial->front_end.link, VHOST_USER_GET_CONFIG, 0, &message,
				     len, NULL, 0);

	vballoon_trial_check(trial, ret, "GET_CONFIG");
	ret = vballoon_link_receive(&trial->front_end.link, VHOST_USER_GET_CONFIG, &message,
				    sizeof(message));
	vballoon_trial_check(trial, ret, "GET_CONFIG");
	vballoon_require(trial, ret == (int)len, "%u bytes at %u were answered with %d", size,
			 offset, ret - (int)sizeof(message.head));
	return message;
}

static struct virtio_memory_balloon_config read_config(struct vballoon_trial *trial)
{
	struct config_message message = read_range(trial, 0, CONFIG_BYTES);
	struct virtio_memory_balloon_config config;

	memcpy(&config, message.bytes, sizeof(config));
	config.page_shift = vballoon_le32(config.page_shift);
	config.revision = vballoon_le32(config.revision);
	return config;
}

static void page_shift_is_in_bounds(struct vballoon_trial *trial, const void *how)
{
	uint32_t shift = read_config(trial).page_shift;

	(void)how;
	vballoon_require(trial,
			 shift >= VIRTIO_MEMORY_BALLOON_SHIFT_MIN &&
				 shift <= VIRTIO_MEMORY_BALLOON_SHIFT_MAX,
			 "page_shift is %u", shift);
}

static void revision_is_one(struct vballoon_trial *trial, const void *how)
{
	uint32_t revision = read_config(trial).revision;

	(void)how;
	vballoon_require(trial, revision == VIRTIO_MEMORY_BALLOON_REVISION, "revision is %u",
			 revision);
}

static void revision_is_at_its_offset(struct vballoon_trial *trial, const void *how)
{
	struct config_message message = read_range(trial, 4, 4);

	(void)how;
	vballoon_require(trial, message.bytes[0] == 1 && !message.bytes[1],
			 "four bytes at offset 4 are not the revision");
}

static void two_queues(struct vballoon_trial *trial, const void *how)
{
	(void)how;
	vballoon_require(trial, trial->facts->queues == VIRTIO_MEMORY_BALLOON_VQ_COUNT,
			 "it has %llu queues", (unsigned long long)trial->facts->queues);
}

static void stays_the_same(struct vballoon_trial *trial, const void *how)
{
	struct virtio_memory_balloon_config before = read_config(trial), after;

	(void)how;
	vballoon_trial_start(trial);
	vballoon_driver_hello(trial, before.page_shift, 0);
	vballoon_driver_give(trial, 0, 4);
	after = read_config(trial);
	vballoon_require(trial, !memcmp(&before, &after, sizeof(before)),
			 "it changed while the device was used");
}

/* A write, whole or in part, is taken and changes nothing. */
static void write_changes_nothing(struct vballoon_trial *trial, const void *how)
{
	const struct range *range = how;
	struct virtio_memory_balloon_config before = read_config(trial), after;
	struct config_message message = { .head = { .offset = range->offset,
						    .size = range->size } };
	int ret;

	memset(message.bytes, 0xff, range->size);
	ret = vballoon_link_send(&trial->front_end.link, VHOST_USER_SET_CONFIG, 0, &message,
				 (uint32_t)sizeof(message.head) + range->size, NULL, 0);
	vballoon_trial_check(trial, ret, "SET_CONFIG");
	after = read_config(trial);
	vballoon_require(trial, !memcmp(&before, &after, sizeof(before)),
			 "what was written to it is there");
}

static void beyond_it_is_zero(struct vballoon_trial *trial, const void *how)
{
	const struct range *range = how;
	struct config_message message = read_range(trial, range->offset, range->size);

	for (uint32_t i = 0; i < range->size; i++)
		vballoon_require(trial, range->offset + i < CONFIG_BYTES || !message.bytes[i],
				 "byte %u of a space of %u is %u", range->offset + i, CONFIG_BYTES,
				 message.bytes[i]);
}

/* A range that no space has: refused, or answered with nothing. */
static void impossible_range(struct vballoon_trial *trial, const void *how)
{
	const struct range *range = how;
	struct config_message message = { .head = { .offset = range->offset,
						    .size = range->size } };
	uint32_t len = range->size > 8 ? 8 : range->size;
	int ret = vballoon_link_send(&trial->front_end.link, VHOST_USER_GET_CONFIG, 0, &message,
				     (uint32_t)sizeof(message.head) + len, NULL, 0);

	vballoon_trial_check(trial, ret, "GET_CONFIG");
	ret = vballoon_link_receive(&trial->front_end.link, VHOST_USER_GET_CONFIG, &message,
				    sizeof(message));
	vballoon_require(trial, ret <= 0, "a range of %u bytes at %u was answered with %d bytes",
			 range->size, range->offset, ret);
}

#define KEEPS(its_name, its_clause, function)                                                      \
	{                                                                                          \
		its_name, its_clause, function, NULL, false, VBALLOON_STAGE_NEGOTIATED, 0, 0       \
	}
#define RANGE(its_name, its_clause, function, offset, size)                                        \
	{                                                                                          \
		its_name, its_clause, function, &(const struct range){ offset, size }, true,       \
			VBALLOON_STAGE_NEGOTIATED, 0, 0                                            \
	}

static const struct vballoon_case cases[] = {
	KEEPS("two-queues", "DEV-CONF-1", two_queues),
	KEEPS("page-shift", "DEV-CONF-3", page_shift_is_in_bounds),
	KEEPS("revision", "DEV-CONF-4", revision_is_one),
	KEEPS("revision-alone", "DEV-CONF-2", revision_is_at_its_offset),
	KEEPS("stays-the-same", "DEV-CONF-5", stays_the_same),

	RANGE("write-to-all-of-it", "DEV-CONF-6", write_changes_nothing, 0, 8),
	RANGE("write-to-page-shift", "DEV-CONF-6", write_changes_nothing, 0, 4),
	RANGE("write-to-revision", "DEV-CONF-6", write_changes_nothing, 4, 4),
	RANGE("write-to-one-byte", "DEV-CONF-6", write_changes_nothing, 1, 1),
	RANGE("write-behind-it", "DEV-CONF-6", write_changes_nothing, 8, 16),
	RANGE("read-behind-it", "DEV-CONF-2", beyond_it_is_zero, 8, 8),
	RANGE("read-over-its-end", "DEV-CONF-2", beyond_it_is_zero, 6, 4),
	RANGE("read-of-the-most", "DEV-CONF-2", beyond_it_is_zero, 0, VHOST_USER_CONFIG_MAX),
	RANGE("read-at-the-last-offset", "vhost-user GET_CONFIG", impossible_range, UINT32_MAX, 1),
	RANGE("read-that-wraps", "vhost-user GET_CONFIG", impossible_range, UINT32_MAX - 3, 8),
};

VBALLOON_TOPIC(vballoon_topic_config, "config", VBALLOON_RING_ANY,
	       "the configuration space and the queues", cases);
