// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * ADD: memory goes into the balloon.
 */
#include <linux/log2.h>
#include <linux/slab.h>

#include "compat.h"
#include "vballoon.h"

static void add_answered(struct vballoon *b, struct vballoon_message *message, u32 len);

int vballoon_adds_init(struct vballoon *b)
{
	unsigned int i;

	for (i = 0; i < VBALLOON_ADDS; i++) {
		b->add[i] = devm_kzalloc(&b->vdev->dev, sizeof(*b->add[i]), GFP_KERNEL);
		if (!b->add[i])
			return -ENOMEM;
		b->add[i]->message.answered = add_answered;
		b->add[i]->out.header.type = cpu_to_le32(VIRTIO_MEMORY_BALLOON_MSG_ADD);
	}
	return 0;
}

/* How much an entry and a message may name depends on what was negotiated.
 * Keeps DRV-MSG-3.
 */
void vballoon_adds_start(struct vballoon *b)
{
	u32 block_units;

	b->page_runs = virtio_has_feature(b->vdev, VIRTIO_MEMORY_BALLOON_F_PAGE_RUNS);
	b->add_units = max_t(u32, VBALLOON_ADD_BYTES >> b->unit_shift, 1);
	if (b->page_runs) {
		b->run_units = BIT(b->page_shift);
		block_units = min(b->add_units, b->run_units);
	} else {
		b->run_units = 1;
		b->add_units = min_t(u32, b->add_units, VBALLOON_ENTRIES);
		block_units = b->add_units;
	}
	b->block_order =
		min_t(unsigned int, MAX_PAGE_ORDER, b->pages.unit_order + ilog2(block_units));
}

static struct vballoon_add *add_find_free(struct vballoon *b)
{
	unsigned int i;

	for (i = 0; i < b->adds; i++) {
		if (!b->add[i]->message.in_flight)
			return b->add[i];
	}
	return NULL;
}

/* Write the last run out as entries. Keeps DRV-RUNS-2, DRV-RUNS-3. */
static void add_close_run(struct vballoon *b, struct vballoon_add *add)
{
	struct vballoon_run *run = &add->run;
	u32 units;

	while (run->units) {
		units = min(run->units, b->run_units);
		add->out.entry[add->count++] = vballoon_entry_encode(b, run->unit, units);
		run->unit += units;
		run->units -= units;
	}
}

/* Is there room for another block, come what may of the last run? */
static bool add_has_room(struct vballoon *b, struct vballoon_add *add, u32 block_units)
{
	u32 entries = b->page_runs ? 2 : add->run.units + block_units;

	return add->count + entries <= VBALLOON_ENTRIES;
}

static void add_block(struct vballoon *b, struct vballoon_add *add,
		      const struct vballoon_run *block)
{
	struct vballoon_run *run = &add->run;

	add->units += block->units;
	if (run->units && run->units + block->units <= b->run_units) {
		if (run->unit + run->units == block->unit) {
			run->units += block->units;
			return;
		}
		if (block->unit + block->units == run->unit) {
			run->unit = block->unit;
			run->units += block->units;
			return;
		}
	}
	add_close_run(b, add);
	*run = *block;
}

/* Without the lock: allocating may take long. False: memory is short. */
static bool add_fill_new(struct vballoon *b, struct vballoon_add *add, u64 units)
{
	unsigned int order = b->block_order;
	struct vballoon_run block;
	bool found = true;

	WRITE_ONCE(b->filler, current);
	while (add->units < units) {
		u64 left = units - add->units;

		order = min_t(unsigned int, order, b->pages.unit_order + ilog2(left));
		if (!add_has_room(b, add, 1U << (order - b->pages.unit_order)))
			break;
		found = vballoon_pages_alloc(&b->pages, &order, &block);
		if (!found)
			break;
		add_block(b, add, &block);
		cond_resched();
	}
	WRITE_ONCE(b->filler, NULL);
	add_close_run(b, add);
	return found;
}

/* After starting over, what is already out of the guest's hands goes first. */
static void add_fill_kept(struct vballoon *b, struct vballoon_add *add, u64 units)
{
	u32 block_units = 1U << (b->block_order - b->pages.unit_order);
	struct vballoon_run block;

	while (add->units < units && add_has_room(b, add, block_units) &&
	       vballoon_pages_next_kept(&b->pages, &block)) {
		if (block.units <= units - add->units)
			add_block(b, add, &block);
		else
			vballoon_pages_release(&b->pages, &block, 1);
	}
	add_close_run(b, add);
}

/* Keeps DRV-ADD-4, DRV-ADD-6. */
static void add_answered(struct vballoon *b, struct vballoon_message *message, u32 len)
{
	struct vballoon_add *add = container_of(message, struct vballoon_add, message);
	struct vballoon_run run;
	u64 accepted = 0;
	u32 i;

	for (i = 0; i < add->count; i++) {
		u8 status = READ_ONCE(add->status[i]);

		/* A page whose verdict is in doubt must not be used: only a reset helps. */
		if (i >= len || status > VIRTIO_MEMORY_BALLOON_ACCEPTED) {
			vballoon_fail(b, "it answered an ADD without a verdict on every entry");
			return;
		}
		vballoon_entry_decode(b, le64_to_cpu(add->out.entry[i]), &run);
		if (status == VIRTIO_MEMORY_BALLOON_ACCEPTED) {
			vballoon_pages_hold(&b->pages, &run);
			accepted += run.units;
		} else {
			vballoon_pages_release(&b->pages, &run, 1);
		}
	}
	b->account.added += accepted;
	b->account.refused += add->units - accepted;
	vballoon_decide_add_answered(&b->decide, vballoon_units_to_pages(b, add->units),
				     vballoon_units_to_pages(b, accepted), vballoon_now_ms());
}

/* Nothing of it has been sent. */
static void add_cancel(struct vballoon *b, struct vballoon_add *add)
{
	struct vballoon_run run;
	u32 i;

	for (i = 0; i < add->count; i++) {
		vballoon_entry_decode(b, le64_to_cpu(add->out.entry[i]), &run);
		vballoon_pages_release(&b->pages, &run, 1);
	}
}

/* Send an ADD of at most @pages. Drops the lock while it allocates. False: all
 * the messages are in flight, one of them must be answered first.
 * Keeps DRV-ADD-1, DRV-ADD-3, DRV-ADD-5.
 */
bool vballoon_add_send(struct vballoon *b, u64 pages)
{
	u64 units = min_t(u64, pages >> (b->unit_shift - b->page_shift), b->add_units);
	struct vballoon_add *add = add_find_free(b);
	bool found = true;

	if (!add)
		return false;
	add->count = 0;
	add->units = 0;
	add->run.units = 0;
	add_fill_kept(b, add, units);
	if (!add->count) {
		mutex_unlock(&b->lock);
		found = add_fill_new(b, add, units);
		mutex_lock(&b->lock);
	}
	if (!b->running)
		return false;
	/* The guest may have come to need the memory while it was being taken. */
	if (vballoon_decide_next(&b->decide, vballoon_now_ms()).action != VBALLOON_DECIDE_ADD) {
		add_cancel(b, add);
		return true;
	}
	if (!found)
		vballoon_decide_no_memory(&b->decide, vballoon_now_ms());
	if (!add->count)
		return true;
	vballoon_decide_add_sent(&b->decide, vballoon_units_to_pages(b, add->units));
	vballoon_message_send(b, &add->message, &add->out,
			      offsetof(typeof(add->out), entry[add->count]), add->status,
			      add->count);
	return true;
}
