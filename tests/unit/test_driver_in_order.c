/* SPDX-License-Identifier: BSD-3-Clause */
/* With IN_ORDER one used element may stand for a batch, in either format (virtio 1.3, 2.7.9 and
 * 2.8.8): all chains up to its own came back, and all but the last were written completely. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "packed_builder.h"

#define SIZE PACKED_SIZE
#define RING 0x4000

static const struct vballoon_ring_features in_order = { .in_order = true };

struct split_fixture {
	struct guest_memory guest;
	struct ring_builder builder;
};

static int split_setup(void **state)
{
	static struct split_fixture f;

	guest_memory_init(&f.guest);
	guest_memory_add(&f.guest, 0, 0x10000);
	ring_builder_init(&f.builder, &f.guest, RING, SIZE);
	ring_builder_start_driver(&f.builder, in_order);
	*state = &f;
	return 0;
}

static int split_teardown(void **state)
{
	struct split_fixture *f = *state;

	guest_memory_destroy(&f->guest);
	return 0;
}

static int in_order_setup(void **state)
{
	if (packed_setup(state))
		return -1;
	packed_start_driver(*state, in_order);
	return 0;
}

/* Post a chain of @count buffers, the last one of @writable bytes. */
static void post(struct vballoon_driver_ring *ring, unsigned int count, uint32_t writable,
		 uint64_t token)
{
	struct vballoon_driver_buffer buffers[3];

	for (unsigned int i = 0; i < count; i++)
		buffers[i] = (struct vballoon_driver_buffer){ vballoon_gpa(0x1000), writable,
							      i + 1 == count };
	assert_int_equal(vballoon_driver_ring_post(ring, buffers, count, token), 0);
}

static void expect(struct vballoon_driver_ring *ring, uint64_t token, uint32_t written)
{
	uint64_t found_token;
	uint32_t found_written;

	assert_int_equal(vballoon_driver_ring_collect(ring, &found_token, &found_written),
			 VBALLOON_COLLECT_ONE);
	assert_int_equal(found_token, token);
	assert_int_equal(found_written, written);
}

static void expect_outcome(struct vballoon_driver_ring *ring, int outcome)
{
	uint64_t token;
	uint32_t written;

	assert_int_equal(vballoon_driver_ring_collect(ring, &token, &written), outcome);
}

static void a_split_batch_is_one_element_and_many_steps_of_the_index(void **state)
{
	struct split_fixture *f = *state;
	struct vballoon_driver_ring *ring = &f->builder.driver;

	post(ring, 2, 5, 10);
	post(ring, 3, 6, 20);
	post(ring, 1, 7, 30);
	ring_builder_use(&f->builder, 5, 4); /* the head of the third */
	ring_builder_set_used_idx(&f->builder, 3);
	expect(ring, 10, 5);
	assert_true(vballoon_driver_ring_interrupts(ring, true));
	expect(ring, 20, 6);
	expect(ring, 30, 4);
	expect_outcome(ring, VBALLOON_COLLECT_NONE);
	assert_int_equal(ring->free_count, SIZE);
}

static void split_descriptors_are_taken_in_ring_order(void **state)
{
	struct split_fixture *f = *state;
	struct vballoon_driver_ring *ring = &f->builder.driver;

	post(ring, 3, 5, 10);
	post(ring, 3, 6, 20);
	ring_builder_use(&f->builder, 0, 0);
	expect(ring, 10, 0);
	post(ring, 3, 7, 30); /* 6, 7 and round the end, 0 */
	assert_int_equal(ring_builder_avail_head(&f->builder, 2), 6);
	assert_int_equal(ring_builder_read_desc(&f->builder, RING, 6).next, 7);
	assert_int_equal(ring_builder_read_desc(&f->builder, RING, 7).next, 0);
	ring_builder_use(&f->builder, 6, 1);
	ring_builder_set_used_idx(&f->builder, 3);
	expect(ring, 20, 6);
	expect(ring, 30, 1);
}

static void a_split_batch_beyond_the_used_index_breaks_the_ring(void **state)
{
	struct split_fixture *f = *state;
	struct vballoon_driver_ring *ring = &f->builder.driver;

	post(ring, 1, 5, 10);
	post(ring, 1, 6, 20);
	ring_builder_use(&f->builder, 1, 0); /* stands for two, and the index tells of one */
	expect(ring, 10, 5);
	expect_outcome(ring, VBALLOON_COLLECT_BROKEN);
}

static void a_split_batch_up_to_a_chain_that_is_not_out_breaks_the_ring(void **state)
{
	struct split_fixture *f = *state;
	struct vballoon_driver_ring *ring = &f->builder.driver;

	post(ring, 1, 5, 10);
	post(ring, 1, 6, 20);
	ring_builder_use(&f->builder, 2, 0);
	ring_builder_set_used_idx(&f->builder, 2);
	expect_outcome(ring, VBALLOON_COLLECT_BROKEN);
}

static void a_packed_batch_is_one_descriptor_in_the_first_place(void **state)
{
	struct packed_fixture *f = *state;

	post(&f->driver, 2, 5, 10);
	post(&f->driver, 3, 6, 20);
	post(&f->driver, 1, 7, 30);
	packed_use(f, 1, 0, packed_read(f, 5).id, 4);
	expect(&f->driver, 10, 5);
	assert_true(vballoon_driver_ring_interrupts(&f->driver, true));
	expect(&f->driver, 20, 6);
	expect(&f->driver, 30, 4);
	expect_outcome(&f->driver, VBALLOON_COLLECT_NONE);
	assert_int_equal(f->driver.free_count, SIZE);
}

static void the_next_packed_batch_lies_behind_the_whole_last_one(void **state)
{
	struct packed_fixture *f = *state;

	post(&f->driver, 3, 5, 10);
	post(&f->driver, 3, 6, 20);
	packed_use(f, 1, 0, packed_read(f, 5).id, 0);
	expect(&f->driver, 10, 5);
	expect(&f->driver, 20, 0);
	post(&f->driver, 3, 7, 30);
	post(&f->driver, 1, 8, 40);
	packed_use(f, 1, 6, packed_read(f, 1).id, 8);
	expect(&f->driver, 30, 7);
	expect(&f->driver, 40, 8);
	expect_outcome(&f->driver, VBALLOON_COLLECT_NONE);
}

static void a_packed_batch_up_to_a_chain_that_is_not_out_breaks_the_ring(void **state)
{
	struct packed_fixture *f = *state;

	post(&f->driver, 1, 5, 10);
	packed_use(f, 1, 0, 1, 0);
	expect_outcome(&f->driver, VBALLOON_COLLECT_BROKEN);
}

static void a_length_beyond_that_of_the_last_chain_breaks_the_ring(void **state)
{
	struct packed_fixture *f = *state;

	post(&f->driver, 1, 50, 10);
	post(&f->driver, 1, 6, 20);
	packed_use(f, 1, 0, packed_read(f, 1).id, 7);
	expect_outcome(&f->driver, VBALLOON_COLLECT_BROKEN);
}

#define SPLIT(name) cmocka_unit_test_setup_teardown(name, split_setup, split_teardown)
#define PACKED(name) cmocka_unit_test_setup_teardown(name, in_order_setup, packed_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SPLIT(a_split_batch_is_one_element_and_many_steps_of_the_index),
		SPLIT(split_descriptors_are_taken_in_ring_order),
		SPLIT(a_split_batch_beyond_the_used_index_breaks_the_ring),
		SPLIT(a_split_batch_up_to_a_chain_that_is_not_out_breaks_the_ring),
		PACKED(a_packed_batch_is_one_descriptor_in_the_first_place),
		PACKED(the_next_packed_batch_lies_behind_the_whole_last_one),
		PACKED(a_packed_batch_up_to_a_chain_that_is_not_out_breaks_the_ring),
		PACKED(a_length_beyond_that_of_the_last_chain_breaks_the_ring),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
