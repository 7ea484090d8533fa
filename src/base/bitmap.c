/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/bitmap.h"

#include <string.h>

#define WORD_BITS VBALLOON_BITMAP_WORD_BITS
#define ALL_ONES UINT64_MAX

/* The words that a range of at least one bit touches, with masks for the ends. */
struct span {
	uint64_t first; /* word */
	uint64_t last; /* word */
	uint64_t head; /* bits of the first word */
	uint64_t tail; /* bits of the last word; both apply when they are the same word */
};

static uint64_t mask_from(uint64_t bit)
{
	return ALL_ONES << (bit % WORD_BITS);
}

static uint64_t mask_through(uint64_t bit)
{
	return ALL_ONES >> (WORD_BITS - 1 - bit % WORD_BITS);
}

static struct span span_of(uint64_t first, uint64_t count)
{
	uint64_t last = first + count - 1;
	struct span span = {
		.first = first / WORD_BITS,
		.last = last / WORD_BITS,
		.head = mask_from(first),
		.tail = mask_through(last),
	};

	if (span.first == span.last)
		span.head = span.tail = span.head & span.tail;
	return span;
}

/* Fill what lies between the first and the last word. */
static void fill_between(uint64_t *words, const struct span *span, int byte)
{
	if (span->last > span->first + 1)
		memset(words + span->first + 1, byte,
		       (size_t)(span->last - span->first - 1) * sizeof(*words));
}

void vballoon_bitmap_set(uint64_t *words, uint64_t first, uint64_t count)
{
	struct span span;

	if (!count)
		return;
	span = span_of(first, count);
	words[span.first] |= span.head;
	fill_between(words, &span, 0xff);
	words[span.last] |= span.tail;
}

void vballoon_bitmap_clear(uint64_t *words, uint64_t first, uint64_t count)
{
	struct span span;

	if (!count)
		return;
	span = span_of(first, count);
	words[span.first] &= ~span.head;
	fill_between(words, &span, 0);
	words[span.last] &= ~span.tail;
}

bool vballoon_bitmap_all(const uint64_t *words, uint64_t first, uint64_t count)
{
	struct vballoon_bits bits = { .set = words };

	return vballoon_bits_next_missing(bits, first, first + count) == first + count;
}

/* Ranges mostly are all of one kind, and without an instruction for it counting is a call. */
static inline uint64_t ones(uint64_t value)
{
	if (!value)
		return 0;
	if (value == ALL_ONES)
		return WORD_BITS;
	return (uint64_t)__builtin_popcountll(value);
}

uint64_t vballoon_bitmap_count(const uint64_t *words, uint64_t first, uint64_t count)
{
	struct span span;
	uint64_t sum;

	if (!count)
		return 0;
	span = span_of(first, count);
	sum = ones(words[span.first] & span.head);
	if (span.first == span.last)
		return sum;
	for (uint64_t word = span.first + 1; word < span.last; word++)
		sum += ones(words[word]);
	return sum + ones(words[span.last] & span.tail);
}

/* What is asked for is known where these are called: each place has a loop of its own. */
#define APART static inline __attribute__((always_inline))

APART uint64_t load(struct vballoon_bits bits, uint64_t word)
{
	return bits.except ? bits.set[word] & ~bits.except[word] : bits.set[word];
}

/* Words that are looked at together. */
#define STRIDE 4

/* The first word in [word, words) that is not all @invert; @words: there is none. */
APART uint64_t skip_alike(struct vballoon_bits bits, uint64_t word, uint64_t words, uint64_t invert)
{
	while (words - word >= STRIDE &&
	       !((load(bits, word) ^ invert) | (load(bits, word + 1) ^ invert) |
		 (load(bits, word + 2) ^ invert) | (load(bits, word + 3) ^ invert)))
		word += STRIDE;
	while (word < words && load(bits, word) == invert)
		word++;
	return word;
}

/* The first bit in [from, end) that differs from @invert's bits. Most of all looking is done
 * here; who looks for single pages mostly finds one in the first word. */
APART uint64_t next(struct vballoon_bits bits, uint64_t from, uint64_t end, uint64_t invert)
{
	uint64_t word = from / WORD_BITS, words;
	uint64_t value, bit;

	if (from >= end)
		return end;
	value = (load(bits, word) ^ invert) & mask_from(from);
	if (__builtin_expect(!value, 0)) {
		words = (end - 1) / WORD_BITS + 1;
		word = skip_alike(bits, word + 1, words, invert);
		if (word == words)
			return end;
		value = load(bits, word) ^ invert;
	}
	bit = word * WORD_BITS + (uint64_t)__builtin_ctzll(value);
	return bit < end ? bit : end;
}

/* With and without exceptions. */
APART uint64_t next_apart(struct vballoon_bits bits, uint64_t from, uint64_t end, uint64_t invert)
{
	const struct vballoon_bits all = { .set = bits.set };

	return bits.except ? next(bits, from, end, invert) : next(all, from, end, invert);
}

uint64_t vballoon_bits_next(struct vballoon_bits bits, uint64_t from, uint64_t end)
{
	return next_apart(bits, from, end, 0);
}

uint64_t vballoon_bits_next_missing(struct vballoon_bits bits, uint64_t from, uint64_t end)
{
	return next_apart(bits, from, end, ALL_ONES);
}
