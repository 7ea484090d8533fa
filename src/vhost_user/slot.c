/* SPDX-License-Identifier: BSD-3-Clause */
#include "vhost_user/slot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/checked.h"
#include "host/fd_stat.h"
#include "host/memory_file.h"
#include "vhost_user/event.h"
#include <vballoon/device.h>

/* A file that is shorter than it is said to be would answer an access with SIGBUS. */
static const char *file_identify(struct vballoon_slot *slot)
{
	int seals = fcntl(slot->fd, F_GET_SEALS);
	struct stat st;

	if (vballoon_fd_stat(slot->fd, &st))
		return "a memory region whose descriptor is no file";
	if (S_ISREG(st.st_mode) && slot->wire.mmap_offset + slot->wire.size > (uint64_t)st.st_size)
		return "a memory region that is larger than its file";
	slot->may_fault = seals < 0 || !(seals & F_SEAL_SHRINK);
	slot->file_device = st.st_dev;
	slot->file_inode = st.st_ino;
	return NULL;
}

/*
 * Whole host pages of the file, as mmap() of a hugetlb file demands. Memory that
 * the guest never touched is to stay unreserved, and guest memory is neither to
 * be found in a core dump of this process nor to make one huge.
 */
static int file_map(struct vballoon_slot *slot)
{
	uint32_t shift = slot->region.host_page_shift;
	uint64_t start = vballoon_align_down(slot->wire.mmap_offset, shift);
	uint64_t end = vballoon_align_up(slot->wire.mmap_offset + slot->wire.size, shift);
	void *map;

	if (end > SIZE_MAX)
		return -ENOMEM;
	map = mmap(NULL, (size_t)(end - start), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
		   slot->fd, (off_t)start);
	if (map == MAP_FAILED)
		return errno == EACCES || errno == EPERM ? 0 : -errno;
	slot->map = map;
	slot->map_bytes = (size_t)(end - start);
	madvise(map, slot->map_bytes, MADV_DONTDUMP);
	return 0;
}

/*
 * The device deals in whole balloon pages. What a front end sends is not always
 * made of them (the 640 KiB below the video memory of a PC are not, with large
 * pages), so the region is cut down to those that it has.
 */
static void region_trim(struct vballoon_slot *slot, uint32_t page_shift)
{
	uint64_t end = slot->wire.guest_addr + slot->wire.size;
	uint64_t first = vballoon_align_up(slot->wire.guest_addr, page_shift);
	uint64_t last = vballoon_align_down(end, page_shift);
	uint64_t skipped = first - slot->wire.guest_addr;

	if (first >= last)
		return;
	slot->backing.offset = slot->wire.mmap_offset + skipped;
	slot->region.gpa = vballoon_gpa(first);
	slot->region.size = vballoon_bytes(last - first);
}

static void region_probe(struct vballoon_slot *slot)
{
	struct vballoon_backing_kind kind =
		vballoon_backing_probe(slot->fd, slot->backing.offset, slot->region.size);

	slot->backing.fd = slot->fd;
	slot->backing.limited = kind.limited;
	slot->may_fault |= kind.limited;
	slot->region.backing = &slot->backing;
	slot->region.host_page_shift = kind.host_page_shift;
	slot->region.reclaimable = kind.reclaimable;
	slot->probed = kind.reclaimable;
}

/* A memfd, so that the record can outlive the process that keeps it; sealed,
 * because whoever else holds it must not be able to cut it off.
 * Keeps DEV-MEM-9. */
static int page_map_file(struct vballoon_slot *slot, size_t bytes)
{
	int ret;

	slot->page_map_fd = memfd_create("vballoon-page-map", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (slot->page_map_fd < 0)
		return -errno;
	ret = vballoon_memory_file_size(slot->page_map_fd, bytes);
	if (!ret &&
	    fcntl(slot->page_map_fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		ret = -errno;
	return ret;
}

/* One that is there already must be as long as one of its own. */
static int page_map_map(struct vballoon_slot *slot, uint32_t page_shift)
{
	size_t bytes = vballoon_page_map_bytes(slot->region.size, page_shift);
	struct stat st = { .st_size = 0 };
	int ret = slot->page_map_fd < 0 ? page_map_file(slot, bytes) : 0;
	void *map;

	if (ret)
		return ret;
	if (vballoon_fd_stat(slot->page_map_fd, &st) || st.st_size != (off_t)bytes)
		return -EINVAL;
	map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, slot->page_map_fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	slot->region.page_map = map;
	slot->region.page_map_bytes = bytes;
	return 0;
}

static int slot_set_up(struct vballoon_slot *slot, uint32_t page_shift, const char **fault_out)
{
	int ret;

	*fault_out = file_identify(slot);
	if (*fault_out)
		return -EPROTO;
	region_trim(slot, page_shift);
	region_probe(slot);
	ret = file_map(slot);
	if (ret || !slot->map || !slot->region.size.value)
		return ret;
	slot->region.host = (char *)slot->map + (slot->backing.offset -
						 vballoon_align_down(slot->wire.mmap_offset,
								     slot->region.host_page_shift));
	return page_map_map(slot, page_shift);
}

static int slot_make(const struct vhost_user_region *wire, int fd, int page_map_fd,
		     uint32_t page_shift, struct vballoon_slot **slot_out, const char **fault_out)
{
	struct vballoon_slot *slot = calloc(1, sizeof(*slot));
	int ret;

	*fault_out = NULL;
	if (!slot) {
		close(fd);
		vballoon_event_replace(&page_map_fd, -1);
		return -ENOMEM;
	}
	slot->wire = *wire;
	slot->fd = fd;
	slot->page_map_fd = page_map_fd;
	ret = slot_set_up(slot, page_shift, fault_out);
	if (ret) {
		vballoon_slot_free(slot);
		return ret;
	}
	*slot_out = slot;
	return 0;
}

int vballoon_slot_new(const struct vhost_user_region *wire, int fd, uint32_t page_shift,
		      struct vballoon_slot **slot_out, const char **fault_out)
{
	return slot_make(wire, fd, -1, page_shift, slot_out, fault_out);
}

int vballoon_slot_recover(const struct vhost_user_region *wire, int fd, int page_map_fd,
			  uint32_t page_shift, struct vballoon_slot **slot_out)
{
	const char *fault;

	return slot_make(wire, fd, page_map_fd, page_shift, slot_out, &fault);
}

/* Keeps DEV-MEM-5. */
void vballoon_slot_free(struct vballoon_slot *slot)
{
	if (slot->region.page_map)
		munmap(slot->region.page_map, slot->region.page_map_bytes);
	if (slot->page_map_fd >= 0)
		close(slot->page_map_fd);
	if (slot->map)
		munmap(slot->map, slot->map_bytes);
	close(slot->fd);
	free(slot);
}

int vballoon_slot_populate(const struct vballoon_slot *slot, uint64_t offset, uint64_t len)
{
	uint64_t mask = (uint64_t)sysconf(_SC_PAGESIZE) - 1;
	uint64_t before = ((uintptr_t)slot->region.host + offset) & mask;
	char *page = (char *)slot->region.host + offset - before;

	if (!slot->may_fault || !madvise(page, before + len, MADV_POPULATE_WRITE))
		return 0;
	return errno == EINVAL ? 0 : -errno;
}

bool vballoon_slot_is(const struct vballoon_slot *slot, const struct vhost_user_region *wire,
		      int fd)
{
	struct stat st;

	return slot->wire.guest_addr == wire->guest_addr && slot->wire.size == wire->size &&
	       slot->wire.mmap_offset == wire->mmap_offset && !vballoon_fd_stat(fd, &st) &&
	       st.st_dev == slot->file_device && st.st_ino == slot->file_inode;
}
