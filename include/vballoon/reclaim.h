/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reclaim: what an embedder does so that the host gets memory back.
 *
 * The device core decides which whole host pages to drop, and when; these
 * operations only execute. They are called from inside vballoon_device_run(), drop and
 * restore from vballoon_device_recover_region(), too, on its thread, and must not call back
 * into the device. They never see a guest address: a region and an offset into it is what the
 * one checked door made.
 */
#ifndef VBALLOON_RECLAIM_H
#define VBALLOON_RECLAIM_H

#include <stdbool.h>

#include <vballoon/memory.h>
#include <vballoon/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What the device asks of the host. */
struct vballoon_reclaim_ops {
	/**
	 * Give the memory of whole host pages back to the host; the guest reads
	 * undefined contents there afterwards.
	 * @param context from struct vballoon_device_config
	 * @param region one whose @c reclaimable is VBALLOON_RECLAIMABLE
	 * @param offset first byte, from the start of the region; a multiple of
	 *        the host page
	 * @param len a multiple of the host page, not 0
	 * @return 0; a negative errno: nothing is taken as dropped, the device
	 *         counts it and does not try these pages again until more is added
	 *         near them
	 */
	int (*drop)(void *context, const struct vballoon_region *region,
		    struct vballoon_bytes offset, struct vballoon_bytes len);

	/**
	 * Make dropped host pages usable before they are handed back, where a
	 * guest's first touch could fail (hugetlb). NULL where it cannot.
	 * @param context from struct vballoon_device_config
	 * @param region as for drop, when it was dropped: it may be one to keep by now, see
	 *        vballoon_device_set_reclaimable()
	 * @param offset as for drop
	 * @param len as for drop
	 * @return 0; 1 when nothing had to be done, because the memory comes when it is touched:
	 *         then the device may ask for much of it in one run; -ENOSPC or another negative
	 *         errno when the host has not got all of it. Then the whole range still counts as
	 *         dropped, and the device counts the failure. It tries half of the range, and so
	 *         on down to one host page; if that fails too, it hands back other pages, or fewer.
	 *
	 *         The guest of device 5 may be using the memory already, if it has not accepted
	 *         VIRTIO_BALLOON_F_MUST_TELL_HOST; it is asked for in single host pages then. What
	 *         the guest has written must stay, also where this fails
	 */
	int (*restore)(void *context, const struct vballoon_region *region,
		       struct vballoon_bytes offset, struct vballoon_bytes len);

	/**
	 * Give back memory that the guest has reported as free and goes on owning: it
	 * may touch it at any time without a word. So nothing may be discarded where
	 * that touch could fail (hugetlb): there is no restore afterwards. NULL where it
	 * cannot; then VIRTIO_MEMORY_BALLOON_F_REPORTING is not offered, nor are
	 * VIRTIO_BALLOON_F_REPORTING and VIRTIO_BALLOON_F_SILENT_DEFLATE.
	 *
	 * With VIRTIO_BALLOON_F_SILENT_DEFLATE it is asked for in place of drop, too, as the
	 * guest may use what is in the balloon without a word.
	 * @param context from struct vballoon_device_config
	 * @param region as for drop
	 * @param offset as for drop
	 * @param len as for drop
	 * @return 0; -EOPNOTSUPP where a touch could fail, or another negative errno:
	 *         the memory is as it was, and counts as reported in vain
	 */
	int (*discard)(void *context, const struct vballoon_region *region,
		       struct vballoon_bytes offset, struct vballoon_bytes len);

	/** Memory that was dropped, restored or discarded reads as zeros until somebody
	 *  writes to it. Without this promise VIRTIO_MEMORY_BALLOON_F_ZEROED is not offered, and
	 *  nothing is discarded of device 5 with VIRTIO_BALLOON_F_PAGE_POISON. */
	bool zeroes;
};

#ifdef __cplusplus
}
#endif

#endif /* VBALLOON_RECLAIM_H */
