/* SPDX-License-Identifier: BSD-3-Clause */
/* What the two sides of a ring have agreed on (virtio 1.3, 6 Reserved Feature Bits). */
#ifndef VBALLOON_RING_RING_FEATURES_H
#define VBALLOON_RING_RING_FEATURES_H

#include <stdbool.h>
#include <stdint.h>

#define VBALLOON_F_INDIRECT_DESC (UINT64_C(1) << 28)
#define VBALLOON_F_EVENT_IDX (UINT64_C(1) << 29)
#define VBALLOON_F_RING_PACKED (UINT64_C(1) << 34)
#define VBALLOON_F_IN_ORDER (UINT64_C(1) << 35)

#define VBALLOON_F_RING_ALL                                                                        \
	(VBALLOON_F_INDIRECT_DESC | VBALLOON_F_EVENT_IDX | VBALLOON_F_RING_PACKED |                \
	 VBALLOON_F_IN_ORDER)

/* All false: the split ring as every driver and device has it. */
struct vballoon_ring_features {
	bool packed; /* VIRTIO_F_RING_PACKED: the format */
	bool indirect; /* VIRTIO_F_INDIRECT_DESC */
	bool event_idx; /* VIRTIO_F_EVENT_IDX */
	bool in_order; /* VIRTIO_F_IN_ORDER: buffers come back in the order in which they went */
};

/* Those among the negotiated feature bits @bits. */
static inline struct vballoon_ring_features vballoon_ring_features(uint64_t bits)
{
	return (struct vballoon_ring_features){
		.packed = bits & VBALLOON_F_RING_PACKED,
		.indirect = bits & VBALLOON_F_INDIRECT_DESC,
		.event_idx = bits & VBALLOON_F_EVENT_IDX,
		.in_order = bits & VBALLOON_F_IN_ORDER,
	};
}

#endif /* VBALLOON_RING_RING_FEATURES_H */
