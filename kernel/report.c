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

static bool can_report(struct vballoon *b)
{
	return b->running && b->decide.greeted && !b->hello.due && !vballoon_pressure_is_on(b) &&
	       !b->report.message.in_flight;
}

/* The guest's allocator takes what is free for zeros, whatever became of it.
 * Keeps DRV-REPORT-3.
 */
static void clear_what_is_not(const struct vballoon_report *r, struct scatterlist *pages,
			      unsigned int count)
{
	struct scatterlist *sg = pages;
	unsigned int i, page;

	for (i = 0; i < count; i++, sg = sg_next(sg)) {
		for (page = 0; !r->zeroed[i] && page < sg->length >> PAGE_SHIFT; page++)
			clear_highpage(sg_page(sg) + page);
		cond_resched();
	}
}

/* Called by the kernel's worker, with pages that nobody else can get meanwhile.
 * Keeps DRV-REPORT-1, DRV-REPORT-2, DRV-REPORT-9.
 */
static int report_pages(struct page_reporting_dev_info *kernel, struct scatterlist *pages,
			unsigned int count)
{
	struct vballoon *b = container_of(kernel, struct vballoon, report.kernel);
	bool must_be_zero = virtio_has_feature(b->vdev, VIRTIO_MEMORY_BALLOON_F_ZEROED);
	struct vballoon_report *r = &b->report;
	struct scatterlist *sg = pages;
	int err = 0;
	unsigned int i;

	mutex_lock(&b->lock);
	if (!can_report(b) || count > ARRAY_SIZE(r->out.entry)) {
		mutex_unlock(&b->lock);
		return -EBUSY;
	}
	for (i = 0; i < count; i++, sg = sg_next(sg))
		r->out.entry[i] = vballoon_entry_encode(b, sg_phys(sg) >> b->unit_shift,
							sg->length >> b->unit_shift);
	r->count = count;
	memset(r->zeroed, 0, sizeof(r->zeroed));
	vballoon_message_send(b, &r->message, &r->out, offsetof(typeof(r->out), entry[count]),
			      r->verdict, must_be_zero ? count : 0);
	vballoon_message_await(b, &r->message);
	/* Reset instead of answered: they were not reported. */
	if (r->count)
		err = -EIO;
	r->count = 0;
	r->ended = jiffies;
	mutex_unlock(&b->lock);
	/* The kernel's worker is the only one who reports: it is our own until we return. */
	if (must_be_zero)
		clear_what_is_not(r, pages, count);
	return err;
}

/* Not under the lock, while the guest is out of memory: what the kernel's worker has in
 * hand is missing, and free again once it is done. Under pressure it takes no more.
 * Returns whether there may be some now.
 */
bool vballoon_report_await(struct vballoon *b)
{
	struct work_struct *worker = &b->report.kernel.work.work;
	unsigned long deadline = jiffies + HZ;
	bool waited = false;

	while ((work_busy(worker) & WORK_BUSY_RUNNING) && time_before(jiffies, deadline)) {
		schedule_timeout_uninterruptible(1);
		waited = true;
	}
	return waited || time_before(jiffies, READ_ONCE(b->report.ended) + HZ / 10);
}

/* Has the kernel's worker done what it was last asked for? */
static bool worker_is_idle(const struct delayed_work *work)
{
	unsigned int busy = work_busy((struct work_struct *)&work->work);

	return !(busy & WORK_BUSY_RUNNING) &&
	       (!(busy & WORK_BUSY_PENDING) || timer_pending(&work->timer));
}

/* The kernel's worker reports some of what is free each time and then takes a rest. In
 * a round it is sent on at once, until there is no more.
 * Keeps DRV-REPORT-6, DRV-REPORT-7.
 */
static void round_work(struct work_struct *work)
{
	struct vballoon *b = container_of(to_delayed_work(work), struct vballoon, report.round);
	struct vballoon_report *r = &b->report;
	bool over;

	mutex_lock(&b->lock);
	if (!b->running || !r->round_due)
		goto unlock;
	if (!r->registered || vballoon_pressure_is_on(b)) {
		over = true;
	} else if (!worker_is_idle(&r->kernel.work)) {
		over = false;
	} else {
		over = r->round_seen == b->account.reported;
		r->round_seen = b->account.reported;
		if (!over)
			mod_delayed_work(system_freezable_wq, &r->kernel.work, 0);
	}
	if (over && !r->done_message.in_flight && !b->hello.due) {
		r->round_due = false;
		r->done.id = cpu_to_le64(r->round_id);
		vballoon_message_send(b, &r->done_message, &r->done, sizeof(r->done), NULL, 0);
	} else {
		queue_delayed_work(system_freezable_wq, &r->round, 1);
	}
unlock:
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
	r->round_due = true;
	r->round_seen = U64_MAX;
	mod_delayed_work(system_freezable_wq, &r->round, 0);
}

void vballoon_report_init(struct vballoon *b)
{
	struct vballoon_report *r = &b->report;

	r->ended = jiffies - HZ;
	r->message.answered = report_answered;
	r->done_message.answered = done_answered;
	r->out.header.type = cpu_to_le32(VIRTIO_MEMORY_BALLOON_MSG_REPORT);
	r->done.msg.type = cpu_to_le32(VIRTIO_MEMORY_BALLOON_MSG_REPORT_DONE);
	INIT_DELAYED_WORK(&r->round, round_work);
}

/* The device runs. */
void vballoon_report_start(struct vballoon *b)
{
	struct vballoon_report *r = &b->report;
	unsigned int order = report_order ?: pageblock_order;
	int err;

	if (!IS_ENABLED(CONFIG_PAGE_REPORTING) || !is_negotiated(b))
		return;
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
	mutex_unlock(&b->lock);
	cancel_delayed_work_sync(&r->round);
	if (IS_ENABLED(CONFIG_PAGE_REPORTING) && registered)
		page_reporting_unregister(&r->kernel);
}
