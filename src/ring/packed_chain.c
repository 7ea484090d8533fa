/* SPDX-License-Identifier: BSD-3-Clause */
#include "ring/packed_chain.h"

#include "base/le.h"
#include "ring/chain.h"

/* Read @len bytes of the descriptor at @gpa, once; what is behind them is 0. */
static int read_desc(const struct vballoon_device_ring *ring, struct vballoon_gpa gpa, size_t len,
		     struct packed_desc *desc_out)
{
	struct packed_desc raw = { .flags = 0 };
	int error = vballoon_memory_read(ring->memory, gpa, &raw, len);

	desc_out->addr = vballoon_le64(raw.addr);
	desc_out->len = vballoon_le32(raw.len);
	desc_out->id = vballoon_le16(raw.id);
	desc_out->flags = vballoon_le16(raw.flags);
	return error;
}

static enum vballoon_violation append(const struct vballoon_device_ring *ring,
				      const struct packed_desc *desc, struct vballoon_chain *chain)
{
	struct vballoon_segment segment = { vballoon_gpa(desc->addr), desc->len };

	return vballoon_chain_append(chain, ring->queue.size, ring->memory, &segment,
				     desc->flags & PACKED_DESC_WRITE);
}

/* virtio 1.3, 2.8.19: a table is no part of a list; 2.8.7: it is a whole number of descriptors,
 * in sequence, of which only address, length and WRITE count; no more than the queue has.
 * Keeps DEV-RING-14, DEV-RING-15. */
static enum vballoon_violation append_table(const struct vballoon_device_ring *ring,
					    const struct packed_desc *desc,
					    struct vballoon_chain *chain)
{
	uint32_t count = desc->len / (uint32_t)sizeof(*desc);

	if (!ring->features.indirect)
		return VBALLOON_INDIRECT_NOT_NEGOTIATED;
	if (chain->places || (desc->flags & PACKED_DESC_NEXT) || desc->len % sizeof(*desc) ||
	    !count || count > ring->queue.size)
		return VBALLOON_INDIRECT_MALFORMED;
	if (!vballoon_memory_covers(ring->memory, vballoon_gpa(desc->addr),
				    vballoon_bytes(desc->len)))
		return VBALLOON_DESC_OUTSIDE_MEMORY;
	for (uint32_t i = 0; i < count; i++) {
		struct vballoon_gpa at = vballoon_gpa(desc->addr + packed_desc_bytes(i));
		struct packed_desc entry;
		enum vballoon_violation violation;

		if (read_desc(ring, at, sizeof(entry), &entry))
			return VBALLOON_DESC_OUTSIDE_MEMORY;
		violation = append(ring, &entry, chain);
		if (violation)
			return violation;
	}
	return VBALLOON_OK;
}

enum vballoon_violation packed_chain_step(const struct vballoon_device_ring *ring,
					  const struct packed_desc *desc,
					  struct vballoon_chain *chain)
{
	if (desc->flags & PACKED_DESC_INDIRECT)
		return append_table(ring, desc, chain);
	return append(ring, desc, chain);
}

/* Read the descriptor that the walk has come to, @place. The flags of the first were read when it
 * was found to be available: its other fields are what they speak of. Keeps DEV-RING-17. */
static enum vballoon_violation read_next(const struct vballoon_device_ring *ring, uint16_t place,
					 bool first, struct packed_desc *desc_out)
{
	struct vballoon_gpa at =
		vballoon_gpa(ring->queue.desc.value + packed_desc_bytes(packed_index(place)));

	if (read_desc(ring, at, first ? PACKED_DESC_FLAGS : sizeof(*desc_out), desc_out))
		return VBALLOON_RING_UNREADABLE;
	if (first)
		desc_out->flags = ring->head_flags;
	/* virtio 1.3, 2.8.6: these flags are set in all of them. */
	return packed_is_available(desc_out->flags, place) ? VBALLOON_OK
							   : VBALLOON_DESC_NOT_AVAILABLE;
}

/* Keeps DEV-RING-9. */
enum vballoon_violation packed_chain_walk(const struct vballoon_device_ring *ring,
					  struct vballoon_chain *chain, bool *whole_out)
{
	enum vballoon_violation found = VBALLOON_OK;
	uint16_t place = ring->next_avail;
	bool last = false;

	vballoon_chain_begin(chain, 0, 0);
	while (!last) {
		enum vballoon_violation violation = VBALLOON_CHAIN_TOO_LONG;
		struct packed_desc desc;

		if (chain->places < ring->queue.size)
			violation = read_next(ring, place, !chain->places, &desc);
		if (violation)
			return found ? found : violation;
		if (!found)
			found = packed_chain_step(ring, &desc, chain);
		chain->places++;
		chain->head = desc.id;
		place = packed_advance(ring->queue.size, place, 1);
		last = !(desc.flags & PACKED_DESC_NEXT);
	}
	*whole_out = true;
	vballoon_chain_rewind(chain);
	return found;
}
