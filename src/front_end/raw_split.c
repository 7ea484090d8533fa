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

struct vballoon_raw_desc vballoon_raw_split_desc(const void *table, uint16_t index)
{
	const struct split_desc *entry = (const struct split_desc *)table + index;

	return (struct vballoon_raw_desc){
		.addr = vballoon_le64(entry->addr),
		.len = vballoon_le32(entry->len),
		.flags = vballoon_le16(entry->flags),
		.next = vballoon_le16(entry->next),
	};
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

void vballoon_raw_split_use(const struct vballoon_raw_split *ring, uint32_t id, uint32_t len)
{
	uint16_t idx = vballoon_raw_split_get(ring->used, SPLIT_IDX);
	struct split_used *used =
		(struct split_used *)(void *)(ring->used + split_used_slot(ring->size, idx));

	used->id = vballoon_le32(id);
	used->len = vballoon_le32(len);
	vballoon_raw_split_set(ring->used, SPLIT_IDX, (uint16_t)(idx + 1));
}
