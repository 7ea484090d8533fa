// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * WITHDRAW: memory comes back, for the target's sake or because the guest is out
 * of it. Allocates nothing.
 */
#include <linux/virtio_config.h>

#include "vballoon.h"

static void withdraw_answered(struct vballoon *b, struct vballoon_message *message, u32 len);

void vballoon_withdraw_init(struct vballoon *b)
{
	b->withdraw.message.answered = withdraw_answered;
	b->withdraw.withdraw.msg.type = cpu_to_le32(VIRTIO_MEMORY_BALLOON_MSG_WITHDRAW);
}

/* Ask for at most @pages, but for no more than one answer may name. The message
 * is not in flight. @reason is one of VIRTIO_MEMORY_BALLOON_WITHDRAW_*.
 * Keeps DRV-WITHDRAW-3, DRV-REASON-1, DRV-REASON-2.
 */
void vballoon_withdraw_send(struct vballoon *b, u64 pages, u32 reason)
{
	struct vballoon_withdraw *w = &b->withdraw;
	u32 most = b->page_runs ? VIRTIO_MEMORY_BALLOON_MESSAGE_UNITS_MAX : VBALLOON_ENTRIES;

	w->most = min_t(u64, pages >> (b->unit_shift - b->page_shift), most);
	w->reason = reason;
	w->late = false;
	pages = vballoon_units_to_pages(b, w->most);
	w->withdraw.most = cpu_to_le64(pages);
	if (virtio_has_feature(b->vdev, VIRTIO_MEMORY_BALLOON_F_WITHDRAW_REASON))
		w->withdraw.msg.flags = cpu_to_le32(reason);
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

	if (len <= sizeof(w->entry) && len % sizeof(w->entry[0]) == 0)
		units = withdraw_check(b, w, count);
	if (units < 0) {
		vballoon_fail(b, "it handed back what was not in the balloon");
		return;
	}
	if (w->reason != VIRTIO_MEMORY_BALLOON_WITHDRAW_TARGET)
		answer |= VBALLOON_DECIDE_FOR_PRESSURE;
	if (count == VBALLOON_ENTRIES)
		answer |= VBALLOON_DECIDE_ANSWER_FULL;
	b->account.returned[w->reason] += units;
	if (units < w->most && !(answer & VBALLOON_DECIDE_ANSWER_FULL))
		b->account.short_answers++;
	vballoon_decide_withdraw_answered(&b->decide, vballoon_units_to_pages(b, units), answer,
					  vballoon_now_ms());
	/* The device can go on while we free. */
	next = vballoon_decide_next(&b->decide, vballoon_now_ms());
	if (next.action == VBALLOON_DECIDE_WITHDRAW)
		vballoon_withdraw_send(b, next.pages, VIRTIO_MEMORY_BALLOON_WITHDRAW_TARGET);
	vballoon_pages_release(&b->pages, w->runs, count);
}
