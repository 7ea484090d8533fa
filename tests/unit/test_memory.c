/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <vballoon/memory.h>

#include "guest_memory.h"

#define PAGE 0x1000
/* Two regions that touch, a hole, and a third. */
#define LOW 0x10000
#define HIGH (LOW + PAGE)
#define HIGH_END (HIGH + PAGE)
#define APART 0x40000

struct hook_log {
	uint64_t read_gpa, write_gpa;
	size_t read_len, write_len;
	int answer;
	unsigned char *rewrite; /* a byte that the guest changes before the read */
};

struct fixture {
	struct guest_memory guest;
	struct hook_log log;
};

static int log_read(void *context, struct vballoon_gpa gpa, size_t len)
{
	struct hook_log *log = context;

	log->read_gpa = gpa.value;
	log->read_len = len;
	if (log->rewrite)
		*log->rewrite = 'x';
	return log->answer;
}

static void log_write(void *context, struct vballoon_gpa gpa, size_t len)
{
	struct hook_log *log = context;

	log->write_gpa = gpa.value;
	log->write_len = len;
}

static const struct vballoon_memory_hooks hooks = {
	.before_read = log_read,
	.after_write = log_write,
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	guest_memory_init(&f->guest);
	guest_memory_add(&f->guest, APART, PAGE);
	guest_memory_add(&f->guest, LOW, PAGE);
	guest_memory_add(&f->guest, HIGH, PAGE);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	guest_memory_destroy(&f->guest);
	free(f);
	return 0;
}

static struct vballoon_memory *memory_of(void **state)
{
	struct fixture *f = *state;

	return &f->guest.memory;
}

static struct hook_log *listen(void **state)
{
	struct fixture *f = *state;

	f->guest.memory.hooks = &hooks;
	f->guest.memory.hooks_context = &f->log;
	return &f->log;
}

static unsigned char *host(void **state, uint64_t gpa)
{
	struct fixture *f = *state;

	return guest_memory_at(&f->guest, gpa, 1);
}

static bool covers(void **state, uint64_t gpa, uint64_t len)
{
	return vballoon_memory_covers(memory_of(state), vballoon_gpa(gpa), vballoon_bytes(len));
}

static const struct vballoon_region *find(void **state, uint64_t gpa, uint64_t len)
{
	return vballoon_memory_find(memory_of(state), vballoon_gpa(gpa), vballoon_bytes(len));
}

static int add(void **state, uint64_t gpa, uint64_t size)
{
	struct vballoon_region region = { .gpa = vballoon_gpa(gpa), .size = vballoon_bytes(size) };

	return vballoon_memory_add(memory_of(state), &region);
}

static void regions_are_kept_in_order_of_address(void **state)
{
	const struct vballoon_memory *memory = memory_of(state);

	assert_int_equal(memory->count, 3);
	assert_int_equal(memory->regions[0].gpa.value, LOW);
	assert_int_equal(memory->regions[1].gpa.value, HIGH);
	assert_int_equal(memory->regions[2].gpa.value, APART);
}

static void an_empty_region_is_refused(void **state)
{
	assert_int_equal(add(state, 0, 0), -EINVAL);
}

static void a_region_that_wraps_is_refused(void **state)
{
	assert_int_equal(add(state, UINT64_MAX - PAGE + 1, PAGE), -EINVAL);
	assert_int_equal(add(state, UINT64_MAX - 2 * PAGE + 1, PAGE), 0);
}

static void a_region_that_overlaps_another_is_refused(void **state)
{
	assert_int_equal(add(state, APART - 1, 2), -EEXIST);
	assert_int_equal(add(state, APART + PAGE - 1, 2), -EEXIST);
	assert_int_equal(add(state, APART + 1, 1), -EEXIST);
	assert_int_equal(add(state, APART - PAGE, 3 * PAGE), -EEXIST);
	assert_int_equal(memory_of(state)->count, 3);
}

static void a_region_that_touches_another_is_taken(void **state)
{
	assert_int_equal(add(state, APART - PAGE, PAGE), 0);
	assert_int_equal(add(state, APART + PAGE, PAGE), 0);
}

static void a_region_more_than_the_table_holds_is_refused(void **state)
{
	struct vballoon_memory *memory = memory_of(state);

	for (uint64_t gpa = 0x100000; memory->count < VBALLOON_MEMORY_REGIONS_MAX; gpa += PAGE)
		assert_int_equal(add(state, gpa, PAGE), 0);
	assert_int_equal(add(state, 0, PAGE), -ENOSPC);
}

static void only_the_first_byte_names_the_region_to_remove(void **state)
{
	struct vballoon_memory *memory = memory_of(state);
	struct vballoon_region kept = memory->regions[1];

	assert_int_equal(vballoon_memory_remove(memory, vballoon_gpa(HIGH + 1)), -ENOENT);
	assert_int_equal(vballoon_memory_remove(memory, vballoon_gpa(APART + PAGE)), -ENOENT);
	assert_int_equal(vballoon_memory_remove(memory, vballoon_gpa(HIGH)), 0);
	assert_null(find(state, HIGH, 1));
	assert_non_null(find(state, LOW, PAGE));
	assert_non_null(find(state, APART, PAGE));
	assert_int_equal(vballoon_memory_add(memory, &kept), 0);
}

static void a_range_is_found_up_to_the_last_byte_of_its_region(void **state)
{
	assert_non_null(find(state, APART, PAGE));
	assert_non_null(find(state, APART + PAGE - 1, 1));
	assert_null(find(state, APART, PAGE + 1));
	assert_null(find(state, APART - 1, 1));
	assert_null(find(state, APART + PAGE, 1));
}

static void a_range_over_two_regions_is_covered_but_not_found(void **state)
{
	assert_null(find(state, HIGH - 1, 2));
	assert_true(covers(state, HIGH - 1, 2));
	assert_true(covers(state, LOW, 2 * PAGE));
}

static void a_range_that_reaches_into_a_hole_is_not_covered(void **state)
{
	assert_false(covers(state, LOW, 2 * PAGE + 1));
	assert_false(covers(state, HIGH, APART - HIGH + 1));
	assert_false(covers(state, LOW - 1, 2));
}

static void a_range_that_wraps_is_neither_found_nor_covered(void **state)
{
	assert_null(find(state, APART, UINT64_MAX));
	assert_false(covers(state, APART, UINT64_MAX));
	assert_false(covers(state, LOW, UINT64_MAX - LOW + 2));
}

static void a_range_of_no_bytes_is_neither_found_nor_covered(void **state)
{
	assert_null(find(state, LOW, 0));
	assert_false(covers(state, LOW, 0));
}

static void no_memory_covers_nothing(void **state)
{
	struct vballoon_memory none = { .count = 0 };

	(void)state;
	assert_null(vballoon_memory_find(&none, vballoon_gpa(0), vballoon_bytes(1)));
	assert_false(vballoon_memory_covers(&none, vballoon_gpa(0), vballoon_bytes(1)));
}

static void a_read_crosses_adjacent_regions(void **state)
{
	char text[5] = "";

	memcpy(host(state, HIGH - 2), "ab", 2);
	memcpy(host(state, HIGH), "cd", 2);
	assert_int_equal(vballoon_memory_read(memory_of(state), vballoon_gpa(HIGH - 2), text, 4),
			 0);
	assert_string_equal(text, "abcd");
}

static void a_write_crosses_adjacent_regions(void **state)
{
	assert_int_equal(vballoon_memory_write(memory_of(state), vballoon_gpa(HIGH - 2), "abcd", 4),
			 0);
	assert_memory_equal(host(state, HIGH - 2), "ab", 2);
	assert_memory_equal(host(state, HIGH), "cd", 2);
}

static void a_write_that_reaches_outside_writes_nothing(void **state)
{
	struct hook_log *log = listen(state);

	assert_int_equal(
		vballoon_memory_write(memory_of(state), vballoon_gpa(HIGH_END - 1), "ab", 2),
		-EFAULT);
	assert_int_equal(*host(state, HIGH_END - 1), 0);
	assert_int_equal(log->write_len, 0);
}

static void a_read_that_reaches_outside_fails(void **state)
{
	char byte[2];

	assert_int_equal(
		vballoon_memory_read(memory_of(state), vballoon_gpa(HIGH_END - 1), byte, 2),
		-EFAULT);
}

static void a_read_or_write_of_no_bytes_touches_nothing(void **state)
{
	struct hook_log *log = listen(state);

	log->answer = -EIO;
	assert_int_equal(vballoon_memory_read(memory_of(state), vballoon_gpa(0), NULL, 0), 0);
	assert_int_equal(vballoon_memory_write(memory_of(state), vballoon_gpa(0), NULL, 0), 0);
}

static void a_hook_makes_a_read_fail(void **state)
{
	struct hook_log *log = listen(state);
	uint16_t index;
	char byte;

	log->answer = -EIO;
	assert_int_equal(vballoon_memory_read(memory_of(state), vballoon_gpa(LOW), &byte, 1), -EIO);
	assert_int_equal(vballoon_memory_load16(memory_of(state), vballoon_gpa(LOW), &index), -EIO);
}

static void a_hook_runs_before_the_bytes_are_read(void **state)
{
	struct hook_log *log = listen(state);
	char byte = 0;

	log->rewrite = host(state, LOW + 7);
	assert_int_equal(vballoon_memory_read(memory_of(state), vballoon_gpa(LOW + 7), &byte, 1),
			 0);
	assert_int_equal(byte, 'x');
	assert_int_equal(log->read_gpa, LOW + 7);
	assert_int_equal(log->read_len, 1);
}

static void a_hook_hears_of_a_whole_write_at_once(void **state)
{
	struct hook_log *log = listen(state);

	assert_int_equal(vballoon_memory_write(memory_of(state), vballoon_gpa(HIGH - 2), "abcd", 4),
			 0);
	assert_int_equal(log->write_gpa, HIGH - 2);
	assert_int_equal(log->write_len, 4);
}

static void a_hook_hears_of_a_stored_index(void **state)
{
	struct hook_log *log = listen(state);

	assert_int_equal(vballoon_memory_store16(memory_of(state), vballoon_gpa(LOW + 2), 1), 0);
	assert_int_equal(log->write_gpa, LOW + 2);
	assert_int_equal(log->write_len, 2);
}

static void an_index_is_little_endian(void **state)
{
	unsigned char *bytes = host(state, LOW);
	uint16_t value = 0;

	bytes[0] = 0x34;
	bytes[1] = 0x12;
	assert_int_equal(vballoon_memory_load16(memory_of(state), vballoon_gpa(LOW), &value), 0);
	assert_int_equal(value, 0x1234);
	assert_int_equal(vballoon_memory_store16(memory_of(state), vballoon_gpa(LOW), 0xabcd), 0);
	assert_int_equal(bytes[0], 0xcd);
	assert_int_equal(bytes[1], 0xab);
}

static void an_index_that_is_not_aligned_fails(void **state)
{
	uint16_t value;

	assert_int_equal(vballoon_memory_load16(memory_of(state), vballoon_gpa(LOW + 1), &value),
			 -EFAULT);
	assert_int_equal(vballoon_memory_store16(memory_of(state), vballoon_gpa(HIGH - 1), 0),
			 -EFAULT);
}

static void an_index_outside_memory_fails(void **state)
{
	uint16_t value;

	assert_int_equal(vballoon_memory_load16(memory_of(state), vballoon_gpa(HIGH_END), &value),
			 -EFAULT);
	assert_int_equal(vballoon_memory_store16(memory_of(state), vballoon_gpa(UINT64_MAX), 0),
			 -EFAULT);
}

static int refuse_write(void *context, struct vballoon_gpa gpa, size_t len)
{
	struct hook_log *log = context;

	log->write_gpa = gpa.value;
	log->write_len = len;
	return log->answer;
}

static const struct vballoon_memory_hooks refusing = { .before_write = refuse_write };

static void a_write_that_the_hook_refuses_writes_nothing(void **state)
{
	struct fixture *f = *state;
	const unsigned char *at = guest_memory_at(&f->guest, HIGH - 2, 2);

	f->guest.memory.hooks = &refusing;
	f->guest.memory.hooks_context = &f->log;
	f->log.answer = -ENOSPC;
	assert_int_equal(vballoon_memory_write(&f->guest.memory, vballoon_gpa(HIGH - 2), "abcd", 4),
			 -ENOSPC);
	assert_int_equal(f->log.write_gpa, HIGH - 2);
	assert_int_equal(f->log.write_len, 4);
	assert_memory_not_equal(at, "abcd", 2);
}

static void a_store_that_the_hook_refuses_stores_nothing(void **state)
{
	struct fixture *f = *state;
	uint16_t value;

	assert_int_equal(vballoon_memory_store16(&f->guest.memory, vballoon_gpa(LOW), 7), 0);
	f->guest.memory.hooks = &refusing;
	f->guest.memory.hooks_context = &f->log;
	f->log.answer = -ENOSPC;
	assert_int_equal(vballoon_memory_store16(&f->guest.memory, vballoon_gpa(LOW), 9), -ENOSPC);
	assert_int_equal(f->log.write_len, 2);
	assert_int_equal(vballoon_memory_load16(&f->guest.memory, vballoon_gpa(LOW), &value), 0);
	assert_int_equal(value, 7);
}

static void clearing_crosses_adjacent_regions_and_is_heard_of(void **state)
{
	struct fixture *f = *state;
	const unsigned char *low = guest_memory_at(&f->guest, HIGH - 2, 2);
	const unsigned char *high = guest_memory_at(&f->guest, HIGH, 3);

	assert_int_equal(
		vballoon_memory_write(&f->guest.memory, vballoon_gpa(HIGH - 2), "abcde", 5), 0);
	f->guest.memory.hooks = &refusing;
	f->guest.memory.hooks_context = &f->log;
	assert_int_equal(vballoon_memory_clear(&f->guest.memory, vballoon_gpa(HIGH - 1), 2), 0);
	assert_memory_equal(low, "a", 2);
	assert_memory_equal(high, "\0de", 3);
	assert_int_equal(f->log.write_gpa, HIGH - 1);
	assert_int_equal(f->log.write_len, 2);
	f->log.answer = -ENOSPC;
	assert_int_equal(vballoon_memory_clear(&f->guest.memory, vballoon_gpa(HIGH + 1), 1),
			 -ENOSPC);
	assert_int_equal(high[1], 'd');
}

static void clearing_what_reaches_outside_clears_nothing(void **state)
{
	struct fixture *f = *state;
	unsigned char *last = guest_memory_at(&f->guest, HIGH_END - 1, 1);

	*last = 7;
	assert_int_equal(vballoon_memory_clear(&f->guest.memory, vballoon_gpa(HIGH_END - 1), 2),
			 -EFAULT);
	assert_int_equal(*last, 7);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_write_that_the_hook_refuses_writes_nothing),
		CASE(a_store_that_the_hook_refuses_stores_nothing),
		CASE(clearing_crosses_adjacent_regions_and_is_heard_of),
		CASE(clearing_what_reaches_outside_clears_nothing),
		CASE(regions_are_kept_in_order_of_address),
		CASE(an_empty_region_is_refused),
		CASE(a_region_that_wraps_is_refused),
		CASE(a_region_that_overlaps_another_is_refused),
		CASE(a_region_that_touches_another_is_taken),
		CASE(a_region_more_than_the_table_holds_is_refused),
		CASE(only_the_first_byte_names_the_region_to_remove),
		CASE(a_range_is_found_up_to_the_last_byte_of_its_region),
		CASE(a_range_over_two_regions_is_covered_but_not_found),
		CASE(a_range_that_reaches_into_a_hole_is_not_covered),
		CASE(a_range_that_wraps_is_neither_found_nor_covered),
		CASE(a_range_of_no_bytes_is_neither_found_nor_covered),
		CASE(no_memory_covers_nothing),
		CASE(a_read_crosses_adjacent_regions),
		CASE(a_write_crosses_adjacent_regions),
		CASE(a_write_that_reaches_outside_writes_nothing),
		CASE(a_read_that_reaches_outside_fails),
		CASE(a_read_or_write_of_no_bytes_touches_nothing),
		CASE(a_hook_makes_a_read_fail),
		CASE(a_hook_runs_before_the_bytes_are_read),
		CASE(a_hook_hears_of_a_whole_write_at_once),
		CASE(a_hook_hears_of_a_stored_index),
		CASE(an_index_is_little_endian),
		CASE(an_index_that_is_not_aligned_fails),
		CASE(an_index_outside_memory_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
