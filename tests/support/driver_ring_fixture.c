/* SPDX-License-Identifier: BSD-3-Clause */
#include "driver_ring_fixture.h"

#include <stdlib.h>

int driver_setup(void **state)
{
	struct driver_ring_fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	guest_memory_init(&f->guest);
	guest_memory_add(&f->guest, 0, DRIVER_MEMORY_END);
	ring_builder_init(&f->builder, &f->guest, DRIVER_RING, DRIVER_SIZE);
	ring_builder_start_driver(&f->builder, (struct vballoon_ring_features){ 0 });
	*state = f;
	return 0;
}

int driver_teardown(void **state)
{
	struct driver_ring_fixture *f = *state;

	guest_memory_destroy(&f->guest);
	free(f);
	return 0;
}

int driver_post(struct driver_ring_fixture *f, uint32_t len, uint64_t token)
{
	struct vballoon_driver_buffer buffer = { vballoon_gpa(0x4000), len, true };

	return vballoon_driver_ring_post(&f->builder.driver, &buffer, 1, token);
}

int driver_collect(struct driver_ring_fixture *f)
{
	return vballoon_driver_ring_collect(&f->builder.driver, &f->token, &f->written);
}
