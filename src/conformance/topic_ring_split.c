/* SPDX-License-Identifier: BSD-3-Clause */
/* Split virtqueues: descriptors and indices that a driver may not write. */
#include <string.h>

#include "base/le.h"
#include "conformance/driver.h"
#include "conformance/kind.h"
#include "conformance/place.h"
#include "conformance/ring_cases.h"
#include "conformance/topics.h"
#include "front_end/raw_split.h"
#include "ring/split.h"

#define SIZE VBALLOON_FRONT_QUEUE_SIZE
#define F_INDIRECT VBALLOON_VIRTIO_INDIRECT_DESC
#define F_EVENT VBALLOON_VIRTIO_EVENT_IDX

#define NEXT VBALLOON_RAW_NEXT
#define WRITE VBALLOON_RAW_WRITE
#define INDIRECT VBALLOON_RAW_INDIRECT

#define ROW_DESCS 5

/* Descriptors 0 and on of todevq, those of an indirect table, and where the chain begins. */
struct row {
	uint16_t head;
	struct vballoon_raw_desc desc[ROW_DESCS];
	struct vballoon_raw_desc table[ROW_DESCS];
};

static struct vballoon_raw_split ring_of(struct vballoon_trial *trial, unsigned int queue)
{
	unsigned char *ring = trial->front_end.queues[queue].ring;

	return (struct vballoon_raw_split){ ring + VBALLOON_FRONT_DESC, ring + VBALLOON_FRONT_AVAIL,
					    ring + VBALLOON_FRONT_USED, SIZE };
}

static void write_descs(struct vballoon_trial *trial, void *table,
			const struct vballoon_raw_desc *descs)
{
	for (uint16_t i = 0; i < ROW_DESCS; i++) {
		struct vballoon_raw_desc desc = descs[i];

		desc.addr = vballoon_place_address(trial, desc.addr);
		vballoon_raw_split_set_desc(table, i, &desc);
	}
}

static void kick(struct vballoon_trial *trial)
{
	vballoon_trial_check(trial, vballoon_front_end_kick(&trial->front_end, TODEVQ), "a kick");
}

static void post_row(struct vballoon_trial *trial, const struct row *row)
{
	struct vballoon_raw_split ring = ring_of(trial, TODEVQ);

	vballoon_place_withdraw(trial);
	write_descs(trial, ring.desc, row->desc);
	write_descs(trial, vballoon_trial_at(trial, TABLE), row->table);
	vballoon_raw_split_available(&ring, row->head);
	kick(trial);
}

static void stops(struct vballoon_trial *trial, const void *how)
{
	post_row(trial, how);
	vballoon_driver_expect_stop(trial, TODEVQ);
}

/* A head that is made available twice at once: a device that does not stop uses it as often. */
static void head_twice(struct vballoon_trial *trial, const void *how)
{
	const struct row *row = how;
	struct vballoon_raw_split ring = ring_of(trial, TODEVQ);
	uint16_t before = vballoon_raw_split_get(ring.used, SPLIT_IDX);

	vballoon_place_withdraw(trial);
	write_descs(trial, ring.desc, row->desc);
	vballoon_raw_split_available(&ring, row->head);
	vballoon_raw_split_available(&ring, row->head);
	kick(trial);
	if (vballoon_driver_is_stopped(trial, TODEVQ, trial->setting->grace_ms))
		return;
	vballoon_require(trial,
			 (uint16_t)(vballoon_raw_split_get(ring.used, SPLIT_IDX) - before) == 2U,
			 "a head that was made available twice was not used twice");
	for (uint16_t i = 0; i < 2; i++)
		vballoon_require(trial,
				 vballoon_raw_split_get(
					 ring.used + split_used_slot(SIZE, (uint16_t)(before + i)),
					 0) == row->head,
				 "another head was used");
}

/* A chain that is unusual and not wrong: used, by its head, with nothing written. */
static void is_used(struct vballoon_trial *trial, const void *how)
{
	const struct row *row = how;
	struct vballoon_raw_split ring = ring_of(trial, TODEVQ);
	uint32_t before = vballoon_raw_split_get(ring.used, SPLIT_IDX);
	const unsigned char *element = ring.used + split_used_slot(SIZE, (uint16_t)before);
	int call = trial->front_end.queues[TODEVQ].call;

	vballoon_driver_ring_interrupts(&trial->front_end.queues[TODEVQ].driver, true);
	vballoon_front_end_event_raised(call);
	post_row(trial, row);
	vballoon_driver_await_event(trial, call);
	vballoon_require(trial,
			 (uint16_t)(vballoon_raw_split_get(ring.used, SPLIT_IDX) - before) == 1U,
			 "it was not used once");
	vballoon_require(trial, vballoon_raw_split_get(element, 0) == row->head,
			 "its id in the used ring is %u", vballoon_raw_split_get(element, 0));
}

/* The available index goes on by a number that the ring has no room for. */
static void index_jumps(struct vballoon_trial *trial, const void *how)
{
	const uint16_t *by = how;
	struct vballoon_raw_split ring = ring_of(trial, TODEVQ);
	uint16_t idx = vballoon_raw_split_get(ring.avail, SPLIT_IDX);

	vballoon_raw_split_set(ring.avail, SPLIT_IDX, (uint16_t)(idx + *by));
	kick(trial);
	vballoon_driver_expect_stop(trial, TODEVQ);
}

/* Buffers of the whole region, over and over: more than 2^32 bytes. */
static void chain_of_too_many_bytes(struct vballoon_trial *trial, const void *how)
{
	struct vballoon_raw_split ring = ring_of(trial, TODEVQ);
	uint64_t bytes = trial->layout.seam - trial->layout.base;

	(void)how;
	for (uint16_t i = 0; i < SIZE; i++) {
		struct vballoon_raw_desc desc = {
			trial->layout.base, (uint32_t)(bytes > 0xffffffff ? 0xffffffff : bytes),
			i + 1U < SIZE ? NEXT : 0, (uint16_t)(i + 1)
		};

		vballoon_raw_split_set_desc(ring.desc, i, &desc);
	}
	vballoon_raw_split_available(&ring, 0);
	kick(trial);
	vballoon_driver_expect_stop(trial, TODEVQ);
}

/* An indirect table of more descriptors than the queue has, all of them in one chain. */
static void table_of_too_many(struct vballoon_trial *trial, const void *how)
{
	const uint32_t *count = how;
	struct vballoon_raw_split ring = ring_of(trial, TODEVQ);
	void *table = vballoon_trial_at(trial, TABLE);
	struct vballoon_raw_desc whole = { TABLE, *count * 16, INDIRECT, 0 };

	for (uint32_t i = 0; i < *count; i++) {
		struct vballoon_raw_desc desc = { SAID, 1, i + 1 < *count ? NEXT : 0,
						  (uint16_t)(i + 1) };

		vballoon_raw_split_set_desc(table, (uint16_t)i, &desc);
	}
	vballoon_raw_split_set_desc(ring.desc, 0, &whole);
	vballoon_raw_split_available(&ring, 0);
	kick(trial);
	vballoon_driver_expect_stop(trial, TODEVQ);
}

/* A field that is the driver's to write, with what means nothing: the device goes on. */
struct stray {
	uint32_t offset; /* in the available ring */
	uint16_t value;
};

static void stray_value_is_harmless(struct vballoon_trial *trial, const void *how)
{
	const struct stray *stray = how;
	struct vballoon_raw_split ring = ring_of(trial, TODEVQ);

	vballoon_raw_split_set(ring.avail, stray->offset, stray->value);
	trial->facts->kind->work(trial, 1);
}

/* What lies in the used ring is the device's: it does not go by what it finds there. */
static void used_ring_is_overwritten(struct vballoon_trial *trial, const void *how)
{
	struct vballoon_raw_split ring = ring_of(trial, TODEVQ);

	(void)how;
	memset(ring.used + SPLIT_RING, 0xee, SIZE * sizeof(struct split_used));
	trial->facts->kind->work(trial, 2);
}

#define JUMPS(its_name, by)                                                                        \
	GREETED(its_name, "DEV-RING-6", index_jumps, (&(const uint16_t){ by }), true, 0, 0)
#define STRAY(its_name, its_clause, its_needs, its_lacks, offset, value)                           \
	GREETED(its_name, its_clause, stray_value_is_harmless,                                     \
		(&(const struct stray){ offset, value }), true, its_needs, its_lacks)
#define TOO_MANY(its_name, count)                                                                  \
	GREETED(its_name, "DEV-RING-9", table_of_too_many, (&(const uint32_t){ count }), true,     \
		F_INDIRECT, 0)

static const struct vballoon_case cases[] = {
	USED("chain-of-one", "DEV-MSG-13", 0, .desc = { { SAID, SAID_BYTES, 0, 0 } }),
	USED("chain-backwards", "DEV-MSG-2", 0, .head = 2,
	     .desc = { { ROOM, 8, WRITE, 0 }, { SAID + 8, 8, NEXT, 0 }, { SAID, 8, NEXT, 1 } }),
	USED("next-is-ignored-without-its-flag", "DEV-RING-8", 0,
	     .desc = { { SAID, SAID_BYTES, 0, 0xffff } }),
	USED("indirect-chain", "DEV-MSG-2", F_INDIRECT, .desc = { { TABLE, 32, INDIRECT, 0 } },
	     .table = { { SAID, SAID_BYTES, NEXT, 1 }, { ROOM, 8, WRITE, 0 } }),
	USED("indirect-behind-a-direct-one", "DEV-MSG-2", F_INDIRECT,
	     .desc = { { SAID, 8, NEXT, 1 }, { TABLE, 32, INDIRECT, 0 } },
	     .table = { { SAID + 8, 8, NEXT, 1 }, { ROOM, 8, WRITE, 0 } }),

	JUMPS("index-one-too-far", SIZE + 1),
	JUMPS("index-half-around", 0x8000),
	JUMPS("index-backwards", 0xffff),
	STOPS("head-behind-the-last", "DEV-RING-7", .head = SIZE),
	STOPS("head-all-ones", "DEV-RING-7", .head = 0xffff),
	GREETED("head-twice", "DEV-RING-1", head_twice,
		ROW(.head = 3, .desc = { [3] = { SAID, SAID_BYTES, 0, 0 } }), true, 0,
		VBALLOON_VIRTIO_IN_ORDER),
	STOPS("next-behind-the-last", "DEV-RING-8", .desc = { { SAID, SAID_BYTES, NEXT, SIZE } }),
	STOPS("next-all-ones", "DEV-RING-8", .desc = { { SAID, SAID_BYTES, NEXT, 0xffff } }),
	STOPS("second-goes-nowhere", "DEV-RING-8",
	      .desc = { { SAID, SAID_BYTES, NEXT, 1 }, { ROOM, 8, NEXT | WRITE, SIZE } }),
	STOPS("loop-of-one", "DEV-RING-9", .desc = { { SAID, 8, NEXT, 0 } }),
	STOPS("loop-of-two", "DEV-RING-9", .desc = { { SAID, 8, NEXT, 1 }, { SAID, 8, NEXT, 0 } }),
	STOPS("loop-behind-the-head", "DEV-RING-9",
	      .desc = { { SAID, 8, NEXT, 1 }, { SAID, 8, NEXT, 2 }, { SAID, 8, NEXT, 1 } }),
	STOPS("loop-of-writable-ones", "DEV-RING-9",
	      .desc = { { SAID, SAID_BYTES, NEXT, 1 }, { ROOM, 8, NEXT | WRITE, 1 } }),
	STOPS("empty-readable-one", "DEV-RING-10", .desc = { { SAID, 0, 0, 0 } }),
	STOPS("empty-one-within", "DEV-RING-10",
	      .desc = { { SAID, 8, NEXT, 1 }, { SAID, 0, NEXT, 2 }, { SAID + 8, 8, 0, 0 } }),
	STOPS("empty-writable-one", "DEV-RING-10",
	      .desc = { { SAID, SAID_BYTES, NEXT, 1 }, { ROOM, 0, WRITE, 0 } }),
	STOPS("address-zero", "DEV-RING-11", .desc = { { 0, SAID_BYTES, 0, 0 } }),
	STOPS("address-before-memory", "DEV-RING-11",
	      .desc = { { VBALLOON_BASE - 8, SAID_BYTES, 0, 0 } }),
	STOPS("address-in-a-hole", "DEV-RING-11", .desc = { { HOLE, SAID_BYTES, 0, 0 } }),
	STOPS("end-in-a-hole", "DEV-RING-11", .desc = { { BEFORE_HOLE, SAID_BYTES, 0, 0 } }),
	STOPS("address-behind-memory", "DEV-RING-11",
	      .desc = { { BEHIND_MEMORY, SAID_BYTES, 0, 0 } }),
	STOPS("address-all-ones", "DEV-RING-11", .desc = { { UINT64_MAX, SAID_BYTES, 0, 0 } }),
	STOPS("address-that-wraps", "DEV-RING-11",
	      .desc = { { UINT64_MAX - 7, SAID_BYTES, 0, 0 } }),
	STOPS("length-all-ones", "DEV-RING-11", .desc = { { SAID, UINT32_MAX, 0, 0 } }),
	STOPS("writable-in-a-hole", "DEV-RING-11",
	      .desc = { { SAID, SAID_BYTES, NEXT, 1 }, { HOLE, 8, WRITE, 0 } }),
	STOPS("writable-that-wraps", "DEV-RING-11",
	      .desc = { { SAID, SAID_BYTES, NEXT, 1 }, { UINT64_MAX - 3, 8, WRITE, 0 } }),
	STOPS("second-readable-in-a-hole", "DEV-RING-11",
	      .desc = { { SAID, 8, NEXT, 1 }, { HOLE, 8, 0, 0 } }),
	STOPS("readable-behind-writable", "DEV-RING-12",
	      .desc = { { SAID, 8, NEXT, 1 },
			{ ROOM, 8, NEXT | WRITE, 2 },
			{ SAID + 8, 8, 0, 0 } }),
	STOPS("writable-first", "DEV-RING-12",
	      .desc = { { ROOM, 8, NEXT | WRITE, 1 }, { SAID, SAID_BYTES, 0, 0 } }),
	{ "chain-beyond-4-GiB", "DEV-RING-13", chain_of_too_many_bytes, NULL, true,
	  VBALLOON_STAGE_GREETED, 0, 0 },

	{ "indirect-without-the-feature", "DEV-RING-14", stops,
	  ROW(.desc = { { TABLE, 16, INDIRECT, 0 } }, .table = { { SAID, SAID_BYTES, 0, 0 } }),
	  true, VBALLOON_STAGE_GREETED, 0, F_INDIRECT },
	INDIRECTLY("indirect-in-indirect", "DEV-RING-15", .desc = { { TABLE, 16, INDIRECT, 0 } },
		   .table = { { TABLE + 16, 16, INDIRECT, 0 }, { SAID, SAID_BYTES, 0, 0 } }),
	INDIRECTLY("indirect-of-itself", "DEV-RING-15", .desc = { { TABLE, 16, INDIRECT, 0 } },
		   .table = { { TABLE, 16, INDIRECT, 0 } }),
	INDIRECTLY("indirect-that-goes-on", "DEV-RING-15",
		   .desc = { { TABLE, 16, INDIRECT | NEXT, 1 }, { SAID, SAID_BYTES, 0, 0 } },
		   .table = { { SAID, SAID_BYTES, 0, 0 } }),
	INDIRECTLY("indirect-of-no-length", "DEV-RING-15", .desc = { { TABLE, 0, INDIRECT, 0 } }),
	INDIRECTLY("indirect-of-half-a-descriptor", "DEV-RING-15",
		   .desc = { { TABLE, 8, INDIRECT, 0 } }, .table = { { SAID, SAID_BYTES, 0, 0 } }),
	INDIRECTLY("indirect-of-a-byte-more", "DEV-RING-15", .desc = { { TABLE, 17, INDIRECT, 0 } },
		   .table = { { SAID, SAID_BYTES, 0, 0 } }),
	INDIRECTLY("indirect-table-in-a-hole", "DEV-RING-11",
		   .desc = { { HOLE, 16, INDIRECT, 0 } }),
	INDIRECTLY("indirect-table-that-wraps", "DEV-RING-11",
		   .desc = { { UINT64_MAX - 15, 32, INDIRECT, 0 } }),
	INDIRECTLY("indirect-next-beyond-the-table", "DEV-RING-8",
		   .desc = { { TABLE, 32, INDIRECT, 0 } },
		   .table = { { SAID, 8, NEXT, 2 }, { SAID, 8, 0, 0 }, { SAID + 8, 8, 0, 0 } }),
	INDIRECTLY("indirect-loop", "DEV-RING-9", .desc = { { TABLE, 32, INDIRECT, 0 } },
		   .table = { { SAID, 8, NEXT, 1 }, { SAID, 8, NEXT, 0 } }),
	INDIRECTLY("indirect-empty-one", "DEV-RING-10", .desc = { { TABLE, 32, INDIRECT, 0 } },
		   .table = { { SAID, SAID_BYTES, NEXT, 1 }, { ROOM, 0, WRITE, 0 } }),
	INDIRECTLY("indirect-buffer-in-a-hole", "DEV-RING-11",
		   .desc = { { TABLE, 16, INDIRECT, 0 } }, .table = { { HOLE, SAID_BYTES, 0, 0 } }),
	INDIRECTLY("indirect-readable-behind-writable", "DEV-RING-12",
		   .desc = { { TABLE, 32, INDIRECT, 0 } },
		   .table = { { ROOM, 8, NEXT | WRITE, 1 }, { SAID, SAID_BYTES, 0, 0 } }),
	TOO_MANY("indirect-longer-than-the-queue", SIZE + 1),
	TOO_MANY("indirect-longer-than-any-queue", 32769),
	INDIRECTLY("indirect-count-of-17-bits", "DEV-RING-9",
		   .desc = { { TABLE, (65536 + 1) * 16, INDIRECT, 0 } },
		   .table = { { SAID, SAID_BYTES, 0, 0 } }),

	STRAY("unknown-flags-of-available", "virtio 2.7.6", 0, F_EVENT, SPLIT_FLAGS, 0xfffe),
	STRAY("unused-avail-entry", "DEV-MSG-14", 0, 0, SPLIT_RING + (SIZE - 1) * 2, 0xffff),
	{ "used-ring-overwritten", "DEV-MSG-14", used_ring_is_overwritten, NULL, true,
	  VBALLOON_STAGE_GREETED, 0, 0 },
};

VBALLOON_SHARED_TOPIC(vballoon_topic_ring_split, "ring-split", VBALLOON_RING_SPLIT,
		      "split virtqueues: descriptors and indices", cases);
