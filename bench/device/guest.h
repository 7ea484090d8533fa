/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A device with nothing around it, and a driver that says what a benchmark tells it to: no
 * processor to wake up, no file descriptor. What is timed between two calls is what the
 * library and the host's kernel take.
 */
#ifndef VBALLOON_BENCH_GUEST_H
#define VBALLOON_BENCH_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vballoon/device.h>

#include "guest_memory.h"
#include "ring_builder.h"

#define BENCH_ENTRIES_MAX 4096 /* of one message */
#define BENCH_SLOTS 32 /* messages that may be on their way together */

/* A host that does nothing. */
extern const struct vballoon_reclaim_ops bench_reclaim_nothing;

struct bench_guest {
	struct vballoon_device *device;
	bool (*run)(struct vballoon_device *device); /* vballoon_device_run(), or around it */
	struct guest_memory window; /* rings and messages; no memory of the balloon */
	struct ring_builder rings[2];
	void *storage;
	void *page_map;
	size_t page_map_bytes;
	void *window_map;
	unsigned int posted; /* messages on their way */
	uint64_t refused; /* verdicts that were not 1 */
	uint64_t withdrawn; /* pages that came back */
};

/* A device with a guest of @bytes at address 0, which has said HELLO. */
struct bench_region {
	uint64_t bytes;
	void *host;
	uint32_t host_page_shift;
	void *backing;
};

void bench_guest_make(struct bench_guest *guest, const struct bench_region *region,
		      const struct vballoon_reclaim_ops *reclaim);
void bench_guest_end(struct bench_guest *guest);

/* Post an ADD of entries as on the wire, at most BENCH_ENTRIES_MAX. When no slot is left the
 * device runs first. */
void bench_guest_add(struct bench_guest *guest, const uint64_t *entries, size_t count);

/* Post a WITHDRAW. */
void bench_guest_withdraw(struct bench_guest *guest, uint64_t most);

/* Let the device run until nothing is left to do, and look at what it answered. */
void bench_guest_finish(struct bench_guest *guest);

/* How often the host was asked to drop memory, since the beginning. */
uint64_t bench_guest_drop_calls(const struct bench_guest *guest);

/* Add everything that lies in [@gpa, @gpa + @bytes), @run_pages to an entry, with as much to a
 * message as is allowed, the messages one after the other. */
void bench_guest_add_range(struct bench_guest *guest, uint64_t gpa, uint64_t bytes,
			   uint64_t run_pages);

#endif /* VBALLOON_BENCH_GUEST_H */
