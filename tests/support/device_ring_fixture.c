/* SPDX-License-Identifier: BSD-3-Clause */
#include "device_ring_fixture.h"

#include <stdlib.h>

int fixture_setup(void **state)
{
	struct device_ring_fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	guest_memory_init(&f->guest);
	guest_memory_add(&f->guest, 0, FIXTURE_MEMORY_END);
	ring_builder_init(&f->builder, &f->guest, FIXTURE_RING, FIXTURE_SIZE);
	*state = f;
	return 0;
}

int fixture_teardown(void **state)
{
	struct device_ring_fixture *f = *state;

	guest_memory_destroy(&f->guest);
	free(f);
	return 0;
}

void fixture_start(struct device_ring_fixture *f, bool event_idx)
{
	const struct vballoon_ring_features features = { .indirect = true, .event_idx = event_idx };

	if (vballoon_device_ring_start(&f->ring, &f->guest.memory, &f->builder.queue, &features))
		abort();
}

int fixture_next(struct device_ring_fixture *f)
{
	return vballoon_device_ring_next(&f->ring, &f->chain, &f->violation);
}

void fixture_desc(struct device_ring_fixture *f, uint16_t index, struct raw_desc desc)
{
	ring_builder_desc(&f->builder, index, desc);
}

void fixture_table_desc(struct device_ring_fixture *f, uint16_t index, struct raw_desc desc)
{
	ring_builder_table_desc(&f->builder, FIXTURE_TABLE, index, desc);
}

void fixture_hook(struct device_ring_fixture *f, const struct vballoon_memory_hooks *hooks)
{
	f->guest.memory.hooks = hooks;
	f->guest.memory.hooks_context = f;
}

void fixture_offer(struct device_ring_fixture *f, uint16_t head)
{
	fixture_desc(f, head, (struct raw_desc){ .addr = FIXTURE_BUFFER, .len = 16 });
	ring_builder_avail(&f->builder, head);
}
