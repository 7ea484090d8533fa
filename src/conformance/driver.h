/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The driver that a trial plays: messages out, answers and requests in. Whatever takes
 * longer than the patience of the trial ends it as wedged.
 */
#ifndef VBALLOON_CONFORMANCE_DRIVER_H
#define VBALLOON_CONFORMANCE_DRIVER_H

#include "conformance/trial.h"

/* Buffers that the driver keeps for requests. */
#define VBALLOON_DRIVER_REQUESTS 4U

/* The most that a message has in @writable of vballoon_driver_say(). */
#define VBALLOON_DRIVER_WRITABLE_MAX (VBALLOON_PLACE_REQUESTS - VBALLOON_PLACE_WRITABLE)

/* Both queues run on new rings: post buffers for requests. */
void vballoon_driver_begin(struct vballoon_trial *trial);

/* Make a message available and kick; nothing is waited for. */
void vballoon_driver_post(struct vballoon_trial *trial, const void *readable, uint32_t readable_len,
			  uint32_t writable_len);

/* The same on another queue. */
void vballoon_driver_post_on(struct vballoon_trial *trial, unsigned int queue, const void *readable,
			     uint32_t readable_len, uint32_t writable_len);
/* The same with the buffers of a chain. */
void vballoon_driver_post_chain(struct vballoon_trial *trial, unsigned int queue,
				const struct vballoon_driver_buffer *buffers, unsigned int count);

/* Wait for the answer to a message: how many bytes the device says it has written. */
uint32_t vballoon_driver_answer(struct vballoon_trial *trial);

/* Both of these. The answer is at layout.base + VBALLOON_PLACE_WRITABLE. */
uint32_t vballoon_driver_say(struct vballoon_trial *trial, const void *readable,
			     uint32_t readable_len, uint32_t writable_len);
const void *vballoon_driver_said(struct vballoon_trial *trial);

/* log2 of a unit that is @more shifts above a page, for HELLO. Ends the trial as skipped where
 * none may be so large. */
uint32_t vballoon_driver_unit(struct vballoon_trial *trial, uint32_t more);

/* HELLO with a new epoch, or with the last one: how many pages are held. */
uint64_t vballoon_driver_hello(struct vballoon_trial *trial, uint32_t unit_shift, uint32_t flags);
uint64_t vballoon_driver_hello_again(struct vballoon_trial *trial, uint32_t flags);

/* ADD: one verdict an entry in @verdicts, as far as there is @room. */
void vballoon_driver_add(struct vballoon_trial *trial, const uint64_t *entries, uint32_t count,
			 uint8_t *verdicts, uint32_t room);
/* One entry: its verdict. */
uint8_t vballoon_driver_add_one(struct vballoon_trial *trial, uint64_t entry);
/* @count pages from the @first on, which must be accepted. */
void vballoon_driver_give(struct vballoon_trial *trial, unsigned int first, unsigned int count);

/* WITHDRAW with room for @room entries: how many came, in @entries. */
uint32_t vballoon_driver_withdraw(struct vballoon_trial *trial, uint64_t most, uint32_t flags,
				  uint64_t *entries, uint32_t room);
/* Withdraw everything: exactly @pages pages have to come, each once. */
void vballoon_driver_take_all(struct vballoon_trial *trial, uint64_t pages);
/* The pages that an entry names. */
uint64_t vballoon_driver_entry_pages(const struct vballoon_trial *trial, uint64_t entry);

/* Wait for a request of @type; others that come first are passed over. */
void vballoon_driver_await(struct vballoon_trial *trial, uint32_t type,
			   struct virtio_memory_balloon_req *request_out);

/* Collect what the device has used next of a queue; false when nothing comes in time. */
bool vballoon_driver_collect(struct vballoon_trial *trial, unsigned int queue, uint64_t *token_out,
			     uint32_t *written_out);

/* Wait until an event descriptor is raised. */
void vballoon_driver_await_event(struct vballoon_trial *trial, int event);

/* Whether a queue's device says within @grace_ms that it has stopped: it sends RESET, raises the
 * queue's error, or has DEVICE_NEEDS_RESET in its status. */
bool vballoon_driver_is_stopped(struct vballoon_trial *trial, unsigned int queue, int grace_ms);

/* The device has to stop for what was just posted on @queue and not to answer it: it says
 * RESET, raises the queue's error, has DEVICE_NEEDS_RESET in its status, or is silent. */
void vballoon_driver_expect_stop(struct vballoon_trial *trial, unsigned int queue);

/* A device that has stopped has to say RESET. */
void vballoon_driver_expect_reset(struct vballoon_trial *trial);

/* Nothing may come from @queue for the trial's grace. */
void vballoon_driver_expect_silence(struct vballoon_trial *trial, unsigned int queue);

#endif /* VBALLOON_CONFORMANCE_DRIVER_H */
