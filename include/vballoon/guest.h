/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A driver of the memory balloon (virtio device ID 13) for any guest: firmware, a
 * unikernel, another kernel.
 *
 * It is a state machine that allocates nothing and waits for nothing. All its
 * memory is the caller's, all that it needs of its guest are a few operations:
 * find a page that can be spared, take one back, reset the device, kick it. A port
 *
 *   1. finds the device, reads its features and its configuration space;
 *   2. fills in struct vballoon_guest_config, calls vballoon_guest_init() and
 *      vballoon_guest_start();
 *   3. calls vballoon_guest_run() on every interrupt of the device, when the time has
 *      passed that the last call has named, and after a call of any other function here.
 *
 * Ownership. A page that get_page() has handed out is the driver's until
 * return_page() gets it, and the guest does not touch it meanwhile. Each page comes
 * back once: when the device refuses it, when it hands it back, or after a reset.
 *
 * Context. Every function on one guest is called from one context at a time, and
 * not from inside an operation. It may be called with any lock held that the
 * operations do not take.
 *
 * The device is not trusted: each value that it writes is read once, then checked,
 * then used. One that breaks its contract is reset, all pages come back, and it is left
 * alone until the next vballoon_guest_start().
 */
#ifndef VBALLOON_GUEST_H
#define VBALLOON_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vballoon/abi/memory_balloon.h>
#include <vballoon/queue.h>
#include <vballoon/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What vballoon_guest_init() needs: bytes of ordinary memory, aligned to 16. */
#define VBALLOON_GUEST_BYTES 24576
/** And bytes of memory that the device reaches, aligned to 16, without a hole. */
#define VBALLOON_GUEST_SHARED_BYTES 24576

/** There is nothing to do until something happens. */
#define VBALLOON_GUEST_FOREVER (~(uint64_t)0)

/** The smallest queues that the driver works with, in descriptors: fromdevq, todevq. */
#define VBALLOON_GUEST_FROMDEV_MIN 1
#define VBALLOON_GUEST_TODEV_MIN 8

struct vballoon_guest;

/** Memory that may go into the balloon. */
struct vballoon_guest_range {
	struct vballoon_gpa gpa; /**< a multiple of a unit */
	struct vballoon_bytes size; /**< a multiple of a unit, not 0 */
	uint64_t *held; /**< vballoon_guest_bitmap_bytes() bytes of ordinary memory */
};

/** Pairs that one call of vballoon_guest_exchange() may have. */
#define VBALLOON_GUEST_PAIRS 32
/** A pair that gives nothing has this address. */
#define VBALLOON_GUEST_NOTHING (~(uint64_t)0)

/** A swap: pages of the guest's for pages in the balloon. */
struct vballoon_guest_pair {
	struct vballoon_gpa give; /**< where free pages lie; or VBALLOON_GUEST_NOTHING */
	struct vballoon_gpa take; /**< where as many lie that are in the balloon */
	uint64_t units; /**< without F_PAGE_RUNS 1, with it at most 2^page_shift */
};

/** What became of a pair. */
enum vballoon_guest_outcome {
	VBALLOON_GUEST_SWAPPED, /**< give is in the balloon, take is the guest's, its contents
				     are undefined */
	VBALLOON_GUEST_NOT_SWAPPED, /**< the device refused: all is as it was */
	VBALLOON_GUEST_UNDONE, /**< the device was reset: give is the guest's, its contents are
				    undefined; take comes back by return_page(), like all that
				    is in the balloon */
};

/** Why a page comes back. */
enum vballoon_guest_cause {
	VBALLOON_GUEST_REFUSED, /**< the device did not take it: it is as it was */
	VBALLOON_GUEST_HANDED_BACK, /**< the device gives it back: its contents are undefined */
	VBALLOON_GUEST_TAKEN_BACK, /**< the device was reset or forgot it: undefined, too */
};

/** What the driver needs of its guest. None of them may call a function of this header.
 *  Those about pages may do whatever the guest's hypervisor wants done when a page
 *  leaves the guest, or is back. */
struct vballoon_guest_ops {
	/**
	 * Take pages out of the guest's hands.
	 * @param context as configured
	 * @param most units that are of use, at least 1
	 * @param gpa_out where the pages lie: a multiple of a unit, in one of the ranges
	 * @return how many units in a row: 1 to @p most; 0 when no memory can be spared.
	 *         One at a time is right, more is faster. Must not push: nobody is killed
	 *         for a balloon
	 */
	uint64_t (*get_page)(void *context, uint64_t most, struct vballoon_gpa *gpa_out);
	/**
	 * Pages are the guest's again. Must not fail, and must not need memory.
	 * @param context as configured
	 * @param gpa the first of them
	 * @param units how many; not always those that came together
	 * @param cause why
	 */
	void (*return_page)(void *context, struct vballoon_gpa gpa, uint64_t units,
			    enum vballoon_guest_cause cause);
	/**
	 * Reset the device, and come back when it is reset: it reads and writes no memory
	 * then.
	 * @param context as configured
	 */
	void (*reset)(void *context);
	/**
	 * Start the device after a reset: ACKNOWLEDGE, DRIVER, the features, FEATURES_OK,
	 * both queues with their interrupts, DRIVER_OK.
	 * @param context as configured
	 * @param features to accept
	 * @param queues where they lie, by VIRTIO_MEMORY_BALLOON_VQ_*
	 * @return 0; or a negative number, and the device is not used
	 */
	int (*start)(void *context, uint64_t features,
		     const struct vballoon_queue queues[VIRTIO_MEMORY_BALLOON_VQ_COUNT]);
	/**
	 * Kick a queue.
	 * @param context as configured
	 * @param queue VIRTIO_MEMORY_BALLOON_VQ_*
	 */
	void (*notify)(void *context, unsigned int queue);
	/**
	 * @param context as configured
	 * @return a number that no guest and no earlier start had
	 */
	uint64_t (*random64)(void *context);
	/**
	 * Say what the guest knows of its memory. May be NULL: then it knows nothing.
	 * @param context as configured
	 * @param stats all zeros, to fill in: little-endian, as on the wire; no tag twice
	 * @param room for so many
	 * @return how many
	 */
	unsigned int (*stats)(void *context, struct virtio_memory_balloon_stat *stats,
			      unsigned int room);
	/**
	 * A pair of vballoon_guest_exchange() is answered. May be NULL: then pages are never
	 * exchanged.
	 * @param context as configured
	 * @param pair as it was asked for
	 * @param outcome whose the pages are now
	 */
	void (*exchanged)(void *context, const struct vballoon_guest_pair *pair,
			  enum vballoon_guest_outcome outcome);
	/**
	 * Name free memory, for a report to the host, and keep it unused until free_done().
	 * Up to 65536 units are out of the guest's reach at a time, and vballoon_guest_oom()
	 * does not wait for them: name no more than the guest can do without meanwhile.
	 * May be NULL: then free memory is never reported.
	 * @param context as configured
	 * @param first begin at the beginning; otherwise go on behind the last
	 * @param most units, at least 1
	 * @param gpa_out where it lies: a multiple of a unit, in one of the ranges
	 * @return how many units in a row, at most @p most; 0 when all that is worth it has
	 *         been named
	 */
	uint64_t (*free_next)(void *context, bool first, uint64_t most,
			      struct vballoon_gpa *gpa_out);
	/**
	 * Free memory may be used again: what it held is lost. NULL like free_next.
	 * @param context as configured
	 * @param gpa as free_next() named it
	 * @param units as free_next() named it
	 * @param zeroed F_ZEROED: the host has answered that all of it reads as zeros. A guest
	 *        that takes its free memory for zeros clears it otherwise (DRV-ZEROED-2)
	 */
	void (*free_done)(void *context, struct vballoon_gpa gpa, uint64_t units, bool zeroed);
};

/** What a driver is made of. */
struct vballoon_guest_config {
	const struct vballoon_guest_ops *ops; /**< outlives the driver */
	void *context; /**< handed to every operation */
	uint32_t page_shift; /**< from the configuration space */
	uint32_t revision; /**< from the configuration space */
	uint64_t offered; /**< the features that the device offers */
	uint64_t features; /**< those that the guest wants, where they are offered; ~0: all */
	bool free_is_zero; /**< the guest relies on its free memory being zeros: then it is
				reported with F_ZEROED only, and free_done() tells what has
				to be cleared. One that relies on another value leaves
				F_REPORTING out of features */
	uint32_t queue_size[VIRTIO_MEMORY_BALLOON_VQ_COUNT]; /**< the device's greatest */
	uint32_t unit_shift; /**< what the guest gives: 2^unit_shift bytes; page_shift to 30 */
	const struct vballoon_guest_range *ranges; /**< do not overlap; outlive the driver */
	unsigned int range_count;
	void *shared; /**< VBALLOON_GUEST_SHARED_BYTES, not in any page that is given away */
	struct vballoon_gpa shared_gpa; /**< where the device finds them */
};

/** What the driver is doing. */
enum vballoon_guest_state {
	VBALLOON_GUEST_STOPPED, /**< the device is reset and stays so */
	VBALLOON_GUEST_RESTARTING, /**< the device is reset and will be started */
	VBALLOON_GUEST_RUNNING,
	VBALLOON_GUEST_FAILED, /**< the device is reset, see vballoon_guest_failure */
};

/** How the device broke its contract. */
enum vballoon_guest_failure {
	VBALLOON_GUEST_OK,
	VBALLOON_GUEST_CANNOT_START, /**< the operation start failed */
	VBALLOON_GUEST_BAD_RING, /**< a queue's indices, ids or lengths are impossible */
	VBALLOON_GUEST_HELLO_SHORT, /**< the answer to HELLO is too short */
	VBALLOON_GUEST_HELLO_HELD, /**< it was told to start over and holds pages */
	VBALLOON_GUEST_ADD_VERDICT, /**< an ADD without a verdict on every entry */
	VBALLOON_GUEST_WITHDRAW_LENGTH, /**< an answer with a part of an entry */
	VBALLOON_GUEST_WITHDRAW_MISALIGNED, /**< handed back: no address of a unit */
	VBALLOON_GUEST_WITHDRAW_NOT_HELD, /**< handed back: not in the balloon, or twice */
	VBALLOON_GUEST_WITHDRAW_MORE, /**< handed back: more than asked for */
	VBALLOON_GUEST_EXCHANGE_VERDICT, /**< an EXCHANGE without a verdict on every pair */
	VBALLOON_GUEST_EXCHANGE_NOT_HELD, /**< swapped: what was not in the balloon any more */
	VBALLOON_GUEST_FAILURE_COUNT,
};

/** For whoever wants to know. Counts are balloon pages. */
struct vballoon_guest_status {
	enum vballoon_guest_state state;
	enum vballoon_guest_failure failure; /**< the last one */
	uint64_t features; /**< that the driver accepts */
	uint64_t target_pages; /**< what the device last asked for */
	uint64_t held_pages; /**< in the balloon */
	uint64_t returned_pages; /**< that return_page() got out of the balloon, ever */
	uint64_t starts; /**< of the device */
	uint64_t failures;
	uint64_t bad_pages; /**< that get_page() or free_next() named and that are in no range, in
				 the balloon, or shared with the device: a defect of the port */
};

/**
 * How large the bitmap of a range is: a bit for a unit.
 * @param size of the range
 * @param unit_shift as configured
 * @return bytes, a multiple of 8
 */
size_t vballoon_guest_bitmap_bytes(struct vballoon_bytes size, uint32_t unit_shift);

/**
 * Make a driver in the caller's memory. The device is not touched.
 * @param storage VBALLOON_GUEST_BYTES, aligned to 16, the caller's
 * @param config copied, but for what it points to
 * @param guest_out the driver
 * @return 0; -EINVAL when an operation or memory is missing or misaligned, or
 *         unit_shift is out of range; -ENODEV when the device is of another revision, has no
 *         VERSION_1, has queues that are too small, or pages larger than a unit: then it
 *         is to be left alone
 */
int vballoon_guest_init(void *storage, const struct vballoon_guest_config *config,
			struct vballoon_guest **guest_out);

/**
 * The device is to be used from now on, also after a failure. Takes effect in
 * vballoon_guest_run(), once all pages are back from the time before.
 * @param guest the driver
 */
void vballoon_guest_start(struct vballoon_guest *guest);

/**
 * Reset the device, and leave it so. For removal, suspend, and before another kernel
 * starts. All pages are the guest's when this returns; vballoon_guest_run() hands them
 * to return_page(), a bounded number at a time, until it says that nothing is left.
 * @param guest the driver
 */
void vballoon_guest_stop(struct vballoon_guest *guest);

/**
 * The transport says DEVICE_NEEDS_RESET: reset the device, take all pages back, start
 * again, once a second at the most. Nothing happens to a device that is not running.
 * @param guest the driver
 */
void vballoon_guest_restart(struct vballoon_guest *guest);

/**
 * Do a bounded amount of work: answer the device, follow its target.
 * @param guest the driver
 * @param now_ms any clock that never goes back
 * @return in how many milliseconds to call again if nothing happens before; 0 when
 *         work is left; or VBALLOON_GUEST_FOREVER
 */
uint64_t vballoon_guest_run(struct vballoon_guest *guest, uint64_t now_ms);

/**
 * The guest's memory is getting short: ask for some, and give none for ten seconds from
 * now, or until the device asks again. Does not wait. When the device gives less than it was
 * asked for, it is not asked in this way for a second, or until it asks for a size.
 * @param guest the driver
 * @param pages how many would help; 0: only give none
 * @param now_ms the time
 */
void vballoon_guest_pressure(struct vballoon_guest *guest, uint64_t pages, uint64_t now_ms);

/**
 * The guest is out of memory: take what the device has answered by now or, because it is
 * reset or has lost its record, has no part in, and if that is not enough, ask for more at
 * once, or when a request that is on its way for another reason brings too little. Allocates
 * nothing.
 * @param guest the driver
 * @param pages how many would help
 * @param now_ms the time
 * @return whether pages may come within a second: wait for them with
 *         vballoon_guest_oom_waits(). false: look at returned_pages of
 *         vballoon_guest_status(); there are no more in the balloon, the device has yet to be
 *         greeted, or it was waited for in vain and has not answered since
 */
bool vballoon_guest_oom(struct vballoon_guest *guest, uint64_t pages, uint64_t now_ms);

/**
 * Look after the device for somebody who waits for memory. Call it on every interrupt
 * of the device, or every few milliseconds, while it returns true: for a second at the most,
 * however many wait. What came is in returned_pages of vballoon_guest_status(); what comes
 * later is not lost.
 * @param guest the driver
 * @param now_ms the time
 * @return whether to wait on
 */
bool vballoon_guest_oom_waits(struct vballoon_guest *guest, uint64_t now_ms);

/**
 * Have pages in the balloon swapped for others, so that the guest can move them, or have
 * chosen ones back. Takes effect in vballoon_guest_run(); then exchanged() tells of each
 * pair. From this call on the guest keeps off the pages that it gives.
 * @param guest the driver
 * @param pairs copied; no page in two of them
 * @param count 1 to VBALLOON_GUEST_PAIRS; with 65536 units in all, at the most
 * @return 0; -EOPNOTSUPP without F_EXCHANGE or a device that runs; -EAGAIN while another
 *         exchange is in flight, the device has yet to be greeted, or pages that it has
 *         forgotten are not back in the balloon yet; -EINVAL when a pair takes what is not in
 *         the balloon, gives what cannot go there, or has a page of another
 */
int vballoon_guest_exchange(struct vballoon_guest *guest, const struct vballoon_guest_pair *pairs,
			    unsigned int count);

/**
 * Report the memory that is free now, once. Takes effect in vballoon_guest_run(). The
 * device may ask for the same by itself.
 * @param guest the driver
 * @return 0, also when a round is under way; -EOPNOTSUPP without F_REPORTING or a device
 *         that runs
 */
int vballoon_guest_report(struct vballoon_guest *guest);

/**
 * @param guest the driver
 * @param status_out where to
 */
void vballoon_guest_status(const struct vballoon_guest *guest,
			   struct vballoon_guest_status *status_out);

/** @return a sentence for the log. */
const char *vballoon_guest_failure_text(enum vballoon_guest_failure failure);

#ifdef __cplusplus
}
#endif

#endif /* VBALLOON_GUEST_H */
