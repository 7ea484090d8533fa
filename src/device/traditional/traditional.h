/* SPDX-License-Identifier: BSD-3-Clause */
/* The traditional balloon (virtio device 5) from inside: what its files share. */
#ifndef VBALLOON_DEVICE_TRADITIONAL_H
#define VBALLOON_DEVICE_TRADITIONAL_H

#include <vballoon/abi/traditional_balloon.h>

#include "device/core.h"

#define VBALLOON_TRAD(name) (UINT64_C(1) << VIRTIO_BALLOON_F_##name)

/* What the driver gives or takes in one message, at the most; drivers have up to 1024. */
#define VBALLOON_TRAD_ENTRIES_MAX 65536

/* No queue. */
#define VBALLOON_TRAD_NONE VBALLOON_QUEUES_MAX

/* place.c: which guest speaks, and through which queue. */

/* A queue has begun, or ended: struct vballoon_protocol. */
void vballoon_trad_queue_started(struct vballoon_device *device, unsigned int index, uint32_t next);
void vballoon_trad_queue_stopped(struct vballoon_device *device, unsigned int index, uint32_t next);
void vballoon_trad_queue_recovered(struct vballoon_device *device, unsigned int index,
				   uint32_t next);

/* In a saved state: docs/state-format.md. */
#define VBALLOON_TRAD_OWN_BYTES 32
void vballoon_trad_own_save(const struct vballoon_device *device, uint8_t *own);
bool vballoon_trad_own_makes_sense(const uint8_t *own);
void vballoon_trad_own_load(struct vballoon_device *device, const uint8_t *own);

/* Whether there is a guest that speaks: then it is known which, and the record is its. */
bool vballoon_trad_is_attended(struct vballoon_device *device);

/* The index of the queue that is VIRTIO_BALLOON_VQ_@role in the driver's numbering;
 * VBALLOON_TRAD_NONE when it has none, or has not started enough of them to tell. */
unsigned int vballoon_trad_queue(const struct vballoon_device *device, unsigned int role);

/* answer.c: struct vballoon_protocol.answer and .leave. */
bool vballoon_trad_answer(struct vballoon_device *device);
void vballoon_trad_leave(struct vballoon_device *device);

/*
 * The handlers of messages: of the chain under work, from the beginning or, after it was
 * left unfinished, from where they were. Each returns VBALLOON_OK, with work.unfinished
 * set or the message to be answered, or why the device stops.
 */

/* pages.c */
enum vballoon_violation vballoon_trad_inflate(struct vballoon_device *device,
					      struct vballoon_chain *chain);
enum vballoon_violation vballoon_trad_deflate(struct vballoon_device *device,
					      struct vballoon_chain *chain);

/* free.c */
enum vballoon_violation vballoon_trad_hint(struct vballoon_device *device,
					   struct vballoon_chain *chain);
enum vballoon_violation vballoon_trad_report(struct vballoon_device *device,
					     struct vballoon_chain *chain);

/* What free_page_hint_cmd_id is now. */
uint32_t vballoon_trad_command(const struct vballoon_device *device);

/* stats.c: look at statsq, which keeps its message until newer statistics are wanted. */
void vballoon_trad_stats_run(struct vballoon_device *device);

/* When the device wants newer statistics by itself: VBALLOON_NEVER, or by its clock. */
uint64_t vballoon_trad_stats_due_ms(const struct vballoon_device *device);

#endif /* VBALLOON_DEVICE_TRADITIONAL_H */
