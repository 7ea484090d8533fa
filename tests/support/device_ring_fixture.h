/* SPDX-License-Identifier: BSD-3-Clause */
/* A device ring of eight descriptors in a small guest, for cmocka's setup and teardown. */
#ifndef VBALLOON_TESTS_DEVICE_RING_FIXTURE_H
#define VBALLOON_TESTS_DEVICE_RING_FIXTURE_H

#include "ring/device_ring.h"
#include "ring_builder.h"

/* Where things lie in that guest: memory from 0 on, without a hole. */
#define FIXTURE_SIZE 8
#define FIXTURE_RING 0x1000
#define FIXTURE_TABLE 0x8000
#define FIXTURE_BUFFER 0x10000
#define FIXTURE_MEMORY_END 0x20000

struct device_ring_fixture {
	struct guest_memory guest;
	struct ring_builder builder;
	struct vballoon_device_ring ring;
	struct vballoon_chain chain;
	enum vballoon_violation violation;
};

int fixture_setup(void **state);
int fixture_teardown(void **state);

/* Start the ring with INDIRECT_DESC, and with EVENT_IDX or not. */
void fixture_start(struct device_ring_fixture *f, bool event_idx);

/* vballoon_device_ring_next() into f->chain and f->violation. */
int fixture_next(struct device_ring_fixture *f);

/* Write entry @index of the descriptor table, or of the indirect table at FIXTURE_TABLE. */
void fixture_desc(struct device_ring_fixture *f, uint16_t index, struct raw_desc desc);
void fixture_table_desc(struct device_ring_fixture *f, uint16_t index, struct raw_desc desc);

/* Have hooks called with the fixture as their context. */
void fixture_hook(struct device_ring_fixture *f, const struct vballoon_memory_hooks *hooks);

/* Make one readable buffer available, at descriptor @head. */
void fixture_offer(struct device_ring_fixture *f, uint16_t head);

#endif /* VBALLOON_TESTS_DEVICE_RING_FIXTURE_H */
