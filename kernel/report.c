// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * REPORT: free memory that stays the guest's, as the kernel's free page reporting
 * finds it; and rounds, in which all that is free now is reported without delay.
 */
#include <linux/highmem.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/virtio_config.h>

#include "compat.h"
#include "vballoon.h"

static unsigned int report_order;
module_param(report_order, uint, 0444);
MODULE_PARM_DESC(report_order, "log2 of the pages of the least free block to report");

static unsigned int report_delay_ms;
module_param(report_delay_ms, uint, 0644);
MODULE_PARM_DESC(report_delay_ms, "how much longer than the kernel's own delay free memory waits");

static unsigned int report_pause_ms = VBALLOON_DECIDE_PRESSURE_MS;
module_param(report_pause_ms, uint, 0644);
MODULE_PARM_DESC(report_pause_ms, "how long nothing is reported after memory was short");
/* What is being reported is not to be had: whoever is out of memory must not find some of it
 * in the hands of the kernel's worker each time.
 */
#define PAUSE_MS_MIN 1000U

/* Keeps DRV-REPORT-10, DRV-ZEROED-2. */
static void report_answered(struct vballoon *b, struct vballoon_message *message, u32 len)
{
	struct vballoon_report *r = &b->report;
	struct vballoon_run run;
	u32 i;

	for (i = 0; i < r->count; i++) {
		vballoon_entry_decode(b, le64_to_cpu(r->out.entry[i]), &run);
		b->account.reported += run.units;
		r->zeroed[i] =
			i < len && READ_ONCE(r->verdict[i]) == VIRTIO_MEMORY_BALLOON_ACCEPTED;
	}
	r->count = 0;
}

static void done_answered(struct vballoon *b, struct vballoon_message *message, u32 len)
{
}

static bool can_report(const struct vballoon *b)
{
	return b->running && b->decide.greeted && !b->hello.due && !b->report.message.in_flight;
}

static unsigned int pause_left_ms(const struct vballoon *b)
{
	return vballoon_pressure_left_ms(b, max(READ_ONCE(report_pause_ms), PAUSE_MS_MIN));
}

/* How long the kernel's worker has to wait before it may report what it has found. */
static unsigned int wait_ms(const struct vballoon *b)
{
	unsigned int delay = b->report.round_due ? 0 : READ_ONCE(report_delay_ms);

	return max(delay, pause_left_ms(b));
}

/* The kernel's worker comes again only when something large becomes free. So once the wait is
 * over a round of our own reports whatever is free then. A wait that has begun gets no longer.
 */
static void wait_begin(struct vballoon *b)
{
	struct vballoon_report *r = &b->report;
	unsigned int ms = wait_ms(b);
	u64 until_ms = vballoon_now_ms() + ms;

	r->waiting = true;
	if (r->round_due || (delayed_work_pending(&r->round) && r->wait_until_ms <= until_ms))
		return;
	r->wait_until_ms = until_ms;
	mod_delayed_work(system_freezable_wq, &r->round, msecs_to_jiffies(ms));
}

/* Whoever looks after the guest may have the kernel report pieces that are smaller than a unit. */
static bool is_whole(const struct vballoon *b, const struct scatterlist *sg)
{
	return sg->length >> b->unit_shift;
}

/* The guest's allocator takes what is free for zeros, whatever became of it.
 * Keeps DRV-REPORT-3.
 */
static void clear_what_is_not(const struct vballoon *b, struct scatterlist *pages,
			      unsigned int count)
{
	const bool *zeroed = b->report.zeroed;
	struct scatterlist *sg = pages;
	unsigned int i, page;

	for (i = 0; i < count; i++, sg = sg_next(sg)) {
		if (!is_whole(b, sg) || *zeroed++)
			continue;
		for (page = 0; page < sg->length >> PAGE_SHIFT; page++)
			clear_highpage(sg_page(sg) + page);
		cond_resched();
	}
}

/* Under the lock. Returns how many entries the REPORT has, or why there is none now. */
static int report_fill(struct vballoon *b, struct scatterlist *pages, unsigned int count)
{
	struct vballoon_report *r = &b->report;
	struct scatterlist *sg = pages;
	unsigned int i;

	if (!can_report(b) || count > ARRAY_SIZE(r->out.entry)) {
		/* It does not come again by itself: go_on() sees to that. */
		if (b->running)
			r->waiting = true;
		r->round_seen = U64_MAX;
		return -EBUSY;
	}
	if (wait_ms(b)) {
		wait_begin(b);
		return -EAGAIN;
	}
	for (i = 0; i < count; i++, sg = sg_next(sg)) {
		if (is_whole(b, sg))
			r->out.entry[r->count++] = vballoon_entry_encode(
				b, sg_phys(sg) >> b->unit_shift, sg->length >> b->unit_shift);
	}
	return r->count;
}

/* Under the lock, which is dropped meanwhile. */
static int report_send(struct vballoon *b, bool must_be_zero)
{
	struct vballoon_report *r = &b->report;
	int err;

	memset(r->zeroed, 0, sizeof(r->zeroed));
	WRITE_ONCE(r->late, false);
	vballoon_message_send(b, &r->message, &r->out, offsetof(typeof(r->out), entry[r->count]),
			      r->verdict, must_be_zero ? r->count : 0);
	vballoon_message_await(b, &r->message);
	/* Reset instead of answered: they were not reported. */
	err = r->count ? -EIO : 0;
	r->count = 0;
	r->ended = get_jiffies_64();
	return err;
}

/* Called by the kernel's worker, with pages that nobody else can get meanwhile.
 * Keeps DRV-REPORT-1, DRV-REPORT-2, DRV-REPORT-9.
 */
static int report_pages(struct page_reporting_dev_info *kernel, struct scatterlist *pages,
			unsigned int count)
{
	struct vballoon *b = container_of(kernel, struct vballoon, report.kernel);
	bool must_be_zero = virtio_has_feature(b->vdev, VIRTIO_MEMORY_BALLOON_F_ZEROED);
	int entries, err;

	mutex_lock(&b->lock);
	entries = report_fill(b, pages, count);
	err = entries > 0 ? report_send(b, must_be_zero) : entries;
	mutex_unlock(&b->lock);
	/* The kernel's worker is the only one who reports: it is our own until we return. */
	if (entries > 0 && must_be_zero)
		clear_what_is_not(b, pages, count);
	return err;
}

static bool has_just_reported(struct vballoon *b)
{
	bool just;

	mutex_lock(&b->lock);
	just = time_before64(get_jiffies_64(), b->report.ended + HZ / 10);
	mutex_unlock(&b->lock);
	return just;
}

/* Not under the lock, while the guest is out of memory: what the kernel's worker has in
 * hand is missing, and free again once it is done. Under pressure it takes no more. A
 * device that is silent is waited for once. Returns whether there may be some now.
 */
bool vballoon_report_await(struct vballoon *b)
{
	struct work_struct *worker = &b->report.kernel.work.work;
	unsigned long deadline = jiffies + HZ;
	bool waited = false;

	while (work_busy(worker) & WORK_BUSY_RUNNING) {
		if (READ_ONCE(b->report.late))
			return false;
		if (time_after_eq(jiffies, deadline)) {
			WRITE_ONCE(b->report.late, true);
			return false;
		}
		schedule_timeout_uninterruptible(1);
		waited = true;
	}
	return waited || has_just_reported(b);
}

/* Has the kernel's worker done what it was last asked for? */
static bool worker_is_idle(const struct delayed_work *work)
{
	unsigned int busy = work_busy((struct work_struct *)&work->work);

	return !(busy & WORK_BUSY_RUNNING) &&
	       (!(busy & WORK_BUSY_PENDING) || timer_pending(&work->timer));
}

static void round_start(struct vballoon_report *r, bool told)
{
	r->round_due = true;
	r->round_told = told;
	r->round_seen = U64_MAX;
}

/* Under the lock. True: no more is to be reported now. */
static bool round_step(struct vballoon *b)
{
	struct vballoon_report *r = &b->report;

	if (!r->registered || pause_left_ms(b))
		return true;
	if (!worker_is_idle(&r->kernel.work))
		return false;
	if (r->round_seen == b->account.reported)
		return true;
	r->round_seen = b->account.reported;
	r->waiting = false;
	mod_delayed_work(system_freezable_wq, &r->kernel.work, 0);
	return false;
}

/* Under the lock. False: the device cannot be told yet. */
static bool round_end(struct vballoon *b)
{
	struct vballoon_report *r = &b->report;

	if (r->round_told) {
		if (r->done_message.in_flight)
			return false;
		r->done.id = cpu_to_le64(r->round_id);
		vballoon_message_send(b, &r->done_message, &r->done, sizeof(r->done), NULL, 0);
	}
	r->round_due = false;
	if (r->waiting)
		wait_begin(b);
	return true;
}

/* The kernel's worker reports some of what is free each time and then takes a rest. In
 * a round it is sent on at once, until there is no more.
 * Keeps DRV-REPORT-6, DRV-REPORT-7.
 */
static void round_work(struct work_struct *work)
{
	struct vballoon *b = container_of(to_delayed_work(work), struct vballoon, report.round);
	struct vballoon_report *r = &b->report;

	mutex_lock(&b->lock);
	if (b->running && r->waiting && !r->round_due)
		round_start(r, false);
	/* Otherwise it goes on once the device is greeted. */
	if (vballoon_may_send(b) && r->round_due && !(round_step(b) && round_end(b)))
		queue_delayed_work(system_freezable_wq, &r->round, 1);
	mutex_unlock(&b->lock);
}

static bool is_negotiated(const struct vballoon *b)
{
	return b->page_runs && virtio_has_feature(b->vdev, VIRTIO_MEMORY_BALLOON_F_REPORTING);
}

/* Under the lock: the device asks for a round, in place of one that is under way.
 * Keeps DRV-REPORT-8.
 */
void vballoon_report_begin(struct vballoon *b, u64 id)
{
	struct vballoon_report *r = &b->report;

	if (!is_negotiated(b))
		return;
	r->round_id = id;
	round_start(r, true);
	mod_delayed_work(system_freezable_wq, &r->round, 0);
}

/* Under the lock: the device is greeted. A round that was asked for before can go on, and what
 * the kernel's worker was sent away with meanwhile be reported.
 */
void vballoon_report_go_on(struct vballoon *b)
{
	if (b->report.round_due)
		mod_delayed_work(system_freezable_wq, &b->report.round, 0);
	else if (b->report.waiting)
		wait_begin(b);
}

void vballoon_report_init(struct vballoon *b)
{
	struct vballoon_report *r = &b->report;

	r->ended = get_jiffies_64() - HZ;
	r->message.answered = report_answered;
	r->done_message.answered = done_answered;
	r->out.header.type = cpu_to_le32(VIRTIO_MEMORY_BALLOON_MSG_REPORT);
	r->done.msg.type = cpu_to_le32(VIRTIO_MEMORY_BALLOON_MSG_REPORT_DONE);
	INIT_DELAYED_WORK(&r->round, round_work);
}

/* Whatever is free must fit an entry, and all that the kernel tells at a time a message.
 * Keeps DRV-MSG-3.
 */
static bool blocks_fit(const struct vballoon *b)
{
	u32 most = min_t(u32, b->run_units,
			 VIRTIO_MEMORY_BALLOON_MESSAGE_UNITS_MAX / PAGE_REPORTING_CAPACITY);

	return BIT(MAX_PAGE_ORDER - b->pages.unit_order) <= most;
}

/* The device runs. */
void vballoon_report_start(struct vballoon *b)
{
	struct vballoon_report *r = &b->report;
	unsigned int order = report_order ?: pageblock_order;
	int err;

	if (!IS_ENABLED(CONFIG_PAGE_REPORTING) || !is_negotiated(b))
		return;
	if (!blocks_fit(b)) { /* pages of 64 KiB make such */
		dev_info(&b->vdev->dev, "free memory is not reported: in too large blocks\n");
		return;
	}
	memset(&r->kernel, 0, sizeof(r->kernel));
	r->kernel.report = report_pages;
	r->kernel.order = clamp_t(unsigned int, order, b->pages.unit_order, MAX_PAGE_ORDER);
	err = page_reporting_register(&r->kernel);
	if (err) /* -EBUSY: another driver has it */
		dev_info(&b->vdev->dev, "free memory is not reported: %d\n", err);
	mutex_lock(&b->lock);
	r->registered = !err;
	mutex_unlock(&b->lock);
}

/* The device has been reset. */
void vballoon_report_stop(struct vballoon *b)
{
	struct vballoon_report *r = &b->report;
	bool registered;

	mutex_lock(&b->lock);
	registered = r->registered;
	r->registered = false;
	r->round_due = false;
	r->waiting = false;
	mutex_unlock(&b->lock);
	cancel_delayed_work_sync(&r->round);
	if (IS_ENABLED(CONFIG_PAGE_REPORTING) && registered)
		page_reporting_unregister(&r->kernel);
}
