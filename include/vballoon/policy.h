/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Host policy: what the host makes of a balloon, changeable at any moment.
 *
 * What becomes of held pages, how a guest that asks for memory is answered, and how
 * fast a balloon grows: set with vballoon_device_set_policy(). A deadline for a
 * new target is the embedder's to keep, with what is at the end of this header.
 *
 * Pure: no clock, no system call. Times are milliseconds of any clock that only
 * goes forward, and are handed in.
 */
#ifndef VBALLOON_POLICY_H
#define VBALLOON_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/** A time that does not come. */
#define VBALLOON_NEVER UINT64_MAX

/** What becomes of held pages. */
enum vballoon_policy_pages {
	VBALLOON_PAGES_EAGER, /**< given back to the host at once */
	VBALLOON_PAGES_WARM, /**< kept as they are, for a fast return, until
				  vballoon_device_drop_now() or until they are eager */
	VBALLOON_PAGES_COUNT,
};

/** Why a driver asks for pages (wire format, F_WITHDRAW_REASON). One that does not say
 *  why asks for the target's sake. */
enum vballoon_withdraw_reason {
	VBALLOON_WITHDRAW_TARGET, /**< to follow the target */
	VBALLOON_WITHDRAW_PRESSURE, /**< its memory is under pressure */
	VBALLOON_WITHDRAW_OOM, /**< it is about to kill a process */
	VBALLOON_WITHDRAW_REASONS,
};

/** How it is answered. */
enum vballoon_policy_answer {
	VBALLOON_POLICY_GRANT, /**< with what it asks for */
	VBALLOON_POLICY_FLOOR, /**< likewise, but the floor stays in the balloon */
	VBALLOON_POLICY_REFUSE, /**< with nothing */
	VBALLOON_POLICY_ANSWERS,
};

/** A policy. All zeros: eager, every request granted, no limit. */
struct vballoon_policy {
	enum vballoon_policy_pages pages;
	enum vballoon_policy_answer withdraw[VBALLOON_WITHDRAW_REASONS];
	uint64_t floor_bytes; /**< of the balloon, for VBALLOON_POLICY_FLOOR; rounded up to
				   balloon pages */
	uint64_t inflate_rate; /**< how fast the balloon is asked to grow, in bytes a second;
				    at least a balloon page; 0: without limit */
};

/** What is wrong with a policy. */
enum vballoon_policy_fault {
	VBALLOON_POLICY_SOUND,
	VBALLOON_POLICY_UNKNOWN_VALUE, /**< no such value of an enum */
	VBALLOON_POLICY_NO_FLOOR, /**< an answer goes down to a floor of 0 */
	VBALLOON_POLICY_OOM_STRICTER, /**< out of memory is answered more strictly than pressure */
	VBALLOON_POLICY_SLOW, /**< inflate_rate is less than a balloon page a second */
	VBALLOON_POLICY_FLOOR_HIGH, /**< the floor is above the guest's memory */
	VBALLOON_POLICY_FAULTS,
};

/**
 * See whether a policy makes sense.
 * @param policy the policy
 * @param page_shift log2 of the balloon page in bytes
 * @param memory_bytes the guest's memory; 0 while it is not known
 * @return what is wrong first, or VBALLOON_POLICY_SOUND
 */
enum vballoon_policy_fault vballoon_policy_check(const struct vballoon_policy *policy,
						 uint32_t page_shift, uint64_t memory_bytes);

/** @return what is wrong and what to do about it, a sentence. */
const char *vballoon_policy_fault_text(enum vballoon_policy_fault fault);

/** @return a short stable name, such as "warm", for programs; NULL for no such value. */
const char *vballoon_policy_pages_name(enum vballoon_policy_pages pages);

/** @return a short stable name, such as "refuse", for programs; NULL for no such value. */
const char *vballoon_policy_answer_name(enum vballoon_policy_answer answer);

/** @return a short stable name, such as "oom", for programs; NULL for no such value. */
const char *vballoon_withdraw_reason_name(enum vballoon_withdraw_reason reason);

/** The longest deadline, a day. */
#define VBALLOON_DEADLINE_MS_MAX (UINT64_C(24) * 60 * 60 * 1000)

/** What has become of a deadline. */
enum vballoon_deadline_state {
	VBALLOON_DEADLINE_NONE, /**< there is none */
	VBALLOON_DEADLINE_RUNNING,
	VBALLOON_DEADLINE_MET, /**< the balloon got there in time */
	VBALLOON_DEADLINE_KEPT, /**< it did not: what was reached is the target now */
	VBALLOON_DEADLINE_REVERTED, /**< it did not: the target is the previous one */
};

/** A deadline for a target. Zero-initialised: none. */
struct vballoon_deadline {
	enum vballoon_deadline_state state;
	bool reverts; /**< else keeps */
	uint64_t due_ms; /**< when it passes, while it runs */
	uint64_t previous_pages; /**< the target to go back to */
};

/**
 * Begin a deadline, in place of any other.
 * @param deadline the deadline
 * @param now_ms the time
 * @param within_ms how long it is, from 1 to VBALLOON_DEADLINE_MS_MAX
 * @param reverts whether a balloon that is late goes back to @p previous_pages; else
 *        it keeps what it has
 * @param previous_pages the target before the one that this is for
 * @return 0; -ERANGE for a length that is none, with the deadline unchanged
 */
int vballoon_deadline_begin(struct vballoon_deadline *deadline, uint64_t now_ms, uint64_t within_ms,
			    bool reverts, uint64_t previous_pages);

/**
 * Look what has become of a deadline. To be called when the balloon may have changed,
 * and at vballoon_deadline_due_ms().
 * @param deadline the deadline
 * @param now_ms the time
 * @param target_pages the target
 * @param held_pages what is in the balloon. Where there is no driver it is 0, and a caller
 *        that goes on to serve one does better to keep the target than to set 0
 * @param target_out when it has just passed in vain: the target to set now
 * @return whether @p target_out was written
 */
bool vballoon_deadline_look(struct vballoon_deadline *deadline, uint64_t now_ms,
			    uint64_t target_pages, uint64_t held_pages, uint64_t *target_out);

/**
 * @param deadline the deadline
 * @return when to look at the latest, by the clock of vballoon_deadline_begin(); VBALLOON_NEVER
 *         when none runs
 */
uint64_t vballoon_deadline_due_ms(const struct vballoon_deadline *deadline);

/**
 * @param state one of the enumeration
 * @return a short stable name, such as "kept", for programs
 */
const char *vballoon_deadline_state_name(enum vballoon_deadline_state state);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif /* VBALLOON_POLICY_H */
