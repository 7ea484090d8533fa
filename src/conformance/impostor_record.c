/* SPDX-License-Identifier: BSD-3-Clause */
/* What the impostor knows of the guest's pages, and of the message under work. */
#include "conformance/impostor_record.h"

#include <string.h>

#include "base/bitmap.h"
#include "base/le.h"

#define F(name) (UINT64_C(1) << VIRTIO_MEMORY_BALLOON_F_##name)

struct vballoon_entry_format vballoon_impostor_format(const struct vballoon_impostor *impostor)
{
	return (struct vballoon_entry_format){
		.page_shift = vballoon_le32(impostor->config.page_shift),
		.unit_shift = impostor->unit_shift,
		.runs = impostor->features & F(PAGE_RUNS),
	};
}

static struct vballoon_impostor_region *region_of(struct vballoon_impostor *impostor, uint64_t gpa)
{
	for (unsigned int i = 0; i < impostor->region_count; i++) {
		const struct vhost_user_region *wire = &impostor->regions[i].wire;

		if (gpa >= wire->guest_addr && gpa - wire->guest_addr < wire->size)
			return &impostor->regions[i];
	}
	return NULL;
}

bool vballoon_impostor_mark(struct vballoon_impostor *impostor, uint64_t gpa, bool held)
{
	struct vballoon_impostor_region *region = region_of(impostor, gpa);
	uint64_t page;

	if (!region)
		return false;
	page = (gpa - region->wire.guest_addr) >> vballoon_le32(impostor->config.page_shift);
	if (vballoon_bitmap_all(region->held, page, 1) == held)
		return false;
	if (held)
		vballoon_bitmap_set(region->held, page, 1);
	else
		vballoon_bitmap_clear(region->held, page, 1);
	impostor->held += held ? 1 : UINT64_MAX;
	return true;
}

void vballoon_impostor_empty(struct vballoon_impostor *impostor)
{
	for (unsigned int i = 0; i < impostor->region_count; i++)
		vballoon_bitmap_clear(impostor->regions[i].held, 0, impostor->regions[i].pages);
	impostor->held = 0;
}

static uint64_t page_of(const struct vballoon_impostor *impostor, bool held, uint64_t from)
{
	uint32_t page_shift = vballoon_le32(impostor->config.page_shift);

	for (unsigned int i = 0; i < impostor->region_count; i++) {
		const struct vballoon_impostor_region *region = &impostor->regions[i];
		struct vballoon_bits bits = { .set = region->held };
		uint64_t page = held ? vballoon_bits_next(bits, from, region->pages)
				     : vballoon_bits_next_missing(bits, from, region->pages);

		if (page < region->pages)
			return region->wire.guest_addr + (page << page_shift);
	}
	return 0;
}

uint64_t vballoon_impostor_held_page(const struct vballoon_impostor *impostor)
{
	return page_of(impostor, true, 0);
}

uint64_t vballoon_impostor_free_page(const struct vballoon_impostor *impostor)
{
	return page_of(impostor, false, 8);
}

uint64_t vballoon_impostor_read_word(struct vballoon_impostor *impostor)
{
	uint64_t word = 0;

	(void)vballoon_chain_read(&impostor->memory, &impostor->chain, &word, sizeof(word));
	return vballoon_le64(word);
}

uint64_t vballoon_impostor_rest(const struct vballoon_impostor *impostor)
{
	return impostor->chain.readable_len - impostor->chain.read_done;
}

bool vballoon_impostor_any_held(struct vballoon_impostor *impostor, uint64_t gpa, uint64_t bytes,
				bool held)
{
	uint32_t page_shift = vballoon_le32(impostor->config.page_shift);

	for (uint64_t at = gpa; at < gpa + bytes; at += UINT64_C(1) << page_shift) {
		const struct vballoon_impostor_region *region = region_of(impostor, at);
		uint64_t page = region ? (at - region->wire.guest_addr) >> page_shift : 0;

		if (region && vballoon_bitmap_all(region->held, page, 1) == held)
			return true;
	}
	return false;
}

void vballoon_impostor_fill(struct vballoon_impostor *impostor, uint64_t gpa, uint64_t bytes,
			    uint8_t what)
{
	uint32_t page_shift = vballoon_le32(impostor->config.page_shift);
	size_t page = (size_t)1 << page_shift;

	for (uint64_t at = gpa; at < gpa + bytes; at += page) {
		const struct vballoon_impostor_region *region = region_of(impostor, at);

		if (region)
			memset((char *)region->map + region->wire.mmap_offset +
				       (at - region->wire.guest_addr),
			       what, page);
	}
}

void vballoon_impostor_hand_back(struct vballoon_impostor *impostor, uint64_t gpa, uint64_t bytes)
{
	uint32_t page_shift = vballoon_le32(impostor->config.page_shift);

	for (uint64_t at = gpa; at < gpa + bytes; at += UINT64_C(1) << page_shift)
		vballoon_impostor_mark(impostor, at, false);
	if (impostor->features & F(ZEROED))
		vballoon_impostor_fill(impostor, gpa, bytes, 0);
}
