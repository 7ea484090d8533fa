/* SPDX-License-Identifier: BSD-3-Clause */
/* What comes before what: the record before the answer, one message before the next. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/le.h"
#include "device_bed.h"

#define AT GIB
#define WRITES_MAX 8

/* Pages on the record at each write to the buffer of a message. */
static struct {
	uint64_t buffer;
	uint64_t held[WRITES_MAX];
	unsigned int count;
} seen;

static int before_write(void *context, struct vballoon_gpa gpa, size_t len)
{
	(void)len;
	if (gpa.value - seen.buffer >= 64)
		return 0;
	assert_true(seen.count < WRITES_MAX);
	seen.held[seen.count++] = bed_status(context).held_pages;
	return 0;
}

static int setup(void **state)
{
	static struct bed bed;

	bed_init(&bed, 0);
	bed_add_memory(&bed, AT, 64 * MIB, 12);
	bed_greet(&bed, 12);
	*state = &bed;
	return 0;
}

static int teardown(void **state)
{
	bed_destroy(*state);
	return 0;
}

static void watch(struct bed *bed)
{
	seen.buffer = bed_next_message_at(bed);
	seen.count = 0;
	bed->hooks.before_write = before_write;
}

static void assert_held_at_each_write(struct bed *bed, uint64_t pages)
{
	bed->hooks.before_write = NULL;
	assert_int_not_equal(seen.count, 0);
	for (unsigned int i = 0; i < seen.count; i++)
		assert_int_equal(seen.held[i], pages);
}

/* Proves DEV-ADD-9, DEV-STATE-9. */
static void a_page_is_on_the_record_before_its_answer_is_written(void **state)
{
	struct bed *bed = *state;

	watch(bed);
	assert_int_equal(bed_add_entry(bed, AT), VIRTIO_MEMORY_BALLOON_ACCEPTED);
	assert_held_at_each_write(bed, 1);
}

/* Proves DEV-WITHDRAW-5, DEV-STATE-9. */
static void a_page_is_off_the_record_before_its_answer_is_written(void **state)
{
	struct bed *bed = *state;
	uint64_t entry;

	assert_int_equal(bed_add_entry(bed, AT), VIRTIO_MEMORY_BALLOON_ACCEPTED);
	watch(bed);
	assert_int_equal(bed_withdraw(bed, 1, &entry, 1), 1);
	assert_held_at_each_write(bed, 0);
}

static void post_add(struct bed *bed, uint64_t page)
{
	__le64 message[] = { vballoon_le64(VIRTIO_MEMORY_BALLOON_MSG_ADD), vballoon_le64(page) };

	bed_post(bed, message, sizeof(message), 1);
}

static void post_withdraw(struct bed *bed)
{
	__le64 message[] = { vballoon_le64(VIRTIO_MEMORY_BALLOON_MSG_WITHDRAW), vballoon_le64(4) };

	bed_post(bed, message, sizeof(message), 32);
}

/* Proves DEV-MSG-1. */
static void each_message_finds_what_those_before_it_have_left(void **state)
{
	struct bed *bed = *state;
	uint64_t entries[4];
	uint8_t verdict;

	post_withdraw(bed);
	post_add(bed, AT);
	post_withdraw(bed);
	post_add(bed, AT + 4096);
	bed_run(bed);
	assert_int_equal(bed_collect(bed, entries, sizeof(entries)), 0);
	assert_int_equal(bed_collect(bed, &verdict, 1), 1);
	assert_int_equal(bed_collect(bed, entries, sizeof(entries)), sizeof(entries[0]));
	assert_int_equal(vballoon_le64(entries[0]), AT);
	assert_int_equal(bed_collect(bed, &verdict, 1), 1);
	assert_int_equal(bed_status(bed).held_pages, 1);
}

/* Proves DEV-RING-3. */
static void a_buffer_that_was_used_is_the_drivers(void **state)
{
	struct bed *bed = *state;
	uint64_t at = bed_next_message_at(bed);
	const uint8_t *buffer = guest_memory_at(&bed->guest, at, 32);
	uint8_t pattern[32];

	bed_add_entry(bed, AT);
	memset(pattern, 0x5a, sizeof(pattern));
	memcpy(guest_memory_at(&bed->guest, at, 32), pattern, sizeof(pattern));
	bed_add_entry(bed, AT + 4096);
	bed_pause(bed);
	bed_hello(bed, BED_EPOCH, 12, 0);
	assert_memory_equal(buffer, pattern, sizeof(pattern));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_page_is_on_the_record_before_its_answer_is_written),
		CASE(a_page_is_off_the_record_before_its_answer_is_written),
		CASE(each_message_finds_what_those_before_it_have_left),
		CASE(a_buffer_that_was_used_is_the_drivers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
