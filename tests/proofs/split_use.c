/* SPDX-License-Identifier: BSD-3-Clause */
/* A buffer is used once: its element is written, into the slot that comes next, before the index
 * that publishes it; and when writing fails nothing is published (virtio 1.3, 2.7.8). */
#include "proof.h"

#include "ring/split_device.c"

static unsigned int elements, indices;
static struct split_used element;
static uint64_t element_gpa;
static uint16_t index_value;
static bool index_was_first, writes_fail;

int vballoon_memory_write(const struct vballoon_memory *memory, struct vballoon_gpa gpa,
			  const void *from, size_t len)
{
	(void)memory;
	HOLDS(len == sizeof(element));
	elements++;
	element_gpa = gpa.value;
	element = *(const struct split_used *)from;
	return writes_fail ? -14 : 0;
}

int vballoon_memory_store16(const struct vballoon_memory *memory, struct vballoon_gpa gpa,
			    uint16_t value)
{
	(void)memory;
	(void)gpa;
	indices++;
	index_value = value;
	index_was_first = !elements;
	return nondet_bool() ? 0 : -14;
}

static struct vballoon_device_ring ring;

void proof(void)
{
	const struct vballoon_used used = { nondet_u16(), nondet_u16(), nondet_u32() };
	const uint16_t before = nondet_u16();
	int error;

	ring.queue.size = nondet_u32();
	ring.queue.used = vballoon_gpa(nondet_u64());
	ring.next_used = before;
	ring.unannounced = nondet_u32();
	ASSUME(ring.queue.size >= 1 && ring.queue.size <= VBALLOON_QUEUE_SIZE_MAX);
	ASSUME(!(ring.queue.size & (ring.queue.size - 1)));
	ASSUME(ring.queue.used.value < UINT64_C(1) << 62);
	writes_fail = nondet_bool();
	error = use(&ring, &used);
	HOLDS(elements == 1 && element.id == used.head && element.len == used.len);
	HOLDS(element_gpa == ring.queue.used.value + 4 + before % ring.queue.size * 8);
	HOLDS(indices == (writes_fail ? 0 : 1) && !index_was_first);
	if (error) {
		HOLDS(ring.next_used == before);
		REACHED(!writes_fail);
	} else {
		HOLDS(index_value == (uint16_t)(before + 1) && ring.next_used == index_value);
		REACHED(before == UINT16_MAX);
	}
}
