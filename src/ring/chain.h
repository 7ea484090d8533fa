/* SPDX-License-Identifier: BSD-3-Clause */
/* A chain of buffers, whatever the ring's format. */
#ifndef VBALLOON_RING_CHAIN_H
#define VBALLOON_RING_CHAIN_H

#include <stdbool.h>
#include <stdint.h>

#include <vballoon/memory.h>
#include <vballoon/violation.h>

#include "ring/device_ring.h"

/* What the buffers of a chain may have in total (virtio 1.3, 2.7.5.2). */
#define VBALLOON_CHAIN_BYTES_MAX (UINT64_C(1) << 32)

/* Make a chain of no buffers yet. */
void vballoon_chain_begin(struct vballoon_chain *chain, uint16_t head, uint16_t places);

/* Append a buffer to a chain that may have at most @most of them. */
enum vballoon_violation vballoon_chain_append(struct vballoon_chain *chain, uint32_t most,
					      const struct vballoon_memory *memory,
					      const struct vballoon_segment *segment,
					      bool device_writes);

/* The buffers are complete: set the cursors to the beginning of their streams. */
void vballoon_chain_rewind(struct vballoon_chain *chain);

#endif /* VBALLOON_RING_CHAIN_H */
