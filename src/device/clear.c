// SPDX-License-Identifier: BSD-3-Clause
/*
 * Zeros: with F_ZEROED, what the driver gets reads as zeros.
 *
 * What was dropped does, by the host's promise (struct vballoon_reclaim_ops.zeroes);
 * what was not is cleared by writing, so that it works for memory of every kind, and
 * stays populated. In either case the contents have changed without the guest writing
 * them, which a dirty log has to hear.
 */
#include "device/core.h"

/* What is cleared between two looks at how much this run may still do. */
#define CLEAR_BYTES_MAX (UINT64_C(1) << 20)

static bool has_loose(const struct vballoon_piece *piece)
{
	uint64_t end = piece->first + piece->count;

	return vballoon_bits_next(vballoon_page_map_loose(&piece->map), piece->first, end) < end;
}

bool vballoon_clear_is_due(struct vballoon_device *device, uint64_t gpa, uint64_t pages)
{
	struct vballoon_piece piece;

	if (!vballoon_device_has(device, VBALLOON_F(ZEROED)))
		return false;
	while (vballoon_held_piece(device, &gpa, &pages, &piece)) {
		if (has_loose(&piece))
			return true;
	}
	return false;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

enum vballoon_progress vballoon_clear(struct vballoon_device *device, uint64_t *at, uint64_t end)
{
	while (*at < end) {
		uint64_t len = least(least(end - *at, CLEAR_BYTES_MAX), device->work.bytes_left);

		if (!len)
			return VBALLOON_UNFINISHED;
		if (vballoon_memory_clear(&device->memory, vballoon_gpa(*at), (size_t)len))
			return VBALLOON_FAILED;
		*at += len;
		device->work.bytes_left -= len;
	}
	return VBALLOON_DONE;
}

void vballoon_clear_was_dropped(struct vballoon_device *device, uint64_t gpa, uint64_t pages)
{
	if (vballoon_device_has(device, VBALLOON_F(ZEROED)))
		vballoon_memory_changed(&device->memory, vballoon_gpa(gpa),
					(size_t)(pages << device->config.page_shift));
}
