/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How Linux gives guest memory back: the file behind a region, and a hole
 * punched into it.
 *
 * Memory that another process shares is freed only through its file:
 * madvise(MADV_DONTNEED) on a shared mapping reports success and frees nothing.
 * For the same reason a file must be known before it is punched: the same call
 * that frees the pages of a memfd destroys the contents of a disk image. What
 * cannot be identified is therefore kept.
 */
#ifndef VBALLOON_BACKING_H
#define VBALLOON_BACKING_H

#include <stdbool.h>
#include <stdint.h>

#include <vballoon/memory.h>
#include <vballoon/reclaim.h>
#include <vballoon/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/** The file behind a region: what struct vballoon_region.backing points to. */
struct vballoon_backing {
	int fd; /**< open for reading and writing while the region exists; not owned */
	uint64_t offset; /**< of the region's first byte in the file, in bytes */
	bool limited; /**< the file system can run out: restore before handing back */
};

/** What a file is found to be. */
struct vballoon_backing_kind {
	enum vballoon_reclaimable reclaimable; /**< VBALLOON_RECLAIMABLE, or why not */
	uint32_t host_page_shift; /**< log2 of what can be dropped at once; at least 12 */
	bool limited; /**< for struct vballoon_backing.limited */
};

/**
 * Find out how a part of a file can be given back to the host. Whatever cannot
 * be determined counts as not reclaimable.
 * @param fd the file; not owned, not changed
 * @param offset where the region begins in it, in bytes
 * @param size the size of the region
 * @return the kind
 */
struct vballoon_backing_kind vballoon_backing_probe(int fd, uint64_t offset,
						    struct vballoon_bytes size);

/**
 * Reclaim by punching holes, for struct vballoon_device_config.reclaim. The
 * backing of every region that is, or has been, VBALLOON_RECLAIMABLE is a struct
 * vballoon_backing. Needs no context.
 *
 * drop: 0; -EINVAL for a range that is not in the region or not of whole host
 * pages, or a region that is not VBALLOON_RECLAIMABLE; what fallocate() gave.
 * restore: 0; 1 where nothing has to be done; -EINVAL for such a range; -ENOSPC when the
 * host has no page left, with nothing restored; what fallocate() gave.
 * discard: as drop; -EOPNOTSUPP where the file system can run out.
 */
extern const struct vballoon_reclaim_ops vballoon_reclaim_punch_hole;

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif /* VBALLOON_BACKING_H */
