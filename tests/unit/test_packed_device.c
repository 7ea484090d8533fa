/* SPDX-License-Identifier: BSD-3-Clause */
/* The device's side of a packed ring, with a driver that keeps the rules. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "packed_builder.h"

#define SIZE PACKED_SIZE
#define BUFFER PACKED_BUFFER
#define TABLE PACKED_TABLE
#define FREE AVAILABLE(1)

static const struct vballoon_ring_features packed = { .packed = true };

static int start(struct packed_fixture *f)
{
	return vballoon_device_ring_start(&f->device, &f->guest.memory, &f->queue, &packed);
}

/* Take one chain and give it back. */
static void serve(struct packed_fixture *f)
{
	assert_int_equal(packed_next(f), VBALLOON_RING_CHAIN);
	assert_int_equal(vballoon_device_ring_use(&f->device, &f->chain), 0);
}

static void an_empty_ring_has_nothing_available(void **state)
{
	struct packed_fixture *f = *state;

	packed_start(f, false);
	assert_int_equal(packed_next(f), VBALLOON_RING_EMPTY);
}

static void a_chain_is_two_streams_of_bytes(void **state)
{
	struct packed_fixture *f = *state;
	char text[6] = "";

	packed_desc(f, 0, (struct raw_packed){ BUFFER, 2, 0, FREE | RAW_NEXT });
	packed_desc(f, 1, (struct raw_packed){ BUFFER + 100, 3, 0, FREE | RAW_NEXT });
	packed_desc(f, 2, (struct raw_packed){ BUFFER + 200, 9, 77, FREE | RAW_WRITE });
	memcpy(guest_memory_at(&f->guest, BUFFER, 2), "he", 2);
	memcpy(guest_memory_at(&f->guest, BUFFER + 100, 3), "llo", 3);
	packed_start(f, false);
	assert_int_equal(packed_next(f), VBALLOON_RING_CHAIN);
	assert_int_equal(vballoon_chain_read(&f->guest.memory, &f->chain, text, 5), 0);
	assert_string_equal(text, "hello");
	assert_int_equal(f->chain.writable_len, 9);
}

static void a_used_chain_tells_the_id_of_its_last_descriptor(void **state)
{
	struct packed_fixture *f = *state;

	packed_desc(f, 0, (struct raw_packed){ BUFFER, 2, 1, FREE | RAW_NEXT });
	packed_desc(f, 1, (struct raw_packed){ BUFFER + 200, 9, 0xfedc, FREE | RAW_WRITE });
	packed_start(f, false);
	assert_int_equal(packed_next(f), VBALLOON_RING_CHAIN);
	assert_int_equal(vballoon_chain_write(&f->guest.memory, &f->chain, "you", 3), 0);
	assert_int_equal(vballoon_device_ring_use(&f->device, &f->chain), 0);
	assert_int_equal(packed_read(f, 0).id, 0xfedc);
	assert_int_equal(packed_read(f, 0).len, 3);
	assert_int_equal(packed_read(f, 0).flags, USED(1) | RAW_WRITE);
	assert_int_equal(packed_read(f, 1).flags, FREE | RAW_WRITE);
}

static void a_chain_that_nothing_was_written_to_is_used_without_the_flag(void **state)
{
	struct packed_fixture *f = *state;

	packed_desc(f, 0, (struct raw_packed){ BUFFER, 2, 1, FREE | RAW_WRITE });
	packed_start(f, false);
	serve(f);
	assert_int_equal(packed_read(f, 0).flags, USED(1));
}

static void a_used_length_that_does_not_fit_is_cut(void **state)
{
	struct packed_fixture *f = *state;

	packed_start(f, false);
	f->chain.places = 1;
	f->chain.written = UINT64_C(1) << 32;
	assert_int_equal(vballoon_device_ring_use(&f->device, &f->chain), 0);
	assert_int_equal(packed_read(f, 0).len, UINT32_MAX);
}

static void the_next_chain_lies_behind_the_whole_last_one(void **state)
{
	struct packed_fixture *f = *state;

	packed_desc(f, 0, (struct raw_packed){ BUFFER, 2, 1, FREE | RAW_NEXT });
	packed_desc(f, 1, (struct raw_packed){ BUFFER, 2, 1, FREE | RAW_NEXT });
	packed_desc(f, 2, (struct raw_packed){ BUFFER, 2, 1, FREE });
	packed_offer(f, 1, 3, 2);
	packed_start(f, false);
	serve(f);
	serve(f);
	assert_int_equal(f->chain.head, 2);
	assert_int_equal(packed_read(f, 3).flags, USED(1));
	assert_int_equal(packed_next(f), VBALLOON_RING_EMPTY);
	assert_int_equal(vballoon_device_ring_base(&f->device), 0x80048004);
}

static void the_wrap_counter_turns_over_at_the_end_of_the_ring(void **state)
{
	struct packed_fixture *f = *state;

	packed_start(f, false);
	for (uint16_t i = 0; i < SIZE; i++) {
		packed_offer(f, 1, i, i);
		serve(f);
	}
	/* What is still there from this round is not available in the next. */
	assert_int_equal(packed_next(f), VBALLOON_RING_EMPTY);
	packed_offer(f, 1, 0, 4);
	assert_int_equal(packed_next(f), VBALLOON_RING_EMPTY);
	packed_offer(f, 0, 0, 5);
	serve(f);
	assert_int_equal(f->chain.head, 5);
	assert_int_equal(packed_read(f, 0).flags, USED(0));
	assert_int_equal(vballoon_device_ring_base(&f->device), 0x00010001);
}

static void a_chain_may_go_round_the_end_of_the_ring(void **state)
{
	struct packed_fixture *f = *state;

	f->queue.next = (uint32_t)PLACE(1, SIZE - 1) << 16 | PLACE(1, SIZE - 1);
	packed_desc(f, SIZE - 1, (struct raw_packed){ BUFFER, 2, 6, FREE | RAW_NEXT });
	packed_desc(f, 0, (struct raw_packed){ BUFFER, 3, 6, AVAILABLE(0) });
	packed_start(f, false);
	serve(f);
	assert_int_equal(f->chain.readable_len, 5);
	assert_int_equal(packed_read(f, SIZE - 1).flags, USED(1));
	assert_int_equal(vballoon_device_ring_base(&f->device), 0x00010001);
}

static void a_chain_may_have_as_many_descriptors_as_the_queue(void **state)
{
	struct packed_fixture *f = *state;

	for (uint16_t i = 0; i < SIZE; i++) {
		uint16_t next = i + 1 < SIZE ? RAW_NEXT : 0;

		packed_desc(f, i, (struct raw_packed){ BUFFER, 1, 3, (uint16_t)(FREE | next) });
	}
	packed_start(f, false);
	serve(f);
	assert_int_equal(f->chain.count, SIZE);
	assert_int_equal(vballoon_device_ring_base(&f->device), 0x00000000);
}

static void an_indirect_table_is_taken_in_sequence(void **state)
{
	struct packed_fixture *f = *state;

	packed_desc(f, 0, (struct raw_packed){ TABLE, 3 * 16, 8, FREE | RAW_INDIRECT | RAW_WRITE });
	packed_table_desc(f, 0, (struct raw_packed){ BUFFER, 4, 0, 0 });
	packed_table_desc(f, 1, (struct raw_packed){ BUFFER, 5, 0, RAW_WRITE });
	packed_table_desc(f, 2, (struct raw_packed){ BUFFER, 6, 0, RAW_WRITE });
	packed_start(f, false);
	serve(f);
	assert_int_equal(f->chain.head, 8);
	assert_int_equal(f->chain.readable_len, 4);
	assert_int_equal(f->chain.writable_len, 11);
	assert_int_equal(vballoon_device_ring_base(&f->device), 0x80018001);
}

static void in_a_table_only_write_and_no_id_counts(void **state)
{
	struct packed_fixture *f = *state;

	packed_desc(f, 0, (struct raw_packed){ TABLE, 2 * 16, 8, FREE | RAW_INDIRECT });
	packed_table_desc(f, 0, (struct raw_packed){ BUFFER, 4, 99, RAW_INDIRECT });
	packed_table_desc(f, 1, (struct raw_packed){ BUFFER, 5, 98, RAW_NEXT | USED(1) });
	packed_start(f, false);
	serve(f);
	assert_int_equal(f->chain.head, 8);
	assert_int_equal(f->chain.readable_len, 9);
}

static void a_table_may_have_as_many_descriptors_as_the_queue(void **state)
{
	struct packed_fixture *f = *state;

	packed_desc(f, 0, (struct raw_packed){ TABLE, SIZE * 16, 8, FREE | RAW_INDIRECT });
	for (uint16_t i = 0; i < SIZE; i++)
		packed_table_desc(f, i, (struct raw_packed){ BUFFER, 1, 0, 0 });
	packed_start(f, false);
	serve(f);
	assert_int_equal(f->chain.count, SIZE);
}

static void a_ring_goes_on_where_it_was_stopped(void **state)
{
	struct packed_fixture *f = *state;

	f->queue.next = 0x00068005; /* used and available ones apart: no matter */
	packed_offer(f, 1, 5, 2);
	packed_start(f, false);
	assert_int_equal(vballoon_device_ring_base(&f->device), 0x00068005);
	serve(f);
	assert_int_equal(packed_read(f, 6).flags, USED(0));
	assert_int_equal(packed_read(f, 6).id, 2);
	assert_int_equal(vballoon_device_ring_base(&f->device), 0x00078006);
}

static void a_size_that_is_no_power_of_two_is_fine(void **state)
{
	struct packed_fixture *f = *state;

	f->queue.size = 5;
	assert_int_equal(start(f), 0);
	for (uint16_t i = 0; i < 5; i++) {
		packed_offer(f, 1, i, i);
		serve(f);
	}
	assert_int_equal(vballoon_device_ring_base(&f->device), 0x00000000);
}

static void a_ring_of_a_bad_size_does_not_start(void **state)
{
	struct packed_fixture *f = *state;

	f->queue.size = 0;
	assert_int_equal(start(f), -EINVAL);
	f->queue.size = VBALLOON_QUEUE_SIZE_MAX + 1;
	assert_int_equal(start(f), -EINVAL);
}

static void a_ring_that_is_not_aligned_does_not_start(void **state)
{
	struct packed_fixture *f = *state;
	struct vballoon_queue queue = f->queue;

	f->queue.desc.value += 8;
	assert_int_equal(start(f), -EINVAL);
	f->queue = queue;
	f->queue.avail.value += 2;
	assert_int_equal(start(f), -EINVAL);
	f->queue = queue;
	f->queue.used.value += 2;
	assert_int_equal(start(f), -EINVAL);
}

static void a_place_beyond_the_ring_is_no_beginning(void **state)
{
	struct packed_fixture *f = *state;

	f->queue.next = 0x80008000 + SIZE;
	assert_int_equal(start(f), -EINVAL);
	f->queue.next = 0x80008000 + (SIZE << 16);
	assert_int_equal(start(f), -EINVAL);
	f->queue.next = 0x80008000 + SIZE - 1;
	assert_int_equal(start(f), 0);
}

static void a_ring_does_not_start_when_a_part_is_not_in_memory(void **state)
{
	struct packed_fixture *f = *state;
	struct vballoon_queue queue = f->queue;

	f->queue.desc = vballoon_gpa(PACKED_MEMORY_END - SIZE * 16 + 16);
	assert_int_equal(start(f), -EFAULT);
	f->queue = queue;
	f->queue.avail = vballoon_gpa(PACKED_MEMORY_END);
	assert_int_equal(start(f), -EFAULT);
	f->queue = queue;
	f->queue.used = vballoon_gpa(PACKED_MEMORY_END);
	assert_int_equal(start(f), -EFAULT);
	assert_false(f->device.running);
}

static void a_ring_tells_where_its_parts_lie(void **state)
{
	struct packed_fixture *f = *state;
	const struct vballoon_segment *areas = f->device.areas;

	packed_start(f, false);
	assert_int_equal(areas[0].gpa.value, PACKED_RING);
	assert_int_equal(areas[0].len, SIZE * 16);
	assert_int_equal(areas[1].gpa.value, PACKED_DRIVER_EVENT);
	assert_int_equal(areas[1].len, 4);
	assert_int_equal(areas[2].gpa.value, PACKED_DEVICE_EVENT);
	assert_int_equal(areas[2].len, 4);
}

/* Which bytes of the guest were read, and how often. */
static unsigned char reads[PACKED_MEMORY_END];

static int count_reads(void *context, struct vballoon_gpa gpa, size_t len)
{
	(void)context;
	for (size_t i = 0; i < len; i++)
		reads[gpa.value + i]++;
	return 0;
}

static const struct vballoon_memory_hooks counting = { .before_read = count_reads };

static void every_byte_of_a_chain_is_read_once(void **state)
{
	struct packed_fixture *f = *state;
	unsigned int most = 0;

	packed_desc(f, 0, (struct raw_packed){ BUFFER, 2, 0, FREE | RAW_NEXT });
	packed_desc(f, 1, (struct raw_packed){ BUFFER, 3, 0, FREE });
	packed_desc(f, 2, (struct raw_packed){ TABLE, 16, 0, FREE | RAW_INDIRECT });
	packed_table_desc(f, 0, (struct raw_packed){ BUFFER, 3, 0, 0 });
	packed_start(f, false);
	memset(reads, 0, sizeof(reads));
	packed_hook(f, &counting);
	serve(f);
	serve(f);
	for (size_t i = 0; i < sizeof(reads); i++)
		most = reads[i] > most ? reads[i] : most;
	assert_int_equal(most, 1);
	for (unsigned int i = 0; i < 3 * 16; i++)
		assert_int_equal(reads[PACKED_RING + i], 1);
	assert_int_equal(reads[TABLE], 1);
}

/* A guest that turns its descriptors into others once the first was found available. */
static int rewrite(void *context, struct vballoon_gpa gpa, size_t len)
{
	struct packed_fixture *f = context;

	(void)len;
	if (gpa.value >= BUFFER)
		memset(guest_memory_at(&f->guest, PACKED_RING, SIZE * 16), 0xff, SIZE * 16);
	return 0;
}

static const struct vballoon_memory_hooks rewriting = { .before_read = rewrite };

static void a_descriptor_rewritten_after_it_was_read_changes_nothing(void **state)
{
	struct packed_fixture *f = *state;
	char text[4] = "";

	packed_desc(f, 0, (struct raw_packed){ BUFFER, 4, 2, FREE });
	memcpy(guest_memory_at(&f->guest, BUFFER, 4), "abc", 4);
	packed_start(f, false);
	packed_hook(f, &rewriting);
	assert_int_equal(packed_next(f), VBALLOON_RING_CHAIN);
	assert_int_equal(vballoon_chain_read(&f->guest.memory, &f->chain, text, 4), 0);
	assert_string_equal(text, "abc");
	assert_int_equal(vballoon_device_ring_use(&f->device, &f->chain), 0);
	assert_int_equal(packed_read(f, 0).id, 2);
	assert_int_equal(packed_read(f, 0).flags, USED(1));
}

static void a_chain_whose_ring_went_away_is_not_used(void **state)
{
	struct packed_fixture *f = *state;

	packed_offer(f, 1, 0, 0);
	packed_start(f, false);
	assert_int_equal(packed_next(f), VBALLOON_RING_CHAIN);
	guest_memory_destroy(&f->guest);
	guest_memory_init(&f->guest);
	assert_int_equal(vballoon_device_ring_use(&f->device, &f->chain), -EFAULT);
	assert_int_equal(vballoon_device_ring_base(&f->device), 0x80008001);
	assert_int_equal(packed_next(f), VBALLOON_RING_BROKEN);
	assert_int_equal(f->violation, VBALLOON_RING_UNREADABLE);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, packed_setup, packed_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(an_empty_ring_has_nothing_available),
		CASE(a_chain_is_two_streams_of_bytes),
		CASE(a_used_chain_tells_the_id_of_its_last_descriptor),
		CASE(a_chain_that_nothing_was_written_to_is_used_without_the_flag),
		CASE(a_used_length_that_does_not_fit_is_cut),
		CASE(the_next_chain_lies_behind_the_whole_last_one),
		CASE(the_wrap_counter_turns_over_at_the_end_of_the_ring),
		CASE(a_chain_may_go_round_the_end_of_the_ring),
		CASE(a_chain_may_have_as_many_descriptors_as_the_queue),
		CASE(an_indirect_table_is_taken_in_sequence),
		CASE(in_a_table_only_write_and_no_id_counts),
		CASE(a_table_may_have_as_many_descriptors_as_the_queue),
		CASE(a_ring_goes_on_where_it_was_stopped),
		CASE(a_size_that_is_no_power_of_two_is_fine),
		CASE(a_ring_of_a_bad_size_does_not_start),
		CASE(a_ring_that_is_not_aligned_does_not_start),
		CASE(a_place_beyond_the_ring_is_no_beginning),
		CASE(a_ring_does_not_start_when_a_part_is_not_in_memory),
		CASE(a_ring_tells_where_its_parts_lie),
		CASE(every_byte_of_a_chain_is_read_once),
		CASE(a_descriptor_rewritten_after_it_was_read_changes_nothing),
		CASE(a_chain_whose_ring_went_away_is_not_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
