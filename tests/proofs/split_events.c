/* SPDX-License-Identifier: BSD-3-Clause */
/* An index that moved on has passed an event exactly when it stepped over it (virtio 1.3, 2.7.7). */
#include "proof.h"

#include "ring/split.h"

void proof(void)
{
	const uint16_t event = nondet_u16(), now = nondet_u16();
	const uint32_t count = nondet_u32(), step = nondet_u32();
	const uint16_t away = (uint16_t)(now - event);

	ASSUME(count <= 65536 && step >= 1 && step <= count);
	if (split_passed(event, now, count)) {
		HOLDS(away ? away <= count : count == 65536);
		REACHED(now < event);
	} else {
		HOLDS((uint16_t)(now - step) != event);
		REACHED(count == 65535);
	}
}
