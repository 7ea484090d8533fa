// SPDX-License-Identifier: BSD-3-Clause
#include "host.h"

#include <errno.h>
#include <string.h>

/* What a guest reads where its memory was dropped, unless zeros are promised: nothing that
 * it ever wrote. */
#define RUBBISH 0xdb
#define SPOILED_BYTES 4096

/* Spoil [@first, @end) of a region: of large pages only what anybody looks at. */
static void spoil(const struct host *host, uint8_t *region, uint64_t first, uint64_t end)
{
	uint64_t page = machine_page_bytes(host->oracle->machine);
	int what = host->zeroes ? 0 : RUBBISH;

	while (first < end) {
		bool whole = first % page == 0 && end - first >= page;
		uint64_t len = whole ? page : end - first;

		if (!whole && len > SPOILED_BYTES)
			len = SPOILED_BYTES;
		if (len <= 2 * SPOILED_BYTES) {
			memset(region + first, what, len);
		} else {
			memset(region + first, what, SPOILED_BYTES);
			memset(region + first + len - SPOILED_BYTES, what, SPOILED_BYTES);
		}
		first += len;
	}
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
	spoil(host, region->host, offset.value, offset.value + spoiled);
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

int host_discard(struct host *host, const struct vballoon_region *region,
		 struct vballoon_bytes offset, struct vballoon_bytes len)
{
	trace_event(host->trace, "discard", region->gpa.value + offset.value, len.value);
	oracle_discard(host->oracle, region, offset.value, len.value);
	if (host->trace->failed)
		return -EIO;
	if (host->limited || rng_chance(host->rng, host->drop_failures))
		return -EOPNOTSUPP;
	host->discards++;
	spoil(host, region->host, offset.value, offset.value + len.value);
	return 0;
}
