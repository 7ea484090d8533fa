// SPDX-License-Identifier: BSD-3-Clause
#include "daemon/names.h"

#define OWN(tag) ((tag)-VIRTIO_MEMORY_BALLOON_S_OWN_FIRST + VIRTIO_MEMORY_BALLOON_S_COUNT)

static const char *const statistics[VBALLOON_NAMES_STATISTICS] = {
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
	[OWN(VIRTIO_MEMORY_BALLOON_S_REFAULT_ANON)] = "anonymous-refaults",
	[OWN(VIRTIO_MEMORY_BALLOON_S_REFAULT_FILE)] = "file-refaults",
	[OWN(VIRTIO_MEMORY_BALLOON_S_COMPACT_STALL)] = "compaction-stalls",
	[OWN(VIRTIO_MEMORY_BALLOON_S_COMPACT_FAIL)] = "compaction-failures",
	[OWN(VIRTIO_MEMORY_BALLOON_S_PSI_SOME)] = "psi-some-us",
	[OWN(VIRTIO_MEMORY_BALLOON_S_PSI_FULL)] = "psi-full-us",
};

const char *vballoon_names_statistic(unsigned int place)
{
	return statistics[place];
}
