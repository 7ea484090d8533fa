// SPDX-License-Identifier: BSD-3-Clause
/* The format of a saved state (docs/state-format.md), and states that are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "state/checksum.h"
#include "state/saved.h"

#define ROOM 512
#define EPOCH UINT64_C(0x0123456789abcdef)

/* Where the fields are that a test changes; as documented, not as the code has them. */
#define AT_VERSION 8
#define AT_BYTES 16
#define AT_HELD 24
#define AT_OWN_BYTES 32
#define AT_EXTENTS 36
#define AT_RECORD 40
#define AT_VALID (AT_RECORD + 12)
#define AT_UNIT_SHIFT (AT_RECORD + 40)
#define AT_PAGE_SHIFT (AT_RECORD + 44)
#define AT_OWN (AT_RECORD + 64)
#define AT_FIRST_EXTENT (AT_OWN + 8)
#define AT_RUNS (AT_FIRST_EXTENT + 32)

/* A state of two extents of 100 and 200 pages, with runs at 10, 90 (over the end of the
 * first) and 299, and as many bytes as it has. */
struct state {
	uint8_t bytes[ROOM];
	size_t len;
};

static size_t make(void *to, size_t room)
{
	static const struct vballoon_record_state record = {
		.magic = VBALLOON_RECORD_MAGIC,
		.version = VBALLOON_RECORD_VERSION,
		.valid = 1,
		.epoch = EPOCH,
		.features = UINT64_C(1) << 32 | 1,
		.target = 50,
		.unit_shift = 12,
		.page_shift = 12,
		.revision = 1,
	};
	static const struct vballoon_saved_extent extents[] = { { 0x100000, 100 },
								{ 0x40000000, 200 } };
	struct vballoon_saved_writer writer;

	vballoon_saved_begin(&writer, to, room, 13, &record, "ownparts", 8);
	vballoon_saved_put_extent(&writer, &extents[0]);
	vballoon_saved_put_extent(&writer, &extents[1]);
	vballoon_saved_put_run(&writer, 10, 5);
	vballoon_saved_put_run(&writer, 90, 10);
	vballoon_saved_put_run(&writer, 100, 150);
	vballoon_saved_put_run(&writer, 299, 1);
	return vballoon_saved_end(&writer, 2, 166);
}

static int set_up(void **state)
{
	static struct state made;

	memset(&made, 0, sizeof(made));
	made.len = make(made.bytes, sizeof(made.bytes));
	*state = &made;
	return 0;
}

/* The checksum is right again, whatever was changed. */
static enum vballoon_saved_fault sealed_fault(struct state *made)
{
	uint32_t sum;

	vballoon_saved_store64(made->bytes + AT_BYTES, made->len);
	sum = vballoon_checksum(made->bytes, made->len - 4);
	vballoon_saved_store32(made->bytes + made->len - 4, sum);
	return vballoon_saved_read(made->bytes, made->len, NULL);
}

static void assert_corrupt(struct state *made)
{
	assert_int_equal(sealed_fault(made), VBALLOON_SAVED_CORRUPT);
}

/* RFC 3720, B.4: 32 bytes of zeros, of ones, and counting up. */
static void the_checksum_is_crc32c(void **state)
{
	uint8_t bytes[32] = { 0 };

	(void)state;
	assert_int_equal(vballoon_checksum(bytes, sizeof(bytes)), 0x8a9136aa);
	memset(bytes, 0xff, sizeof(bytes));
	assert_int_equal(vballoon_checksum(bytes, sizeof(bytes)), 0x62a8ab43);
	for (unsigned int i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)i;
	assert_int_equal(vballoon_checksum(bytes, sizeof(bytes)), 0x46dd794e);
}

static void the_layout_is_the_one_that_is_documented(void **state)
{
	struct state *made = *state;
	static const uint8_t runs[] = { 10, 5, 75, 0xa0, 1, 49, 1 };

	assert_memory_equal(made->bytes, "vballsav", 8);
	assert_int_equal(vballoon_saved_load32(made->bytes + AT_VERSION), 1);
	assert_int_equal(vballoon_saved_load32(made->bytes + 12), 13);
	assert_int_equal(vballoon_saved_load64(made->bytes + AT_BYTES), made->len);
	assert_int_equal(vballoon_saved_load64(made->bytes + AT_HELD), 166);
	assert_int_equal(vballoon_saved_load32(made->bytes + AT_OWN_BYTES), 8);
	assert_int_equal(vballoon_saved_load32(made->bytes + AT_EXTENTS), 2);
	assert_memory_equal(made->bytes + AT_RECORD, "vballrec", 8);
	assert_int_equal(vballoon_saved_load64(made->bytes + AT_RECORD + 16), EPOCH);
	assert_memory_equal(made->bytes + AT_OWN, "ownparts", 8);
	assert_int_equal(vballoon_saved_load64(made->bytes + AT_FIRST_EXTENT), 0x100000);
	assert_int_equal(vballoon_saved_load64(made->bytes + AT_FIRST_EXTENT + 24), 200);
	assert_memory_equal(made->bytes + AT_RUNS, runs, sizeof(runs));
	assert_int_equal(made->len, AT_RUNS + sizeof(runs) + 4);
}

static void what_was_written_is_read(void **state)
{
	struct state *made = *state;
	struct vballoon_saved_info info;

	assert_int_equal(vballoon_saved_read(made->bytes, made->len, &info), VBALLOON_SAVED_OK);
	assert_int_equal(info.features.device_id, 13);
	assert_int_equal(info.features.page_shift, 12);
	assert_int_equal(info.features.negotiated, UINT64_C(1) << 32 | 1);
	assert_true(info.has_record);
	assert_int_equal(info.epoch, EPOCH);
	assert_int_equal(info.held_pages, 166);
	assert_int_equal(info.target_pages, 50);
	assert_int_equal(info.memory_pages, 300);
}

static void runs_come_back_and_those_that_touch_are_one(void **state)
{
	struct state *made = *state;
	struct vballoon_saved_cursor cursor = { 0 };
	struct vballoon_saved saved;
	struct vballoon_run run;

	assert_int_equal(vballoon_saved_open(made->bytes, made->len, &saved), VBALLOON_SAVED_OK);
	assert_true(vballoon_saved_next_run(&saved, &cursor, &run));
	assert_int_equal(run.first, 10);
	assert_int_equal(run.count, 5);
	assert_true(vballoon_saved_next_run(&saved, &cursor, &run));
	assert_int_equal(run.first, 90);
	assert_int_equal(run.count, 160);
	assert_true(vballoon_saved_next_run(&saved, &cursor, &run));
	assert_int_equal(run.first, 299);
	assert_int_equal(run.count, 1);
	assert_false(vballoon_saved_next_run(&saved, &cursor, &run));
}

static void without_room_the_length_is_told_and_nothing_is_written(void **state)
{
	struct state *made = *state;
	uint8_t bytes[ROOM];

	assert_int_equal(make(NULL, 0), made->len);
	memset(bytes, 0xa5, sizeof(bytes));
	assert_int_equal(make(bytes, made->len - 1), made->len);
	for (size_t i = made->len - 1; i < sizeof(bytes); i++)
		assert_int_equal(bytes[i], 0xa5);
}

static void a_state_that_is_cut_anywhere_is_refused(void **state)
{
	struct state *made = *state;
	enum vballoon_saved_fault fault;
	uint8_t *copy;

	for (size_t len = 0; len < made->len; len++) {
		copy = malloc(len ? len : 1); /* so that reading on is seen */
		assert_non_null(copy);
		memcpy(copy, made->bytes, len);
		fault = vballoon_saved_read(copy, len, NULL);
		free(copy);
		assert_int_equal(fault, VBALLOON_SAVED_TRUNCATED);
	}
	assert_int_equal(vballoon_saved_read(made->bytes, made->len + 1, NULL),
			 VBALLOON_SAVED_TRUNCATED);
}

static void one_bit_that_flips_is_seen(void **state)
{
	struct state *made = *state;
	enum vballoon_saved_fault fault;

	for (size_t bit = 0; bit < made->len * 8; bit++) {
		made->bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
		fault = vballoon_saved_read(made->bytes, made->len, NULL);
		made->bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
		assert_int_not_equal(fault, VBALLOON_SAVED_OK);
	}
}

static void what_begins_otherwise_is_no_state(void **state)
{
	struct state *made = *state;

	made->bytes[0] = 'V';
	assert_int_equal(sealed_fault(made), VBALLOON_SAVED_ALIEN);
	assert_int_equal(vballoon_saved_bytes(made->bytes), 0);
	assert_int_equal(vballoon_saved_read("no state", 8, NULL), VBALLOON_SAVED_ALIEN);
}

/* Before anything else of it is looked at, which may be otherwise there. */
static void a_newer_version_is_told_as_that(void **state)
{
	struct state *made = *state;

	made->bytes[AT_VERSION] = 2;
	assert_int_equal(vballoon_saved_read(made->bytes, made->len, NULL), VBALLOON_SAVED_NEWER);
	assert_int_equal(vballoon_saved_bytes(made->bytes), 0);
	made->bytes[AT_VERSION] = 0;
	assert_corrupt(made);
}

static void a_count_of_held_pages_that_is_wrong_is_seen(void **state)
{
	struct state *made = *state;

	made->bytes[AT_HELD]++;
	assert_corrupt(made);
}

static void an_own_part_that_is_too_long_is_refused(void **state)
{
	struct state *made = *state;

	vballoon_saved_store32(made->bytes + AT_OWN_BYTES, 4);
	assert_corrupt(made);
	vballoon_saved_store32(made->bytes + AT_OWN_BYTES, 4096);
	assert_corrupt(made);
	vballoon_saved_store32(made->bytes + AT_OWN_BYTES, UINT32_MAX - 7);
	assert_corrupt(made);
}

static void more_extents_than_there_is_room_for_are_refused(void **state)
{
	struct state *made = *state;

	vballoon_saved_store32(made->bytes + AT_EXTENTS, UINT32_MAX);
	assert_corrupt(made);
	vballoon_saved_store32(made->bytes + AT_EXTENTS, 1);
	assert_corrupt(made);
}

static void a_record_of_another_kind_is_refused(void **state)
{
	struct state *made = *state;

	made->bytes[AT_RECORD]++;
	assert_corrupt(made);
	made->bytes[AT_RECORD]--;
	made->bytes[AT_RECORD + 8]++;
	assert_corrupt(made);
}

/* Nobody's pages are held, or somebody's, and nothing between. */
static void what_is_held_without_a_record_is_refused(void **state)
{
	struct state *made = *state;

	made->bytes[AT_VALID] = 2;
	assert_corrupt(made);
	made->bytes[AT_VALID] = 0;
	assert_corrupt(made);
}

static void a_page_or_a_unit_of_no_size_is_refused(void **state)
{
	struct state *made = *state;

	made->bytes[AT_PAGE_SHIFT] = 11;
	assert_corrupt(made);
	made->bytes[AT_PAGE_SHIFT] = 64;
	assert_corrupt(made);
	made->bytes[AT_PAGE_SHIFT] = 13;
	assert_corrupt(made);
	made->bytes[AT_PAGE_SHIFT] = 12;
	made->bytes[AT_UNIT_SHIFT] = 31;
	assert_corrupt(made);
}

static void extents_out_of_order_are_refused(void **state)
{
	struct state *made = *state;
	uint8_t *second = made->bytes + AT_FIRST_EXTENT + 16;

	vballoon_saved_store64(second, 0x100000 + 100 * 4096); /* touches */
	assert_corrupt(made);
	vballoon_saved_store64(second, 0x100000);
	assert_corrupt(made);
	vballoon_saved_store64(second, 0);
	assert_corrupt(made);
	vballoon_saved_store64(second, 0x40000001);
	assert_corrupt(made);
}

static void an_extent_of_nothing_or_beyond_all_addresses_is_refused(void **state)
{
	struct state *made = *state;
	uint8_t *pages = made->bytes + AT_FIRST_EXTENT + 24;

	vballoon_saved_store64(pages, 0);
	assert_corrupt(made);
	vballoon_saved_store64(pages, UINT64_MAX);
	assert_corrupt(made);
	vballoon_saved_store64(pages, UINT64_MAX >> 12);
	assert_corrupt(made);
}

/* A state with these runs and none else. */
static void assert_runs_corrupt(struct state *made, const uint8_t *runs, size_t len, uint64_t held)
{
	memcpy(made->bytes + AT_RUNS, runs, len);
	made->len = AT_RUNS + len + 4;
	vballoon_saved_store64(made->bytes + AT_HELD, held);
	assert_corrupt(made);
}

#define BYTES(...) ((const uint8_t[]){ __VA_ARGS__ }), sizeof((const uint8_t[]){ __VA_ARGS__ })

static void runs_that_make_no_sense_are_refused(void **state)
{
	struct state *made = *state;

	assert_runs_corrupt(made, BYTES(10, 0), 0); /* nothing */
	assert_runs_corrupt(made, BYTES(10, 1, 0, 1), 2); /* two that touch */
	assert_runs_corrupt(made, BYTES(10), 0); /* half of one */
	assert_runs_corrupt(made, BYTES(10, 0x80), 0); /* half a number */
	assert_runs_corrupt(made, BYTES(0x8a, 0, 1), 1); /* longer than need be */
	assert_runs_corrupt(made, BYTES(0xab, 2, 2), 2); /* over the end */
	assert_runs_corrupt(made, BYTES(0xac, 2, 1), 1); /* behind it */
}

static void numbers_that_wrap_are_refused(void **state)
{
	struct state *made = *state;

	/* 2^64 - 1, which comes round to before the run; and more than 64 bits. */
	assert_runs_corrupt(
		made, BYTES(10, 5, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 1), 6);
	assert_runs_corrupt(made,
			    BYTES(10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1), 5);
	assert_runs_corrupt(made, BYTES(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 1),
			    1);
	assert_runs_corrupt(
		made, BYTES(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1, 1), 1);
}

static void each_fault_has_a_name_and_says_what_to_do(void **state)
{
	(void)state;
	assert_string_equal(vballoon_saved_fault_name(VBALLOON_SAVED_TRUNCATED), "truncated");
	for (unsigned int i = VBALLOON_SAVED_ALIEN; i < VBALLOON_SAVED_FAULT_COUNT; i++) {
		assert_string_not_equal(vballoon_saved_fault_name(i), "unknown");
		assert_true(strlen(vballoon_saved_fault_text(i)) > 20);
	}
	assert_string_equal(vballoon_saved_fault_name(VBALLOON_SAVED_FAULT_COUNT), "unknown");
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_checksum_is_crc32c),
		TEST(the_layout_is_the_one_that_is_documented),
		TEST(what_was_written_is_read),
		TEST(runs_come_back_and_those_that_touch_are_one),
		TEST(without_room_the_length_is_told_and_nothing_is_written),
		TEST(a_state_that_is_cut_anywhere_is_refused),
		TEST(one_bit_that_flips_is_seen),
		TEST(what_begins_otherwise_is_no_state),
		TEST(a_newer_version_is_told_as_that),
		TEST(a_count_of_held_pages_that_is_wrong_is_seen),
		TEST(an_own_part_that_is_too_long_is_refused),
		TEST(more_extents_than_there_is_room_for_are_refused),
		TEST(a_record_of_another_kind_is_refused),
		TEST(what_is_held_without_a_record_is_refused),
		TEST(a_page_or_a_unit_of_no_size_is_refused),
		TEST(extents_out_of_order_are_refused),
		TEST(an_extent_of_nothing_or_beyond_all_addresses_is_refused),
		TEST(runs_that_make_no_sense_are_refused),
		TEST(numbers_that_wrap_are_refused),
		TEST(each_fault_has_a_name_and_says_what_to_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
