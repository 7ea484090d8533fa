// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Memory comes back because the guest is short of it: asked for while processes wait
 * for memory to be reclaimed, and once more before one of them is killed.
 */
#include <linux/jiffies.h>
#include <linux/oom.h>
#include <linux/sched.h>
#include <linux/shrinker.h>
#include <linux/vmstat.h>

#include "compat.h"
#include "vballoon.h"

/* What is asked for at a time; an eighth of what is in the balloon, or a unit, if that is more. */
#define STEP_BYTES SZ_64M
/* How long one who is out of memory waits for it. */
#define OOM_JIFFIES HZ
/* And then, if that was in vain, for the memory of others. */
#define OTHERS_JIFFIES (HZ / 25)
/* Less than that comes and goes. */
#define OTHERS_BYTES SZ_1M
/* The shrinker names no more objects than so many steps. Reclaim has to want an eighth
 * of them, or of a smaller balloon all, before the shrinker is called: that is when it
 * hardly finds anything else. Until then caches go first.
 */
#define COUNTED_STEPS 8

static u64 step_pages(const struct vballoon *b)
{
	u64 held = b->decide.held;
	u64 step = max_t(u64, STEP_BYTES >> b->page_shift, vballoon_units_to_pages(b, 1));

	return min(held, max(held / 8, step));
}

/* Under the lock. From here on inflating pauses. */
void vballoon_pressure_note(struct vballoon *b)
{
	b->pressure.noted_ms = vballoon_now_ms();
	vballoon_decide_pressure(&b->decide, b->pressure.noted_ms);
}

/* Under the lock: how much of @ms is left since the guest was last short of memory. */
unsigned int vballoon_pressure_left_ms(const struct vballoon *b, unsigned int ms)
{
	u64 since = vballoon_now_ms() - b->pressure.noted_ms;

	return b->pressure.noted_ms && since < ms ? ms - since : 0;
}

static bool can_ask(const struct vballoon *b)
{
	return b->running && b->decide.greeted && !b->withdraw.message.in_flight &&
	       b->decide.held >= vballoon_units_to_pages(b, 1);
}

/* Reclaim in the background is no pressure, nor is somebody who drops caches by hand, without
 * PF_MEMALLOC; nor what inflating itself has reclaimed: the balloon would take with one hand
 * what it gives with the other.
 */
static bool is_pressure(const struct vballoon *b)
{
	return (current->flags & (PF_MEMALLOC | PF_KSWAPD)) == PF_MEMALLOC &&
	       READ_ONCE(b->filler) != current;
}

static unsigned long pressure_count(struct shrinker *shrinker, struct shrink_control *sc)
{
	struct vballoon *b = vballoon_shrinker_data(shrinker);

	/* A hint: no lock is taken for it. */
	if (!is_pressure(b) || !READ_ONCE(b->running))
		return 0;
	return min_t(u64, READ_ONCE(b->decide.held) << b->page_shift >> PAGE_SHIFT,
		     COUNTED_STEPS * (STEP_BYTES >> PAGE_SHIFT));
}

/* Waits for nobody: the memory comes with the answer. */
static unsigned long pressure_scan(struct shrinker *shrinker, struct shrink_control *sc)
{
	struct vballoon *b = vballoon_shrinker_data(shrinker);

	if (!mutex_trylock(&b->lock))
		return SHRINK_STOP;
	vballoon_pressure_note(b);
	/* What was refused, or only just given, is not asked for again at once. */
	if (can_ask(b) && time_after_eq64(get_jiffies_64(), b->pressure.ask_after)) {
		b->pressure.ask_after =
			get_jiffies_64() + msecs_to_jiffies(VBALLOON_DECIDE_RETRY_MS);
		vballoon_withdraw_send(b, step_pages(b), VIRTIO_MEMORY_BALLOON_WITHDRAW_PRESSURE);
	}
	mutex_unlock(&b->lock);
	return SHRINK_STOP;
}

/* The kernel looked for memory before it called us, and kills somebody without looking again.
 * While we wait for the device a process that was killed before may come to its end: then it
 * no longer counts, and its memory is free, or nearly so.
 */
static bool others_freed(unsigned long free)
{
	unsigned long enough = free + (OTHERS_BYTES >> PAGE_SHIFT);
	unsigned long until = jiffies + OTHERS_JIFFIES;

	while (global_zone_page_state(NR_FREE_PAGES) < enough && time_before(jiffies, until))
		schedule_timeout_uninterruptible(1);
	return global_zone_page_state(NR_FREE_PAGES) >= enough;
}

/* Under the lock, which is dropped meanwhile. A device that is silent is waited for only once.
 * Returns whether there was anything to wait for.
 */
static bool withdraw_await(struct vballoon *b, unsigned long until)
{
	unsigned long now = jiffies;

	if (!b->withdraw.message.in_flight || b->withdraw.late)
		return false;
	b->withdraw.late = !vballoon_message_wait(b, &b->withdraw.message,
						  time_before(now, until) ? until - now : 0);
	return true;
}

/*
 * The last way out before a process is killed. A WITHDRAW that is on its way
 * already may bring enough; what it was refused for another reason may be given
 * for this one.
 * Keeps DRV-WITHDRAW-7, DRV-BAD-8.
 */
static int oom_notify(struct notifier_block *nb, unsigned long unused, void *freed)
{
	struct vballoon *b = container_of(nb, struct vballoon, pressure.oom);
	unsigned long free = global_zone_page_state(NR_FREE_PAGES);
	bool asked = false;
	unsigned long until;
	u64 units;

	mutex_lock(&b->lock);
	until = jiffies + OOM_JIFFIES;
	units = b->pages.freed;
	if (b->running && b->decide.greeted) {
		vballoon_pressure_note(b);
		/* The device has no part in that. */
		vballoon_pages_release_kept(&b->pages);
		if (b->withdraw.reason != VIRTIO_MEMORY_BALLOON_WITHDRAW_OOM)
			asked = withdraw_await(b, until);
		/* Without reasons it would be refused again. */
		if (b->pages.freed == units && can_ask(b) &&
		    (!asked ||
		     virtio_has_feature(b->vdev, VIRTIO_MEMORY_BALLOON_F_WITHDRAW_REASON)))
			vballoon_withdraw_send(b, step_pages(b),
					       VIRTIO_MEMORY_BALLOON_WITHDRAW_OOM);
		asked |= withdraw_await(b, until);
	}
	units = b->pages.freed - units;
	mutex_unlock(&b->lock);
	*(unsigned long *)freed += units << b->pages.unit_order;
	if (!units && (vballoon_report_await(b) || (asked && others_freed(free))))
		*(unsigned long *)freed += 1;
	return NOTIFY_OK;
}

int vballoon_pressure_register(struct vballoon *b)
{
	struct shrinker *shrinker;
	int err;

	b->pressure.ask_after = get_jiffies_64();
	b->pressure.oom.notifier_call = oom_notify;
	err = register_oom_notifier(&b->pressure.oom);
	if (err)
		return err;
	shrinker = vballoon_shrinker_register(b, "virtio-memory-balloon", pressure_count,
					      pressure_scan, STEP_BYTES >> PAGE_SHIFT);
	if (IS_ERR(shrinker)) {
		unregister_oom_notifier(&b->pressure.oom);
		return PTR_ERR(shrinker);
	}
	b->pressure.shrinker = shrinker;
	return 0;
}

void vballoon_pressure_unregister(struct vballoon *b)
{
	vballoon_shrinker_unregister(b->pressure.shrinker);
	unregister_oom_notifier(&b->pressure.oom);
}
