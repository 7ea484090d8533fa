/* SPDX-License-Identifier: BSD-3-Clause */
/* What one schedule is about: drawn from its seed, constant while it runs. */
#ifndef SIM_PLAN_H
#define SIM_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include <vballoon/memory.h>

#include "rng.h"

#define PLAN_REGIONS_MAX 4
#define PLAN_QUEUE_SIZE_MAX 64

struct plan_region {
	uint64_t gpa;
	uint32_t pages;
	uint32_t host_page_shift;
	enum vballoon_reclaimable reclaimable;
	bool plugged; /* from the beginning */
};

struct plan {
	uint32_t page_shift;
	uint32_t unit_shift;
	unsigned int region_count;
	struct plan_region regions[PLAN_REGIONS_MAX]; /* [0] is the boot memory */
	bool portable; /* the guest has the portable driver */
	bool traditional; /* for the other device */
	uint64_t features; /* that the device offers */
	bool zeroes; /* the host promises that what it dropped reads as zeros */
	bool restore; /* the host must restore what it dropped (hugetlb) */
	unsigned int drop_failures; /* percent */
	unsigned int restore_failures; /* percent */
	unsigned int clear_failures; /* percent */
	unsigned int failing_write; /* of rings and messages: the nth; 0: none */
	bool hostile; /* the guest rewrites its memory under the device's eyes */
	unsigned int rewrites; /* percent of the device's reads */
	unsigned int losses; /* percent of kicks and interrupts that never arrive */
	unsigned int unrest; /* percent of steps that may end a life */
	unsigned int steps;
};

void plan_draw(struct plan *plan, struct rng *rng);

#endif /* SIM_PLAN_H */
