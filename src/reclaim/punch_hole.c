/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>

#include "base/checked.h"
#include <vballoon/backing.h>

/*
 * A hole that is not of whole host pages frees nothing and zeroes bytes of
 * pages that the guest uses; one past the end of the file succeeds silently.
 * So the range is checked here again, whoever computed it.
 */
static int range_check(const struct vballoon_region *region, const struct vballoon_backing *backing,
		       struct vballoon_bytes offset, struct vballoon_bytes len,
		       off_t *file_offset_out)
{
	uint32_t shift = region->host_page_shift;
	uint64_t end, file_offset, file_end;

	if (!backing || !len.value)
		return -EINVAL;
	if (!vballoon_add(offset.value, len.value, &end) || end > region->size.value)
		return -EINVAL;
	if (!vballoon_add(backing->offset, offset.value, &file_offset) ||
	    !vballoon_add(file_offset, len.value, &file_end) || file_end > INT64_MAX)
		return -EINVAL;
	if (!vballoon_is_aligned(file_offset, shift) || !vballoon_is_aligned(len.value, shift))
		return -EINVAL;
	*file_offset_out = (off_t)file_offset;
	return 0;
}

static int file_allocate(int fd, int mode, off_t offset, off_t len)
{
	int ret;

	do {
		ret = fallocate(fd, mode, offset, len);
	} while (ret < 0 && errno == EINTR);
	return ret < 0 ? -errno : 0;
}

/* Keeps DEV-MEM-8. */
static int punch(const struct vballoon_backing *backing, off_t offset, struct vballoon_bytes len)
{
	return file_allocate(backing->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset,
			     (off_t)len.value);
}

static int punch_hole_drop(void *context, const struct vballoon_region *region,
			   struct vballoon_bytes offset, struct vballoon_bytes len)
{
	const struct vballoon_backing *backing = region->backing;
	off_t file_offset;
	int ret;

	(void)context;
	if (region->reclaimable != VBALLOON_RECLAIMABLE)
		return -EINVAL;
	ret = range_check(region, backing, offset, len, &file_offset);
	return ret ? ret : punch(backing, file_offset, len);
}

/* Also where the region is to be kept by now: what was dropped before has to come back. */
static int punch_hole_restore(void *context, const struct vballoon_region *region,
			      struct vballoon_bytes offset, struct vballoon_bytes len)
{
	const struct vballoon_backing *backing = region->backing;
	off_t file_offset;
	int ret;

	(void)context;
	ret = range_check(region, backing, offset, len, &file_offset);
	if (ret)
		return ret;
	if (!backing->limited)
		return 1;

	ret = file_allocate(backing->fd, FALLOC_FL_KEEP_SIZE, file_offset, (off_t)len.value);
	/* All of the range was dropped, so what was allocated before it failed
	 * is held by nobody: without this it would be lost to the pool. Of one page
	 * that is nothing, and the guest may have it by now. */
	if (ret && len.value >> region->host_page_shift > 1)
		punch(backing, file_offset, len);
	return ret;
}

/* Where memory is limited a page that the guest touches again may find none left, which
 * kills the guest: what is reported stays there. */
static int punch_hole_discard(void *context, const struct vballoon_region *region,
			      struct vballoon_bytes offset, struct vballoon_bytes len)
{
	const struct vballoon_backing *backing = region->backing;

	if (backing && backing->limited)
		return -EOPNOTSUPP;
	return punch_hole_drop(context, region, offset, len);
}

const struct vballoon_reclaim_ops vballoon_reclaim_punch_hole = {
	.drop = punch_hole_drop,
	.restore = punch_hole_restore,
	.discard = punch_hole_discard,
	.zeroes = true, /* a hole does, and so does memory that was allocated in one */
};
