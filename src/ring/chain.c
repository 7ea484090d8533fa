/* SPDX-License-Identifier: BSD-3-Clause */
#include "ring/chain.h"

#include <errno.h>

void vballoon_chain_begin(struct vballoon_chain *chain, uint16_t head, uint16_t places)
{
	chain->head = head;
	chain->places = places;
	chain->readable_count = 0;
	chain->count = 0;
	chain->readable_len = 0;
	chain->writable_len = 0;
}

/* Keeps DEV-RING-9, DEV-RING-10, DEV-RING-11, DEV-RING-12, DEV-RING-13. */
enum vballoon_violation vballoon_chain_append(struct vballoon_chain *chain, uint32_t most,
					      const struct vballoon_memory *memory,
					      const struct vballoon_segment *segment,
					      bool device_writes)
{
	uint64_t total = chain->readable_len + chain->writable_len + segment->len;

	if (chain->count >= most)
		return VBALLOON_CHAIN_TOO_LONG;
	if (!segment->len)
		return VBALLOON_DESC_EMPTY;
	/* virtio 1.3, 2.7.4.2: device-writable buffers after all device-readable ones. */
	if (!device_writes && chain->count > chain->readable_count)
		return VBALLOON_DESC_ORDER;
	if (total > VBALLOON_CHAIN_BYTES_MAX)
		return VBALLOON_CHAIN_TOO_LARGE;
	if (!vballoon_memory_covers(memory, segment->gpa, vballoon_bytes(segment->len)))
		return VBALLOON_DESC_OUTSIDE_MEMORY;
	chain->segments[chain->count++] = *segment;
	if (device_writes) {
		chain->writable_len += segment->len;
	} else {
		chain->readable_len += segment->len;
		chain->readable_count++;
	}
	return VBALLOON_OK;
}

void vballoon_chain_rewind(struct vballoon_chain *chain)
{
	chain->read_segment = 0;
	chain->read_offset = 0;
	chain->write_segment = chain->readable_count;
	chain->write_offset = 0;
	chain->read_done = 0;
	chain->written = 0;
}

/* The next piece of a stream, at most @len bytes, that lies in one segment. */
static struct vballoon_segment piece_at(const struct vballoon_chain *chain, uint16_t segment,
					uint32_t offset, size_t len)
{
	struct vballoon_segment piece = chain->segments[segment];

	piece.gpa.value += offset;
	piece.len -= offset;
	if (len < piece.len)
		piece.len = (uint32_t)len;
	return piece;
}

/* Move a cursor past a piece that piece_at() found there. */
static void move_past(const struct vballoon_chain *chain, uint32_t len, uint16_t *segment,
		      uint32_t *offset)
{
	*offset += len;
	if (*offset == chain->segments[*segment].len) {
		++*segment;
		*offset = 0;
	}
}

/* Keeps DEV-MSG-2, DEV-MSG-14. */
int vballoon_chain_read(const struct vballoon_memory *memory, struct vballoon_chain *chain,
			void *to, size_t len)
{
	unsigned char *at = to;

	if (len > chain->readable_len - chain->read_done)
		return -EINVAL;
	while (len) {
		struct vballoon_segment piece =
			piece_at(chain, chain->read_segment, chain->read_offset, len);
		int error = vballoon_memory_read(memory, piece.gpa, at, piece.len);

		if (error)
			return error;
		move_past(chain, piece.len, &chain->read_segment, &chain->read_offset);
		chain->read_done += piece.len;
		at += piece.len;
		len -= piece.len;
	}
	return 0;
}

int vballoon_chain_write(const struct vballoon_memory *memory, struct vballoon_chain *chain,
			 const void *from, size_t len)
{
	const unsigned char *at = from;

	if (len > chain->writable_len - chain->written)
		return -EINVAL;
	while (len) {
		struct vballoon_segment piece =
			piece_at(chain, chain->write_segment, chain->write_offset, len);
		int error = vballoon_memory_write(memory, piece.gpa, at, piece.len);

		if (error)
			return error;
		move_past(chain, piece.len, &chain->write_segment, &chain->write_offset);
		chain->written += piece.len;
		at += piece.len;
		len -= piece.len;
	}
	return 0;
}
