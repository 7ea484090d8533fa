/* SPDX-License-Identifier: BSD-3-Clause */
/* Setting and clearing a range changes its bits and no others; looking finds the first. */
#include "proof.h"

#include <string.h>

/* CBMC goes through words sooner than through their bytes. */
static void fill_words(uint64_t *words, int byte, size_t len)
{
	for (size_t i = 0; i < len / sizeof(*words); i++)
		words[i] = byte ? UINT64_MAX : 0;
}

#define memset(words, byte, len) fill_words(words, byte, len)
#include "base/bitmap.c"
#undef memset

#define WORDS 3U
#define BITS (WORDS * VBALLOON_BITMAP_WORD_BITS)

static bool bit(const uint64_t *words, uint64_t n)
{
	return words[n / 64] >> n % 64 & 1;
}

WITHIN("3 words of a bitmap");

void proof(void)
{
	uint64_t words[WORDS] = { nondet_u64(), nondet_u64(), nondet_u64() };
	const uint64_t old[WORDS] = { words[0], words[1], words[2] };
	const uint64_t first = nondet_u64(), count = nondet_u64(), n = nondet_u64();
	const bool set = nondet_bool();
	uint64_t found;

	ASSUME(first <= BITS && count <= BITS - first && n < BITS);
	if (set)
		vballoon_bitmap_set(words, first, count);
	else
		vballoon_bitmap_clear(words, first, count);
	HOLDS(bit(words, n) == (n >= first && n - first < count ? set : bit(old, n)));
	found = vballoon_bits_next((struct vballoon_bits){ .set = words }, first, BITS);
	HOLDS(found >= first && found <= BITS);
	HOLDS(found == BITS || bit(words, found));
	HOLDS(!(n >= first && n < found && bit(words, n)));
	REACHED(!set && found > first + count && found < BITS && first < 64 && count > 64);
	REACHED(set && count == BITS);
}
