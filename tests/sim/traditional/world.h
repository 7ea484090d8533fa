/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The traditional balloon in a small world: a driver that lives at random - gives pages, takes
 * them back in either discipline, reports, hints, is paused, reset, outlives the device - and an
 * account of its own of who owns each page. Whatever the device has the host do with a page that
 * is not its own ends the run, and so does a record that is not what the guest says when all is
 * quiet.
 */
#ifndef SIM_TRADITIONAL_WORLD_H
#define SIM_TRADITIONAL_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "../rng.h"
#include "trad_bed.h"

#define AT GIB
#define PAGES 256U
#define PAGE_BYTES 4096U
#define LIST_MAX 24
#define IN_FLIGHT_MAX TRAD_MESSAGES_MAX
#define LINGER_MS 20 /* that pages wait for the others of their block */

enum owner {
	USED, /* the guest's, with something in it */
	FREE, /* the guest's */
	GIVEN, /* in a message to inflateq that is not answered */
	HELD, /* in the balloon */
	SILENT, /* used again, and the host is not told yet */
	TAKEN, /* in a message to deflateq that is not answered */
	REPORTED, /* in a message to reporting_vq that is not answered */
};

struct list {
	uint32_t pages[LIST_MAX];
	unsigned int count;
};

struct world {
	struct bed bed;
	struct rng rng;
	enum owner owners[PAGES];
	bool known[PAGES]; /* held, and the device has not been made to forget it */
	bool told[PAGES]; /* used again, in a deflate that is not answered: not given meanwhile */
	uint64_t tags[PAGES]; /* what a used page begins with */
	struct list lists[VBALLOON_QUEUES_MAX][IN_FLIGHT_MAX]; /* in flight, by queue */
	unsigned int posted[VBALLOON_QUEUES_MAX], answered[VBALLOON_QUEUES_MAX];
	bool tells; /* MUST_TELL_HOST is negotiated */
	bool silent; /* SILENT_DEFLATE is */
	unsigned int stats, hint, report; /* the driver's queues; 0: none */
	bool stats_posted; /* the device keeps them until it wants newer ones */
	uint32_t host_pages; /* of the host's page */
	uint64_t now_ms; /* 0: the device is not told the time */
	uint64_t seed;
};

/* How often each thing has happened, in all lives. */
struct covered {
	uint64_t drops, discards, resets, pauses, silent, advice, stats, deaths;
};

extern struct world world;
extern struct covered covered;

/* Say what is wrong with a page, and how to see it again; and end. */
void world_wrong(const char *what, uint32_t page);

/* The memory of a page. */
uint32_t *world_page(uint32_t page);
/* The guest writes to it, and it is the guest's. */
void world_use(uint32_t page);
/* What the guest has written is there. */
void world_check_used(void);

void world_pass_time(uint64_t ms);
/* Let all that is under way come to its end. Guest and device agree on every page then. */
void world_settle(void);

#endif /* SIM_TRADITIONAL_WORLD_H */
