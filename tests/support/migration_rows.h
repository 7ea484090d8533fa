/* SPDX-License-Identifier: BSD-3-Clause */
/* The truth tables of docs/positive-features.md: for the library and for vballoonctl. */
#ifndef VBALLOON_TESTS_MIGRATION_ROWS_H
#define VBALLOON_TESTS_MIGRATION_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vballoon/abi/traditional_balloon.h>
#include <vballoon/migration.h>

#define BIT(n) (UINT64_C(1) << (n))
#define MUST_TELL BIT(VIRTIO_BALLOON_F_MUST_TELL_HOST)
#define SILENT BIT(VIRTIO_BALLOON_F_SILENT_DEFLATE)
#define STATS BIT(VIRTIO_BALLOON_F_STATS_VQ)
#define VERSION_1 BIT(32)

#define MISSING VBALLOON_OBSTACLE_MISSING
#define MUST_TELL_OBSTACLE VBALLOON_OBSTACLE_MUST_TELL

/* A guest of the traditional balloon, whose driver negotiated so much of what it was
 * offered, is to go where something is offered. */
struct row {
	const char *name;
	uint64_t source_offered, negotiated, destination_offered;
	unsigned int obstacles;
	uint64_t missing;
};

static const struct row rows[] = {
	/* A positive feature, as all but one are. */
	{ "unused and not offered there, a positive feature is in no way", SILENT, 0, 0, 0, 0 },
	{ "unused and offered there, a positive feature is masked", 0, 0, SILENT, 0, 0 },
	{ "used and offered there, a positive feature goes on", SILENT, SILENT, SILENT, 0, 0 },
	{ "used and not offered there, a positive feature is missing", SILENT, SILENT, 0, MISSING,
	  SILENT },
	/* The negative one: the same four with the answers of the middle swapped. */
	{ "not agreed to and not wanted there, telling first is no matter", 0, 0, 0, 0, 0 },
	{ "not agreed to and wanted there, telling first is in the way", 0, 0, MUST_TELL,
	  MUST_TELL_OBSTACLE, 0 },
	{ "agreed to and wanted there, telling first goes on", MUST_TELL, MUST_TELL, MUST_TELL, 0,
	  0 },
	{ "agreed to and not wanted there, telling first does no harm", MUST_TELL, MUST_TELL, 0, 0,
	  0 },
	/* The driver that began the debate: it was offered the negative bit and ignored it. */
	{ "a driver that ignored the offer does not tell anywhere", MUST_TELL, 0, MUST_TELL,
	  MUST_TELL_OBSTACLE, 0 },
	{ "a driver that ignored the offer goes where nobody asks", MUST_TELL, 0, 0, 0, 0 },
	/* Both bits, which say the same from two sides. */
	{ "who tells first may go where silence is allowed", MUST_TELL, MUST_TELL, SILENT, 0, 0 },
	{ "who is silent cannot go where telling is wanted", SILENT, SILENT, MUST_TELL,
	  MISSING | MUST_TELL_OBSTACLE, SILENT },
	{ "where both are offered, telling is what counts", SILENT, SILENT, SILENT | MUST_TELL,
	  MUST_TELL_OBSTACLE, 0 },
	{ "who knows of neither may go where silence is allowed", 0, 0, SILENT, 0, 0 },
	{ "what is missing is all that is missing", STATS | SILENT, STATS | SILENT, 0, MISSING,
	  STATS | SILENT },
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static inline struct vballoon_feature_set traditional(uint64_t offered, uint64_t negotiated)
{
	return (struct vballoon_feature_set){
		.device_id = VIRTIO_BALLOON_ID,
		.page_shift = 12,
		.offered = offered | VERSION_1,
		.has_driver = true,
		.negotiated = negotiated | VERSION_1,
	};
}

static inline struct vballoon_feature_set source_of(const struct row *row)
{
	return traditional(row->source_offered, row->negotiated);
}

static inline struct vballoon_feature_set destination_of(const struct row *row)
{
	return traditional(row->destination_offered, 0);
}

#endif /* VBALLOON_TESTS_MIGRATION_ROWS_H */
