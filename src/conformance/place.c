/* SPDX-License-Identifier: BSD-3-Clause */
#include "conformance/place.h"

#include <string.h>

#include "base/le.h"

uint64_t vballoon_place_entry(const struct vballoon_trial *trial,
			      const struct vballoon_place_row *row)
{
	const struct vballoon_layout *layout = &trial->layout;
	const uint64_t places[] = {
		[PLACE_ZERO] = 0,
		[PLACE_BASE] = layout->base,
		[PLACE_BALLOON] = layout->balloon,
		[PLACE_SEAM] = layout->seam,
		[PLACE_HOLE] = layout->hole,
		[PLACE_ISLAND] = layout->island,
		[PLACE_END] = layout->end,
		[PLACE_RING_1] = (layout->base + VBALLOON_FRONT_RING_BYTES) & ~(layout->page - 1),
	};
	uint64_t gpa =
		places[row->place] + (uint64_t)row->pages * layout->page + (uint64_t)row->bytes;

	return row->units ? gpa | (row->units - 1) : gpa;
}

uint64_t vballoon_place_address(const struct vballoon_trial *trial, uint64_t address)
{
	switch (address) {
	case HOLE:
		return trial->layout.hole;
	case BEFORE_HOLE:
		return trial->layout.hole - 8;
	case BEHIND_MEMORY:
		return trial->layout.end;
	default:
		return address;
	}
}

void vballoon_place_withdraw(struct vballoon_trial *trial)
{
	const struct virtio_memory_balloon_withdraw withdraw = {
		.msg.type = vballoon_le32(VIRTIO_MEMORY_BALLOON_MSG_WITHDRAW)
	};

	memcpy(vballoon_trial_at(trial, SAID), &withdraw, sizeof(withdraw));
}
