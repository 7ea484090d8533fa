/* SPDX-License-Identifier: BSD-3-Clause */
/* A buffer is used by one word, written into the descriptor that comes next: its length, its id and
 * the flags of this round at once, and nothing of the address; and when writing fails the ring
 * stays where it is (virtio 1.3, 2.8.6). */
#include "proof.h"

#include "ring/packed_device.c"

static unsigned int words;
static uint64_t word_gpa, word;
static bool write_fails;

int vballoon_memory_store64(const struct vballoon_memory *memory, struct vballoon_gpa gpa,
			    uint64_t value)
{
	(void)memory;
	words++;
	word_gpa = gpa.value;
	word = value;
	return write_fails ? -14 : 0;
}

/* Nothing else is written. */
int vballoon_memory_store16(const struct vballoon_memory *memory, struct vballoon_gpa gpa,
			    uint16_t value)
{
	(void)memory;
	(void)gpa;
	(void)value;
	HOLDS(false);
	return 0;
}

static struct vballoon_device_ring ring;

void proof(void)
{
	const struct vballoon_used used = { nondet_u16(), nondet_u16(), nondet_u32() };
	const uint16_t before = nondet_u16();
	uint16_t flags;
	int error;

	ring.queue.size = nondet_u32();
	ring.queue.desc = vballoon_gpa(nondet_u64());
	ring.next_used = before;
	ring.unannounced = nondet_u32();
	ASSUME(ring.queue.size >= 1 && ring.queue.size <= VBALLOON_QUEUE_SIZE_MAX);
	ASSUME(packed_index(before) < ring.queue.size);
	ASSUME(used.places >= 1 && used.places <= ring.queue.size);
	ASSUME(ring.queue.desc.value < UINT64_C(1) << 62);
	write_fails = nondet_bool();
	error = use(&ring, &used);
	flags = (uint16_t)(word >> 48);
	HOLDS(words == 1 && word_gpa == ring.queue.desc.value + packed_index(before) * 16U + 8);
	HOLDS((uint32_t)word == used.len && (uint16_t)(word >> 32) == used.head);
	HOLDS(packed_is_used(flags, before) && !packed_is_available(flags, before));
	HOLDS(!(flags & PACKED_DESC_WRITE) == !used.len);
	HOLDS(!error == !write_fails);
	if (error) {
		HOLDS(ring.next_used == before);
		REACHED(before == PACKED_FIRST);
	} else {
		HOLDS(packed_index(ring.next_used) < ring.queue.size);
		HOLDS(ring.next_used == packed_advance(ring.queue.size, before, used.places));
		REACHED(!packed_index(ring.next_used) && !(ring.next_used & PACKED_WRAP));
		REACHED(used.places == ring.queue.size && used.places == VBALLOON_QUEUE_SIZE_MAX);
	}
}
