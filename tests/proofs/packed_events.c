/* SPDX-License-Identifier: BSD-3-Clause */
/* A place that moved on has passed an event exactly when it stepped over it (virtio 1.3, 2.8.10). */
#include "proof.h"

#include "ring/packed.h"

void proof(void)
{
	const uint32_t size = nondet_u32(), count = nondet_u32(), step = nondet_u32();
	const uint16_t before = nondet_u16();
	uint16_t now, event;

	ASSUME(size >= 1 && size <= 32768 && packed_index(before) < size);
	ASSUME(count >= 1 && count <= size && step < size);
	now = packed_advance(size, before, count);
	event = packed_advance(size, before, step);
	HOLDS(packed_passed(size, event, now, count) == (step < count));
	REACHED(step == 0 && packed_index(now) < packed_index(before));
	REACHED(step > count && count > 1);
}
