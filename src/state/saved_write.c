/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "base/le.h"
#include "state/checksum.h"
#include "state/saved.h"
#include "state/saved_layout.h"

void vballoon_saved_store32(uint8_t *to, uint32_t value)
{
	value = vballoon_le32(value);
	memcpy(to, &value, sizeof(value));
}

void vballoon_saved_store64(uint8_t *to, uint64_t value)
{
	value = vballoon_le64(value);
	memcpy(to, &value, sizeof(value));
}

static void put(struct vballoon_saved_writer *writer, const void *bytes, size_t len)
{
	if (writer->len <= writer->room && len <= writer->room - writer->len)
		memcpy(writer->to + writer->len, bytes, len);
	writer->len += len;
}

/* Seven bits a byte, the lowest first; the last byte has its highest bit clear. */
static void put_number(struct vballoon_saved_writer *writer, uint64_t number)
{
	uint8_t bytes[VBALLOON_SAVED_NUMBER_BYTES];
	size_t len = 0;

	for (; number > 0x7f; number >>= 7)
		bytes[len++] = (uint8_t)(number | 0x80);
	bytes[len++] = (uint8_t)number;
	put(writer, bytes, len);
}

static void put_record(struct vballoon_saved_writer *writer,
		       const struct vballoon_record_state *record)
{
	uint8_t bytes[sizeof(*record)] = { 0 };

	vballoon_saved_store64(bytes + AT_RECORD_MAGIC, record->magic);
	vballoon_saved_store32(bytes + AT_RECORD_VERSION, record->version);
	vballoon_saved_store32(bytes + AT_RECORD_VALID, record->valid);
	vballoon_saved_store64(bytes + AT_RECORD_EPOCH, record->epoch);
	vballoon_saved_store64(bytes + AT_RECORD_FEATURES, record->features);
	vballoon_saved_store64(bytes + AT_RECORD_TARGET, record->target);
	vballoon_saved_store32(bytes + AT_RECORD_UNIT_SHIFT, record->unit_shift);
	vballoon_saved_store32(bytes + AT_RECORD_PAGE_SHIFT, record->page_shift);
	vballoon_saved_store32(bytes + AT_RECORD_REVISION, record->revision);
	put(writer, bytes, sizeof(bytes));
}

void vballoon_saved_begin(struct vballoon_saved_writer *writer, void *to, size_t room,
			  uint32_t device_id, const struct vballoon_record_state *record,
			  const void *own, uint32_t own_bytes)
{
	uint8_t head[AT_RECORD] = { 0 };

	*writer = (struct vballoon_saved_writer){ .to = to, .room = room };
	vballoon_saved_store64(head + AT_MAGIC, VBALLOON_SAVED_MAGIC);
	vballoon_saved_store32(head + AT_VERSION, VBALLOON_SAVED_VERSION);
	vballoon_saved_store32(head + AT_DEVICE, device_id);
	vballoon_saved_store32(head + AT_OWN_BYTES, own_bytes);
	put(writer, head, sizeof(head));
	put_record(writer, record);
	put(writer, own, own_bytes);
}

void vballoon_saved_put_extent(struct vballoon_saved_writer *writer,
			       const struct vballoon_saved_extent *extent)
{
	uint8_t bytes[EXTENT_BYTES];

	vballoon_saved_store64(bytes, extent->gpa);
	vballoon_saved_store64(bytes + 8, extent->pages);
	put(writer, bytes, sizeof(bytes));
}

static void put_open_run(struct vballoon_saved_writer *writer)
{
	if (!writer->run.count)
		return;
	put_number(writer, writer->run.first - writer->end);
	put_number(writer, writer->run.count);
	writer->end = writer->run.first + writer->run.count;
}

void vballoon_saved_put_run(struct vballoon_saved_writer *writer, uint64_t index, uint64_t pages)
{
	struct vballoon_run *run = &writer->run;

	if (run->count && run->first + run->count == index) {
		run->count += pages;
		return;
	}
	put_open_run(writer);
	*run = (struct vballoon_run){ index, pages };
}

size_t vballoon_saved_end(struct vballoon_saved_writer *writer, uint32_t extents, uint64_t held)
{
	uint8_t sum[CHECKSUM_BYTES] = { 0 };
	size_t len;

	put_open_run(writer);
	len = writer->len + sizeof(sum);
	if (len <= writer->room) {
		vballoon_saved_store64(writer->to + AT_BYTES, len);
		vballoon_saved_store64(writer->to + AT_HELD, held);
		vballoon_saved_store32(writer->to + AT_EXTENTS, extents);
		vballoon_saved_store32(sum, vballoon_checksum(writer->to, writer->len));
	}
	put(writer, sum, sizeof(sum));
	return len;
}
