/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reading a saved state that may be anything: first whether it is whole and as it was
 * written, then whether what it says makes sense. Nothing is done before all of it does.
 */
#include <string.h>
#include <vballoon/abi/memory_balloon.h>

#include "base/checked.h"
#include "base/le.h"
#include "state/checksum.h"
#include "state/saved.h"
#include "state/saved_layout.h"

uint32_t vballoon_saved_load32(const uint8_t *from)
{
	uint32_t value;

	memcpy(&value, from, sizeof(value));
	return vballoon_le32(value);
}

uint64_t vballoon_saved_load64(const uint8_t *from)
{
	uint64_t value;

	memcpy(&value, from, sizeof(value));
	return vballoon_le64(value);
}

/* Of what may lie behind the magic and the version, the length among it, nothing is known
 * before both are. */
static enum vballoon_saved_fault head_fault(const uint8_t *head)
{
	if (vballoon_saved_load64(head + AT_MAGIC) != VBALLOON_SAVED_MAGIC)
		return VBALLOON_SAVED_ALIEN;
	if (vballoon_saved_load32(head + AT_VERSION) > VBALLOON_SAVED_VERSION)
		return VBALLOON_SAVED_NEWER;
	return vballoon_saved_load32(head + AT_VERSION) ? VBALLOON_SAVED_OK
							: VBALLOON_SAVED_CORRUPT;
}

uint64_t vballoon_saved_bytes(const void *state)
{
	return head_fault(state) ? 0 : vballoon_saved_load64((const uint8_t *)state + AT_BYTES);
}

static enum vballoon_saved_fault whole_fault(const uint8_t *state, size_t len)
{
	enum vballoon_saved_fault fault;

	if (len < VBALLOON_SAVED_HEAD_BYTES)
		return len >= sizeof(uint64_t) &&
				       vballoon_saved_load64(state) != VBALLOON_SAVED_MAGIC
			       ? VBALLOON_SAVED_ALIEN
			       : VBALLOON_SAVED_TRUNCATED;
	fault = head_fault(state);
	if (fault)
		return fault;
	if (vballoon_saved_bytes(state) != len)
		return VBALLOON_SAVED_TRUNCATED;
	if (len < AT_OWN + CHECKSUM_BYTES || vballoon_saved_load32(state + len - CHECKSUM_BYTES) !=
						     vballoon_checksum(state, len - CHECKSUM_BYTES))
		return VBALLOON_SAVED_CORRUPT;
	return VBALLOON_SAVED_OK;
}

static void read_record(const uint8_t *from, struct vballoon_record_state *record_out)
{
	*record_out = (struct vballoon_record_state){
		.magic = vballoon_saved_load64(from + AT_RECORD_MAGIC),
		.version = vballoon_saved_load32(from + AT_RECORD_VERSION),
		.valid = vballoon_saved_load32(from + AT_RECORD_VALID),
		.epoch = vballoon_saved_load64(from + AT_RECORD_EPOCH),
		.features = vballoon_saved_load64(from + AT_RECORD_FEATURES),
		.target = vballoon_saved_load64(from + AT_RECORD_TARGET),
		.unit_shift = vballoon_saved_load32(from + AT_RECORD_UNIT_SHIFT),
		.page_shift = vballoon_saved_load32(from + AT_RECORD_PAGE_SHIFT),
		.revision = vballoon_saved_load32(from + AT_RECORD_REVISION),
	};
}

static bool is_shift(uint32_t shift)
{
	return shift >= VIRTIO_MEMORY_BALLOON_SHIFT_MIN && shift <= VIRTIO_MEMORY_BALLOON_SHIFT_MAX;
}

static bool record_makes_sense(const struct vballoon_saved *saved)
{
	const struct vballoon_record_state *record = &saved->record;

	if (record->magic != VBALLOON_RECORD_MAGIC || record->version != VBALLOON_RECORD_VERSION ||
	    record->valid > 1 || !is_shift(record->page_shift))
		return false;
	if (!record->valid)
		return !record->epoch && !record->unit_shift && !saved->held;
	return is_shift(record->unit_shift) && record->unit_shift >= record->page_shift;
}

/* Take the parts apart: false when they are longer than the whole. */
static bool take_apart(const uint8_t *state, size_t len, struct vballoon_saved *saved)
{
	size_t rest = len - AT_OWN - CHECKSUM_BYTES;

	saved->own_bytes = vballoon_saved_load32(state + AT_OWN_BYTES);
	saved->extents = vballoon_saved_load32(state + AT_EXTENTS);
	if (saved->own_bytes > VBALLOON_SAVED_OWN_MAX || saved->own_bytes % 8 ||
	    saved->own_bytes > rest || saved->extents > (rest - saved->own_bytes) / EXTENT_BYTES)
		return false;
	saved->own = state + AT_OWN;
	saved->extents_at = saved->own + saved->own_bytes;
	saved->runs_at = saved->extents_at + (size_t)saved->extents * EXTENT_BYTES;
	saved->runs_end = state + len - CHECKSUM_BYTES;
	return true;
}

struct vballoon_saved_extent vballoon_saved_extent_at(const struct vballoon_saved *saved,
						      uint32_t index)
{
	const uint8_t *at = saved->extents_at + (size_t)index * EXTENT_BYTES;

	return (struct vballoon_saved_extent){
		.gpa = vballoon_saved_load64(at),
		.pages = vballoon_saved_load64(at + 8),
	};
}

/* Extents in order, none touching the next, and counted together. */
static bool extents_make_sense(struct vballoon_saved *saved)
{
	uint32_t shift = saved->record.page_shift;
	uint64_t bytes, end, last_end = 0;

	for (uint32_t i = 0; i < saved->extents; i++) {
		struct vballoon_saved_extent extent = vballoon_saved_extent_at(saved, i);

		if (!extent.pages || !vballoon_is_aligned(extent.gpa, shift) ||
		    (i && extent.gpa <= last_end) ||
		    !vballoon_mul(extent.pages, UINT64_C(1) << shift, &bytes) ||
		    !vballoon_add(extent.gpa, bytes, &end))
			return false;
		last_end = end;
		saved->memory_pages += extent.pages;
	}
	return true;
}

/* Read a number, which has to be as short as it can be. */
static bool next_number(const struct vballoon_saved *saved, size_t *offset, uint64_t *number_out)
{
	size_t rest = (size_t)(saved->runs_end - saved->runs_at) - *offset;
	uint64_t number = 0, part;

	for (uint32_t i = 0; i < VBALLOON_SAVED_NUMBER_BYTES && i < rest; i++) {
		uint8_t byte = saved->runs_at[*offset + i];

		part = byte & 0x7f;
		if ((part << (7 * i)) >> (7 * i) != part)
			return false;
		number |= part << (7 * i);
		if (byte & 0x80)
			continue;
		*offset += i + 1;
		*number_out = number;
		return !i || byte;
	}
	return false;
}

bool vballoon_saved_next_run(const struct vballoon_saved *saved,
			     struct vballoon_saved_cursor *cursor, struct vballoon_run *run_out)
{
	size_t offset = cursor->offset;
	uint64_t gap;

	if (!next_number(saved, &offset, &gap) || !next_number(saved, &offset, &run_out->count))
		return false;
	cursor->offset = offset;
	run_out->first = cursor->end + gap;
	cursor->end = run_out->first + run_out->count;
	return true;
}

/* All runs lie in the memory that there is, none touches the next, and together they are
 * what is said to be held. */
static bool runs_make_sense(const struct vballoon_saved *saved)
{
	struct vballoon_saved_cursor cursor = { 0 };
	uint64_t last_end = 0, held = 0;
	bool first = true;
	struct vballoon_run run;

	while (vballoon_saved_next_run(saved, &cursor, &run)) {
		if (!run.count || run.first < last_end || run.first > saved->memory_pages ||
		    run.count > saved->memory_pages - run.first ||
		    (!first && run.first == last_end))
			return false;
		first = false;
		last_end = run.first + run.count;
		held += run.count;
	}
	return saved->runs_at + cursor.offset == saved->runs_end && held == saved->held;
}

enum vballoon_saved_fault vballoon_saved_open(const void *state, size_t len,
					      struct vballoon_saved *saved_out)
{
	enum vballoon_saved_fault fault = whole_fault(state, len);
	struct vballoon_saved saved = { 0 };

	if (fault)
		return fault;
	saved.device_id = vballoon_saved_load32((const uint8_t *)state + AT_DEVICE);
	saved.held = vballoon_saved_load64((const uint8_t *)state + AT_HELD);
	read_record((const uint8_t *)state + AT_RECORD, &saved.record);
	if (!record_makes_sense(&saved) || !take_apart(state, len, &saved) ||
	    !extents_make_sense(&saved) || !runs_make_sense(&saved))
		return VBALLOON_SAVED_CORRUPT;
	*saved_out = saved;
	return VBALLOON_SAVED_OK;
}
