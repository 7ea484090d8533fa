// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * WITHDRAW: memory comes back, for the target's sake or because the guest is out
 * of it. Allocates nothing.
 */
#include <linux/jiffies.h>

#include "vballoon.h"

/* What a guest that is out of memory asks for, and how long it waits for it. */
#define OOM_BYTES SZ_64M
#define OOM_JIFFIES HZ

static void withdraw_answered(struct vballoon *b, struct vballoon_message *message, u32 len);

void vballoon_withdraw_init(struct vballoon *b)
{
	b->withdraw.message.answered = withdraw_answered;
	b->withdraw.withdraw.msg.type = cpu_to_le32(VIRTIO_MEMORY_BALLOON_MSG_WITHDRAW);
}

/* Ask for at most @pages, but for no more than one answer may name. The message
 * is not in flight.
 * Keeps DRV-WITHDRAW-3.
 */
void vballoon_withdraw_send(struct vballoon *b, u64 pages, bool for_oom)
{
	struct vballoon_withdraw *w = &b->withdraw;
	u32 most = b->page_runs ? VIRTIO_MEMORY_BALLOON_MESSAGE_UNITS_MAX : VBALLOON_ENTRIES;

	w->most = min_t(u64, pages >> (b->unit_shift - b->page_shift), most);
	w->for_oom = for_oom;
	w->late = false;
	pages = vballoon_units_to_pages(b, w->most);
	w->withdraw.most = cpu_to_le64(pages);
	vballoon_decide_withdraw_sent(&b->decide, pages);
	vballoon_message_send(b, &w->message, &w->withdraw, sizeof(w->withdraw), w->entry,
			      sizeof(w->entry));
}

/* Check what the device hands back, all of it before any of it is used. Returns
 * the units, or -EPROTO.
 * Keeps DRV-RUNS-1, DRV-BAD-1, DRV-BAD-3, DRV-BAD-4.
 */
static s64 withdraw_check(struct vballoon *b, struct vballoon_withdraw *w, u32 count)
{
	u64 units = 0;
	u32 i;

	for (i = 0; i < count; i++) {
		if (!vballoon_entry_decode(b, le64_to_cpu(READ_ONCE(w->entry[i])), &w->runs[i]))
			return -EPROTO;
		units += w->runs[i].units;
	}
	if (units > w->most || !vballoon_pages_take(&b->pages, w->runs, count))
		return -EPROTO;
	return units;
}

/* Keeps DRV-WITHDRAW-1, DRV-WITHDRAW-8, DRV-BAD-5. */
static void withdraw_answered(struct vballoon *b, struct vballoon_message *message, u32 len)
{
	struct vballoon_withdraw *w = &b->withdraw;
	u32 count = len / sizeof(w->entry[0]);
	struct vballoon_decision next;
	unsigned int answer = 0;
	s64 units = -EPROTO;
	u32 i;

	if (len <= sizeof(w->entry) && len % sizeof(w->entry[0]) == 0)
		units = withdraw_check(b, w, count);
	if (units < 0) {
		vballoon_fail(b, "it handed back what was not in the balloon");
		return;
	}
	if (w->for_oom)
		answer |= VBALLOON_DECIDE_FOR_PRESSURE;
	if (count == VBALLOON_ENTRIES)
		answer |= VBALLOON_DECIDE_ANSWER_FULL;
	w->returned += units;
	vballoon_decide_withdraw_answered(&b->decide, vballoon_units_to_pages(b, units), answer,
					  vballoon_now_ms());
	/* The device can go on while we free. */
	next = vballoon_decide_next(&b->decide, vballoon_now_ms());
	if (next.action == VBALLOON_DECIDE_WITHDRAW)
		vballoon_withdraw_send(b, next.pages, false);
	for (i = 0; i < count; i++)
		vballoon_pages_release(&b->pages, &w->runs[i]);
}

/* Until the WITHDRAW is answered, or there is no more time. Keeps DRV-WITHDRAW-7. */
static void withdraw_wait(struct vballoon *b, unsigned long until)
{
	unsigned long now;

	for (;;) {
		reinit_completion(&b->answer);
		vballoon_answers_poll(b);
		if (!b->running || !b->withdraw.message.in_flight)
			return;
		now = jiffies;
		if (time_after_eq(now, until)) {
			b->withdraw.late = true;
			return;
		}
		mutex_unlock(&b->lock);
		wait_for_completion_timeout(&b->answer, until - now);
		mutex_lock(&b->lock);
	}
}

/*
 * The last way out before a process is killed. A WITHDRAW that is on its way
 * already is as good as one of our own; but the device is waited for in vain
 * only once.
 * Keeps DRV-BAD-8.
 */
int vballoon_oom_notify(struct notifier_block *nb, unsigned long unused, void *freed)
{
	struct vballoon *b = container_of(nb, struct vballoon, oom);
	u64 units;

	mutex_lock(&b->lock);
	units = b->withdraw.returned;
	if (b->running && b->decide.greeted) {
		u64 pages = min_t(u64, b->decide.held, OOM_BYTES >> b->page_shift);

		if (!b->withdraw.message.in_flight && pages >= vballoon_units_to_pages(b, 1))
			vballoon_withdraw_send(b, pages, true);
		if (b->withdraw.message.in_flight && !b->withdraw.late)
			withdraw_wait(b, jiffies + OOM_JIFFIES);
	}
	units = b->withdraw.returned - units;
	mutex_unlock(&b->lock);
	*(unsigned long *)freed += units << b->pages.unit_order;
	return NOTIFY_OK;
}
