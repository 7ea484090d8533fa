/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ranges of bits in arrays of 64-bit words: bit n is bit n % 64 of word n / 64.
 *
 * Everything works a word at a time: a guest of 1 TiB has 2^28 pages. Ranges
 * lie within the bitmap (the caller has checked), counts may be 0.
 */
#ifndef VBALLOON_BASE_BITMAP_H
#define VBALLOON_BASE_BITMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VBALLOON_BITMAP_WORD_BITS 64

/* Consecutive bits. */
struct vballoon_run {
	uint64_t first;
	uint64_t count;
};

/* Two bitmaps of one size: a bit belongs when it is set in @set and not in
 * @except, which may be NULL. */
struct vballoon_bits {
	const uint64_t *set;
	const uint64_t *except;
};

/* Words that @bits bits need. */
static inline uint64_t vballoon_bitmap_words(uint64_t bits)
{
	return bits / VBALLOON_BITMAP_WORD_BITS + (bits % VBALLOON_BITMAP_WORD_BITS != 0);
}

void vballoon_bitmap_set(uint64_t *words, uint64_t first, uint64_t count);

void vballoon_bitmap_clear(uint64_t *words, uint64_t first, uint64_t count);

/* Whether every bit of the range is set; an empty range is. */
bool vballoon_bitmap_all(const uint64_t *words, uint64_t first, uint64_t count);

/* How many bits of the range are set. */
uint64_t vballoon_bitmap_count(const uint64_t *words, uint64_t first, uint64_t count);

/* The first bit in [@from, @end) that belongs; @end when there is none. */
uint64_t vballoon_bits_next(struct vballoon_bits bits, uint64_t from, uint64_t end);

/* The first bit in [@from, @end) that does not belong; @end when there is none. */
uint64_t vballoon_bits_next_missing(struct vballoon_bits bits, uint64_t from, uint64_t end);

#endif /* VBALLOON_BASE_BITMAP_H */
