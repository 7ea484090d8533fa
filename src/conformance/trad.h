/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The driver of the traditional balloon that a trial plays, and what it can see of its own
 * memory. A role is one of VIRTIO_BALLOON_VQ_*; at which index its queue is depends on what was
 * negotiated and on the trial's numbering.
 */
#ifndef VBALLOON_CONFORMANCE_TRAD_H
#define VBALLOON_CONFORMANCE_TRAD_H

#include <vballoon/abi/traditional_balloon.h>

#include "conformance/driver.h"

#define VBALLOON_TRAD_F(name) VBALLOON_BIT(VIRTIO_BALLOON_F_##name)

#define INFLATE VIRTIO_BALLOON_VQ_INFLATE
#define DEFLATE VIRTIO_BALLOON_VQ_DEFLATE

/* How a message ended. A device may stop for one that means nothing, or pass over what is wrong
 * in it; it may not do neither. */
enum vballoon_trad_end {
	VBALLOON_TRAD_ANSWERED,
	VBALLOON_TRAD_STOPPED,
	VBALLOON_TRAD_SILENT, /* and this is for the case to judge */
};

/* Whether the trial's driver has the queue; and at which index it is then. */
bool vballoon_trad_has(const struct vballoon_trial *trial, unsigned int role);
unsigned int vballoon_trad_index(const struct vballoon_trial *trial, unsigned int role);

/* Wait for the answer to a message, and see that nothing was written into it. */
void vballoon_trad_answer(struct vballoon_trial *trial, unsigned int role);

/* The same for a message for which the device may stop as well, and need not say so. */
enum vballoon_trad_end vballoon_trad_settle(struct vballoon_trial *trial, unsigned int role);

/* Say page numbers, as they are, and wait for the answer. */
void vballoon_trad_post(struct vballoon_trial *trial, unsigned int role, const uint32_t *pfns,
			unsigned int count);
void vballoon_trad_say(struct vballoon_trial *trial, unsigned int role, const uint32_t *pfns,
		       unsigned int count);

/* Give, or take back, @count pages from @gpa on, the last one first, as Linux does. */
void vballoon_trad_give(struct vballoon_trial *trial, uint64_t gpa, unsigned int count);
void vballoon_trad_take(struct vballoon_trial *trial, uint64_t gpa, unsigned int count);

/* Say that @bytes from @gpa on are free, through VIRTIO_BALLOON_VQ_REPORTING, or as a hint. */
void vballoon_trad_name(struct vballoon_trial *trial, unsigned int role, uint64_t gpa,
			uint32_t bytes);

/* Give and take back @count pages, and see that those that came back are the driver's. */
void vballoon_trad_work(struct vballoon_trial *trial, unsigned int count);

static inline uint32_t vballoon_trad_pfn(uint64_t gpa)
{
	return (uint32_t)(gpa >> VIRTIO_BALLOON_PFN_SHIFT);
}

/* Wait until the device has nothing to do at once any more. */
void vballoon_trad_quiesce(struct vballoon_trial *trial);

/* Wait until it has done what it will ever do with what it was given. */
void vballoon_trad_lapse(struct vballoon_trial *trial);

/* Fill memory, and tell the first byte that has another value; UINT64_MAX: none. */
void vballoon_trad_fill(struct vballoon_trial *trial, uint64_t gpa, uint64_t bytes, int with);
uint64_t vballoon_trad_changed(struct vballoon_trial *trial, uint64_t gpa, uint64_t bytes,
			       int with);
/* Fail when there is one. */
void vballoon_trad_expect(struct vballoon_trial *trial, uint64_t gpa, uint64_t bytes, int with,
			  const char *what);

/* Wait until the host holds no more than @most bytes of the guest's memory. */
bool vballoon_trad_shrinks(struct vballoon_trial *trial, uint64_t most, int timeout_ms);

/* End the trial as skipped unless a page that is given goes to the host, which a device need not
 * do. The host holds all of a few pages from @gpa on afterwards. */
void vballoon_trad_needs_drop(struct vballoon_trial *trial, uint64_t gpa);

#endif /* VBALLOON_CONFORMANCE_TRAD_H */
