/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The oracle: whose every page is, told only by what passed between driver and
 * device and by the specification, never by what the device believes. It judges
 * every access by the guest, every answer, every drop, and the device's record.
 *
 * An answer counts from the moment the device publishes it in the used ring,
 * not when the driver gets round to it: what a driver that polls might do
 * already, the device must expect.
 */
#ifndef SIM_ORACLE_H
#define SIM_ORACLE_H

#include <stdbool.h>
#include <stdint.h>

#include <vballoon/device.h>

#include "machine.h"
#include "trace.h"

enum oracle_owner {
	ORACLE_GUEST,
	ORACLE_ADDING, /* named in an ADD that the driver has not seen answered */
	ORACLE_BALLOON,
	ORACLE_REPORTED, /* free, and named in a REPORT that was not seen answered */
};

/* What the device has published and the driver not yet collected. */
enum oracle_news {
	ORACLE_NEWS_NONE,
	ORACLE_NEWS_ACCEPTED,
	ORACLE_NEWS_GUEST, /* refused, handed back, or the record was emptied */
};

struct oracle_wire {
	enum oracle_news (*news)(void *context, uint64_t gpa);
	/* A number that changes with each message that the device answers. */
	uint32_t (*answers)(void *context);
	/* The traditional balloon: whether the device may drop a page that the driver has. NULL:
	 * when it is in the balloon by what was published, and the guest has spoken. */
	bool (*may_drop)(void *context, uint64_t gpa);
	void *context;
};

struct oracle {
	const struct machine *machine;
	struct trace *trace;
	struct oracle_wire wire;
	bool lenient; /* the guest breaks the rules: only the host's invariants hold */
	bool forgets_drops; /* what is undone may leave dropped pages as not dropped */
	bool dies; /* the device: what it was restoring then may be gone for all it knows */
	bool silent; /* the guest may use what is in the balloon without a word */
	bool uncounted; /* the device has lost count of the balloon, and may */
	bool may_stop; /* the device could not answer */
	bool must_restore; /* a page handed back while its memory is gone kills the guest */
	bool queue_running[VBALLOON_QUEUES_MAX];
	uint32_t answers_before; /* proof: this has changed */
	uint64_t epoch; /* as the present driver said HELLO; 0 before */
	uint8_t owner[MACHINE_FRAMES_MAX];
	bool dropped[MACHINE_FRAMES_MAX];
	uint32_t balloon_pages;
};

/* The rest is set by the caller. */
void oracle_init(struct oracle *oracle);

/* What passes between driver and device. */
void oracle_queue(struct oracle *oracle, unsigned int index, bool running);
void oracle_reset(struct oracle *oracle);
void oracle_hello(struct oracle *oracle, uint64_t epoch);
void oracle_start_over(struct oracle *oracle);
void oracle_add(struct oracle *oracle, uint64_t gpa);
void oracle_add_answered(struct oracle *oracle, uint64_t gpa, bool accepted);
/* Returns whether the page was the device's to hand back. */
bool oracle_returned(struct oracle *oracle, uint64_t gpa);
void oracle_report(struct oracle *oracle, uint64_t gpa);
void oracle_reported(struct oracle *oracle, uint64_t gpa);
/* The driver has the page back without a word of the device. */
void oracle_forgotten(struct oracle *oracle, uint32_t frame);

/* The traditional balloon: the device has lost its record, and no driver that would notice. */
void oracle_lose_count(struct oracle *oracle);

/* The guest reads or writes @frame. */
void oracle_touch(struct oracle *oracle, uint32_t frame);

/* The device asks to drop memory: may it? */
void oracle_drop(struct oracle *oracle, const struct vballoon_region *region, uint64_t offset,
		 uint64_t len);

/* The device asks to discard what was reported: may it? */
void oracle_discard(struct oracle *oracle, const struct vballoon_region *region, uint64_t offset,
		    uint64_t len);

/* The device changes the contents of pages. */
void oracle_change(struct oracle *oracle, uint64_t gpa, uint64_t len);

/* Host memory is gone, or restored. */
void oracle_dropped(struct oracle *oracle, const struct vballoon_region *region, uint64_t offset,
		    uint64_t len, bool gone);

/* A page does not travel to another host; all others were copied, so that there is memory. */
void oracle_skip(struct oracle *oracle, uint64_t gpa);
void oracle_copied(struct oracle *oracle);

/* The device's record against the oracle's: what holds at any time, and, when
 * @quiet, with nothing in flight. */
void oracle_check(struct oracle *oracle, const struct vballoon_device *device, bool quiet);

/* Every whole host page that is wholly in the balloon was dropped. */
void oracle_check_dropped(struct oracle *oracle);

#endif /* SIM_ORACLE_H */
