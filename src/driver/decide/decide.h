/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * What a driver of the memory balloon does next: pure decisions.
 *
 * Shared by the Linux module, the portable driver and the simulator. Knows
 * nothing of queues, memory or clocks: the caller tells it what happened and at
 * what time, and asks what to do. Counts are balloon pages, times milliseconds
 * of any monotonic clock. No function allocates, waits or fails.
 */
#ifndef VBALLOON_DRIVER_DECIDE_H
#define VBALLOON_DRIVER_DECIDE_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdbool.h>
#include <stdint.h>
#endif

/* A short answer is final for now: this long, unless a RESIZE comes first. */
#define VBALLOON_DECIDE_RETRY_MS 1000
/* After a withdraw for pressure: no adding until it has been gone this long. */
#define VBALLOON_DECIDE_PRESSURE_MS 10000
/* wait_ms: there is nothing to do until something happens. */
#define VBALLOON_DECIDE_FOREVER (~(uint64_t)0)

enum vballoon_decide_action {
	VBALLOON_DECIDE_IDLE, /* until an event, or until wait_ms has passed */
	VBALLOON_DECIDE_ADD, /* give up to pages to the device */
	VBALLOON_DECIDE_WITHDRAW, /* ask the device for up to pages */
};

struct vballoon_decision {
	enum vballoon_decide_action action;
	uint64_t pages; /* ADD, WITHDRAW: at the most; whole units; not 0 */
	uint64_t wait_ms; /* IDLE: ask again then; or VBALLOON_DECIDE_FOREVER */
};

/* How a WITHDRAW ended: any of these, or 0. */
enum vballoon_decide_answer {
	/* It was not sent to follow the target but because the guest needed memory. */
	VBALLOON_DECIDE_FOR_PRESSURE = 1,
	/* The answer had no room for more entries: however few pages, it is not short. */
	VBALLOON_DECIDE_ANSWER_FULL = 2,
};

struct vballoon_decide {
	uint64_t unit_pages; /* what one entry names: a power of two */
	uint64_t target; /* what the device last asked for */
	uint64_t held; /* in the balloon, as the driver counts */
	uint64_t adding; /* in ADD messages that are not answered */
	uint64_t withdrawing; /* asked for in the WITHDRAW that is not answered */
	uint64_t add_after_ms; /* no adding before */
	uint64_t withdraw_after_ms; /* no following the target down before */
	bool greeted; /* HELLO is answered and agrees: adding is allowed */
};

/* A new life: after probe and after every reset. Nothing is held. @unit_pages
 * is 2^(unit_shift - page_shift); less than that is never added nor asked for. */
void vballoon_decide_init(struct vballoon_decide *decide, uint64_t unit_pages);

/* HELLO is to be said again, in the same life (REQ_HELLO): until it is answered
 * nothing new is sent. */
void vballoon_decide_ask_held(struct vballoon_decide *decide);

/* HELLO was answered with @held pages on the device's record. True: go on.
 * False: the counts differ; say HELLO again with START_OVER and, once that is
 * answered, add all pages again (vballoon_decide_start_over() first). */
bool vballoon_decide_greeted(struct vballoon_decide *decide, uint64_t held);

/* HELLO with START_OVER is to be said: the record will be empty. The driver
 * either frees its pages or adds them again; @held drops to 0. */
void vballoon_decide_start_over(struct vballoon_decide *decide);

/* The device asked for a target: clears every back-off. */
void vballoon_decide_resize(struct vballoon_decide *decide, uint64_t target);

/* An ADD of @pages was made available. */
void vballoon_decide_add_sent(struct vballoon_decide *decide, uint64_t pages);

/* It was answered: @accepted of @pages are in the balloon. */
void vballoon_decide_add_answered(struct vballoon_decide *decide, uint64_t pages, uint64_t accepted,
				  uint64_t now_ms);

/* The guest has no page to give just now. */
void vballoon_decide_no_memory(struct vballoon_decide *decide, uint64_t now_ms);

/* A WITHDRAW for at most @pages was made available. */
void vballoon_decide_withdraw_sent(struct vballoon_decide *decide, uint64_t pages);

/* It was answered with @returned pages; @answer is of enum vballoon_decide_answer. */
void vballoon_decide_withdraw_answered(struct vballoon_decide *decide, uint64_t returned,
				       unsigned int answer, uint64_t now_ms);

/* An EXCHANGE that gives nothing was carried out: @pages have left the balloon. */
void vballoon_decide_taken(struct vballoon_decide *decide, uint64_t pages);

/* The guest is under memory pressure now. */
void vballoon_decide_pressure(struct vballoon_decide *decide, uint64_t now_ms);

/* What to do at @now_ms. */
struct vballoon_decision vballoon_decide_next(const struct vballoon_decide *decide,
					      uint64_t now_ms);

#endif /* VBALLOON_DRIVER_DECIDE_H */
