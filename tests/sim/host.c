// SPDX-License-Identifier: BSD-3-Clause
#include "host.h"

#include <errno.h>
#include <string.h>

/* What a guest reads where its memory was dropped: nothing that it ever wrote. */
#define RUBBISH 0xdb
#define SPOILED_BYTES 4096

/* Spoil [@first, @end) of a region: of large pages only what anybody looks at. */
static void spoil(uint8_t *region, uint64_t first, uint64_t end, uint64_t page)
{
	if (page > SPOILED_BYTES)
		for (; first + page <= end; first += page) {
			memset(region + first, RUBBISH, SPOILED_BYTES);
			memset(region + first + page - SPOILED_BYTES, RUBBISH, SPOILED_BYTES);
		}
	memset(region + first, RUBBISH, end - first);
}

int host_drop(struct host *host, const struct vballoon_region *region, struct vballoon_bytes offset,
	      struct vballoon_bytes len)
{
	uint64_t spoiled = len.value;

	trace_event(host->trace, "drop", region->gpa.value + offset.value, len.value);
	oracle_drop(host->oracle, region, offset.value, len.value);
	if (host->trace->failed)
		return -EIO;
	host->drops++;
	if (rng_chance(host->rng, host->drop_failures)) {
		host->drops_failed++;
		return -EAGAIN;
	}
	if (host->mutant == MUTANT_HOST_DROPS_ONE_MORE &&
	    offset.value + spoiled < region->size.value)
		spoiled++;
	spoil(region->host, offset.value, offset.value + spoiled,
	      machine_page_bytes(host->oracle->machine));
	oracle_dropped(host->oracle, region, offset.value, len.value, true);
	return 0;
}

int host_restore(struct host *host, const struct vballoon_region *region,
		 struct vballoon_bytes offset, struct vballoon_bytes len)
{
	uint64_t host_page = UINT64_C(1) << region->host_page_shift;

	trace_event(host->trace, "restore", region->gpa.value + offset.value, len.value);
	if (!len.value || offset.value % host_page || len.value % host_page ||
	    offset.value + len.value > region->size.value)
		trace_fail(host->trace, "restored what is not whole host pages of the region");
	host->restores++;
	if (rng_chance(host->rng, host->restore_failures)) {
		host->restores_failed++;
		return -ENOSPC;
	}
	oracle_dropped(host->oracle, region, offset.value, len.value, false);
	return 0;
}
