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
 * What was found is made usable, over as many runs of the device as that takes, and
 * written down then. With that it leaves the record, before the driver can know, and
 * comes back to it if the answer does not reach the driver.
 */
#include <string.h>

#include "base/checked.h"
#include "base/le.h"
#include "device/core.h"

/* Pages that are looked for at once: a quarter of a million words of the page map. */
#define FIND_PAGES_MAX (UINT64_C(1) << 24)

/* What may still be handed back in this answer. */
struct quota {
	uint64_t pages; /* whole units */
	uint64_t entries;
	uint64_t entry_pages; /* in one entry */
	uint64_t long_pages; /* in one that names a long run, if one can */
};

/* How to look for what is handed back, one way after the other. */
static const struct {
	enum vballoon_hint hint;
	bool is_small; /* and large pieces are to come */
	bool has_dropped; /* may have been dropped */
} ways[] = {
	{ VBALLOON_HINT_LOOSE_BROKEN, true, false }, { VBALLOON_HINT_LOOSE_LARGE, false, false },
	{ VBALLOON_HINT_LOOSE, true, false },	     { VBALLOON_HINT_HELD_LARGE, false, true },
	{ VBALLOON_HINT_HELD_LONG, false, true },    { VBALLOON_HINT_HELD_BROKEN, false, true },
	{ VBALLOON_HINT_HELD, false, true },
};

#define WAYS (sizeof(ways) / sizeof(ways[0]))

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint32_t unit_order(const struct vballoon_device *device)
{
	return device->journal->record.unit_shift - device->config.page_shift;
}

static uint64_t entry_pages_max(const struct vballoon_device *device)
{
	struct vballoon_entry_format format = vballoon_device_entry_format(device);

	return vballoon_entry_units_max(&format) << unit_order(device);
}

/* Entries that the answer has room for. Keeps DEV-WITHDRAW-8. */
static uint64_t room_of(const struct vballoon_device *device)
{
	return least(device->chain.writable_len / sizeof(__le64), VBALLOON_ANSWER_ENTRIES_MAX);
}

/* Pages that the answer may name, of @most that are asked for and granted.
 * Keeps DEV-WITHDRAW-2, DEV-WITHDRAW-3, DEV-WITHDRAW-9. */
static uint64_t answer_pages(const struct vballoon_device *device, uint64_t most)
{
	uint64_t units = least(most >> unit_order(device), VIRTIO_MEMORY_BALLOON_MESSAGE_UNITS_MAX);

	return least(units << unit_order(device), room_of(device) * entry_pages_max(device));
}

static struct quota quota_left(const struct vballoon_device *device)
{
	uint64_t entry_pages = entry_pages_max(device);

	return (struct quota){
		.pages = device->work.withdraw.pages_left,
		.entries = room_of(device) - device->journal->answer_count,
		.entry_pages = entry_pages,
		.long_pages = least(entry_pages, vballoon_align_up(VBALLOON_SEARCH_LONG_PAGES,
								   unit_order(device))),
	};
}

static uint64_t entries_for(uint64_t pages, uint64_t entry_pages)
{
	return pages / entry_pages + (pages % entry_pages != 0);
}

/* Hand a run back, in as many entries as it takes: they are in the journal before it is off
 * the record. Keeps DEV-RUNS-6, DEV-RUNS-7. */
static void give(struct vballoon_device *device, uint64_t gpa, uint64_t pages)
{
	struct vballoon_journal *journal = device->journal;
	uint32_t count = journal->answer_count;
	uint64_t at = gpa, left, part;

	for (left = pages; left; left -= part) {
		part = least(left, entry_pages_max(device));
		journal->answer[count++] =
			vballoon_le64(vballoon_entry_encode(at, part >> unit_order(device)));
		vballoon_work_charge_entry(&device->work, part);
		at += part << device->config.page_shift;
	}
	vballoon_journal_step(device);
	journal->answer_count = count;
	vballoon_journal_step(device);
	vballoon_held_remove(device, gpa, pages);
	vballoon_journal_step(device);
	device->counters.returned_pages += pages;
	device->work.withdraw.pages_left -= pages;
}

/* Whether, with @pages given, the entries that are left can name the rest in long runs. */
static bool leaves_room(const struct quota *quota, uint64_t pages)
{
	uint64_t used = entries_for(pages, quota->entry_pages);

	return used <= quota->entries &&
	       quota->entries - used >= entries_for(quota->pages - pages, quota->long_pages);
}

static void try_way(struct vballoon_device *device, unsigned int way)
{
	device->work.withdraw.way = way;
	if (way < WAYS)
		device->work.withdraw.search = (struct vballoon_search){ .hint = ways[way].hint };
}

/* Find the next run to hand back, unless this run of the device is over before: it is looked on in
 * the next. False: there is none, or it has no place in the answer.
 * Keeps DEV-WITHDRAW-11, DEV-WITHDRAW-12, DEV-WITHDRAW-13. */
static bool find(struct vballoon_device *device)
{
	struct vballoon_work *work = &device->work;
	struct quota quota = quota_left(device);
	uint64_t most =
		least(least(quota.pages, quota.entries * quota.entry_pages), FIND_PAGES_MAX);
	uint64_t gpa, pages;

	for (; most && work->withdraw.way < WAYS; try_way(device, work->withdraw.way + 1)) {
		bool found =
			vballoon_search_next(device, &work->withdraw.search, most, &gpa, &pages);

		if (!found && !work->steps_left)
			return true;
		if (!found || (ways[work->withdraw.way].is_small && !leaves_room(&quota, pages)))
			continue;
		work->at = work->withdraw.first = gpa;
		work->end = gpa + (pages << device->config.page_shift);
		return true;
	}
	return false;
}

/* There is no host memory for what comes next of the run. What was not dropped is a hole in a
 * host page that others lie behind; where dropped pages get none, there is none. */
static void pass_over(struct vballoon_device *device)
{
	struct vballoon_work *work = &device->work;
	uint64_t gpa = work->at, pages = 1;
	struct vballoon_piece piece;

	device->counters.refused_entries[VBALLOON_REFUSED_NO_HOST_MEMORY]++;
	vballoon_restore_refuse(device);
	vballoon_held_piece(device, &gpa, &pages, &piece);
	if (ways[work->withdraw.way].has_dropped)
		vballoon_search_skip_region(&work->withdraw.search);
	else if (piece.index == work->withdraw.search.region)
		work->withdraw.search.page =
			(piece.first | (vballoon_page_map_host_pages(&piece.map) - 1)) + 1;
}

/* Go on with the run that was found. Returns whether it is done with. */
static bool hand_back(struct vballoon_device *device)
{
	struct vballoon_work *work = &device->work;
	enum vballoon_progress progress = vballoon_restore(device, &work->at, work->end);
	uint64_t pages = (work->at - work->withdraw.first) >> device->config.page_shift;

	if (progress == VBALLOON_UNFINISHED)
		return false;
	pages = vballoon_align_down(pages, unit_order(device));
	if (pages)
		give(device, work->withdraw.first, pages);
	vballoon_restore_settle(device, pages != 0);
	if (progress == VBALLOON_FAILED)
		pass_over(device);
	work->at = work->end;
	return true;
}

enum vballoon_violation vballoon_withdraw_resume(struct vballoon_device *device)
{
	struct vballoon_work *work = &device->work;

	while (work->at < work->end || find(device)) {
		work->unfinished = !work->steps_left || !hand_back(device);
		if (work->unfinished)
			return VBALLOON_OK;
	}
	vballoon_restore_end(device);
	if (vballoon_chain_write(&device->memory, &device->chain, device->journal->answer,
				 device->journal->answer_count *
					 sizeof(device->journal->answer[0])))
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
	device->work.withdraw.pages_left =
		answer_pages(device, vballoon_policy_grant(device, flags, vballoon_le64(most)));
	try_way(device, 0);
	return vballoon_withdraw_resume(device);
}

/* Keeps DEV-WITHDRAW-14. */
void vballoon_withdraw_undo(struct vballoon_device *device)
{
	struct vballoon_entry_format format = vballoon_device_entry_format(device);
	struct vballoon_journal *journal = device->journal;

	for (; journal->answer_count; journal->answer_count--) {
		struct vballoon_entry entry = vballoon_entry_decode(
			&format, vballoon_le64(journal->answer[journal->answer_count - 1]));
		uint64_t pages = vballoon_entry_pages(device, &entry);

		vballoon_held_add(device, entry.gpa, pages);
		vballoon_journal_step(device);
		device->counters.returned_pages -= pages;
	}
}
