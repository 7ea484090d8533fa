// SPDX-License-Identifier: BSD-3-Clause
#include <stdio.h>
#include <vballoon/abi/memory_balloon.h>

#include "daemon/names.h"

static const char *const features[64] = {
	[VIRTIO_MEMORY_BALLOON_F_PAGE_RUNS] = "page-runs",
	[VIRTIO_MEMORY_BALLOON_F_EXCHANGE] = "exchange",
	[VIRTIO_MEMORY_BALLOON_F_WITHDRAW_REASON] = "withdraw-reason",
	[VIRTIO_MEMORY_BALLOON_F_PUSH_STATS] = "push-stats",
	[VIRTIO_MEMORY_BALLOON_F_REPORTING] = "reporting",
	[VIRTIO_MEMORY_BALLOON_F_ZEROED] = "zeroed",
	/* virtio 1.3, 6 Reserved Feature Bits */
	[28] = "indirect-desc",
	[29] = "event-idx",
	[32] = "version-1",
};

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
	unsigned int bit;
	char text[16];

	for (bit = 0; bit < 64; bit++) {
		if (!(bits >> bit & 1))
			continue;
		snprintf(text, sizeof(text), "bit-%u", bit);
		json_array_append_new(names, json_string(features[bit] ? features[bit] : text));
	}
	return names;
}

const char *vballoon_names_statistic(unsigned int tag)
{
	return statistics[tag];
}
