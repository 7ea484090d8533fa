/* SPDX-License-Identifier: BSD-3-Clause */
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/checked.h"
#include "host/fd_stat.h"
#include <vballoon/backing.h>

#define SEALED_AGAINST_WRITING (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)

static uint32_t page_shift_of(uint64_t bytes)
{
	return (uint32_t)__builtin_ctzll(bytes);
}

/* The two kinds of file that are memory and nothing else. */
static enum vballoon_reclaimable file_system_probe(int fd, struct vballoon_backing_kind *kind)
{
	struct statfs fs;
	uint64_t block;

	if (fstatfs(fd, &fs))
		return VBALLOON_KEEP_UNKNOWN;
	switch ((unsigned long)fs.f_type) {
	case TMPFS_MAGIC:
		/* A huge page of shmem is split by the kernel when a part of it is
		 * punched, so small pages are what can be dropped. The kernel's own
		 * mount, of memfds, has no limit and reports none. */
		kind->limited = fs.f_blocks != 0;
		return VBALLOON_RECLAIMABLE;
	case HUGETLBFS_MAGIC:
		block = (uint64_t)fs.f_bsize;
		if (!block || (block & (block - 1)) || page_shift_of(block) < kind->host_page_shift)
			return VBALLOON_KEEP_UNKNOWN;
		kind->host_page_shift = page_shift_of(block);
		kind->limited = true;
		return VBALLOON_RECLAIMABLE;
	default:
		return VBALLOON_KEEP_FILE;
	}
}

/* Whether a file that is memory may be punched through this descriptor. */
static enum vballoon_reclaimable access_probe(int fd)
{
	int flags = fcntl(fd, F_GETFL);
	int seals = fcntl(fd, F_GET_SEALS);

	if (flags < 0 || seals < 0)
		return VBALLOON_KEEP_UNKNOWN;
	if ((flags & O_ACCMODE) != O_RDWR)
		return VBALLOON_KEEP_READ_ONLY;
	return seals & SEALED_AGAINST_WRITING ? VBALLOON_KEEP_SEALED : VBALLOON_RECLAIMABLE;
}

static bool is_regular_file(int fd)
{
	struct stat st;

	return !vballoon_fd_stat(fd, &st) && S_ISREG(st.st_mode);
}

struct vballoon_backing_kind vballoon_backing_probe(int fd, uint64_t offset,
						    struct vballoon_bytes size)
{
	struct vballoon_backing_kind kind = {
		.host_page_shift = page_shift_of((uint64_t)sysconf(_SC_PAGESIZE)),
	};

	kind.reclaimable = VBALLOON_KEEP_UNKNOWN;
	if (is_regular_file(fd))
		kind.reclaimable = file_system_probe(fd, &kind);
	if (kind.reclaimable == VBALLOON_RECLAIMABLE)
		kind.reclaimable = access_probe(fd);
	if (kind.reclaimable == VBALLOON_RECLAIMABLE &&
	    (!vballoon_is_aligned(offset, kind.host_page_shift) ||
	     !vballoon_is_aligned(size.value, kind.host_page_shift)))
		kind.reclaimable = VBALLOON_KEEP_MISALIGNED;
	return kind;
}
