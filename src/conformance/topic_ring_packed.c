/* SPDX-License-Identifier: BSD-3-Clause */
/* Packed virtqueues: descriptors that a driver may not make available. */
#include "base/le.h"
#include "conformance/driver.h"
#include "conformance/kind.h"
#include "conformance/place.h"
#include "conformance/ring_cases.h"
#include "conformance/topics.h"
#include "ring/packed.h"

#define SIZE VBALLOON_FRONT_QUEUE_SIZE
#define F_INDIRECT VBALLOON_VIRTIO_INDIRECT_DESC
#define NEXT PACKED_DESC_NEXT
#define WRITE PACKED_DESC_WRITE
#define INDIRECT PACKED_DESC_INDIRECT
#define OTHER_ROUND 0x4000 /* not marked available in this round */

#define ROW_DESCS 4

/* A chain in host byte order, the descriptors of an indirect table, and the chain's id. */
struct row {
	struct {
		uint64_t addr;
		uint32_t len;
		uint16_t flags;
	} desc[ROW_DESCS], table[ROW_DESCS];
	unsigned int count; /* 0: one */
	uint16_t id;
};

static struct packed_desc *desc_at(struct vballoon_trial *trial, uint16_t place)
{
	return (struct packed_desc *)(void *)(trial->front_end.queues[TODEVQ].ring +
					      packed_desc_bytes(packed_index(place)));
}

static uint16_t first_place(struct vballoon_trial *trial)
{
	return trial->front_end.queues[TODEVQ].driver.avail_idx;
}

/* Write a descriptor; its flags last. */
static void put(struct vballoon_trial *trial, uint16_t place, uint64_t addr, uint32_t len,
		uint16_t id, uint16_t flags)
{
	struct packed_desc *desc = desc_at(trial, place);
	uint16_t marks = packed_avail_flags(place);

	if (flags & OTHER_ROUND)
		marks = packed_avail_flags(place ^ PACKED_WRAP);
	desc->addr = vballoon_le64(vballoon_place_address(trial, addr));
	desc->len = vballoon_le32(len);
	desc->id = vballoon_le16(id);
	__atomic_store_n(&desc->flags, vballoon_le16((flags & ~OTHER_ROUND) | marks),
			 __ATOMIC_RELEASE);
}

static void kick(struct vballoon_trial *trial)
{
	vballoon_trial_check(trial, vballoon_front_end_kick(&trial->front_end, TODEVQ), "a kick");
}

static void post_row(struct vballoon_trial *trial, const struct row *row)
{
	struct packed_desc *table = (struct packed_desc *)(void *)vballoon_trial_at(trial, TABLE);
	uint16_t first = first_place(trial);
	unsigned int count = row->count ? row->count : 1;

	vballoon_place_withdraw(trial);
	for (unsigned int i = 0; i < ROW_DESCS; i++)
		table[i] = (struct packed_desc){
			vballoon_le64(vballoon_place_address(trial, row->table[i].addr)),
			vballoon_le32(row->table[i].len), 0, vballoon_le16(row->table[i].flags)
		};
	/* The first one last: with it the device sees the chain. */
	for (unsigned int i = count; i-- > 0;)
		put(trial, packed_advance(SIZE, first, i), row->desc[i].addr, row->desc[i].len,
		    row->id, row->desc[i].flags);
	kick(trial);
}

static void stops(struct vballoon_trial *trial, const void *how)
{
	post_row(trial, how);
	vballoon_driver_expect_stop(trial, TODEVQ);
}

static void require_used(struct vballoon_trial *trial, uint16_t place, uint16_t id)
{
	const struct packed_desc *desc = desc_at(trial, place);

	vballoon_require(
		trial,
		packed_is_used(vballoon_le16(__atomic_load_n(&desc->flags, __ATOMIC_ACQUIRE)),
			       place),
		"a descriptor is not marked used");
	vballoon_require(trial, vballoon_le16(desc->id) == id, "its id is %u, not %u",
			 vballoon_le16(desc->id), id);
}

static void is_used(struct vballoon_trial *trial, const void *how)
{
	const struct row *row = how;
	int call = trial->front_end.queues[TODEVQ].call;

	vballoon_driver_ring_interrupts(&trial->front_end.queues[TODEVQ].driver, true);
	vballoon_front_end_event_raised(call);
	post_row(trial, row);
	vballoon_driver_await_event(trial, call);
	require_used(trial, first_place(trial), row->id);
}

/* An id that is made available twice at once: a device that does not stop uses it as often. */
static void id_twice(struct vballoon_trial *trial, const void *how)
{
	const struct row *row = how;
	uint16_t first = first_place(trial);
	uint16_t second = packed_advance(SIZE, first, 1);

	put(trial, second, row->desc[0].addr, row->desc[0].len, row->id, row->desc[0].flags);
	post_row(trial, row);
	if (vballoon_driver_is_stopped(trial, TODEVQ, trial->setting->grace_ms))
		return;
	require_used(trial, first, row->id);
	require_used(trial, second, row->id);
}

/* A descriptor that is marked for another round is not available. */
static void is_not_taken(struct vballoon_trial *trial, const void *how)
{
	post_row(trial, how);
	vballoon_driver_expect_silence(trial, TODEVQ);
}

/* Every descriptor of the ring in one chain. */
struct whole_ring {
	uint64_t addr;
	bool all_memory; /* each is a whole region, beyond 4 GiB in all */
	bool goes_on; /* even the last has NEXT */
};

static void whole_ring_stops(struct vballoon_trial *trial, const void *how)
{
	const struct whole_ring *whole = how;
	uint64_t bytes = trial->layout.seam - trial->layout.base;
	uint32_t len = bytes > UINT32_MAX ? UINT32_MAX : (uint32_t)bytes;
	uint16_t first = first_place(trial);

	for (uint32_t i = SIZE; i-- > 0;)
		put(trial, packed_advance(SIZE, first, i), whole->addr, whole->all_memory ? len : 1,
		    0, i + 1 < SIZE || whole->goes_on ? NEXT : 0);
	kick(trial);
	vballoon_driver_expect_stop(trial, TODEVQ);
}

/* The driver's wish for interrupts, with what means nothing. */
static void stray_event_is_harmless(struct vballoon_trial *trial, const void *how)
{
	const struct packed_event *event = how;
	unsigned char *ring = trial->front_end.queues[TODEVQ].ring;
	struct packed_event *wish = (struct packed_event *)(void *)(ring + VBALLOON_FRONT_AVAIL);

	wish->place = vballoon_le16(event->place);
	wish->flags = vballoon_le16(event->flags);
	trial->facts->kind->work(trial, 1);
}

#define WHOLE(its_name, its_clause, ...)                                                           \
	GREETED(its_name, its_clause, whole_ring_stops,                                            \
		(&(const struct whole_ring){ __VA_ARGS__ }), true, 0, 0)
#define STRAY(its_name, its_place, its_flags)                                                      \
	GREETED(its_name, "virtio 2.8.10", stray_event_is_harmless,                                \
		(&(const struct packed_event){ its_place, its_flags }), true, 0, 0)

static const struct vballoon_case cases[] = {
	USED("chain-of-one", "DEV-MSG-13", 0, .desc = { { SAID, SAID_BYTES, 0 } }),
	USED("chain-of-three", "DEV-RING-4", 0, .count = 3, .id = 5,
	     .desc = { { SAID, 8, NEXT }, { SAID + 8, 8, NEXT }, { ROOM, 8, WRITE } }),
	USED("id-beyond-the-queue", "DEV-RING-4", 0, .id = 0xfffe,
	     .desc = { { SAID, SAID_BYTES, 0 } }),
	USED("indirect-chain", "DEV-MSG-2", F_INDIRECT, .desc = { { TABLE, 32, INDIRECT } },
	     .table = { { SAID, SAID_BYTES, 0 }, { ROOM, 8, WRITE } }),

	GREETED("id-twice", "DEV-RING-1", id_twice,
		ROW(.id = 5, .desc = { { SAID, SAID_BYTES, 0 } }), true, 0,
		VBALLOON_VIRTIO_IN_ORDER),
	{ "marked-for-another-round", "DEV-RING-2", is_not_taken,
	  ROW(.desc = { { SAID, SAID_BYTES, OTHER_ROUND } }), true, VBALLOON_STAGE_GREETED, 0, 0 },
	STOPS("second-not-available", "DEV-RING-17", .count = 2,
	      .desc = { { SAID, 8, NEXT }, { SAID + 8, 8, OTHER_ROUND } }),
	STOPS("third-not-available", "DEV-RING-17", .count = 3,
	      .desc = { { SAID, 8, NEXT },
			{ SAID + 8, 8, NEXT },
			{ ROOM, 8, WRITE | OTHER_ROUND } }),
	WHOLE("chain-without-an-end", "DEV-RING-9", SAID, .goes_on = true),
	WHOLE("chain-beyond-4-GiB", "DEV-RING-13", VBALLOON_BASE, .all_memory = true),
	STOPS("empty-readable-one", "DEV-RING-10", .desc = { { SAID, 0, 0 } }),
	STOPS("empty-writable-one", "DEV-RING-10", .count = 2,
	      .desc = { { SAID, SAID_BYTES, NEXT }, { ROOM, 0, WRITE } }),
	STOPS("address-zero", "DEV-RING-11", .desc = { { 0, SAID_BYTES, 0 } }),
	STOPS("address-before-memory", "DEV-RING-11",
	      .desc = { { VBALLOON_BASE - 8, SAID_BYTES, 0 } }),
	STOPS("address-in-a-hole", "DEV-RING-11", .desc = { { HOLE, SAID_BYTES, 0 } }),
	STOPS("end-in-a-hole", "DEV-RING-11", .desc = { { BEFORE_HOLE, SAID_BYTES, 0 } }),
	STOPS("address-behind-memory", "DEV-RING-11", .desc = { { BEHIND_MEMORY, SAID_BYTES, 0 } }),
	STOPS("address-all-ones", "DEV-RING-11", .desc = { { UINT64_MAX, SAID_BYTES, 0 } }),
	STOPS("address-that-wraps", "DEV-RING-11", .desc = { { UINT64_MAX - 7, SAID_BYTES, 0 } }),
	STOPS("length-all-ones", "DEV-RING-11", .desc = { { SAID, UINT32_MAX, 0 } }),
	STOPS("writable-in-a-hole", "DEV-RING-11", .count = 2,
	      .desc = { { SAID, SAID_BYTES, NEXT }, { HOLE, 8, WRITE } }),
	STOPS("readable-behind-writable", "DEV-RING-12", .count = 3,
	      .desc = { { SAID, 8, NEXT }, { ROOM, 8, NEXT | WRITE }, { SAID + 8, 8, 0 } }),
	STOPS("writable-first", "DEV-RING-12", .count = 2,
	      .desc = { { ROOM, 8, NEXT | WRITE }, { SAID, SAID_BYTES, 0 } }),

	{ "indirect-without-the-feature", "DEV-RING-14", stops,
	  ROW(.desc = { { TABLE, 16, INDIRECT } }, .table = { { SAID, SAID_BYTES, 0 } }), true,
	  VBALLOON_STAGE_GREETED, 0, F_INDIRECT },
	INDIRECTLY("indirect-that-goes-on", "DEV-RING-15", .count = 2,
		   .desc = { { TABLE, 16, INDIRECT | NEXT }, { ROOM, 8, WRITE } },
		   .table = { { SAID, SAID_BYTES, 0 } }),
	INDIRECTLY("indirect-behind-a-direct-one", "DEV-RING-15", .count = 2,
		   .desc = { { SAID, SAID_BYTES, NEXT }, { TABLE, 16, INDIRECT } },
		   .table = { { ROOM, 8, WRITE } }),
	INDIRECTLY("indirect-of-no-length", "DEV-RING-15", .desc = { { TABLE, 0, INDIRECT } }),
	INDIRECTLY("indirect-of-half-a-descriptor", "DEV-RING-15",
		   .desc = { { TABLE, 8, INDIRECT } }, .table = { { SAID, SAID_BYTES, 0 } }),
	INDIRECTLY("indirect-of-a-byte-more", "DEV-RING-15", .desc = { { TABLE, 17, INDIRECT } },
		   .table = { { SAID, SAID_BYTES, 0 } }),
	INDIRECTLY("indirect-table-in-a-hole", "DEV-RING-11", .desc = { { HOLE, 16, INDIRECT } }),
	INDIRECTLY("indirect-table-that-wraps", "DEV-RING-11",
		   .desc = { { UINT64_MAX - 15, 32, INDIRECT } }),
	INDIRECTLY("indirect-empty-one", "DEV-RING-10", .desc = { { TABLE, 32, INDIRECT } },
		   .table = { { SAID, SAID_BYTES, 0 }, { ROOM, 0, WRITE } }),
	INDIRECTLY("indirect-buffer-in-a-hole", "DEV-RING-11", .desc = { { TABLE, 16, INDIRECT } },
		   .table = { { HOLE, SAID_BYTES, 0 } }),
	INDIRECTLY("indirect-readable-behind-writable", "DEV-RING-12",
		   .desc = { { TABLE, 32, INDIRECT } },
		   .table = { { ROOM, 8, WRITE }, { SAID, SAID_BYTES, 0 } }),
	INDIRECTLY("indirect-longer-than-the-queue", "DEV-RING-9",
		   .desc = { { TABLE, (SIZE + 1) * 16, INDIRECT } },
		   .table = { { SAID, SAID_BYTES, 0 } }),
	INDIRECTLY("indirect-longer-than-any-queue", "DEV-RING-9",
		   .desc = { { TABLE, 32769 * 16, INDIRECT } },
		   .table = { { SAID, SAID_BYTES, 0 } }),
	INDIRECTLY("indirect-count-of-17-bits", "DEV-RING-9",
		   .desc = { { TABLE, (65536 + 1) * 16, INDIRECT } },
		   .table = { { SAID, SAID_BYTES, 0 } }),

	STRAY("event-flags-of-no-meaning", 0, PACKED_EVENT_MASK),
	STRAY("event-flags-all-ones", 0xffff, 0xffff),
	STRAY("event-place-beyond-the-queue", 0x7fff, PACKED_EVENT_ENABLE),
};

VBALLOON_SHARED_TOPIC(vballoon_topic_ring_packed, "ring-packed", VBALLOON_RING_PACKED,
		      "packed virtqueues: descriptors", cases);
