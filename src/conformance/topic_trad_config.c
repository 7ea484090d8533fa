/* SPDX-License-Identifier: BSD-3-Clause */
/* The traditional balloon: configuration space and feature bits. */
#include <string.h>

#include "base/le.h"
#include "conformance/space.h"
#include "conformance/topics.h"
#include "conformance/trad.h"

#define SPACE_BYTES 16U
#define ACTUAL 4U
#define POISON 12U
#define REACHABLE 256U /* what a message of vhost-user carries */

struct space {
	uint8_t bytes[SPACE_BYTES];
};

static struct space space_read(struct vballoon_trial *trial)
{
	struct space space = { { 0 } };

	vballoon_space_read(trial, 0, space.bytes, SPACE_BYTES);
	return space;
}

static void is_as_before(struct vballoon_trial *trial, const struct space *before, uint32_t offset)
{
	struct space now = space_read(trial);

	vballoon_require(trial, !memcmp(before->bytes + offset, now.bytes + offset, 4),
			 "what the device says at offset %u has changed by what was written",
			 offset);
}

/* A write of any length at any offset. What the device says in the same space is as it was, and
 * the device works. */
static void written(struct vballoon_trial *trial, const void *how)
{
	const struct vballoon_space_range *range = how;
	struct space before = space_read(trial);
	uint8_t ones[REACHABLE];

	memset(ones, 0xff, sizeof(ones));
	vballoon_space_write(trial, range->offset, ones, range->size);
	is_as_before(trial, &before, 0);
	is_as_before(trial, &before, 8);
	vballoon_trial_start(trial);
	vballoon_trad_work(trial, 4);
}

/* The driver's own fields, whole and byte by byte: there as they were written. */
static void kept(struct vballoon_trial *trial, const void *how)
{
	const struct vballoon_space_range *range =
		how; /* of one field, and how much of it at a time */
	const uint8_t value[4] = { 0x12, 0x34, 0x56, 0x78 };
	struct space now;

	for (uint32_t i = 0; i < sizeof(value); i += range->size)
		vballoon_space_write(trial, range->offset + i, value + i, range->size);
	now = space_read(trial);
	vballoon_require(trial, !memcmp(now.bytes + range->offset, value, sizeof(value)),
			 "what the driver wrote at offset %u, %u bytes at a time, is not there",
			 range->offset, range->size);
}

/* A part of the space is that part of it; behind its end there is nothing. */
static void read_in_part(struct vballoon_trial *trial, const void *how)
{
	const struct vballoon_space_range *range = how;
	struct space whole = space_read(trial);
	uint8_t part[REACHABLE];

	vballoon_space_read(trial, range->offset, part, range->size);
	for (uint32_t i = 0; i < range->size; i++) {
		uint32_t at = range->offset + i;
		uint8_t expected = at < SPACE_BYTES ? whole.bytes[at] : 0;

		vballoon_require(trial, part[i] == expected, "byte %u is %u, and in part %u", at,
				 expected, part[i]);
	}
}

/* What a driver says that it has given is not what it has given. */
static void actual_lies(struct vballoon_trial *trial, const void *how)
{
	const uint32_t *actual = how;
	const __le32 wire = vballoon_le32(*actual);
	uint64_t gpa = vballoon_trial_page(trial, 0);

	vballoon_trial_start(trial);
	vballoon_trad_give(trial, gpa, 8);
	vballoon_space_write(trial, ACTUAL, &wire, sizeof(wire));
	vballoon_trad_give(trial, gpa + 8 * trial->layout.page, 8);
	vballoon_trad_take(trial, gpa, 16);
	vballoon_trad_fill(trial, gpa, 16 * trial->layout.page, 0x44);
	vballoon_trad_quiesce(trial);
	vballoon_trad_expect(trial, gpa, 16 * trial->layout.page, 0x44,
			     "a page that was taken back");
}

#define RANGE(its_name, its_clause, function, is_negative, offset, size)                           \
	{                                                                                          \
		its_name, its_clause, function,                                                    \
			&(const struct vballoon_space_range){ offset, size }, is_negative,         \
			VBALLOON_STAGE_NEGOTIATED, 0, 0                                            \
	}
#define LIES(its_name, value)                                                                      \
	{                                                                                          \
		its_name, "TRAD-CONF-3", actual_lies, &(const uint32_t){ value }, true,            \
			VBALLOON_STAGE_NEGOTIATED, 0, 0                                            \
	}

static const struct vballoon_case config_cases[] = {
	RANGE("actual-is-kept", "TRAD-CONF-2", kept, false, ACTUAL, 4),
	RANGE("actual-byte-by-byte", "TRAD-CONF-2", kept, false, ACTUAL, 1),
	RANGE("actual-in-halves", "TRAD-CONF-2", kept, false, ACTUAL, 2),
	{ "poison-is-kept", "TRAD-CONF-2", kept, &(const struct vballoon_space_range){ POISON, 4 },
	  false, VBALLOON_STAGE_NEGOTIATED, VBALLOON_TRAD_F(PAGE_POISON), 0 },
	RANGE("read-of-a-byte", "TRAD-CONF-4", read_in_part, false, 5, 1),
	RANGE("read-over-two-fields", "TRAD-CONF-4", read_in_part, false, 2, 4),
	RANGE("read-of-three-bytes", "TRAD-CONF-4", read_in_part, false, 7, 3),
	RANGE("read-over-its-end", "TRAD-CONF-4", read_in_part, true, 13, 8),
	RANGE("read-behind-it", "TRAD-CONF-4", read_in_part, true, 16, 8),
	RANGE("read-of-the-most", "TRAD-CONF-4", read_in_part, true, 0, REACHABLE),
	RANGE("read-at-the-last-offset", "vhost-user GET_CONFIG", vballoon_space_impossible, true,
	      UINT32_MAX, 1),
	RANGE("read-that-wraps", "vhost-user GET_CONFIG", vballoon_space_impossible, true,
	      UINT32_MAX - 3, 8),

	RANGE("write-to-num-pages", "TRAD-CONF-1", written, true, 0, 4),
	RANGE("write-to-a-byte-of-num-pages", "TRAD-CONF-1", written, true, 3, 1),
	RANGE("write-to-the-command-id", "TRAD-CONF-1", written, true, 8, 4),
	RANGE("write-to-all-of-it", "TRAD-CONF-1", written, true, 0, 16),
	RANGE("write-over-num-pages-and-actual", "TRAD-CONF-5", written, true, 3, 2),
	RANGE("write-over-actual-and-the-command-id", "TRAD-CONF-5", written, true, 6, 4),
	RANGE("write-of-three-bytes", "TRAD-CONF-5", written, true, 5, 3),
	RANGE("write-over-its-end", "TRAD-CONF-5", written, true, 14, 8),
	RANGE("write-behind-it", "TRAD-CONF-5", written, true, 16, 16),
	RANGE("write-of-nothing", "TRAD-CONF-5", written, true, 4, 0),
	RANGE("write-of-the-most", "TRAD-CONF-5", written, true, 0, REACHABLE),
	RANGE("write-at-the-last-offset", "TRAD-CONF-5", written, true, UINT32_MAX, 1),
	RANGE("write-that-wraps", "TRAD-CONF-5", written, true, UINT32_MAX - 3, 8),
	RANGE("write-that-wraps-to-actual", "TRAD-CONF-5", written, true, UINT32_MAX - 3, 12),

	LIES("actual-of-nothing", 0),
	LIES("actual-more-than-given", 1000),
	LIES("actual-more-than-memory", 0x7fffffff),
	LIES("actual-all-ones", UINT32_MAX),
};

struct bits {
	uint64_t accepted, left_out;
};

static void offers_version_1(struct vballoon_trial *trial, const void *how)
{
	(void)how;
	vballoon_require(trial, trial->facts->features & VBALLOON_VIRTIO_VERSION_1,
			 "VERSION_1 is not offered");
}

static void offers_no_opposites(struct vballoon_trial *trial, const void *how)
{
	const uint64_t both = VBALLOON_TRAD_F(MUST_TELL_HOST) | VBALLOON_TRAD_F(SILENT_DEFLATE);

	(void)how;
	vballoon_require(trial, (trial->facts->features & both) != both,
			 "MUST_TELL_HOST and SILENT_DEFLATE are both offered");
}

static void works(struct vballoon_trial *trial, const void *how)
{
	(void)how;
	vballoon_trad_work(trial, 64);
}

/* A driver that accepts what was not offered: its queues are not used. */
static void is_not_served(struct vballoon_trial *trial, const void *how)
{
	const struct bits *bits = how;
	const uint32_t pfn = vballoon_trad_pfn(vballoon_trial_page(trial, 0));
	uint64_t token;
	uint32_t written_bytes;

	if (bits->accepted & trial->facts->features)
		vballoon_trial_end(trial, VBALLOON_SKIP, "it offers this one");
	vballoon_trial_negotiate(trial, (trial->features | bits->accepted) & ~bits->left_out);
	vballoon_trial_start(trial);
	vballoon_trad_post(trial, INFLATE, &pfn, 1);
	if (vballoon_link_closed(&trial->front_end.link, trial->setting->grace_ms))
		return;
	vballoon_require(trial,
			 vballoon_driver_ring_collect(&trial->front_end.queues[INFLATE].driver,
						      &token,
						      &written_bytes) == VBALLOON_COLLECT_NONE,
			 "it works for a driver with such features");
}

#define UNOFFERED(its_name, its_accepted, its_left_out)                                            \
	{                                                                                          \
		its_name, "TRAD-FEAT-4", is_not_served,                                            \
			&(const struct bits){ its_accepted, its_left_out }, true,                  \
			VBALLOON_STAGE_CONNECTED, 0, 0                                             \
	}
#define WITHOUT(its_name, its_lacks)                                                               \
	{                                                                                          \
		its_name, "TRAD-FEAT-3", works, NULL, false, VBALLOON_STAGE_GREETED, 0, its_lacks  \
	}

static const struct vballoon_case feature_cases[] = {
	{ "version-1-is-offered", "TRAD-FEAT-1", offers_version_1, NULL, false,
	  VBALLOON_STAGE_CONNECTED, 0, 0 },
	{ "opposites-are-not-offered", "TRAD-FEAT-2", offers_no_opposites, NULL, false,
	  VBALLOON_STAGE_CONNECTED, 0, 0 },
	{ "same-on-each-connection", "TRAD-FEAT-1", vballoon_space_same_features, NULL, false,
	  VBALLOON_STAGE_CONNECTED, 0, 0 },
	WITHOUT("without-must-tell-host", VBALLOON_TRAD_F(MUST_TELL_HOST)),
	WITHOUT("without-silent-deflate", VBALLOON_TRAD_F(SILENT_DEFLATE)),
	WITHOUT("without-statistics", VBALLOON_TRAD_F(STATS_VQ)),
	WITHOUT("without-deflate-on-oom", VBALLOON_TRAD_F(DEFLATE_ON_OOM)),
	WITHOUT("without-hints", VBALLOON_TRAD_F(FREE_PAGE_HINT)),
	WITHOUT("without-poison", VBALLOON_TRAD_F(PAGE_POISON)),
	WITHOUT("without-reports", VBALLOON_TRAD_F(REPORTING)),
	WITHOUT("without-any", UINT64_C(0xffffff)),
	UNOFFERED("no-version-1", 0, VBALLOON_VIRTIO_VERSION_1),
	UNOFFERED("bit-6", VBALLOON_BIT(6), 0),
	UNOFFERED("bit-22", VBALLOON_BIT(22), 0),
	UNOFFERED("the-opposite", VBALLOON_TRAD_F(SILENT_DEFLATE), 0),
	UNOFFERED("access-platform", VBALLOON_VIRTIO_ACCESS_PLATFORM, 0),
	UNOFFERED("bit-63", VBALLOON_BIT(63), 0),
};

VBALLOON_TRAD_TOPIC(vballoon_topic_trad_config, "trad-config", VBALLOON_RING_ANY,
		    "the configuration space", config_cases);
VBALLOON_TRAD_TOPIC(vballoon_topic_trad_features, "trad-features", VBALLOON_RING_ANY,
		    "feature bits", feature_cases);
