/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * The memory balloon's driver: what its files share.
 *
 * One worker does everything that moves the balloon to its target. Others talk to
 * the device when the kernel calls them: for want of memory, to report free memory,
 * to take memory offline. So the lock is never held across an allocation or a wait
 * for the device.
 */
#ifndef VBALLOON_H
#define VBALLOON_H

#include <linux/atomic.h>
#include <linux/ktime.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/page_reporting.h>
#include <linux/sizes.h>
#include <linux/virtio.h>
#include <linux/wait.h>
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
/* Pairs of one EXCHANGE. */
#define VBALLOON_PAIRS 64
/* Reasons of a WITHDRAW. */
#define VBALLOON_REASONS 3

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
	u32 reason; /* VIRTIO_MEMORY_BALLOON_WITHDRAW_* */
	u64 most; /* units asked for */
	bool late; /* an OOM has waited for it in vain */
};

struct vballoon_pressure {
	struct shrinker *shrinker;
	struct notifier_block oom;
	u64 ask_after; /* jiffies, of which 32 bits are too few: weeks may pass in between */
	u64 noted_ms; /* when the guest was last short of memory; 0: never */
};

/* What somebody in the guest has read from /proc/pressure/memory for us. */
struct vballoon_psi {
	u64 written; /* jiffies */
	bool known;
	u64 some_us, full_us;
};

struct vballoon_stats {
	struct vballoon_message message;
	struct delayed_work push;
	u32 period_ms; /* 0: nothing is pushed */
	bool due; /* the device has asked, as @cookie */
	u32 cookie;
	struct vballoon_psi psi;
	unsigned int count;
	struct {
		struct virtio_memory_balloon_msg header;
		struct virtio_memory_balloon_stat
			stat[VIRTIO_MEMORY_BALLOON_S_COUNT + VIRTIO_MEMORY_BALLOON_S_OWN_COUNT];
	} out;
};

struct vballoon_report {
	struct vballoon_message message; /* REPORT */
	u32 count; /* entries that are not answered */
	struct {
		struct virtio_memory_balloon_msg header;
		__le64 entry[PAGE_REPORTING_CAPACITY];
	} out;
	u8 verdict[PAGE_REPORTING_CAPACITY]; /* with F_ZEROED alone */
	bool zeroed[PAGE_REPORTING_CAPACITY]; /* what became of the entries of the last one */
	struct page_reporting_dev_info kernel;
	bool registered; /* with the kernel; by whoever starts and stops the device */

	struct vballoon_message done_message; /* REPORT_DONE */
	struct virtio_memory_balloon_report_done done;
	struct delayed_work round;
	bool round_due; /* one is under way */
	bool round_told; /* the device has asked for it, and is told when it is over */
	bool waiting; /* the kernel's worker had something to report, and was sent away */
	u64 wait_until_ms; /* if the round is queued for that */
	u64 round_id;
	u64 round_seen; /* units reported when the kernel's worker was last sent on */
	u64 ended; /* jiffies: the last one */
	bool late; /* an OOM has waited in vain for the one that is under way */
};

struct vballoon_exchange {
	struct vballoon_message message;
	struct notifier_block memory;
	u32 count; /* pairs */
	struct {
		struct virtio_memory_balloon_msg header;
		struct virtio_memory_balloon_pair pair[VBALLOON_PAIRS];
	} out;
	u8 status[VBALLOON_PAIRS];
	bool *swapped; /* where whoever has a page swapped wants to know it; NULL: pages are taken */
	bool in_doubt; /* the device has to be reset before its pages can be used */
};

/* What the balloon has done, for those who look after the guest. Units, ever. */
struct vballoon_account {
	u64 added;
	u64 refused;
	u64 returned[VBALLOON_REASONS];
	u64 taken; /* of our choice, by EXCHANGE */
	u64 moved; /* swapped for others */
	u64 reported;
	u64 short_answers; /* WITHDRAW answers that gave less than was asked for */
	u64 restarts; /* of the device */
};

struct vballoon {
	struct virtio_device *vdev;
	struct workqueue_struct *wq; /* goes on when memory is exhausted */
	struct delayed_work work; /* moves the balloon */
	struct delayed_work restart_work; /* resets the device, and starts again if it may */
	wait_queue_head_t answered; /* todevq has been used, or is gone */
	atomic_t answers; /* how often */
	atomic_t config_changed; /* the device has said so, of its status perhaps */
	struct notifier_block reboot;
	struct notifier_block sleep;
	struct mutex restart_lock; /* who stops the device and starts it again; before the other */
	struct vballoon_pressure pressure;
	u32 page_shift; /* a balloon page: targets and counts */
	u32 unit_shift; /* what an entry names */

	struct mutex lock; /* of all that follows */
	struct virtqueue *fromdevq;
	struct virtqueue *todevq;
	bool running; /* the queues may be used */
	bool leaving; /* there is no way back */
	bool broken; /* the device broke its contract: it stays reset */
	u64 restart_jiffies; /* not before */
	struct task_struct *filler; /* who allocates for the balloon */
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
	struct vballoon_report report;
	struct vballoon_exchange exchange;
	struct vballoon_account account;
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

/* Under the lock: may another message than HELLO go out? Keeps DRV-HELLO-6. */
static inline bool vballoon_may_send(const struct vballoon *b)
{
	return b->running && b->decide.greeted && !b->hello.due;
}

/* Have the worker look after the device; from any context. */
static inline void vballoon_wake(struct vballoon *b)
{
	mod_delayed_work(b->wq, &b->work, 0);
}

/* main.c */
void vballoon_restart(struct vballoon *b);
void vballoon_fail(struct vballoon *b, const char *why);

/* queues.c */
int vballoon_queues_start(struct vballoon *b);
void vballoon_queues_post(struct vballoon *b);
void vballoon_queues_stop(struct vballoon *b);
bool vballoon_requests_poll(struct vballoon *b);
bool vballoon_answers_poll(struct vballoon *b);
void vballoon_message_send(struct vballoon *b, struct vballoon_message *message, void *out,
			   size_t out_len, void *in, size_t in_len);
bool vballoon_message_wait(struct vballoon *b, struct vballoon_message *message,
			   unsigned long jiffies_at_most);
void vballoon_message_await(struct vballoon *b, struct vballoon_message *message);
__le64 vballoon_entry_encode(const struct vballoon *b, u64 unit, u32 units);
bool vballoon_entry_decode(const struct vballoon *b, u64 entry, struct vballoon_run *run);

/* add.c */
int vballoon_adds_init(struct vballoon *b);
void vballoon_adds_start(struct vballoon *b);
bool vballoon_add_send(struct vballoon *b, u64 pages);

/* withdraw.c */
void vballoon_withdraw_init(struct vballoon *b);
void vballoon_withdraw_send(struct vballoon *b, u64 pages, u32 reason);

/* pressure.c */
int vballoon_pressure_register(struct vballoon *b);
void vballoon_pressure_unregister(struct vballoon *b);
void vballoon_pressure_note(struct vballoon *b);
unsigned int vballoon_pressure_left_ms(const struct vballoon *b, unsigned int ms);

/* resize.c */
void vballoon_resize_init(struct vballoon *b);
void vballoon_resize_start(struct vballoon *b);
void vballoon_resize_work(struct work_struct *work);

/* stats.c */
void vballoon_stats_init(struct vballoon *b);
void vballoon_stats_start(struct vballoon *b);
void vballoon_stats_stop(struct vballoon *b);
void vballoon_stats_request(struct vballoon *b, u32 cookie);
void vballoon_stats_step(struct vballoon *b);
void vballoon_stats_set_period(struct vballoon *b, u32 period_ms);
int vballoon_psi_parse(struct vballoon_psi *psi, const char *text);

/* report.c */
void vballoon_report_init(struct vballoon *b);
void vballoon_report_start(struct vballoon *b);
void vballoon_report_stop(struct vballoon *b);
bool vballoon_report_await(struct vballoon *b);
void vballoon_report_begin(struct vballoon *b, u64 id);
void vballoon_report_go_on(struct vballoon *b);

/* exchange.c */
void vballoon_exchange_init(struct vballoon *b);
void vballoon_exchange_start(struct vballoon *b);
void vballoon_exchange_stop(struct vballoon *b);
int vballoon_exchange_register(struct vballoon *b);
void vballoon_exchange_unregister(struct vballoon *b);

/* account.c */
extern const struct attribute_group *vballoon_account_groups[];

#endif /* VBALLOON_H */
