/* SPDX-License-Identifier: BSD-3-Clause */
#include "packed_builder.h"

#include <stdlib.h>

#include "base/le.h"

/* As virtio 1.3, 2.8.13 has it; written down apart from the code that is tested. */
struct desc_bytes {
	uint64_t addr;
	uint32_t len;
	uint16_t id;
	uint16_t flags;
};

int packed_setup(void **state)
{
	struct packed_fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	guest_memory_init(&f->guest);
	guest_memory_add(&f->guest, 0, PACKED_MEMORY_END);
	f->queue = (struct vballoon_queue){
		.size = PACKED_SIZE,
		.desc = vballoon_gpa(PACKED_RING),
		.avail = vballoon_gpa(PACKED_DRIVER_EVENT),
		.used = vballoon_gpa(PACKED_DEVICE_EVENT),
		.next = VBALLOON_QUEUE_FIRST_PACKED,
	};
	*state = f;
	return 0;
}

int packed_teardown(void **state)
{
	struct packed_fixture *f = *state;

	guest_memory_destroy(&f->guest);
	free(f);
	return 0;
}

static struct desc_bytes *desc_at(const struct packed_fixture *f, uint64_t table, uint16_t index)
{
	return guest_memory_at(&f->guest, table + index * sizeof(struct desc_bytes),
			       sizeof(struct desc_bytes));
}

static void write_desc(struct packed_fixture *f, uint64_t table, uint16_t index,
		       struct raw_packed desc)
{
	*desc_at(f, table, index) = (struct desc_bytes){
		vballoon_le64(desc.addr),
		vballoon_le32(desc.len),
		vballoon_le16(desc.id),
		vballoon_le16(desc.flags),
	};
}

static struct raw_packed read_desc(const struct packed_fixture *f, uint64_t table, uint16_t index)
{
	const struct desc_bytes *desc = desc_at(f, table, index);

	return (struct raw_packed){
		vballoon_le64(desc->addr),
		vballoon_le32(desc->len),
		vballoon_le16(desc->id),
		vballoon_le16(desc->flags),
	};
}

void packed_desc(struct packed_fixture *f, uint16_t index, struct raw_packed desc)
{
	write_desc(f, PACKED_RING, index, desc);
}

void packed_table_desc(struct packed_fixture *f, uint16_t index, struct raw_packed desc)
{
	write_desc(f, PACKED_TABLE, index, desc);
}

struct raw_packed packed_read(const struct packed_fixture *f, uint16_t index)
{
	return read_desc(f, PACKED_RING, index);
}

struct raw_packed packed_read_table(const struct packed_fixture *f, uint16_t index)
{
	return read_desc(f, PACKED_TABLE, index);
}

static uint16_t *event_at(const struct packed_fixture *f, uint64_t event)
{
	return guest_memory_at(&f->guest, event, 2 * sizeof(uint16_t));
}

void packed_set_event(struct packed_fixture *f, uint64_t event, uint16_t place, uint16_t flags)
{
	event_at(f, event)[0] = vballoon_le16(place);
	event_at(f, event)[1] = vballoon_le16(flags);
}

uint16_t packed_event_place(const struct packed_fixture *f, uint64_t event)
{
	return vballoon_le16(event_at(f, event)[0]);
}

uint16_t packed_event_flags(const struct packed_fixture *f, uint64_t event)
{
	return vballoon_le16(event_at(f, event)[1]);
}

void packed_start(struct packed_fixture *f, bool event_idx)
{
	const struct vballoon_ring_features features = {
		.packed = true,
		.indirect = true,
		.event_idx = event_idx,
	};

	if (vballoon_device_ring_start(&f->device, &f->guest.memory, &f->queue, &features))
		abort();
}

int packed_next(struct packed_fixture *f)
{
	return vballoon_device_ring_next(&f->device, &f->chain, &f->violation);
}

void packed_offer(struct packed_fixture *f, bool wrap, uint16_t index, uint16_t id)
{
	packed_desc(f, index, (struct raw_packed){ PACKED_BUFFER, 16, id, AVAILABLE(wrap) });
}

void packed_hook(struct packed_fixture *f, const struct vballoon_memory_hooks *hooks)
{
	f->guest.memory.hooks = hooks;
	f->guest.memory.hooks_context = f;
}

void packed_start_driver(struct packed_fixture *f, struct vballoon_ring_features features)
{
	features.packed = true;
	f->driver = (struct vballoon_driver_ring){
		.size = PACKED_SIZE,
		.desc = desc_at(f, PACKED_RING, 0),
		.avail = event_at(f, PACKED_DRIVER_EVENT),
		.used = event_at(f, PACKED_DEVICE_EVENT),
		.slots = f->slots,
		.links = f->links,
		.features = features,
	};
	vballoon_driver_ring_start(&f->driver);
}

int packed_post(struct packed_fixture *f, uint32_t len, uint64_t token)
{
	struct vballoon_driver_buffer buffer = { vballoon_gpa(PACKED_BUFFER), len, true };

	return vballoon_driver_ring_post(&f->driver, &buffer, 1, token);
}

void packed_use(struct packed_fixture *f, bool wrap, uint16_t index, uint16_t id, uint32_t len)
{
	uint16_t flags = (uint16_t)(USED(wrap) | (len ? RAW_WRITE : 0));

	packed_desc(f, index, (struct raw_packed){ 0, len, id, flags });
}

int packed_collect(struct packed_fixture *f)
{
	return vballoon_driver_ring_collect(&f->driver, &f->token, &f->written);
}
