/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A packed ring of eight descriptors in a small guest, for cmocka's setup and
 * teardown. A test writes it as a driver or as a device would, or would not.
 */
#ifndef VBALLOON_TESTS_PACKED_BUILDER_H
#define VBALLOON_TESTS_PACKED_BUILDER_H

#include <stdbool.h>
#include <stdint.h>

#include "guest_memory.h"
#include "ring/device_ring.h"
#include "ring/driver_ring.h"
#include "ring_builder.h"

/* Where things lie in that guest: memory from 0 on, without a hole. */
#define PACKED_SIZE 8
#define PACKED_RING 0x1000
#define PACKED_DRIVER_EVENT 0x2000
#define PACKED_DEVICE_EVENT 0x2004
#define PACKED_TABLE 0x8000
#define PACKED_BUFFER 0x10000
#define PACKED_MEMORY_END 0x20000

/* Flags of a descriptor beside those that a split one has, too. */
#define RAW_AVAIL 0x80
#define RAW_USED 0x8000

/* What an event asks for. */
#define RAW_ENABLE 0
#define RAW_DISABLE 1
#define RAW_DESC 2

/* The flags of an available or a used descriptor, in a round with that wrap counter. */
#define AVAILABLE(wrap) ((wrap) ? RAW_AVAIL : RAW_USED)
#define USED(wrap) ((wrap) ? RAW_AVAIL | RAW_USED : 0)

/* A place: an index and the wrap counter of its round. */
#define PLACE(wrap, index) ((uint16_t)((wrap) << 15 | (index)))

/* In the host's byte order. */
struct raw_packed {
	uint64_t addr;
	uint32_t len;
	uint16_t id;
	uint16_t flags;
};

struct packed_fixture {
	struct guest_memory guest;
	struct vballoon_queue queue;
	/* The device's side, if that is under test. */
	struct vballoon_device_ring device;
	struct vballoon_chain chain;
	enum vballoon_violation violation;
	/* The driver's side, if that is. */
	struct vballoon_driver_ring driver;
	struct vballoon_driver_slot slots[PACKED_SIZE + 1]; /* one behind the end */
	uint16_t links[PACKED_SIZE];
	uint64_t token;
	uint32_t written;
};

int packed_setup(void **state);
int packed_teardown(void **state);

/* Write or read a descriptor of the ring, or of the indirect table at PACKED_TABLE. */
void packed_desc(struct packed_fixture *f, uint16_t index, struct raw_packed desc);
void packed_table_desc(struct packed_fixture *f, uint16_t index, struct raw_packed desc);
struct raw_packed packed_read(const struct packed_fixture *f, uint16_t index);
struct raw_packed packed_read_table(const struct packed_fixture *f, uint16_t index);

/* Write or read an event, at PACKED_DRIVER_EVENT or PACKED_DEVICE_EVENT. */
void packed_set_event(struct packed_fixture *f, uint64_t event, uint16_t place, uint16_t flags);
uint16_t packed_event_place(const struct packed_fixture *f, uint64_t event);
uint16_t packed_event_flags(const struct packed_fixture *f, uint64_t event);

/* Start the device's ring at queue.next, with INDIRECT_DESC, and with EVENT_IDX or not. */
void packed_start(struct packed_fixture *f, bool event_idx);

/* vballoon_device_ring_next() into f->chain and f->violation. */
int packed_next(struct packed_fixture *f);

/* Make a buffer of 16 readable bytes available at @index, with the id @id. */
void packed_offer(struct packed_fixture *f, bool wrap, uint16_t index, uint16_t id);

/* Have hooks called with the fixture as their context. */
void packed_hook(struct packed_fixture *f, const struct vballoon_memory_hooks *hooks);

/* Start the driver's ring. */
void packed_start_driver(struct packed_fixture *f, struct vballoon_ring_features features);

/* Post one buffer of @len writable bytes; returns as the ring does. */
int packed_post(struct packed_fixture *f, uint32_t len, uint64_t token);

/* Use @id at @index as a device would, or would not: with WRITE if @len is not 0. */
void packed_use(struct packed_fixture *f, bool wrap, uint16_t index, uint16_t id, uint32_t len);

/* vballoon_driver_ring_collect() into f->token and f->written. */
int packed_collect(struct packed_fixture *f);

#endif /* VBALLOON_TESTS_PACKED_BUILDER_H */
