/* SPDX-License-Identifier: BSD-3-Clause */
/* Arithmetic on numbers that a peer chose: it says when a result does not fit. */
#ifndef VBALLOON_BASE_CHECKED_H
#define VBALLOON_BASE_CHECKED_H

#include <stdbool.h>
#include <stdint.h>

/* *sum_out = a + b; false, and *sum_out undefined, when that wraps. */
static inline bool vballoon_add(uint64_t a, uint64_t b, uint64_t *sum_out)
{
	return !__builtin_add_overflow(a, b, sum_out);
}

/* *product_out = a * b; false, and *product_out undefined, when that wraps. */
static inline bool vballoon_mul(uint64_t a, uint64_t b, uint64_t *product_out)
{
	return !__builtin_mul_overflow(a, b, product_out);
}

/* Whether @value is a multiple of 2^@shift; @shift is below 64. */
static inline bool vballoon_is_aligned(uint64_t value, uint32_t shift)
{
	return !(value & ((UINT64_C(1) << shift) - 1));
}

/* The largest multiple of 2^@shift that is not above @value. */
static inline uint64_t vballoon_align_down(uint64_t value, uint32_t shift)
{
	return value & ~((UINT64_C(1) << shift) - 1);
}

/* The smallest multiple of 2^@shift that is not below @value, which must be at
 * most UINT64_MAX - 2^@shift. */
static inline uint64_t vballoon_align_up(uint64_t value, uint32_t shift)
{
	return vballoon_align_down(value + ((UINT64_C(1) << shift) - 1), shift);
}

#endif /* VBALLOON_BASE_CHECKED_H */
