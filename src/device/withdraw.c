/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * WITHDRAW: the driver asks for pages, the device chooses which.
 *
 * First what was not dropped yet, which costs the host nothing and, where host
 * pages are larger than balloon pages, completes those that were broken before;
 * then what was. In each case long runs first, unless only a few pages are asked for,
 * so that the guest gets large blocks back in few entries.
 *
 * A page leaves the record when its entry is written down, before the driver can
 * know, and comes back to it if the answer does not reach the driver.
 */
#include <string.h>

#include "base/le.h"
#include "device/core.h"
#include "device/search.h"

/* Fewer pages than this are not broken off long runs. */
#define LARGE_PAGES VBALLOON_BITMAP_WORD_BITS

/* What may still be handed back in this answer. */
struct quota {
	uint64_t pages; /* whole units */
	uint64_t entries;
	uint64_t entry_pages; /* in one entry */
};

/* Keeps DEV-WITHDRAW-2, DEV-WITHDRAW-3, DEV-WITHDRAW-8, DEV-WITHDRAW-9. */
static struct quota quota_of(const struct vballoon_device *device, uint64_t most)
{
	struct vballoon_entry_format format = vballoon_device_entry_format(device);
	uint32_t unit_order = format.unit_shift - format.page_shift;
	uint64_t units = most >> unit_order;
	uint64_t room = device->chain.writable_len / sizeof(__le64);

	if (units > VIRTIO_MEMORY_BALLOON_MESSAGE_UNITS_MAX)
		units = VIRTIO_MEMORY_BALLOON_MESSAGE_UNITS_MAX;
	if (room > VBALLOON_ANSWER_ENTRIES_MAX)
		room = VBALLOON_ANSWER_ENTRIES_MAX;
	return (struct quota){
		.pages = units << unit_order,
		.entries = room,
		.entry_pages = vballoon_entry_units_max(&format) << unit_order,
	};
}

/* Hand one run back, at most one entry of it. Keeps DEV-RUNS-6, DEV-RUNS-7. */
static void give(struct vballoon_device *device, struct quota *quota, uint64_t gpa, uint64_t pages)
{
	uint32_t unit_order = device->record.unit_shift - device->config.page_shift;
	uint64_t entry = vballoon_entry_encode(gpa, pages >> unit_order);

	vballoon_held_remove(device, gpa, pages);
	device->answer[device->answer_count++] = vballoon_le64(entry);
	device->counters.returned_pages += pages;
	quota->pages -= pages;
	quota->entries--;
}

static void give_by(struct vballoon_device *device, enum vballoon_hint hint, struct quota *quota)
{
	struct vballoon_search search = { .hint = hint };
	uint64_t gpa, found, pages, most;

	while (quota->pages && quota->entries) {
		most = quota->pages < quota->entry_pages ? quota->pages : quota->entry_pages;
		if (!vballoon_search_next(device, &search, most, &gpa, &found))
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
		uint64_t least; /* pages asked for */
	} order[] = {
		{ VBALLOON_HINT_LOOSE_LARGE, LARGE_PAGES },
		{ VBALLOON_HINT_LOOSE, 1 },
		{ VBALLOON_HINT_HELD_LARGE, LARGE_PAGES },
		{ VBALLOON_HINT_HELD, 1 },
	};
	struct quota quota = quota_of(device, most);

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		if (quota.pages >= order[i].least)
			give_by(device, order[i].hint, &quota);
	}
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
