/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Guest memory that the host has nothing of. A file tells by itself where it has nothing, and
 * what was swapped out it has; what is mapped here, or resident, tells neither.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/checked.h"
#include "vhost_user/back_end.h"

#define WRITTEN_PAGES 256U /* one that is not zero is looked for in so many */

struct walk {
	uint32_t page_shift;
	uint64_t from; /* guest address */
	bool (*visit)(void *context, struct vballoon_gpa gpa, uint64_t pages);
	void *context;
	bool enough; /* for the visitor */
};

/* From @at on: where the file has something next. Returns @end when it has not before that, or a
 * negative errno. */
static int64_t next_data(const struct vballoon_slot *slot, int64_t at, int64_t end)
{
	int64_t data = lseek(slot->fd, at, SEEK_DATA);

	if (data < 0)
		return errno == ENXIO ? end : -errno;
	return data < end ? data : end;
}

/* Likewise where it has nothing. */
static int64_t next_hole(const struct vballoon_slot *slot, int64_t at, int64_t end)
{
	int64_t hole = lseek(slot->fd, at, SEEK_HOLE);

	if (hole < 0)
		return errno == ENXIO ? end : -errno;
	return hole < end ? hole : end;
}

static int64_t slot_begin(const struct vballoon_slot *slot)
{
	return (int64_t)slot->backing.offset;
}

static int64_t slot_end(const struct vballoon_slot *slot)
{
	return slot_begin(slot) + (int64_t)slot->region.size.value;
}

/*
 * Whether somebody writes into the file. Memory that the front end has mapped privately leaves
 * nothing but zeros in it, and other slots being shared says nothing of this one.
 */
static bool slot_is_written(const struct vballoon_slot *slot)
{
	static const char zeros[4096];
	int64_t begin = slot_begin(slot), end = slot_end(slot), at = begin;

	for (unsigned int i = 0; i < WRITTEN_PAGES; i++, at += (int64_t)sizeof(zeros)) {
		at = next_data(slot, at, end);
		if (at < 0 || at > end - (int64_t)sizeof(zeros) ||
		    vballoon_slot_populate(slot, (uint64_t)(at - begin), sizeof(zeros)))
			return false;
		if (memcmp((char *)slot->region.host + (at - begin), zeros, sizeof(zeros)) != 0)
			return true;
	}
	return false;
}

/* Whole balloon pages between two places in the file. */
static void tell(const struct vballoon_slot *slot, struct walk *walk, int64_t hole, int64_t data)
{
	uint64_t base = slot->region.gpa.value;
	uint64_t first = base + (uint64_t)(hole - slot_begin(slot));
	uint64_t end = base + (uint64_t)(data - slot_begin(slot));

	first = vballoon_align_up(first, walk->page_shift);
	end = vballoon_align_down(end, walk->page_shift);
	if (first < end &&
	    !walk->visit(walk->context, vballoon_gpa(first), (end - first) >> walk->page_shift))
		walk->enough = true;
}

static int walk_slot(const struct vballoon_slot *slot, struct walk *walk)
{
	uint64_t base = slot->region.gpa.value;
	int64_t end = slot_end(slot);
	int64_t at = slot_begin(slot) + (int64_t)(walk->from > base ? walk->from - base : 0);
	int64_t data;

	while (at < end && !walk->enough) {
		at = next_hole(slot, at, end);
		data = at < 0 ? at : next_data(slot, at, end);
		if (data < 0)
			return (int)data;
		tell(slot, walk, at, data);
		at = data;
	}
	return 0;
}

/* The same without moving the place in the file, which is the front end's, too. What tells of no
 * hole is not looked into: of huge pages all seems to be there, and one that is not would come. */
static int visit_slot(const struct vballoon_slot *slot, struct walk *walk)
{
	off_t before = lseek(slot->fd, 0, SEEK_CUR);
	int64_t hole = next_hole(slot, slot_begin(slot), slot_end(slot));
	int ret = hole < 0 ? (int)hole : 0;

	if (hole >= 0 && hole < slot_end(slot) && slot_is_written(slot))
		ret = walk_slot(slot, walk);
	if (before >= 0)
		lseek(slot->fd, before, SEEK_SET);
	return ret;
}

/* The slot behind @gpa, of those that the device knows and the host can give back. */
static const struct vballoon_slot *next_slot(const struct vballoon_memory_table *table,
					     uint64_t gpa)
{
	const struct vballoon_slot *next = NULL;

	for (unsigned int i = 0; i < table->count; i++) {
		const struct vballoon_slot *slot = table->slots[i];

		if (slot->in_device && slot->region.reclaimable == VBALLOON_RECLAIMABLE &&
		    slot->region.gpa.value + slot->region.size.value > gpa &&
		    (!next || slot->region.gpa.value < next->region.gpa.value))
			next = slot;
	}
	return next;
}

/* Keeps DEV-STATE-8. */
int vballoon_vhost_user_each_hole(struct vballoon_vhost_user *back_end, struct vballoon_gpa from,
				  bool (*visit)(void *context, struct vballoon_gpa gpa,
						uint64_t pages),
				  void *context)
{
	struct walk walk = {
		.page_shift = back_end->config.page_shift,
		.from = from.value,
		.visit = visit,
		.context = context,
	};
	const struct vballoon_slot *slot;
	uint64_t at = from.value;
	int ret = 0;

	for (unsigned int i = 0; i < back_end->vring_count; i++) {
		if (back_end->vrings[i].running)
			return -EBUSY;
	}
	if (!back_end->memory_proven || !back_end->driver_heard)
		return -EAGAIN;
	while (!ret && !walk.enough && (slot = next_slot(&back_end->memory, at))) {
		ret = visit_slot(slot, &walk);
		at = slot->region.gpa.value + slot->region.size.value;
	}
	return ret;
}
