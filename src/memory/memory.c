/* SPDX-License-Identifier: BSD-3-Clause */
#include <vballoon/memory.h>

#include <errno.h>
#include <string.h>

#include "base/checked.h"
#include "base/le.h"

/* The first byte after a region. It does not wrap: vballoon_memory_add() saw to it. */
static uint64_t region_end(const struct vballoon_region *region)
{
	return region->gpa.value + region->size.value;
}

/* How many regions end at or before @gpa: the index of the first that could hold it. */
static unsigned int regions_below(const struct vballoon_memory *memory, struct vballoon_gpa gpa)
{
	unsigned int low = 0, high = memory->count;

	while (low < high) {
		unsigned int middle = low + (high - low) / 2;

		if (region_end(&memory->regions[middle]) <= gpa.value)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The region that holds the byte at @gpa, or NULL. */
static const struct vballoon_region *region_at(const struct vballoon_memory *memory,
					       struct vballoon_gpa gpa)
{
	unsigned int index = regions_below(memory, gpa);

	if (index == memory->count || memory->regions[index].gpa.value > gpa.value)
		return NULL;
	return &memory->regions[index];
}

/* The bytes from @gpa to the end of the region that holds it. */
static uint64_t bytes_from(const struct vballoon_region *region, struct vballoon_gpa gpa)
{
	return region_end(region) - gpa.value;
}

static unsigned char *host_at(const struct vballoon_region *region, struct vballoon_gpa gpa)
{
	return (unsigned char *)region->host + (gpa.value - region->gpa.value);
}

int vballoon_memory_add(struct vballoon_memory *memory, const struct vballoon_region *region)
{
	unsigned int index;
	uint64_t end;

	if (!region->size.value || !vballoon_add(region->gpa.value, region->size.value, &end))
		return -EINVAL;
	index = regions_below(memory, region->gpa);
	if (index < memory->count && memory->regions[index].gpa.value < end)
		return -EEXIST;
	if (memory->count == VBALLOON_MEMORY_REGIONS_MAX)
		return -ENOSPC;
	memmove(&memory->regions[index + 1], &memory->regions[index],
		(memory->count - index) * sizeof(*region));
	memory->regions[index] = *region;
	memory->count++;
	return 0;
}

int vballoon_memory_remove(struct vballoon_memory *memory, struct vballoon_gpa gpa)
{
	unsigned int index = regions_below(memory, gpa);

	if (index == memory->count || memory->regions[index].gpa.value != gpa.value)
		return -ENOENT;
	memory->count--;
	memmove(&memory->regions[index], &memory->regions[index + 1],
		(memory->count - index) * sizeof(memory->regions[0]));
	return 0;
}

const struct vballoon_region *vballoon_memory_find(const struct vballoon_memory *memory,
						   struct vballoon_gpa gpa,
						   struct vballoon_bytes len)
{
	const struct vballoon_region *region = region_at(memory, gpa);

	if (!region || !len.value || len.value > bytes_from(region, gpa))
		return NULL;
	return region;
}

bool vballoon_memory_covers(const struct vballoon_memory *memory, struct vballoon_gpa gpa,
			    struct vballoon_bytes len)
{
	const struct vballoon_region *region = region_at(memory, gpa);
	const struct vballoon_region *end = &memory->regions[memory->count];

	if (!region || !len.value)
		return false;
	/* No region reaches past 2^64, so a range that wraps runs out of regions here. */
	while (len.value > bytes_from(region, gpa)) {
		len.value -= bytes_from(region, gpa);
		gpa.value = region_end(region);
		if (++region == end || region->gpa.value != gpa.value)
			return false;
	}
	return true;
}

bool vballoon_memory_is_current(const struct vballoon_memory *memory)
{
	return !memory->hooks || !memory->hooks->is_current ||
	       memory->hooks->is_current(memory->hooks_context);
}

static int before_read(const struct vballoon_memory *memory, struct vballoon_gpa gpa, size_t len)
{
	if (!memory->hooks || !memory->hooks->before_read)
		return 0;
	return memory->hooks->before_read(memory->hooks_context, gpa, len);
}

static int before_write(const struct vballoon_memory *memory, struct vballoon_gpa gpa, size_t len)
{
	if (!memory->hooks || !memory->hooks->before_write)
		return 0;
	return memory->hooks->before_write(memory->hooks_context, gpa, len);
}

void vballoon_memory_changed(const struct vballoon_memory *memory, struct vballoon_gpa gpa,
			     size_t len)
{
	if (memory->hooks && memory->hooks->after_write)
		memory->hooks->after_write(memory->hooks_context, gpa, len);
}

/* How many of @len bytes at @gpa lie together in the host, and where. The range was covered. */
static size_t contiguous(const struct vballoon_memory *memory, struct vballoon_gpa gpa, size_t len,
			 unsigned char **host_out)
{
	const struct vballoon_region *region = region_at(memory, gpa);
	uint64_t rest = bytes_from(region, gpa);

	*host_out = host_at(region, gpa);
	return rest < len ? (size_t)rest : len;
}

int vballoon_memory_read(const struct vballoon_memory *memory, struct vballoon_gpa gpa, void *to,
			 size_t len)
{
	unsigned char *private = to;
	int error;

	if (!len)
		return 0;
	if (!vballoon_memory_covers(memory, gpa, vballoon_bytes(len)))
		return -EFAULT;
	error = before_read(memory, gpa, len);
	if (error)
		return error;
	while (len) {
		unsigned char *host;
		size_t piece = contiguous(memory, gpa, len, &host);

		memcpy(private, host, piece);
		private += piece;
		gpa.value += piece;
		len -= piece;
	}
	/* The copy is what was read: the compiler may not go back to guest memory for it. */
	__asm__ volatile("" ::: "memory");
	return 0;
}

/* Write @len bytes from @private, or zeros when it is NULL. */
static int write_bytes(const struct vballoon_memory *memory, struct vballoon_gpa gpa,
		       const unsigned char *private, size_t len)
{
	struct vballoon_gpa at = gpa;
	size_t left = len;
	int error;

	if (!len)
		return 0;
	if (!vballoon_memory_covers(memory, gpa, vballoon_bytes(len)))
		return -EFAULT;
	error = before_write(memory, gpa, len);
	if (error)
		return error;
	while (left) {
		unsigned char *host;
		size_t piece = contiguous(memory, at, left, &host);

		if (private) {
			memcpy(host, private, piece);
			private += piece;
		} else {
			memset(host, 0, piece);
		}
		at.value += piece;
		left -= piece;
	}
	vballoon_memory_changed(memory, gpa, len);
	return 0;
}

int vballoon_memory_write(const struct vballoon_memory *memory, struct vballoon_gpa gpa,
			  const void *from, size_t len)
{
	return write_bytes(memory, gpa, from, len);
}

int vballoon_memory_clear(const struct vballoon_memory *memory, struct vballoon_gpa gpa, size_t len)
{
	return write_bytes(memory, gpa, NULL, len);
}

/* The aligned 2^@shift bytes at @gpa in the host, or NULL. What is aligned in the guest lies in
 * one region, because regions begin and end on a balloon page. */
static void *aligned_at(const struct vballoon_memory *memory, struct vballoon_gpa gpa,
			uint32_t shift)
{
	struct vballoon_bytes len = vballoon_bytes(UINT64_C(1) << shift);
	const struct vballoon_region *region = vballoon_memory_find(memory, gpa, len);

	if (!region || !vballoon_is_aligned(gpa.value, shift))
		return NULL;
	return host_at(region, gpa);
}

static uint16_t *index_at(const struct vballoon_memory *memory, struct vballoon_gpa gpa)
{
	return aligned_at(memory, gpa, 1);
}

int vballoon_memory_load16(const struct vballoon_memory *memory, struct vballoon_gpa gpa,
			   uint16_t *value_out)
{
	const uint16_t *index = index_at(memory, gpa);
	int error;

	if (!index)
		return -EFAULT;
	error = before_read(memory, gpa, sizeof(*index));
	if (error)
		return error;
	*value_out = vballoon_le16(__atomic_load_n(index, __ATOMIC_ACQUIRE));
	return 0;
}

int vballoon_memory_store16(const struct vballoon_memory *memory, struct vballoon_gpa gpa,
			    uint16_t value)
{
	uint16_t *index = index_at(memory, gpa);
	int error;

	if (!index)
		return -EFAULT;
	error = before_write(memory, gpa, sizeof(*index));
	if (error)
		return error;
	__atomic_store_n(index, vballoon_le16(value), __ATOMIC_RELEASE);
	vballoon_memory_changed(memory, gpa, sizeof(*index));
	return 0;
}

int vballoon_memory_store64(const struct vballoon_memory *memory, struct vballoon_gpa gpa,
			    uint64_t value)
{
	uint64_t *at = aligned_at(memory, gpa, 3);
	int error;

	if (!at)
		return -EFAULT;
	error = before_write(memory, gpa, sizeof(*at));
	if (error)
		return error;
	__atomic_store_n(at, vballoon_le64(value), __ATOMIC_RELEASE);
	vballoon_memory_changed(memory, gpa, sizeof(*at));
	return 0;
}
