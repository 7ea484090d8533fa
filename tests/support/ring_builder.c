/* SPDX-License-Identifier: BSD-3-Clause */
#include "ring_builder.h"

#include <string.h>

#include "base/checked.h"
#include "base/le.h"
#include "ring/split.h"

#define PAGE_SHIFT 12

/* The used ring begins on a multiple of 4 (virtio 1.3, 2.7), as do both events of a packed ring. */
#define PART_SHIFT 2

static uint64_t avail_offset(uint16_t size)
{
	return vballoon_align_up(split_desc_bytes(size), PART_SHIFT);
}

static uint64_t used_offset(uint16_t size)
{
	return vballoon_align_up(avail_offset(size) + split_avail_bytes(size), PART_SHIFT);
}

uint64_t ring_builder_bytes(uint16_t size)
{
	return vballoon_align_up(used_offset(size) + split_used_bytes(size), PAGE_SHIFT);
}

void ring_builder_init(struct ring_builder *builder, struct guest_memory *guest, uint64_t gpa,
		       uint16_t size)
{
	memset(builder, 0, sizeof(*builder));
	builder->guest = guest;
	builder->queue.size = size;
	builder->queue.desc = vballoon_gpa(gpa);
	builder->queue.avail = vballoon_gpa(gpa + avail_offset(size));
	builder->queue.used = vballoon_gpa(gpa + used_offset(size));
	memset(guest_memory_at(guest, gpa, ring_builder_bytes(size)), 0, ring_builder_bytes(size));
}

void ring_builder_start_driver(struct ring_builder *builder, struct vballoon_ring_features features)
{
	uint16_t size = (uint16_t)builder->queue.size;
	unsigned char *ring = guest_memory_at(builder->guest, builder->queue.desc.value,
					      ring_builder_bytes(size));

	builder->driver = (struct vballoon_driver_ring){
		.size = size,
		.desc = ring,
		.avail = ring + avail_offset(size),
		.used = ring + used_offset(size),
		.slots = builder->slots,
		.links = builder->links,
		.features = features,
	};
	if (features.packed)
		builder->queue.next = VBALLOON_QUEUE_FIRST_PACKED;
	vballoon_driver_ring_start(&builder->driver);
}

void ring_builder_table_desc(struct ring_builder *builder, uint64_t table, uint16_t index,
			     struct raw_desc desc)
{
	struct split_desc *entry = guest_memory_at(
		builder->guest, table + index * sizeof(struct split_desc), sizeof(*entry));

	entry->addr = vballoon_le64(desc.addr);
	entry->len = vballoon_le32(desc.len);
	entry->flags = vballoon_le16(desc.flags);
	entry->next = vballoon_le16(desc.next);
}

void ring_builder_desc(struct ring_builder *builder, uint16_t index, struct raw_desc desc)
{
	ring_builder_table_desc(builder, builder->queue.desc.value, index, desc);
}

struct raw_desc ring_builder_read_desc(const struct ring_builder *builder, uint64_t table,
				       uint16_t index)
{
	const struct split_desc *entry = guest_memory_at(
		builder->guest, table + index * sizeof(struct split_desc), sizeof(*entry));
	struct raw_desc desc = {
		.addr = vballoon_le64(entry->addr),
		.len = vballoon_le32(entry->len),
		.flags = vballoon_le16(entry->flags),
		.next = vballoon_le16(entry->next),
	};

	return desc;
}

static uint16_t *avail16(const struct ring_builder *builder, uint32_t offset)
{
	return guest_memory_at(builder->guest, builder->queue.avail.value + offset,
			       sizeof(uint16_t));
}

static uint16_t *used16(const struct ring_builder *builder, uint32_t offset)
{
	return guest_memory_at(builder->guest, builder->queue.used.value + offset,
			       sizeof(uint16_t));
}

static struct split_used *element(const struct ring_builder *builder, uint16_t index)
{
	uint32_t offset = split_used_slot(builder->queue.size, index);

	return guest_memory_at(builder->guest, builder->queue.used.value + offset,
			       sizeof(struct split_used));
}

void ring_builder_avail(struct ring_builder *builder, uint16_t head)
{
	uint16_t idx = ring_builder_avail_idx(builder);

	*avail16(builder, split_avail_slot(builder->queue.size, idx)) = vballoon_le16(head);
	ring_builder_set_avail_idx(builder, (uint16_t)(idx + 1));
}

uint16_t ring_builder_avail_idx(const struct ring_builder *builder)
{
	return vballoon_le16(*avail16(builder, SPLIT_IDX));
}

uint16_t ring_builder_avail_head(const struct ring_builder *builder, uint16_t slot)
{
	return vballoon_le16(*avail16(builder, split_avail_slot(builder->queue.size, slot)));
}

uint16_t ring_builder_avail_flags(const struct ring_builder *builder)
{
	return vballoon_le16(*avail16(builder, SPLIT_FLAGS));
}

uint16_t ring_builder_used_event(const struct ring_builder *builder)
{
	return vballoon_le16(*avail16(builder, split_used_event(builder->queue.size)));
}

void ring_builder_set_avail_idx(struct ring_builder *builder, uint16_t idx)
{
	*avail16(builder, SPLIT_IDX) = vballoon_le16(idx);
}

void ring_builder_set_avail_flags(struct ring_builder *builder, uint16_t flags)
{
	*avail16(builder, SPLIT_FLAGS) = vballoon_le16(flags);
}

void ring_builder_set_used_event(struct ring_builder *builder, uint16_t idx)
{
	*avail16(builder, split_used_event(builder->queue.size)) = vballoon_le16(idx);
}

uint16_t ring_builder_used_idx(const struct ring_builder *builder)
{
	return vballoon_le16(*used16(builder, SPLIT_IDX));
}

uint32_t ring_builder_used_id(const struct ring_builder *builder, uint16_t slot)
{
	return vballoon_le32(element(builder, slot)->id);
}

uint32_t ring_builder_used_len(const struct ring_builder *builder, uint16_t slot)
{
	return vballoon_le32(element(builder, slot)->len);
}

uint16_t ring_builder_used_flags(const struct ring_builder *builder)
{
	return vballoon_le16(*used16(builder, SPLIT_FLAGS));
}

uint16_t ring_builder_avail_event(const struct ring_builder *builder)
{
	return vballoon_le16(*used16(builder, split_avail_event(builder->queue.size)));
}

void ring_builder_set_used_idx(struct ring_builder *builder, uint16_t idx)
{
	*used16(builder, SPLIT_IDX) = vballoon_le16(idx);
}

void ring_builder_set_used_flags(struct ring_builder *builder, uint16_t flags)
{
	*used16(builder, SPLIT_FLAGS) = vballoon_le16(flags);
}

void ring_builder_set_avail_event(struct ring_builder *builder, uint16_t idx)
{
	*used16(builder, split_avail_event(builder->queue.size)) = vballoon_le16(idx);
}

void ring_builder_use(struct ring_builder *builder, uint32_t id, uint32_t len)
{
	uint16_t idx = ring_builder_used_idx(builder);
	struct split_used *used = element(builder, idx);

	used->id = vballoon_le32(id);
	used->len = vballoon_le32(len);
	ring_builder_set_used_idx(builder, (uint16_t)(idx + 1));
}
