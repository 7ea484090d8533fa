/* SPDX-License-Identifier: BSD-3-Clause */
/* Guest memory that comes and goes, also while queues run. */
#include <errno.h>
#include <string.h>

#include "base/checked.h"
#include "device/core.h"

/* The largest host page that makes sense: a region of it cannot exist. */
#define HOST_PAGE_SHIFT_MIN 12
#define HOST_PAGE_SHIFT_MAX 47

static bool is_whole_pages(struct vballoon_bytes size, uint32_t page_shift)
{
	return size.value && vballoon_is_aligned(size.value, page_shift);
}

size_t vballoon_page_map_bytes(struct vballoon_bytes size, uint32_t page_shift)
{
	if (page_shift < VIRTIO_MEMORY_BALLOON_SHIFT_MIN ||
	    page_shift > VIRTIO_MEMORY_BALLOON_SHIFT_MAX || !is_whole_pages(size, page_shift))
		return 0;
	return vballoon_page_map_size(size.value >> page_shift);
}

static bool region_valid(const struct vballoon_region *region, uint32_t page_shift)
{
	size_t bytes = vballoon_page_map_bytes(region->size, page_shift);

	return bytes && vballoon_is_aligned(region->gpa.value, page_shift) &&
	       region->host_page_shift >= HOST_PAGE_SHIFT_MIN &&
	       region->host_page_shift <= HOST_PAGE_SHIFT_MAX &&
	       (unsigned int)region->reclaimable < VBALLOON_RECLAIMABLE_COUNT && region->page_map &&
	       !((uintptr_t)region->page_map % sizeof(uint64_t)) && region->page_map_bytes >= bytes;
}

static unsigned int index_of(const struct vballoon_device *device, struct vballoon_gpa gpa)
{
	const struct vballoon_memory *memory = &device->memory;

	return (unsigned int)(vballoon_memory_find(memory, gpa, vballoon_bytes(1)) -
			      memory->regions);
}

int vballoon_regions_insert(struct vballoon_device *device, const struct vballoon_region *region,
			    bool recover)
{
	uint64_t pages = region->size.value >> device->config.page_shift;
	struct vballoon_summary *summaries = device->summaries;
	uint32_t page_shift = device->config.page_shift;
	struct vballoon_page_map map;
	unsigned int index;
	int error;

	if (!region_valid(region, page_shift))
		return -EINVAL;
	if (recover &&
	    vballoon_page_map_recover(region->page_map, region->page_map_bytes, region->gpa.value,
				      pages, page_shift, region->host_page_shift))
		return -EINVAL;
	device->protocol->leave(device);
	error = vballoon_memory_add(&device->memory, region);
	if (error)
		return error;
	vballoon_drop_leave(device);
	if (!recover)
		vballoon_page_map_init(region->page_map, region->gpa.value, pages, page_shift,
				       region->host_page_shift);
	map = vballoon_page_map_open(region->page_map);
	index = index_of(device, region->gpa);
	memmove(&summaries[index + 1], &summaries[index],
		(device->memory.count - 1 - index) * sizeof(summaries[0]));
	vballoon_summary_init(&summaries[index], map.header->pages, page_shift,
			      vballoon_page_map_host_pages(&map));
	/* Where what lies in it is not known, it is looked for everywhere. */
	if (recover)
		vballoon_summary_added(&summaries[index], 0, pages);
	if (device->withdraw_refused)
		vballoon_requests_resize(device);
	return 0;
}

/* Keeps DEV-MEM-3. */
int vballoon_device_add_region(struct vballoon_device *device, const struct vballoon_region *region)
{
	return vballoon_regions_insert(device, region, false);
}

/* What is cut otherwise goes, and comes back as other memory: its pages are in the balloon to the
 * driver, and nothing else would tell it that they are not any more.
 * Keeps DEV-HELLO-13, DEV-MEM-4, DEV-MEM-5. */
int vballoon_device_remove_region(struct vballoon_device *device, struct vballoon_gpa gpa)
{
	struct vballoon_summary *summaries = device->summaries;
	const struct vballoon_region *region =
		vballoon_memory_find(&device->memory, gpa, vballoon_bytes(1));
	unsigned int index;

	if (!region || region->gpa.value != gpa.value)
		return -ENOENT;
	index = index_of(device, gpa);
	device->protocol->leave(device);
	vballoon_drop_leave(device);
	if (vballoon_page_map_open(region->page_map).header->held_pages)
		device->requests.count_lost = true;
	vballoon_journal_keep(device);
	vballoon_memory_remove(&device->memory, gpa);
	memmove(&summaries[index], &summaries[index + 1],
		(device->memory.count - index) * sizeof(summaries[0]));
	if (device->withdraw_refused)
		vballoon_requests_resize(device);
	return 0;
}

int vballoon_device_set_reclaimable(struct vballoon_device *device, struct vballoon_gpa gpa,
				    enum vballoon_reclaimable reclaimable)
{
	const struct vballoon_region *region =
		vballoon_memory_find(&device->memory, gpa, vballoon_bytes(1));

	if (!region || region->gpa.value != gpa.value)
		return -ENOENT;
	if ((unsigned int)reclaimable >= VBALLOON_RECLAIMABLE_COUNT)
		return -EINVAL;
	vballoon_drop_leave(device);
	device->memory.regions[region - device->memory.regions].reclaimable = reclaimable;
	return 0;
}

uint64_t vballoon_device_memory_pages(const struct vballoon_device *device)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < device->memory.count; i++)
		sum += device->memory.regions[i].size.value >> device->config.page_shift;
	return sum;
}

bool vballoon_regions_extent(const struct vballoon_device *device, unsigned int *next,
			     struct vballoon_saved_extent *extent_out)
{
	const struct vballoon_memory *memory = &device->memory;
	uint64_t end;

	if (*next >= memory->count)
		return false;
	extent_out->gpa = end = memory->regions[*next].gpa.value;
	while (*next < memory->count && memory->regions[*next].gpa.value == end) {
		end += memory->regions[*next].size.value;
		++*next;
	}
	extent_out->pages = (end - extent_out->gpa) >> device->config.page_shift;
	return true;
}
