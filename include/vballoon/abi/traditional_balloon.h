/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * The traditional memory balloon, virtio device ID 5: wire layouts, with the names that
 * drivers know them by. Not to be included together with <linux/virtio_balloon.h>.
 *
 * The driver gives pages through inflateq and takes them back through deflateq. The device
 * says in its configuration space how many it wants. All integers are little-endian; a page
 * is 4096 bytes whatever the guest and the host use, and is named by its address divided by
 * that. A message is a stream of bytes: how it is cut into descriptors means nothing, but
 * in free page hints and reports, where a descriptor *is* a stretch of free memory.
 */
#ifndef VBALLOON_ABI_TRADITIONAL_BALLOON_H
#define VBALLOON_ABI_TRADITIONAL_BALLOON_H

#include <vballoon/abi/types.h>

#define VIRTIO_BALLOON_ID 5

/* A page, and the most of guest memory that page numbers reach: 16 TiB. */
#define VIRTIO_BALLOON_PFN_SHIFT 12

/*
 * Feature bits. MUST_TELL_HOST is the one that is negative: a driver that leaves it out can
 * do more. SILENT_DEFLATE says the same the other way round; the two are not offered together.
 */
#define VIRTIO_BALLOON_F_MUST_TELL_HOST 0 /* a page is used after its deflate is answered */
#define VIRTIO_BALLOON_F_STATS_VQ 1 /* statsq */
#define VIRTIO_BALLOON_F_DEFLATE_ON_OOM 2 /* the guest may deflate when it runs out of memory */
#define VIRTIO_BALLOON_F_FREE_PAGE_HINT 3 /* free_page_vq, free_page_hint_cmd_id */
#define VIRTIO_BALLOON_F_PAGE_POISON 4 /* poison_val */
#define VIRTIO_BALLOON_F_REPORTING 5 /* reporting_vq; the standard: F_PAGE_REPORTING */
#define VIRTIO_BALLOON_F_SILENT_DEFLATE 23 /* a page may be used before the host is told */

/*
 * Queues, as the standard numbers them: a queue's number never changes. Linux and QEMU leave
 * out the queues whose feature was not negotiated, and number those behind them without a gap.
 */
#define VIRTIO_BALLOON_VQ_INFLATE 0
#define VIRTIO_BALLOON_VQ_DEFLATE 1
#define VIRTIO_BALLOON_VQ_STATS 2
#define VIRTIO_BALLOON_VQ_FREE_PAGE 3
#define VIRTIO_BALLOON_VQ_REPORTING 4
#define VIRTIO_BALLOON_VQ_MAX 5

/* free_page_hint_cmd_id. Every other value is the id of a round of hints. */
#define VIRTIO_BALLOON_CMD_ID_STOP 0 /* hint no more; the driver: no more to hint */
#define VIRTIO_BALLOON_CMD_ID_DONE 1 /* hinted pages may be used as they were before */
#define VIRTIO_BALLOON_CMD_ID_MIN 2 /* the smallest id of a round */

/**
 * struct virtio_balloon_config - device configuration space
 * @num_pages: pages that the guest is to give up; read-only
 * @actual: pages that the driver says are in the balloon; written by the driver
 * @free_page_hint_cmd_id: VIRTIO_BALLOON_CMD_ID_* or the id of a round; read-only,
 *	F_FREE_PAGE_HINT
 * @poison_val: what the guest fills free pages with; written by the driver before
 *	DRIVER_OK, F_PAGE_POISON
 */
struct virtio_balloon_config {
	__le32 num_pages;
	__le32 actual;
	__le32 free_page_hint_cmd_id;
	__le32 poison_val;
};

/* inflateq and deflateq: a message is an array of __le32 page numbers, all readable. */

/*
 * statsq: the driver keeps one message of statistics with the device, which uses it to ask
 * for newer ones. Tags 0-9 as in the standard, 10-15 as in Linux.
 */
#define VIRTIO_BALLOON_S_SWAP_IN 0 /* bytes */
#define VIRTIO_BALLOON_S_SWAP_OUT 1 /* bytes */
#define VIRTIO_BALLOON_S_MAJFLT 2 /* count */
#define VIRTIO_BALLOON_S_MINFLT 3 /* count */
#define VIRTIO_BALLOON_S_MEMFREE 4 /* bytes */
#define VIRTIO_BALLOON_S_MEMTOT 5 /* bytes */
#define VIRTIO_BALLOON_S_AVAIL 6 /* bytes */
#define VIRTIO_BALLOON_S_CACHES 7 /* bytes */
#define VIRTIO_BALLOON_S_HTLB_PGALLOC 8 /* count */
#define VIRTIO_BALLOON_S_HTLB_PGFAIL 9 /* count */
#define VIRTIO_BALLOON_S_OOM_KILL 10 /* count */
#define VIRTIO_BALLOON_S_ALLOC_STALL 11 /* count */
#define VIRTIO_BALLOON_S_ASYNC_SCAN 12 /* bytes */
#define VIRTIO_BALLOON_S_DIRECT_SCAN 13 /* bytes */
#define VIRTIO_BALLOON_S_ASYNC_RECLAIM 14 /* bytes */
#define VIRTIO_BALLOON_S_DIRECT_RECLAIM 15 /* bytes */
#define VIRTIO_BALLOON_S_NR 16

/**
 * struct virtio_balloon_stat - one statistic, 10 bytes without a gap
 * @tag: VIRTIO_BALLOON_S_*; the device ignores those it does not know
 * @val: in the unit of @tag
 */
struct virtio_balloon_stat {
	__le16 tag;
	__le64 val;
} __attribute__((packed));

/*
 * free_page_vq: a readable __le32 with the id of the round begins it, then every writable
 * descriptor is a stretch of free memory, and a readable VIRTIO_BALLOON_CMD_ID_STOP ends it.
 *
 * reporting_vq: every writable descriptor is a stretch of free memory, which the driver does
 * not touch until the message is answered.
 */

#endif /* VBALLOON_ABI_TRADITIONAL_BALLOON_H */
