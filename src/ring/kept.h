/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where a device is in a queue, as one word in memory that outlives it: written whole or
 * not at all.
 *
 * A chain is used in three steps: the word says that it is about to be, the driver is
 * told, the word says that it was. Whoever finds the word of the first step asks the ring
 * whether the second was taken. What the ring says the driver can forge, to its own harm alone.
 */
#ifndef VBALLOON_RING_KEPT_H
#define VBALLOON_RING_KEPT_H

#include <stdbool.h>
#include <stdint.h>

#define VBALLOON_KEPT_KNOWN (UINT64_C(1) << 62) /* 0: the queue has never run */
#define VBALLOON_KEPT_USING (UINT64_C(1) << 63) /* the chain at avail is being used */

struct vballoon_kept_place {
	uint16_t avail; /* where the next chain is taken */
	uint16_t used; /* where the next one is used */
	uint16_t places; /* that the chain being used takes */
	bool known, is_using;
};

static inline struct vballoon_kept_place vballoon_kept_place(uint64_t word)
{
	return (struct vballoon_kept_place){
		.avail = (uint16_t)word,
		.used = (uint16_t)(word >> 16),
		.places = (uint16_t)(word >> 32),
		.known = word & VBALLOON_KEPT_KNOWN,
		.is_using = word & VBALLOON_KEPT_USING,
	};
}

static inline uint64_t vballoon_kept_word(const struct vballoon_kept_place *place)
{
	return (uint64_t)place->avail | (uint64_t)place->used << 16 |
	       (uint64_t)place->places << 32 | (place->known ? VBALLOON_KEPT_KNOWN : 0) |
	       (place->is_using ? VBALLOON_KEPT_USING : 0);
}

#endif /* VBALLOON_RING_KEPT_H */
