/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The journal as the device writes it, and the device that goes on from what another one
 * left of it (state/journal.h tells the order).
 *
 * Its embedder gives the new one what the old one had: features with the record, regions with
 * their page maps, queues. From then on it is as if the old one had been slow for a moment.
 * What the driver was asked it may be asked again; that is all it can notice.
 */
#include <errno.h>
#include <string.h>

#include <vballoon/recover.h>

#include "device/core.h"
#include "device/own_part.h"

_Static_assert(VBALLOON_JOURNAL_QUEUES == VBALLOON_QUEUES_MAX, "every queue has its place");
_Static_assert(VBALLOON_JOURNAL_OWN_BYTES == OWN_BYTES_MAX, "there is room for a device's own");

size_t vballoon_journal_bytes(void)
{
	return sizeof(struct vballoon_journal);
}

void vballoon_journal_step(struct vballoon_device *device)
{
	vballoon_journal_order();
	if (device->config.ops->journaled)
		device->config.ops->journaled(device->config.context);
}

void vballoon_journal_begin(struct vballoon_device *device)
{
	struct vballoon_journal *journal = device->journal;

	memset(journal, 0, sizeof(*journal));
	journal->version = VBALLOON_JOURNAL_VERSION;
	journal->device_id = device->protocol->device_id;
	journal->record.magic = VBALLOON_RECORD_MAGIC;
	journal->record.version = VBALLOON_RECORD_VERSION;
	journal->record.page_shift = device->config.page_shift;
	journal->record.revision = device->protocol->revision;
	vballoon_own_save(device, journal->turns[0].own);
	vballoon_journal_order();
	journal->magic = VBALLOON_JOURNAL_MAGIC;
}

void vballoon_journal_keep(struct vballoon_device *device)
{
	struct vballoon_journal *journal = device->journal;
	uint32_t turn = journal->turn & 1;
	struct vballoon_journal_turn now = { .proof = device->proof,
					     .stopped_proven = device->stopped_proven };

	vballoon_own_save(device, now.own);
	if (!memcmp(&now, &journal->turns[turn], sizeof(now)))
		return;
	journal->turns[!turn] = now;
	vballoon_journal_step(device);
	journal->turn = !turn;
	vballoon_journal_step(device);
}

static void keep_pages(struct vballoon_device *device, uint64_t gpa, uint64_t pages, bool restores)
{
	struct vballoon_journal *journal = device->journal;

	if (pages) {
		journal->drop_gpa = gpa;
		journal->restores = restores;
	}
	vballoon_journal_order();
	journal->drop_pages = pages;
	vballoon_journal_step(device);
}

void vballoon_journal_drop(struct vballoon_device *device, uint64_t gpa, uint64_t pages)
{
	keep_pages(device, gpa, pages, false);
}

void vballoon_journal_restore(struct vballoon_device *device, uint64_t gpa, uint64_t pages)
{
	keep_pages(device, gpa, pages, true);
}

/* Whether a device of this kind can go on from it. */
static bool is_journal_of(const struct vballoon_journal *journal,
			  const struct vballoon_device *device)
{
	const struct vballoon_record_state *record = &journal->record;

	return journal->magic == VBALLOON_JOURNAL_MAGIC &&
	       journal->version == VBALLOON_JOURNAL_VERSION &&
	       journal->device_id == device->protocol->device_id &&
	       record->magic == VBALLOON_RECORD_MAGIC &&
	       record->version == VBALLOON_RECORD_VERSION &&
	       record->page_shift == device->config.page_shift &&
	       record->revision == device->protocol->revision &&
	       !(record->features & ~device->config.features) &&
	       journal->answer_count <= VBALLOON_ANSWER_ENTRIES_MAX;
}

/* A record whose making was cut short is none. */
static enum vballoon_record proof_of(struct vballoon_journal *journal)
{
	uint32_t proof = journal->turns[journal->turn & 1].proof;

	if (!journal->record.valid) {
		journal->record.epoch = 0;
		journal->record.unit_shift = 0;
		return VBALLOON_RECORD_NONE;
	}
	return proof == VBALLOON_RECORD_PROVEN ? VBALLOON_RECORD_PROVEN : VBALLOON_RECORD_UNPROVEN;
}

/* Keeps DEV-STATE-9. */
int vballoon_device_recover(void *storage, const struct vballoon_device_config *config,
			    struct vballoon_device **device_out)
{
	struct vballoon_journal *journal = config->journal;
	struct vballoon_device *device;
	int error;

	if (!journal)
		return -EINVAL;
	error = vballoon_device_make(storage, config, &device);
	if (error)
		return error;
	if (!is_journal_of(journal, device))
		return -EINVAL;
	device->features = journal->record.features;
	device->proof = proof_of(journal);
	device->stopped_proven = device->proof != VBALLOON_RECORD_NONE &&
				 journal->turns[journal->turn & 1].stopped_proven;
	device->unsettled = true;
	vballoon_own_load(device, journal->turns[journal->turn & 1].own);
	/* Whether it was asked, and has answered since, is not known. */
	device->requests.stats |= device->requests.stats_asked;
	device->requests.report |= device->requests.report_asked;
	device->requests.report_asked = device->requests.report;
	*device_out = device;
	return 0;
}

/* The host may have dropped some of it, or all, or restored it. It has memory for it again, and then it is
 * dropped in its turn; where it has none, it is as well dropped at once. */
static void settle_drop(struct vballoon_device *device, const struct vballoon_region *region)
{
	const struct vballoon_reclaim_ops *reclaim = device->config.reclaim;
	struct vballoon_journal *journal = device->journal;
	struct vballoon_page_map map = vballoon_page_map_open(region->page_map);
	uint32_t shift = device->config.page_shift;
	uint64_t offset = journal->drop_gpa - region->gpa.value;
	uint64_t first = offset >> shift, count = journal->drop_pages;
	int error = 0;

	if (!count || offset >= region->size.value || count > map.header->pages - first)
		return;
	if (reclaim && reclaim->restore)
		error = reclaim->restore(device->config.context, region, vballoon_bytes(offset),
					 vballoon_bytes(count << shift));
	if (error >= 0) {
		vballoon_page_map_undrop(&map, first, count);
	} else if (!journal->restores) {
		vballoon_page_map_drop(&map, first, count);
		(void)reclaim->drop(device->config.context, region, vballoon_bytes(offset),
				    vballoon_bytes(count << shift));
	}
	vballoon_journal_drop(device, 0, 0);
}

/* Keeps DEV-STATE-9. */
int vballoon_device_recover_region(struct vballoon_device *device,
				   const struct vballoon_region *region)
{
	uint32_t shift = device->config.page_shift;
	int error = vballoon_regions_insert(device, region, true);

	if (error)
		return error;
	if (device->proof == VBALLOON_RECORD_NONE) {
		vballoon_page_map_init(region->page_map, region->gpa.value,
				       region->size.value >> shift, shift, region->host_page_shift);
		return 0;
	}
	settle_drop(device, region);
	/* One that was set before this memory came has begun without what is held in it. */
	if (device->policy.inflate_rate)
		vballoon_device_ask(device);
	return 0;
}

/* The answer's entries go back on the record unless the driver has them. */
static void settle_answer(struct vballoon_device *device, unsigned int index)
{
	struct vballoon_journal *journal = device->journal;
	const struct vballoon_status counters = device->counters;

	if (!journal->answer_count || index != journal->answer_queue || !device->protocol->undo)
		return;
	if (device->rings[index].next_avail == (uint16_t)journal->answer_at)
		device->protocol->undo(device);
	device->counters = counters; /* what is undone the dead one had counted */
	journal->answer_count = 0;
}

int vballoon_device_recover_queue(struct vballoon_device *device, unsigned int index,
				  const struct vballoon_queue *queue)
{
	const struct vballoon_ring_features features = vballoon_ring_features(device->features);
	uint64_t *kept;
	bool used;
	int error;

	if (index >= device->protocol->queue_count)
		return -EINVAL;
	/* It ran, and a message in it may have been in the midst. */
	device->stopped_proven = false;
	kept = &device->journal->places[index];
	if (!vballoon_kept_place(*kept).known)
		return -ENOENT;
	if (device->rings[index].running)
		return -EBUSY;
	error = vballoon_device_ring_resume(&device->rings[index], &device->memory, queue,
					    &features, kept, &used);
	if (error == -EINVAL)
		return error;
	/* Nobody may have told the driver, and the queue may be stopped before the device runs. */
	device->config.ops->notify(device->config.context, index);
	settle_answer(device, index);
	if (error) {
		vballoon_device_violate(device, index, VBALLOON_RING_UNREADABLE);
		return 0;
	}
	device->protocol->queue_recovered(device, index,
					  vballoon_device_ring_base(&device->rings[index]));
	return 0;
}
