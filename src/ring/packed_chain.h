/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Walking a chain of packed descriptors. They follow one another in the ring, so
 * that there are no loops: whatever they say, a walk of a queue of N descriptors
 * reads at most N of them, and for the first at most N of an indirect table.
 */
#ifndef VBALLOON_RING_PACKED_CHAIN_H
#define VBALLOON_RING_PACKED_CHAIN_H

#include <stdbool.h>
#include <stdint.h>

#include <vballoon/violation.h>

#include "ring/device_ring.h"
#include "ring/packed.h"

/* Take one descriptor of the ring, in the host's byte order, after chain->places others:
 * extend the chain by its buffer, or by those of the table that it names. */
enum vballoon_violation packed_chain_step(const struct vballoon_device_ring *ring,
					  const struct packed_desc *desc,
					  struct vballoon_chain *chain);

/*
 * Collect the whole chain at next_avail, whose first descriptor has the flags
 * ring->head_flags. After a violation the walk goes on to the end of the chain, as
 * only its last descriptor tells what to give back: *whole_out tells whether that was
 * found, and chain->places how far it came.
 */
enum vballoon_violation packed_chain_walk(const struct vballoon_device_ring *ring,
					  struct vballoon_chain *chain, bool *whole_out);

#endif /* VBALLOON_RING_PACKED_CHAIN_H */
