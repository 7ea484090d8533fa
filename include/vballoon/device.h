/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The memory balloon device (virtio device ID 13) as a library to embed; and the traditional
 * one (ID 5), for guests that have no driver for the other.
 *
 * The device is a pure state machine over guest memory: it makes no system
 * call, allocates nothing, keeps no global state and never waits. An embedder
 *
 *   1. gives it memory of its own (vballoon_device_init) and the guest's
 *      (vballoon_device_add_region);
 *   2. tells it what the transport negotiated (vballoon_device_set_features,
 *      vballoon_device_start_queue) and answers the driver's reads of the
 *      configuration space (vballoon_device_config_space);
 *   3. calls vballoon_device_run() when the driver has kicked a queue, after a
 *      change made through this interface, and again while it says that more
 *      work is left;
 *   4. carries out its wishes: raise a queue's interrupt (ops.notify), drop or
 *      restore host memory (vballoon/reclaim.h).
 *
 * Ownership. A page is on the device's record (*held*) from the moment an ADD
 * is answered until an answer hands it back. The record is *unproven* from the
 * stop of a queue until the next message shows that it is still the same guest
 * speaking; while it is unproven nothing is dropped or handed back, because a
 * transport cannot tell a paused guest from one that was reset.
 *
 * Context. Every function on one device is called from one thread at a time,
 * and not from inside an operation of that device.
 *
 * Misbehaviour of the guest is never a return value: see vballoon_violation.
 */
#ifndef VBALLOON_DEVICE_H
#define VBALLOON_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vballoon/memory.h>
#include <vballoon/policy.h>
#include <vballoon/queue.h>
#include <vballoon/reclaim.h>
#include <vballoon/saved.h>
#include <vballoon/status.h>
#include <vballoon/types.h>
#include <vballoon/violation.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/** How the device reaches its embedder. Each is called from vballoon_device_run(), notify()
 *  from the functions of recover.h, too. */
struct vballoon_device_ops {
	/** Interrupt the driver: buffers of @p queue were used. Must not block. */
	void (*notify)(void *context, unsigned int queue);
	/** What the driver reads in the configuration space has changed: tell it, or read
	 *  it when the driver does. May be NULL, as for device 13 it never happens. */
	void (*config_changed)(void *context);
	/** The device has stopped because of @p violation on @p queue: log it, and
	 *  set DEVICE_NEEDS_RESET if the transport can. May be NULL. */
	void (*stopped)(void *context, enum vballoon_violation violation, unsigned int queue);
	/** A step of the journal was written. For an embedder whose journal does not outlive the
	 *  process by itself, and for tests that end the device here. May be NULL. Also
	 *  called from other functions than vballoon_device_run(). */
	void (*journaled)(void *context);
};

/** What a device is made of. */
struct vballoon_device_config {
	uint32_t device_id; /**< VIRTIO_MEMORY_BALLOON_ID, for which 0 will do; VIRTIO_BALLOON_ID */
	uint32_t page_shift; /**< 12 to 30; of device 5, 12 */
	uint64_t features; /**< device bits and ring bits to offer; see vballoon_device_offered() */
	const struct vballoon_device_ops *ops; /**< not NULL; outlives the device */
	const struct vballoon_reclaim_ops *reclaim; /**< NULL: nothing is ever dropped */
	const struct vballoon_memory_hooks *memory_hooks; /**< may be NULL */
	void *context; /**< handed to every operation above */
	void *journal; /**< vballoon_journal_bytes() bytes, aligned to 8, in memory that may
			    outlive the device: see vballoon/recover.h. The embedder's,
			    who does not write to it. NULL: there is none */
};

/** @return the bytes that vballoon_device_init() needs, aligned as for malloc. */
size_t vballoon_device_bytes(void);

/** @return every feature bit that this library can offer (device bits, VERSION_1,
 *          and the ring bits INDIRECT_DESC, EVENT_IDX, RING_PACKED and IN_ORDER). */
uint64_t vballoon_device_features_max(void);

/**
 * The same for either device.
 * @param device_id VIRTIO_MEMORY_BALLOON_ID or VIRTIO_BALLOON_ID
 * @return its bits; 0 when the library has no such device
 */
uint64_t vballoon_device_features_of(uint32_t device_id);

/**
 * Make a device in the caller's memory. It offers, has no memory, no queues.
 * @param storage vballoon_device_bytes() bytes, aligned as for malloc; the
 *        caller's, to be freed when the device is no longer used. There is
 *        nothing to undo: the device owns nothing.
 * @param config copied, but for what it points to
 * @param device_out the device
 * @return 0; -EINVAL for a device_id or features that the library does not have, a
 *         page_shift out of range, or no ops
 */
int vballoon_device_init(void *storage, const struct vballoon_device_config *config,
			 struct vballoon_device **device_out);

/**
 * @param device the device
 * @return the features to offer: those configured and VIRTIO_F_VERSION_1, without
 *         what the reclaim operations do not promise (vballoon/reclaim.h). Of device 5
 *         SILENT_DEFLATE is left out when MUST_TELL_HOST is offered.
 */
uint64_t vballoon_device_offered(const struct vballoon_device *device);

/**
 * Take the features that the driver has accepted. A bit whose prerequisite is
 * missing counts as not negotiated.
 * @param device the device
 * @param features the driver's choice
 * @return 0; -EINVAL when VERSION_1 is missing or a bit was not offered; -EBUSY
 *         while a queue runs and the bits would change
 */
int vballoon_device_set_features(struct vballoon_device *device, uint64_t features);

/**
 * @param device the device
 * @return how many queues it has, at the most
 */
unsigned int vballoon_device_queue_count(const struct vballoon_device *device);

/**
 * The driver reads the configuration space: struct virtio_memory_balloon_config, which is read-only
 * and constant; or struct virtio_balloon_config, then followed by vballoon_device_run(): a driver
 * that reads it has heard the answer to its last message, which device 5 may have waited for.
 * @param device the device
 * @param offset first byte
 * @param to @p len bytes; what lies beyond the configuration space reads as 0
 * @param len how many
 */
void vballoon_device_config_space(struct vballoon_device *device, uint32_t offset, void *to,
				  uint32_t len);

/**
 * The driver writes to the configuration space. What cannot be written stays as it is;
 * all of what device 13 has cannot.
 * @param device the device
 * @param offset first byte
 * @param from @p len bytes
 * @param len how many
 */
void vballoon_device_config_write(struct vballoon_device *device, uint32_t offset, const void *from,
				  uint32_t len);

/**
 * How much page map a region needs: two bits for a balloon page (held,
 * dropped) and a constant header; 64 KiB for a GiB at 4 KiB pages.
 * @param size the size of the region
 * @param page_shift log2 of the balloon page
 * @return bytes for struct vballoon_region.page_map; 0 when @p size is 0 or
 *         no multiple of a balloon page
 */
size_t vballoon_page_map_bytes(struct vballoon_bytes size, uint32_t page_shift);

/**
 * Add guest memory, also while queues run. Its pages begin in the guest.
 * @param device the device
 * @param region copied. @c host and @c page_map stay the caller's and must live
 *        until the region is removed. @c page_map is written to: aligned to 8,
 *        at least vballoon_page_map_bytes(). @c host_page_shift is at least 12.
 * @return 0; -EINVAL for an address or size that is no multiple of the balloon
 *         page, a missing or small page map, or as vballoon_memory_add()
 */
int vballoon_device_add_region(struct vballoon_device *device,
			       const struct vballoon_region *region);

/**
 * Remove guest memory, also while queues run. Its pages leave the record.
 * Afterwards the device never touches the region or its page map again.
 * @param device the device
 * @param gpa the first byte of the region
 * @return 0; -ENOENT
 */
int vballoon_device_remove_region(struct vballoon_device *device, struct vballoon_gpa gpa);

/**
 * It has turned out otherwise whether the memory of a region can be given back to the host, also
 * while queues run. Its record stays; what was dropped of it is still restored before it is
 * handed back. Followed by vballoon_device_run(), which drops what waits, if it can be.
 * @param device the device
 * @param gpa the first byte of the region
 * @param reclaimable what holds from now on
 * @return 0; -ENOENT; -EINVAL for what is no enum vballoon_reclaimable
 */
int vballoon_device_set_reclaimable(struct vballoon_device *device, struct vballoon_gpa gpa,
				    enum vballoon_reclaimable reclaimable);

/**
 * Enable a queue. Makes the record unproven, if there is one, and brings a device
 * back that a violation had stopped. A queue that is not in guest memory is the
 * guest's violation, not an error.
 *
 * The driver is asked for HELLO when it goes on with a device that has no record
 * (queue->next is not vballoon_device_queue_first()), and when it stays silent while there is something to
 * ask of it or to drop.
 * @param device the device
 * @param index VIRTIO_MEMORY_BALLOON_VQ_*; of device 5, below VBALLOON_QUEUES_MAX
 * @param queue copied
 * @return 0; -EINVAL for a bad index, size, alignment or beginning, of a split or packed
 *         queue, as was negotiated; -EBUSY when it runs
 */
int vballoon_device_start_queue(struct vballoon_device *device, unsigned int index,
				const struct vballoon_queue *queue);

/**
 * Disable a queue: its ring is not touched again until it is started. Makes the
 * record unproven, and brings a device back that a violation had stopped. No
 * drop is under way when this returns.
 * @param device the device
 * @param index VIRTIO_MEMORY_BALLOON_VQ_*; of device 5, below VBALLOON_QUEUES_MAX
 * @param next_out where to go on, for struct vballoon_queue.next; of a queue that did not run,
 *        where it was stopped last, or would begin. Not written with -EINVAL; may be NULL
 * @return 0; -EINVAL for a bad index; 0 also when it does not run
 */
int vballoon_device_stop_queue(struct vballoon_device *device, unsigned int index,
			       uint32_t *next_out);

/**
 * What struct vballoon_queue.next is for a queue that begins anew, with the features that were
 * negotiated: 0, or VBALLOON_QUEUE_FIRST_PACKED with RING_PACKED.
 * @param device the device
 * @return where to begin; another one when the features are other ones
 */
uint32_t vballoon_device_queue_first(const struct vballoon_device *device);

/**
 * A reset that the transport reports as one: stops both queues, forgets the
 * features, the record and the pending requests. The target stays.
 * @param device the device
 */
void vballoon_device_reset(struct vballoon_device *device);

/**
 * Have two devices serve one guest, which may have a driver for either. A page is in one
 * balloon at the most: what the guest gives to one of them is not the other's any more,
 * whose driver may have gone without a word. Both know the same guest memory by the same
 * addresses, have the same page_shift, and are called from one thread. One that has been
 * of another pair leaves it, and whom it leaves has none.
 *
 * Undone, with @p other NULL, before the storage of either goes.
 * @param device the device
 * @param other the other one; NULL: there is none any more
 */
void vballoon_device_pair(struct vballoon_device *device, struct vballoon_device *other);

/**
 * Bring a stopped device back without the transport: forgets the record, skips
 * what it stopped at, and asks the driver to reset (REQ_RESET). A driver that goes
 * on instead is asked for HELLO at its next message. A device that has stopped
 * because a queue is not in guest memory stays so. Followed by
 * vballoon_device_run().
 * @param device the device
 */
void vballoon_device_restart(struct vballoon_device *device);

/**
 * Drop nothing, or drop again. For as long as memory that is dropped would not be
 * given back or would be missed: above all while a device is passed through to the
 * guest, which may reach all of its memory at any time, so that the host has pinned
 * it. All else goes on: pages are added, held and handed back. What is held and not
 * dropped counts as kept (VBALLOON_KEEP_INHIBITED), and is dropped after the
 * inhibition has ended. What was dropped before stays dropped on the record.
 *
 * A new device is not inhibited; a reset does not change it. Followed by
 * vballoon_device_run().
 * @param device the device
 * @param inhibited whether nothing is to be dropped from now on
 */
void vballoon_device_inhibit(struct vballoon_device *device, bool inhibited);

/**
 * Ask the guest for a balloon of some size. Followed by vballoon_device_run().
 * @param device the device
 * @param pages the target, in balloon pages; the newest is what counts
 * @return 0; -ERANGE when it is more than the guest's memory (once known)
 */
int vballoon_device_set_target(struct vballoon_device *device, uint64_t pages);

/**
 * Ask the guest for its statistics. Followed by vballoon_device_run(); the
 * answer, if it comes, raises struct vballoon_stats.reports. Asking again before
 * that repeats the request, so that one answer is enough.
 * @param device the device
 */
void vballoon_device_request_stats(struct vballoon_device *device);

/**
 * Have the guest report its statistics unasked, every so often, and once now. It is told
 * again when another guest begins. Nothing happens while F_PUSH_STATS is not negotiated,
 * but for the one report. Followed by vballoon_device_run().
 *
 * Device 5 asks by itself, as often as that, by the time that it is told, where
 * VIRTIO_BALLOON_F_STATS_VQ is negotiated.
 * @param device the device
 * @param period_ms milliseconds, not UINT32_MAX; 0: not unasked any more. A guest of device 13
 *        does not report more often than every 250
 */
void vballoon_device_set_stats_period(struct vballoon_device *device, uint32_t period_ms);

/**
 * Ask the guest to report what memory it has free now, once, so that the host can have
 * it back. Followed by vballoon_device_run(); the round is over when struct
 * vballoon_status.report_done_id is its id. A newer one takes the place of one that is
 * under way, which then never is over.
 *
 * The guest of device 5 gives hints then, which are counted as reported; the host gets nothing,
 * as the guest may be using what it has hinted. What it reports with
 * VIRTIO_BALLOON_F_REPORTING it reports unasked.
 * @param device the device
 * @param id_out the round, never 0
 * @return 0; -EOPNOTSUPP when F_REPORTING, or VIRTIO_BALLOON_F_FREE_PAGE_HINT of device 5, is
 *         not negotiated
 */
int vballoon_device_request_report(struct vballoon_device *device, uint64_t *id_out);

/**
 * Do a bounded amount of work: answer messages, send requests, drop pages.
 * @param device the device
 * @return true when work is left: call again, after a look at other things;
 *         false when nothing is left until the driver kicks or a function of
 *         this interface is called
 */
bool vballoon_device_run(struct vballoon_device *device);

/**
 * Visit every run of pages whose contents need not travel when the guest's memory is copied
 * or saved: those that are held (DEV-STATE-7). What the guest has reported as free is not
 * among them, as it may be using it again (DEV-STATE-8). In order of address.
 *
 * The caller vouches for one thing that no back end can see: that the queues have stopped
 * because the guest was stopped, and not because its driver or the guest was reset and ran
 * on. Who has the device's status knows: DRIVER_OK is still set. After a reset these pages
 * may be in use by another kernel.
 * @param device the device, no queue of which runs
 * @param from where to begin, to go on after a visitor that had enough
 * @param visit as for vballoon_device_each_held()
 * @param context handed to @p visit
 * @return 0; -EBUSY while a queue runs; -EAGAIN when the record was not proven, or a message
 *         was in the midst, when the queues stopped: let the guest run until it is, and stop it
 *         again; -EOPNOTSUPP for a device 5 without MUST_TELL_HOST, whose driver may use a page
 *         before it says so
 */
int vballoon_device_each_skippable(const struct vballoon_device *device, struct vballoon_gpa from,
				   bool (*visit)(void *context, struct vballoon_gpa gpa,
						 uint64_t pages, bool dropped),
				   void *context);

/**
 * Write a saved state: the record, the target, what is due to the driver. Not in it are the
 * policy, the counters, and what was dropped; see docs/decisions/0024-saved-state.md. The
 * device stays as it is. Takes time in proportion to the guest's memory: some milliseconds
 * for a TiB, and for a record of single pages a few nanoseconds a page.
 * @param device the device, no queue of which runs
 * @param to where to; may be NULL with no room
 * @param room bytes there
 * @param len_out how long the state is, also with -ENOSPC
 * @return 0; -ENOSPC when there is not room enough, and then what was written means nothing;
 *         -EBUSY while a queue runs (DEV-STATE-2)
 */
int vballoon_device_save(const struct vballoon_device *device, void *to, size_t room,
			 size_t *len_out);

/**
 * Look whether this device could go on with a saved state, as far as that does not depend
 * on the guest's memory; for before that is known.
 * @param device the device
 * @param state the bytes, from anywhere: nothing in them is trusted
 * @param len how many
 * @param check_out what is wrong with the state
 * @return 0; -EINVAL
 */
int vballoon_device_load_check(const struct vballoon_device *device, const void *state, size_t len,
			       struct vballoon_saved_check *check_out);

/**
 * Go on with a saved state, in place of whatever record there is. To be called when the
 * guest's memory has been added and its features set, and before a queue is started: the
 * first queue that starts then goes on where it was. The record is unproven afterwards:
 * nothing is dropped or handed back until the guest has shown that it is the state's
 * (DEV-STATE-6). Followed, after the queues have started, by vballoon_device_run().
 * @param device the device, no queue of which runs
 * @param state the bytes, from anywhere: nothing in them is trusted
 * @param len how many
 * @param check_out what is wrong with the state
 * @return 0; -EBUSY while a queue runs; -EINVAL when something is wrong with the state, and
 *         the device is as it was. 0 also with the fault VBALLOON_SAVED_OTHER_DRIVER: then a
 *         driver has negotiated other features since, which ends a record; the target is
 *         the state's, and nothing is held.
 */
int vballoon_device_load(struct vballoon_device *device, const void *state, size_t len,
			 struct vballoon_saved_check *check_out);

/**
 * Change the policy. It holds from now on, for the guest that is there and for every
 * other; a reset does not change it. A guest that was refused pages which it could have
 * now is sent RESIZE, so that it asks again. A new device has a policy of zeros.
 * Followed by vballoon_device_run().
 * @param device the device
 * @param policy copied
 * @return 0; -EINVAL for one that makes no sense; -ERANGE for a floor above the guest's
 *         memory (once known): vballoon_policy_check() tells what is wrong
 */
int vballoon_device_set_policy(struct vballoon_device *device,
			       const struct vballoon_policy *policy);

/**
 * @param device the device
 * @param policy_out where to
 */
void vballoon_device_policy(const struct vballoon_device *device,
			    struct vballoon_policy *policy_out);

/**
 * Drop what is held and not dropped yet, once, whatever the policy says: warm pages, and
 * what the host has failed to drop. The policy stays. Nothing is dropped while that is
 * inhibited; then it is done afterwards. Followed by vballoon_device_run().
 * @param device the device
 */
void vballoon_device_drop_now(struct vballoon_device *device);

/**
 * Tell the device what time it is, before vballoon_device_run(), and before another target or
 * policy is set, from when on a pace counts. It needs it for an
 * inflate_rate, to know when the guest may be asked for more; to notice a driver that goes on
 * with a device which has no record of it, where the queues do not show it; and of device 5
 * for a period of statistics, and to ask the host again, ten times a second, for memory that it
 * did not have for a driver that takes pages back. Without the time those do not happen, that
 * driver waits until the device is run for another reason, and all else does. Told
 * the time, device 5 has single pages wait for their neighbours, for some milliseconds, before
 * they are dropped, and all of them for the driver to go on.
 * @param device the device
 * @param now_ms milliseconds of a clock that only goes forward
 */
void vballoon_device_set_time(struct vballoon_device *device, uint64_t now_ms);

/**
 * @param device the device
 * @return when, by the clock of vballoon_device_set_time(), the device wants to be told the
 *         time and run at the latest; VBALLOON_NEVER when it waits for no time. To be asked
 *         after vballoon_device_run() and after every change through this interface.
 */
uint64_t vballoon_device_due_ms(const struct vballoon_device *device);

/** @return why memory of such a region is not dropped, and what to do about it: a sentence
 *          without its full stop. */
const char *vballoon_reclaimable_text(enum vballoon_reclaimable reclaimable);

/** @return a short stable name, such as "not-shared", for programs. */
const char *vballoon_reclaimable_name(enum vballoon_reclaimable reclaimable);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif /* VBALLOON_DEVICE_H */
