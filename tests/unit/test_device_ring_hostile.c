/* SPDX-License-Identifier: BSD-3-Clause */
/* The device's side of the ring, with a driver that breaks the rules. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "device_ring_fixture.h"

#define BUFFER FIXTURE_BUFFER
#define SIZE FIXTURE_SIZE

/* Proves DEV-RING-6. */
static void an_available_index_beyond_the_ring_stops_it(void **state)
{
	struct device_ring_fixture *f = *state;

	fixture_start(f, false);
	ring_builder_set_avail_idx(&f->builder, SIZE + 1);
	assert_int_equal(fixture_next(f), VBALLOON_RING_BROKEN);
	assert_int_equal(f->violation, VBALLOON_AVAIL_INDEX_JUMP);
}

static void an_available_index_that_goes_back_stops_the_ring(void **state)
{
	struct device_ring_fixture *f = *state;

	fixture_start(f, false);
	fixture_offer(f, 0);
	assert_int_equal(fixture_next(f), VBALLOON_RING_CHAIN);
	ring_builder_set_avail_idx(&f->builder, 0);
	assert_int_equal(fixture_next(f), VBALLOON_RING_BROKEN);
	assert_int_equal(f->violation, VBALLOON_AVAIL_INDEX_JUMP);
}

static void a_full_ring_is_no_jump(void **state)
{
	struct device_ring_fixture *f = *state;

	fixture_start(f, false);
	for (uint16_t head = 0; head < SIZE; head++)
		fixture_offer(f, head);
	assert_int_equal(fixture_next(f), VBALLOON_RING_CHAIN);
}

/* Proves DEV-RING-7. */
static void a_head_beyond_the_queue_stops_the_ring(void **state)
{
	struct device_ring_fixture *f = *state;

	fixture_start(f, false);
	ring_builder_avail(&f->builder, SIZE);
	assert_int_equal(fixture_next(f), VBALLOON_RING_BROKEN);
	assert_int_equal(f->violation, VBALLOON_HEAD_OUT_OF_RANGE);
}

/* What is known of the one is not what the other goes by. */
static void the_same_head_twice_in_flight_is_two_chains(void **state)
{
	struct device_ring_fixture *f = *state;

	fixture_start(f, false);
	fixture_offer(f, 3);
	assert_int_equal(fixture_next(f), VBALLOON_RING_CHAIN);
	fixture_desc(f, 3, (struct raw_desc){ BUFFER, 2, RAW_WRITE, 0 });
	ring_builder_avail(&f->builder, 3);
	assert_int_equal(f->chain.readable_len, 16);
	assert_int_equal(vballoon_device_ring_use(&f->ring, &f->chain), 0);
	assert_int_equal(fixture_next(f), VBALLOON_RING_CHAIN);
	assert_int_equal(f->chain.readable_len, 0);
	assert_int_equal(f->chain.writable_len, 2);
	assert_int_equal(vballoon_device_ring_use(&f->ring, &f->chain), 0);
	assert_int_equal(ring_builder_used_idx(&f->builder), 2);
	assert_int_equal(ring_builder_used_id(&f->builder, 0), 3);
	assert_int_equal(ring_builder_used_id(&f->builder, 1), 3);
	assert_int_equal(fixture_next(f), VBALLOON_RING_EMPTY);
}

/* Take the memory away that the ring lies in. */
static void remove_memory(struct device_ring_fixture *f)
{
	struct vballoon_region region = f->guest.memory.regions[0];

	guest_memory_destroy(&f->guest);
	region.size = vballoon_bytes(FIXTURE_RING);
	guest_memory_add(&f->guest, region.gpa.value, region.size.value);
}

static void a_ring_whose_memory_went_away_stops(void **state)
{
	struct device_ring_fixture *f = *state;

	fixture_start(f, false);
	remove_memory(f);
	assert_int_equal(fixture_next(f), VBALLOON_RING_BROKEN);
	assert_int_equal(f->violation, VBALLOON_RING_UNREADABLE);
}

static void a_chain_whose_ring_went_away_is_not_used(void **state)
{
	struct device_ring_fixture *f = *state;

	fixture_start(f, false);
	fixture_offer(f, 0);
	assert_int_equal(fixture_next(f), VBALLOON_RING_CHAIN);
	remove_memory(f);
	assert_int_equal(vballoon_device_ring_use(&f->ring, &f->chain), -EFAULT);
	assert_int_equal(f->ring.next_used, 0);
}

static void a_chain_whose_buffers_went_away_is_neither_read_nor_written(void **state)
{
	struct device_ring_fixture *f = *state;
	char bytes[4] = "abc";

	fixture_start(f, false);
	fixture_desc(f, 0, (struct raw_desc){ BUFFER, 4, RAW_NEXT, 1 });
	fixture_desc(f, 1, (struct raw_desc){ BUFFER, 4, RAW_WRITE, 0 });
	ring_builder_avail(&f->builder, 0);
	assert_int_equal(fixture_next(f), VBALLOON_RING_CHAIN);
	remove_memory(f);
	assert_int_equal(vballoon_chain_read(&f->guest.memory, &f->chain, bytes, 4), -EFAULT);
	assert_int_equal(vballoon_chain_write(&f->guest.memory, &f->chain, bytes, 4), -EFAULT);
	assert_int_equal(f->chain.read_done, 0);
	assert_int_equal(f->chain.written, 0);
}

/* Fail the read of one descriptor, wherever it lies. */
static int fail_descriptors(void *context, struct vballoon_gpa gpa, size_t len)
{
	(void)context;
	(void)gpa;
	return len == 16 ? -EIO : 0;
}

static const struct vballoon_memory_hooks failing = { .before_read = fail_descriptors };

static void a_descriptor_that_cannot_be_read_stops_the_ring(void **state)
{
	struct device_ring_fixture *f = *state;

	fixture_start(f, false);
	fixture_offer(f, 0);
	fixture_hook(f, &failing);
	assert_int_equal(fixture_next(f), VBALLOON_RING_BROKEN);
	assert_int_equal(f->violation, VBALLOON_RING_UNREADABLE);
}

static int fail_tables(void *context, struct vballoon_gpa gpa, size_t len)
{
	(void)context;
	return len == 16 && gpa.value >= FIXTURE_TABLE ? -EIO : 0;
}

static const struct vballoon_memory_hooks failing_tables = { .before_read = fail_tables };

static void an_indirect_descriptor_that_cannot_be_read_stops_the_ring(void **state)
{
	struct device_ring_fixture *f = *state;

	fixture_desc(f, 0, (struct raw_desc){ FIXTURE_TABLE, 16, RAW_INDIRECT, 0 });
	fixture_start(f, false);
	ring_builder_avail(&f->builder, 0);
	fixture_hook(f, &failing_tables);
	assert_int_equal(fixture_next(f), VBALLOON_RING_BROKEN);
	assert_int_equal(f->violation, VBALLOON_DESC_OUTSIDE_MEMORY);
}

/* A guest that turns every descriptor into a loop of no bytes once it was read. */
static int rewrite_descriptors(void *context, struct vballoon_gpa gpa, size_t len)
{
	struct device_ring_fixture *f = context;

	if (gpa.value >= BUFFER)
		memset(guest_memory_at(&f->guest, FIXTURE_RING, 1), 0xff,
		       SIZE * sizeof(uint64_t[2]));
	(void)len;
	return 0;
}

static const struct vballoon_memory_hooks rewriting = { .before_read = rewrite_descriptors };

/* Proves DEV-MSG-14. */
static void a_descriptor_rewritten_after_it_was_read_changes_nothing(void **state)
{
	struct device_ring_fixture *f = *state;
	char text[4] = "";

	fixture_start(f, false);
	fixture_hook(f, &rewriting);
	memcpy(guest_memory_at(&f->guest, BUFFER, 4), "abc", 4);
	fixture_desc(f, 2, (struct raw_desc){ BUFFER, 4, 0, 0 });
	ring_builder_avail(&f->builder, 2);
	assert_int_equal(fixture_next(f), VBALLOON_RING_CHAIN);
	assert_int_equal(vballoon_chain_read(&f->guest.memory, &f->chain, text, 4), 0);
	assert_string_equal(text, "abc");
	assert_int_equal(vballoon_device_ring_use(&f->ring, &f->chain), 0);
	assert_int_equal(ring_builder_used_id(&f->builder, 0), 2);
}

static void a_ring_may_lie_in_a_buffer_of_its_own(void **state)
{
	struct device_ring_fixture *f = *state;
	unsigned char noise[256];

	fixture_start(f, false);
	memset(noise, 0xff, sizeof(noise));
	fixture_desc(f, 0, (struct raw_desc){ FIXTURE_RING, sizeof(noise), RAW_WRITE, 0 });
	ring_builder_avail(&f->builder, 0);
	assert_int_equal(fixture_next(f), VBALLOON_RING_CHAIN);
	assert_int_equal(vballoon_chain_write(&f->guest.memory, &f->chain, noise, sizeof(noise)),
			 0);
	assert_int_equal(vballoon_device_ring_use(&f->ring, &f->chain), 0);
	assert_int_equal(fixture_next(f), VBALLOON_RING_BROKEN);
	assert_int_equal(f->violation, VBALLOON_AVAIL_INDEX_JUMP);
}

static void a_used_index_that_is_a_lie_only_moves_the_used_ring(void **state)
{
	struct device_ring_fixture *f = *state;

	ring_builder_set_used_idx(&f->builder, 0xfffb);
	fixture_start(f, false);
	fixture_offer(f, 1);
	assert_int_equal(fixture_next(f), VBALLOON_RING_CHAIN);
	assert_int_equal(vballoon_device_ring_use(&f->ring, &f->chain), 0);
	assert_int_equal(ring_builder_used_idx(&f->builder), 0xfffc);
	assert_int_equal(ring_builder_used_id(&f->builder, 0xfffb), 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(an_available_index_beyond_the_ring_stops_it),
		CASE(an_available_index_that_goes_back_stops_the_ring),
		CASE(a_full_ring_is_no_jump),
		CASE(a_head_beyond_the_queue_stops_the_ring),
		CASE(the_same_head_twice_in_flight_is_two_chains),
		CASE(a_ring_whose_memory_went_away_stops),
		CASE(a_chain_whose_ring_went_away_is_not_used),
		CASE(a_chain_whose_buffers_went_away_is_neither_read_nor_written),
		CASE(a_descriptor_that_cannot_be_read_stops_the_ring),
		CASE(an_indirect_descriptor_that_cannot_be_read_stops_the_ring),
		CASE(a_descriptor_rewritten_after_it_was_read_changes_nothing),
		CASE(a_ring_may_lie_in_a_buffer_of_its_own),
		CASE(a_used_index_that_is_a_lie_only_moves_the_used_ring),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
