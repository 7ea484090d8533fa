/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The device's side of a virtqueue: buffers come in, used buffers go out.
 *
 * A struct vballoon_device_ring walks one ring in guest memory. Every value
 * that the driver wrote is read once, into private memory, and checked before
 * it is used. vballoon_device_ring_next() takes one chain: it copies the
 * chain's descriptors into a struct vballoon_chain, which is all that the
 * device needs until it gives the chain back with vballoon_device_ring_use().
 *
 * Only one chain is held at a time, and chains are used in the order in which
 * they were made available. The driver's mistakes are violations; after one
 * the ring stands still at the chain it could not take.
 *
 * The ring is split or packed, as was negotiated, which shows only to the files of
 * the two formats (virtio 1.3, 2.7 and 2.8).
 */
#ifndef VBALLOON_RING_DEVICE_RING_H
#define VBALLOON_RING_DEVICE_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vballoon/memory.h>
#include <vballoon/queue.h>
#include <vballoon/violation.h>

#include "ring/ring_features.h"

/* The outcomes of vballoon_device_ring_next(). */
enum {
	/* Nothing available, and notifications are enabled again; or nothing that may be taken
	 * before there is memory which the embedder has still to add: it looks again then. */
	VBALLOON_RING_EMPTY,
	VBALLOON_RING_CHAIN, /* a chain was taken */
	VBALLOON_RING_BROKEN, /* a violation, told in violation_out, until it is skipped */
};

/* One buffer of a chain; readable ones come first. */
struct vballoon_segment {
	struct vballoon_gpa gpa;
	uint32_t len;
};

/* A chain as two streams of bytes: what the device reads, what it writes. */
struct vballoon_chain {
	uint16_t head; /* what the driver knows it by: its head, or the packed buffer's id */
	uint16_t places; /* that it takes in the ring: descriptors of a packed one, else 1 */
	uint16_t readable_count; /* segments[0 .. readable_count) */
	uint16_t count; /* of all segments */
	uint64_t readable_len; /* bytes */
	uint64_t writable_len; /* bytes */
	/* Cursors of the two streams. */
	uint16_t read_segment;
	uint32_t read_offset; /* in that segment */
	uint16_t write_segment;
	uint32_t write_offset;
	uint64_t read_done; /* bytes */
	uint64_t written; /* bytes: the used length */
	struct vballoon_segment segments[VBALLOON_QUEUE_SIZE_MAX];
};

/* A chain to give back. */
struct vballoon_used {
	uint16_t head;
	uint16_t places;
	uint32_t len;
};

struct vballoon_device_ring_format;

/* The parts of a ring: of descriptors, of the driver and of the device. */
#define VBALLOON_RING_AREAS 3

struct vballoon_device_ring {
	const struct vballoon_device_ring_format *format;
	const struct vballoon_memory *memory;
	uint64_t *kept; /* the caller's: ring/kept.h; NULL: nowhere */
	struct vballoon_queue queue;
	struct vballoon_segment areas[VBALLOON_RING_AREAS]; /* where its parts lie */
	struct vballoon_ring_features features;
	bool running;
	uint16_t next_avail; /* free-running, or a packed place */
	uint16_t next_used; /* free-running, or a packed place */
	uint16_t taken; /* next_avail before the last chain was taken */
	uint16_t head_flags; /* of the packed chain at next_avail, as they were found */
	uint32_t unannounced; /* places used since should_notify() last looked */
	bool notify_certain; /* the driver is to be interrupted in any case */
	bool kicks_enabled; /* the driver was told to kick at next_avail */
	/* Why the ring stands still, and what skip() is to do about it. */
	enum vballoon_violation violation;
	uint16_t skip_to; /* next_avail after it */
	bool skip_uses; /* it gives skipped back */
	struct vballoon_used skipped;
};

/*
 * Begin at queue->next. A split ring's used buffers go on from the used index found
 * in guest memory, read once. That index is the device's own, but lies where the
 * driver can write: it is trusted to say which slot of the used ring comes next,
 * which the driver alone depends on, and nothing else. Returns 0; -EINVAL when the
 * queue's size, alignment or beginning is none of its format; -EFAULT when the ring is not in
 * guest memory, or cannot be read or written there: it does not run then, and goes on where it
 * was to begin.
 */
int vballoon_device_ring_start(struct vballoon_device_ring *ring,
			       const struct vballoon_memory *memory,
			       const struct vballoon_queue *queue,
			       const struct vballoon_ring_features *features);

/* From now on the ring writes down where it is, in *@kept. */
void vballoon_device_ring_keep(struct vballoon_device_ring *ring, uint64_t *kept);

/*
 * Go on from where a ring was that nobody stopped, as *@kept tells, in place of start() and
 * keep(). queue->next does not count. *@used_out: the last chain was used, and the driver
 * perhaps not interrupted. Returns as start().
 */
int vballoon_device_ring_resume(struct vballoon_device_ring *ring,
				const struct vballoon_memory *memory,
				const struct vballoon_queue *queue,
				const struct vballoon_ring_features *features, uint64_t *kept,
				bool *used_out);

/* Where to go on after a stop, for struct vballoon_queue.next; of a ring that was never
 * started, 0. */
uint32_t vballoon_device_ring_base(const struct vballoon_device_ring *ring);

/* Take the next chain. While chains keep coming the driver need not kick: its
 * notifications are enabled again (and the ring looked at once more) only
 * before VBALLOON_RING_EMPTY is returned. */
int vballoon_device_ring_next(struct vballoon_device_ring *ring, struct vballoon_chain *chain,
			      enum vballoon_violation *violation_out);

/* Give the chain back with @chain->written as its used length. Returns 0, or a
 * negative errno when the ring is no longer in guest memory. */
int vballoon_device_ring_use(struct vballoon_device_ring *ring, const struct vballoon_chain *chain);

/* The chain that was just taken is not used: the next one is it again. */
void vballoon_device_ring_put_back(struct vballoon_device_ring *ring);

/* Find a violation in what the chain that was just taken says: the ring stands still
 * there, as if next() had found it. */
void vballoon_device_ring_refuse(struct vballoon_device_ring *ring,
				 const struct vballoon_chain *chain,
				 enum vballoon_violation violation);

/* Pass over the chain at which next() found a violation: used with length 0
 * where its head can be told, else skipped; after an index jump, all of them. A
 * ring that could not be read is tried again. */
void vballoon_device_ring_skip(struct vballoon_device_ring *ring);

/* Whether the driver wants an interrupt for what was used since this function was
 * last called. The first answer after a start is yes: a process that used buffers
 * before may have ended before it said so, and an interrupt too many does no harm. */
bool vballoon_device_ring_should_notify(struct vballoon_device_ring *ring);

/* Read the next @len bytes of the readable stream: 0; -EINVAL when there are fewer;
 * another negative errno when the guest memory is gone. */
int vballoon_chain_read(const struct vballoon_memory *memory, struct vballoon_chain *chain,
			void *to, size_t len);

/* Write the next @len bytes of the writable stream: as above. */
int vballoon_chain_write(const struct vballoon_memory *memory, struct vballoon_chain *chain,
			 const void *from, size_t len);

#endif /* VBALLOON_RING_DEVICE_RING_H */
