/* SPDX-License-Identifier: BSD-3-Clause */
/* The configuration space, and what the device offers. */
#include <string.h>

#include "base/le.h"
#include "conformance/driver.h"
#include "conformance/space.h"
#include "conformance/topics.h"

#define CONFIG_BYTES ((uint32_t)sizeof(struct virtio_memory_balloon_config))

static struct virtio_memory_balloon_config read_config(struct vballoon_trial *trial)
{
	struct virtio_memory_balloon_config config;

	vballoon_space_read(trial, 0, &config, CONFIG_BYTES);
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
	uint8_t bytes[4];

	(void)how;
	vballoon_space_read(trial, 4, bytes, sizeof(bytes));
	vballoon_require(trial, bytes[0] == 1 && !bytes[1],
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
	const struct vballoon_space_range *range = how;
	struct virtio_memory_balloon_config before = read_config(trial), after;
	uint8_t ones[VHOST_USER_CONFIG_MAX];

	memset(ones, 0xff, sizeof(ones));
	vballoon_space_write(trial, range->offset, ones, range->size);
	after = read_config(trial);
	vballoon_require(trial, !memcmp(&before, &after, sizeof(before)),
			 "what was written to it is there");
}

static void beyond_it_is_zero(struct vballoon_trial *trial, const void *how)
{
	const struct vballoon_space_range *range = how;
	uint8_t bytes[VHOST_USER_CONFIG_MAX];

	vballoon_space_read(trial, range->offset, bytes, range->size);
	for (uint32_t i = 0; i < range->size; i++)
		vballoon_require(trial, range->offset + i < CONFIG_BYTES || !bytes[i],
				 "byte %u of a space of %u is %u", range->offset + i, CONFIG_BYTES,
				 bytes[i]);
}

#define KEEPS(its_name, its_clause, function)                                                      \
	{                                                                                          \
		its_name, its_clause, function, NULL, false, VBALLOON_STAGE_NEGOTIATED, 0, 0       \
	}
#define RANGE(its_name, its_clause, function, offset, size)                                        \
	{                                                                                          \
		its_name, its_clause, function,                                                    \
			&(const struct vballoon_space_range){ offset, size }, true,                \
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
	RANGE("read-at-the-last-offset", "vhost-user GET_CONFIG", vballoon_space_impossible,
	      UINT32_MAX, 1),
	RANGE("read-that-wraps", "vhost-user GET_CONFIG", vballoon_space_impossible, UINT32_MAX - 3,
	      8),
};

VBALLOON_TOPIC(vballoon_topic_config, "config", VBALLOON_RING_ANY,
	       "the configuration space and the queues", cases);
