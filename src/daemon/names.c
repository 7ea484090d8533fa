// SPDX-License-Identifier: BSD-3-Clause
#include <stdio.h>
#include <vballoon/abi/memory_balloon.h>

#include "control/feature_names.h"
#include "daemon/names.h"

static const char *const statistics[VIRTIO_MEMORY_BALLOON_S_COUNT] = {
	[VIRTIO_MEMORY_BALLOON_S_SWAP_IN] = "swap-in",
	[VIRTIO_MEMORY_BALLOON_S_SWAP_OUT] = "swap-out",
	[VIRTIO_MEMORY_BALLOON_S_MAJFLT] = "major-faults",
	[VIRTIO_MEMORY_BALLOON_S_MINFLT] = "minor-faults",
	[VIRTIO_MEMORY_BALLOON_S_MEMFREE] = "mem-free",
	[VIRTIO_MEMORY_BALLOON_S_MEMTOT] = "mem-total",
	[VIRTIO_MEMORY_BALLOON_S_AVAIL] = "mem-available",
	[VIRTIO_MEMORY_BALLOON_S_CACHES] = "caches",
	[VIRTIO_MEMORY_BALLOON_S_HTLB_PGALLOC] = "hugetlb-allocations",
	[VIRTIO_MEMORY_BALLOON_S_HTLB_PGFAIL] = "hugetlb-failures",
	[VIRTIO_MEMORY_BALLOON_S_OOM_KILL] = "oom-kills",
	[VIRTIO_MEMORY_BALLOON_S_ALLOC_STALL] = "allocation-stalls",
	[VIRTIO_MEMORY_BALLOON_S_ASYNC_SCAN] = "async-scanned",
	[VIRTIO_MEMORY_BALLOON_S_DIRECT_SCAN] = "direct-scanned",
	[VIRTIO_MEMORY_BALLOON_S_ASYNC_RECLAIM] = "async-reclaimed",
	[VIRTIO_MEMORY_BALLOON_S_DIRECT_RECLAIM] = "direct-reclaimed",
};

json_t *vballoon_names_of_features(uint64_t bits)
{
	json_t *names = json_array();
	const char *name;
	unsigned int bit;
	char text[16];

	for (bit = 0; bit < 64; bit++) {
		if (!(bits >> bit & 1))
			continue;
		snprintf(text, sizeof(text), "bit-%u", bit);
		name = vballoon_feature_name(bit);
		json_array_append_new(names, json_string(name ? name : text));
	}
	return names;
}

const char *vballoon_names_statistic(unsigned int tag)
{
	return statistics[tag];
}
