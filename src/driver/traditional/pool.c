/* SPDX-License-Identifier: BSD-3-Clause */
#include "driver/traditional/pool.h"

#include "base/checked.h"

#define WORD_UNITS 32

/* Not uint64_t, which not every processor can exchange at once. */
typedef uint32_t __attribute__((may_alias)) word;

/* A word of bits, and where it is. */
struct place {
	const struct vballoon_guest_range *range;
	word *at;
	uint64_t first; /* unit of the range */
};

static uint64_t range_units(const struct vballoon_traditional_pool *pool,
			    const struct vballoon_guest_range *range)
{
	return range->size.value >> pool->unit_shift;
}

static uint32_t range_words(const struct vballoon_traditional_pool *pool,
			    const struct vballoon_guest_range *range)
{
	return (uint32_t)((range_units(pool, range) + WORD_UNITS - 1) / WORD_UNITS);
}

static word *word_of(const struct vballoon_guest_range *range, uint64_t unit)
{
	return (word *)(void *)range->held + unit / WORD_UNITS;
}

/* Cut the first unit off units at *@gpa: its range, or NULL when it is in none. */
static const struct vballoon_guest_range *next_unit(const struct vballoon_traditional_pool *pool,
						    uint64_t *gpa, uint64_t *unit_out)
{
	for (unsigned int i = 0; i < pool->range_count; i++) {
		const struct vballoon_guest_range *range = &pool->ranges[i];
		uint64_t offset = *gpa - range->gpa.value;

		if (*gpa < range->gpa.value || offset >= range->size.value)
			continue;
		*unit_out = offset >> pool->unit_shift;
		*gpa += UINT64_C(1) << pool->unit_shift;
		return range;
	}
	return NULL;
}

static uint32_t bit_of(uint64_t unit)
{
	return UINT32_C(1) << unit % WORD_UNITS;
}

bool vballoon_traditional_pool_lacks(const struct vballoon_traditional_pool *pool, uint64_t gpa,
				     uint64_t units)
{
	for (; units; units--) {
		uint64_t unit;
		const struct vballoon_guest_range *range = next_unit(pool, &gpa, &unit);

		if (!range ||
		    __atomic_load_n(word_of(range, unit), __ATOMIC_RELAXED) & bit_of(unit))
			return false;
	}
	return true;
}

/* The number of a range's first word, through all of them. */
static uint32_t words_before(const struct vballoon_traditional_pool *pool,
			     const struct vballoon_guest_range *range)
{
	uint32_t words = 0;

	for (const struct vballoon_guest_range *at = pool->ranges; at < range; at++)
		words += range_words(pool, at);
	return words;
}

void vballoon_traditional_pool_put(struct vballoon_traditional_pool *pool, uint64_t gpa,
				   uint64_t units)
{
	uint64_t unit, first = gpa;
	const struct vballoon_guest_range *range = next_unit(pool, &first, &unit);

	if (range)
		__atomic_store_n(&pool->hint,
				 words_before(pool, range) + (uint32_t)(unit / WORD_UNITS),
				 __ATOMIC_RELAXED);
	/* Counted before they can be taken, so that the count never falls below 0. */
	__atomic_fetch_add(&pool->units, (uint32_t)units, __ATOMIC_RELAXED);
	for (; units && (range = next_unit(pool, &gpa, &unit)) != NULL; units--)
		__atomic_fetch_or(word_of(range, unit), bit_of(unit), __ATOMIC_RELEASE);
}

/* Clear the first bits of @place that are set, at most @most in a row: how many. */
static uint32_t clear(const struct place *place, uint64_t most, uint32_t *first_out)
{
	uint32_t bits = __atomic_load_n(place->at, __ATOMIC_RELAXED);
	uint32_t count, mask;

	while (bits) {
		*first_out = (uint32_t)__builtin_ctz(bits);
		count = 1;
		while (count<most && * first_out + count<WORD_UNITS && bits>>(*first_out + count) &
		       1)
			count++;
		mask = (count < WORD_UNITS ? (UINT32_C(1) << count) - 1 : UINT32_MAX) << *first_out;
		if (__atomic_compare_exchange_n(place->at, &bits, bits & ~mask, false,
						__ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			return count;
	}
	return 0;
}

/* The word of number @number, through all ranges; false: there are fewer. */
static bool locate(const struct vballoon_traditional_pool *pool, uint32_t number,
		   struct place *place_out)
{
	for (unsigned int i = 0; i < pool->range_count; i++) {
		const struct vballoon_guest_range *range = &pool->ranges[i];
		uint32_t words = range_words(pool, range);

		if (number < words) {
			*place_out = (struct place){ range, word_of(range, 0) + number,
						     (uint64_t)number * WORD_UNITS };
			return true;
		}
		number -= words;
	}
	return false;
}

/* The word after @place. False: that was the last. */
static bool advance(const struct vballoon_traditional_pool *pool, struct place *place)
{
	place->at++;
	place->first += WORD_UNITS;
	while (place->first >= range_units(pool, place->range)) {
		if (++place->range == pool->ranges + pool->range_count)
			return false;
		place->at = word_of(place->range, 0);
		place->first = 0;
	}
	return true;
}

/* Look in the words from number @number to before number @end. */
static uint64_t take_between(struct vballoon_traditional_pool *pool, uint32_t number, uint32_t end,
			     uint64_t most, uint64_t *gpa_out)
{
	struct place place;
	bool is_there = locate(pool, number, &place);

	for (; is_there && number < end; number++, is_there = advance(pool, &place)) {
		uint32_t first, count = clear(&place, most, &first);

		if (!count)
			continue;
		__atomic_fetch_sub(&pool->units, count, __ATOMIC_RELAXED);
		__atomic_store_n(&pool->hint, number, __ATOMIC_RELAXED);
		*gpa_out = place.range->gpa.value + ((place.first + first) << pool->unit_shift);
		return count;
	}
	return 0;
}

uint64_t vballoon_traditional_pool_take(struct vballoon_traditional_pool *pool, uint64_t most,
					uint64_t *gpa_out)
{
	uint32_t hint = __atomic_load_n(&pool->hint, __ATOMIC_RELAXED);
	uint64_t units;

	if (!vballoon_traditional_pool_units(pool))
		return 0;
	units = take_between(pool, hint, UINT32_MAX, most, gpa_out);
	return units ? units : take_between(pool, 0, hint, most, gpa_out);
}
