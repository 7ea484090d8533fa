/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The units in the balloon: a bit each, in bitmaps of the caller's.
 *
 * Whoever clears a bit has the unit. Bits are set and cleared atomically, so that one can be
 * taken from any context at any time, whatever the driver is doing. What the device
 * has not answered for yet is not in the pool.
 */
#ifndef VBALLOON_DRIVER_TRADITIONAL_POOL_H
#define VBALLOON_DRIVER_TRADITIONAL_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include <vballoon/guest.h>

struct vballoon_traditional_pool {
	const struct vballoon_guest_range *ranges;
	unsigned int range_count;
	uint32_t unit_shift;
	uint32_t units; /* in it; atomic */
	uint32_t hint; /* where some may be: words, through all ranges; atomic */
};

/* Whether units that are not in the pool lie at @gpa. */
bool vballoon_traditional_pool_lacks(const struct vballoon_traditional_pool *pool, uint64_t gpa,
				     uint64_t units);

/* Put units in, which lie in the ranges. */
void vballoon_traditional_pool_put(struct vballoon_traditional_pool *pool, uint64_t gpa,
				   uint64_t units);

/* Take some out: units in a row, at most @most and 32; 0 when there are none. */
uint64_t vballoon_traditional_pool_take(struct vballoon_traditional_pool *pool, uint64_t most,
					uint64_t *gpa_out);

/* How many are in it. */
static inline uint32_t vballoon_traditional_pool_units(const struct vballoon_traditional_pool *pool)
{
	return __atomic_load_n(&pool->units, __ATOMIC_RELAXED);
}

#endif /* VBALLOON_DRIVER_TRADITIONAL_POOL_H */
