/* SPDX-License-Identifier: BSD-3-Clause */
/* A traditional device that says and does what a test tells it, with a driver before it. */
#ifndef VBALLOON_TESTS_TRAD_LIAR_H
#define VBALLOON_TESTS_TRAD_LIAR_H

#include "ring/device_ring.h"
#include "trad_guest.h"

#define TRAD_PFNS 512

/* What the driver has made available on a queue. */
struct trad_message {
	unsigned int count; /* page numbers */
	uint32_t pfns[TRAD_PFNS];
	uint64_t readable_len, writable_len;
};

struct trad_liar {
	struct trad_guest guest;
	struct vballoon_device_ring rings[TRAD_QUEUES]; /* by number */
	struct vballoon_chain chains[TRAD_QUEUES]; /* the last that was taken */
	bool started[TRAD_QUEUES];
	unsigned int kicks[TRAD_QUEUES];
	uint64_t features; /* as negotiated */
};

/* A device that offers @features, and memory for a guest of it; the guest finds pages one at a
 * time. What is changed in liar->guest comes before trad_liar_start(). */
void trad_liar_prepare(struct trad_liar *liar, uint64_t features, uint32_t unit_shift);
void trad_liar_start(struct trad_liar *liar);
/* Both. */
void trad_liar_init(struct trad_liar *liar, uint64_t features);
void trad_liar_destroy(struct trad_liar *liar);

/* The next message on queue @index, which there must be; page numbers are read. */
struct trad_message trad_liar_take(struct trad_liar *liar, unsigned int index);
bool trad_liar_is_idle(struct trad_liar *liar, unsigned int index);
/* Answer what was taken last there, and let the driver run. */
void trad_liar_answer(struct trad_liar *liar, unsigned int index);

/* The driver has @pages in the balloon, and is at its target. */
void trad_liar_fill(struct trad_liar *liar, unsigned int pages);

/* Fail unless the driver has found the device out: it is reset, every page is back. */
void trad_liar_expect_failure(struct trad_liar *liar);

#endif /* VBALLOON_TESTS_TRAD_LIAR_H */
