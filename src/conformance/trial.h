/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One run of one case against a back end, over a connection of its own. What a case
 * finds wrong ends the trial at once: vballoon_trial_fail() does not return, and
 * nothing that a case uses is left to clean up.
 */
#ifndef VBALLOON_CONFORMANCE_TRIAL_H
#define VBALLOON_CONFORMANCE_TRIAL_H

#include <setjmp.h>

#include <vballoon/abi/memory_balloon.h>

#include "conformance/case.h"
#include "conformance/subject.h"
#include "front_end/front_end.h"

#define VBALLOON_BIT(n) (UINT64_C(1) << (n))
#define VBALLOON_F(name) VBALLOON_BIT(VIRTIO_MEMORY_BALLOON_F_##name)

/* Feature bits of virtio that are not a device's own. */
#define VBALLOON_VIRTIO_INDIRECT_DESC VBALLOON_BIT(28)
#define VBALLOON_VIRTIO_EVENT_IDX VBALLOON_BIT(29)
#define VBALLOON_VIRTIO_VERSION_1 VBALLOON_BIT(32)
#define VBALLOON_VIRTIO_ACCESS_PLATFORM VBALLOON_BIT(33)
#define VBALLOON_VIRTIO_RING_PACKED VBALLOON_BIT(34)
#define VBALLOON_VIRTIO_IN_ORDER VBALLOON_BIT(35)

#define VBALLOON_DEVICE_FEATURES UINT64_C(0x3f) /* F_PAGE_RUNS to F_ZEROED */

#define FROMDEVQ VIRTIO_MEMORY_BALLOON_VQ_FROMDEV
#define TODEVQ VIRTIO_MEMORY_BALLOON_VQ_TODEV

/* What a back end has said of itself, once, before the first trial. */
struct vballoon_facts {
	const struct vballoon_kind *kind; /* which balloon it is */
	uint64_t features; /* offered */
	uint64_t protocol_features;
	uint64_t queues;
	struct virtio_memory_balloon_config
		config; /* in the host's byte order; of device 5 its page */
};

/* What is negotiated, if it is offered. */
struct vballoon_setting {
	uint64_t features; /* the device's and virtio's */
	bool packed;
	bool dense; /* queues that were not negotiated have no number: device 5 */
	int patience_ms; /* the longest that the peer may think */
	int grace_ms; /* how long silence is listened to */
};

/* Guest addresses. The guest's own lies first, then its balloon; a second region adjoins
 * the first, and after a hole there is a third. All sizes are in bytes. */
struct vballoon_layout {
	uint64_t base;
	uint64_t balloon; /* the first page that may be in the balloon; aligned to all units */
	uint64_t seam; /* where the second region begins */
	uint64_t hole; /* where it ends */
	uint64_t island; /* where the third begins */
	uint64_t end;
	uint64_t high; /* and a fourth for device 5, at an address of 44 bits */
	uint64_t page; /* of a balloon page */
};

/* Places in the guest's own memory, from layout.base on. The rings are at 0. */
#define VBALLOON_PLACE_READABLE 0x10000U
#define VBALLOON_PLACE_WRITABLE 0xa0000U
#define VBALLOON_PLACE_REQUESTS 0x110000U
#define VBALLOON_PLACE_TABLE 0x120000U
#define VBALLOON_PLACE_END 0x200000U

/* The largest unit that a case has is so many shifts above a page. */
#define VBALLOON_UNIT_MORE_MAX 2U

/* The guest's memory begins here, whatever the device. */
#define VBALLOON_BASE UINT64_C(0x40000000)

struct vballoon_trial {
	const struct vballoon_facts *facts;
	const struct vballoon_setting *setting;
	struct vballoon_subject *subject;
	struct vballoon_layout layout;
	uint64_t features; /* negotiated */
	uint64_t protocol_features;
	struct vballoon_front_end front_end;
	bool open;
	bool dense; /* as in the setting, or as a case wants it */
	uint32_t host_shift; /* as the case wants it */
	uint32_t bases[VBALLOON_FRONT_QUEUES_MAX]; /* where its queues were stopped */
	uint64_t epoch; /* of the last HELLO */
	uint32_t unit_shift;
	jmp_buf ended;
	enum vballoon_outcome outcome;
	char why[512];
};

/* Stop the queues that run; have them go on where they were stopped. */
void vballoon_trial_stop_queues(struct vballoon_trial *trial);
void vballoon_trial_go_on(struct vballoon_trial *trial);

/* End the back end, at once or as a service is ended, and start it again: the guest's memory and its
 * rings are as they were, its queues are stopped. Ends the trial as skipped when it was not
 * started here. */
void vballoon_trial_restart_subject(struct vballoon_trial *trial, bool at_once);

/* Connect, and go to @stage. Ends the trial when the back end does not go along. */
void vballoon_trial_connect(struct vballoon_trial *trial);
void vballoon_trial_negotiate(struct vballoon_trial *trial, uint64_t features);
/* With no buffer for requests; and with them. */
void vballoon_trial_start_queues(struct vballoon_trial *trial);
void vballoon_trial_start(struct vballoon_trial *trial);
void vballoon_trial_reach(struct vballoon_trial *trial, enum vballoon_stage stage);
void vballoon_trial_disconnect(struct vballoon_trial *trial);

/* Run a case: its outcome, and why in @trial->why. What it has left of the connection is
 * left to vballoon_trial_revive(). */
enum vballoon_outcome vballoon_trial_run(struct vballoon_trial *trial,
					 const struct vballoon_case *row);

/* Stop and start both queues, or connect again, and do a small main job: whether the back
 * end still serves a driver that keeps the rules. When not, @trial->why says so. */
bool vballoon_trial_revive(struct vballoon_trial *trial, bool reconnect);

/* End the trial. */
_Noreturn void vballoon_trial_end(struct vballoon_trial *trial, enum vballoon_outcome outcome,
				  const char *format, ...) __attribute__((format(printf, 3, 4)));

#define vballoon_trial_fail(trial, ...) vballoon_trial_end(trial, VBALLOON_FAIL, __VA_ARGS__)
#define vballoon_require(trial, condition, ...)                                                    \
	do {                                                                                       \
		if (!(condition))                                                                  \
			vballoon_trial_fail(trial, __VA_ARGS__);                                   \
	} while (0)

/* What a function of the front end has returned: ends the trial when it is an error. */
void vballoon_trial_check(struct vballoon_trial *trial, int ret, const char *what);

static inline bool vballoon_trial_has(const struct vballoon_trial *trial, uint64_t features)
{
	return (trial->features & features) == features;
}

/* Guest memory at @gpa, which is there. */
unsigned char *vballoon_trial_at(struct vballoon_trial *trial, uint64_t gpa);

/* The @index-th page of the balloon. */
static inline uint64_t vballoon_trial_page(const struct vballoon_trial *trial, uint64_t index)
{
	return trial->layout.balloon + index * trial->layout.page;
}

#endif /* VBALLOON_CONFORMANCE_TRIAL_H */
