// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * The worker that moves the balloon to its target, and HELLO, which comes before
 * all else.
 */
#include <linux/jiffies.h>
#include <linux/random.h>
#include <linux/virtio_config.h>

#include "vballoon.h"

/* Pages that came back while the kernel was about to move them are free soon after. */
#define SWEEP_MS 10

static void hello_answered(struct vballoon *b, struct vballoon_message *message, u32 len);

/* Keeps DRV-HELLO-4. */
void vballoon_resize_init(struct vballoon *b)
{
	b->hello.message.answered = hello_answered;
	b->hello.hello.msg.type = cpu_to_le32(VIRTIO_MEMORY_BALLOON_MSG_HELLO);
	b->hello.hello.unit_shift = cpu_to_le32(b->unit_shift);
}

/* Keeps DRV-HELLO-5, DRV-HELLO-9. */
static void hello_send(struct vballoon *b)
{
	b->hello.due = false;
	vballoon_message_send(b, &b->hello.message, &b->hello.hello, sizeof(b->hello.hello),
			      &b->hello.answer, sizeof(b->hello.answer));
}

/* A new life of the device. HELLO is the first message of it.
 * Keeps DRV-HELLO-1, DRV-HELLO-2, DRV-HELLO-3.
 */
void vballoon_resize_start(struct vballoon *b)
{
	vballoon_decide_init(&b->decide, vballoon_units_to_pages(b, 1));
	b->hello.hello.epoch = cpu_to_le64(get_random_u64());
	b->hello.hello.msg.flags = 0;
	hello_send(b);
}

/* Keeps DRV-MSG-4, DRV-HELLO-7, DRV-BAD-10, DRV-BAD-11. */
static void hello_answered(struct vballoon *b, struct vballoon_message *message, u32 len)
{
	struct vballoon_hello *h = &b->hello;
	u64 held = le64_to_cpu(READ_ONCE(h->answer.held));

	if (len < sizeof(h->answer)) {
		vballoon_fail(b, "it answered HELLO with too few bytes");
		return;
	}
	if (vballoon_decide_greeted(&b->decide, held)) {
		h->hello.msg.flags = 0;
		vballoon_report_go_on(b);
		return;
	}
	if (h->hello.msg.flags) {
		vballoon_fail(b, "it did not start over when told to");
		return;
	}
	dev_info(&b->vdev->dev, "the device's record has %llu of %llu pages: starting over\n", held,
		 b->decide.held);
	vballoon_decide_start_over(&b->decide);
	vballoon_pages_keep_all(&b->pages);
	h->hello.msg.flags = cpu_to_le32(VIRTIO_MEMORY_BALLOON_HELLO_START_OVER);
	h->due = true;
}

/* One step towards the target. Returns how long the next can wait, in ms.
 * Keeps DRV-REQ-10.
 */
static u64 resize_step(struct vballoon *b)
{
	struct vballoon_decision next;

	if (b->hello.due) {
		if (!b->in_flight)
			hello_send(b);
		return VBALLOON_DECIDE_FOREVER;
	}
	next = vballoon_decide_next(&b->decide, vballoon_now_ms());
	/* What was kept to be added again, and is not now, is of no use here. */
	if (b->decide.greeted && next.action != VBALLOON_DECIDE_ADD)
		vballoon_pages_release_kept(&b->pages);
	switch (next.action) {
	case VBALLOON_DECIDE_ADD:
		return vballoon_add_send(b, next.pages) ? 0 : VBALLOON_DECIDE_FOREVER;
	case VBALLOON_DECIDE_WITHDRAW:
		vballoon_withdraw_send(b, next.pages, VIRTIO_MEMORY_BALLOON_WITHDRAW_TARGET);
		return VBALLOON_DECIDE_FOREVER;
	default:
		return next.wait_ms;
	}
}

/* Not under the lock: there are transports that allocate memory to read the status. */
static bool needs_reset(struct vballoon *b)
{
	return atomic_xchg(&b->config_changed, 0) &&
	       b->vdev->config->get_status(b->vdev) & VIRTIO_CONFIG_S_NEEDS_RESET;
}

/* A bounded piece of work; whatever is left is queued again behind others. */
void vballoon_resize_work(struct work_struct *work)
{
	struct vballoon *b = container_of(to_delayed_work(work), struct vballoon, work);
	u64 wait_ms = VBALLOON_DECIDE_FOREVER;
	bool reset = needs_reset(b);

	mutex_lock(&b->lock);
	if (reset && b->running) {
		dev_warn(&b->vdev->dev, "the device needs a reset: resetting it\n");
		vballoon_restart(b);
	}
	if (vballoon_requests_poll(b))
		wait_ms = 0;
	vballoon_answers_poll(b);
	vballoon_stats_step(b);
	if (b->running)
		wait_ms = min(wait_ms, resize_step(b));
	if (vballoon_pages_sweep(&b->pages))
		wait_ms = min_t(u64, wait_ms, SWEEP_MS);
	/* An interrupt may have queued the work for now: that stays. Less than a jiffy is one, or the
	 * work would go round until it has passed.
	 */
	if (b->running && wait_ms != VBALLOON_DECIDE_FOREVER)
		queue_delayed_work(b->wq, &b->work, msecs_to_jiffies(min_t(u64, wait_ms, INT_MAX)));
	mutex_unlock(&b->lock);
}
