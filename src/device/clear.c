// SPDX-License-Identifier: BSD-3-Clause
/*
 * Zeros: with F_ZEROED, what the driver gets reads as zeros.
 *
 * What was dropped does, by the host's promise (struct vballoon_reclaim_ops.zeroes);
 * what was not is cleared by writing, so that it works for memory of every kind, and
 * stays populated. In either case the contents have changed without the guest writing
 * them, which a dirty log has to hear.
 */
#include "base/checked.h"
#include "device/core.h"

/* What is cleared between two looks at how much this run may still do. */
#define CLEAR_BYTES_MAX (UINT64_C(1) << 20)

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t vballoon_host_page_end(const struct vballoon_device *device, uint64_t gpa)
{
	const struct vballoon_region *region =
		vballoon_memory_find(&device->memory, vballoon_gpa(gpa), vballoon_bytes(1));
	uint64_t base = region->gpa.value;

	return base + vballoon_align_up(gpa - base + 1, region->host_page_shift);
}

/* One host page without memory does not keep its neighbours from being cleared. */
enum vballoon_progress vballoon_clear(struct vballoon_device *device, uint64_t *at, uint64_t end)
{
	struct vballoon_work *work = &device->work;
	bool by_page = false;

	while (*at < end) {
		uint64_t page_end = vballoon_host_page_end(device, *at);
		uint64_t most = by_page ? page_end - *at : CLEAR_BYTES_MAX;
		uint64_t len = least(least(end - *at, most), work->bytes_left);

		if (!len)
			return VBALLOON_UNFINISHED;
		if (!vballoon_memory_clear(&device->memory, vballoon_gpa(*at), (size_t)len)) {
			*at += len;
			work->bytes_left -= len;
			continue;
		}
		vballoon_work_charge(work, 0);
		if (*at + len <= page_end)
			return VBALLOON_FAILED;
		by_page = true;
	}
	return VBALLOON_DONE;
}
