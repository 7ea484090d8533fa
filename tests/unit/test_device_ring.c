/* SPDX-License-Identifier: BSD-3-Clause */
/* The device's side of the ring, with a driver that keeps the rules. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "device_ring_fixture.h"

#define BUFFER FIXTURE_BUFFER
#define TABLE FIXTURE_TABLE
#define SIZE FIXTURE_SIZE

static const struct vballoon_ring_features all = { .indirect = true, .event_idx = true };

static void *host(struct device_ring_fixture *f, uint64_t gpa, size_t len)
{
	return guest_memory_at(&f->guest, gpa, len);
}

static int chain_read(struct device_ring_fixture *f, void *to, size_t len)
{
	return vballoon_chain_read(&f->guest.memory, &f->chain, to, len);
}

static int chain_write(struct device_ring_fixture *f, const void *from, size_t len)
{
	return vballoon_chain_write(&f->guest.memory, &f->chain, from, len);
}

/* Take one chain of one buffer and give it back. */
static void serve(struct device_ring_fixture *f)
{
	assert_int_equal(fixture_next(f), VBALLOON_RING_CHAIN);
	assert_int_equal(vballoon_device_ring_use(&f->ring, &f->chain), 0);
}

/* Two readable buffers of 2 and 3 bytes, two writable ones of 1 and 9, in no order. */
static void offer_two_streams(struct device_ring_fixture *f)
{
	fixture_desc(f, 5, (struct raw_desc){ BUFFER, 2, RAW_NEXT, 1 });
	fixture_desc(f, 1, (struct raw_desc){ BUFFER + 100, 3, RAW_NEXT, 7 });
	fixture_desc(f, 7, (struct raw_desc){ BUFFER + 200, 1, RAW_WRITE | RAW_NEXT, 0 });
	fixture_desc(f, 0, (struct raw_desc){ BUFFER + 300, 9, RAW_WRITE, 0 });
	ring_builder_avail(&f->builder, 5);
	memcpy(host(f, BUFFER, 2), "he", 2);
	memcpy(host(f, BUFFER + 100, 3), "llo", 3);
}

/* Proves DEV-MSG-2. */
static void a_chain_is_read_as_one_stream(void **state)
{
	struct device_ring_fixture *f = *state;
	char text[6] = "";

	fixture_start(f, false);
	offer_two_streams(f);
	assert_int_equal(fixture_next(f), VBALLOON_RING_CHAIN);
	assert_int_equal(f->chain.readable_len, 5);
	assert_int_equal(chain_read(f, text, 1), 0);
	assert_int_equal(chain_read(f, text + 1, 3), 0);
	assert_int_equal(chain_read(f, text + 4, 1), 0);
	assert_string_equal(text, "hello");
	assert_int_equal(f->chain.read_done, 5);
}

/* Proves DEV-MSG-2. */
static void a_chain_is_written_as_one_stream(void **state)
{
	struct device_ring_fixture *f = *state;

	fixture_start(f, false);
	offer_two_streams(f);
	assert_int_equal(fixture_next(f), VBALLOON_RING_CHAIN);
	assert_int_equal(f->chain.writable_len, 10);
	assert_int_equal(chain_write(f, "yo", 2), 0);
	assert_int_equal(chain_write(f, "u", 1), 0);
	assert_memory_equal(host(f, BUFFER + 200, 1), "y", 1);
	assert_memory_equal(host(f, BUFFER + 300, 2), "ou", 2);
	assert_int_equal(f->chain.written, 3);
}

static void a_stream_ends_where_its_buffers_end(void **state)
{
	struct device_ring_fixture *f = *state;
	char text[11] = "";

	fixture_start(f, false);
	offer_two_streams(f);
	assert_int_equal(fixture_next(f), VBALLOON_RING_CHAIN);
	assert_int_equal(chain_read(f, text, 6), -EINVAL);
	assert_int_equal(chain_read(f, text, 5), 0);
	assert_int_equal(chain_read(f, text, 1), -EINVAL);
	assert_int_equal(chain_write(f, text, 11), -EINVAL);
	assert_int_equal(chain_write(f, text, 10), 0);
	assert_int_equal(chain_write(f, text, 1), -EINVAL);
}

/* Proves DEV-MSG-13. */
static void a_used_chain_tells_its_head_and_what_was_written(void **state)
{
	struct device_ring_fixture *f = *state;

	fixture_start(f, false);
	offer_two_streams(f);
	assert_int_equal(fixture_next(f), VBALLOON_RING_CHAIN);
	assert_int_equal(chain_write(f, "you", 3), 0);
	assert_int_equal(ring_builder_used_idx(&f->builder), 0);
	assert_int_equal(vballoon_device_ring_use(&f->ring, &f->chain), 0);
	assert_int_equal(ring_builder_used_idx(&f->builder), 1);
	assert_int_equal(ring_builder_used_id(&f->builder, 0), 5);
	assert_int_equal(ring_builder_used_len(&f->builder, 0), 3);
}

static void a_used_length_that_does_not_fit_is_cut(void **state)
{
	struct device_ring_fixture *f = *state;

	fixture_start(f, false);
	f->chain.places = 1;
	f->chain.written = UINT64_C(1) << 32;
	assert_int_equal(vballoon_device_ring_use(&f->ring, &f->chain), 0);
	assert_int_equal(ring_builder_used_len(&f->builder, 0), UINT32_MAX);
}

static void an_indirect_table_is_followed(void **state)
{
	struct device_ring_fixture *f = *state;

	fixture_start(f, false);
	fixture_table_desc(f, 0, (struct raw_desc){ BUFFER, 4, RAW_NEXT, 2 });
	fixture_table_desc(f, 2, (struct raw_desc){ BUFFER + 64, 8, RAW_WRITE, 0 });
	fixture_desc(f, 3, (struct raw_desc){ TABLE, 3 * 16, RAW_INDIRECT, 0 });
	ring_builder_avail(&f->builder, 3);
	assert_int_equal(fixture_next(f), VBALLOON_RING_CHAIN);
	assert_int_equal(f->chain.head, 3);
	assert_int_equal(f->chain.count, 2);
	assert_int_equal(f->chain.readable_len, 4);
	assert_int_equal(f->chain.writable_len, 8);
}

static void an_indirect_table_may_end_a_chain_of_others(void **state)
{
	struct device_ring_fixture *f = *state;

	fixture_start(f, false);
	fixture_desc(f, 0, (struct raw_desc){ BUFFER, 4, RAW_NEXT, 1 });
	fixture_desc(f, 1, (struct raw_desc){ TABLE, 16, RAW_INDIRECT, 0 });
	fixture_table_desc(f, 0, (struct raw_desc){ BUFFER + 64, 8, RAW_WRITE, 0 });
	ring_builder_avail(&f->builder, 0);
	assert_int_equal(fixture_next(f), VBALLOON_RING_CHAIN);
	assert_int_equal(f->chain.readable_len, 4);
	assert_int_equal(f->chain.writable_len, 8);
}

static void write_on_an_indirect_descriptor_is_ignored(void **state)
{
	struct device_ring_fixture *f = *state;

	fixture_start(f, false);
	fixture_table_desc(f, 0, (struct raw_desc){ BUFFER, 4, 0, 0 });
	fixture_desc(f, 0, (struct raw_desc){ TABLE, 16, RAW_INDIRECT | RAW_WRITE, 0 });
	ring_builder_avail(&f->builder, 0);
	assert_int_equal(fixture_next(f), VBALLOON_RING_CHAIN);
	assert_int_equal(f->chain.readable_len, 4);
}

static void a_chain_may_have_as_many_descriptors_as_the_queue(void **state)
{
	struct device_ring_fixture *f = *state;

	fixture_start(f, false);
	for (uint16_t i = 0; i < SIZE; i++)
		fixture_desc(f, i,
			     (struct raw_desc){ BUFFER, 1, i + 1 < SIZE ? RAW_NEXT : 0,
						(uint16_t)(i + 1) });
	ring_builder_avail(&f->builder, 0);
	assert_int_equal(fixture_next(f), VBALLOON_RING_CHAIN);
	assert_int_equal(f->chain.count, SIZE);
}

static void an_indirect_table_may_have_as_many_descriptors_as_the_queue(void **state)
{
	struct device_ring_fixture *f = *state;

	fixture_start(f, false);
	for (uint16_t i = 0; i < SIZE; i++)
		fixture_table_desc(f, i,
				   (struct raw_desc){ BUFFER, 1, i + 1 < SIZE ? RAW_NEXT : 0,
						      (uint16_t)(i + 1) });
	fixture_desc(f, 0, (struct raw_desc){ TABLE, SIZE * 16, RAW_INDIRECT, 0 });
	ring_builder_avail(&f->builder, 0);
	assert_int_equal(fixture_next(f), VBALLOON_RING_CHAIN);
	assert_int_equal(f->chain.count, SIZE);
}

static void a_chain_may_have_exactly_four_gibibytes(void **state)
{
	struct device_ring_fixture *f = *state;
	const uint64_t base = UINT64_C(1) << 32;
	const uint32_t half = UINT32_C(1) << 31;

	guest_memory_add(&f->guest, base, half);
	fixture_start(f, false);
	fixture_desc(f, 0, (struct raw_desc){ base, half, RAW_NEXT, 1 });
	fixture_desc(f, 1, (struct raw_desc){ base, half, RAW_WRITE, 0 });
	ring_builder_avail(&f->builder, 0);
	assert_int_equal(fixture_next(f), VBALLOON_RING_CHAIN);
	assert_int_equal(f->chain.readable_len, half);
	assert_int_equal(f->chain.writable_len, half);
}

static void a_buffer_may_cross_adjacent_regions(void **state)
{
	struct device_ring_fixture *f = *state;
	char text[5] = "";

	guest_memory_add(&f->guest, FIXTURE_MEMORY_END, 0x1000);
	fixture_start(f, false);
	memcpy(host(f, FIXTURE_MEMORY_END - 2, 2), "ab", 2);
	memcpy(host(f, FIXTURE_MEMORY_END, 2), "cd", 2);
	fixture_desc(f, 0, (struct raw_desc){ FIXTURE_MEMORY_END - 2, 4, 0, 0 });
	ring_builder_avail(&f->builder, 0);
	assert_int_equal(fixture_next(f), VBALLOON_RING_CHAIN);
	assert_int_equal(chain_read(f, text, 4), 0);
	assert_string_equal(text, "abcd");
}

static void a_ring_goes_on_where_it_was_stopped(void **state)
{
	struct device_ring_fixture *f = *state;

	f->builder.queue.next = UINT16_MAX;
	ring_builder_set_avail_idx(&f->builder, UINT16_MAX);
	ring_builder_set_used_idx(&f->builder, UINT16_MAX);
	fixture_start(f, false);
	assert_int_equal(fixture_next(f), VBALLOON_RING_EMPTY);
	fixture_offer(f, 2);
	fixture_offer(f, 4);
	serve(f);
	serve(f);
	assert_int_equal(f->ring.next_avail, 1);
	assert_int_equal(ring_builder_used_idx(&f->builder), 1);
	assert_int_equal(ring_builder_used_id(&f->builder, UINT16_MAX), 2);
	assert_int_equal(ring_builder_used_id(&f->builder, 0), 4);
}

static void a_ring_does_not_start_when_a_part_is_not_in_memory(void **state)
{
	struct device_ring_fixture *f = *state;
	const struct vballoon_memory *memory = &f->guest.memory;
	struct vballoon_queue queue = f->builder.queue;

	queue.desc = vballoon_gpa(FIXTURE_MEMORY_END - SIZE * 16 + 16);
	assert_int_equal(vballoon_device_ring_start(&f->ring, memory, &queue, &all), -EFAULT);
	queue = f->builder.queue;
	queue.avail = vballoon_gpa(FIXTURE_MEMORY_END - SIZE * 2 - 4);
	assert_int_equal(vballoon_device_ring_start(&f->ring, memory, &queue, &all), -EFAULT);
	queue = f->builder.queue;
	queue.used = vballoon_gpa(FIXTURE_MEMORY_END - SIZE * 8 - 4);
	assert_int_equal(vballoon_device_ring_start(&f->ring, memory, &queue, &all), -EFAULT);
	assert_false(f->ring.running);
}

static void a_ring_may_end_with_the_last_byte_of_memory(void **state)
{
	struct device_ring_fixture *f = *state;
	struct vballoon_queue queue = f->builder.queue;

	queue.used = vballoon_gpa(FIXTURE_MEMORY_END - SIZE * 8 - 8);
	assert_int_equal(vballoon_device_ring_start(&f->ring, &f->guest.memory, &queue, &all), 0);
}

static bool is_current;

static bool ask_is_current(void *context)
{
	(void)context;
	return is_current;
}

static const struct vballoon_memory_hooks late_memory = { .is_current = ask_is_current };

static void a_buffer_waits_for_memory_that_is_still_to_come(void **state)
{
	struct device_ring_fixture *f = *state;

	fixture_start(f, false);
	f->guest.memory.hooks = &late_memory;
	fixture_desc(f, 0, (struct raw_desc){ FIXTURE_MEMORY_END, 4, 0, 0 });
	ring_builder_avail(&f->builder, 0);
	is_current = false;
	assert_int_equal(fixture_next(f), VBALLOON_RING_EMPTY);
	assert_int_equal(f->ring.next_avail, 0);
	guest_memory_add(&f->guest, FIXTURE_MEMORY_END, 0x1000);
	is_current = true;
	assert_int_equal(fixture_next(f), VBALLOON_RING_CHAIN);
}

/* Which bytes of the guest were read, and how often. */
static unsigned char reads[FIXTURE_MEMORY_END];

static int count_reads(void *context, struct vballoon_gpa gpa, size_t len)
{
	(void)context;
	for (size_t i = 0; i < len; i++)
		reads[gpa.value + i]++;
	return 0;
}

static const struct vballoon_memory_hooks counting = { .before_read = count_reads };

/* Proves DEV-MSG-14. */
static void every_byte_of_a_chain_is_read_once(void **state)
{
	struct device_ring_fixture *f = *state;
	unsigned int most = 0;
	char text[4];

	fixture_start(f, false);
	fixture_desc(f, 0, (struct raw_desc){ BUFFER, 4, RAW_NEXT, 1 });
	fixture_desc(f, 1, (struct raw_desc){ TABLE, 16, RAW_INDIRECT, 0 });
	fixture_table_desc(f, 0, (struct raw_desc){ BUFFER + 64, 8, RAW_WRITE, 0 });
	ring_builder_avail(&f->builder, 0);
	memset(reads, 0, sizeof(reads));
	fixture_hook(f, &counting);
	serve(f);
	assert_int_equal(chain_read(f, text, 4), 0);
	for (size_t i = 0; i < sizeof(reads); i++)
		most = reads[i] > most ? reads[i] : most;
	assert_int_equal(most, 1);
	assert_int_equal(reads[BUFFER], 1);
	assert_int_equal(reads[TABLE], 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_chain_is_read_as_one_stream),
		CASE(a_chain_is_written_as_one_stream),
		CASE(a_stream_ends_where_its_buffers_end),
		CASE(a_used_chain_tells_its_head_and_what_was_written),
		CASE(a_used_length_that_does_not_fit_is_cut),
		CASE(an_indirect_table_is_followed),
		CASE(an_indirect_table_may_end_a_chain_of_others),
		CASE(write_on_an_indirect_descriptor_is_ignored),
		CASE(a_chain_may_have_as_many_descriptors_as_the_queue),
		CASE(an_indirect_table_may_have_as_many_descriptors_as_the_queue),
		CASE(a_chain_may_have_exactly_four_gibibytes),
		CASE(a_buffer_may_cross_adjacent_regions),
		CASE(a_buffer_waits_for_memory_that_is_still_to_come),
		CASE(a_ring_goes_on_where_it_was_stopped),
		CASE(a_ring_does_not_start_when_a_part_is_not_in_memory),
		CASE(a_ring_may_end_with_the_last_byte_of_memory),
		CASE(every_byte_of_a_chain_is_read_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
