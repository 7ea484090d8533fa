/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A saved state of the device: written while it is still, and taken in by one that is to
 * go on in its place. What travels and what does not: docs/decisions/0024-saved-state.md.
 */
#include <errno.h>
#include <string.h>

#include "device/core.h"
#include "device/own_part.h"

/* What the driver was refused it is to ask for again, wherever it is then. */
static bool owes_resize(const struct vballoon_device *device)
{
	bool refused = device->withdraw_refused;

	for (unsigned int i = 0; i < VBALLOON_WITHDRAW_REASONS; i++)
		refused |= device->policy_refused[i];
	return refused || device->requests.resize;
}

/* How long a device's own part is. */
static uint32_t own_bytes(const struct vballoon_device *device)
{
	return OWN_BYTES + device->protocol->own_bytes;
}

void vballoon_own_save(const struct vballoon_device *device, uint8_t *own)
{
	const struct vballoon_requests *requests = &device->requests;

	memset(own, 0, OWN_BYTES_MAX);
	vballoon_saved_store32(own + AT_OWN_REQUESTS,
			       (owes_resize(device) ? OWN_RESIZE : 0) |
				       (requests->stats ? OWN_STATS : 0) |
				       (requests->stats_asked ? OWN_STATS_ASKED : 0) |
				       (requests->report ? OWN_REPORT : 0) |
				       (requests->report_asked ? OWN_REPORT_ASKED : 0) |
				       (requests->period ? OWN_PERIOD : 0) |
				       (requests->count_lost ? OWN_COUNT_LOST : 0));
	vballoon_saved_store32(own + AT_OWN_COOKIE, requests->cookie);
	vballoon_saved_store64(own + AT_OWN_REPORT_ID, requests->report_id);
	vballoon_saved_store64(own + AT_OWN_ASKED, device->pace.asked);
	vballoon_saved_store32(own + AT_OWN_PERIOD_MS, device->stats_period_ms);
	if (device->protocol->own_save)
		device->protocol->own_save(device, own + OWN_BYTES);
}

static void put_held(const struct vballoon_device *device, struct vballoon_saved_writer *writer)
{
	uint64_t base = 0, first, end;

	for (unsigned int i = 0; i < device->memory.count; i++) {
		struct vballoon_page_map map =
			vballoon_page_map_open(device->memory.regions[i].page_map);
		struct vballoon_bits held = vballoon_page_map_held(&map);
		uint64_t pages = map.header->pages;

		for (first = vballoon_bits_next(held, 0, pages); first < pages;
		     first = vballoon_bits_next(held, end, pages)) {
			end = vballoon_bits_next_missing(held, first, pages);
			vballoon_saved_put_run(writer, base + first, end - first);
		}
		base += pages;
	}
}

/* Keeps DEV-STATE-1. */
static size_t save(const struct vballoon_device *device, void *to, size_t room)
{
	struct vballoon_saved_writer writer;
	struct vballoon_saved_extent extent;
	unsigned int region = 0;
	uint8_t own[OWN_BYTES_MAX];
	uint32_t extents = 0;

	vballoon_own_save(device, own);
	vballoon_saved_begin(&writer, to, room, device->protocol->device_id,
			     &device->journal->record, own, own_bytes(device));
	for (; vballoon_regions_extent(device, &region, &extent); extents++)
		vballoon_saved_put_extent(&writer, &extent);
	put_held(device, &writer);
	return vballoon_saved_end(&writer, extents, vballoon_held_count(device));
}

/* Keeps DEV-STATE-2. */
int vballoon_device_save(const struct vballoon_device *device, void *to, size_t room,
			 size_t *len_out)
{
	if (vballoon_queues_run(device))
		return -EBUSY;
	*len_out = save(device, to, room);
	return *len_out <= room ? 0 : -ENOSPC;
}

static bool is_memory_of(const struct vballoon_device *device, const struct vballoon_saved *saved)
{
	struct vballoon_saved_extent here, there;
	unsigned int region = 0;
	uint32_t i;

	for (i = 0; vballoon_regions_extent(device, &region, &here); i++) {
		if (i == saved->extents)
			return false;
		there = vballoon_saved_extent_at(saved, i);
		if (here.gpa != there.gpa || here.pages != there.pages)
			return false;
	}
	return i == saved->extents;
}

/* What this device does not know would be lost without a word. */
static bool own_makes_sense(const struct vballoon_device *device,
			    const struct vballoon_saved *saved)
{
	const struct vballoon_protocol *protocol = device->protocol;

	return saved->own_bytes == own_bytes(device) &&
	       !(vballoon_saved_load32(saved->own + AT_OWN_REQUESTS) &
		 ~(uint32_t)OWN_REQUESTS_KNOWN) &&
	       (!protocol->own_makes_sense || protocol->own_makes_sense(saved->own + OWN_BYTES));
}

/* Keeps DEV-STATE-3, DEV-STATE-4, DEV-STATE-5. */
static enum vballoon_saved_fault fault_of(const struct vballoon_device *device,
					  const struct vballoon_saved *saved,
					  struct vballoon_migration *migration_out)
{
	const struct vballoon_feature_set there = vballoon_saved_features(saved);
	const struct vballoon_feature_set here = {
		.device_id = device->protocol->device_id,
		.revision = device->protocol->revision,
		.page_shift = device->config.page_shift,
		.offered = device->config.features,
	};

	vballoon_migration_check(&there, &here, migration_out);
	/* This device offers to be told first, and can do without. */
	migration_out->obstacles &= ~(unsigned int)VBALLOON_OBSTACLE_MUST_TELL;
	if (migration_out->obstacles)
		return VBALLOON_SAVED_CANNOT_MOVE;
	return own_makes_sense(device, saved) ? VBALLOON_SAVED_OK : VBALLOON_SAVED_CORRUPT;
}

/* Open a state for this device, whatever memory it is of. */
static int open_for(const struct vballoon_device *device, const void *state, size_t len,
		    struct vballoon_saved *saved_out, struct vballoon_saved_check *check_out)
{
	*check_out = (struct vballoon_saved_check){
		.fault = vballoon_saved_open(state, len, saved_out),
	};
	if (!check_out->fault)
		check_out->fault = fault_of(device, saved_out, &check_out->migration);
	return check_out->fault ? -EINVAL : 0;
}

int vballoon_device_load_check(const struct vballoon_device *device, const void *state, size_t len,
			       struct vballoon_saved_check *check_out)
{
	struct vballoon_saved saved;

	return open_for(device, state, len, &saved, check_out);
}

/* What the host has to do with it; also for a driver that is not the state's. */
static void take_orders(struct vballoon_device *device, const struct vballoon_saved *saved)
{
	device->journal->record.target = saved->record.target;
}

/* What the driver was asked and told. */
static void take_requests(struct vballoon_device *device, const uint8_t *own)
{
	uint32_t bits = vballoon_saved_load32(own + AT_OWN_REQUESTS);
	uint64_t asked = vballoon_saved_load64(own + AT_OWN_ASKED);
	struct vballoon_requests *requests = &device->requests;

	/* A pace goes on from there. */
	device->pace.asked = asked;
	vballoon_device_ask(device);
	*requests = (struct vballoon_requests){
		.resize = bits & OWN_RESIZE || device->pace.asked != asked,
		.stats = bits & OWN_STATS,
		.stats_asked = bits & OWN_STATS_ASKED,
		.report = bits & OWN_REPORT,
		.report_asked = bits & OWN_REPORT_ASKED,
		.count_lost = bits & OWN_COUNT_LOST,
		.cookie = vballoon_saved_load32(own + AT_OWN_COOKIE),
		.report_id = vballoon_saved_load64(own + AT_OWN_REPORT_ID),
	};
	if (bits & OWN_PERIOD ||
	    device->stats_period_ms != vballoon_saved_load32(own + AT_OWN_PERIOD_MS))
		vballoon_requests_period(device);
}

/* Indices count through the regions, whichever way they are cut. */
static void take_held(struct vballoon_device *device, const struct vballoon_saved *saved)
{
	struct vballoon_saved_cursor cursor = { 0 };
	uint32_t shift = device->config.page_shift;
	const struct vballoon_region *region = device->memory.regions;
	uint64_t base = 0, pages, part;
	struct vballoon_run run;

	while (vballoon_saved_next_run(saved, &cursor, &run)) {
		while (run.count) {
			pages = region->size.value >> shift;
			if (run.first - base >= pages) {
				base += pages;
				region++;
				continue;
			}
			part = pages - (run.first - base);
			if (part > run.count)
				part = run.count;
			vballoon_held_add(device, region->gpa.value + ((run.first - base) << shift),
					  part);
			run.first += part;
			run.count -= part;
		}
	}
}

/* The pages first, then whose they are; state/record.h. Keeps DEV-STATE-6. */
static void take_record(struct vballoon_device *device, const struct vballoon_saved *saved)
{
	take_held(device, saved);
	device->journal->record.epoch = saved->record.epoch;
	device->journal->record.unit_shift = saved->record.unit_shift;
	vballoon_journal_step(device);
	device->journal->record.valid = 1;
	vballoon_journal_step(device);
	device->proof = VBALLOON_RECORD_UNPROVEN;
}

void vballoon_own_load(struct vballoon_device *device, const uint8_t *own)
{
	if (!device->stats_period_ms)
		device->stats_period_ms = vballoon_saved_load32(own + AT_OWN_PERIOD_MS);
	/* What the driver says of its balloon first: it sets the pace of what is asked for. */
	if (device->protocol->own_load)
		device->protocol->own_load(device, own + OWN_BYTES);
	take_requests(device, own);
}

int vballoon_device_load(struct vballoon_device *device, const void *state, size_t len,
			 struct vballoon_saved_check *check_out)
{
	struct vballoon_saved saved;

	*check_out = (struct vballoon_saved_check){ .fault = VBALLOON_SAVED_OK };
	if (vballoon_queues_run(device))
		return -EBUSY;
	if (open_for(device, state, len, &saved, check_out))
		return -EINVAL;
	/* Where no driver has spoken nothing of it is about memory; and there may not have been any,
	 * as a monitor need not tell of it before there is a driver. */
	if (saved.record.valid && !is_memory_of(device, &saved)) {
		check_out->fault = VBALLOON_SAVED_OTHER_MEMORY;
		return -EINVAL;
	}
	vballoon_device_forget(device);
	/* To whoever goes on from what is loaded its guest has not spoken, whoever had before. */
	vballoon_journal_keep(device);
	device->counters.loads++;
	take_orders(device, &saved);
	if (saved.record.valid && saved.record.features != device->features)
		check_out->fault = VBALLOON_SAVED_OTHER_DRIVER;
	else if (saved.record.valid)
		take_record(device, &saved);
	vballoon_own_load(device, saved.own);
	/* What one driver was asked and did not answer the next one is asked. */
	if (check_out->fault)
		vballoon_device_forget(device);
	vballoon_journal_keep(device);
	return 0;
}
