/* SPDX-License-Identifier: BSD-3-Clause */
#include "vhost_user/codec.h"

#include <stdbool.h>
#include <string.h>

#include "base/checked.h"

#define PAGE_SHIFT 12 /* regions are mapped: nothing smaller is mappable anywhere */

const char *vballoon_codec_check_header(const struct vhost_user_header *header)
{
	if ((header->flags & VHOST_USER_VERSION_MASK) != VHOST_USER_VERSION)
		return "a message of another protocol version";
	if (header->flags & VHOST_USER_REPLY)
		return "a reply to a question that was not asked";
	if (header->size > VBALLOON_PAYLOAD_MAX)
		return "a message that is too long";
	return NULL;
}

const char *vballoon_codec_check_region(const struct vhost_user_region *region)
{
	uint64_t end;

	if (!region->size)
		return "an empty memory region";
	/* The headroom is for whoever rounds an end up to a page. */
	if (!vballoon_add(region->user_addr, region->size, &end) ||
	    !vballoon_add(region->guest_addr, region->size, &end) || end > INT64_MAX ||
	    !vballoon_add(region->mmap_offset, region->size, &end) || end > INT64_MAX)
		return "a memory region that wraps around";
	if (!vballoon_is_aligned(region->mmap_offset ^ region->guest_addr, PAGE_SHIFT))
		return "a memory region whose pages are not those of its file";
	return NULL;
}

static bool regions_overlap(const struct vhost_user_region *a, const struct vhost_user_region *b)
{
	return a->guest_addr < b->guest_addr + b->size && b->guest_addr < a->guest_addr + a->size;
}

const char *vballoon_codec_mem_table(const void *payload, size_t size,
				     struct vhost_user_region regions[VHOST_USER_FDS_MAX],
				     unsigned int *count_out)
{
	struct vhost_user_mem_table table;

	if (size < sizeof(table))
		return "a memory table without its head";
	memcpy(&table, payload, sizeof(table));
	if (table.count > VHOST_USER_FDS_MAX)
		return "a memory table with too many regions";
	if (size - sizeof(table) < table.count * sizeof(*regions))
		return "a memory table that is cut off";
	memcpy(regions, (const char *)payload + sizeof(table), table.count * sizeof(*regions));

	for (unsigned int i = 0; i < table.count; i++) {
		const char *fault = vballoon_codec_check_region(&regions[i]);

		if (fault)
			return fault;
		for (unsigned int j = 0; j < i; j++) {
			if (regions_overlap(&regions[i], &regions[j]))
				return "memory regions that overlap";
		}
	}
	*count_out = table.count;
	return NULL;
}
