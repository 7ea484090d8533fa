/* SPDX-License-Identifier: BSD-3-Clause */
#include "device/summary.h"

#include <string.h>

/* No smaller chunks than 16 MiB: looking through one costs less than finding it. */
#define CHUNK_BYTES_SHIFT 24

/* Nor of fewer host pages than 64, as freeing large ones costs less than asking for each few; unless
 * so many are more than a guest of a TiB has in a chunk. */
#define CHUNK_HOST_PAGES 64
#define CHUNK_PAGES_MAX (UINT64_C(1) << 18)

void vballoon_summary_init(struct vballoon_summary *summary, uint64_t pages, uint32_t page_shift,
			   uint64_t host_pages)
{
	uint32_t shift = page_shift < CHUNK_BYTES_SHIFT ? CHUNK_BYTES_SHIFT - page_shift : 0;
	uint64_t least = host_pages * CHUNK_HOST_PAGES;

	if (least > CHUNK_PAGES_MAX)
		least = host_pages > CHUNK_PAGES_MAX ? host_pages : CHUNK_PAGES_MAX;
	while (UINT64_C(1) << shift < least || (pages - 1) >> shift >= VBALLOON_SUMMARY_CHUNKS)
		shift++;
	memset(summary, 0, sizeof(*summary));
	summary->pages = pages;
	summary->chunk_shift = shift;
	summary->chunks = (uint32_t)((pages - 1) >> shift) + 1;
}

/* Most of what is hinted lies in one chunk, and every page that comes alone has all hints. */
static inline void hint_chunks(uint64_t *hints, uint64_t chunk, uint64_t last)
{
	if (chunk == last)
		hints[chunk / VBALLOON_BITMAP_WORD_BITS] |= UINT64_C(1)
							    << chunk % VBALLOON_BITMAP_WORD_BITS;
	else
		vballoon_bitmap_set(hints, chunk, last - chunk + 1);
}

void vballoon_summary_hint(struct vballoon_summary *summary, enum vballoon_hint hint,
			   uint64_t first, uint64_t count)
{
	hint_chunks(summary->hints[hint], first >> summary->chunk_shift,
		    (first + count - 1) >> summary->chunk_shift);
}

void vballoon_summary_added(struct vballoon_summary *summary, uint64_t first, uint64_t count)
{
	uint64_t chunk = first >> summary->chunk_shift;
	uint64_t last = (first + count - 1) >> summary->chunk_shift;

	summary->changes++;
	for (unsigned int hint = 0; hint < VBALLOON_HINT_COUNT; hint++)
		hint_chunks(summary->hints[hint], chunk, last);
}

void vballoon_summary_removed(struct vballoon_summary *summary, uint64_t first, uint64_t count)
{
	summary->changes++;
	vballoon_summary_hint(summary, VBALLOON_HINT_LOOSE_BROKEN, first, count);
	vballoon_summary_hint(summary, VBALLOON_HINT_HELD_LONG, first, count);
	vballoon_summary_hint(summary, VBALLOON_HINT_HELD_BROKEN, first, count);
}

void vballoon_summary_copy(struct vballoon_summary *summary, enum vballoon_hint from,
			   enum vballoon_hint to)
{
	for (unsigned int i = 0; i < VBALLOON_SUMMARY_WORDS; i++)
		summary->hints[to][i] |= summary->hints[from][i];
}

void vballoon_summary_clear(struct vballoon_summary *summary, enum vballoon_hint hint,
			    uint64_t page)
{
	vballoon_bitmap_clear(summary->hints[hint], page >> summary->chunk_shift, 1);
}

void vballoon_summary_forget(struct vballoon_summary *summary, enum vballoon_hint hint)
{
	memset(summary->hints[hint], 0, sizeof(summary->hints[hint]));
}

void vballoon_summary_clear_all(struct vballoon_summary *summary)
{
	memset(summary->hints, 0, sizeof(summary->hints));
}

bool vballoon_summary_next(const struct vballoon_summary *summary, enum vballoon_hint hint,
			   uint64_t from, struct vballoon_run *chunk_out)
{
	struct vballoon_bits bits = { .set = summary->hints[hint] };
	uint64_t chunk = vballoon_bits_next(bits, from >> summary->chunk_shift, summary->chunks);
	uint64_t end = (chunk + 1) << summary->chunk_shift;

	if (from >= summary->pages || chunk == summary->chunks)
		return false;
	chunk_out->first = chunk << summary->chunk_shift;
	chunk_out->count = (end < summary->pages ? end : summary->pages) - chunk_out->first;
	return true;
}
