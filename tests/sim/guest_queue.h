/* SPDX-License-Identifier: BSD-3-Clause */
/* A virtqueue as the guest sees it: the real ring code over guest memory. */
#ifndef SIM_GUEST_QUEUE_H
#define SIM_GUEST_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include <vballoon/queue.h>

#include "plan.h"
#include "ring/driver_ring.h"
#include "rng.h"

/* What one queue takes of the driver's memory, and one indirect table. */
#define GUEST_QUEUE_BYTES 2048
#define GUEST_QUEUE_BUFFERS_MAX 8
#define GUEST_QUEUE_TABLE_BYTES (16 * GUEST_QUEUE_BUFFERS_MAX)

struct guest_queue {
	struct vballoon_driver_ring *ring; /* own; or the portable driver's, to look at */
	struct vballoon_driver_ring own;
	struct vballoon_queue place; /* for the transport */
	struct vballoon_driver_slot slots[PLAN_QUEUE_SIZE_MAX];
	uint16_t links[PLAN_QUEUE_SIZE_MAX];
	uint32_t collected; /* buffers, since the start; kept by whoever collects */
	uint16_t kick_word; /* as the device last left it; see guest_queue_swap() */
};

/* A stretch of the driver's memory: as the driver and as the device see it. */
struct guest_buffer {
	uint8_t *at;
	uint64_t gpa;
};

/* A new ring in @memory, as if @index buffers had passed through it already. */
void guest_queue_start(struct guest_queue *queue, struct guest_buffer memory, uint16_t size,
		       uint16_t index, struct vballoon_ring_features features);

/* Post @readable and then @writable bytes, cut up at random: how bytes are
 * framed means nothing. Through @table when it is not NULL. Returns whether
 * there was room, with @reserve descriptors to spare. */
bool guest_queue_post(struct guest_queue *queue, struct rng *rng, struct guest_buffer buffer,
		      uint32_t readable, uint32_t writable, const struct guest_buffer *table,
		      uint16_t reserve, uint64_t token);

/* Whether the device has published the buffer of @token, with how many bytes,
 * though the driver has not collected it. */
bool guest_queue_published(const struct guest_queue *queue, uint64_t token, uint32_t *written_out);

/* Where the device says whether it wants kicks: flags, avail_event or a packed place. */
uint64_t guest_queue_kick_gpa(const struct guest_queue *queue);

/* Exchange that word with what stood there before the device last wrote it, or
 * back: so a guest can act as if before that write. */
void guest_queue_swap(struct guest_queue *queue);
/* What stands there now is what was there before the next write. */
void guest_queue_remember(struct guest_queue *queue);

/* How many buffers the device has published. */
uint32_t guest_queue_answers(const struct guest_queue *queue);

/* How far the device has come, from what it published: struct vballoon_queue.next of a device that
 * keeps no buffer. */
uint32_t guest_queue_used(const struct guest_queue *queue);

#endif /* SIM_GUEST_QUEUE_H */
