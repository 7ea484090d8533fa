/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A ring in a test's guest memory, with two ways to drive it: the driver
 * ring, which keeps the rules, and raw writes, which need not.
 */
#ifndef VBALLOON_TESTS_RING_BUILDER_H
#define VBALLOON_TESTS_RING_BUILDER_H

#include <stdbool.h>
#include <stdint.h>

#include <vballoon/queue.h>

#include "guest_memory.h"
#include "ring/driver_ring.h"

/* Flags of a raw descriptor, and of the two rings. */
#define RAW_NEXT 1
#define RAW_WRITE 2
#define RAW_INDIRECT 4
#define RAW_NO_INTERRUPT 1
#define RAW_NO_NOTIFY 1

struct ring_builder {
	struct guest_memory *guest;
	struct vballoon_queue queue; /* for the device's side */
	struct vballoon_driver_ring driver; /* after ring_builder_start_driver() */
	struct vballoon_driver_slot slots[VBALLOON_QUEUE_SIZE_MAX];
	uint16_t links[VBALLOON_QUEUE_SIZE_MAX];
};

/* A descriptor to write, in the host's byte order. */
struct raw_desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags;
	uint16_t next;
};

/* Lay a zeroed ring of @size descriptors out from @gpa, a multiple of 4096. It
 * takes less than ring_builder_bytes(). */
void ring_builder_init(struct ring_builder *builder, struct guest_memory *guest, uint64_t gpa,
		       uint16_t size);

/* The bytes that a ring takes, rounded up to a multiple of 4096. */
uint64_t ring_builder_bytes(uint16_t size);

/* Begin with builder->driver, which zeroes the ring. A packed ring takes the same room, and sets
 * queue.next for the device. */
void ring_builder_start_driver(struct ring_builder *builder,
			       struct vballoon_ring_features features);

/* Write entry @index of the descriptor table, or of an indirect table at @table. */
void ring_builder_desc(struct ring_builder *builder, uint16_t index, struct raw_desc desc);
void ring_builder_table_desc(struct ring_builder *builder, uint64_t table, uint16_t index,
			     struct raw_desc desc);

/* Read entry @index of an indirect table, or of the descriptor table at queue.desc. */
struct raw_desc ring_builder_read_desc(const struct ring_builder *builder, uint64_t table,
				       uint16_t index);

/* Make a head available: write it to the available ring and count the index up. */
void ring_builder_avail(struct ring_builder *builder, uint16_t head);

/* Fields of the available ring, the driver's. @slot is an index modulo the size. */
uint16_t ring_builder_avail_head(const struct ring_builder *builder, uint16_t slot);
uint16_t ring_builder_avail_flags(const struct ring_builder *builder);
uint16_t ring_builder_used_event(const struct ring_builder *builder);
uint16_t ring_builder_avail_idx(const struct ring_builder *builder);
void ring_builder_set_avail_idx(struct ring_builder *builder, uint16_t idx);
void ring_builder_set_avail_flags(struct ring_builder *builder, uint16_t flags);
void ring_builder_set_used_event(struct ring_builder *builder, uint16_t idx);

/* Fields of the used ring, the device's. */
uint16_t ring_builder_used_idx(const struct ring_builder *builder);
uint32_t ring_builder_used_id(const struct ring_builder *builder, uint16_t slot);
uint32_t ring_builder_used_len(const struct ring_builder *builder, uint16_t slot);
uint16_t ring_builder_used_flags(const struct ring_builder *builder);
uint16_t ring_builder_avail_event(const struct ring_builder *builder);
void ring_builder_set_used_idx(struct ring_builder *builder, uint16_t idx);
void ring_builder_set_used_flags(struct ring_builder *builder, uint16_t flags);
void ring_builder_set_avail_event(struct ring_builder *builder, uint16_t idx);

/* Use a chain as a device would, or would not: write one element, count the index up. */
void ring_builder_use(struct ring_builder *builder, uint32_t id, uint32_t len);

#endif /* VBALLOON_TESTS_RING_BUILDER_H */
