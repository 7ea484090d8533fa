/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a device tells of itself, and of the pages that it has. Context as in vballoon/device.h;
 * nothing here changes the device.
 */
#ifndef VBALLOON_STATUS_H
#define VBALLOON_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#include <vballoon/memory.h>
#include <vballoon/policy.h>
#include <vballoon/queue.h>
#include <vballoon/types.h>
#include <vballoon/violation.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct vballoon_device;

/** Whose pages the record speaks of. */
enum vballoon_record {
	VBALLOON_RECORD_NONE, /**< no HELLO yet: nothing is known, nothing is held */
	VBALLOON_RECORD_UNPROVEN, /**< a queue was stopped since the last message */
	VBALLOON_RECORD_PROVEN, /**< the guest that speaks is the one recorded */
};

/** Why an entry was refused, or pages were not handed back. */
enum vballoon_refusal {
	VBALLOON_REFUSED_OUTSIDE_MEMORY,
	VBALLOON_REFUSED_MISALIGNED,
	VBALLOON_REFUSED_NO_RECORD, /**< before HELLO */
	VBALLOON_REFUSED_NO_HOST_MEMORY, /**< a withdraw: a run the host could not restore */
	VBALLOON_REFUSED_RING, /**< a running queue's own rings lie in it */
	VBALLOON_REFUSED_HELD, /**< given in an exchange, or reported, but in the balloon */
	VBALLOON_REFUSED_NOT_HELD, /**< taken in an exchange, but not in the balloon */
	VBALLOON_REFUSED_UNEQUAL, /**< an exchange of more units for fewer, or fewer for more */
	VBALLOON_REFUSED_POLICY, /**< taken in an exchange for nothing, against the policy */
	VBALLOON_REFUSED_TOO_MANY, /**< beyond the pairs that one message may swap, 2048 */
	VBALLOON_REFUSAL_COUNT,
};

/** Statistics that the guest last reported in answer to a request, or unasked while
 *  F_PUSH_STATS is negotiated; else such a report is ignored. A tag is present when its bit is; of one that came
 *  twice the last counts. Another guest's HELLO clears what is present. */
struct vballoon_stats {
	uint32_t present; /**< bit n: value[n] was reported */
	uint64_t value[22]; /**< by VIRTIO_MEMORY_BALLOON_S_*, in that tag's unit; those from
				 VIRTIO_MEMORY_BALLOON_S_OWN_FIRST on come behind the others */
	uint64_t reports; /**< how many reports arrived; tells a new one from an old */
};

/** Everything that an operator may want to know. Page counts are balloon pages. */
struct vballoon_status {
	uint32_t page_shift;
	uint64_t memory_pages; /**< guest memory that the device knows */
	uint64_t target_pages; /**< what the guest is to give up in all */
	uint64_t asked_pages; /**< what it is asked for now: less than the target while
				   struct vballoon_policy.inflate_rate holds it back */
	uint64_t held_pages; /**< on the record: ownership, not memory saved */
	uint64_t balloon_pages; /**< how large the balloon is: what is held; of a guest that may use
				     some of it without a word (VIRTIO_BALLOON_F_SILENT_DEFLATE) no
				     more than it says */
	uint64_t dropped_pages; /**< held, and given back to the host by drop(), or by discard() in
				     its place */
	uint64_t waiting_pages; /**< held, droppable as far as known, not yet dropped: to be
					 dropped soon, or in a host page not wholly held, or
					 the host has failed to drop them */
	bool drop_lingers; /**< some of the waiting pages may only wait for their neighbours, or for
				the driver, for some milliseconds: see vballoon_device_due_ms() */
	uint64_t kept_pages
		[VBALLOON_RECLAIMABLE_COUNT]; /**< held and not dropped, in regions that are to be
					 kept, by cause; or kept for now, while dropping is
					 inhibited or the policy keeps pages warm */
	enum vballoon_record record;
	uint64_t epoch; /**< from HELLO; 0 without a record */
	uint32_t unit_shift; /**< from HELLO; 0 without a record */
	uint64_t features; /**< negotiated */
	uint32_t stats_period_ms; /**< what vballoon_device_set_stats_period() set */
	bool stats_periodic; /**< the driver has the feature that this needs */
	uint64_t claimed_pages; /**< device 5: what the driver says is in the balloon; 0 for 13 */
	bool queue_running[VBALLOON_QUEUES_MAX];
	enum vballoon_violation violation; /**< why the device has stopped, or VBALLOON_OK */
	unsigned int violation_queue; /**< on which queue */
	bool reset_waits; /**< the driver is to be asked for a reset (13), and has posted no buffer
			       for that yet */
	/* Counters since vballoon_device_init(). */
	uint64_t hellos;
	uint64_t resets_seen; /**< times a HELLO emptied a record */
	uint64_t violations;
	uint64_t added_pages;
	uint64_t already_held_pages; /**< added again while held: accepted, once on the record */
	uint64_t returned_pages;
	uint64_t exchanged_pages; /**< came back for as many others, and are neither added nor
				       returned */
	uint64_t reported_pages; /**< named as free by the guest, and not refused; a message counts
				      once it is answered */
	uint64_t discarded_pages; /**< of those: given back to the host */
	uint64_t discard_failures; /**< times that the host could not take reported pages */
	uint64_t report_done_id; /**< the last round of vballoon_device_request_report() that
				      the guest said is over */
	uint64_t refused_entries[VBALLOON_REFUSAL_COUNT];
	uint64_t withdraws[VBALLOON_WITHDRAW_REASONS]; /**< times the guest asked for pages */
	uint64_t withdraws_refused[VBALLOON_WITHDRAW_REASONS]; /**< of those: times the policy
								    let it have fewer, or none */
	uint64_t drop_calls;
	uint64_t drop_failures;
	uint64_t restore_calls;
	uint64_t restore_failures;
	uint64_t loads; /**< times a saved state was loaded */
	int last_drop_error; /**< negative errno of the last failed drop, or 0 */
	struct vballoon_stats stats;
};

/** Why pages wait: together they are vballoon_status.waiting_pages. */
struct vballoon_waiting {
	uint64_t soon_pages; /**< to be dropped as soon as the device runs with a proven record */
	uint64_t partial_pages; /**< in host pages that are not wholly held */
	uint64_t failed_pages; /**< the host has failed to drop them; tried again when more
				    is added nearby */
};

/**
 * @param device the device
 * @param status_out where to
 */
void vballoon_device_status(const struct vballoon_device *device,
			    struct vballoon_status *status_out);

/**
 * Tell why pages wait to be dropped. Looks through the page maps: for when somebody
 * asks, not for every turn.
 * @param device the device
 * @param waiting_out where to
 */
void vballoon_device_waiting(const struct vballoon_device *device,
			     struct vballoon_waiting *waiting_out);

/**
 * Visit every run of held pages, in order of address.
 * @param device the device
 * @param visit called for each; stops when it returns false. @p dropped tells
 *        whether the run's memory was given back to the host.
 * @param context handed to @p visit
 */
void vballoon_device_each_held(const struct vballoon_device *device,
			       bool (*visit)(void *context, struct vballoon_gpa gpa, uint64_t pages,
					     bool dropped),
			       void *context);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif /* VBALLOON_STATUS_H */
