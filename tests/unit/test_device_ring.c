/* SPDX-License-Identifier: BSD-3-Clause */
/* The device's side of the ring, with a driver that keeps the rules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ring/device_ring.h"
#include "ring_builder.h"

#define RING_GPA 0x1000
#define SIZE 8
#define BUFFERS_GPA 0x10000

struct fixture {
	struct guest_memory guest;
	struct ring_builder builder;
	struct vballoon_device_ring ring;
	struct vballoon_chain chain;
	enum vballoon_violation violation;
};

static struct fixture fixture;

static int setup(void **state)
{
	struct fixture *f = &fixture;

	memset(f, 0, sizeof(*f));
	guest_memory_init(&f->guest);
	guest_memory_add(&f->guest, 0, 0x20000);
	ring_builder_init(&f->builder, &f->guest, RING_GPA, SIZE);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	guest_memory_destroy(&f->guest);
	return 0;
}

static void start(struct fixture *f, bool event_idx)
{
	assert_int_equal(vballoon_device_ring_start(&f->ring, &f->guest.memory, &f->builder.queue,
						    true, event_idx),
			 0);
}

static int next(struct fixture *f)
{
	return vballoon_device_ring_next(&f->ring, &f->chain, &f->violation);
}

static void a_chain_is_read_and_written_as_two_streams(void **state)
{
	struct fixture *f = *state;
	char text[6] = "";

	start(f, false);
	memcpy(guest_memory_at(&f->guest, BUFFERS_GPA, 2), "he", 2);
	memcpy(guest_memory_at(&f->guest, BUFFERS_GPA + 100, 3), "llo", 3);
	ring_builder_desc(&f->builder, 5, (struct raw_desc){ BUFFERS_GPA, 2, RAW_NEXT, 1 });
	ring_builder_desc(&f->builder, 1, (struct raw_desc){ BUFFERS_GPA + 100, 3, RAW_NEXT, 7 });
	ring_builder_desc(&f->builder, 7,
			  (struct raw_desc){ BUFFERS_GPA + 200, 1, RAW_WRITE | RAW_NEXT, 0 });
	ring_builder_desc(&f->builder, 0, (struct raw_desc){ BUFFERS_GPA + 300, 9, RAW_WRITE, 0 });
	ring_builder_avail(&f->builder, 5);
	assert_int_equal(next(f), VBALLOON_RING_CHAIN);
	assert_int_equal(f->chain.readable_len, 5);
	assert_int_equal(f->chain.writable_len, 10);
	assert_int_equal(vballoon_chain_read(&f->guest.memory, &f->chain, text, 5), 0);
	assert_string_equal(text, "hello");
	assert_int_equal(vballoon_chain_write(&f->guest.memory, &f->chain, "you", 3), 0);
	assert_memory_equal(guest_memory_at(&f->guest, BUFFERS_GPA + 200, 1), "y", 1);
	assert_memory_equal(guest_memory_at(&f->guest, BUFFERS_GPA + 300, 2), "ou", 2);
	assert_int_equal(vballoon_device_ring_use(&f->ring, &f->chain), 0);
	assert_int_equal(ring_builder_used_idx(&f->builder), 1);
	assert_int_equal(ring_builder_used_id(&f->builder, 0), 5);
	assert_int_equal(ring_builder_used_len(&f->builder, 0), 3);
	assert_int_equal(next(f), VBALLOON_RING_EMPTY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_chain_is_read_and_written_as_two_streams, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
