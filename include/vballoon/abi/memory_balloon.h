/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * The memory balloon, virtio device ID 13: wire layouts.
 *
 * The device asks through queue 0, fromdevq, by filling 16-byte requests that
 * the driver has posted. The driver talks through queue 1, todevq, in messages
 * that begin with an 8-byte header. All integers are little-endian; addresses
 * are guest physical byte addresses. A message is a stream of bytes: how it is
 * cut into descriptors means nothing (virtio 1.3, 2.7.4 Message Framing).
 *
 * Words used below: a *balloon page* is 2^page_shift bytes and is what targets
 * and counts are measured in; a *unit* is 2^unit_shift bytes, at least a
 * balloon page, and is what one entry names.
 */
#ifndef VBALLOON_ABI_MEMORY_BALLOON_H
#define VBALLOON_ABI_MEMORY_BALLOON_H

#include <vballoon/abi/types.h>

#define VIRTIO_MEMORY_BALLOON_ID 13

/* Queues. There are exactly these two. */
#define VIRTIO_MEMORY_BALLOON_VQ_FROMDEV 0
#define VIRTIO_MEMORY_BALLOON_VQ_TODEV 1
#define VIRTIO_MEMORY_BALLOON_VQ_COUNT 2

/*
 * Feature bits. Every one is positive: it adds a capability, and leaving it out
 * never adds one, so the destination of a migration can mask any of them.
 */
#define VIRTIO_MEMORY_BALLOON_F_PAGE_RUNS 0 /* an entry may name a run of units */
#define VIRTIO_MEMORY_BALLOON_F_EXCHANGE 1 /* the driver may swap pages */
#define VIRTIO_MEMORY_BALLOON_F_WITHDRAW_REASON 2 /* WITHDRAW says why */
#define VIRTIO_MEMORY_BALLOON_F_PUSH_STATS 3 /* statistics without being asked */
#define VIRTIO_MEMORY_BALLOON_F_REPORTING 4 /* free page reporting; needs bit 0 */
#define VIRTIO_MEMORY_BALLOON_F_ZEROED 5 /* what comes back reads as zeros */

/* The revision of this interface; a driver that does not know it refuses. */
#define VIRTIO_MEMORY_BALLOON_REVISION 1

/* Bounds of page_shift and unit_shift: 4 KiB to 1 GiB. */
#define VIRTIO_MEMORY_BALLOON_SHIFT_MIN 12
#define VIRTIO_MEMORY_BALLOON_SHIFT_MAX 30

/* The most units that one message may name, and that one answer returns. */
#define VIRTIO_MEMORY_BALLOON_MESSAGE_UNITS_MAX 65536

/**
 * struct virtio_memory_balloon_config - device configuration space
 * @page_shift: log2 of the balloon page size in bytes, 12 to 30
 * @revision: VIRTIO_MEMORY_BALLOON_REVISION
 *
 * Read-only, and constant while the device exists.
 */
struct virtio_memory_balloon_config {
	__le32 page_shift;
	__le32 revision;
};

/* struct virtio_memory_balloon_req.type */
#define VIRTIO_MEMORY_BALLOON_REQ_RESIZE 0 /* value: target, balloon pages */
#define VIRTIO_MEMORY_BALLOON_REQ_STATS 1 /* flags: a cookie to echo */
#define VIRTIO_MEMORY_BALLOON_REQ_REPORT 2 /* value: an id; F_REPORTING */
#define VIRTIO_MEMORY_BALLOON_REQ_HELLO 3 /* say HELLO again */
#define VIRTIO_MEMORY_BALLOON_REQ_RESET 4 /* the device has stopped: reset it */

/*
 * STATS with F_PUSH_STATS: the low 32 bits of value are a period in milliseconds, after
 * which the driver reports again and again; 0 ends that, and this leaves it as it was.
 */
#define VIRTIO_MEMORY_BALLOON_STATS_PERIOD_SAME 0xffffffffU

/**
 * struct virtio_memory_balloon_req - what the device writes into a fromdevq buffer
 * @type: VIRTIO_MEMORY_BALLOON_REQ_*; the driver ignores those it does not know
 * @flags: STATS: a cookie; otherwise 0
 * @value: depends on @type
 */
struct virtio_memory_balloon_req {
	__le32 type;
	__le32 flags;
	__le64 value;
};

/* struct virtio_memory_balloon_msg.type */
#define VIRTIO_MEMORY_BALLOON_MSG_HELLO 0
#define VIRTIO_MEMORY_BALLOON_MSG_ADD 1
#define VIRTIO_MEMORY_BALLOON_MSG_WITHDRAW 2
#define VIRTIO_MEMORY_BALLOON_MSG_STATS 3
#define VIRTIO_MEMORY_BALLOON_MSG_EXCHANGE 4 /* F_EXCHANGE */
#define VIRTIO_MEMORY_BALLOON_MSG_REPORT 5 /* F_REPORTING */
#define VIRTIO_MEMORY_BALLOON_MSG_REPORT_DONE 6 /* F_REPORTING */

/* HELLO flags: whatever the record holds, start again with an empty balloon. */
#define VIRTIO_MEMORY_BALLOON_HELLO_START_OVER 1

/* WITHDRAW flags with F_WITHDRAW_REASON; 0 without it. */
#define VIRTIO_MEMORY_BALLOON_WITHDRAW_TARGET 0
#define VIRTIO_MEMORY_BALLOON_WITHDRAW_PRESSURE 1
#define VIRTIO_MEMORY_BALLOON_WITHDRAW_OOM 2

/* ADD, EXCHANGE and REPORT: the device's verdict on one entry or pair, a byte each. */
#define VIRTIO_MEMORY_BALLOON_REFUSED 0 /* the page, or both, are where they were */
#define VIRTIO_MEMORY_BALLOON_ACCEPTED 1 /* given is in the balloon, taken is the driver's */

/**
 * struct virtio_memory_balloon_msg - how every todevq message begins
 * @type: VIRTIO_MEMORY_BALLOON_MSG_*
 * @flags: depends on @type; 0 where nothing else is said
 */
struct virtio_memory_balloon_msg {
	__le32 type;
	__le32 flags;
};

/**
 * struct virtio_memory_balloon_hello - the first message after every reset
 * @msg: type HELLO
 * @epoch: a random number, new after every reset of the device
 * @unit_shift: log2 of the bytes that one entry names, at least page_shift
 * @reserved: 0
 *
 * Followed by a device-writable struct virtio_memory_balloon_hello_answer.
 */
struct virtio_memory_balloon_hello {
	struct virtio_memory_balloon_msg msg;
	__le64 epoch;
	__le32 unit_shift;
	__le32 reserved;
};

/**
 * struct virtio_memory_balloon_hello_answer - what the device knows of this epoch
 * @held: balloon pages on the device's record
 */
struct virtio_memory_balloon_hello_answer {
	__le64 held;
};

/*
 * ADD is a struct virtio_memory_balloon_msg followed by __le64 entries, and by
 * a device-writable byte for each entry, as far as there is room. An entry is
 * the address of an aligned unit. With F_PAGE_RUNS its low page_shift bits hold
 * the number of consecutive units less one.
 */

/**
 * struct virtio_memory_balloon_withdraw - ask for pages; the device chooses which
 * @msg: type WITHDRAW
 * @most: balloon pages, at the most; 0 returns nothing
 *
 * Followed by device-writable __le64 entries. The used length says how many the
 * device filled, which may be none.
 */
struct virtio_memory_balloon_withdraw {
	struct virtio_memory_balloon_msg msg;
	__le64 most;
};

/* Statistics: 0-9 as in the standard, 10-15 as in Linux, ours from 64. */
#define VIRTIO_MEMORY_BALLOON_S_SWAP_IN 0 /* bytes */
#define VIRTIO_MEMORY_BALLOON_S_SWAP_OUT 1 /* bytes */
#define VIRTIO_MEMORY_BALLOON_S_MAJFLT 2 /* count */
#define VIRTIO_MEMORY_BALLOON_S_MINFLT 3 /* count */
#define VIRTIO_MEMORY_BALLOON_S_MEMFREE 4 /* bytes */
#define VIRTIO_MEMORY_BALLOON_S_MEMTOT 5 /* bytes */
#define VIRTIO_MEMORY_BALLOON_S_AVAIL 6 /* bytes */
#define VIRTIO_MEMORY_BALLOON_S_CACHES 7 /* bytes */
#define VIRTIO_MEMORY_BALLOON_S_HTLB_PGALLOC 8 /* count */
#define VIRTIO_MEMORY_BALLOON_S_HTLB_PGFAIL 9 /* count */
#define VIRTIO_MEMORY_BALLOON_S_OOM_KILL 10 /* count */
#define VIRTIO_MEMORY_BALLOON_S_ALLOC_STALL 11 /* count */
#define VIRTIO_MEMORY_BALLOON_S_ASYNC_SCAN 12 /* bytes */
#define VIRTIO_MEMORY_BALLOON_S_DIRECT_SCAN 13 /* bytes */
#define VIRTIO_MEMORY_BALLOON_S_ASYNC_RECLAIM 14 /* bytes */
#define VIRTIO_MEMORY_BALLOON_S_DIRECT_RECLAIM 15 /* bytes */
#define VIRTIO_MEMORY_BALLOON_S_COUNT 16 /* of the tags above */
#define VIRTIO_MEMORY_BALLOON_S_OWN_FIRST 64
#define VIRTIO_MEMORY_BALLOON_S_REFAULT_ANON 64 /* bytes; reclaimed, and wanted again soon */
#define VIRTIO_MEMORY_BALLOON_S_REFAULT_FILE 65 /* bytes */
#define VIRTIO_MEMORY_BALLOON_S_COMPACT_STALL 66 /* count; waits for a large block */
#define VIRTIO_MEMORY_BALLOON_S_COMPACT_FAIL 67 /* count; of these, in vain */
#define VIRTIO_MEMORY_BALLOON_S_PSI_SOME 68 /* microseconds; a task waited for memory */
#define VIRTIO_MEMORY_BALLOON_S_PSI_FULL 69 /* microseconds; all tasks did */
#define VIRTIO_MEMORY_BALLOON_S_OWN_COUNT 6 /* of the tags from S_OWN_FIRST on */

/**
 * struct virtio_memory_balloon_stat - one statistic of a STATS message
 * @tag: VIRTIO_MEMORY_BALLOON_S_*; the device ignores those it does not know
 * @reserved: 0
 * @value: in the unit of @tag
 *
 * What the driver cannot determine it does not send; no tag is sent twice.
 */
struct virtio_memory_balloon_stat {
	__le16 tag;
	__u8 reserved[6];
	__le64 value;
};

/* EXCHANGE: nothing is given, the pair only takes. */
#define VIRTIO_MEMORY_BALLOON_GIVE_NOTHING 0xffffffffffffffffULL

/**
 * struct virtio_memory_balloon_pair - one swap of an EXCHANGE message
 * @give: an entry that is to go into the balloon, or VIRTIO_MEMORY_BALLOON_GIVE_NOTHING
 * @take: an entry in the balloon that is to be the driver's; as many units as @give
 *
 * F_EXCHANGE. EXCHANGE is a struct virtio_memory_balloon_msg followed by pairs, and
 * by a device-writable byte for each. Each pair is carried out as a whole or not at all.
 */
struct virtio_memory_balloon_pair {
	__le64 give;
	__le64 take;
};

/*
 * REPORT, with F_REPORTING, is a struct virtio_memory_balloon_msg followed by __le64
 * entries, and by device-writable bytes, one for each entry as far as there is room:
 * free memory that stays the driver's, and that it does not touch until the message is
 * answered. What it held is lost then. A verdict of 1 tells that the pages read as zeros,
 * with F_ZEROED, or that the host has memory of them, without; 0 that neither is so.
 */

/**
 * struct virtio_memory_balloon_report_done - all that is free has been reported
 * @msg: type REPORT_DONE
 * @id: that of the REQ_REPORT which this answers
 *
 * F_REPORTING.
 */
struct virtio_memory_balloon_report_done {
	struct virtio_memory_balloon_msg msg;
	__le64 id;
};

#endif /* VBALLOON_ABI_MEMORY_BALLOON_H */
