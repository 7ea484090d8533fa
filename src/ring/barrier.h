/* SPDX-License-Identifier: BSD-3-Clause */
/* Order between the two sides of a ring, which run on different processors; see split.h. */
#ifndef VBALLOON_RING_BARRIER_H
#define VBALLOON_RING_BARRIER_H

#include <stdint.h>

/* The full barrier of pairs 3 and 4. */
static inline void ring_fence(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* @count and @more, but never so many that they come round to few. */
static inline uint32_t ring_count(uint32_t count, uint32_t more)
{
	return count < UINT32_MAX - more ? count + more : UINT32_MAX;
}

#endif /* VBALLOON_RING_BARRIER_H */
