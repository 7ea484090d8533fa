/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * The memory balloon's driver: what its files share.
 *
 * One worker does everything that moves the balloon to its target. The OOM
 * notifier is the only other one who talks to the device; so the lock is never
 * held across an allocation or a wait for the device.
 */
#ifndef VBALLOON_H
#define VBALLOON_H

#include <linux/completion.h>
#include <linux/ktime.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/sizes.h>
#include <linux/virtio.h>
#include <linux/workqueue.h>

#include <driver/decide/decide.h>
#include <vballoon/abi/memory_balloon.h>

#include "pages.h"

/* Requests that the device may make before we have read one. */
#define VBALLOON_REQUESTS 8
/* ADD messages in flight: the host drops while the guest allocates. */
#define VBALLOON_ADDS 8U
/* Memory that one ADD names at the most, for the same reason. */
#define VBALLOON_ADD_BYTES SZ_32M
/* Entries of one ADD, or of the answer to a WITHDRAW. */
#define VBALLOON_ENTRIES 512

struct vballoon;

/* A todevq message. Its memory is there from the start, and used again. */
struct vballoon_message {
	void (*answered)(struct vballoon *b, struct vballoon_message *message, u32 len);
	bool in_flight;
};

struct vballoon_hello {
	struct vballoon_message message;
	struct virtio_memory_balloon_hello hello;
	struct virtio_memory_balloon_hello_answer answer;
	bool due; /* once nothing else is in flight */
};

struct vballoon_add {
	struct vballoon_message message;
	struct vballoon_run run; /* the last one, which may still grow */
	u64 units; /* in the message */
	u32 count; /* entries */
	struct {
		struct virtio_memory_balloon_msg header;
		__le64 entry[VBALLOON_ENTRIES];
	} out;
	u8 status[VBALLOON_ENTRIES];
};

struct vballoon_withdraw {
	struct vballoon_message message;
	struct virtio_memory_balloon_withdraw withdraw;
	__le64 entry[VBALLOON_ENTRIES];
	struct vballoon_run runs[VBALLOON_ENTRIES]; /* our copy, which stays as it was checked */
	u64 most; /* units asked for */
	u64 returned; /* units, ever */
	bool for_oom;
	bool late; /* an OOM has waited for it in vain */
};

struct vballoon_stats {
	struct vballoon_message message;
	unsigned int count;
	struct {
		struct virtio_memory_balloon_msg header;
		struct virtio_memory_balloon_stat stat[VIRTIO_MEMORY_BALLOON_S_COUNT];
	} out;
};

struct vballoon {
	struct virtio_device *vdev;
	struct delayed_work work; /* moves the balloon */
	struct delayed_work restart_work; /* resets the device, and starts again if it may */
	struct completion answer; /* todevq has been used */
	struct notifier_block oom;
	struct notifier_block reboot;
	u32 page_shift; /* a balloon page: targets and counts */
	u32 unit_shift; /* what an entry names */

	struct mutex lock; /* of all that follows */
	struct virtqueue *fromdevq;
	struct virtqueue *todevq;
	bool running; /* the queues may be used */
	bool leaving; /* there is no way back */
	bool broken; /* the device broke its contract: it stays reset */
	unsigned long restart_jiffies; /* not before */
	unsigned int in_flight; /* messages */
	bool page_runs; /* F_PAGE_RUNS */
	u32 run_units; /* one entry names at the most */
	u32 add_units; /* one ADD names at the most */
	unsigned int block_order; /* the largest that fits an ADD */
	struct vballoon_decide decide;
	struct vballoon_pages pages;

	struct virtio_memory_balloon_req request[VBALLOON_REQUESTS];
	struct vballoon_hello hello;
	struct vballoon_withdraw withdraw;
	struct vballoon_stats stats;
	struct vballoon_add *add[VBALLOON_ADDS];
	unsigned int adds; /* as many of them as the queue has room for */
};

static inline u64 vballoon_now_ms(void)
{
	return ktime_to_ms(ktime_get());
}

static inline u64 vballoon_units_to_pages(const struct vballoon *b, u64 units)
{
	return units << (b->unit_shift - b->page_shift);
}

/* Have the worker look after the device; from any context. */
static inline void vballoon_wake(struct vballoon *b)
{
	mod_delayed_work(system_freezable_wq, &b->work, 0);
}

/* main.c */
void vballoon_restart(struct vballoon *b);
void vballoon_fail(struct vballoon *b, const char *why);

/* queues.c */
int vballoon_queues_start(struct vballoon *b);
void vballoon_queues_post(struct vballoon *b);
void vballoon_queues_stop(struct vballoon *b);
bool vballoon_requests_poll(struct vballoon *b);
void vballoon_answers_poll(struct vballoon *b);
void vballoon_message_send(struct vballoon *b, struct vballoon_message *message, void *out,
			   size_t out_len, void *in, size_t in_len);
bool vballoon_entry_decode(const struct vballoon *b, u64 entry, struct vballoon_run *run);

/* add.c */
int vballoon_adds_init(struct vballoon *b);
void vballoon_adds_start(struct vballoon *b);
bool vballoon_add_send(struct vballoon *b, u64 pages);

/* withdraw.c */
void vballoon_withdraw_init(struct vballoon *b);
void vballoon_withdraw_send(struct vballoon *b, u64 pages, bool for_oom);
int vballoon_oom_notify(struct notifier_block *nb, unsigned long unused, void *freed);

/* resize.c */
void vballoon_resize_init(struct vballoon *b);
void vballoon_resize_start(struct vballoon *b);
void vballoon_resize_work(struct work_struct *work);

/* stats.c */
void vballoon_stats_init(struct vballoon *b);
void vballoon_stats_send(struct vballoon *b, u32 cookie);

#endif /* VBALLOON_H */
