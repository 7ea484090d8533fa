// SPDX-License-Identifier: BSD-3-Clause
#include "oracle.h"

#include <inttypes.h>
#include <string.h>

/* Reports a broken rule, unless the guest has forfeited its rights. */
#define ORACLE_FAIL(oracle, ...)                                                                   \
	do {                                                                                       \
		if (!(oracle)->lenient)                                                            \
			trace_fail((oracle)->trace, __VA_ARGS__);                                  \
	} while (0)

/* The frames that share a host page, or are in one balloon page, with @frame:
 * they are dropped, and come back, together. */
static uint32_t host_page_frames(const struct oracle *oracle, const struct machine_region *region)
{
	uint32_t host_shift = region->region.host_page_shift;
	uint32_t shift = oracle->machine->page_shift;

	return host_shift > shift ? UINT32_C(1) << (host_shift - shift) : 1;
}

/* The guest may touch @frame, which brings all of its host page back. */
static void undrop(struct oracle *oracle, uint32_t frame)
{
	const struct machine_region *region =
		&oracle->machine->regions[oracle->machine->region_of[frame]];
	uint32_t frames = host_page_frames(oracle, region);
	uint32_t first = frame - (frame - region->first_frame) % frames;

	memset(oracle->dropped + first, 0, frames * sizeof(oracle->dropped[0]));
}

static void set_owner(struct oracle *oracle, uint32_t frame, enum oracle_owner owner)
{
	oracle->balloon_pages -= oracle->owner[frame] == ORACLE_BALLOON;
	oracle->balloon_pages += owner == ORACLE_BALLOON;
	oracle->owner[frame] = (uint8_t)owner;
	if (owner == ORACLE_GUEST && oracle->dropped[frame])
		undrop(oracle, frame);
}

void oracle_init(struct oracle *oracle)
{
	memset(oracle->queue_running, 0, sizeof(oracle->queue_running));
	oracle_reset(oracle);
}

void oracle_queue(struct oracle *oracle, unsigned int index, bool running)
{
	oracle->queue_running[index] = running;
	oracle->answers_before = oracle->wire.answers(oracle->wire.context);
}

void oracle_reset(struct oracle *oracle)
{
	oracle->epoch = 0;
	oracle->balloon_pages = 0;
	memset(oracle->owner, ORACLE_GUEST, sizeof(oracle->owner));
	memset(oracle->dropped, 0, sizeof(oracle->dropped));
	oracle->uncounted = false;
}

void oracle_lose_count(struct oracle *oracle)
{
	oracle->uncounted = true;
	memset(oracle->dropped, 0, sizeof(oracle->dropped));
}

void oracle_hello(struct oracle *oracle, uint64_t epoch)
{
	oracle->epoch = epoch;
}

void oracle_start_over(struct oracle *oracle)
{
	for (uint32_t frame = 0; frame < oracle->machine->frames; frame++)
		set_owner(oracle, frame, ORACLE_GUEST);
}

void oracle_add(struct oracle *oracle, uint64_t gpa)
{
	uint32_t frame = machine_frame(oracle->machine, gpa);

	if (frame == MACHINE_NO_FRAME)
		ORACLE_FAIL(oracle, "the driver adds %#" PRIx64 ", which is no memory", gpa);
	else if (oracle->owner[frame] != ORACLE_GUEST)
		ORACLE_FAIL(oracle, "the driver adds %#" PRIx64 " twice", gpa);
	else
		set_owner(oracle, frame, ORACLE_ADDING);
}

void oracle_add_answered(struct oracle *oracle, uint64_t gpa, bool accepted)
{
	uint32_t frame = machine_frame(oracle->machine, gpa);

	if (frame != MACHINE_NO_FRAME && oracle->owner[frame] == ORACLE_ADDING)
		set_owner(oracle, frame, accepted ? ORACLE_BALLOON : ORACLE_GUEST);
	else
		ORACLE_FAIL(oracle, "a verdict on %#" PRIx64 ", which was not added", gpa);
}

/* Proves DEV-WITHDRAW-1, DEV-WITHDRAW-10. */
bool oracle_returned(struct oracle *oracle, uint64_t gpa)
{
	uint32_t frame = machine_frame(oracle->machine, gpa);

	if (frame != MACHINE_NO_FRAME && oracle->owner[frame] == ORACLE_BALLOON) {
		if (oracle->must_restore && oracle->dropped[frame])
			ORACLE_FAIL(oracle, "handed back %#" PRIx64 " without its memory", gpa);
		set_owner(oracle, frame, ORACLE_GUEST);
		return true;
	}
	ORACLE_FAIL(oracle, "handed back %#" PRIx64 ", which was not in the balloon", gpa);
	return false;
}

void oracle_report(struct oracle *oracle, uint64_t gpa)
{
	uint32_t frame = machine_frame(oracle->machine, gpa);

	if (frame == MACHINE_NO_FRAME || oracle->owner[frame] != ORACLE_GUEST)
		ORACLE_FAIL(oracle, "the driver reports %#" PRIx64 ", which is not its own", gpa);
	else
		set_owner(oracle, frame, ORACLE_REPORTED);
}

void oracle_reported(struct oracle *oracle, uint64_t gpa)
{
	uint32_t frame = machine_frame(oracle->machine, gpa);

	if (frame != MACHINE_NO_FRAME && oracle->owner[frame] == ORACLE_REPORTED)
		set_owner(oracle, frame, ORACLE_GUEST);
	else
		ORACLE_FAIL(oracle, "%#" PRIx64 " was not reported", gpa);
}

void oracle_forgotten(struct oracle *oracle, uint32_t frame)
{
	set_owner(oracle, frame, ORACLE_GUEST);
}

void oracle_touch(struct oracle *oracle, uint32_t frame)
{
	if (oracle->owner[frame] != ORACLE_GUEST)
		ORACLE_FAIL(oracle, "the guest touches %#" PRIx64 ", which it has given away",
			    machine_gpa(oracle->machine, frame));
}

/* Wire format, "HELLO, and why a stop is not a reset": from ring stop until
 * proof the device drops nothing.
 * Proves DEV-STOP-2, DEV-STOP-5, DEV-STOP-10, DEV-RESET-2. */
static void check_drop_time(struct oracle *oracle)
{
	if (!oracle->queue_running[0] || !oracle->queue_running[1])
		trace_fail(oracle->trace, "dropped while a queue is stopped");
	else if (!oracle->wire.may_drop &&
		 oracle->answers_before == oracle->wire.answers(oracle->wire.context))
		ORACLE_FAIL(oracle, "dropped before the guest has spoken again");
}

/* Proves DEV-MEM-2, DEV-MEM-5, DEV-MEM-6. */
static void check_drop_range(struct oracle *oracle, const struct vballoon_region *region,
			     uint64_t offset, uint64_t len)
{
	uint64_t host_page = UINT64_C(1) << region->host_page_shift;
	uint32_t frame = machine_frame(oracle->machine, region->gpa.value);

	if (frame == MACHINE_NO_FRAME ||
	    machine_pointer(oracle->machine, frame) != (uint8_t *)region->host)
		trace_fail(oracle->trace, "dropped in a region that is not there");
	else if (region->reclaimable != VBALLOON_RECLAIMABLE)
		trace_fail(oracle->trace, "dropped in a region that is to be kept");
	else if (!len || offset % host_page || len % host_page)
		trace_fail(oracle->trace, "dropped part of a host page");
	else if (offset > region->size.value || len > region->size.value - offset)
		trace_fail(oracle->trace, "dropped beyond the end of a region");
}

/* By what was published, whether or not the driver has looked. */
static bool is_in_balloon(const struct oracle *oracle, uint64_t gpa, uint32_t frame)
{
	enum oracle_news news = oracle->wire.news(oracle->wire.context, gpa);

	if (oracle->wire.may_drop)
		return oracle->owner[frame] == ORACLE_BALLOON &&
		       oracle->wire.may_drop(oracle->wire.context, gpa);
	if (oracle->owner[frame] == ORACLE_ADDING)
		return news == ORACLE_NEWS_ACCEPTED;
	return oracle->owner[frame] == ORACLE_BALLOON && news != ORACLE_NEWS_GUEST;
}

/* Proves DEV-ADD-10, DEV-ADD-11, DEV-WITHDRAW-15, DEV-MEM-1. */
static void check_drop_page(struct oracle *oracle, uint64_t gpa)
{
	uint32_t frame = machine_frame(oracle->machine, gpa);

	if (!is_in_balloon(oracle, gpa, frame))
		ORACLE_FAIL(oracle, "dropped %#" PRIx64 ", which the guest may use", gpa);
	else if (oracle->dropped[frame] && !oracle->forgets_drops)
		ORACLE_FAIL(oracle, "dropped %#" PRIx64 " twice", gpa);
}

/* A host page may be smaller than the balloon's, and is then part of one. */
static uint64_t first_page(const struct oracle *oracle, const struct vballoon_region *region,
			   uint64_t offset)
{
	uint64_t gpa = region->gpa.value + offset;

	return gpa - gpa % machine_page_bytes(oracle->machine);
}

void oracle_drop(struct oracle *oracle, const struct vballoon_region *region, uint64_t offset,
		 uint64_t len)
{
	uint64_t end = region->gpa.value + offset + len;

	check_drop_time(oracle);
	check_drop_range(oracle, region, offset, len);
	for (uint64_t gpa = first_page(oracle, region, offset); gpa < end && !oracle->trace->failed;
	     gpa += machine_page_bytes(oracle->machine))
		check_drop_page(oracle, gpa);
}

static bool is_being_reported(const struct oracle *oracle, uint64_t gpa, uint32_t frame)
{
	return oracle->owner[frame] == ORACLE_REPORTED &&
	       oracle->wire.news(oracle->wire.context, gpa) != ORACLE_NEWS_GUEST;
}

void oracle_discard(struct oracle *oracle, const struct vballoon_region *region, uint64_t offset,
		    uint64_t len)
{
	uint64_t page = machine_page_bytes(oracle->machine);
	uint64_t end = region->gpa.value + offset + len;

	/* The REPORT itself tells that it is this guest that speaks. */
	if (!oracle->queue_running[0] || !oracle->queue_running[1])
		trace_fail(oracle->trace, "discarded while a queue is stopped");
	check_drop_range(oracle, region, offset, len);
	for (uint64_t gpa = first_page(oracle, region, offset); gpa < end && !oracle->trace->failed;
	     gpa += page) {
		if (!is_being_reported(oracle, gpa, machine_frame(oracle->machine, gpa)) &&
		    !(oracle->silent &&
		      is_in_balloon(oracle, gpa, machine_frame(oracle->machine, gpa))))
			ORACLE_FAIL(oracle, "discarded %#" PRIx64 ", which is not reported", gpa);
	}
}

void oracle_change(struct oracle *oracle, uint64_t gpa, uint64_t len)
{
	uint64_t page = machine_page_bytes(oracle->machine);

	for (uint64_t at = gpa - gpa % page; at < gpa + len && !oracle->trace->failed; at += page) {
		uint32_t frame = machine_frame(oracle->machine, at);

		if (frame == MACHINE_NO_FRAME)
			trace_fail(oracle->trace, "changed %#" PRIx64 ", which is no memory", at);
		else if (!is_being_reported(oracle, at, frame) && !is_in_balloon(oracle, at, frame))
			ORACLE_FAIL(oracle, "changed %#" PRIx64 ", which is the guest's", at);
	}
}

void oracle_dropped(struct oracle *oracle, const struct vballoon_region *region, uint64_t offset,
		    uint64_t len, bool gone)
{
	uint64_t end = region->gpa.value + offset + len;

	for (uint64_t gpa = first_page(oracle, region, offset); gpa < end;
	     gpa += machine_page_bytes(oracle->machine)) {
		uint32_t frame = machine_frame(oracle->machine, gpa);

		if (frame != MACHINE_NO_FRAME)
			oracle->dropped[frame] = gone;
	}
}

/* Proves DEV-STATE-7, DEV-STATE-8. */
void oracle_skip(struct oracle *oracle, uint64_t gpa)
{
	uint32_t frame = machine_frame(oracle->machine, gpa);

	if (frame == MACHINE_NO_FRAME)
		trace_fail(oracle->trace, "skipped %#" PRIx64 ", which is no memory", gpa);
	else if (!is_in_balloon(oracle, gpa, frame))
		ORACLE_FAIL(oracle, "skipped %#" PRIx64 ", which the guest may use", gpa);
}

void oracle_copied(struct oracle *oracle)
{
	memset(oracle->dropped, 0, sizeof(oracle->dropped));
}

struct record_check {
	struct oracle *oracle;
	bool present; /* the record speaks of the present driver's pages */
	bool quiet;
	uint64_t next; /* the least address that may come next */
	uint64_t held, dropped;
};

static void check_record_page(struct record_check *check, uint64_t gpa, bool dropped)
{
	struct oracle *oracle = check->oracle;
	uint32_t frame = machine_frame(oracle->machine, gpa);

	if (frame == MACHINE_NO_FRAME) {
		trace_fail(oracle->trace, "the record holds %#" PRIx64 ", which is no memory", gpa);
		return;
	}
	if (!check->present)
		return;
	if (oracle->silent)
		return;
	if (oracle->owner[frame] == ORACLE_GUEST ||
	    (check->quiet && oracle->owner[frame] != ORACLE_BALLOON))
		ORACLE_FAIL(oracle, "the record holds %#" PRIx64 ", which is the guest's", gpa);
	else if (dropped && !oracle->dropped[frame] && !oracle->dies)
		ORACLE_FAIL(oracle, "the record says that %#" PRIx64 " is dropped", gpa);
	else if (check->quiet && !dropped && oracle->dropped[frame] && !oracle->forgets_drops)
		ORACLE_FAIL(oracle, "the record does not know that %#" PRIx64 " is dropped", gpa);
}

static bool check_record_run(void *context, struct vballoon_gpa gpa, uint64_t pages, bool dropped)
{
	struct record_check *check = context;
	uint64_t page = machine_page_bytes(check->oracle->machine);

	if (!pages || pages > MACHINE_FRAMES_MAX || gpa.value < check->next) {
		trace_fail(check->oracle->trace, "the runs of the record are out of order");
		return false;
	}
	for (uint64_t i = 0; i < pages; i++)
		check_record_page(check, gpa.value + i * page, dropped);
	check->next = gpa.value + pages * page;
	check->held += pages;
	check->dropped += dropped ? pages : 0;
	return !check->oracle->trace->failed;
}

void oracle_check(struct oracle *oracle, const struct vballoon_device *device, bool quiet)
{
	struct record_check check = { .oracle = oracle, .quiet = quiet };
	struct vballoon_status status;

	vballoon_device_status(device, &status);
	check.present = oracle->wire.may_drop ? status.record == VBALLOON_RECORD_PROVEN
					      : oracle->epoch && status.epoch == oracle->epoch;
	vballoon_device_each_held(device, check_record_run, &check);
	if (oracle->trace->failed)
		return;
	if (status.held_pages != check.held || status.dropped_pages != check.dropped)
		trace_fail(oracle->trace,
			   "the record counts %" PRIu64 " held and %" PRIu64
			   " dropped, but has %" PRIu64 " and %" PRIu64,
			   status.held_pages, status.dropped_pages, check.held, check.dropped);
	else if (status.memory_pages != machine_pages(oracle->machine))
		trace_fail(oracle->trace, "the device knows of %" PRIu64 " pages",
			   status.memory_pages);
	else if (quiet && !oracle->silent && !oracle->uncounted &&
		 check.held != oracle->balloon_pages)
		ORACLE_FAIL(oracle, "the record holds %" PRIu64 " pages of %" PRIu32, check.held,
			    oracle->balloon_pages);
	else if (status.violation != VBALLOON_OK && !oracle->may_stop)
		ORACLE_FAIL(oracle, "the device stopped: %s",
			    vballoon_violation_text(status.violation));
}

static void check_host_page_dropped(struct oracle *oracle, uint32_t first, uint32_t frames)
{
	for (uint32_t i = 0; i < frames; i++) {
		if (oracle->owner[first + i] != ORACLE_BALLOON || oracle->dropped[first + i])
			return;
	}
	ORACLE_FAIL(oracle, "the host page at %#" PRIx64 " is in the balloon but not dropped",
		    machine_gpa(oracle->machine, first));
}

void oracle_check_dropped(struct oracle *oracle)
{
	for (unsigned int i = 0; i < oracle->machine->region_count; i++) {
		const struct machine_region *it = &oracle->machine->regions[i];
		uint32_t frames = host_page_frames(oracle, it);

		if (!it->plugged || it->region.reclaimable != VBALLOON_RECLAIMABLE)
			continue;
		for (uint32_t at = 0; at + frames <= it->frames; at += frames)
			check_host_page_dropped(oracle, it->first_frame + at, frames);
	}
}
