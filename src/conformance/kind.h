/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What sets one balloon apart from the other, for the parts of the suite that are the same
 * for both: a trial, its plan, rings, and front ends.
 */
#ifndef VBALLOON_CONFORMANCE_KIND_H
#define VBALLOON_CONFORMANCE_KIND_H

#include "conformance/trial.h"

/* The most pages of vballoon_kind.work(); as many are given by a driver's main job. */
#define VBALLOON_WORK_PAGES 16U

struct vballoon_kind {
	uint32_t device_id;
	unsigned int queue_count; /* at the most */
	uint64_t features; /* of the device's own, those that a plan varies */
	bool numberings; /* there are two for its queues */
	bool requests; /* its first queue is the device's, to ask with */
	bool reaches_high; /* it names pages so that the layout's fourth region proves it */
	/* Ask a back end, over a new connection, for what of the facts is not features: 0 or
	 * a negative errno. */
	int (*survey)(struct vballoon_link *link, struct vballoon_facts *facts);
	/* The queues that the trial's driver has: a bit for each index. */
	uint32_t (*queues)(const struct vballoon_trial *trial);
	/* What a driver does when its queues run; then what it says first. */
	void (*begin)(struct vballoon_trial *trial);
	void (*greet)(struct vballoon_trial *trial);
	/* Say that what was before is over; and give pages and take them back. */
	void (*start_over)(struct vballoon_trial *trial);
	void (*work)(struct vballoon_trial *trial, unsigned int pages);
};

extern const struct vballoon_kind vballoon_kind_memory, vballoon_kind_traditional;

/* The kind of a virtio device ID; NULL when it is neither. */
const struct vballoon_kind *vballoon_kind_of(uint32_t device_id);

/* What may be negotiated or not, as --features and the pairs have it. */
static inline uint64_t vballoon_kind_varied(const struct vballoon_kind *kind)
{
	return kind->features | VBALLOON_VIRTIO_INDIRECT_DESC | VBALLOON_VIRTIO_EVENT_IDX |
	       VBALLOON_VIRTIO_IN_ORDER;
}

/* Read @size bytes at the beginning of the configuration space, over a new connection: 0 or a
 * negative errno. */
int vballoon_kind_ask_config(struct vballoon_link *link, void *config_out, uint32_t size);

#endif /* VBALLOON_CONFORMANCE_KIND_H */
