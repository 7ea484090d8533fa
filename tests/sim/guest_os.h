/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The guest's kernel as far as memory goes: who has which page frame. A page in
 * use carries a canary at both ends, so that a drop or a stray write shows even
 * where the oracle knows nothing of it.
 */
#ifndef SIM_GUEST_OS_H
#define SIM_GUEST_OS_H

#include <stdbool.h>
#include <stdint.h>

#include <vballoon/guest.h>

#include "machine.h"
#include "oracle.h"
#include "rng.h"
#include "trace.h"

/* What the driver's rings and messages take. */
#define GUEST_OS_KERNEL_BYTES VBALLOON_GUEST_SHARED_BYTES

enum page_owner {
	PAGE_ABSENT, /* the region is not plugged */
	PAGE_FREE,
	PAGE_USED, /* carries a canary */
	PAGE_KERNEL, /* rings and messages of the driver that is loaded */
	PAGE_BALLOON, /* the driver has taken it */
	PAGE_REPORTED, /* free, but not to be used until the device has answered */
	PAGE_OWNERS,
};

struct guest_os {
	struct machine *machine;
	struct oracle *oracle;
	struct trace *trace;
	struct rng *rng;
	bool canaries; /* checked: not while the guest spoils its own memory */
	uint8_t owner[MACHINE_FRAMES_MAX];
	uint32_t generation[MACHINE_FRAMES_MAX]; /* makes each canary another one */
	uint32_t count[PAGE_OWNERS]; /* frames, by owner */
	uint32_t kernel_first; /* frame */
	bool has_kernel_memory;
};

/* Everything else of @os is set by the caller; no frame is there yet. */
void guest_os_init(struct guest_os *os);

/* A kernel starts: all memory is its own; it uses much of it at once. */
void guest_os_boot(struct guest_os *os);

/* Memory for a driver's rings and messages, contiguous, in the boot region;
 * false when memory is too fragmented. What a driver had before becomes free. */
bool guest_os_take_kernel_memory(struct guest_os *os);
void guest_os_drop_kernel_memory(struct guest_os *os);

/* Whether @len bytes at @gpa are the present driver's rings and messages. */
bool guest_os_is_kernel_memory(const struct guest_os *os, uint64_t gpa, uint64_t len);

/* It comes to use this one, which is free. */
void guest_os_use_frame(struct guest_os *os, uint32_t frame);

/* The guest comes to use @frames free pages, or frees pages that it used; as
 * many as there are. */
void guest_os_use(struct guest_os *os, uint32_t frames);
void guest_os_free(struct guest_os *os, uint32_t frames);

/* Take free memory for the balloon: a run of at most @most_units aligned units
 * of @unit_pages. Returns how many, 0 when there is none. */
uint32_t guest_os_inflate(struct guest_os *os, uint32_t unit_pages, uint32_t most_units,
			  uint64_t *gpa_out);

/* Take free memory out of use, to be reported: as guest_os_inflate(). */
uint32_t guest_os_isolate(struct guest_os *os, uint32_t unit_pages, uint32_t most_units,
			  uint64_t *gpa_out);
void guest_os_return(struct guest_os *os, uint32_t frame);

/* A page that is about to be given away, though it was free, carries a canary, too: where
 * it comes back as it was, that is still there, or the schedule has failed. */
void guest_os_stamp(struct guest_os *os, uint32_t frame);
void guest_os_check_stamp(const struct guest_os *os, uint32_t frame);

/* The page reads as zeros, or the schedule has failed. */
void guest_os_check_zeros(const struct guest_os *os, uint32_t frame);

/* A page that the driver had taken is the guest's again. */
void guest_os_deflate(struct guest_os *os, uint32_t frame);
void guest_os_deflate_all(struct guest_os *os);

/* Memory is plugged, or is about to be unplugged. */
void guest_os_plug(struct guest_os *os, unsigned int region);
void guest_os_unplug(struct guest_os *os, unsigned int region);

/* How many units the balloon could hold at most. */
uint32_t guest_os_units(const struct guest_os *os, uint32_t unit_pages);

/* Every canary is intact, or the schedule has failed. */
void guest_os_check(const struct guest_os *os);

#endif /* SIM_GUEST_OS_H */
