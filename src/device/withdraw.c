/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * WITHDRAW: the driver asks for pages, the device chooses which.
 *
 * Blocks are kept whole (search.h), so that both sides can use large pages for what
 * is theirs. First comes what was not dropped, which costs the host nothing: the rest
 * of blocks that are broken anyway, then whole blocks. Then what was dropped: whole
 * blocks, and what is missing then from broken ones, long runs first. At most one block
 * that was whole is broken of either sort.
 *
 * Small pieces come first only while there is room for all the rest in long ones: a
 * guest that is out of memory is to get all that it asks for in one answer.
 *
 * A page leaves the record when its entry is written down, before the driver can
 * know, and comes back to it if the answer does not reach the driver.
 */
#include <string.h>

#include "base/checked.h"
#include "base/le.h"
#include "device/core.h"
#include "device/search.h"

/* What may still be handed back in this answer. */
struct quota {
	uint64_t pages; /* whole units */
	uint64_t entries;
	uint64_t entry_pages; /* in one entry */
	uint64_t long_pages; /* in one that names a long run, if one can */
};

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Keeps DEV-WITHDRAW-2, DEV-WITHDRAW-3, DEV-WITHDRAW-8, DEV-WITHDRAW-9. */
static struct quota quota_of(const struct vballoon_device *device, uint64_t most)
{
	struct vballoon_entry_format format = vballoon_device_entry_format(device);
	uint32_t unit_order = format.unit_shift - format.page_shift;
	uint64_t units = most >> unit_order;
	uint64_t room = device->chain.writable_len / sizeof(__le64);
	uint64_t entry_pages;

	if (units > VIRTIO_MEMORY_BALLOON_MESSAGE_UNITS_MAX)
		units = VIRTIO_MEMORY_BALLOON_MESSAGE_UNITS_MAX;
	if (room > VBALLOON_ANSWER_ENTRIES_MAX)
		room = VBALLOON_ANSWER_ENTRIES_MAX;
	entry_pages = vballoon_entry_units_max(&format) << unit_order;
	return (struct quota){
		.pages = least(units << unit_order, room * entry_pages),
		.entries = room,
		.entry_pages = entry_pages,
		.long_pages = least(entry_pages,
				    vballoon_align_up(VBALLOON_SEARCH_LONG_PAGES, unit_order)),
	};
}

/* Which entries of the answer are to be cleared before the driver gets them. */
static void set_unclear(struct vballoon_device *device, uint32_t entry, bool unclear)
{
	if (unclear)
		vballoon_bitmap_set(device->answer_unclear, entry, 1);
	else
		vballoon_bitmap_clear(device->answer_unclear, entry, 1);
}

static uint64_t entries_for(uint64_t pages, uint64_t entry_pages)
{
	return pages / entry_pages + (pages % entry_pages != 0);
}

/* Hand a run back, in as many entries as it takes. Keeps DEV-RUNS-6, DEV-RUNS-7. */
static void give(struct vballoon_device *device, struct quota *quota, uint64_t gpa, uint64_t pages,
		 bool unclear)
{
	uint32_t unit_order = device->record.unit_shift - device->config.page_shift;
	uint64_t part;

	vballoon_held_remove(device, gpa, pages);
	device->counters.returned_pages += pages;
	for (quota->pages -= pages; pages; pages -= part) {
		part = least(pages, quota->entry_pages);
		set_unclear(device, device->answer_count, unclear);
		device->answer[device->answer_count++] =
			vballoon_le64(vballoon_entry_encode(gpa, part >> unit_order));
		quota->entries--;
		gpa += part << device->config.page_shift;
	}
}

/* Whether, with @pages given, the entries that are left can name the rest in long runs. */
static bool leaves_room(const struct quota *quota, uint64_t pages)
{
	uint64_t used = entries_for(pages, quota->entry_pages);

	return used <= quota->entries &&
	       quota->entries - used >= entries_for(quota->pages - pages, quota->long_pages);
}

static void give_by(struct vballoon_device *device, enum vballoon_hint hint, bool is_small,
		    struct quota *quota)
{
	struct vballoon_search search = { .hint = hint };
	uint64_t gpa, found, pages, most;
	bool unclear;

	while (quota->pages && quota->entries) {
		most = least(quota->pages, quota->entries * quota->entry_pages);
		if (!vballoon_search_next(device, &search, most, &gpa, &found) ||
		    (is_small && !leaves_room(quota, found)))
			return;
		unclear = vballoon_clear_is_due(device, gpa, found);
		pages = vballoon_restore(device, gpa, found);
		if (pages)
			give(device, quota, gpa, pages, unclear);
		if (pages < found) {
			device->counters.refused_entries[VBALLOON_REFUSED_NO_HOST_MEMORY]++;
			device->withdraw_refused = true;
			vballoon_search_skip_region(&search);
		}
	}
}

/* Keeps DEV-WITHDRAW-11, DEV-WITHDRAW-12, DEV-WITHDRAW-13. */
static void choose(struct vballoon_device *device, uint64_t most)
{
	static const struct {
		enum vballoon_hint hint;
		bool is_small; /* and large pieces are to come */
	} order[] = {
		{ VBALLOON_HINT_LOOSE_BROKEN, true }, { VBALLOON_HINT_LOOSE_LARGE, false },
		{ VBALLOON_HINT_LOOSE, true },	      { VBALLOON_HINT_HELD_LARGE, false },
		{ VBALLOON_HINT_HELD_LONG, false },   { VBALLOON_HINT_HELD_BROKEN, false },
		{ VBALLOON_HINT_HELD, false },
	};
	struct quota quota = quota_of(device, most);

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		give_by(device, order[i].hint, order[i].is_small, &quota);
}

/* The pages of an entry of the answer. */
static uint64_t answered(const struct vballoon_device *device, uint32_t index, uint64_t *gpa_out)
{
	struct vballoon_entry_format format = vballoon_device_entry_format(device);
	struct vballoon_entry entry =
		vballoon_entry_decode(&format, vballoon_le64(device->answer[index]));

	*gpa_out = entry.gpa;
	return vballoon_entry_pages(device, &entry);
}

/* One entry of the answer is held again. The last takes its place. */
static void take_back(struct vballoon_device *device, uint32_t index)
{
	uint32_t last = device->answer_count - 1;
	uint64_t gpa, pages = answered(device, index, &gpa);

	vballoon_held_add(device, gpa, pages);
	device->counters.returned_pages -= pages;
	device->answer[index] = device->answer[last];
	set_unclear(device, index, vballoon_bitmap_all(device->answer_unclear, last, 1));
	device->answer_count = last;
}

/* Clear what has to be, one entry after the other. Returns whether all of that is done.
 * Keeps DEV-ZEROED-1. */
static bool clear_answer(struct vballoon_device *device)
{
	struct vballoon_work *work = &device->work;
	uint64_t gpa, pages;

	while (work->entry < device->answer_count) {
		pages = answered(device, work->entry, &gpa);
		if (!vballoon_bitmap_all(device->answer_unclear, work->entry, 1)) {
			vballoon_clear_was_dropped(device, gpa, pages);
			work->entry++;
			continue;
		}
		if (work->at == work->end) {
			work->at = gpa;
			work->end = gpa + (pages << device->config.page_shift);
		}
		switch (vballoon_clear(device, &work->at, work->end)) {
		case VBALLOON_UNFINISHED:
			return false;
		case VBALLOON_FAILED:
			take_back(device, work->entry);
			device->counters.refused_entries[VBALLOON_REFUSED_NO_HOST_MEMORY]++;
			device->withdraw_refused = true;
			work->at = work->end;
			break;
		default:
			work->entry++;
		}
	}
	return true;
}

enum vballoon_violation vballoon_withdraw_resume(struct vballoon_device *device)
{
	if (vballoon_device_has(device, VBALLOON_F(ZEROED)) && !clear_answer(device)) {
		device->work.unfinished = true;
		return VBALLOON_OK;
	}
	if (vballoon_chain_write(&device->memory, &device->chain, device->answer,
				 device->answer_count * sizeof(device->answer[0])))
		return VBALLOON_DESC_OUTSIDE_MEMORY;
	return VBALLOON_OK;
}

/* Keeps DEV-HELLO-9, DEV-STOP-3, DEV-WITHDRAW-7. */
enum vballoon_violation vballoon_message_withdraw(struct vballoon_device *device, uint32_t flags)
{
	__le64 most;

	if (vballoon_chain_read(&device->memory, &device->chain, &most, sizeof(most)))
		return VBALLOON_DESC_OUTSIDE_MEMORY;
	if (device->proof != VBALLOON_RECORD_PROVEN)
		return VBALLOON_OK;
	/* The flags are the reason; without the feature they are 0. */
	choose(device, vballoon_policy_grant(device, flags, vballoon_le64(most)));
	return vballoon_withdraw_resume(device);
}

/* Keeps DEV-WITHDRAW-14. */
void vballoon_withdraw_undo(struct vballoon_device *device)
{
	while (device->answer_count)
		take_back(device, device->answer_count - 1);
}
