/* SPDX-License-Identifier: BSD-3-Clause */
#include "front_end/raw_split.h"

#include "base/le.h"
#include "ring/split.h"

void vballoon_raw_split_set_desc(void *table, uint16_t index, const struct vballoon_raw_desc *desc)
{
	struct split_desc *entry = (struct split_desc *)table + index;

	entry->addr = vballoon_le64(desc->addr);
	entry->len = vballoon_le32(desc->len);
	entry->flags = vballoon_le16(desc->flags);
	entry->next = vballoon_le16(desc->next);
}

static uint16_t *field(unsigned char *part, uint32_t offset)
{
	return (uint16_t *)(void *)(part + offset);
}

uint16_t vballoon_raw_split_get(const unsigned char *part, uint32_t offset)
{
	return vballoon_le16(*(const uint16_t *)(const void *)(part + offset));
}

void vballoon_raw_split_set(unsigned char *part, uint32_t offset, uint16_t value)
{
	__atomic_store_n(field(part, offset), vballoon_le16(value), __ATOMIC_RELEASE);
}

void vballoon_raw_split_available(const struct vballoon_raw_split *ring, uint16_t head)
{
	uint16_t idx = vballoon_raw_split_get(ring->avail, SPLIT_IDX);

	vballoon_raw_split_set(ring->avail, split_avail_slot(ring->size, idx), head);
	vballoon_raw_split_set(ring->avail, SPLIT_IDX, (uint16_t)(idx + 1));
}
