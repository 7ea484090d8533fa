/* SPDX-License-Identifier: BSD-3-Clause */
/* A driver ring of eight descriptors, for cmocka's setup and teardown; the test is the device. */
#ifndef VBALLOON_TESTS_DRIVER_RING_FIXTURE_H
#define VBALLOON_TESTS_DRIVER_RING_FIXTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "ring/driver_ring.h"
#include "ring_builder.h"

#define DRIVER_SIZE 8
#define DRIVER_RING 0x1000
#define DRIVER_TABLE 0x8000
#define DRIVER_MEMORY_END 0x10000

struct driver_ring_fixture {
	struct guest_memory guest;
	struct ring_builder
		builder; /* its driver is the ring under test, started without EVENT_IDX */
	uint64_t token;
	uint32_t written;
};

int driver_setup(void **state);
int driver_teardown(void **state);

/* Post one buffer of @len writable bytes; returns as the ring does. */
int driver_post(struct driver_ring_fixture *f, uint32_t len, uint64_t token);

/* vballoon_driver_ring_collect() into f->token and f->written. */
int driver_collect(struct driver_ring_fixture *f);

#endif /* VBALLOON_TESTS_DRIVER_RING_FIXTURE_H */
