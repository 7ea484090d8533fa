/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A driver of the traditional balloon (virtio device ID 5) for any guest, made as the one
 * of <vballoon/guest.h> is: a state machine that allocates nothing and waits for nothing,
 * in the caller's memory, with a few operations of its guest's. A port
 *
 *   1. finds the device and reads its features;
 *   2. fills in struct vballoon_traditional_guest_config, calls
 *      vballoon_traditional_guest_init() and vballoon_traditional_guest_start();
 *   3. calls vballoon_traditional_guest_run() on every interrupt of the device, when the
 *      time has passed that the last call has named, and after a call of any other
 *      function here but vballoon_traditional_guest_take(); and
 *      vballoon_traditional_guest_changed() first when the interrupt is that the
 *      configuration space has changed.
 *
 * Which pages. It is the guest that chooses them, both ways, and the device cannot refuse
 * one: what it is told to have, it has once it has answered.
 *
 * How a page comes back. Usually the device is told first, and the page is used when it
 * has answered: what a driver must do with VIRTIO_BALLOON_F_MUST_TELL_HOST, and may do
 * with any device. With VIRTIO_BALLOON_F_SILENT_DEFLATE a page in the balloon may be used
 * without a word: vballoon_traditional_guest_take() hands one out from a context that can
 * neither wait nor take a lock. Where VIRTIO_BALLOON_F_DEFLATE_ON_OOM lets it do so whatever
 * the device wants, a guest can give what it keeps in reserve, too.
 *
 * Ownership. A page that get_page() has handed out is the driver's until return_page()
 * gets it, or vballoon_traditional_guest_take() hands it out, and the guest does not touch
 * it meanwhile. Each page comes back once.
 *
 * Context. As in <vballoon/guest.h>: every function on one guest is called from one context
 * at a time, and not from inside an operation; but vballoon_traditional_guest_take() from
 * any, at any time.
 *
 * The device is not trusted with more than it has to be: one that breaks its contract is
 * reset, all pages come back, and it is left alone until the next
 * vballoon_traditional_guest_start().
 */
#ifndef VBALLOON_TRADITIONAL_GUEST_H
#define VBALLOON_TRADITIONAL_GUEST_H

#include <vballoon/abi/traditional_balloon.h>
#include <vballoon/guest.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What vballoon_traditional_guest_init() needs: bytes of ordinary memory, aligned to 16. */
#define VBALLOON_TRADITIONAL_GUEST_BYTES 20480
/** And bytes of memory that the device reaches, aligned to 16, without a hole. */
#define VBALLOON_TRADITIONAL_GUEST_SHARED_BYTES 16384

/** The largest unit, as a shift: 2 MiB. */
#define VBALLOON_TRADITIONAL_GUEST_SHIFT_MAX 21

struct vballoon_traditional_guest;

/** A queue, as the device is to be told of it. */
struct vballoon_traditional_guest_queue {
	unsigned int index; /**< its number */
	struct vballoon_queue queue; /**< where it lies */
};

/** What the driver needs of its guest. None of them may call a function of this header but
 *  vballoon_traditional_guest_take(). Those that have the name of one in struct
 *  vballoon_guest_ops do the same, and may be the same function. */
struct vballoon_traditional_guest_ops {
	/** As in struct vballoon_guest_ops. The device finds no page beyond 16 TiB. */
	uint64_t (*get_page)(void *context, uint64_t most, struct vballoon_gpa *gpa_out);
	/**
	 * As get_page, and is called in its place when VIRTIO_BALLOON_F_SILENT_DEFLATE and
	 * VIRTIO_BALLOON_F_DEFLATE_ON_OOM are accepted: may hand out what the guest keeps in
	 * reserve, since it can be had back at any moment. NULL where no page is ever taken
	 * directly: then SILENT_DEFLATE is not accepted.
	 */
	uint64_t (*get_reserve)(void *context, uint64_t most, struct vballoon_gpa *gpa_out);
	/** As in struct vballoon_guest_ops; the cause is HANDED_BACK when the device was told
	 *  and has answered, TAKEN_BACK after a reset, REFUSED for what get_page() should not
	 *  have handed out. With VIRTIO_BALLOON_F_PAGE_POISON the guest fills what comes back,
	 *  and what it takes directly, with poison_val. */
	void (*return_page)(void *context, struct vballoon_gpa gpa, uint64_t units,
			    enum vballoon_guest_cause cause);
	/** As in struct vballoon_guest_ops. */
	void (*reset)(void *context);
	/**
	 * Start the device after a reset: ACKNOWLEDGE, DRIVER, the features, FEATURES_OK, the
	 * queues with their interrupts; with VIRTIO_BALLOON_F_PAGE_POISON among the features,
	 * poison_val into the configuration space; DRIVER_OK.
	 * @param context as configured
	 * @param features to accept
	 * @param queues by their numbers
	 * @param count how many
	 * @return 0; or a negative number, and the device is not used
	 */
	int (*start)(void *context, uint64_t features,
		     const struct vballoon_traditional_guest_queue *queues, unsigned int count);
	/**
	 * Kick a queue.
	 * @param context as configured
	 * @param index its number
	 */
	void (*notify)(void *context, unsigned int index);
	/**
	 * @param context as configured
	 * @param index of a queue
	 * @return the most descriptors that the device can do there; 0: it has no such queue
	 */
	uint32_t (*queue_size)(void *context, unsigned int index);
	/**
	 * @param context as configured
	 * @return num_pages of the configuration space, as a number
	 */
	uint32_t (*num_pages)(void *context);
	/**
	 * Write the configuration space.
	 * @param context as configured
	 * @param pages for @c actual, in one access
	 */
	void (*set_actual)(void *context, uint32_t pages);
	/**
	 * Say what the guest knows of its memory. NULL: VIRTIO_BALLOON_F_STATS_VQ is not
	 * accepted.
	 * @param context as configured
	 * @param stats to fill in, little-endian, as on the wire; no tag twice, and the same
	 *        tags each time
	 * @param room for so many
	 * @return how many
	 */
	unsigned int (*stats)(void *context, struct virtio_balloon_stat *stats, unsigned int room);
	/** As in struct vballoon_guest_ops, but of up to 32 blocks with 4 GiB at a time. Large
	 *  blocks are worth more. With VIRTIO_BALLOON_F_PAGE_POISON they are filled with
	 *  poison_val when they are named. */
	uint64_t (*free_next)(void *context, bool first, uint64_t most,
			      struct vballoon_gpa *gpa_out);
	/** As in struct vballoon_guest_ops. With VIRTIO_BALLOON_F_PAGE_POISON the memory is
	 *  filled with poison_val still; without it the contents are lost, and @p zeroed is
	 *  always false. */
	void (*free_done)(void *context, struct vballoon_gpa gpa, uint64_t units, bool zeroed);
};

/** What a driver is made of. */
struct vballoon_traditional_guest_config {
	const struct vballoon_traditional_guest_ops *ops; /**< outlives the driver */
	void *context; /**< handed to every operation */
	uint64_t offered; /**< the features that the device offers */
	uint64_t features; /**< those that the guest wants, where they are offered; ~0: all */
	bool fixed_queues; /**< queues are numbered as the standard has it; otherwise as Linux
				and QEMU do, without gaps for what was not negotiated */
	bool free_is_poisoned; /**< the guest relies on its free memory holding poison_val: then
				    it accepts VIRTIO_BALLOON_F_PAGE_POISON, and without that
				    does not report free memory */
	uint32_t unit_shift; /**< what the guest gives: 2^unit_shift bytes; 12 to
				  VBALLOON_TRADITIONAL_GUEST_SHIFT_MAX */
	const struct vballoon_guest_range *ranges; /**< do not overlap; outlive the driver */
	unsigned int range_count;
	void *shared; /**< VBALLOON_TRADITIONAL_GUEST_SHARED_BYTES, not in any page that is
			   given away */
	struct vballoon_gpa shared_gpa; /**< where the device finds them */
};

/** For whoever wants to know. Counts are pages of 4096 bytes. */
struct vballoon_traditional_guest_status {
	enum vballoon_guest_state state;
	enum vballoon_guest_failure failure; /**< the last one */
	uint64_t features; /**< that the driver accepts */
	uint64_t target_pages; /**< what the device last asked for */
	uint64_t held_pages; /**< in the balloon */
	uint64_t returned_pages; /**< that came back by return_page(), ever */
	uint64_t taken_pages; /**< that were taken without telling it, ever */
	uint64_t starts; /**< of the device */
	uint64_t failures;
	uint64_t bad_pages; /**< that the port named and that cannot go into the balloon, or be
				 reported: in no range, in the balloon, shared with the device; a
				 defect of the port */
};

/**
 * Make a driver in the caller's memory. Of the device, only queue_size() is asked for.
 * @param storage VBALLOON_TRADITIONAL_GUEST_BYTES, aligned to 16, the caller's
 * @param config copied, but for what it points to
 * @param guest_out the driver
 * @return 0; -EINVAL when an operation or memory is missing or misaligned, or unit_shift
 *         is out of range; -ENODEV when the device has no VERSION_1 or lacks a queue: then
 *         it is to be left alone
 */
int vballoon_traditional_guest_init(void *storage,
				    const struct vballoon_traditional_guest_config *config,
				    struct vballoon_traditional_guest **guest_out);

/**
 * As vballoon_guest_start().
 * @param guest the driver
 */
void vballoon_traditional_guest_start(struct vballoon_traditional_guest *guest);

/**
 * As vballoon_guest_stop().
 * @param guest the driver
 */
void vballoon_traditional_guest_stop(struct vballoon_traditional_guest *guest);

/**
 * As vballoon_guest_restart().
 * @param guest the driver
 */
void vballoon_traditional_guest_restart(struct vballoon_traditional_guest *guest);

/**
 * The configuration space has changed: read it when the driver runs next.
 * @param guest the driver
 */
void vballoon_traditional_guest_changed(struct vballoon_traditional_guest *guest);

/**
 * Do a bounded amount of work: take answers, follow the target.
 * @param guest the driver
 * @param now_ms any clock that never goes back
 * @return in how many milliseconds to call again if nothing happens before; 0 when
 *         work is left; or VBALLOON_GUEST_FOREVER
 */
uint64_t vballoon_traditional_guest_run(struct vballoon_traditional_guest *guest, uint64_t now_ms);

/**
 * The guest's memory is getting short: have some back if the device allows it, and give none
 * for ten seconds from now, or until the device wants another size. Does not wait. The device allows
 * what is in the balloon beyond what it wants, and with VIRTIO_BALLOON_F_DEFLATE_ON_OOM all of it.
 * @param guest the driver
 * @param pages of 4096 bytes that would help; 0: only give none
 * @param now_ms the time
 */
void vballoon_traditional_guest_pressure(struct vballoon_traditional_guest *guest, uint64_t pages,
					 uint64_t now_ms);

/**
 * The guest is out of memory: take what the device has answered by now or, when it is reset,
 * has no part in, and if that is not enough, tell it at once. Allocates nothing.
 * @param guest the driver
 * @param pages of 4096 bytes that would help
 * @param now_ms the time
 * @return whether pages may come within a second: wait for them with
 *         vballoon_traditional_guest_oom_waits(). false: look at returned_pages; there are no
 *         more in the balloon, the device does not allow it, or it was waited for in vain and
 *         has not answered since
 */
bool vballoon_traditional_guest_oom(struct vballoon_traditional_guest *guest, uint64_t pages,
				    uint64_t now_ms);

/**
 * As vballoon_guest_oom_waits().
 * @param guest the driver
 * @param now_ms the time
 * @return whether to wait on
 */
bool vballoon_traditional_guest_oom_waits(struct vballoon_traditional_guest *guest,
					  uint64_t now_ms);

/**
 * Use pages that are in the balloon, now, without telling the device: from any context, also
 * from an operation, an interrupt, or another processor while the driver runs. Takes no lock,
 * waits for nothing. It takes what the accepted features are: SILENT_DEFLATE, and for more than
 * the device leaves of the balloon, DEFLATE_ON_OOM. The driver hears of it when it runs next,
 * and gives none for ten seconds.
 * @param guest the driver
 * @param most units that are of use, at least 1
 * @param gpa_out where they lie; their contents are undefined
 * @return how many units in a row are the guest's now, at most @p most and 32; 0: none can be
 *         had in this way
 */
uint64_t vballoon_traditional_guest_take(struct vballoon_traditional_guest *guest, uint64_t most,
					 struct vballoon_gpa *gpa_out);

/**
 * Report the memory that is free now, once. Takes effect in vballoon_traditional_guest_run().
 * @param guest the driver
 * @return 0, also when a round is under way; -EOPNOTSUPP without VIRTIO_BALLOON_F_REPORTING or
 *         a device that runs
 */
int vballoon_traditional_guest_report(struct vballoon_traditional_guest *guest);

/**
 * @param guest the driver
 * @param status_out where to
 */
void vballoon_traditional_guest_status(const struct vballoon_traditional_guest *guest,
				       struct vballoon_traditional_guest_status *status_out);

#ifdef __cplusplus
}
#endif

#endif /* VBALLOON_TRADITIONAL_GUEST_H */
