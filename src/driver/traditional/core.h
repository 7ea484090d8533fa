/* SPDX-License-Identifier: BSD-3-Clause */
/* The driver of the traditional balloon from inside: what its files share. */
#ifndef VBALLOON_DRIVER_TRADITIONAL_CORE_H
#define VBALLOON_DRIVER_TRADITIONAL_CORE_H

#include <vballoon/traditional_guest.h>

#include "driver/decide/decide.h"
#include "driver/port/features.h"
#include "driver/port/life.h"
#include "driver/port/ring.h"
#include "driver/traditional/pool.h"

/* Pages that one message names: 2 MiB of them. */
#define TRADITIONAL_PFNS 512
/* Messages to inflate in flight: the host works while the guest looks for pages. */
#define TRADITIONAL_INFLATES 4
/* Blocks of free memory that one report names: one descriptor each. */
#define TRADITIONAL_BLOCKS GUEST_QUEUE_SIZE
/* Queues that are used, by VIRTIO_BALLOON_VQ_*. */
#define TRADITIONAL_QUEUES VIRTIO_BALLOON_VQ_MAX

/* What the device reaches. It reads pfns and stats, and writes nothing but the rings. */
struct vballoon_traditional_shared {
	_Alignas(16) unsigned char rings[TRADITIONAL_QUEUES][GUEST_RING_BYTES];
	__le32 inflates[TRADITIONAL_INFLATES][TRADITIONAL_PFNS];
	__le32 deflate[TRADITIONAL_PFNS];
	struct virtio_balloon_stat stats[VIRTIO_BALLOON_S_NR];
};

/* Our own word on what a message names: the first page of each unit. */
struct vballoon_traditional_message {
	bool in_flight;
	uint32_t count; /* units */
	uint32_t pfns[TRADITIONAL_PFNS];
};

struct vballoon_traditional_deflate {
	struct vballoon_traditional_message message;
	bool for_pressure;
	uint64_t wanted; /* pages still to be had back because memory is short */
	uint64_t wait_until_ms; /* for whoever is out of memory; 0: nobody has waited for it */
	bool late; /* it was waited for in vain */
	uint64_t returned; /* pages that are back by this way or by a reset, ever */
};

struct vballoon_traditional_report {
	bool active; /* a round is under way */
	bool first; /* it has not begun to look */
	bool in_flight;
	uint64_t left; /* units that the round may still name */
	unsigned int count;
	struct {
		struct vballoon_gpa gpa;
		uint64_t units;
	} blocks[TRADITIONAL_BLOCKS];
};

struct vballoon_traditional_guest {
	struct vballoon_guest_life life;
	struct vballoon_traditional_guest_config config;
	struct vballoon_traditional_shared *shared;
	uint64_t features; /* to be negotiated */
	unsigned int queue_index[TRADITIONAL_QUEUES]; /* numbers, by VIRTIO_BALLOON_VQ_* */
	uint32_t queue_size[TRADITIONAL_QUEUES]; /* 0: not used */
	uint64_t bad_pages;

	struct vballoon_decide decide;
	bool changed; /* the configuration space, perhaps */
	uint32_t actual; /* as it was last written */
	uint32_t target; /* decide.target, for whoever takes pages; atomic */
	struct vballoon_traditional_pool pool;
	uint32_t taken; /* pages without a word, ever, by 2^32; atomic */
	uint32_t taken_seen; /* of them: those that decide knows of */
	uint64_t taken_ever;
	struct vballoon_guest_ring rings[TRADITIONAL_QUEUES];

	struct vballoon_traditional_message inflates[TRADITIONAL_INFLATES];
	struct vballoon_traditional_deflate deflate;
	struct vballoon_traditional_report report;
};

static inline bool vballoon_traditional_has(const struct vballoon_traditional_guest *guest,
					    unsigned int feature)
{
	return guest->features >> feature & 1;
}

static inline uint64_t
vballoon_traditional_unit_pages(const struct vballoon_traditional_guest *guest)
{
	return UINT64_C(1) << (guest->config.unit_shift - VIRTIO_BALLOON_PFN_SHIFT);
}

/* guest.c */
void vballoon_traditional_fail(struct vballoon_traditional_guest *guest,
			       enum vballoon_guest_failure failure);
/* Whether units that are not in the balloon, nor shared with the device, lie at @gpa. */
bool vballoon_traditional_is_givable(const struct vballoon_traditional_guest *guest, uint64_t gpa,
				     uint64_t units);
/* Units that may come back for the guest's own sake: those that the device does not want in the
 * balloon, and with DEFLATE_ON_OOM all of them. */
uint64_t vballoon_traditional_spare_units(const struct vballoon_traditional_guest *guest);

/* queues.c */

/* Which queues there are: false: the device lacks one. */
bool vballoon_traditional_queues_find(struct vballoon_traditional_guest *guest);
/* New rings, with nothing in them: how many. */
unsigned int vballoon_traditional_queues_prepare(
	struct vballoon_traditional_guest *guest,
	struct vballoon_traditional_guest_queue queues[TRADITIONAL_QUEUES]);
/* Take the answers that are there. */
void vballoon_traditional_answers_poll(struct vballoon_traditional_guest *guest);
/* Kick what has been posted, ask for interrupts. True: there is something already. */
bool vballoon_traditional_queues_settle(struct vballoon_traditional_guest *guest);
/* Make a message of @count buffers available. */
void vballoon_traditional_post(struct vballoon_traditional_guest *guest, unsigned int role,
			       const struct vballoon_driver_buffer *buffers, unsigned int count,
			       uint64_t token);
/* The same with @len readable bytes of shared memory. */
void vballoon_traditional_send(struct vballoon_traditional_guest *guest, unsigned int role,
			       const void *out, size_t len, uint64_t token);

/* message.c */

/* A unit more. There is room for it. */
void vballoon_traditional_message_append(struct vballoon_traditional_guest *guest,
					 struct vballoon_traditional_message *message, uint64_t gpa,
					 uint64_t units);
/* Units that it has room for. */
uint64_t vballoon_traditional_message_room(const struct vballoon_traditional_guest *guest,
					   const struct vballoon_traditional_message *message);
/* Write it to @shared: its length in bytes. */
size_t vballoon_traditional_message_write(const struct vballoon_traditional_guest *guest,
					  const struct vballoon_traditional_message *message,
					  __le32 *shared);
/* Hand what it names to @take, in runs, and have it empty. */
void vballoon_traditional_message_empty(struct vballoon_traditional_guest *guest,
					struct vballoon_traditional_message *message,
					void (*take)(struct vballoon_traditional_guest *guest,
						     uint64_t gpa, uint64_t units));

/* inflate.c */

/* Send a message of at most @pages. False: all of them are in flight. */
bool vballoon_traditional_inflate_send(struct vballoon_traditional_guest *guest, uint64_t pages);
void vballoon_traditional_inflate_answered(struct vballoon_traditional_guest *guest,
					   uint64_t token);
/* The device is reset: what was in flight counts as in the balloon, to be taken back. */
void vballoon_traditional_inflate_recall(struct vballoon_traditional_guest *guest);

/* deflate.c */

/* Tell the device of at most @pages. */
void vballoon_traditional_deflate_send(struct vballoon_traditional_guest *guest, uint64_t pages,
				       bool for_pressure);
void vballoon_traditional_deflate_answered(struct vballoon_traditional_guest *guest,
					   uint64_t token);
/* Have back what is wanted because memory is short, if it may be now. */
void vballoon_traditional_deflate_wanted(struct vballoon_traditional_guest *guest);
void vballoon_traditional_deflate_recall(struct vballoon_traditional_guest *guest);
/* Count what was taken without a word. */
void vballoon_traditional_deflate_absorb(struct vballoon_traditional_guest *guest);

/* stats.c: the one message of statistics, which the device keeps until it wants newer ones. */
void vballoon_traditional_stats_send(struct vballoon_traditional_guest *guest);
void vballoon_traditional_stats_used(struct vballoon_traditional_guest *guest, uint64_t token);

/* report.c */
void vballoon_traditional_report_step(struct vballoon_traditional_guest *guest);
void vballoon_traditional_report_answered(struct vballoon_traditional_guest *guest, uint64_t token);
void vballoon_traditional_report_recall(struct vballoon_traditional_guest *guest);

#endif /* VBALLOON_DRIVER_TRADITIONAL_CORE_H */
