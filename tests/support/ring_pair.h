/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A driver ring and a device ring on one guest memory, exchanging chains of
 * random shape and checked content. The driver posts bytes that it chose; the
 * device answers with bytes that follow from all it read; the driver knows what
 * has to come back, in which order, and that nothing else was written.
 *
 * The two sides share nothing but guest memory, so that each may have a thread
 * of its own.
 */
#ifndef VBALLOON_TESTS_RING_PAIR_H
#define VBALLOON_TESTS_RING_PAIR_H

#include <stdbool.h>
#include <stdint.h>

#include "ring/device_ring.h"
#include "ring_builder.h"

/* What the driver knows about an outstanding chain, by its token. */
struct pair_message {
	uint64_t serial;
	uint64_t digest; /* of the readable bytes */
	uint64_t writable_len;
	uint32_t offset; /* of the writable bytes in the chain's area */
};

struct pair_driver {
	struct ring_builder builder;
	struct pair_message messages[VBALLOON_QUEUE_SIZE_MAX];
	uint16_t free_tokens[VBALLOON_QUEUE_SIZE_MAX];
	uint16_t free_count;
	uint64_t random;
	uint64_t posted;
	uint64_t collected;
};

struct pair_device {
	struct vballoon_device_ring ring;
	struct vballoon_chain chain;
	uint64_t random;
	uint64_t answered;
};

struct ring_pair {
	struct guest_memory guest;
	struct pair_driver driver;
	struct pair_device device;
};

/* Start both sides on a queue of @size descriptors. Chains go through indirect tables at times
 * if @features has them. */
void ring_pair_init(struct ring_pair *pair, uint16_t size, struct vballoon_ring_features features,
		    uint64_t seed);
void ring_pair_destroy(struct ring_pair *pair);

/* Pseudo-random, below @bound, from the state at @random. */
uint32_t pair_random(uint64_t *random, uint32_t bound);

/* Post a message of random shape. Returns false when the ring had no room for it. */
bool pair_driver_post(struct pair_driver *driver);

/* Collect one and check it: as vballoon_driver_ring_collect(), or a sentence on what is wrong. */
int pair_driver_collect(struct pair_driver *driver, const char **wrong_out);

/* Take a message, answer it: as vballoon_device_ring_next(). */
int pair_device_answer(struct pair_device *device);

#endif /* VBALLOON_TESTS_RING_PAIR_H */
