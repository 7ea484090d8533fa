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

static uint64_t entries_for(uint64_t pages, uint64_t entry_pages)
{
	return pages / entry_pages + (pages % entry_pages != 0);
}

/* Hand a run back, in as many entries as it takes. Keeps DEV-RUNS-6, DEV-RUNS-7. */
static void give(struct vballoon_device *device, struct quota *quota, uint64_t gpa, uint64_t pages)
{
	uint32_t unit_order = device->record.unit_shift - device->config.page_shift;
	uint64_t part;

	vballoon_held_remove(device, gpa, pages);
	device->counters.returned_pages += pages;
	for (quota->pages -= pages; pages; pages -= part) {
		part = least(pages, quota->entry_pages);
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

	while (quota->pages && quota->entries) {
		most = least(quota->pages, quota->entries * quota->entry_pages);
		if (!vballoon_search_next(device, &search, most, &gpa, &found) ||
		    (is_small && !leaves_room(quota, found)))
			return;
		pages = vballoon_restore(device, gpa, found);
		if (pages)
			give(device, quota, gpa, pages);
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

/* Keeps DEV-HELLO-9, DEV-STOP-3, DEV-WITHDRAW-7. */
enum vballoon_violation vballoon_message_withdraw(struct vballoon_device *device, uint32_t flags)
{
	__le64 most;

	if (vballoon_chain_read(&device->memory, &device->chain, &most, sizeof(most)))
		return VBALLOON_DESC_OUTSIDE_MEMORY;
	device->answer_count = 0;
	if (device->proof != VBALLOON_RECORD_PROVEN)
		return VBALLOON_OK;
	/* The flags are the reason; without the feature they are 0. */
	choose(device, vballoon_policy_grant(device, flags, vballoon_le64(most)));
	if (!vballoon_chain_write(&device->memory, &device->chain, device->answer,
				  device->answer_count * sizeof(device->answer[0])))
		return VBALLOON_OK;
	vballoon_withdraw_undo(device);
	return VBALLOON_DESC_OUTSIDE_MEMORY;
}

/* Keeps DEV-WITHDRAW-14. */
void vballoon_withdraw_undo(struct vballoon_device *device)
{
	struct vballoon_entry_format format = vballoon_device_entry_format(device);
	uint32_t unit_order = format.unit_shift - format.page_shift;

	for (uint32_t i = 0; i < device->answer_count; i++) {
		struct vballoon_entry entry =
			vballoon_entry_decode(&format, vballoon_le64(device->answer[i]));
		uint64_t pages = entry.units << unit_order;

		vballoon_held_add(device, entry.gpa, pages);
		device->counters.returned_pages -= pages;
	}
	device->answer_count = 0;
}
