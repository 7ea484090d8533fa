// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * EXCHANGE: pages of the driver's choice leave the balloon. The kernel takes memory
 * offline only when nobody holds any of it, so the balloon lets go of what it has there;
 * it takes as much elsewhere, since its target stays. And whoever moves single pages, to
 * make room for a large block, has each of them swapped for another.
 */
#include <linux/memory.h>
#include <linux/virtio_config.h>

#include "compat.h"
#include "vballoon.h"

/* How long the kernel waits for the device before memory stays online. */
#define OFFLINE_JIFFIES (10 * HZ)

static bool is_swap(const struct virtio_memory_balloon_pair *pair)
{
	return pair->give != cpu_to_le64(VIRTIO_MEMORY_BALLOON_GIVE_NOTHING);
}

static void pair_swapped(struct vballoon *b, const struct virtio_memory_balloon_pair *pair)
{
	struct vballoon_run run, give;

	vballoon_entry_decode(b, le64_to_cpu(pair->take), &run);
	if (!vballoon_pages_take(&b->pages, &run, 1)) {
		vballoon_fail(b, "it swapped what it had handed back before");
		return;
	}
	if (is_swap(pair)) {
		vballoon_entry_decode(b, le64_to_cpu(pair->give), &give);
		vballoon_pages_swap(&b->pages, give.unit, run.unit);
		b->account.moved++;
		return;
	}
	vballoon_pages_release(&b->pages, &run, 1);
	b->account.taken += run.units;
	vballoon_decide_taken(&b->decide, vballoon_units_to_pages(b, run.units));
}

/* Keeps DRV-EXCHANGE-2, DRV-EXCHANGE-3, DRV-EXCHANGE-7. */
static void exchange_answered(struct vballoon *b, struct vballoon_message *message, u32 len)
{
	struct vballoon_exchange *e = &b->exchange;
	u32 i;

	for (i = 0; i < e->count && !b->broken; i++) {
		u8 status = READ_ONCE(e->status[i]);

		if (i >= len || status > VIRTIO_MEMORY_BALLOON_ACCEPTED)
			vballoon_fail(b, "it answered an EXCHANGE without a verdict on every pair");
		else if (status == VIRTIO_MEMORY_BALLOON_ACCEPTED)
			pair_swapped(b, &e->out.pair[i]);
		if (e->swapped)
			*e->swapped = status == VIRTIO_MEMORY_BALLOON_ACCEPTED && !b->broken;
	}
	e->in_doubt = b->broken;
}

static bool is_negotiated(const struct vballoon *b)
{
	return virtio_has_feature(b->vdev, VIRTIO_MEMORY_BALLOON_F_EXCHANGE);
}

static bool can_exchange(const struct vballoon *b)
{
	return b->running && b->decide.greeted && !b->hello.due;
}

/* One page for another; they stay with whoever moves them until the device has said, or
 * has been reset. Who waits for it finds another's message in its place, perhaps: the
 * verdict is where nobody else's can be.
 * Keeps DRV-EXCHANGE-1, DRV-EXCHANGE-5.
 */
static int exchange_swap(struct vballoon *b, u64 to, u64 from)
{
	struct vballoon_exchange *e = &b->exchange;
	bool swapped = false;

	if (!can_exchange(b) || e->message.in_flight ||
	    !vballoon_pages_can_swap(&b->pages, to, from))
		return -EAGAIN;
	e->out.pair[0] = (struct virtio_memory_balloon_pair){
		.give = vballoon_entry_encode(b, to, 1),
		.take = vballoon_entry_encode(b, from, 1),
	};
	e->count = 1;
	e->swapped = &swapped;
	vballoon_message_send(b, &e->message, &e->out, offsetof(typeof(e->out), pair[1]), e->status,
			      1);
	vballoon_message_await(b, &e->message);
	while (e->in_doubt) {
		mutex_unlock(&b->lock);
		wait_event(b->answered, !READ_ONCE(e->in_doubt));
		mutex_lock(&b->lock);
	}
	return swapped ? 0 : -EBUSY;
}

/* Whoever has the lock waits for nothing meanwhile, least of all for memory. */
static int page_move(struct vballoon_movable *movable, struct page *to, struct page *from)
{
	struct vballoon *b = container_of(movable, struct vballoon, pages.movable);
	int err;

	mutex_lock(&b->lock);
	err = exchange_swap(b, page_to_pfn(to), page_to_pfn(from));
	mutex_unlock(&b->lock);
	return err;
}

void vballoon_exchange_init(struct vballoon *b)
{
	b->exchange.message.answered = exchange_answered;
	b->pages.movable.move = page_move;
	b->exchange.out.header.type = cpu_to_le32(VIRTIO_MEMORY_BALLOON_MSG_EXCHANGE);
}

/* The pages of the balloon may be in the way of memory that goes offline, or of a large
 * block. The kernel moves pages of its own size only.
 */
void vballoon_exchange_start(struct vballoon *b)
{
	b->pages.give_way = is_negotiated(b);
	b->pages.can_move = VBALLOON_CAN_MOVE && is_negotiated(b) && !b->pages.unit_order;
}

/* The device has been reset: what it made of a swap no longer matters. */
void vballoon_exchange_stop(struct vballoon *b)
{
	mutex_lock(&b->lock);
	b->exchange.in_doubt = false;
	mutex_unlock(&b->lock);
	wake_up_all(&b->answered);
}

/* A message of ours, or an ADD, that has to be answered first. */
static struct vballoon_message *in_the_way(struct vballoon *b)
{
	unsigned int i;

	if (b->exchange.message.in_flight)
		return &b->exchange.message;
	for (i = 0; i < b->adds; i++) {
		if (b->add[i]->message.in_flight)
			return &b->add[i]->message;
	}
	return NULL;
}

/* Ask for what is held of units [*@next, @end), as far as it goes into a message.
 * Keeps DRV-EXCHANGE-4.
 */
static bool take_send(struct vballoon *b, u64 *next, u64 end)
{
	struct vballoon_exchange *e = &b->exchange;
	struct vballoon_run run = { .unit = *next };
	u32 left = VIRTIO_MEMORY_BALLOON_MESSAGE_UNITS_MAX;

	e->count = 0;
	e->swapped = NULL;
	while (e->count < ARRAY_SIZE(e->out.pair) && left &&
	       vballoon_pages_next_held(&b->pages, run.unit, end, min(b->run_units, left), &run)) {
		e->out.pair[e->count++] = (struct virtio_memory_balloon_pair){
			.give = cpu_to_le64(VIRTIO_MEMORY_BALLOON_GIVE_NOTHING),
			.take = vballoon_entry_encode(b, run.unit, run.units),
		};
		run.unit += run.units;
		left -= run.units;
	}
	*next = run.unit;
	if (e->count)
		vballoon_message_send(b, &e->message, &e->out,
				      offsetof(typeof(e->out), pair[e->count]), e->status,
				      e->count);
	return e->count;
}

/* Take all that the balloon has of units [@unit, @end). False: some of it stays. */
static bool take_range(struct vballoon *b, u64 unit, u64 end)
{
	unsigned long until = jiffies + OFFLINE_JIFFIES;
	struct vballoon_message *message;
	u64 next = unit;
	struct vballoon_run run;

	while (can_exchange(b)) {
		unsigned long now = jiffies;

		message = in_the_way(b);
		if (!message && !take_send(b, &next, end))
			break;
		if (time_after_eq(now, until))
			return false;
		vballoon_message_wait(b, message ?: &b->exchange.message, until - now);
	}
	return !vballoon_pages_next_held(&b->pages, unit, end, 1, &run);
}

static int offline_notify(struct notifier_block *nb, unsigned long action, void *data)
{
	struct vballoon *b = container_of(nb, struct vballoon, exchange.memory);
	const struct memory_notify *memory = data;
	unsigned int order = b->pages.unit_order;
	bool clear = true;

	if (action != MEM_GOING_OFFLINE || !is_negotiated(b))
		return NOTIFY_OK;
	mutex_lock(&b->lock);
	clear = take_range(b, memory->start_pfn >> order,
			   (memory->start_pfn + memory->nr_pages) >> order);
	mutex_unlock(&b->lock);
	return clear ? NOTIFY_OK : notifier_from_errno(-EBUSY);
}

int vballoon_exchange_register(struct vballoon *b)
{
	b->exchange.memory.notifier_call = offline_notify;
	return register_memory_notifier(&b->exchange.memory);
}

void vballoon_exchange_unregister(struct vballoon *b)
{
	unregister_memory_notifier(&b->exchange.memory);
}
