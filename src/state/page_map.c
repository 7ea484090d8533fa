/* SPDX-License-Identifier: BSD-3-Clause */
#include "state/page_map.h"

#include <errno.h>
#include <string.h>

#include "base/checked.h"

_Static_assert(sizeof(struct vballoon_page_map_header) == 64, "the header is part of the format");

size_t vballoon_page_map_size(uint64_t pages)
{
	uint64_t words = vballoon_bitmap_words(pages);
	uint64_t bytes;

	if (!pages || !vballoon_mul(words, 2 * sizeof(uint64_t), &bytes) ||
	    !vballoon_add(bytes, sizeof(struct vballoon_page_map_header), &bytes) ||
	    bytes > SIZE_MAX)
		return 0;
	return (size_t)bytes;
}

void vballoon_page_map_init(void *memory, uint64_t gpa, uint64_t pages, uint32_t page_shift,
			    uint32_t host_page_shift)
{
	struct vballoon_page_map_header *header = memory;

	memset(memory, 0, vballoon_page_map_size(pages));
	header->version = VBALLOON_PAGE_MAP_VERSION;
	header->page_shift = page_shift;
	header->gpa = gpa;
	header->pages = pages;
	header->host_page_shift = host_page_shift;
	header->magic = VBALLOON_PAGE_MAP_MAGIC;
}

struct vballoon_page_map vballoon_page_map_open(void *memory)
{
	struct vballoon_page_map_header *header = memory;
	struct vballoon_page_map map = { .header = header, .held = (uint64_t *)(header + 1) };

	map.dropped = map.held + vballoon_bitmap_words(header->pages);
	return map;
}

static bool is_map_of(const struct vballoon_page_map_header *header, uint64_t gpa, uint64_t pages,
		      uint32_t page_shift, uint32_t host_page_shift)
{
	return header->magic == VBALLOON_PAGE_MAP_MAGIC &&
	       header->version == VBALLOON_PAGE_MAP_VERSION && header->page_shift == page_shift &&
	       header->gpa == gpa && header->pages == pages &&
	       header->host_page_shift == host_page_shift;
}

/* Keeps DEV-STATE-9. */
int vballoon_page_map_recover(void *memory, size_t bytes, uint64_t gpa, uint64_t pages,
			      uint32_t page_shift, uint32_t host_page_shift)
{
	size_t size = vballoon_page_map_size(pages);
	struct vballoon_page_map map;

	if (!size || bytes < size || !is_map_of(memory, gpa, pages, page_shift, host_page_shift))
		return -EINVAL;
	map = vballoon_page_map_open(memory);
	if (pages % VBALLOON_BITMAP_WORD_BITS)
		map.held[pages / VBALLOON_BITMAP_WORD_BITS] &=
			(UINT64_C(1) << pages % VBALLOON_BITMAP_WORD_BITS) - 1;
	for (uint64_t word = 0; word < vballoon_bitmap_words(pages); word++)
		map.dropped[word] &= map.held[word];
	map.header->held_pages = vballoon_bitmap_count(map.held, 0, pages);
	map.header->dropped_pages = vballoon_bitmap_count(map.dropped, 0, pages);
	return 0;
}

uint64_t vballoon_page_map_host_pages(const struct vballoon_page_map *map)
{
	const struct vballoon_page_map_header *header = map->header;

	if (header->host_page_shift <= header->page_shift)
		return 1;
	return UINT64_C(1) << (header->host_page_shift - header->page_shift);
}

uint64_t vballoon_page_map_hold(const struct vballoon_page_map *map, uint64_t first, uint64_t count)
{
	uint64_t fresh = count - vballoon_bitmap_count(map->held, first, count);

	vballoon_bitmap_set(map->held, first, count);
	map->header->held_pages += fresh;
	return fresh;
}

void vballoon_page_map_release(const struct vballoon_page_map *map, uint64_t first, uint64_t count)
{
	map->header->held_pages -= vballoon_bitmap_count(map->held, first, count);
	vballoon_bitmap_clear(map->held, first, count);
}

void vballoon_page_map_drop(const struct vballoon_page_map *map, uint64_t first, uint64_t count)
{
	map->header->dropped_pages += count - vballoon_bitmap_count(map->dropped, first, count);
	vballoon_bitmap_set(map->dropped, first, count);
}

static void clear_dropped(const struct vballoon_page_map *map, uint64_t first, uint64_t count)
{
	map->header->dropped_pages -= vballoon_bitmap_count(map->dropped, first, count);
	vballoon_bitmap_clear(map->dropped, first, count);
}

void vballoon_page_map_undrop(const struct vballoon_page_map *map, uint64_t first, uint64_t count)
{
	uint64_t mask = vballoon_page_map_host_pages(map) - 1;
	uint64_t begin = first & ~mask;
	uint64_t end = (first + count + mask) & ~mask;

	if (end > map->header->pages)
		end = map->header->pages;
	clear_dropped(map, begin, end - begin);
}

void vballoon_page_map_clear(const struct vballoon_page_map *map, uint64_t first, uint64_t count)
{
	vballoon_page_map_release(map, first, count);
	clear_dropped(map, first, count);
}
