/* SPDX-License-Identifier: BSD-3-Clause */
/* The portable driver from inside: what its files share. */
#ifndef VBALLOON_DRIVER_PORT_CORE_H
#define VBALLOON_DRIVER_PORT_CORE_H

#include <vballoon/guest.h>

#include "base/entry.h"
#include "driver/decide/decide.h"
#include "driver/port/features.h"
#include "driver/port/life.h"
#include "driver/port/pages.h"
#include "driver/port/ring.h"

#define FROMDEV VIRTIO_MEMORY_BALLOON_VQ_FROMDEV
#define TODEV VIRTIO_MEMORY_BALLOON_VQ_TODEV

/* Requests that the device may make before one is read. */
#define GUEST_REQUESTS 8
/* ADD messages in flight: the host works while the guest looks for pages. */
#define GUEST_ADDS 4
/* Memory that one ADD names at the most, for the same reason. */
#define GUEST_ADD_BYTES (UINT64_C(32) << 20)
/* Entries of one ADD, or of the answer to a WITHDRAW. */
#define GUEST_ENTRIES 256
#define GUEST_STATS 32

/* What the device reaches, and may write to at any moment. */
struct vballoon_guest_shared {
	_Alignas(16) unsigned char rings[VIRTIO_MEMORY_BALLOON_VQ_COUNT][GUEST_RING_BYTES];
	struct virtio_memory_balloon_req requests[GUEST_REQUESTS];
	struct {
		struct virtio_memory_balloon_hello out;
		struct virtio_memory_balloon_hello_answer in;
	} hello;
	struct {
		struct virtio_memory_balloon_msg out;
		__le64 entries[GUEST_ENTRIES];
		__u8 in[GUEST_ENTRIES];
	} adds[GUEST_ADDS];
	struct {
		struct virtio_memory_balloon_withdraw out;
		__le64 in[GUEST_ENTRIES];
	} withdraw;
	struct {
		struct virtio_memory_balloon_msg out;
		struct virtio_memory_balloon_stat stats[GUEST_STATS];
	} stats;
	struct {
		struct virtio_memory_balloon_msg out;
		struct virtio_memory_balloon_pair pairs[VBALLOON_GUEST_PAIRS];
		__u8 in[VBALLOON_GUEST_PAIRS];
	} exchange;
	struct {
		struct virtio_memory_balloon_msg out;
		__le64 entries[GUEST_ENTRIES];
		__u8 in[GUEST_ENTRIES];
	} report;
	struct virtio_memory_balloon_report_done report_done;
};

/* The messages that can be in flight, each at most once: their tokens. */
enum vballoon_guest_message {
	GUEST_HELLO,
	GUEST_WITHDRAW,
	GUEST_STATS_REPORT,
	GUEST_EXCHANGE,
	GUEST_REPORT,
	GUEST_REPORT_DONE,
	GUEST_FIRST_ADD,
	GUEST_MESSAGES = GUEST_FIRST_ADD + GUEST_ADDS,
};

struct vballoon_guest_hello {
	uint64_t epoch;
	bool due; /* once nothing else is in flight */
	bool start_over;
};

/* Our own word on what an ADD names: the device could change its bytes. */
struct vballoon_guest_add {
	uint64_t entries[GUEST_ENTRIES];
	uint32_t count;
	uint64_t units;
	bool kept; /* they have been in the balloon before */
};

struct vballoon_guest_withdraw {
	uint64_t entries[GUEST_ENTRIES]; /* copied, so that they stay as they were checked */
	uint64_t most; /* units asked for */
	uint32_t reason;
	uint64_t wanted; /* balloon pages still to be asked for because memory is short */
	uint64_t wanted_after_ms; /* not before: less was given than was asked for */
	uint64_t wait_until_ms; /* for whoever is out of memory; 0: nobody has waited for it */
	uint64_t lacking; /* balloon pages that they need more than what is in flight for another
			     reason brings */
	bool late; /* it was waited for in vain */
};

struct vballoon_guest_stats {
	bool due;
	uint32_t cookie;
	uint32_t period_ms; /* 0: none are pushed */
	uint64_t push_ms; /* the next is due then */
};

struct vballoon_guest_exchange {
	struct vballoon_guest_pair pairs[VBALLOON_GUEST_PAIRS];
	unsigned int count;
	unsigned int told; /* the guest knows of so many of them */
};

struct vballoon_guest_report {
	bool active; /* a round is under way */
	bool first; /* it has not begun to look */
	bool asked; /* by the device, as @id */
	uint64_t id;
	uint64_t left; /* units that the round may still name */
	uint64_t entries[GUEST_ENTRIES];
	uint32_t count;
};

struct vballoon_guest {
	struct vballoon_guest_life life;
	struct vballoon_guest_config config;
	struct vballoon_guest_shared *shared;
	uint64_t features; /* to be negotiated */
	struct vballoon_entry_format format;
	uint64_t add_units; /* one ADD names at the most */
	unsigned int adds_max; /* as many as todevq has room for */
	bool takes_turns; /* there is no room for an ADD and a REPORT */

	uint64_t returned; /* balloon pages that were in the balloon and are back, ever */
	uint64_t bad_pages;

	struct vballoon_decide decide;
	struct vballoon_guest_pages pages;
	struct vballoon_guest_ring rings[VIRTIO_MEMORY_BALLOON_VQ_COUNT];
	bool in_flight[GUEST_MESSAGES];
	unsigned int in_flight_count;

	struct vballoon_guest_hello hello;
	struct vballoon_guest_add adds[GUEST_ADDS];
	struct vballoon_guest_withdraw withdraw;
	struct vballoon_guest_stats stats;
	struct vballoon_guest_exchange exchange;
	struct vballoon_guest_report report;
};

static inline bool vballoon_guest_has(const struct vballoon_guest *guest, unsigned int feature)
{
	return guest->features >> feature & 1;
}

/* Whether another message than HELLO may go out. */
static inline bool vballoon_guest_may_send(const struct vballoon_guest *guest)
{
	return guest->decide.greeted && !guest->hello.due;
}

static inline uint64_t vballoon_guest_units_to_pages(const struct vballoon_guest *guest,
						     uint64_t units)
{
	return units << (guest->format.unit_shift - guest->format.page_shift);
}

static inline uint64_t vballoon_guest_pages_to_units(const struct vballoon_guest *guest,
						     uint64_t pages)
{
	return pages >> (guest->format.unit_shift - guest->format.page_shift);
}

/* guest.c */

/* The device broke its contract. Resets it; nothing that it said since counts. */
void vballoon_guest_fail(struct vballoon_guest *guest, enum vballoon_guest_failure failure);

/* These units are the guest's again. */
void vballoon_guest_give_back(struct vballoon_guest *guest, uint64_t gpa, uint64_t units,
			      enum vballoon_guest_cause cause);

/* queues.c */

/* New rings, with nothing in them. The device has been reset. */
void vballoon_guest_queues_prepare(struct vballoon_guest *guest,
				   struct vballoon_queue queues[VIRTIO_MEMORY_BALLOON_VQ_COUNT]);
/* Post all request buffers. The device runs. */
void vballoon_guest_queues_post(struct vballoon_guest *guest);
/* Take a bounded number of requests. True: there may be more. */
bool vballoon_guest_requests_poll(struct vballoon_guest *guest);
/* Take the answers that are there. */
void vballoon_guest_answers_poll(struct vballoon_guest *guest);
/* Kick what has been posted, ask for interrupts. True: there is something already. */
bool vballoon_guest_queues_settle(struct vballoon_guest *guest);
/* Make a message available: @out and @in lie in shared memory, @in_len may be 0. */
void vballoon_guest_send(struct vballoon_guest *guest, unsigned int message, const void *out,
			 size_t out_len, const void *in, size_t in_len);

/* The messages: what sends one, and what takes @written bytes of its answer. */

/* hello.c */
void vballoon_guest_hello_start(struct vballoon_guest *guest);
void vballoon_guest_hello_send(struct vballoon_guest *guest);
void vballoon_guest_hello_answered(struct vballoon_guest *guest, unsigned int message,
				   uint32_t written);

/* add.c */

/* Whether units that are not in the balloon, nor shared with the device, lie at @gpa. */
bool vballoon_guest_is_givable(const struct vballoon_guest *guest, uint64_t gpa, uint64_t units);
/* Send an ADD of at most @pages. False: all of them are in flight. */
bool vballoon_guest_add_send(struct vballoon_guest *guest, uint64_t pages);
void vballoon_guest_add_answered(struct vballoon_guest *guest, unsigned int message,
				 uint32_t written);
/* Copy @count verdicts: whether there is one on each entry. */
bool vballoon_guest_verdicts_read(const volatile __u8 *shared, uint32_t count, uint32_t written,
				  uint8_t *verdicts);
/* The device is reset: what was in flight counts as in the balloon, to be taken back. */
void vballoon_guest_adds_recall(struct vballoon_guest *guest);

/* withdraw.c */
void vballoon_guest_withdraw_send(struct vballoon_guest *guest, uint64_t pages, uint32_t reason);
void vballoon_guest_withdraw_answered(struct vballoon_guest *guest, unsigned int message,
				      uint32_t written);
/* Ask for what is wanted because memory is short, if it can be asked for now. */
void vballoon_guest_withdraw_wanted(struct vballoon_guest *guest);
/* RESIZE: what was refused may be given now. */
void vballoon_guest_withdraw_allow(struct vballoon_guest *guest);

/* stats.c */
void vballoon_guest_stats_requested(struct vballoon_guest *guest,
				    const struct virtio_memory_balloon_req *request);
/* Send what is due: how long until the next is. */
uint64_t vballoon_guest_stats_step(struct vballoon_guest *guest);
/* For messages whose answer says nothing. */
void vballoon_guest_ignore_answer(struct vballoon_guest *guest, unsigned int message,
				  uint32_t written);

/* exchange.c */
void vballoon_guest_exchange_answered(struct vballoon_guest *guest, unsigned int message,
				      uint32_t written);
/* The device is reset: what was in flight is undone. */
void vballoon_guest_exchange_recall(struct vballoon_guest *guest);

/* report.c */
void vballoon_guest_report_requested(struct vballoon_guest *guest,
				     const struct virtio_memory_balloon_req *request);
/* Go on with a round, if one is under way. */
void vballoon_guest_report_step(struct vballoon_guest *guest);
void vballoon_guest_report_answered(struct vballoon_guest *guest, unsigned int message,
				    uint32_t written);
/* The device is reset: the guest has its free memory back, and there is no round. */
void vballoon_guest_report_recall(struct vballoon_guest *guest);

#endif /* VBALLOON_DRIVER_PORT_CORE_H */
